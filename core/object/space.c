/* Address spaces of programs. Page tables come from one pool that was set aside for the personality at boot, so
 * that programs can exhaust only what was granted for them. Changed only while the personality's lock is held. */
#include <stddef.h>
#include "object/space.h"
#include "object/frame.h"
#include "object/cpu.h"
#include "fault/fault.h"

struct space *space_table;
uint32_t space_total;
static uint64_t pool_head; /* physical address of the first free table; each free table starts with the next's */
static uint64_t pool_count;

void table_pool_init(uint64_t physical, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t *table = physical_pointer(physical + i * ZOG_PAGE_SIZE);
		*table = pool_head;
		pool_head = physical + i * ZOG_PAGE_SIZE;
	}
	pool_count += pages;
}

uint64_t table_pool_free(void) { return pool_count; }

static uint64_t table_take(void)
{
	uint64_t physical = pool_head;

	if (physical == 0)
		return 0;
	uint64_t *table = physical_pointer(physical);
	core_set64(&pool_head, *table);
	core_set64(&pool_count, pool_count - 1);
	core_set64(table, 0); /* taken back, it leads to the rest of the pool again */
	memset(table + 1, 0, ZOG_PAGE_SIZE - sizeof(*table));
	return physical;
}

static void table_give(uint64_t physical)
{
	core_set64(physical_pointer(physical), pool_head); /* taken back, its first entry is there again */
	core_set64(&pool_head, physical);
	core_set64(&pool_count, pool_count + 1);
}

static uint32_t level_index(uint64_t address, uint32_t level) { return address >> (12 + 9 * level) & 511; }

pte_t *table_walk(uint64_t cr3, uint64_t address)
{
	const pte_t *table = physical_pointer(cr3 & PTE_ADDRESS);
	pte_t entry = table[address >> 39 & 511];

	if (!(entry & PTE_PRESENT))
		return NULL;
	table = physical_pointer(entry & PTE_ADDRESS);
	entry = table[address >> 30 & 511];
	if (!(entry & PTE_PRESENT))
		return NULL;
	table = physical_pointer(entry & PTE_ADDRESS);
	entry = table[address >> 21 & 511];
	if (!(entry & PTE_PRESENT))
		return NULL;
	return (pte_t *)physical_pointer(entry & PTE_ADDRESS) + (address >> 12 & 511);
}

static pte_t *walk_create(struct space *space, uint64_t address)
{
	pte_t *table = physical_pointer(space->cr3 & PTE_ADDRESS);

	for (uint32_t level = 3; level > 0; level--) {
		pte_t *entry = &table[level_index(address, level)];
		if (!(*entry & PTE_PRESENT)) {
			uint64_t next = table_take();
			if (next == 0)
				return NULL;
			core_set64(entry, next | PTE_PRESENT | PTE_WRITE | PTE_USER);
			core_set64(&space->tables, space->tables + 1);
		}
		table = physical_pointer(*entry & PTE_ADDRESS);
	}
	return &table[level_index(address, 0)];
}

bool space_create(struct space *space)
{
	uint64_t physical = table_take();

	if (physical == 0)
		return false;
	uint64_t *table = physical_pointer(physical);
	const uint64_t *core = physical_pointer(core_pml4_physical);
	for (uint32_t i = 256; i < 512; i++)
		table[i] = core[i];
	core_set64(&space->cr3, physical);
	core_set64(&space->tables, 0);
	return true;
}

static void frame_unmapped(pte_t entry) { frame_table[(entry & PTE_ADDRESS) >> 12].map_count--; }

/* Tables are nearly empty: a cache line of entries is passed over at once. */
#define ENTRIES_AT_ONCE 8u
static inline bool entries_are_empty(const pte_t *entry)
{
	return (entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7]) == 0;
}

static void table_destroy(uint64_t physical, uint32_t level);

static void entries_destroy(const pte_t *entry, uint32_t level)
{
	for (uint32_t i = 0; i < ENTRIES_AT_ONCE; i++) {
		if (!(entry[i] & PTE_ADDRESS))
			continue;
		if (level == 0)
			frame_unmapped(entry[i]);
		else
			table_destroy(entry[i] & PTE_ADDRESS, level - 1);
	}
}

static void table_destroy(uint64_t physical, uint32_t level)
{
	pte_t *table = physical_pointer(physical);

	for (uint32_t i = 0; i < (level == 3 ? 256u : 512u); i += ENTRIES_AT_ONCE)
		if (!entries_are_empty(&table[i]))
			entries_destroy(&table[i], level);
	table_give(physical);
}

void space_destroy(struct space *space)
{
	uint64_t cr3 = space->cr3;

	core_set64(&space->cr3, 0);
	table_destroy(cr3, 3);
}

/* Page tables are a cache of the personality's records: a program faults for each page that it uses and that is not there.
 * So they may be taken at any time, some in one entry: when they run short, or ahead of what will unmap them anyway. They are
 * used again only when no CPU can be walking them any more. */
struct trim {
	uint64_t start, end, table[SPACE_TRIM_MAX];
	uint32_t count;
};

static bool table_is_empty(const pte_t *table)
{
	for (uint32_t i = 0; i < 512; i += ENTRIES_AT_ONCE)
		if (!entries_are_empty(&table[i]))
			return false;
	return true;
}

/* Takes tables out of TABLE, whose first entry maps BASE on, that map nothing outside of the trimmed range; those above, when
 * they have become empty. */
static void trim_below(pte_t *table, uint32_t level, uint64_t base, struct trim *trim)
{
	uint64_t span = 1ul << (12 + 9 * level), index = trim->start > base ? (trim->start - base) / span : 0;

	for (; index < 512 && base + index * span < trim->end && trim->count < SPACE_TRIM_MAX; index++) {
		uint64_t at = base + index * span;
		pte_t *below = physical_pointer(table[index] & PTE_ADDRESS);
		if (!(table[index] & PTE_PRESENT))
			continue;
		if (level > 1)
			trim_below(below, level - 1, at, trim);
		bool is_inside = at >= trim->start && at + span <= trim->end;
		if (is_inside && trim->count < SPACE_TRIM_MAX && (level == 1 || table_is_empty(below))) {
			trim->table[trim->count++] = table[index] & PTE_ADDRESS;
			core_set64(&table[index], 0);
		}
	}
}

uint32_t space_trim(struct cpu *cpu, struct space *space, uint64_t start, uint64_t end)
{
	struct trim trim = { .start = start, .end = end < SPACE_END ? end : SPACE_END }; /* behind it the tables are the core's */

	trim_below(physical_pointer(space->cr3), 3, 0, &trim);
	core_set64(&space->tables, space->tables - trim.count);
	if (trim.count == 0)
		return 0;
	space_flush(space);
	journal_begin(cpu); /* from here on they stay out */
	for (uint32_t i = 0; i < trim.count; i++)
		table_destroy(trim.table[i], 0);
	return trim.count;
}

bool table_pool_reclaim(struct cpu *cpu)
{
	static uint32_t next;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < space_total && taken == 0; i++) {
		if (space_table[next].cr3 != 0)
			taken = space_trim(cpu, &space_table[next], 0, SPACE_END);
		if (taken == 0)
			next = (next + 1) % space_total;
	}
	return taken != 0;
}

/* A page without any access keeps its frame but is not present; bit 62 (ignored by the MMU) tells it from empty. */
#define PTE_KEPT (1ul << 62)
static pte_t entry_make(uint64_t frame, uint32_t flags)
{
	pte_t entry = frame << 12 | PTE_USER | PTE_KEPT;

	if (flags & (ZOG_MAP_READ | ZOG_MAP_WRITE | ZOG_MAP_EXECUTE))
		entry |= PTE_PRESENT;
	if (flags & ZOG_MAP_WRITE)
		entry |= PTE_WRITE;
	if (!(flags & ZOG_MAP_EXECUTE))
		entry |= PTE_NO_EXECUTE;
	return entry;
}

bool space_map(struct space *space, uint64_t address, uint64_t frame, uint32_t flags)
{
	pte_t *entry = walk_create(space, address);

	if (entry == NULL)
		return false;
	pte_t old = *entry;
	frame_table[frame].map_count++;
	core_set64(entry, entry_make(frame, flags));
	if (old & PTE_ADDRESS) {
		frame_unmapped(old);
		if (old & PTE_PRESENT)
			space_flush(space);
	}
	return true;
}

pte_t *table_walk_skip(uint64_t cr3, uint64_t *address)
{
	pte_t *table = physical_pointer(cr3 & PTE_ADDRESS);

	for (uint32_t level = 3; level > 0; level--) {
		uint64_t index = level_index(*address, level), span = 1ul << (12 + 9 * level);
		if (!(table[index] & PTE_PRESENT)) {
			*address &= -span;
			do
				*address += span;
			while (++index < 512 && !(table[index] & PTE_PRESENT));
			return NULL;
		}
		table = physical_pointer(table[index] & PTE_ADDRESS);
	}
	return &table[level_index(*address, 0)];
}

/* The entries from *address on that one page table holds, up to END: *count of them, and *address moves behind. NULL: there
 * is no table. */
static pte_t *entries_next(const struct space *space, uint64_t *address, uint64_t end, uint64_t *count)
{
	pte_t *entry = table_walk_skip(space->cr3, address);

	*count = 0;
	if (entry == NULL)
		return NULL;
	*count = 512 - level_index(*address, 0);
	if (*count > (end - *address) / ZOG_PAGE_SIZE)
		*count = (end - *address) / ZOG_PAGE_SIZE;
	*address += *count * ZOG_PAGE_SIZE;
	return entry;
}

/* Entries that hold something are taken out, or go on with other rights. */
static inline __attribute__((always_inline)) void entries_change(struct space *space, uint64_t address, uint64_t pages, bool is_kept, uint32_t flags)
{
	uint64_t end = address + pages * ZOG_PAGE_SIZE, count;
	bool was_present = false;

	while (address < end) {
		for (pte_t *entry = entries_next(space, &address, end, &count); count > 0; count--, entry++) {
			if (!(*entry & PTE_ADDRESS))
				continue;
			was_present |= (*entry & PTE_PRESENT) != 0;
			if (!is_kept)
				frame_unmapped(*entry);
			core_set64(entry, is_kept ? entry_make((*entry & PTE_ADDRESS) >> 12, flags) : 0);
		}
	}
	if (was_present)
		space_flush(space);
}

void space_unmap(struct space *space, uint64_t address, uint64_t pages) { entries_change(space, address, pages, false, 0); }

void space_protect(struct space *space, uint64_t address, uint64_t pages, uint32_t flags) { entries_change(space, address, pages, true, flags); }

struct clone {
	bool lost_write, was_present; /* in the source; in the copy */
};

static void entry_clone(pte_t *entry, pte_t *copy, struct clone *clone)
{
	clone->lost_write |= (*entry & PTE_WRITE) != 0;
	core_set64(entry, *entry & ~PTE_WRITE);
	clone->was_present |= (*copy & PTE_PRESENT) != 0;
	if (*copy & PTE_ADDRESS)
		frame_unmapped(*copy);
	core_set64(copy, *entry);
	frame_table[(*entry & PTE_ADDRESS) >> 12].map_count++;
}

bool space_clone(struct space *from, struct space *to, uint64_t address, uint64_t pages)
{
	uint64_t end = address + pages * ZOG_PAGE_SIZE, count;
	struct clone clone = { false, false };
	bool is_complete = true;

	while (address < end && is_complete) {
		pte_t *entry = entries_next(from, &address, end, &count), *copy = NULL;
		for (; count > 0 && is_complete; count--, entry++, copy += copy != NULL) {
			if (!(*entry & PTE_ADDRESS))
				continue;
			if (copy == NULL)
				copy = walk_create(to, address - count * ZOG_PAGE_SIZE);
			is_complete = copy != NULL;
			if (is_complete)
				entry_clone(entry, copy, &clone);
		}
	}
	if (clone.lost_write)
		space_flush(from);
	if (clone.was_present)
		space_flush(to);
	return is_complete;
}
