/* The table of requests that survives the driver (part of the home region).
 *
 * Life of a record: FREE -> IN_FLIGHT (request_begin; published to the device in the same invocation) -> DONE
 * (request_finish) -> FREE (request_release, when the client fetched the result). Record i uses chain i of the
 * virtqueue. A record found IN_FLIGHT at start is published again; one that was rolled back never existed, and the
 * client's call, issued again, makes it anew.
 *
 * A DONE record whose client never returns is given to the next request that needs a place, oldest first. That is
 * safe since its client's call, if it ever comes, starts the transfer once more. */
#include "request.h"

static uint64_t seal_mix(uint64_t seal, uint64_t value)
{
	seal = (seal ^ value) * 0x9e3779b97f4a7c15ull;
	return seal ^ (seal >> 29);
}

static uint64_t request_seal(const struct request *request)
{
	uint64_t seal = 0; /* so that an all-zero record, as in a fresh home region, is sealed */

	seal = seal_mix(seal, (uint64_t)request->state << 32 | request->kind);
	seal = seal_mix(seal, (uint64_t)request->client << 32 | (uint64_t)request->is_failed << 16 | request->is_pinned);
	seal = seal_mix(seal, request->key);
	seal = seal_mix(seal, request->block);
	return seal_mix(seal, request->done_ns);
}

bool request_is_sound(const struct request *request)
{
	return request->seal == request_seal(request) && request->state <= REQUEST_DONE
		&& request->kind <= REQUEST_FLUSH;
}

/* Transfers are named by their frame whatever their direction; flushes by their ticket. */
uint32_t request_find(const struct request_table *table, uint32_t client, enum request_kind kind, uint64_t key)
{
	for (uint32_t i = 0; i < REQUEST_COUNT; i++) {
		const struct request *request = &table->request[i];

		if (request->state != REQUEST_FREE && request->key == key && request->client == client
		    && (request->kind == REQUEST_FLUSH) == (kind == REQUEST_FLUSH))
			return i;
	}
	return REQUEST_NONE;
}

/* A frame is pinned once: whoever's transfer of it ended first would take it from the device, or make it read-only there, under the
 * other's. */
bool request_frame_is_busy(const struct request_table *table, uint64_t frame)
{
	for (uint32_t i = 0; i < REQUEST_COUNT; i++) {
		const struct request *request = &table->request[i];

		if (request->state == REQUEST_IN_FLIGHT && request->kind != REQUEST_FLUSH && request->key == frame)
			return true;
	}
	return false;
}

/* A place for a new request among the first `limit`: a free one, else the oldest result that was not fetched.
 * None: all are in flight, so that `done` will be notified and nobody waits for a place in vain. */
uint32_t request_place(const struct request_table *table, uint32_t limit)
{
	uint32_t oldest = REQUEST_NONE;

	for (uint32_t i = 0; i < limit && i < REQUEST_COUNT; i++) {
		const struct request *request = &table->request[i];

		if (request->state == REQUEST_FREE)
			return i;
		if (request->state != REQUEST_DONE)
			continue;
		if (oldest == REQUEST_NONE || request->done_ns < table->request[oldest].done_ns)
			oldest = i;
	}
	return oldest;
}

void request_begin(struct request *request, uint32_t client, enum request_kind kind, uint64_t key, uint64_t block)
{
	request->state = REQUEST_IN_FLIGHT;
	request->kind = kind;
	request->client = client;
	request->is_failed = 0;
	request->is_pinned = kind != REQUEST_FLUSH;
	request->key = key;
	request->block = block;
	request->done_ns = 0;
	request->seal = request_seal(request);
}

void request_finish(struct request *request, bool is_failed, uint64_t now_ns)
{
	request->state = REQUEST_DONE;
	request->is_failed = is_failed;
	request->done_ns = now_ns;
	request->seal = request_seal(request);
}

void request_set_pinned(struct request *request, bool is_pinned)
{
	request->is_pinned = is_pinned;
	request->seal = request_seal(request);
}

void request_release(struct request *request)
{
	request->state = REQUEST_FREE;
	request->is_pinned = 0;
	request->seal = request_seal(request);
}

bool request_is_same(const struct request *request, enum request_kind kind, uint64_t block)
{
	return request->kind == (uint32_t)kind && request->block == block;
}

bool request_is_fresh(const struct request *request, uint64_t now_ns)
{
	return now_ns - request->done_ns < REQUEST_RESULT_KEPT_NS;
}
