/* The remapping unit: its registers, its invalidation queue, switching it on. Section numbers: VT-d specification 3.x.
 *
 * Queue: descriptors are appended and followed by a wait descriptor; the unit then writes a number of ours to memory,
 * and everything before it is done, requests that were under way included (drain, section 6.5.5). One request at a time,
 * so the queue holds no more than one request's descriptors. */
#include <stddef.h>
#include "arch/x86_64/apic.h"
#include "fault/log.h"
#include "iommu/iommu.h"
#include "object/frame.h"
#include "object/lock.h"

/* Section 10.4. */
enum unit_register {
	REGISTER_VERSION = 0x00, REGISTER_CAPABILITY = 0x08, REGISTER_EXTENDED = 0x10, REGISTER_COMMAND = 0x18,
	REGISTER_STATUS = 0x1c, REGISTER_ROOT = 0x20, REGISTER_FAULT_STATUS = 0x34, REGISTER_FAULT_CONTROL = 0x38,
	REGISTER_FAULT_DATA = 0x3c, REGISTER_FAULT_ADDRESS = 0x40, REGISTER_FAULT_ADDRESS_HIGH = 0x44,
	REGISTER_QUEUE_TAIL = 0x88, REGISTER_QUEUE = 0x90, REGISTER_INTERRUPTS = 0xb8,
};
enum unit_command {
	COMMAND_TRANSLATE = 1u << 31, COMMAND_ROOT = 1u << 30, COMMAND_QUEUE = 1u << 26, COMMAND_REMAP = 1u << 25,
	COMMAND_INTERRUPTS = 1u << 24,
};
#define STATUS_LASTING 0x96ffffffu /* bits of the status that a command must repeat (10.4.4) */
#define CAPABILITY_DOMAINS(c) (1ull << (4 + 2 * ((c) & 7)))
#define CAPABILITY_NEEDS_FLUSH (1ull << 4)
#define CAPABILITY_LEVELS_3 (1ull << 9)
#define CAPABILITY_LEVELS_4 (1ull << 10)
#define CAPABILITY_PAGE_SELECTIVE (1ull << 39)
#define EXTENDED_COHERENT 1ull
#define EXTENDED_QUEUE 2ull
#define EXTENDED_INTERRUPTS 8ull

#define QUEUE_ENTRIES 256u /* one page */
enum descriptor { /* section 6.5.2 */
	DESCRIPTOR_CONTEXT = 1, DESCRIPTOR_TRANSLATION = 2, DESCRIPTOR_INTERRUPT = 4, DESCRIPTOR_WAIT = 5,
};
#define GRANULARITY(g) ((uint64_t)(g) << 4)
enum { ALL = 1, OF_DOMAIN = 2, ONE = 3 }; /* granularities; ONE: device, page */
#define DRAIN (3ull << 6) /* reads and writes under way */
#define ANSWER_BY_WRITE (1ull << 5)
#define ANSWER_MS_MAX 1000u

struct iommu_unit iommu_unit;
extern uint64_t *boot_iommu_entry; /* boot/memory.c */
static CORE_LOCK struct lock iommu_lock = LOCK_INIT;
static uint64_t *queue;
static uint32_t queue_tail;
static volatile uint32_t *answer;
static uint32_t question;

static volatile uint32_t *register32(uint32_t offset) { return (volatile uint32_t *)(iommu_unit.registers + offset); }
static volatile uint64_t *register64(uint32_t offset) { return (volatile uint64_t *)(iommu_unit.registers + offset); }

void iommu_store(uint64_t *entry, uint64_t value)
{
	*(volatile uint64_t *)entry = value;
	if (!(iommu_unit.extended & EXTENDED_COHERENT))
		__asm__ volatile("clflush (%0)" : : "r"(entry) : "memory");
}

/* --- invalidation ------------------------------------------------------------------------------------------------- */

static void queue_append(uint64_t low, uint64_t high)
{
	iommu_store(&queue[queue_tail * 2], low);
	iommu_store(&queue[queue_tail * 2 + 1], high);
	queue_tail = (queue_tail + 1) % QUEUE_ENTRIES;
}

static bool queue_wait(void)
{
	uint64_t end = tsc_read() + ANSWER_MS_MAX * time_tsc_khz;

	question++;
	queue_append(DESCRIPTOR_WAIT | ANSWER_BY_WRITE | (uint64_t)question << 32, pointer_physical((const void *)answer));
	*register64(REGISTER_QUEUE_TAIL) = (uint64_t)queue_tail << 4;
	while (*answer != question) {
		if (tsc_read() > end)
			return false;
		cpu_pause();
	}
	return true;
}

bool iommu_invalidate(enum iommu_scope scope, uint32_t number, uint32_t source, uint64_t address)
{
	uint32_t cpu = cpu_current()->id;
	uint64_t domain = (uint64_t)number << 16;

	if (iommu_unit.registers == NULL)
		return true;
	lock_take(&iommu_lock, cpu);
	if (scope == SCOPE_ALL)
		queue_append(DESCRIPTOR_CONTEXT | GRANULARITY(ALL), 0);
	if (scope == SCOPE_DEVICE)
		queue_append(DESCRIPTOR_CONTEXT | GRANULARITY(ONE) | domain | (uint64_t)source << 32, 0);
	if (scope == SCOPE_ALL)
		queue_append(DESCRIPTOR_TRANSLATION | GRANULARITY(ALL) | DRAIN, 0);
	else if (scope == SCOPE_PAGE && (iommu_unit.capability & CAPABILITY_PAGE_SELECTIVE))
		queue_append(DESCRIPTOR_TRANSLATION | GRANULARITY(ONE) | DRAIN | domain, address);
	else
		queue_append(DESCRIPTOR_TRANSLATION | GRANULARITY(OF_DOMAIN) | DRAIN | domain, 0);
	if (iommu_unit.does_remap_interrupts && (scope == SCOPE_ALL || scope == SCOPE_DEVICE))
		queue_append(DESCRIPTOR_INTERRUPT, 0);
	bool is_done = queue_wait();
	lock_release(&iommu_lock);
	if (!is_done)
		log_line("zog: iommu does not answer, fault status 0x%x", *register32(REGISTER_FAULT_STATUS));
	return is_done;
}

/* --- switching on ------------------------------------------------------------------------------------------------- */

/* One command at a time, and its bit in the status says that it took effect (10.4.4). */
static bool unit_command(uint32_t command)
{
	uint64_t end = tsc_read() + ANSWER_MS_MAX * time_tsc_khz;

	*register32(REGISTER_COMMAND) = (*register32(REGISTER_STATUS) & STATUS_LASTING) | command;
	while (!(*register32(REGISTER_STATUS) & command)) {
		if (tsc_read() > end)
			return false;
		cpu_pause();
	}
	return true;
}

bool iommu_is_at(uint64_t physical, uint64_t bytes)
{
	return iommu_unit.base != 0 && physical < iommu_unit.base + ZOG_PAGE_SIZE && physical + bytes > iommu_unit.base;
}

/* Registers, not memory and not an interrupt controller. */
bool iommu_base_is_good(uint64_t base)
{
	if (base == 0)
		return iommu_unit.base == 0;
	if (base % ZOG_PAGE_SIZE || base < 0x80000000ul || base >= 1ul << 46 || base == 0xfec00000ul || base >> 20 == 0xfeeul)
		return false;
	return (iommu_unit.base == 0 || iommu_unit.base == base) &&
	       (base >> 12 >= frame_count || frame_table[base >> 12].type == FRAME_RESERVED);
}

/* What this file needs of a unit. NULL: it has that; else what is missing. */
static const char *unit_lack(void)
{
	uint64_t capability = iommu_unit.capability, extended = iommu_unit.extended;
	uint32_t version = *register32(REGISTER_VERSION);

	if ((version & 0xf0) == 0 || version > 0xff || capability == UINT64_MAX || CAPABILITY_DOMAINS(capability) <= ZOG_DOMAIN_MAX)
		return "its registers make no sense";
	if ((*register32(REGISTER_STATUS) & (COMMAND_TRANSLATE | COMMAND_QUEUE | COMMAND_REMAP)) != 0)
		return "somebody has switched it on";
	if (!(extended & EXTENDED_QUEUE) || (capability & CAPABILITY_NEEDS_FLUSH))
		return "it has no invalidation queue";
	return capability & (CAPABILITY_LEVELS_3 | CAPABILITY_LEVELS_4) ? NULL : "it has no tables of three or four levels";
}

static void unit_tables_set(void)
{
	*register64(REGISTER_ROOT) = pointer_physical(iommu_unit.root);
	*register64(REGISTER_QUEUE_TAIL) = 0;
	*register64(REGISTER_QUEUE) = pointer_physical(queue);
	*register64(REGISTER_INTERRUPTS) = pointer_physical(iommu_unit.interrupts) | 7; /* 2^8 entries */
	*register32(REGISTER_FAULT_DATA) = VECTOR_IOMMU;
	*register32(REGISTER_FAULT_ADDRESS) = 0xfee00000u; /* to the first CPU, as all devices */
	*register32(REGISTER_FAULT_ADDRESS_HIGH) = 0;
	*register32(REGISTER_FAULT_CONTROL) = 0;
}

/* Order (section 6.5.2, 5.1.5): queue, root, empty caches, translation; then the same for interrupts. */
static bool unit_start(uint32_t ioapic_source)
{
	unit_tables_set();
	if (!unit_command(COMMAND_QUEUE) || !unit_command(COMMAND_ROOT) || !iommu_invalidate(SCOPE_ALL, 0, 0, 0) ||
	    !unit_command(COMMAND_TRANSLATE))
		return false;
	if (!(iommu_unit.extended & EXTENDED_INTERRUPTS) || ioapic_source >= IOMMU_NO_SOURCE)
		return true;
	iommu_unit.does_remap_interrupts = true;
	if (!unit_command(COMMAND_INTERRUPTS) || !iommu_invalidate(SCOPE_ALL, 0, 0, 0))
		return false;
	iommu_lines_route(ioapic_source);
	return unit_command(COMMAND_REMAP);
}

static void unit_refuse(const char *why)
{
	iommu_unit.registers = NULL;
	log_line("zog: iommu off: %s; every driver with a device, and that device, is trusted with all memory", why);
}

void iommu_enable(uint64_t base, uint32_t ioapic_source)
{
	struct zog_info *info = physical_pointer(boot_info_page);

	if (iommu_unit.registers != NULL || info->iommu & ZOG_IOMMU_ASKED)
		return;
	info->iommu |= ZOG_IOMMU_ASKED;
	if (base == 0) {
		unit_refuse("this machine has none that can be used");
		return;
	}
	*boot_iommu_entry = (base & ~0x1ffffful) | PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE | PTE_LARGE | PTE_UNCACHED | PTE_GLOBAL;
	iommu_unit.base = base;
	iommu_unit.registers = (volatile uint8_t *)(IOMMU_BASE + (base & 0x1ffffful));
	iommu_unit.capability = *register64(REGISTER_CAPABILITY);
	iommu_unit.extended = *register64(REGISTER_EXTENDED);
	iommu_unit.levels = iommu_unit.capability & CAPABILITY_LEVELS_3 ? 3 : 4;
	const char *lack = unit_lack();
	if (lack != NULL || !unit_start(ioapic_source)) {
		unit_refuse(lack != NULL ? lack : "it does not obey");
		return;
	}
	info->iommu |= ZOG_IOMMU_DMA | (iommu_unit.does_remap_interrupts ? ZOG_IOMMU_INTERRUPTS : 0);
	log_line("zog: iommu on base=0x%lx levels=%u interrupts=%u", base, iommu_unit.levels, iommu_unit.does_remap_interrupts);
}

/* --- boot --------------------------------------------------------------------------------------------------------- */

/* Called for each domain with a device; the first call makes what the unit itself needs. */
void iommu_unit_build(void)
{
	if (queue != NULL)
		return;
	iommu_unit.root = boot_pointer(ZOG_PAGE_SIZE);
	iommu_unit.interrupts = boot_pointer(ZOG_PAGE_SIZE);
	queue = boot_pointer(ZOG_PAGE_SIZE);
	answer = boot_pointer(ZOG_PAGE_SIZE);
}
