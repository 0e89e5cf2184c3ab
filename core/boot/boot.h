/* What the parts of the boot share. */
#ifndef CORE_BOOT_BOOT_H
#define CORE_BOOT_BOOT_H

#include <stdint.h>
#include "zog/core.h"

#define BOOT_RANGE_MAX 32u
struct boot_start {
	struct { uint64_t start, end; } ram[BOOT_RANGE_MAX];
	uint32_t ram_count;
	uint64_t module_start, module_bytes, acpi_root;
	char cmdline[ZOG_CMDLINE_MAX];
};

/* boot/start.c: the boot loader's tables, each length and address checked. */
void boot_start_read(uint64_t physical, struct boot_start *start);
/* boot/memory.c */
void boot_memory_setup(const struct boot_start *start);
uint64_t boot_tables_build(void);
void boot_memory_rest(uint64_t *first, uint64_t *count);

extern uint64_t boot_ram_bytes;
extern volatile uint32_t boot_is_done;

#endif
