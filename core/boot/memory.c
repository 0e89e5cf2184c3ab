/* Boot memory: one bump allocator in the largest run of RAM, the core's final page tables, the frame table. */
#include <stddef.h>
#include "boot/boot.h"
#include "object/cpu.h"
#include "object/domain.h"
#include "object/frame.h"
#include "fault/log.h"
#include "arch/x86_64/apic.h"

struct frame *frame_table;
uint64_t frame_count, boot_ram_bytes, core_pml4_physical;
uint64_t *boot_iommu_entry; /* of the core's page tables, for IOMMU_BASE */
extern uint8_t core_text_start[], core_text_end[], core_data_start[], core_data_end[], core_end[], boot_end[];

#define FIRMWARE_START 0xe0000ul /* below the first MiB: ACPI's root stands there (ACPI 6.4 section 5.2.5.1) */
#define FIRMWARE_END 0x100000ul

static uint64_t next_free, region_end, ram_top;
static uint64_t other_start, other_end; /* the largest run of RAM that is not the boot's */
static uint32_t is_mapped; /* the physical map is in use */
static const struct boot_start *boot;

static void *early_pointer(uint64_t physical) { return is_mapped ? physical_pointer(physical) : (void *)(CORE_BASE + physical); }

#define NEED_TEXT "too little memory: this system needs at least 256 MiB; start it with more, for example ./zog run --mem 1024"

uint64_t boot_memory(uint64_t bytes, enum frame_type type, uint32_t owner)
{
	uint64_t start = next_free;

	bytes = (bytes + ZOG_PAGE_SIZE - 1) & ~(ZOG_PAGE_SIZE - 1);
	if (bytes > region_end - next_free)
		log_fatal(NEED_TEXT);
	next_free += bytes;
	memset(early_pointer(start), 0, bytes);
	for (uint64_t i = start >> 12; frame_table != NULL && i < next_free >> 12; i++) {
		frame_table[i].type = type;
		frame_table[i].owner = (uint8_t)owner;
	}
	return start;
}

void *boot_pointer(uint64_t bytes) { return physical_pointer(boot_memory(bytes, FRAME_TABLE, 0)); }

#define PAYLOAD_MIN (48ul << 20)

void boot_memory_rest(uint64_t *first, uint64_t *count)
{
	if (region_end - next_free < PAYLOAD_MIN && other_end - other_start < PAYLOAD_MIN)
		log_fatal(NEED_TEXT);
	if (other_end - other_start > region_end - next_free) {
		*first = other_start >> 12;
		*count = (other_end - other_start) >> 12;
		return;
	}
	*first = next_free >> 12;
	*count = (region_end - next_free) >> 12;
	next_free = region_end;
}

/* The run of RAM that starts lowest and holds the core serves the boot: the boot page tables reach only the first GiB.
 * The largest other run is kept for programs if it is larger than what boot leaves. */
static void region_choose(void)
{
	uint64_t core_top = (uint64_t)core_end - CORE_BASE;

	for (uint32_t i = 0; i < boot->ram_count; i++) {
		uint64_t start = boot->ram[i].start, end = boot->ram[i].end;
		boot_ram_bytes += end - start;
		if (end > ram_top)
			ram_top = end;
		if (boot->module_bytes && boot->module_start < end && boot->module_start + boot->module_bytes > start)
			end = boot->module_start & ~(ZOG_PAGE_SIZE - 1);
		if (start <= core_top && end > core_top) {
			next_free = core_top;
			region_end = end;
		} else if (end > start && end - start > other_end - other_start) {
			other_start = start;
			other_end = end;
		}
	}
}

static uint64_t *table_entry(uint64_t pml4, uint64_t address, uint32_t leaf_level)
{
	uint64_t *table = early_pointer(pml4);

	for (uint32_t level = 3; level > leaf_level; level--) {
		uint64_t *entry = &table[address >> (12 + 9 * level) & 511];
		if (!(*entry & PTE_PRESENT))
			*entry = boot_memory(ZOG_PAGE_SIZE, FRAME_TABLE, 0) | PTE_PRESENT | PTE_WRITE;
		table = early_pointer(*entry & PTE_ADDRESS);
	}
	return &table[address >> (12 + 9 * leaf_level) & 511];
}

static bool is_guard(uint64_t address)
{
	uint64_t at = address - (uint64_t)stack_table;

	return at < sizeof(stack_table) && at % sizeof(struct stack) == 0;
}

/* Rights of a frame of the core's file, in the core's own mapping; in the physical map never more than reading for
 * text and constants. Boot code is not mapped at all. */
static uint64_t core_rights(uint64_t address)
{
	if (is_guard(address))
		return 0;
	if (address >= (uint64_t)core_text_start && address < (uint64_t)core_text_end)
		return PTE_PRESENT;
	if (address >= (uint64_t)core_data_start && address < (uint64_t)core_data_end)
		return PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE;
	return PTE_PRESENT | PTE_NO_EXECUTE;
}

static void physical_map_build(uint64_t pml4)
{
	uint64_t core_start = (uint64_t)core_text_start - CORE_BASE, core_top = (uint64_t)core_end - CORE_BASE;
	uint64_t fine = (core_top + 0x1fffff) & ~0x1ffffful;

	for (uint64_t at = 0; at < fine; at += ZOG_PAGE_SIZE) {
		uint64_t rights = PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE;
		if (at >= core_start && at < core_top)
			rights = (core_rights(CORE_BASE + at) & PTE_WRITE) | PTE_PRESENT | PTE_NO_EXECUTE;
		*table_entry(pml4, PHYSMAP_BASE + at, 0) = at | rights | PTE_GLOBAL;
	}
	for (uint64_t at = fine; at < ram_top; at += 0x200000)
		*table_entry(pml4, PHYSMAP_BASE + at, 1) = at | PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE | PTE_LARGE | PTE_GLOBAL;
}

uint64_t boot_tables_build(void)
{
	uint64_t pml4 = boot_memory(ZOG_PAGE_SIZE, FRAME_TABLE, 0);

	for (uint64_t at = (uint64_t)core_text_start; at < (uint64_t)core_end; at += ZOG_PAGE_SIZE)
		*table_entry(pml4, at, 0) = (at - CORE_BASE) | core_rights(at) | PTE_GLOBAL;
	*table_entry(pml4, IOAPIC_BASE, 1) = 0xfec00000ul | PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE | PTE_LARGE | PTE_UNCACHED | PTE_GLOBAL;
	*table_entry(pml4, APIC_BASE, 1) = 0xfee00000ul | PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE | PTE_LARGE | PTE_UNCACHED | PTE_GLOBAL;
	/* The boot code's variables and the trampoline that starts further CPUs: mapped as data, not executable. */
	for (uint64_t at = 0x100000; at < (uint64_t)boot_end; at += ZOG_PAGE_SIZE)
		*table_entry(pml4, CORE_BASE + at, 0) = at | PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE;
	physical_map_build(pml4);
	cr3_write(pml4);
	is_mapped = 1;
	core_pml4_physical = pml4;
	boot_iommu_entry = table_entry(pml4, IOMMU_BASE, 1);
	/* Everything handed out so far holds tables: the frame table starts with it. */
	uint64_t used_from = pml4;
	frame_count = ram_top >> 12;
	struct frame *table = physical_pointer(boot_memory(frame_count * sizeof(struct frame), FRAME_TABLE, 0));
	frame_table = table;
	for (uint64_t i = used_from >> 12; i < next_free >> 12; i++)
		frame_table[i].type = FRAME_TABLE;
	for (uint64_t i = 0; i < (uint64_t)core_end - CORE_BASE; i += ZOG_PAGE_SIZE)
		if (i < FIRMWARE_START || i >= FIRMWARE_END)
			frame_table[i >> 12].type = FRAME_TABLE;
	if (boot->module_bytes && boot->module_start + boot->module_bytes <= ram_top) {
		uint8_t *copy = boot_pointer(boot->module_bytes);
		memcpy(copy, physical_pointer(boot->module_start), boot->module_bytes);
		boot_module = (struct module_desc){ "initrd", copy, boot->module_bytes };
	}
	return pml4;
}

void boot_memory_setup(const struct boot_start *start)
{
	boot = start;
	region_choose();
	if (boot_ram_bytes < 200ul << 20)
		log_fatal(NEED_TEXT);
}
