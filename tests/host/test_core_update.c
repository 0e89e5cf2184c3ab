/* flags: -DPHYSMAP_BASE=0x200000000000ul -fno-sanitize=alignment */
/* Live update in the core: which page 0 is accepted, what a slot may hold, who may switch when, and when a fault undoes it.
 * First each rule at its edge, then random pages 0: what is accepted lies where a domain's image may, whatever it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "object/update.c"

#define SLOT 24u
#define DATA 12u
#define WINDOW 64u
#define BASE ZOG_IMAGE_BASE

static const struct domain_desc desc = { .name = "test" };
struct cpu cpu_table[ZOG_CPU_MAX];
uint32_t cpu_count = 2;
const struct image_desc system_image[1];
static struct domain domain;
static struct image_desc boot_image;
static uint8_t boot_header[ZOG_PAGE_SIZE];
static uint32_t asked, mapped;
static bool is_measured = true;

uint64_t boot_memory(uint64_t bytes, enum frame_type type, uint32_t owner)
{
	(void)type, (void)owner;
	return (uint64_t)calloc(1, bytes) - PHYSMAP_BASE;
}
void *boot_pointer(uint64_t bytes) { return calloc(1, bytes); }
void log_line(const char *format, ...) { (void)format; }
void control_update(struct cpu *cpu, struct domain *of) { (void)cpu, (void)of, asked++; }
bool image_is_measured(struct domain *of, const struct image_desc *image) { (void)of, (void)image; return is_measured; }
void domain_image_map(struct domain *of, const struct image_desc *image) { of->image = image, mapped++; }

static struct zog_update_header good_header(void)
{
	return (struct zog_update_header){ .magic = ZOG_UPDATE_MAGIC, .layout = ZOG_UPDATE_LAYOUT, .entry = BASE + 16, .text_address = BASE, .text_pages = 4,
		.constants_address = BASE + 4 * ZOG_PAGE_SIZE, .constants_pages = 2, .data_address = BASE + 6 * ZOG_PAGE_SIZE, .data_bytes = 100,
		.data_memory_bytes = 3 * ZOG_PAGE_SIZE };
}

static int setup(void **state)
{
	(void)state;
	free(domain.update.slot_content[0]);
	free(domain.update.slot_content[1]);
	for (uint32_t i = 0; i < 3; i++)
		free(domain.update.sum[i]);
	memset(&domain, 0, sizeof(domain));
	memset(cpu_table, 0, sizeof(cpu_table));
	boot_image = (struct image_desc){ .entry = BASE + 16, .header = boot_header, .text = { BASE, 8, NULL }, .constants = { 0 },
		.data = { BASE + 8 * ZOG_PAGE_SIZE, 3 * ZOG_PAGE_SIZE - 5, 4 * ZOG_PAGE_SIZE, NULL } };
	domain.desc = &desc;
	domain.image = &boot_image;
	update_build(&domain);
	assert_int_equal(domain.update.slot_pages, 11 + 11 / 2 + 8); /* half larger and 8 pages */
	domain.update.slot_pages = SLOT; /* what was set aside */
	domain.update.data_pages = DATA;
	domain.update.window_pages = WINDOW;
	asked = mapped = 0;
	is_measured = true;
	return 0;
}

static zog_status_t load(const struct zog_update_header *header)
{
	static uint8_t page[ZOG_PAGE_SIZE];

	memcpy(page, header, sizeof(*header));
	zog_status_t status = update_write(&domain, 0, page);
	return status == ZOG_OK ? update_check(&domain) : status;
}

static void ticks_pass(uint64_t ticks)
{
	cpu_table[0].ticks += 2 * ticks; /* on average: the other CPU slept */
}

/* START answers, and so many invocations begin. */
static void start_and_call(uint64_t calls)
{
	domain.invocations++;
	domain.update.probation_invocations = domain.invocations;
	domain.invocations += calls;
}

static void update_to_new(void)
{
	struct zog_update_header header = good_header();

	assert_int_equal(load(&header), ZOG_OK);
	update_act(NULL, &domain);
	update_switch(&domain);
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

#define CHANGED(status, change) \
	do { \
		struct zog_update_header header = good_header(); \
		header.change; \
		assert_int_equal(load(&header), status); \
	} while (0)

static void each_bound_is_kept(void **state)
{
	(void)state;
	CHANGED(ZOG_OK, magic = ZOG_UPDATE_MAGIC);
	CHANGED(ZOG_ERR_ARGUMENT, magic = 1);
	CHANGED(ZOG_ERR_ARGUMENT, layout = 2);
	CHANGED(ZOG_ERR_ARGUMENT, text_pages = 0);
	CHANGED(ZOG_ERR_ARGUMENT, entry = BASE + 15);
	CHANGED(ZOG_OK, entry = BASE + 4 * ZOG_PAGE_SIZE - 1);
	CHANGED(ZOG_ERR_ARGUMENT, entry = BASE + 4 * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, entry = UINT64_MAX);
	CHANGED(ZOG_ERR_ARGUMENT, text_address = BASE - ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, text_address = BASE + 1);
	CHANGED(ZOG_ERR_ARGUMENT, text_pages = 5);               /* into the constants */
	CHANGED(ZOG_ERR_ARGUMENT, constants_address = BASE + 3 * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, constants_address = 0);
	CHANGED(ZOG_ERR_ARGUMENT, constants_pages = 3);          /* into the data */
	CHANGED(ZOG_ERR_TOO_BIG, constants_pages = SLOT);
	CHANGED(ZOG_ERR_TOO_BIG, text_pages = UINT32_MAX);
	CHANGED(ZOG_OK, data_address = BASE + (WINDOW - 3) * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, data_address = BASE + (WINDOW - 2) * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, data_address = BASE + WINDOW * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_ARGUMENT, data_address = UINT64_MAX & ~(ZOG_PAGE_SIZE - 1));
	CHANGED(ZOG_ERR_ARGUMENT, data_bytes = 3 * ZOG_PAGE_SIZE + 1);
	CHANGED(ZOG_OK, data_memory_bytes = DATA * ZOG_PAGE_SIZE);
	CHANGED(ZOG_ERR_TOO_BIG, data_memory_bytes = DATA * ZOG_PAGE_SIZE + 1);
	CHANGED(ZOG_ERR_TOO_BIG, data_memory_bytes = UINT32_MAX);
	is_measured = false;
	CHANGED(ZOG_ERR_CORRUPT, magic = ZOG_UPDATE_MAGIC);
	assert_false(update_is_checked(&domain));
}

static void a_page_behind_the_slot_is_refused(void **state)
{
	static uint8_t page[ZOG_PAGE_SIZE];

	(void)state;
	assert_int_equal(update_write(&domain, SLOT, page), ZOG_OK);
	assert_int_equal(update_write(&domain, SLOT + 1, page), ZOG_ERR_TOO_BIG);
	assert_int_equal(update_write(&domain, UINT32_MAX, page), ZOG_ERR_TOO_BIG);
}

static void what_changed_after_the_check_is_not_used(void **state)
{
	static uint8_t page[ZOG_PAGE_SIZE];
	struct zog_update_header header = good_header();

	(void)state;
	assert_int_equal(load(&header), ZOG_OK);
	assert_true(update_is_checked(&domain));
	update_write(&domain, 1, page);
	assert_false(update_is_checked(&domain));
	update_act(NULL, &domain);
	update_switch(&domain);
	assert_int_equal(asked + mapped, 0);
	assert_ptr_equal(domain.image, &boot_image);
}

static void an_update_waits_for_the_reset(void **state)
{
	static uint8_t page[ZOG_PAGE_SIZE];
	struct zog_update_header header = good_header();

	(void)state;
	assert_int_equal(load(&header), ZOG_OK);
	update_act(NULL, &domain);
	update_act(NULL, &domain); /* carried out again: asks again, arms once */
	assert_int_equal(asked, 2);
	assert_ptr_equal(domain.image, &boot_image);
	assert_int_equal(update_write(&domain, 0, page), ZOG_ERR_BUSY);
	assert_int_equal(update_check(&domain), ZOG_ERR_BUSY);
	assert_false(update_undo(&domain)); /* a fault of the old program */
	update_switch(&domain);
	assert_ptr_equal(domain.image, &domain.update.slot[0]);
	assert_int_equal(domain.update.updates, 1);
	update_switch(&domain); /* a later reset */
	assert_int_equal(mapped, 1);
}

static void the_first_fault_on_probation_undoes(void **state)
{
	static uint8_t page[ZOG_PAGE_SIZE];

	(void)state;
	update_to_new();
	assert_int_equal(update_write(&domain, 0, page), ZOG_ERR_BUSY);
	assert_true(update_undo(&domain)); /* before START answered */
	update_switch(&domain);
	assert_ptr_equal(domain.image, &boot_image);
	assert_false(update_undo(&domain)); /* the old one's own fault */
	assert_int_equal(domain.update.undone, 1);
	assert_int_equal(update_write(&domain, 0, page), ZOG_OK);
}

static void probation_ends_by_ticks_and_an_answer(void **state)
{
	(void)state;
	update_to_new();
	start_and_call(5);
	ticks_pass(PROBATION_TICKS - 1);
	assert_true(update_undo(&domain));
	update_switch(&domain);
	update_to_new();
	ticks_pass(PROBATION_TICKS);
	start_and_call(1); /* its first call is the one that faults */
	assert_true(update_undo(&domain));
	update_switch(&domain);
	update_to_new();
	start_and_call(2);
	ticks_pass(PROBATION_TICKS);
	assert_false(update_undo(&domain));
	assert_ptr_equal(domain.image, &domain.update.slot[0]);
}

static void the_slot_in_use_is_never_written(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		const struct image_desc *running = domain.image;
		uint8_t before[ZOG_PAGE_SIZE];
		memcpy(before, update_header(&domain), sizeof(before));
		update_to_new();
		assert_ptr_not_equal(domain.image, running);
		assert_ptr_equal(domain.update.previous, running);
		assert_memory_equal(before, running->header, sizeof(before));
		ticks_pass(PROBATION_TICKS);
	}
	assert_int_equal(domain.update.updates, 6);
}

/* An exception in ring 0 in the middle of a switch: the next reset does it again. */
static void a_cut_switch_is_done_again(void **state)
{
	struct zog_update_header header = good_header();

	(void)state;
	assert_int_equal(load(&header), ZOG_OK);
	update_act(NULL, &domain);
	domain.update.state = ZOG_UPDATE_SWITCHING;
	assert_false(update_undo(&domain));
	update_switch(&domain);
	assert_ptr_equal(domain.image, &domain.update.slot[0]);
	assert_int_equal(domain.update.state, ZOG_UPDATE_PROBATION);
}

static uint64_t random_state = 20;
static uint64_t random_next(void)
{
	random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
	return random_state;
}

static uint64_t odd_value(void)
{
	static const uint64_t odd[] = { 0, 1, 15, 4095, 4096, BASE - 4096, BASE, BASE + 16, BASE + 4096, BASE + WINDOW * 4096, UINT32_MAX, 1ul << 47,
		0xffffffff80000000ul, UINT64_MAX, UINT64_MAX - 4095, SLOT, DATA * 4096, DATA * 4096 + 1 };

	switch (random_next() % 4) {
	case 0: return odd[random_next() % (sizeof(odd) / sizeof(odd[0]))];
	case 1: return BASE + random_next() % (WINDOW + 2) * ZOG_PAGE_SIZE;
	case 2: return random_next() % 40;
	default: return random_next();
	}
}

static void region_is_inside(uint64_t address, uint64_t pages)
{
	assert_true(pages == 0 || (address >= BASE && address % ZOG_PAGE_SIZE == 0 && pages <= WINDOW && address + pages * ZOG_PAGE_SIZE <= BASE + WINDOW * ZOG_PAGE_SIZE));
}

static void random_pages_give_images_in_bounds(void **state)
{
	uint32_t accepted = 0;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		struct zog_update_header header = good_header();
		for (uint64_t n = 1 + random_next() % 3; n > 0; n--) {
			uint64_t value = odd_value();
			switch (random_next() % 9) {
			case 0: header.entry = value; break;
			case 1: header.text_address = value; break;
			case 2: header.text_pages = (uint32_t)value; break;
			case 3: header.constants_address = value; break;
			case 4: header.constants_pages = (uint32_t)value; break;
			case 5: header.data_address = value; break;
			case 6: header.data_bytes = (uint32_t)value; break;
			case 7: header.data_memory_bytes = (uint32_t)value; break;
			default: ((uint8_t *)&header)[random_next() % 256] = (uint8_t)value;
			}
		}
		if (load(&header) != ZOG_OK)
			continue;
		accepted++;
		const struct image_desc *image = &domain.update.slot[0];
		const uint8_t *content = domain.update.slot_content[0], *end = content + (1 + SLOT) * ZOG_PAGE_SIZE;
		region_is_inside(image->text.address, image->text.pages);
		region_is_inside(image->constants.address, image->constants.pages);
		region_is_inside(image->data.address, pages_of(image->data.memory_bytes));
		assert_true(image->text.pages > 0 && image->entry >= image->text.address + 16 && image->entry < image->text.address + image->text.pages * ZOG_PAGE_SIZE);
		assert_true(pages_of(image->data.memory_bytes) <= DATA && image->data.bytes <= image->data.memory_bytes);
		assert_true(image->text.content > content && image->data.content + image->data.bytes <= end);
		assert_true(image->constants.content + image->constants.pages * ZOG_PAGE_SIZE <= end);
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_bound_is_kept, setup),
		cmocka_unit_test_setup(a_page_behind_the_slot_is_refused, setup),
		cmocka_unit_test_setup(what_changed_after_the_check_is_not_used, setup),
		cmocka_unit_test_setup(an_update_waits_for_the_reset, setup),
		cmocka_unit_test_setup(the_first_fault_on_probation_undoes, setup),
		cmocka_unit_test_setup(probation_ends_by_ticks_and_an_answer, setup),
		cmocka_unit_test_setup(the_slot_in_use_is_never_written, setup),
		cmocka_unit_test_setup(a_cut_switch_is_done_again, setup),
		cmocka_unit_test_setup(random_pages_give_images_in_bounds, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
