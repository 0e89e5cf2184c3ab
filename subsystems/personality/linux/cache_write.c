/* Writing into the cache. Space on the disk is allocated before the call is answered, so that a full disk is told to
 * the writer; the data goes out later (write_back.c).
 *
 * One batch, in this order: the program's bytes are probed; pages that hold data of the file already are brought in;
 * then what a half-done prepare could leave behind is put on record and committed: the size is marked for write-back
 * (which cuts blocks behind the end again), and pages that are holes become dirty zero pages (their new blocks hold
 * garbage until written). Then filesystem_prepare, and nothing that waits or fails comes after it: frames are filled,
 * records made, size and time changed, the reply commits. A cut batch is repeated as a whole. */
#include "cache.h"
#include "transfer.h"

enum { BATCH_PAGES = 64 };

struct batch {
	struct zog_call *call;
	struct node *node;
	uint64_t offset, size;  /* bytes */
	uint64_t first, count;  /* pages */
};

static void batch_shape(struct batch *batch, uint64_t size)
{
	batch->size = size;
	batch->first = batch->offset / PAGE_BYTES;
	batch->count = (batch->offset + size - 1) / PAGE_BYTES - batch->first + 1;
}

static void node_grow(struct node *node, uint64_t end)
{
	if (end > node->size) {
		node->size = end;
		node_mark(node, FILESYSTEM_SET_MASK_SIZE);
	}
	node_time_modify(node);
}

/* Within one page that is there and has its block, no gap before it: nothing to ask anybody. */
static bool is_quick(const struct batch *batch, const struct cache_record *record)
{
	return batch->count == 1 && !(batch->node->flags & NODE_HAS_SURPLUS) && batch->offset <= batch->node->size &&
	       batch->first * PAGE_BYTES < batch->node->size && record &&
	       record->state == CACHE_VALID && record->flags & CACHE_PREPARED &&
	       (record->flags & CACHE_DIRTY || files()->dirty_count < cache_dirty_limit());
}

static int64_t write_quick(struct batch *batch, struct transfer *t, struct cache_record *record)
{
	int64_t result;

	cache_keep(batch->node, batch->first, batch->first);
	result = transfer_to_frame(t, 0, record->frame, batch->offset % PAGE_BYTES, (uint32_t)batch->size);
	if (result)
		return result;
	if (!(record->flags & CACHE_USED))
		record->flags |= CACHE_USED;
	cache_dirty(record);
	node_grow(batch->node, batch->offset + batch->size);
	return (int64_t)batch->size;
}

/* Pages that begin before the end of the file have contents to keep, or are holes to know of. */
static int64_t batch_fetch(struct batch *batch)
{
	uint64_t end = (batch->node->size + PAGE_BYTES - 1) / PAGE_BYTES;

	for (uint64_t page = batch->first; page < batch->first + batch->count && page < end; page++) {
		struct cache_record *record;
		uint64_t window = batch->first + batch->count - page;
		int64_t result = cache_get(batch->call, batch->node, page,
					   window < READ_AHEAD_PAGES ? (uint32_t)window : READ_AHEAD_PAGES, &record);

		if (result)
			return result;
	}
	return 0;
}

/* Is every page there with its block? Marks holes dirty on the way; *is_changed when records changed. */
static bool batch_is_prepared(struct batch *batch, bool *is_changed)
{
	bool is_prepared = true;

	for (uint64_t page = batch->first; page < batch->first + batch->count; page++) {
		struct cache_record *record = cache_find(batch->node, page);

		if (record && record->flags & CACHE_PREPARED)
			continue;
		is_prepared = false;
		if (record && !(record->flags & CACHE_DIRTY)) {
			cache_dirty(record);
			*is_changed = true;
		}
	}
	return is_prepared;
}

static void batch_unmark_holes(struct batch *batch, uint64_t from)
{
	for (uint64_t page = from; page < batch->first + batch->count; page++) {
		struct cache_record *record = cache_find(batch->node, page);

		if (record && !(record->flags & (CACHE_PREPARED | CACHE_SHARED)))
			cache_clean(record);
	}
}

/* What a full disk means: files that are gone but not yet freed may give room. */
static int64_t batch_no_space(struct batch *batch)
{
	if (files()->dead_count)
		return cache_await_clean(batch->call);
	return -ENOSPC;
}

static int64_t batch_prepare(struct batch *batch)
{
	struct node *node = batch->node;
	uint64_t prepared = 0, end = batch->offset + batch->size;
	bool is_changed = false;
	zog_status_t status;

	if (batch_is_prepared(batch, &is_changed))
		return 0;
	if (!(node->dirty_mask & FILESYSTEM_SET_MASK_SIZE)) {
		node_mark(node, FILESYSTEM_SET_MASK_SIZE);
		is_changed = true;
	}
	if (is_changed)
		rt_commit();
	status = filesystem_prepare(node->number, batch->first, batch->count, end > node->size ? end : node->size, &prepared);
	if (status != ZOG_OK && status != ZOG_ERR_SPACE)
		return status_errno(status);
	files()->is_metadata_dirty = 1;
	node->flags |= NODE_BLOCKS_STALE;
	if (prepared >= batch->count)
		return 0;
	batch_unmark_holes(batch, batch->first + prepared);
	if (prepared == 0)
		return batch_no_space(batch);
	batch_shape(batch, prepared * PAGE_BYTES - batch->offset % PAGE_BYTES);
	return 0;
}

static void page_zero(const struct cache_record *record)
{
	struct zog_copy zero = { .kind = ZOG_COPY_FRAME_ZERO, .frame = record->frame, .length = PAGE_BYTES };

	rt_copy(&zero);
}

static struct cache_record *page_make(struct batch *batch, uint64_t page, bool is_whole)
{
	struct cache_record *record;
	uint64_t frame = cache_frame();

	if (frame == 0)
		return NULL;
	record = cache_add(batch->node, page, frame, CACHE_VALID);
	if (!record)
		frame_release(frame);
	else if (!is_whole)
		page_zero(record);
	return record;
}

/* Fills the pages; bytes done. Short when frames run out. */
static uint64_t batch_fill(struct batch *batch, struct transfer *t)
{
	uint64_t done = 0;

	while (done < batch->size) {
		uint64_t at = batch->offset + done, page = at / PAGE_BYTES;
		uint32_t inside = at % PAGE_BYTES, size = PAGE_BYTES - inside;
		struct cache_record *record = cache_find(batch->node, page);

		size = batch->size - done < size ? (uint32_t)(batch->size - done) : size;
		if (!record)
			record = page_make(batch, page, size == PAGE_BYTES);
		else if (page * PAGE_BYTES >= batch->node->size && size < PAGE_BYTES)
			page_zero(record); /* what a cut write left here was never part of the file */
		if (!record || transfer_to_frame(t, done, record->frame, inside, size) != 0)
			break;
		record->flags |= CACHE_PREPARED;
		cache_dirty(record);
		done += size;
	}
	return done;
}

static int64_t write_batch(struct batch *batch, struct transfer *t)
{
	int64_t result = node_trim(batch->call, batch->node);
	uint64_t done;

	if (result == 0)
		result = transfer_probe(t, batch->size);
	if (result < 0)
		return result;
	batch_shape(batch, (uint64_t)result);
	cache_keep(batch->node, batch->first, batch->first + batch->count - 1);
	if (files()->dirty_count + batch->count > cache_dirty_limit())
		return cache_await_clean(batch->call);
	result = batch->offset > batch->node->size ? cache_clear_tail(batch->call, batch->node) : 0;
	if (result == 0)
		result = batch_fetch(batch);
	if (result == 0)
		result = batch_prepare(batch);
	if (result)
		return result;
	done = batch_fill(batch, t);
	if (done == 0)
		return files()->dirty_count ? cache_await_clean(batch->call) : -ENOMEM;
	node_grow(batch->node, batch->offset + done);
	return (int64_t)done;
}

int64_t cache_write(struct zog_call *call, struct node *node, uint64_t offset, struct transfer *t)
{
	struct batch batch = { .call = call, .node = node, .offset = offset };
	uint64_t most = BATCH_PAGES * PAGE_BYTES - offset % PAGE_BYTES;
	struct cache_record *record;

	batch_shape(&batch, transfer_left(t) < most ? transfer_left(t) : most);
	record = cache_find(node, batch.first);
	if (is_quick(&batch, record))
		return write_quick(&batch, t, record);
	return write_batch(&batch, t);
}
