/* Page records: which frame each page of a space holds. They are the truth; the core's page tables are a cache of
 * them that is filled by page faults.
 *
 * A leaf holds 512 entries. Leaves are found by a hash of (owner, number) and, for walks over everything, by a list
 * for each owner. A leaf without entries is given back, all zero. */
#include "memory.h"

static uint32_t leaf_bucket(uint32_t owner, uint32_t number)
{
	return ((number * 2654435761u) ^ (owner * 40503u)) >> 7 & (LEAF_BUCKETS - 1);
}

static uint32_t leaf_number(uint64_t address) { return address >> (ZOG_PAGE_SHIFT + 9); }
static uint64_t leaf_address(const struct leaf *leaf) { return (uint64_t)leaf->number << (ZOG_PAGE_SHIFT + 9); }
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

		if (leaf->space == owner && leaf->number == number)
			return leaf;
		index = leaf->hash_next;
	}
	return NULL;
}

static struct leaf *leaf_create(uint32_t owner, uint32_t number)
{
	struct process_home *home = home_a();
	uint32_t index = home->leaf_free, bucket = leaf_bucket(owner, number), *list = leaf_list(owner);
	struct leaf *leaf;

	if (index)
		home->leaf_free = home->leaf[index - 1].hash_next;
	else if (home->leaf_used < LEAF_MAX)
		index = ++home->leaf_used;
	else
		return NULL;
	leaf = &home->leaf[index - 1];
	leaf->space = owner;
	leaf->number = number;
	leaf->hash_next = home->leaf_bucket[bucket];
	home->leaf_bucket[bucket] = index;
	leaf->space_next = *list;
	*list = index;
	return leaf;
}

static void leaf_unlink(uint32_t *link, uint32_t index, bool is_hash)
{
	struct process_home *home = home_a();

	while (*link != index)
		link = is_hash ? &home->leaf[*link - 1].hash_next : &home->leaf[*link - 1].space_next;
	*link = is_hash ? home->leaf[index - 1].hash_next : home->leaf[index - 1].space_next;
}

static void leaf_destroy(struct leaf *leaf)
{
	struct process_home *home = home_a();
	uint32_t index = leaf - home->leaf + 1;

	leaf_unlink(&home->leaf_bucket[leaf_bucket(leaf->space, leaf->number)], index, true);
	leaf_unlink(leaf_list(leaf->space), index, false);
	leaf->hash_next = home->leaf_free;
	home->leaf_free = index;
}

uint32_t page_get(uint32_t owner, uint64_t address)
{
	struct leaf *leaf = leaf_find(owner, leaf_number(address));

	return leaf ? leaf->entry[leaf_slot(address)] : 0;
}

static void owner_count(uint32_t owner, int32_t change)
{
	if (owner < SPACE_MAX)
		home_a()->space[owner].page_count += change;
}

static void leaf_set(struct leaf *leaf, uint32_t slot, uint32_t entry)
{
	uint32_t old = leaf->entry[slot];

	if (old == entry)
		return;
	leaf->entry[slot] = entry;
	if (!old != !entry) {
		leaf->count += entry ? 1 : -1;
		owner_count(leaf->space, entry ? 1 : -1);
	}
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

/* Part of [start, end) in the leaf, as slots. */
static bool leaf_clip(const struct leaf *leaf, uint64_t start, uint64_t end, uint32_t *first, uint32_t *last)
{
	uint64_t base = leaf_address(leaf), limit = base + LEAF_PAGES * ZOG_PAGE_SIZE;

	if (end <= base || start >= limit)
		return false;
	*first = start > base ? leaf_slot(start) : 0;
	*last = end < limit ? leaf_slot(end - 1) + 1 : LEAF_PAGES;
	return true;
}

void page_walk(uint32_t owner, uint64_t start, uint64_t end, page_visitor *visit, void *argument)
{
	struct process_home *home = home_a();
	uint32_t index = *leaf_list(owner), next, first, last;

	for (; index; index = next) {
		struct leaf *leaf = &home->leaf[index - 1];

		next = leaf->space_next;
		if (!leaf_clip(leaf, start, end, &first, &last))
			continue;
		for (uint32_t slot = first; slot < last; slot++)
			if (leaf->entry[slot])
				leaf_set(leaf, slot, visit(owner, leaf_address(leaf) + slot * ZOG_PAGE_SIZE,
							   leaf->entry[slot], argument));
		if (leaf->count == 0)
			leaf_destroy(leaf);
	}
}

bool page_any(uint32_t owner, uint64_t start, uint64_t end)
{
	struct process_home *home = home_a();
	uint32_t first, last;

	for (uint32_t index = *leaf_list(owner); index; index = home->leaf[index - 1].space_next)
		if (leaf_clip(&home->leaf[index - 1], start, end, &first, &last))
			return true;
	return false;
}

void page_ranges(uint32_t owner, uint64_t start, uint64_t end, range_visitor *visit, void *argument)
{
	struct process_home *home = home_a();
	uint32_t index = *leaf_list(owner), first, last;

	for (; index; index = home->leaf[index - 1].space_next) {
		struct leaf *leaf = &home->leaf[index - 1];

		if (leaf_clip(leaf, start, end, &first, &last))
			visit(leaf_address(leaf) + first * ZOG_PAGE_SIZE, last - first, argument);
	}
}

/* The whole leaf is cleared by one store: a teardown should not log each entry. */
void page_release_all(uint32_t owner)
{
	struct process_home *home = home_a();
	uint32_t index;

	while ((index = *leaf_list(owner))) {
		struct leaf *leaf = &home->leaf[index - 1];

		for (uint32_t slot = 0; slot < LEAF_PAGES; slot++)
			if (leaf->entry[slot])
				frame_release(leaf->entry[slot] & PAGE_FRAME);
		owner_count(owner, -(int32_t)leaf->count);
		memset(leaf->entry, 0, sizeof(leaf->entry));
		leaf->count = 0;
		leaf_destroy(leaf);
	}
}

uint32_t page_count(uint32_t owner) { return home_a()->space[owner].page_count; }

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
