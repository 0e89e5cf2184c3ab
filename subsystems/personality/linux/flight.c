/* Transfers between the cache and the disk: at most FLIGHT_MAX at a time, each one a cache record.
 *
 * Order: a record is put in flight (state READING, or CACHE_WRITING), that is committed, and only then is the transfer
 * issued. So after the personality's death at any point the records name every frame that a device may be moving, and
 * issuing again with the same arguments finds, repeats or finishes the transfer (filesystem.read_page is idempotent).
 * An abort that undoes "finished" only makes the transfer run again; nothing has used the frame's new contents then.
 * Who waits for a page polls it; when the table is full everything is polled, so no finished transfer is forgotten. */
#include "cache.h"

bool flight_add(struct cache_record *record)
{
	for (uint32_t i = 0; i < FLIGHT_MAX; i++)
		if (files()->flight[i] == 0) {
			files()->flight[i] = cache_index(record);
			return true;
		}
	return false;
}

static void flight_remove(const struct cache_record *record)
{
	for (uint32_t i = 0; i < FLIGHT_MAX; i++)
		if (files()->flight[i] == cache_index(record))
			files()->flight[i] = 0;
}

static bool flight_has_room(void)
{
	for (uint32_t i = 0; i < FLIGHT_MAX; i++)
		if (files()->flight[i] == 0)
			return true;
	return false;
}

static void read_finish(struct cache_record *record, zog_status_t status, bool is_hole)
{
	struct zog_copy zero = { .kind = ZOG_COPY_FRAME_ZERO, .frame = record->frame, .length = PAGE_BYTES };

	flight_remove(record);
	if (status != ZOG_OK) {
		rt_log(RT_WARN, "page %u of node %lu not read: status %ld", record->page, node_at(record->node)->number, (long)status);
		cache_remove(record);
		return;
	}
	if (is_hole)
		rt_copy(&zero);
	else
		record->flags |= CACHE_PREPARED;
	record->state = CACHE_VALID;
}

static void write_finish(struct cache_record *record, zog_status_t status)
{
	struct node *node = node_at(record->node);

	flight_remove(record);
	files()->writing_count--;
	record->flags &= (uint8_t)~CACHE_WRITING;
	if (status == ZOG_ERR_NOT_FOUND && node->links) { /* its block is gone: a cut that was not repeated yet */
		record->flags &= (uint8_t)~CACHE_PREPARED;
		cache_dirty(record);
	} else if (status != ZOG_OK) {
		rt_log(RT_ERROR, "page %u of node %lu not written: status %ld", record->page, node->number, (long)status);
		node->flags |= NODE_HAS_WRITE_ERROR;
	}
}

zog_status_t flight_issue(struct cache_record *record, uint64_t *seen_out)
{
	uint64_t seen = 0, number = node_at(record->node)->number;
	bool is_read = record->state == CACHE_READING;
	zog_status_t status;

	if (is_read)
		status = filesystem_read_page(number, record->page, record->frame, &seen);
	else
		status = filesystem_write_page(number, record->page, record->frame, &seen);
	if (status == ZOG_PENDING || status == ZOG_ERR_BUSY) {
		*seen_out = seen;
		return ZOG_PENDING;
	}
	if (is_read)
		read_finish(record, status, seen == 1);
	else
		write_finish(record, status);
	return status;
}

uint32_t flight_collect(uint64_t *seen_out)
{
	uint32_t pending = 0;
	uint64_t seen;

	for (uint32_t i = 0; i < FLIGHT_MAX; i++) {
		struct cache_record *record = cache_at(files()->flight[i]);

		if (!record || flight_issue(record, &seen) != ZOG_PENDING)
			continue;
		if (pending++ == 0)
			*seen_out = seen;
	}
	return pending;
}

/* Records for the missing pages of the window, in flight but not issued: how many, the wanted one among them or none. */
static uint32_t window_prepare(struct node *node, uint64_t page, uint32_t window, struct cache_record **started)
{
	uint64_t end = (node->size + PAGE_BYTES - 1) / PAGE_BYTES;
	uint32_t count = 0;

	for (uint64_t p = page; p < page + window && (p < end || p == page) && flight_has_room(); p++) {
		struct cache_record *record;
		uint64_t frame;

		if (cache_find(node, p))
			continue;
		if (p != page && frame_free_count() < 64)
			break;
		frame = count ? frame_allocate() : cache_frame();
		if (frame == 0)
			break;
		record = cache_add(node, p, frame, CACHE_READING);
		if (!record) {
			frame_release(frame);
			break;
		}
		if (window > 1 && p == page + window / 2)
			record->flags |= CACHE_MARK;
		flight_add(record);
		started[count++] = record;
	}
	return count;
}

/* Starts reading; the wanted page's state afterwards is for the caller to look at. 0, -errno, SYS_WAIT. */
static int64_t window_start(struct zog_call *call, struct node *node, uint64_t page, uint32_t window)
{
	struct cache_record *started[READ_AHEAD_PAGES * 2];
	uint64_t seen = 0;
	uint32_t count;

	if (!flight_has_room() && flight_collect(&seen) == FLIGHT_MAX)
		return wait_on(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
	count = window_prepare(node, page, window, started);
	if (count == 0)
		return cache_find(node, page) ? 0 : -ENOMEM;
	rt_commit();
	for (uint32_t i = 0; i < count; i++) {
		zog_status_t status = flight_issue(started[i], &seen);

		if (status != ZOG_OK && status != ZOG_PENDING && i == 0 && !cache_find(node, page))
			return status_errno(status);
	}
	return 0;
}

static int64_t page_await(struct zog_call *call, struct cache_record *record)
{
	uint64_t seen = 0;
	zog_status_t status = flight_issue(record, &seen);

	if (status == ZOG_PENDING)
		return wait_on(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
	rt_commit(); /* stays finished when the file system has to wait for a block of its own later in this call */
	return status_errno(status);
}

int64_t cache_get(struct zog_call *call, struct node *node, uint64_t page, uint32_t window, struct cache_record **out)
{
	struct cache_record *record = cache_find(node, page);
	int64_t result;

	if (!record) {
		result = window_start(call, node, page, window);
		if (result)
			return result;
		record = cache_find(node, page);
		if (!record)
			return -EIO;
	}
	if (record->state == CACHE_READING) {
		result = page_await(call, record);
		if (result)
			return result;
	}
	if (!(record->flags & CACHE_USED))
		record->flags |= CACHE_USED;
	if (record->flags & CACHE_MARK && window > 1) {
		record->flags &= (uint8_t)~CACHE_MARK;
		if (flight_has_room() && (page + window / 2) * PAGE_BYTES < node->size)
			window_start(call, node, page + window / 2, window);
	}
	*out = record;
	return 0;
}
