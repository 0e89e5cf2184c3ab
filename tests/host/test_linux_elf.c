/* sources: subsystems/personality/linux/elf.c */
/* flags: -Isubsystems/personality/linux */
/* ELF checks: a sound program is accepted; each field damaged alone is refused; random damage never leads to an image
 * that could not be mapped as it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf.h"

#define FILE_SIZE 0x10000ul

struct sample {
	struct elf_header header;
	struct elf_program_header program[3];
};

/* Text, data with zeros behind it, and an interpreter. */
static struct sample sound(void)
{
	struct sample s = {
		.header = { .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .type = ET_EXEC, .machine = EM_X86_64, .version = 1,
			    .entry = 0x401000, .phoff = 64, .ehsize = 64, .phentsize = 56, .phnum = 3 },
		.program = {
			{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x400000, 0x3000, 0x3000, 0x1000 },
			{ PT_LOAD, PF_R | PF_W, 0x3f00, 0x404f00, 0x404f00, 0x200, 0x3000, 0x1000 },
			{ PT_INTERP, PF_R, 0x200, 0x400200, 0x400200, 0x10, 0x10, 1 },
		},
	};

	return s;
}

static bool accepted(const struct sample *s, struct elf_image *image)
{
	return elf_header_check(&s->header, FILE_SIZE) && elf_check(&s->header, s->program, FILE_SIZE, image);
}

static void a_sound_program_is_understood(void **state)
{
	struct sample s = sound();
	struct elf_image image;

	(void)state;
	assert_true(accepted(&s, &image));
	assert_int_equal(image.segment_count, 2);
	assert_int_equal(image.low, 0x400000);
	assert_int_equal(image.high, 0x408000);
	assert_int_equal(image.segment[1].start, 0x404f00);
	assert_int_equal(image.segment[1].file_end, 0x405100);
	assert_int_equal(image.segment[1].end, 0x407f00);
	assert_int_equal(image.segment[0].access, 5);
	assert_int_equal(image.header_address, 0x400040);
	assert_int_equal(image.interpreter_offset, 0x200);
	assert_int_equal(image.interpreter_length, 0x10);
	assert_false(image.is_relocatable);
}

static void headers_outside_the_segments_have_no_address(void **state)
{
	struct sample s = sound();
	struct elf_image image;

	(void)state;
	s.header.phoff = 0x8000;
	assert_true(accepted(&s, &image));
	assert_int_equal(image.header_address, 0);
}

#define REFUSED(damage) \
	do { \
		struct sample s = sound(); \
		struct elf_image image; \
		damage; \
		if (accepted(&s, &image)) \
			fail_msg("accepted: %s", #damage); \
	} while (0)

static void each_damaged_header_field_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 7; i++)
		REFUSED(s.header.ident[i] ^= 0xff);
	REFUSED(s.header.type = 1);
	REFUSED(s.header.type = 4);
	REFUSED(s.header.machine = 3);
	REFUSED(s.header.version = 0);
	REFUSED(s.header.phentsize = 55);
	REFUSED(s.header.phentsize = 0);
	REFUSED(s.header.phnum = 0);
	REFUSED(s.header.phnum = 65);
	REFUSED(s.header.phnum = 0xffff);
	REFUSED(s.header.phoff = FILE_SIZE);
	REFUSED(s.header.phoff = FILE_SIZE - 100);
	REFUSED(s.header.phoff = UINT64_MAX - 10);
	REFUSED(s.header.entry = 0);
	REFUSED(s.header.entry = 0x405000); /* in the data, which is not executable */
	REFUSED(s.header.entry = 0x403000); /* one past the text */
}

static void each_damaged_segment_field_is_refused(void **state)
{
	(void)state;
	REFUSED(s.program[0].filesz = 0x3001); /* more than memsz */
	REFUSED(s.program[0].offset = FILE_SIZE + 0x1000);
	REFUSED(s.program[0].offset = UINT64_MAX - 0xfff);
	REFUSED((s.program[1].filesz = FILE_SIZE, s.program[1].memsz = FILE_SIZE));
	REFUSED(s.program[1].memsz = UINT64_MAX);
	REFUSED(s.program[1].memsz = ELF_ADDRESS_END - 0x404f00 + 1);
	REFUSED(s.program[1].vaddr = UINT64_MAX - 0xff);
	REFUSED(s.program[1].vaddr = ELF_ADDRESS_END);
	REFUSED(s.program[1].vaddr = 0x404f01); /* not congruent with its offset */
	REFUSED(s.program[1].vaddr = 0x402f00); /* on the text's pages */
	REFUSED(s.program[1].vaddr = 0x300f00); /* below the text */
	REFUSED(s.program[0].align = 3);
	REFUSED(s.program[0].vaddr = 0); /* the page at zero */
	REFUSED(s.program[0].flags = PF_R);
	REFUSED((s.program[0].type = 0, s.program[1].type = 0));
	REFUSED(s.program[2].filesz = 1);
	REFUSED(s.program[2].filesz = 4096);
	REFUSED(s.program[2].offset = FILE_SIZE);
	REFUSED(s.program[1].type = PT_INTERP); /* two of them */
}

static void too_many_segments_are_refused(void **state)
{
	struct elf_header header = sound().header;
	struct elf_program_header program[ELF_SEGMENT_MAX + 1];
	struct elf_image image;

	(void)state;
	for (uint32_t i = 0; i <= ELF_SEGMENT_MAX; i++)
		program[i] = (struct elf_program_header){ PT_LOAD, PF_R | PF_X, 0, 0x400000 + i * 0x10000ul, 0, 0x1800, 0x1800, 4096 };
	header.phnum = ELF_SEGMENT_MAX;
	assert_true(elf_check(&header, program, FILE_SIZE, &image));
	header.phnum = ELF_SEGMENT_MAX + 1;
	assert_false(elf_check(&header, program, FILE_SIZE, &image));
}

/* What exec relies on, without asking again. */
static void assert_mappable(const struct elf_image *image)
{
	uint64_t last = 0;

	assert_in_range(image->segment_count, 1, ELF_SEGMENT_MAX);
	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segment[i];

		assert_true(segment->start <= segment->file_end && segment->file_end <= segment->end);
		assert_true(segment->end > segment->start && segment->end <= ELF_ADDRESS_END);
		assert_true(segment->start / 4096 * 4096 >= last);
		assert_true(segment->offset + (segment->file_end - segment->start) <= FILE_SIZE);
		assert_true(segment->file_end == segment->start || (segment->start - segment->offset) % 4096 == 0);
		last = (segment->end + 4095) / 4096 * 4096;
	}
	assert_int_equal(image->high, last);
	assert_true(image->is_relocatable || image->low >= ELF_ADDRESS_MIN);
	assert_true(image->interpreter_length < 4096);
	assert_true(image->interpreter_offset + image->interpreter_length <= FILE_SIZE);
}

static void random_damage_never_passes_unmappable(void **state)
{
	uint32_t passed = 0;

	(void)state;
	srandom(1);
	for (uint32_t round = 0; round < 300000; round++) {
		struct sample s = sound();
		struct elf_image image;

		for (int bits = random() % 4; bits >= 0; bits--)
			((uint8_t *)&s)[16 + random() % (sizeof(s) - 16)] ^= 1u << random() % 8;
		if (s.header.phnum > 3 || !accepted(&s, &image))
			continue;
		assert_mappable(&image);
		passed++;
	}
	assert_true(passed > 1000); /* most bits of addresses and sizes are free */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_program_is_understood),
		cmocka_unit_test(headers_outside_the_segments_have_no_address),
		cmocka_unit_test(each_damaged_header_field_is_refused),
		cmocka_unit_test(each_damaged_segment_field_is_refused),
		cmocka_unit_test(too_many_segments_are_refused),
		cmocka_unit_test(random_damage_never_passes_unmappable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
