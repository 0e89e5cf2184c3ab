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
	rt_pair_set(&pool->head, pool->next[index - 1], pool->taken + 1);
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
	pool->references[index - 1] = 1;
	return pool->first + index - 1;
}

/* Of the queue as far as it is committed, with one store for all of them; then of those never used. */
static uint32_t frames_take(struct frame_pool *pool, uint64_t *frames, uint32_t count)
{
	const struct frame_pool *committed = rt_committed(pool);
	uint32_t index = pool->head, last = committed->head ? committed->tail : index, got = 0;

	while (got < count && index && index != last) {
		frames[got++] = pool->first + index - 1;
		index = pool->next[index - 1];
	}
	if (got)
		rt_pair_set(&pool->head, index, pool->taken + got);
	return got;
}

uint32_t frame_allocate_some(uint64_t *frames, uint32_t count)
{
	struct frame_pool *pool = frame_pool();
	uint32_t got = frames_take(pool, frames, count), fresh = pool->fresh;
	struct frame_run run = { 0, 0 };

	while (got < count && fresh < pool->count)
		frames[got++] = pool->first + fresh++;
	if (fresh != pool->fresh)
		pool->fresh = fresh;
	for (uint32_t i = 0; i < got; i++)
		if (!frame_run_extend(&run, frames[i])) {
			frame_run_reference(run);
			run = (struct frame_run){ frames[i], 1 };
		}
	frame_run_reference(run);
	return got;
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

	pool->references[frame_index(pool, frame)]++;
}

void frame_run_reference(struct frame_run run)
{
	struct frame_pool *pool = frame_pool();

	if (run.count == 1)
		pool->references[frame_index(pool, run.first)]++;
	if (run.count < 2)
		return;
	rt_assert(frame_index(pool, run.first) + run.count <= pool->count);
	rt_words_add(&pool->references[run.first - pool->first], run.count, 1);
}

/* Frames come back in the order in which they went, mostly: then the link is there from the last time. */
static void frame_link(struct frame_pool *pool, uint32_t before, uint32_t index)
{
	if (pool->next[before - 1] != index)
		pool->next[before - 1] = index;
}

/* Puts those of the run into the queue that have no reference any more. */
static void frames_queue(struct frame_pool *pool, uint32_t index, uint32_t count)
{
	uint32_t head = pool->head, tail = pool->tail, released = pool->released;

	for (uint32_t i = index; i < index + count; i++) {
		if (pool->references[i])
			continue;
		if (tail)
			frame_link(pool, tail, i + 1);
		else
			head = i + 1;
		tail = i + 1;
		released++;
	}
	if (head != pool->head)
		pool->head = head;
	if (released != pool->released)
		rt_pair_set(&pool->tail, tail, released);
}

void frame_release(uint64_t frame)
{
	struct frame_pool *pool = frame_pool();
	uint32_t index = frame_index(pool, frame);

	rt_assert(pool->references[index] > 0);
	if (--pool->references[index] == 0)
		frames_queue(pool, index, 1);
}

void frame_run_release(struct frame_run run)
{
	struct frame_pool *pool = frame_pool();
	uint32_t index;

	if (run.count == 1)
		frame_release(run.first);
	if (run.count < 2)
		return;
	index = frame_index(pool, run.first);
	rt_assert(index + run.count <= pool->count);
	for (uint32_t i = index; i < index + run.count; i++)
		rt_assert(pool->references[i] > 0);
	rt_words_add(&pool->references[index], run.count, (uint32_t)-1);
	frames_queue(pool, index, run.count);
}

uint32_t frame_references(uint64_t frame)
{
	const struct frame_pool *pool = frame_pool();

	return pool->references[frame_index(pool, frame)];
}

uint64_t frame_free_count(void)
{
	const struct frame_pool *pool = frame_pool();

	return pool->count - pool->fresh + (pool->released - pool->taken);
}

uint64_t frame_total_count(void) { return frame_pool()->count; }
