/* Payload frames with reference counts.
 *
 * Ordering rule: a frame may be handed out only when its release is committed. Bytes are copied into frames at once,
 * not with the commit; were a frame reused in the invocation that freed it and that invocation aborted, its old
 * owner would find foreign bytes. So freed frames form a queue, and the queue is taken from only up to the tail that
 * the committed image shows. */
#include "memory.h"

enum { FRAME_MARGIN = 64, FRAME_RECLAIM_STEP = 32 };

static struct frame_pool *frame_pool(void) { return &home_a()->frames; }

void frame_pool_attach(uint64_t first, uint64_t count)
{
	struct frame_pool *pool = frame_pool();

	if (pool->count)
		return;
	pool->first = first;
	pool->count = count < FRAME_RECORD_MAX ? count : FRAME_RECORD_MAX;
}

/* The queue keeps its last element, so that head and tail meet only in one that is never handed out. */
static uint32_t frame_take_freed(struct frame_pool *pool)
{
	const struct frame_pool *committed = rt_committed(pool);
	uint32_t index = pool->head;

	if (!index || index == committed->tail || !committed->head)
		return 0;
	pool->head = pool->record[index - 1].next;
	return index;
}

static uint32_t frame_take(struct frame_pool *pool)
{
	uint32_t index = frame_take_freed(pool);

	if (!index && pool->fresh < pool->count)
		index = ++pool->fresh;
	return index;
}

uint64_t frame_allocate(void)
{
	struct frame_pool *pool = frame_pool();
	uint32_t index = frame_take(pool);

	if (!index && cache_reclaim())
		index = frame_take(pool);
	if (!index)
		return 0;
	pool->allocated++;
	pool->record[index - 1].references = 1;
	return pool->first + index - 1;
}

void frame_reserve(uint32_t count)
{
	if (frame_free_count() >= count + FRAME_MARGIN)
		return;
	for (uint32_t i = 0; i <= count / FRAME_RECLAIM_STEP && cache_reclaim(); i++)
		;
	rt_commit();
}

static uint32_t frame_index(const struct frame_pool *pool, uint64_t frame)
{
	rt_assert(frame >= pool->first && frame < pool->first + pool->count);
	return frame - pool->first;
}

void frame_reference(uint64_t frame)
{
	struct frame_pool *pool = frame_pool();

	pool->record[frame_index(pool, frame)].references++;
}

static void frame_queue(struct frame_pool *pool, uint32_t index)
{
	pool->record[index].next = 0;
	if (pool->tail)
		pool->record[pool->tail - 1].next = index + 1;
	else
		pool->head = index + 1;
	pool->tail = index + 1;
	pool->released++;
}

void frame_release(uint64_t frame)
{
	struct frame_pool *pool = frame_pool();
	uint32_t index = frame_index(pool, frame);

	rt_assert(pool->record[index].references > 0);
	if (--pool->record[index].references == 0)
		frame_queue(pool, index);
}

uint32_t frame_references(uint64_t frame)
{
	const struct frame_pool *pool = frame_pool();

	return pool->record[frame_index(pool, frame)].references;
}

uint64_t frame_free_count(void)
{
	const struct frame_pool *pool = frame_pool();

	return pool->count - (pool->allocated - pool->released);
}

uint64_t frame_total_count(void) { return frame_pool()->count; }
