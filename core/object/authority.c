/* Live authority. Nothing here is computed from what should be: capabilities come from both tables that crossings look
 * into, interrupts from the table that delivers them, memory from the areas that a page fault may fill and from the page
 * tables themselves. tests/system/authority.py compares the answer with what the manifests give. */
#include "object/authority.h"
#include "object/domain.h"
#include "object/frame.h"
#include "arch/x86_64/apic.h"
#include "fault/log.h"
#include "irq/irq.h"
#include "tsm/region.h"

#define LOWER_HALF_END (1ul << 47)
#define TABLES_MAX 16u /* looked through in one call: bounds it */
#define LEAF_BYTES (1ul << 21) /* mapped by one page table of 512 entries */

_Static_assert((uint32_t)CAP_TYPE_COUNT == (uint32_t)ZOG_AUTHORITY_TYPE_COUNT && (uint32_t)CAP_INJECT == (uint32_t)ZOG_AUTHORITY_INJECT,
	       "types of capabilities are told by their numbers");
_Static_assert((uint32_t)FRAME_DMA == (uint32_t)ZOG_AUTHORITY_DMA && (uint32_t)FRAME_TABLE == (uint32_t)ZOG_AUTHORITY_CORE, "frame types, too");

static void methods_read(const struct fast_cap *row, struct zog_authority *out)
{
	for (uint32_t i = 0; i < row->method_count && i < 64; i++) {
		uint64_t is_allowed = row->method[i].deadline_ms != METHOD_DENIED;
		out->methods |= is_allowed << i;
		out->methods_used |= (is_allowed & row->method[i].is_used) << i;
	}
	out->is_used |= out->methods_used != 0;
}

static bool cap_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	uint32_t general = domain->desc->cap_count, straight = domain->cap_count;

	if (place >= general && place >= straight)
		return false;
	out->c = out->d = UINT64_MAX;
	if (place < general) {
		out->type = domain->desc->cap[place].type;
		out->a = domain->desc->cap[place].a;
		out->b = domain->desc->cap[place].b;
	}
	if (place < straight) {
		const struct fast_cap *row = &domain->fast_cap[place];
		out->is_used = row->is_used;
		methods_read(row, out);
		if (row->contract != UINT64_MAX) {
			out->c = (uint64_t)(row->domain - domain_table);
			out->d = row->contract;
		}
	}
	return true;
}

static bool flags_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	const struct domain_desc *desc = domain->desc;
	const pte_t *top = physical_pointer(domain->cr3);

	out->a = (desc->is_personality ? ZOG_AUTHORITY_PERSONALITY : 0) | (desc->is_frame_owner ? ZOG_AUTHORITY_FRAMES : 0) |
		 (desc->is_bus ? ZOG_AUTHORITY_BUS_SERVER : 0) | (desc->is_device_owner ? ZOG_AUTHORITY_DEVICE : 0);
	for (uint32_t i = 256; i < 512; i++)
		out->b += (top[i] & (PTE_PRESENT | PTE_USER)) == (PTE_PRESENT | PTE_USER);
	return place == 0;
}

static bool region_row_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	bool is_there = place < domain->desc->region_count;

	if (is_there)
		out->a = domain->desc->region[place].region, out->b = domain->desc->region[place].role;
	return is_there;
}

static bool object_row_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	bool is_there = place < domain->desc->object_count;

	if (is_there)
		out->a = domain->desc->object[place].object, out->b = domain->desc->object[place].is_writer;
	return is_there;
}

static uint64_t rights_of(pte_t entry)
{
	return ZOG_MAP_READ | (entry & PTE_WRITE ? ZOG_MAP_WRITE : 0) | (entry & PTE_NO_EXECUTE ? 0 : ZOG_MAP_EXECUTE);
}

static bool area_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	if (place >= domain->area_count)
		return false;
	const struct area *area = &domain->area[place];
	out->a = area->address;
	out->b = area->pages;
	out->d = area->physical;
	if (area_is_own(area))
		out->c = ZOG_MAP_READ | ZOG_MAP_WRITE;
	else if (area->kind != AREA_FIXED)
		out->c = area->pages == 0 ? 0 : ZOG_MAP_READ | (area->kind == AREA_TEXT ? ZOG_MAP_EXECUTE : 0);
	else if (area->pages)
		out->c = rights_of(area->entry[0]);
	return true;
}

static void frame_tell(uint64_t physical, struct zog_authority *out)
{
	uint64_t frame = physical >> ZOG_PAGE_SHIFT;

	out->type = frame < frame_count ? frame_table[frame].type : FRAME_RESERVED;
	out->owner = frame < frame_count ? frame_table[frame].owner : 0;
}

/* Does the run go on with this entry? The first one begins it. */
static bool run_take(struct zog_authority *run, uint64_t address, pte_t entry)
{
	struct zog_authority found = { 0 };

	frame_tell(entry & PTE_ADDRESS, &found);
	if (run->b == 0) {
		run->a = address;
		run->c = rights_of(entry);
		run->d = entry & PTE_ADDRESS;
		run->type = found.type;
		run->owner = found.owner;
	} else if (rights_of(entry) != run->c || (entry & PTE_ADDRESS) != run->d + run->b * ZOG_PAGE_SIZE || found.type != run->type ||
		   found.owner != run->owner) {
		return false;
	}
	run->b++;
	return true;
}

/* Goes on through one leaf table, from the entry of address *at on. false: the run ended there. */
static bool leaf_read(const pte_t *entry, uint64_t *at, struct zog_authority *run)
{
	do {
		pte_t copy = *entry++;
		if (copy & PTE_PRESENT ? !run_take(run, *at, copy) : run->b != 0)
			return false;
		*at += ZOG_PAGE_SIZE;
	} while (*at % LEAF_BYTES != 0);
	return true;
}

static bool pages_read(const struct domain *domain, uint64_t at, struct zog_authority *out)
{
	bool goes_on = true;

	at &= ~(ZOG_PAGE_SIZE - 1);
	for (uint32_t tables = 0; tables < TABLES_MAX && at < LOWER_HALF_END && goes_on; tables++) {
		const pte_t *entry = table_walk_skip(domain->cr3, &at); /* moves on where there is no table */
		goes_on = entry != NULL ? leaf_read(entry, &at, out) : out->b == 0;
	}
	out->next = at;
	return out->b != 0 || at < LOWER_HALF_END;
}

zog_status_t authority_read(uint64_t number, uint64_t kind, uint64_t place, struct zog_authority *out)
{
	static bool (*const reader[ZOG_AUTHORITY_KIND_COUNT])(const struct domain *domain, uint64_t place, struct zog_authority *out) = {
		[ZOG_AUTHORITY_CAP] = cap_read, [ZOG_AUTHORITY_FLAGS] = flags_read, [ZOG_AUTHORITY_IRQ] = irq_read,
		[ZOG_AUTHORITY_REGION] = region_row_read, [ZOG_AUTHORITY_AREA] = area_read, [ZOG_AUTHORITY_PAGES] = pages_read,
		[ZOG_AUTHORITY_OBJECT] = object_row_read,
	};

	*out = (struct zog_authority){ .next = place + 1 };
	if (number >= domain_total || kind >= ZOG_AUTHORITY_KIND_COUNT)
		return ZOG_ERR_NOT_FOUND;
	return reader[kind](&domain_table[number], place, out) ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}

/* --- at the end of a run --------------------------------------------------------------------------------------------- */

/* Tells of each crossing which methods were called. */
static uint64_t caps_used(const struct domain *domain)
{
	struct zog_authority row = { .next = 0 };
	uint64_t mask = 0;

	while (row.next < 64 && authority_read(domain->id, ZOG_AUTHORITY_CAP, row.next, &row) == ZOG_OK) {
		mask |= row.is_used << (row.next - 1);
		if (row.methods_used)
			log_line("zog: called domain=%s cap=%lu methods=0x%lx", domain->desc->name, row.next - 1, row.methods_used);
	}
	return mask;
}

static uint64_t irqs_used(const struct domain *domain)
{
	struct zog_authority row = { .next = 0 };
	uint64_t mask = 0;

	while (irq_read(domain, row.next, &row))
		for (uint32_t i = 0; i < domain->desc->irq_count && i < 64; i++)
			mask |= (uint64_t)(domain->desc->irq[i].vector == row.a && row.is_used) << i;
	return mask;
}

static uint64_t pages_touched(const struct domain *domain)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < domain->area_count; i++)
		for (uint64_t page = 0; area_is_own(&domain->area[i]) && page < domain->area[i].pages; page++)
			pages += domain->area[i].entry[page] & PTE_PRESENT;
	return pages;
}

void authority_tell_used(void)
{
	for (uint32_t i = 0; i < domain_total; i++)
		log_line("zog: used domain=%s caps=0x%lx irqs=0x%lx pages=%lu", domain_table[i].desc->name, caps_used(&domain_table[i]),
			 irqs_used(&domain_table[i]), pages_touched(&domain_table[i]));
}
