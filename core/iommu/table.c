/* Who reaches what: context entries, second-level tables, interrupt entries. Section numbers: VT-d specification 3.x.
 *
 * Each domain with a device has one second-level table from boot on: a chain of one page a level down to the first GiB,
 * leaf tables for its DMA memory, filled once, and leaf tables for pins, a leaf entry for each place of the pin table.
 * So nothing is allocated later, and an address on the bus means the same in every life of the driver.
 *
 * A bus number gets a context table when its first device is assigned. There are as many of them as domains with a
 * device, and each of those has one device at most: one is always free. */
#include <stddef.h>
#include "arch/x86_64/apic.h"
#include "iommu/iommu.h"
#include "mem/pin.h"
#include "object/frame.h"


#define ENTRIES 512u
#define PIN_TABLES (PIN_MAX / ENTRIES)
_Static_assert(PIN_MAX % ENTRIES == 0 && IOMMU_PIN_ADDRESS + PIN_MAX * ZOG_PAGE_SIZE <= 0x10000000ul, "28 address lines reach them");
#define ENTRY_PRESENT 1ull
#define TABLE_RIGHTS (IOMMU_READ | IOMMU_WRITE)
#define DOMAIN_NUMBER(domain) ((domain)->id + 1) /* 0 is not for use where the unit caches absent entries (6.1) */
#define INTERRUPT_VERIFY (1ull << 18) /* the whole requester id counts (9.10) */

struct context { uint64_t low, high; };
static struct context *context_page[ZOG_DOMAIN_MAX]; /* 256 entries each */
static uint32_t context_bus[ZOG_DOMAIN_MAX], context_pages;
#define NO_BUS 256u

static uint64_t *table_link(uint64_t *table, uint32_t index, uint64_t *below)
{
	table[index] = pointer_physical(below) | TABLE_RIGHTS;
	return below;
}

void iommu_build(struct domain *domain, uint64_t dma_physical)
{
	uint64_t pages = domain->desc->dma_bytes / ZOG_PAGE_SIZE;
	uint64_t *top = boot_pointer(ZOG_PAGE_SIZE), *table = top;

	iommu_unit_build();
	table = table_link(table, 0, boot_pointer(ZOG_PAGE_SIZE));
	domain->dma_table[1] = top;
	domain->dma_table[0] = table;
	table = table_link(table, 0, boot_pointer(ZOG_PAGE_SIZE));
	for (uint64_t at = 0; at < pages; at += ENTRIES) {
		uint64_t *leaf = table_link(table, (uint32_t)((IOMMU_DMA_ADDRESS >> 21) + at / ENTRIES), boot_pointer(ZOG_PAGE_SIZE));
		for (uint64_t i = at; i < pages && i < at + ENTRIES; i++)
			leaf[i - at] = (dma_physical + i * ZOG_PAGE_SIZE) | IOMMU_READ | IOMMU_WRITE;
	}
	domain->dma_pins = boot_pointer(PIN_MAX * sizeof(uint64_t));
	for (uint32_t i = 0; i < PIN_TABLES; i++)
		table_link(table, (uint32_t)(IOMMU_PIN_ADDRESS >> 21) + i, domain->dma_pins + i * ENTRIES);
	domain->dma_source = IOMMU_NO_SOURCE;
	context_bus[context_pages] = NO_BUS;
	context_page[context_pages++] = boot_pointer(ZOG_PAGE_SIZE);
}

/* --- devices ------------------------------------------------------------------------------------------------------- */

/* Gives up the context tables of buses on which no device is assigned. */
static void contexts_collect(void)
{
	for (uint32_t page = 0; page < context_pages; page++) {
		bool is_used = false;
		for (uint32_t i = 0; i < domain_total; i++)
			is_used |= domain_table[i].desc->is_device_owner && domain_table[i].dma_source >> 8 == context_bus[page];
		if (context_bus[page] == NO_BUS || is_used)
			continue;
		iommu_store(&iommu_unit.root[context_bus[page] * 2], 0);
		context_bus[page] = NO_BUS;
	}
}

static uint64_t *context_entry(uint32_t source)
{
	uint32_t bus = source >> 8, found = context_pages;

	for (uint32_t page = 0; page < context_pages; page++)
		if (context_bus[page] == bus || (context_bus[page] == NO_BUS && found == context_pages))
			found = page;
	if (found == context_pages)
		return NULL;
	if (context_bus[found] != bus) {
		memset(context_page[found], 0, ZOG_PAGE_SIZE);
		context_bus[found] = bus;
		iommu_store(&iommu_unit.root[bus * 2], pointer_physical(context_page[found]) | ENTRY_PRESENT);
	}
	return &context_page[found][source & 0xff].low;
}

bool iommu_may_assign(const struct domain *domain, uint64_t source)
{
	if (!domain->desc->is_device_owner || source >= IOMMU_NO_SOURCE)
		return false;
	for (uint32_t i = 0; i < domain_total; i++)
		if (&domain_table[i] != domain && domain_table[i].desc->is_device_owner && domain_table[i].dma_source == source)
			return false;
	return true;
}

/* An entry of the interrupt table: from one requester only, to the first CPU, edge (section 9.10). */
static void interrupt_set(uint32_t vector, uint32_t source)
{
	uint64_t *entry = &iommu_unit.interrupts[vector * 2];

	iommu_store(&entry[1], source | INTERRUPT_VERIFY);
	iommu_store(&entry[0], ENTRY_PRESENT | (uint64_t)vector << 16);
}

static void interrupts_set(struct domain *domain, bool is_open)
{
	for (uint32_t i = 0; i < domain->desc->irq_count && iommu_unit.does_remap_interrupts; i++) {
		const struct irq_desc *irq = &domain->desc->irq[i];
		if (irq->kind != IRQ_MSI)
			continue;
		if (is_open)
			interrupt_set(irq->vector, domain->dma_source);
		else
			iommu_store(&iommu_unit.interrupts[irq->vector * 2], 0);
	}
}

void iommu_lines_route(uint32_t ioapic_source)
{
	for (uint32_t i = 0; i < domain_total; i++) {
		for (uint32_t n = 0; n < domain_table[i].desc->irq_count; n++) {
			const struct irq_desc *irq = &domain_table[i].desc->irq[n];
			if (irq->kind != IRQ_ISA)
				continue;
			interrupt_set(irq->vector, ioapic_source);
			ioapic_route_remapped(irq->line, irq->vector, irq->vector);
		}
	}
}

void iommu_assign(struct domain *domain, uint32_t source)
{
	iommu_close(domain);
	if (iommu_unit.registers == NULL)
		return;
	domain->dma_source = source;
	contexts_collect();
	uint64_t *entry = context_entry(source);
	/* Three or four levels; only requests that are yet to be translated: what a device translated itself is refused. */
	iommu_store(&entry[1], (uint64_t)(iommu_unit.levels - 2) | (uint64_t)DOMAIN_NUMBER(domain) << 8);
	iommu_store(&entry[0], pointer_physical(domain->dma_table[iommu_unit.levels - 3]) | ENTRY_PRESENT);
	interrupts_set(domain, true);
	iommu_invalidate(SCOPE_DEVICE, DOMAIN_NUMBER(domain), source, 0);
	domain->dma_is_open = 1;
	domain->info->dma_physical = IOMMU_DMA_ADDRESS;
}

/* Entries first, then the unit's copies of them. */
void iommu_close(struct domain *domain)
{
	if (iommu_unit.registers == NULL || !domain->desc->is_device_owner)
		return;
	for (uint32_t i = 0; i < PIN_MAX && domain->dma_has_pins; i++)
		if (domain->dma_pins[i] != 0)
			iommu_store(&domain->dma_pins[i], 0);
	domain->dma_has_pins = 0;
	if (!domain->dma_is_open)
		return;
	iommu_store(context_entry(domain->dma_source), 0);
	interrupts_set(domain, false);
	domain->dma_is_open = 0;
	domain->dma_is_doubtful = !iommu_invalidate(SCOPE_DEVICE, DOMAIN_NUMBER(domain), domain->dma_source, 0);
}

bool iommu_is_closed(struct domain *domain)
{
	if (domain->dma_is_doubtful)
		domain->dma_is_doubtful = !iommu_invalidate(SCOPE_DEVICE, DOMAIN_NUMBER(domain), domain->dma_source, 0);
	return !domain->dma_is_doubtful;
}

/* --- frames --------------------------------------------------------------------------------------------------------- */

uint64_t iommu_map(struct domain *domain, uint32_t place, uint64_t frame, uint64_t rights)
{
	uint64_t *entry = &domain->dma_pins[place], address = IOMMU_PIN_ADDRESS + place * ZOG_PAGE_SIZE;
	uint64_t before = *entry, now = frame << 12 | rights;

	if (iommu_unit.registers == NULL)
		return frame << 12;
	domain->dma_has_pins = 1;
	if (before != now)
		iommu_store(entry, now);
	/* A unit that keeps what was absent, or weaker, would refuse (6.1, 6.2.4). */
	if (before != now && (before != 0 || iommu_unit.capability & 1ull << 7))
		iommu_invalidate(SCOPE_PAGE, DOMAIN_NUMBER(domain), 0, address);
	return address;
}

bool iommu_unmap(struct domain *domain, uint32_t place)
{
	if (iommu_unit.registers == NULL || domain->dma_pins[place] == 0)
		return true;
	iommu_store(&domain->dma_pins[place], 0);
	return iommu_invalidate(SCOPE_PAGE, DOMAIN_NUMBER(domain), 0, IOMMU_PIN_ADDRESS + place * ZOG_PAGE_SIZE);
}
