/* The page cache's records: which frame holds which page of which node, and in what state.
 *
 * A record belongs to its node's page list and to one hash chain; dirty ones stand in the dirty list, oldest first. The
 * record owns one reference of its frame. Frames are not transactional: a copy into one may be cut and is repeated,
 * so a record becomes visible (VALID) only together with the commit after its contents were made.
 * Bytes of the last page behind the end of the file are zero, always: extending a file needs no clearing. */
#include "cache.h"

enum { DROP_STEP = 256 }; /* pages dropped in one invocation: its time is limited */
static struct { uint32_t node; uint64_t first, last; } keep; /* scratch */

static uint32_t cache_hash(uint32_t node_slot_plus_1, uint64_t page)
{
	uint64_t hash = ((uint64_t)node_slot_plus_1 << 32 | (uint32_t)page) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(hash >> 40) % CACHE_HASH_SIZE;
}

struct cache_record *cache_find(const struct node *node, uint64_t page)
{
	uint32_t slot = node_slot(node) + 1;
	struct cache_record *record = cache_at(files()->cache_hash[cache_hash(slot, page)]);

	while (record && (record->node != slot || record->page != page))
		record = cache_at(record->hash_next);
	return record;
}

static struct cache_record *record_take(void)
{
	struct cache_record *record = cache_at(files()->record_free);

	if (record) {
		files()->record_free = record->hash_next;
		return record;
	}
	if (files()->record_top < FILES_CACHE_MAX)
		return &files()->record[files()->record_top++];
	return NULL;
}

struct cache_record *cache_add(struct node *node, uint64_t page, uint64_t frame, enum cache_state state)
{
	uint32_t slot = node_slot(node) + 1, *head = &files()->cache_hash[cache_hash(slot, page)];
	struct cache_record *record = record_take();

	if (!record)
		return NULL;
	*record = (struct cache_record){ .hash_next = *head, .node = slot, .page = (uint32_t)page, .frame = (uint32_t)frame,
		.node_next = node->page_first, .state = (uint8_t)state, .flags = CACHE_USED };
	*head = cache_index(record);
	if (node->page_first)
		cache_at(node->page_first)->node_previous = cache_index(record);
	node->page_first = cache_index(record);
	node->page_count++;
	files()->page_count++;
	return record;
}

void cache_dirty(struct cache_record *record)
{
	struct files_home *home = files();

	if (record->flags & CACHE_DIRTY)
		return;
	record->flags |= CACHE_DIRTY;
	record->dirty_next = 0;
	record->dirty_previous = home->dirty_last;
	if (home->dirty_last)
		cache_at(home->dirty_last)->dirty_next = cache_index(record);
	else
		home->dirty_first = cache_index(record);
	home->dirty_last = cache_index(record);
	if (++home->dirty_count > cache_dirty_limit() / 4)
		cache_ask_write_back();
}

void cache_clean(struct cache_record *record)
{
	struct files_home *home = files();

	if (!(record->flags & CACHE_DIRTY))
		return;
	record->flags &= (uint8_t)~CACHE_DIRTY;
	if (record->dirty_previous)
		cache_at(record->dirty_previous)->dirty_next = record->dirty_next;
	else
		home->dirty_first = record->dirty_next;
	if (record->dirty_next)
		cache_at(record->dirty_next)->dirty_previous = record->dirty_previous;
	else
		home->dirty_last = record->dirty_previous;
	home->dirty_count--;
}

static void cache_unlist(struct cache_record *record)
{
	struct node *node = node_at(record->node);
	uint32_t *link = &files()->cache_hash[cache_hash(record->node, record->page)];

	while (*link != cache_index(record))
		link = &cache_at(*link)->hash_next;
	*link = record->hash_next;
	if (record->node_previous)
		cache_at(record->node_previous)->node_next = record->node_next;
	else
		node->page_first = record->node_next;
	if (record->node_next)
		cache_at(record->node_next)->node_previous = record->node_previous;
	node->page_count--;
	files()->page_count--;
}

void cache_remove(struct cache_record *record)
{
	cache_clean(record);
	cache_unlist(record);
	if (record->flags & CACHE_SHARED)
		files()->shared_count--;
	frame_release(record->frame);
	record->node = 0;
	record->state = CACHE_FREE;
	record->hash_next = files()->record_free;
	files()->record_free = cache_index(record);
}

static bool record_can_go(const struct cache_record *record)
{
	return record->state == CACHE_VALID && !(record->flags & (CACHE_DIRTY | CACHE_WRITING | CACHE_SHARED)) &&
	       frame_references(record->frame) == 1;
}

bool cache_drop_node(struct node *node)
{
	struct cache_record *record;

	if (node->page_count > DROP_STEP)
		return false;
	for (record = cache_at(node->page_first); record; record = cache_at(record->node_next))
		if (!record_can_go(record))
			return false;
	while ((record = cache_at(node->page_first)))
		cache_remove(record);
	return true;
}

void cache_keep(const struct node *node, uint64_t first, uint64_t last)
{
	keep.node = node_slot(node) + 1;
	keep.first = first;
	keep.last = last;
}

static bool is_kept(const struct cache_record *record)
{
	return record->node == keep.node && record->page >= keep.first && record->page <= keep.last;
}

/* The clock: a page used since the hand last passed gets one more round. */
bool cache_reclaim(void)
{
	struct files_home *home = files();
	uint32_t dropped = 0, steps = 2 * home->record_top, hand = home->record_hand;

	for (uint32_t i = 0; i < steps && dropped < 32; i++) {
		struct cache_record *record = &home->record[hand++ % home->record_top];

		if (!record_can_go(record) || is_kept(record))
			continue;
		if (record->flags & CACHE_USED) {
			record->flags &= (uint8_t)~CACHE_USED;
			continue;
		}
		cache_remove(record);
		dropped++;
	}
	home->record_hand = home->record_top ? hand % home->record_top : 0;
	if (dropped == 0 && home->dirty_count)
		cache_ask_write_back();
	return dropped != 0;
}

/* Frames that reclaim freed may be had only after their release is committed: callers have nothing half done. */
uint64_t cache_frame(void)
{
	uint64_t frame = frame_allocate();

	if (frame == 0) {
		rt_commit();
		frame = frame_allocate();
	}
	return frame;
}

void cache_ask_write_back(void)
{
	if (files()->is_write_back_asked)
		return;
	files()->is_write_back_asked = 1;
	rt_notify(EVENT_WRITE_BACK, 0);
}

uint32_t cache_dirty_limit(void)
{
	return (uint32_t)(frame_total_count() / 4) + 16;
}

static struct cache_record *node_flight(const struct node *node, uint64_t first)
{
	for (uint32_t i = 0; i < FLIGHT_MAX; i++) {
		struct cache_record *record = cache_at(files()->flight[i]);

		if (record && record->node == node_slot(node) + 1 && record->page >= first)
			return record;
	}
	return NULL;
}

static int64_t node_await_flights(struct zog_call *call, struct node *node, uint64_t first)
{
	struct cache_record *record;
	uint64_t seen = 0;

	while ((record = node_flight(node, first)))
		if (flight_issue(record, &seen) == ZOG_PENDING)
			return wait_on(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
	return 0;
}

int64_t wait_again(struct zog_call *call)
{
	return wait_on(call, EVENT_CLEAN, rt_event_count(EVENT_CLEAN) - 1, RT_NO_DEADLINE);
}

int64_t cache_drop_pages(struct zog_call *call, struct node *node, uint64_t first)
{
	struct cache_record *record, *next;
	int64_t result = node_await_flights(call, node, first);
	uint32_t count = 0;

	if (result)
		return result;
	for (record = cache_at(node->page_first); record; record = next) {
		next = cache_at(record->node_next);
		if (record->page < first)
			continue;
		if (count++ == DROP_STEP)
			return wait_again(call);
		cache_remove(record);
	}
	return 0;
}

static void record_zero(struct cache_record *record, uint32_t offset)
{
	struct zog_copy zero = { .kind = ZOG_COPY_FRAME_ZERO, .frame = record->frame, .offset = offset,
				 .length = PAGE_BYTES - offset };

	rt_copy(&zero);
	if (record->flags & CACHE_PREPARED)
		cache_dirty(record);
}

int64_t cache_clear_tail(struct zog_call *call, struct node *node)
{
	struct cache_record *record;
	int64_t result;

	if (node->size % PAGE_BYTES == 0)
		return 0;
	result = cache_get(call, node, node->size / PAGE_BYTES, 1, &record);
	if (result == 0)
		record_zero(record, node->size % PAGE_BYTES);
	return result;
}

int64_t cache_cut(struct zog_call *call, struct node *node, uint64_t size)
{
	uint32_t tail = size % PAGE_BYTES;
	struct cache_record *record;
	int64_t result;

	if (tail) {
		result = cache_get(call, node, size / PAGE_BYTES, 1, &record);
		if (result)
			return result;
	}
	result = node_await_flights(call, node, size / PAGE_BYTES);
	if (result || !tail)
		return result;
	record = cache_find(node, size / PAGE_BYTES);
	if (!record)
		return SYS_RETRY;
	record_zero(record, tail);
	return 0;
}

uint64_t cache_page_peek(struct node *node, uint64_t page)
{
	struct cache_record *record = cache_find(node, page);

	return record && record->state == CACHE_VALID ? record->frame : 0;
}

int64_t cache_page(struct zog_call *call, struct node *node, uint64_t page, uint64_t *frame_out)
{
	struct cache_record *record;
	int64_t result;

	if (page >= (node->size + PAGE_BYTES - 1) / PAGE_BYTES)
		return -ENXIO;
	result = cache_get(call, node, page, READ_AHEAD_PAGES, &record);
	if (result == 0)
		*frame_out = record->frame;
	return result;
}

void cache_page_dirty(struct node *node, uint64_t page)
{
	struct cache_record *record = cache_find(node, page);

	if (!record)
		return;
	if (!(record->flags & CACHE_SHARED)) {
		record->flags |= CACHE_SHARED;
		files()->shared_count++;
	}
	cache_dirty(record);
	node_time_modify(node);
}
