/* The virtio block driver: serves the `block` contract.
 *
 * Protocol: transfer and flush start a request and answer PENDING; the caller issues the same call again until it
 * gets the result. A request lives in the home table from the moment its caller was told PENDING until its result is
 * fetched. Results are taken from the device by whoever comes first: the "interrupts" activity or a caller that asks.
 *
 * Ordering, so that a kill at any instruction is harmless:
 * 1. The count of `done` is read before the device is looked at: a completion in between moves the count past it,
 *    and the caller's WAIT returns at once.
 * 2. A request is published to the device before the commit that makes it known. Killed in between, the device is
 *    reset by the bus domain before this domain starts again, the record is rolled back, and the caller's call comes
 *    anew. The frame of a request that nobody was told of belongs to a caller that is still inside its call.
 * 3. A result is committed with the notify that announces it. Killed before, the request is still IN_FLIGHT in the
 *    table and is simply moved once more at start: reading or writing the same block twice changes nothing.
 * 4. Pins do not survive the driver: start pins the frames again before it publishes. A frame that cannot be pinned
 *    has lost its owner's chain; its record is dropped and the caller, woken, starts over. */
#include "contracts/block_server.h"
#include "device.h"
#include "home.h"
#include "rt/rt.h"

/* The activity looks at the device unasked after these times: a lost interrupt costs time, not the request. */
#define WATCH_BUSY_NS 100000000ull
#define WATCH_IDLE_NS 1000000000ull

static struct request *request_at(struct home *home, uint32_t place)
{
	struct request *request = &home->table.request[place];

	if (!request_is_sound(request))
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, place);
	return request;
}

static void request_unpin(struct request *request)
{
	if (request->is_pinned && rt_frame_pin(request->key, ZOG_PIN_NONE, NULL) == ZOG_OK)
		request_set_pinned(request, false);
}

static void request_drop(struct request *request)
{
	request_unpin(request);
	request_release(request);
}

/* Takes all results that the device has; true when there was one. Bounded: each frees a chain of the queue. */
static bool results_take(struct home *home)
{
	uint64_t now_ns = rt_now_ns();
	bool is_any = false, is_failed;
	uint32_t place;

	while (device_collect(&home->table, &place, &is_failed) == DEVICE_ANSWER) {
		struct request *request = request_at(home, place);

		request_finish(request, is_failed, now_ns);
		request_unpin(request);
		is_any = true;
	}
	return is_any;
}

/* The count of `done` to wait with after looking at the device now. A notify staged here is part of it already:
 * it takes effect with the reply that carries the count. */
static uint64_t results_take_and_tell(struct home *home)
{
	uint64_t seen = rt_event_count(EVENT_DONE);

	if (!results_take(home))
		return seen;
	rt_notify(EVENT_DONE, 0);
	return seen + 1;
}

/* Pins and publishes; false when the frame is not the caller's to hand out. */
static bool request_submit(uint32_t place, struct request *request)
{
	uint32_t how = request->kind == REQUEST_READ ? ZOG_PIN_WRITE : ZOG_PIN_READ;
	uint64_t physical = 0;

	if (request->kind != REQUEST_FLUSH && rt_frame_pin(request->key, how, &physical) != ZOG_OK)
		return false;
	device_submit(place, request, physical);
	return true;
}

static zog_status_t request_issue(struct home *home, uint32_t client, enum request_kind kind, uint64_t key,
	uint64_t block)
{
	uint32_t place = request_place(&home->table, device_get()->request_limit);

	if (place == REQUEST_NONE || (kind != REQUEST_FLUSH && request_frame_is_busy(&home->table, key)))
		return ZOG_ERR_BUSY;
	struct request *request = request_at(home, place);

	if (request->state == REQUEST_DONE)
		request_drop(request);
	request_begin(request, client, kind, key, block);
	if (!request_submit(place, request)) {
		request_release(request);
		return ZOG_ERR_ARGUMENT;
	}
	return ZOG_PENDING;
}

/* The state of the caller's request, starting it where there is none. */
static zog_status_t request_serve(struct zog_call *call, enum request_kind kind, uint64_t key, uint64_t block,
	uint64_t *seen)
{
	struct home *home = rt_home();

	*seen = results_take_and_tell(home);
	uint32_t place = request_find(&home->table, call->client_domain, kind, key);

	if (place == REQUEST_NONE)
		return request_issue(home, call->client_domain, kind, key, block);
	struct request *request = request_at(home, place);
	bool is_same = request_is_same(request, kind, block);

	if (request->state == REQUEST_IN_FLIGHT)
		return is_same ? ZOG_PENDING : ZOG_ERR_BUSY;
	bool is_result = is_same && request_is_fresh(request, rt_now_ns());
	zog_status_t result = request->is_failed ? ZOG_ERR_IO : ZOG_OK;

	request_drop(request);
	return is_result ? result : request_issue(home, call->client_domain, kind, key, block);
}

zog_status_t block_transfer_serve(struct zog_call *call, uint64_t frame, uint64_t block,
	enum block_direction direction, uint64_t *seen)
{
	const struct device *device = device_get();
	bool is_write = direction == BLOCK_DIRECTION_WRITE;

	if (!device->is_present)
		return ZOG_ERR_NO_DEVICE;
	if (block >= device->blocks)
		return ZOG_ERR_ARGUMENT;
	if (is_write && device->is_read_only)
		return ZOG_ERR_IO;
	return request_serve(call, is_write ? REQUEST_WRITE : REQUEST_READ, frame, block, seen);
}

zog_status_t block_flush_serve(struct zog_call *call, uint64_t ticket, uint64_t *seen)
{
	const struct device *device = device_get();

	if (!device->is_present)
		return ZOG_ERR_NO_DEVICE;
	/* Without the feature the device has no volatile cache: what it answered is stable (section 5.2.6.2). */
	if (!device->has_flush)
		return ZOG_OK;
	return request_serve(call, REQUEST_FLUSH, ticket, 0, seen);
}

zog_status_t block_capacity_serve(struct zog_call *call, uint64_t *blocks, uint64_t *read_only)
{
	const struct device *device = device_get();

	(void)call;
	if (!device->is_present)
		return ZOG_ERR_NO_DEVICE;
	*blocks = device->blocks;
	*read_only = device->is_read_only;
	return ZOG_OK;
}

static uint32_t in_flight_count(struct home *home)
{
	uint32_t count = 0;

	for (uint32_t place = 0; place < REQUEST_COUNT; place++)
		count += home->table.request[place].state == REQUEST_IN_FLIGHT;
	return count;
}

/* Publishes again what was in flight when the driver died. */
static void requests_resume(struct home *home)
{
	for (uint32_t place = 0; place < REQUEST_COUNT; place++) {
		struct request *request = request_at(home, place);

		if (request->state != REQUEST_IN_FLIGHT)
			continue;
		if (!device_get()->is_present || place >= device_get()->request_limit
		    || !request_submit(place, request))
			request_release(request);
	}
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = rt_home();
	zog_status_t status;

	(void)call;
	status = device_start();
	if (status != ZOG_OK)
		rt_log(RT_WARN, "no disk (status %ld)", status);
	else if (rt_self()->start_count == 1)
		rt_log(RT_INFO, "%lu blocks of 4 KiB%s", device_get()->blocks,
			device_get()->is_read_only ? ", read-only" : "");
	requests_resume(home);
	rt_notify(EVENT_DONE, 0);
	return ZOG_OK;
}

/* The device gave up (section 2.1.1). What was in flight has failed, since nobody knows how far it came. Frames stay
 * pinned until the reset took the device off them; where it does not come back, that is the bus domain's to do. */
static void device_recover(struct home *home)
{
	rt_log(RT_ERROR, "the device asks for a reset; %u requests fail", in_flight_count(home));
	if (device_start() != ZOG_OK)
		rt_fail(ZOG_CAUSE_CONTRACT, __LINE__, 0);
	for (uint32_t place = 0; place < REQUEST_COUNT; place++) {
		struct request *request = request_at(home, place);

		if (request->state != REQUEST_IN_FLIGHT)
			continue;
		request_finish(request, true, rt_now_ns());
		request_unpin(request);
	}
	rt_notify(EVENT_DONE, 0);
}

/* "interrupts": runs whenever the device raised its interrupt. */
zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(EVENT_IRQ);
	uint64_t deadline_ns = RT_NO_DEADLINE;

	if (call->word[0] != ACTIVITY_INTERRUPTS)
		return ZOG_ERR_METHOD;
	if (device_get()->is_present) {
		results_take_and_tell(home);
		if (device_needs_reset())
			device_recover(home);
		if (in_flight_count(home))
			deadline_ns = rt_now_ns() + WATCH_BUSY_NS;
		else
			deadline_ns = rt_now_ns() + WATCH_IDLE_NS;
	}
	return rt_wait(call, EVENT_IRQ, seen, deadline_ns);
}
