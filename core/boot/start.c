/* The start info of a PVH boot (Xen public header hvm/start_info.h, version 1): memory map, command line, module. */
#include <stddef.h>
#include "boot/boot.h"
#include "fault/log.h"

#define START_MAGIC 0x336ec578u
struct start_info {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, cmdline, rsdp, memory_map;
	uint32_t memory_map_count, reserved;
};
struct start_module {
	uint64_t address, bytes, cmdline, reserved;
};
struct start_memory {
	uint64_t address, bytes;
	uint32_t type, reserved;
};
#define MEMORY_RAM 1u
#define LOW_LIMIT 0x40000000ul /* the boot page tables map the first GiB */

static void memory_read(const struct start_info *info, struct boot_start *start)
{
	const struct start_memory *map = (const void *)info->memory_map;

	for (uint32_t i = 0; i < info->memory_map_count && i < 128; i++) {
		uint64_t from = (map[i].address + 0xfff) & ~0xffful, to = (map[i].address + map[i].bytes) & ~0xffful;
		if (map[i].type != MEMORY_RAM || to <= from || to > 1ul << 40 || start->ram_count == BOOT_RANGE_MAX)
			continue;
		start->ram[start->ram_count].start = from;
		start->ram[start->ram_count++].end = to;
	}
}

void boot_start_read(uint64_t physical, struct boot_start *start)
{
	const struct start_info *info = (const void *)physical;

	if (physical == 0 || physical >= LOW_LIMIT || info->magic != START_MAGIC || info->version < 1)
		log_fatal("not started by a PVH boot loader; use qemu-system-x86_64 -kernel build/zog.elf");
	if (info->memory_map == 0 || info->memory_map >= LOW_LIMIT)
		log_fatal("the boot loader gave no memory map");
	memory_read(info, start);
	start->acpi_root = info->rsdp;
	if (info->cmdline != 0 && info->cmdline < LOW_LIMIT)
		for (uint32_t i = 0; i < ZOG_CMDLINE_MAX - 1 && ((const char *)info->cmdline)[i]; i++)
			start->cmdline[i] = ((const char *)info->cmdline)[i];
	if (info->module_count > 0 && info->modules != 0 && info->modules < LOW_LIMIT) {
		const struct start_module *module = (const void *)info->modules;
		start->module_start = module->address;
		start->module_bytes = module->bytes;
	}
}
