/* Both ends of a stream; the protocol stands in stream.h. */
#include "stream/stream.h"
#include "rt/hook.h"

#define SLOT_BYTES_MIN 32u
#define BLOCK_BYTES 64u
#define STRING_BYTES 512u /* from here on the string instruction is the cheaper copy */

/* The fast paths store into the own head, the own slots (masked) and struct stream only, and report the ranges that
 * the caller gave: one hook call instead of one for each word. The host test hooks them, too, to kill in between. */
#ifndef STORES_ARE_OWN
#define STORES_ARE_OWN __attribute__((no_sanitize("kernel-address")))
#endif

static uint64_t position_read(const volatile struct stream_head *head) { return __atomic_load_n(&head->position, __ATOMIC_ACQUIRE); }

/* A consumer's position lies at most the whole ring behind the producer's, which is what the producer committed. */
static bool peer_is_possible(const struct stream *stream, uint64_t peer_position)
{
	if (peer_position < stream->peer_position)
		return false;
	if (stream->end == STREAM_END_PRODUCER)
		return peer_position <= stream->committed->position;
	return peer_position >= stream->position && peer_position - stream->position <= stream->mask + 1;
}

/* Reads the peer's position anew. */
STORES_ARE_OWN static zog_status_t peer_refresh(struct stream *stream)
{
	uint64_t peer_position = position_read(stream->peer);

	if (stream->own->is_asleep)
		__atomic_store_n(&stream->own->is_asleep, 0, __ATOMIC_RELAXED);
	if (!peer_is_possible(stream, peer_position))
		return ZOG_ERR_CORRUPT;
	stream->peer_position = peer_position;
	return ZOG_OK;
}

static bool has_work(const struct stream *stream)
{
	if (stream->end == STREAM_END_PRODUCER)
		return stream->position - stream->peer_position <= stream->mask;
	return stream->position != stream->peer_position;
}

/* --- attaching --------------------------------------------------------------------------------------------------- */

static bool place_is_good(const struct stream_place *place)
{
	size_t pages = place->end == STREAM_END_PRODUCER ? place->own_pages : place->peer_pages;

	return place->slot_bytes >= SLOT_BYTES_MIN && place->slot_bytes <= ZOG_PAGE_SIZE &&
	       (place->slot_bytes & (place->slot_bytes - 1)) == 0 && pages >= 2 && pages <= ZOG_STREAM_PAGES_MAX;
}

/* The largest power of two of slots that fits behind the producer's first page. */
static uint64_t slot_count(const struct stream_place *place)
{
	size_t pages = (place->end == STREAM_END_PRODUCER ? place->own_pages : place->peer_pages) - 1;
	uint64_t count = 1;

	while (count * 2 <= pages * ZOG_PAGE_SIZE / place->slot_bytes)
		count *= 2;
	return count;
}

zog_status_t stream_attach(struct stream *stream, const struct stream_place *place)
{
	if (!place_is_good(place))
		return ZOG_ERR_ARGUMENT;
	stream->mask = slot_count(place) - 1;
	stream->shift = (uint32_t)__builtin_ctzl(place->slot_bytes);
	stream->capacity = (uint32_t)(place->slot_bytes - sizeof(struct stream_record));
	stream->slot = (uint8_t *)(place->end == STREAM_END_PRODUCER ? (uintptr_t)place->own : (uintptr_t)place->peer) + ZOG_PAGE_SIZE;
	stream->own = place->own;
	stream->peer = place->peer;
	stream->end = place->end;
	stream->event = place->event;
	stream->home = place->home;
	stream->committed = place->committed;
	stream->position = stream->committed->position;
	/* The least that the peer can have: what a producer's whole ring allows, what a consumer has taken. */
	stream->peer_position = stream->position;
	if (stream->end == STREAM_END_PRODUCER)
		stream->peer_position = stream->position > stream->mask ? stream->position - stream->mask - 1 : 0;
	stream_show(stream);
	return peer_refresh(stream);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* What is no whole number of small blocks, or large. Out of line: the short way of a record keeps few registers. */
STORES_ARE_OWN static __attribute__((noinline)) void bytes_copy_rest(uint8_t *to, const uint8_t *from, size_t size)
{
	size_t words = size / 8, rest = size % 8;

	if (size >= STRING_BYTES) {
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	} else {
		for (; words > 0; words--, to += 8, from += 8)
			*(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
	}
	for (; rest > 0; rest--)
		*to++ = *from++;
}

STORES_ARE_OWN static inline void bytes_copy(uint8_t *to, const uint8_t *from, size_t size)
{
	if (size < STRING_BYTES) {
		for (; size >= BLOCK_BYTES; size -= BLOCK_BYTES, to += BLOCK_BYTES, from += BLOCK_BYTES) {
			uint64_t *t = (uint64_t *)(void *)to;
			const uint64_t *f = (const uint64_t *)(const void *)from;
			t[0] = f[0], t[1] = f[1], t[2] = f[2], t[3] = f[3], t[4] = f[4], t[5] = f[5], t[6] = f[6], t[7] = f[7];
		}
	}
	if (size > 0)
		bytes_copy_rest(to, from, size);
}

/* As the hook, which passes the own stack first of all. */
static inline void store_report(const void *start, size_t size)
{
	if ((uintptr_t)start - ZOG_STACK_BASE >= ZOG_CPU_MAX * ZOG_STACK_STRIDE)
		rt_store((uintptr_t)start, size);
}

/* Looks at the peer's position; `none` when there is still nothing to do. */
STORES_ARE_OWN static __attribute__((noinline)) zog_status_t work_find(struct stream *stream, zog_status_t none)
{
	zog_status_t status = peer_refresh(stream);

	return status == ZOG_OK && !has_work(stream) ? none : status;
}

static struct stream_record *record_at(const struct stream *stream, uint64_t position)
{
	return (void *)(stream->slot + ((position & stream->mask) << stream->shift));
}

void *stream_slot(struct stream *stream)
{
	if (stream->position - stream->peer_position > stream->mask && work_find(stream, ZOG_ERR_LIMIT) != ZOG_OK)
		return NULL;
	return record_at(stream, stream->position)->data;
}

STORES_ARE_OWN zog_status_t stream_push(struct stream *stream, size_t length)
{
	uint64_t position = stream->position;

	if (length > stream->capacity)
		return ZOG_ERR_TOO_BIG;
	if (position - stream->peer_position > stream->mask)
		return ZOG_ERR_LIMIT;
	struct stream_record *record = record_at(stream, position);
	record->sequence = position + 1;
	record->length = (uint32_t)length;
	stream->position = position + 1;
	return ZOG_OK;
}

STORES_ARE_OWN zog_status_t stream_put(struct stream *stream, const void *data, size_t length)
{
	uint64_t position = stream->position;

	if (length > stream->capacity)
		return ZOG_ERR_TOO_BIG;
	if (position - stream->peer_position > stream->mask) {
		zog_status_t status = work_find(stream, ZOG_ERR_LIMIT);
		if (status != ZOG_OK)
			return status;
	}
	struct stream_record *record = record_at(stream, position);
	record->sequence = position + 1;
	record->length = (uint32_t)length;
	stream->position = position + 1;
	bytes_copy(record->data, data, length);
	return ZOG_OK;
}

STORES_ARE_OWN zog_status_t stream_take(struct stream *stream, void *data, size_t size, size_t *length_out)
{
	uint64_t position = stream->position;

	if (position == stream->peer_position) {
		zog_status_t status = work_find(stream, ZOG_ERR_NOT_FOUND);
		if (status != ZOG_OK)
			return status;
	}
	const struct stream_record *record = record_at(stream, position);
	uint64_t sequence = __atomic_load_n(&record->sequence, __ATOMIC_RELAXED);
	size_t length = __atomic_load_n(&record->length, __ATOMIC_RELAXED);
	if (sequence != position + 1 || length > stream->capacity)
		return ZOG_ERR_CORRUPT;
	if (length > size)
		return ZOG_ERR_TOO_BIG;
	store_report(data, length);
	store_report(length_out, sizeof(*length_out));
	*length_out = length;
	stream->position = position + 1;
	bytes_copy(data, record->data, length);
	return ZOG_OK;
}

bool stream_has_room(struct stream *stream)
{
	return has_work(stream) || work_find(stream, ZOG_ERR_LIMIT) == ZOG_OK;
}

zog_status_t stream_skip(struct stream *stream)
{
	if (!has_work(stream)) {
		zog_status_t status = work_find(stream, ZOG_ERR_NOT_FOUND);
		if (status != ZOG_OK)
			return status;
	}
	stream->position++;
	return ZOG_OK;
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

/* By the string instruction: for records side by side it is the shortest. Moves both places on. */
STORES_ARE_OWN static inline __attribute__((always_inline)) void bytes_move(uint8_t **to, const uint8_t **from, size_t words, size_t rest)
{
	__asm__ volatile("rep movsq" : "+D"(*to), "+S"(*from), "+c"(words) : : "memory");
	for (; rest > 0; rest--)
		*(*to)++ = *(*from)++;
}

/* COUNT records behind one another in the ring, no end of it in between. */
STORES_ARE_OWN static inline __attribute__((always_inline)) const uint8_t *
records_put(struct stream *stream, const uint8_t *data, size_t length, size_t count, size_t rest)
{
	uint64_t sequence = stream->position, stride = 1ul << stream->shift;
	uint8_t *slot = (void *)record_at(stream, sequence);
	size_t words = length / 8;

	for (; count > 0; count--, slot += stride) {
		struct stream_record *record = (void *)slot;
		uint8_t *to = record->data;
		record->sequence = ++sequence;
		record->length = (uint32_t)length;
		bytes_move(&to, &data, words, rest);
	}
	stream->position = sequence;
	return data;
}

/* The same, out of the ring; stops at a record that is not the one expected. */
STORES_ARE_OWN static inline __attribute__((always_inline)) uint8_t *
records_take(struct stream *stream, uint8_t *data, size_t length, size_t count, size_t rest)
{
	uint64_t sequence = stream->position, stride = 1ul << stream->shift;
	const uint8_t *slot = (const void *)record_at(stream, sequence);
	size_t words = length / 8;

	for (; count > 0; count--, slot += stride) {
		const struct stream_record *record = (const void *)slot;
		const uint8_t *from = record->data;
		if (__atomic_load_n(&record->sequence, __ATOMIC_RELAXED) != sequence + 1 || __atomic_load_n(&record->length, __ATOMIC_RELAXED) != length)
			break;
		sequence++;
		bytes_move(&data, &from, words, rest);
	}
	stream->position = sequence;
	return data;
}

/* Whole words have a loop of their own. */
STORES_ARE_OWN static const uint8_t *run_put(struct stream *stream, const uint8_t *data, size_t length, size_t count)
{
	if (length % 8 == 0)
		return records_put(stream, data, length, count, 0);
	return records_put(stream, data, length, count, length % 8);
}

STORES_ARE_OWN static uint8_t *run_take(struct stream *stream, uint8_t *data, size_t length, size_t count)
{
	if (length % 8 == 0)
		return records_take(stream, data, length, count, 0);
	return records_take(stream, data, length, count, length % 8);
}

/* How many of COUNT records can move at once from the position on, of `most` there are or have room. */
static size_t run_length(const struct stream *stream, uint64_t most, size_t count)
{
	uint64_t to_end = stream->mask + 1 - (stream->position & stream->mask);

	most = most < to_end ? most : to_end;
	return count < most ? count : most;
}

zog_status_t stream_put_many(struct stream *stream, const void *data, size_t length, size_t count, size_t *count_out)
{
	uint64_t start = stream->position;

	*count_out = 0;
	if (length > stream->capacity)
		return ZOG_ERR_TOO_BIG;
	zog_status_t status = work_find(stream, ZOG_ERR_LIMIT);
	if (status != ZOG_OK)
		return status;
	while (stream->position - start < count) {
		size_t run = run_length(stream, stream->mask + 1 - (stream->position - stream->peer_position), count - (stream->position - start));
		if (run == 0)
			break;
		data = run_put(stream, data, length, run);
	}
	*count_out = stream->position - start;
	return ZOG_OK;
}

/* Why not one record has been taken, though there is one. */
static zog_status_t take_refusal(const struct stream *stream)
{
	const struct stream_record *record = record_at(stream, stream->position);
	uint64_t sequence = __atomic_load_n(&record->sequence, __ATOMIC_RELAXED);
	size_t length = __atomic_load_n(&record->length, __ATOMIC_RELAXED);

	return sequence != stream->position + 1 || length > stream->capacity ? ZOG_ERR_CORRUPT : ZOG_ERR_ARGUMENT;
}

zog_status_t stream_take_many(struct stream *stream, void *data, size_t length, size_t count, size_t *count_out)
{
	uint64_t start = stream->position;

	*count_out = 0;
	if (length > stream->capacity || count > SIZE_MAX / (length + 1))
		return ZOG_ERR_ARGUMENT;
	zog_status_t status = work_find(stream, ZOG_ERR_NOT_FOUND);
	if (status != ZOG_OK)
		return status;
	uint64_t there = stream->peer_position - start;
	store_report(data, (there < count ? there : count) * length);
	while (stream->position - start < count) {
		uint64_t before = stream->position;
		size_t run = run_length(stream, stream->peer_position - before, count - (before - start));
		data = run_take(stream, data, length, run);
		if (run == 0 || stream->position - before < run)
			break;
	}
	*count_out = stream->position - start;
	return *count_out > 0 || count == 0 ? ZOG_OK : take_refusal(stream);
}

/* --- commit, show, sleep ------------------------------------------------------------------------------------------- */

void stream_seal(struct stream *stream)
{
	if (stream->home->position != stream->position)
		stream->home->position = stream->position;
}

void stream_show(struct stream *stream)
{
	/* Records and the use of slots before the position that tells of them: release, partner of position_read. */
	__atomic_store_n(&stream->own->position, stream->committed->position, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* position before the look at the flag; partner in stream_wait */
	if (stream->peer->is_asleep)
		rt_notify(stream->event, 0);
}

void stream_publish(struct stream *stream)
{
	stream_seal(stream);
	rt_commit();
	stream_show(stream);
}

void stream_rewind(struct stream *stream)
{
	stream->position = stream->home->position;
}

zog_status_t stream_ask(struct stream *stream)
{
	__atomic_store_n(&stream->own->is_asleep, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* flag before the look at the position; partner in stream_show */
	uint64_t peer_position = position_read(stream->peer);
	if (!peer_is_possible(stream, peer_position))
		return ZOG_ERR_CORRUPT;
	stream->peer_position = peer_position;
	if (!has_work(stream))
		return ZOG_ERR_NOT_FOUND;
	__atomic_store_n(&stream->own->is_asleep, 0, __ATOMIC_RELAXED);
	return ZOG_OK;
}

zog_status_t stream_wait(struct stream *stream, struct zog_call *call, uint32_t peer_event)
{
	uint64_t seen = rt_event_count(peer_event);

	if (stream->own->position != stream->position)
		stream_publish(stream);
	zog_status_t status = stream_ask(stream);
	return status == ZOG_ERR_NOT_FOUND ? rt_wait(call, peer_event, seen, RT_NO_DEADLINE) : status;
}
