/* Checked ELF images: what elf_check() accepts can be mapped without any further question. */
#ifndef LINUX_ELF_IMAGE_H
#define LINUX_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include "linux/elf.h"

enum { ELF_SEGMENT_MAX = 16, ELF_HEADER_MAX = 64 };
#define ELF_ADDRESS_MIN 0x10000ul
#define ELF_ADDRESS_END 0x00007ff000000000ul /* leaves room for stack and mappings */

struct elf_segment {
	uint64_t start, file_end, end; /* addresses before bias; file_end = start + bytes from the file */
	uint64_t offset;               /* in the file, of start */
	uint32_t access;               /* 1 read, 2 write, 4 execute */
};
struct elf_image {
	bool is_relocatable;
	uint64_t entry, low, high; /* addresses before bias; low and high are whole pages */
	uint64_t header_address;   /* of the program headers in memory; 0: not mapped */
	uint32_t header_count;
	uint32_t segment_count;
	struct elf_segment segment[ELF_SEGMENT_MAX];
	uint64_t interpreter_offset, interpreter_length; /* length 0: none; includes the NUL */
};

/* Is HEADER that of a program for this machine, with its program headers inside the file? */
bool elf_header_check(const struct elf_header *header, uint64_t file_size);
/* Reads the checked header's program headers (header->phnum of them) into *image; false: damaged. */
bool elf_check(const struct elf_header *header, const struct elf_program_header *program, uint64_t file_size,
	       struct elf_image *image);

#endif
