/* Write-back: dirty pages and attributes to the file system, several transfers at a time; fsync and sync.
 *
 * A page's write: the record loses DIRTY and gets WRITING, stands in flight, that is committed, the write is issued. A page
 * changed meanwhile is DIRTY again and is written again after. Attributes of a node go before its pages: a page is clean
 * only when the file system's size covers it, else reading it back would cut it.
 * A sync is a pass: a ticket is chosen and committed; everything dirty goes out; the file system flushes under that ticket. */
#include "cache.h"
#include "tty.h"
#include "file.h"

enum { SHARED_PERIOD_MS = 5000, GATHER_STEP = 2048 /* records looked at in one invocation */ };

/* Pages that programs can write unseen count as dirty at the start of each pass, while they are mapped. */
static void shared_gather(void)
{
	struct files_home *home = files();

	for (uint32_t i = 0; home->shared_count && i < home->record_top; i++) {
		struct cache_record *record = &home->record[i];

		if (!(record->flags & CACHE_SHARED) || record->state != CACHE_VALID)
			continue;
		if (frame_references(record->frame) == 1) {
			record->flags &= (uint8_t)~CACHE_SHARED;
			home->shared_count--;
		}
		cache_dirty(record);
	}
	home->shared_written_ns = rt_now_ns();
}

/* A dirty page without a block: its contents are what the disk says anyway unless a program mapped it writable. */
static bool page_prepare(struct cache_record *record)
{
	struct node *node = node_at(record->node);
	uint64_t prepared = 0;
	zog_status_t status;

	if (record->flags & CACHE_PREPARED)
		return true;
	status = filesystem_prepare(node->number, record->page, 1, node->size, &prepared);
	if (prepared == 1) {
		record->flags |= CACHE_PREPARED;
		return true;
	}
	rt_log(RT_WARN, "no block for page %u of node %lu: status %ld", record->page, node->number, (long)status);
	if (record->flags & CACHE_SHARED)
		node->flags |= NODE_HAS_WRITE_ERROR;
	cache_clean(record);
	return false;
}

static bool page_is_ready(struct cache_record *record)
{
	struct node *node = node_at(record->node);

	if (node->flags & NODE_IS_DEAD || (uint64_t)record->page * PAGE_BYTES >= node->size) {
		cache_clean(record); /* cut, or nobody will ever read it */
		return false;
	}
	if (node->dirty_mask & FILESYSTEM_SET_MASK_SIZE)
		node_write_attributes(node);
	return page_prepare(record);
}

/* Puts dirty pages in flight while there is room; how many. */
static uint32_t writes_gather(struct cache_record **started)
{
	struct cache_record *record = cache_at(files()->dirty_first), *next;
	uint32_t count = 0;

	for (uint32_t step = 0; record && count < FLIGHT_MAX && step < GATHER_STEP; record = next, step++) {
		next = cache_at(record->dirty_next);
		if (record->flags & CACHE_WRITING || record->state != CACHE_VALID || !page_is_ready(record))
			continue;
		if (!flight_add(record))
			break;
		cache_clean(record);
		record->flags |= CACHE_WRITING;
		files()->writing_count++;
		started[count++] = record;
	}
	return count;
}

int64_t cache_await_clean(struct zog_call *call)
{
	files()->has_clean_waiter = 1;
	cache_ask_write_back();
	return wait_on(call, EVENT_CLEAN, rt_event_count(EVENT_CLEAN), RT_NO_DEADLINE);
}

static void clean_announce(void)
{
	struct files_home *home = files();

	if (!home->has_clean_waiter || home->dirty_count > cache_dirty_limit() / 2)
		return;
	home->has_clean_waiter = 0;
	rt_notify(EVENT_CLEAN, 0);
}

static int64_t pages_write_out(struct zog_call *call)
{
	struct cache_record *started[FLIGHT_MAX];
	uint64_t seen = 0, later;
	uint32_t pending = flight_collect(&seen), count;

	rt_commit();
	count = writes_gather(started);
	clean_announce();
	if (count)
		rt_commit();
	for (uint32_t i = 0; i < count; i++)
		if (flight_issue(started[i], &later) == ZOG_PENDING && pending++ == 0)
			seen = later;
	if (files()->writing_count == 0 && files()->dirty_count == 0)
		return 0;
	if (pending == 0)
		return wait_again(call);
	return wait_on(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
}

static void attributes_write_out(void)
{
	for (uint32_t i = 0; i < FILES_NODE_MAX && files()->attribute_count; i++) {
		struct node *node = &files()->node[i];

		if (node->dirty_mask == 0 || node->flags & NODE_IS_DEAD)
			continue;
		node_write_attributes(node);
		rt_commit();
	}
}

static int64_t dead_bury(struct zog_call *call)
{
	for (uint32_t i = 0; i < FILES_NODE_MAX && files()->dead_count; i++) {
		struct node *node = &files()->node[i];
		int64_t result = node->flags & NODE_IS_DEAD ? node_bury(call, node) : 0;

		if (result)
			return result;
		if (files()->has_clean_waiter && files()->dead_count == 0)
			clean_announce();
		rt_commit();
	}
	return 0;
}

int64_t cache_write_out(struct zog_call *call)
{
	int64_t result = pages_write_out(call);

	if (result == 0)
		attributes_write_out();
	return result;
}

static int64_t sync_flush(struct zog_call *call, uint64_t ticket, bool is_final)
{
	uint64_t seen = 0;
	zog_status_t status = filesystem_sync(ticket, is_final, &seen);

	if (status == ZOG_PENDING || status == ZOG_ERR_BUSY)
		return wait_on(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
	return status_errno(status);
}

int64_t files_sync(struct zog_call *call, uint64_t *ticket, bool is_final)
{
	int64_t result;

	if (*ticket == 0) {
		shared_gather();
		*ticket = sequence_next();
		rt_commit();
	}
	result = cache_write_out(call);
	if (result == 0)
		result = sync_flush(call, *ticket, is_final);
	return result;
}

static bool has_work(void)
{
	struct files_home *home = files();

	if (home->shared_count && rt_now_ns() - home->shared_written_ns > SHARED_PERIOD_MS * 1000000ull)
		return true;
	return home->dirty_count || home->writing_count || home->attribute_count || home->dead_count || home->is_metadata_dirty ||
	       home->sync_ticket;
}

bool files_are_dirty(void)
{
	return has_work() || files()->shared_count;
}

int64_t files_write_back(struct zog_call *call, bool is_final)
{
	struct files_home *home = files();
	int64_t result;

	home->is_write_back_asked = 0;
	if (is_final && (result = tty_finish(call)) != 0)
		return result;
	if (is_final && !home->is_last_sync) {
		home->is_last_sync = 1;
		home->sync_ticket = 0; /* one that is under way has begun before the last of what was written */
	}
	if (!has_work() && !is_final)
		return 0;
	result = dead_bury(call);
	if (result == SYS_WAIT)
		return result;
	if (home->sync_ticket == 0)
		home->is_metadata_dirty = 0;
	result = files_sync(call, &home->sync_ticket, is_final);
	if (result == SYS_WAIT)
		return result;
	if (result)
		rt_log(RT_ERROR, "write-back: %ld", (long)result);
	home->sync_ticket = 0;
	if (home->has_clean_waiter) {
		home->has_clean_waiter = 0;
		rt_notify(EVENT_CLEAN, 0);
	}
	return 0;
}
