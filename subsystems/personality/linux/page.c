/* Page records: which frame each page of a space holds. They are the truth; the core's page tables are a cache of
 * them that is filled by page faults.
 *
 * A leaf holds 64 entries. Leaves are found by a hash of (owner, number) and, for walks over everything, by a list
 * for each owner. A leaf without entries is given back, all zero. */
#include "memory.h"

static uint32_t leaf_bucket(uint32_t owner, uint32_t number)
{
	return ((number * 2654435761u) ^ (owner * 40503u)) >> 7 & (LEAF_BUCKETS - 1);
}

enum { LEAF_SHIFT = ZOG_PAGE_SHIFT + 6, LOOKUPS_MAX = 16 };
_Static_assert(1 << (LEAF_SHIFT - ZOG_PAGE_SHIFT) == LEAF_PAGES, "the shift is that of a leaf");

static uint32_t leaf_number(uint64_t address) { return address >> LEAF_SHIFT; }
static uint64_t leaf_address(const struct leaf *leaf) { return (uint64_t)leaf->name.number << LEAF_SHIFT; }
static uint32_t leaf_slot(uint64_t address) { return address >> ZOG_PAGE_SHIFT & (LEAF_PAGES - 1); }

static uint32_t *leaf_list(uint32_t owner)
{
	struct process_home *home = home_a();

	return owner < SPACE_MAX ? &home->space[owner].leaf_first : &home->object[owner - SPACE_MAX].leaf_first;
}

static struct leaf *leaf_find(uint32_t owner, uint32_t number)
{
	struct process_home *home = home_a();
	uint32_t index = home->leaf_bucket[leaf_bucket(owner, number)];

	while (index) {
		struct leaf *leaf = &home->leaf[index - 1];

		if (leaf->name.space == owner && leaf->name.number == number)
			return leaf;
		index = leaf->name.hash_next;
	}
	return NULL;
}

static struct leaf *leaf_create(uint32_t owner, uint32_t number)
{
	struct process_home *home = home_a();
	uint32_t index = home->leaf_free, bucket = leaf_bucket(owner, number), *list = leaf_list(owner);
	struct leaf *leaf;

	if (index)
		home->leaf_free = home->leaf[index - 1].name.hash_next;
	else if (home->leaf_used < LEAF_MAX)
		index = ++home->leaf_used;
	else
		return NULL;
	leaf = &home->leaf[index - 1];
	rt_pair_set(&leaf->name.space, owner, number);
	rt_pair_set(&leaf->name.hash_next, home->leaf_bucket[bucket], *list);
	home->leaf_bucket[bucket] = index;
	*list = index;
	return leaf;
}

static void leaf_unhash(const struct leaf *leaf)
{
	struct process_home *home = home_a();
	uint32_t index = leaf - home->leaf + 1, *link = &home->leaf_bucket[leaf_bucket(leaf->name.space, leaf->name.number)];

	while (*link != index)
		link = &home->leaf[*link - 1].name.hash_next;
	*link = leaf->name.hash_next;
}

static void leaf_destroy(struct leaf *leaf)
{
	struct process_home *home = home_a();
	uint32_t index = leaf - home->leaf + 1, *link = leaf_list(leaf->name.space);

	leaf_unhash(leaf);
	while (*link != index)
		link = &home->leaf[*link - 1].name.space_next;
	*link = leaf->name.space_next;
	leaf->name.hash_next = home->leaf_free;
	home->leaf_free = index;
}

uint32_t page_get(uint32_t owner, uint64_t address)
{
	struct leaf *leaf = leaf_find(owner, leaf_number(address));

	return leaf ? leaf->entry[leaf_slot(address)] : 0;
}

static void leaf_set(struct leaf *leaf, uint32_t slot, uint32_t entry)
{
	uint32_t old = leaf->entry[slot];

	if (old == entry)
		return;
	leaf->entry[slot] = entry;
	if (!old != !entry)
		leaf->count += entry ? 1 : -1;
}

bool page_set(uint32_t owner, uint64_t address, uint32_t entry)
{
	struct leaf *leaf = leaf_find(owner, leaf_number(address));

	if (!leaf) {
		if (!entry)
			return true;
		leaf = leaf_create(owner, leaf_number(address));
		if (!leaf)
			return false;
	}
	leaf_set(leaf, leaf_slot(address), entry);
	if (leaf->count == 0)
		leaf_destroy(leaf);
	return true;
}

void page_get_some(uint32_t owner, uint64_t address, uint32_t *entry, uint32_t count)
{
	const struct leaf *leaf = leaf_find(owner, leaf_number(address));

	rt_assert(leaf_slot(address) + count <= LEAF_PAGES);
	if (leaf)
		memcpy(entry, &leaf->entry[leaf_slot(address)], count * sizeof(*entry));
	else
		memset(entry, 0, count * sizeof(*entry));
}

bool page_set_some(uint32_t owner, uint64_t address, const uint32_t *entry, uint32_t count)
{
	struct leaf *leaf = leaf_find(owner, leaf_number(address));
	uint32_t slot = leaf_slot(address), added = 0;

	rt_assert(slot + count <= LEAF_PAGES);
	if (!leaf)
		leaf = leaf_create(owner, leaf_number(address));
	if (!leaf)
		return false;
	for (uint32_t i = 0; i < count; i++)
		added += !leaf->entry[slot + i] && entry[i];
	memcpy(&leaf->entry[slot], entry, count * sizeof(*entry));
	if (added)
		leaf->count += added;
	return true;
}

/* A walk over the leaves that [start, end) touches: a short range looks each up, a long one goes through all that the
 * owner has. The leaf that was returned last may be destroyed. Inline, so that the walk is its caller's own variable:
 * storing there takes no hook. */
struct leaf_walk {
	uint64_t start, end;
	uint32_t owner, next, number; /* next: index + 1 in the owner's list; number: to be looked up */
	bool is_short;
	uint32_t first, last;         /* slots of the current leaf in the range */
};

static struct leaf_walk leaf_walk(uint32_t owner, uint64_t start, uint64_t end)
{
	return (struct leaf_walk){ .start = start, .end = end, .owner = owner, .next = *leaf_list(owner),
				   .number = leaf_number(start), .is_short = end - start <= (uint64_t)LOOKUPS_MAX << LEAF_SHIFT };
}

static inline __attribute__((always_inline)) bool leaf_clip(struct leaf_walk *walk, const struct leaf *leaf)
{
	uint64_t base = leaf_address(leaf), limit = base + LEAF_PAGES * ZOG_PAGE_SIZE;

	if (walk->end <= base || walk->start >= limit)
		return false;
	walk->first = walk->start > base ? leaf_slot(walk->start) : 0;
	walk->last = walk->end < limit ? leaf_slot(walk->end - 1) + 1 : LEAF_PAGES;
	return true;
}

static inline __attribute__((always_inline)) struct leaf *leaf_candidate(struct leaf_walk *walk)
{
	struct leaf *leaf = NULL;

	if (walk->is_short) {
		while (!leaf && (uint64_t)walk->number << LEAF_SHIFT < walk->end)
			leaf = leaf_find(walk->owner, walk->number++);
	} else if (walk->next) {
		leaf = &home_a()->leaf[walk->next - 1];
		walk->next = leaf->name.space_next;
	}
	return leaf;
}

static inline __attribute__((always_inline)) struct leaf *leaf_next(struct leaf_walk *walk)
{
	struct leaf *leaf = leaf_candidate(walk);

	while (leaf && !leaf_clip(walk, leaf))
		leaf = leaf_candidate(walk);
	return leaf;
}

void page_walk(uint32_t owner, uint64_t start, uint64_t end, page_visitor *visit, void *argument)
{
	struct leaf_walk walk = leaf_walk(owner, start, end);
	struct leaf *leaf;

	while ((leaf = leaf_next(&walk))) {
		for (uint32_t slot = walk.first; slot < walk.last; slot++)
			if (leaf->entry[slot])
				leaf_set(leaf, slot, visit(owner, leaf_address(leaf) + slot * ZOG_PAGE_SIZE,
							   leaf->entry[slot], argument));
		if (leaf->count == 0)
			leaf_destroy(leaf);
	}
}

/* The part of a leaf that the walk stands on: its frames lose a reference. Counts the records, and widens SPAN. */
static uint32_t leaf_release(const struct leaf *leaf, const struct leaf_walk *walk, struct space *space, uint64_t span[2])
{
	struct frame_run run = { 0, 0 };
	uint32_t count = 0, first = 0, last = 0;

	for (uint32_t slot = walk->first; slot < walk->last; slot++) {
		uint32_t entry = leaf->entry[slot];

		if (!entry)
			continue;
		page_note_written(space, leaf_address(leaf) + slot * ZOG_PAGE_SIZE, entry);
		if (!frame_run_extend(&run, entry & PAGE_FRAME)) {
			frame_run_release(run);
			run = (struct frame_run){ entry & PAGE_FRAME, 1 };
		}
		first = count++ ? first : slot;
		last = slot;
	}
	frame_run_release(run);
	if (count && leaf_address(leaf) + first * ZOG_PAGE_SIZE < span[0])
		span[0] = leaf_address(leaf) + first * ZOG_PAGE_SIZE;
	if (count && leaf_address(leaf) + last * ZOG_PAGE_SIZE > span[1])
		span[1] = leaf_address(leaf) + last * ZOG_PAGE_SIZE;
	return count;
}

void page_clear(struct space *space, uint64_t start, uint64_t end, uint64_t span[2])
{
	struct leaf_walk walk = leaf_walk(space_index(space), start, end);
	struct leaf *leaf;

	span[0] = UINT64_MAX;
	span[1] = 0;
	while ((leaf = leaf_next(&walk))) {
		uint32_t count = leaf_release(leaf, &walk, space, span);

		if (count == 0)
			continue;
		memset(&leaf->entry[walk.first], 0, (walk.last - walk.first) * sizeof(leaf->entry[0]));
		leaf->count -= count;
		if (leaf->count == 0)
			leaf_destroy(leaf);
	}
}

bool page_any(uint32_t owner, uint64_t start, uint64_t end)
{
	struct leaf_walk walk = leaf_walk(owner, start, end);

	return leaf_next(&walk) != NULL;
}

/* Copies a leaf's entries, all read-only from now on, into a part of TO that has none. *span becomes the slots that are in
 * use, as first and last + 1. */
static void leaf_copy(struct leaf *from, struct leaf *to, const struct leaf_walk *walk, uint32_t span[2])
{
	struct frame_run run = { 0, 0 };
	uint32_t count = 0, first = 0, last = 0;

	for (uint32_t slot = walk->first; slot < walk->last; slot++) {
		uint32_t entry = from->entry[slot];

		if (!entry)
			continue;
		if (entry & PAGE_WRITABLE)
			from->entry[slot] = entry & ~PAGE_WRITABLE;
		if (!frame_run_extend(&run, entry & PAGE_FRAME)) {
			frame_run_reference(run);
			run = (struct frame_run){ entry & PAGE_FRAME, 1 };
		}
		first = count++ ? first : slot;
		last = slot + 1;
	}
	frame_run_reference(run);
	if (count) {
		memcpy(&to->entry[first], &from->entry[first], (last - first) * sizeof(to->entry[0]));
		to->count += count;
	}
	span[0] = first;
	span[1] = last;
}

bool page_copy(uint32_t from, uint32_t to, uint64_t start, uint64_t end, range_visitor *visit, void *argument)
{
	struct leaf_walk walk = leaf_walk(from, start, end);
	struct leaf *leaf, *copy;

	while ((leaf = leaf_next(&walk))) {
		uint32_t span[2] = { 0, 0 };

		copy = leaf_find(to, leaf->name.number);
		if (!copy)
			copy = leaf_create(to, leaf->name.number);
		if (!copy)
			return false;
		leaf_copy(leaf, copy, &walk, span);
		if (copy->count == 0)
			leaf_destroy(copy);
		if (span[1])
			visit(leaf_address(leaf) + span[0] * ZOG_PAGE_SIZE, span[1] - span[0], argument);
	}
	return true;
}

/* The whole leaf is cleared by one store, and the list goes away at once: a teardown should not log each entry. */
void page_release_all(uint32_t owner)
{
	struct process_home *home = home_a();
	uint32_t free = home->leaf_free, index;

	for (index = *leaf_list(owner); index; index = home->leaf[index - 1].name.space_next) {
		struct leaf *leaf = &home->leaf[index - 1];
		struct frame_run run = { 0, 0 };

		for (uint32_t slot = 0; slot < LEAF_PAGES; slot++) {
			uint64_t frame = leaf->entry[slot] & PAGE_FRAME;

			if (!frame || frame_run_extend(&run, frame))
				continue;
			frame_run_release(run);
			run = (struct frame_run){ frame, 1 };
		}
		frame_run_release(run);
		memset(&leaf->count, 0, sizeof(*leaf) - offsetof(struct leaf, count));
		leaf_unhash(leaf);
		leaf->name.hash_next = free;
		free = index;
	}
	if (free == home->leaf_free)
		return;
	home->leaf_free = free;
	*leaf_list(owner) = 0;
}

uint32_t page_count(uint32_t owner)
{
	uint32_t count = 0;

	for (uint32_t index = *leaf_list(owner); index; index = home_a()->leaf[index - 1].name.space_next)
		count += home_a()->leaf[index - 1].count;
	return count;
}

/* --- shared anonymous objects ------------------------------------------------------------------------------ */

uint32_t object_create(void)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < OBJECT_MAX; i++)
		if (home->object[i].users == 0) {
			home->object[i].users = 1;
			return i + 1;
		}
	return 0;
}

void object_reference(uint32_t object) { home_a()->object[object - 1].users++; }

void object_release(uint32_t object)
{
	if (--home_a()->object[object - 1].users == 0)
		page_release_all(SPACE_MAX + object - 1);
}
