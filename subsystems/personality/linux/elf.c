/* Checks of ELF headers. Every field that is used later is checked here against the file and the address limits; no
 * memory but the arguments is touched, so this file is tested on the host as it stands. */
#include "elf.h"

#define PAGE 4096ul

static const uint8_t elf_ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }; /* 64 bits, little-endian, version 1 */

bool elf_header_check(const struct elf_header *header, uint64_t file_size)
{
	for (size_t i = 0; i < sizeof(elf_ident); i++)
		if (header->ident[i] != elf_ident[i])
			return false;
	if ((header->type != ET_EXEC && header->type != ET_DYN) || header->machine != EM_X86_64 || header->version != 1)
		return false;
	if (header->phentsize != sizeof(struct elf_program_header) || header->phnum == 0 || header->phnum > ELF_HEADER_MAX)
		return false;
	return header->phoff <= file_size &&
	       header->phnum * sizeof(struct elf_program_header) <= file_size - header->phoff;
}

static bool segment_check(const struct elf_program_header *program, uint64_t file_size)
{
	if (program->filesz > program->memsz || program->memsz > ELF_ADDRESS_END)
		return false;
	if (program->offset > file_size || program->filesz > file_size - program->offset)
		return false;
	if (program->vaddr >= ELF_ADDRESS_END || program->memsz > ELF_ADDRESS_END - program->vaddr)
		return false;
	if (program->align > 1 && (program->align & (program->align - 1)))
		return false;
	return program->filesz == 0 || (program->vaddr - program->offset) % PAGE == 0;
}

static uint32_t segment_access(uint32_t flags)
{
	return (flags & PF_R ? 1 : 0) | (flags & PF_W ? 2 : 0) | (flags & PF_X ? 4 : 0);
}

/* Segments must come in ascending order and not share a page. */
static bool segment_add(struct elf_image *image, const struct elf_program_header *program)
{
	struct elf_segment *segment = &image->segment[image->segment_count];

	if (program->memsz == 0)
		return true;
	if (image->segment_count == ELF_SEGMENT_MAX)
		return false;
	if (image->segment_count && program->vaddr / PAGE * PAGE < image->high)
		return false;
	segment->start = program->vaddr;
	segment->file_end = program->vaddr + program->filesz;
	segment->end = program->vaddr + program->memsz;
	segment->offset = program->offset;
	segment->access = segment_access(program->flags);
	if (image->segment_count++ == 0)
		image->low = program->vaddr / PAGE * PAGE;
	image->high = (segment->end + PAGE - 1) / PAGE * PAGE;
	return true;
}

static bool interpreter_check(const struct elf_program_header *program, uint64_t file_size)
{
	return program->filesz >= 2 && program->filesz < PAGE && program->offset <= file_size &&
	       program->filesz <= file_size - program->offset;
}

static bool entry_check(const struct elf_image *image)
{
	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segment[i];

		if ((segment->access & 4) && image->entry >= segment->start && image->entry < segment->end)
			return true;
	}
	return false;
}

/* The headers are in memory where a segment maps that part of the file. */
static uint64_t header_place(const struct elf_header *header, const struct elf_image *image)
{
	uint64_t size = header->phnum * sizeof(struct elf_program_header);

	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segment[i];
		uint64_t length = segment->file_end - segment->start;

		if (header->phoff >= segment->offset && header->phoff - segment->offset <= length &&
		    size <= length - (header->phoff - segment->offset))
			return segment->start + (header->phoff - segment->offset);
	}
	return 0;
}

bool elf_check(const struct elf_header *header, const struct elf_program_header *program, uint64_t file_size,
	       struct elf_image *image)
{
	__builtin_memset(image, 0, sizeof(*image));
	for (uint32_t i = 0; i < header->phnum; i++, program++) {
		if (program->type == PT_LOAD && (!segment_check(program, file_size) || !segment_add(image, program)))
			return false;
		if (program->type != PT_INTERP)
			continue;
		if (image->interpreter_length || !interpreter_check(program, file_size))
			return false;
		image->interpreter_offset = program->offset;
		image->interpreter_length = program->filesz;
	}
	image->is_relocatable = header->type == ET_DYN;
	image->entry = header->entry;
	image->header_count = header->phnum;
	image->header_address = header_place(header, image);
	if (image->segment_count == 0 || (!image->is_relocatable && image->low < ELF_ADDRESS_MIN))
		return false;
	return entry_check(image);
}
