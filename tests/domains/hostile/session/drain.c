/* Two streams with a hostile peer that changes its own pages from another CPU while they are used: `flood`, which is consumed
 * here, and `ebb`, into which is put. A record is pairs of a value and its complement: copied, checked, then used. As a
 * control each record is also checked where it lies and looked at again there: what passed may be another then. */
#include "session.h"

#define TURN 512u
#define LOOKS 16u
#define PAIRS 15u
#define ENOUGH 100u     /* of what the peer's changes must lead to at least; of records that are good, four times as many */
#define ENOUGH_STRUCK 10u /* changes between check and use */

struct record {
	uint64_t pair[PAIRS][2];
};
static struct stream flood, ebb; /* attached by each life */
static bool is_attached;

static bool record_keeps(const struct record *record)
{
	for (uint32_t i = 0; i < PAIRS; i++) {
		uint64_t value = __atomic_load_n(&record->pair[i][0], __ATOMIC_RELAXED);
		if (__atomic_load_n(&record->pair[i][1], __ATOMIC_RELAXED) != ~value)
			return false;
	}
	return true;
}

static void record_look_in_place(struct drain *drain)
{
	const struct stream_record *slot = (const void *)(flood.slot + ((flood.position & flood.mask) << flood.shift));
	const struct record *record = (const void *)slot->data;

	for (uint32_t i = 0; i < LOOKS; i++)
		if (record_keeps(record) && !record_keeps(record))
			drain->changed_in_place++;
}

static void record_use(struct drain *drain, const struct record *copy, size_t length)
{
	if (length != sizeof(*copy) || !record_keeps(copy)) {
		drain->refused++;
		return;
	}
	drain->used++;
	for (uint32_t i = 0; i < LOOKS; i++)
		drain->changed_in_copy += !record_keeps(copy);
}

/* false: there is nothing to take. */
static bool record_take(struct drain *drain)
{
	struct record copy;
	size_t length = 0;
	zog_status_t status = stream_take(&flood, &copy, sizeof(copy), &length);

	if (status == ZOG_OK)
		record_use(drain, &copy, length);
	else if (status == ZOG_ERR_CORRUPT)
		drain->corrupt++, stream_skip(&flood);
	else
		drain->broken += status != ZOG_ERR_NOT_FOUND;
	return status == ZOG_OK;
}

/* The consumer's position is its own word: an impossible one is an error, and what lies in the own pages is not its to change. */
static void record_put(struct drain *drain)
{
	static struct record record;
	const struct record *there = stream_slot(&ebb);

	for (uint32_t i = 0; i < PAIRS; i++) {
		record.pair[i][0] = drain->put + i;
		record.pair[i][1] = ~(drain->put + i);
	}
	zog_status_t status = stream_put(&ebb, &record, sizeof(record));
	if (ebb.position - ebb.peer_position > ebb.mask + 1 || (status == ZOG_OK && there && memcmp(there, &record, sizeof(record)) != 0))
		drain->broken++;
	if (status == ZOG_OK)
		drain->put++;
	else if (status == ZOG_ERR_CORRUPT)
		drain->put_corrupt++;
	else
		drain->broken += status != ZOG_ERR_LIMIT;
}

static bool is_enough(const struct drain *drain)
{
	return drain->used >= 4 * ENOUGH && drain->put >= 4 * ENOUGH && drain->refused >= ENOUGH && drain->corrupt >= ENOUGH &&
	       drain->put_corrupt >= ENOUGH && drain->changed_in_place >= ENOUGH_STRUCK;
}

static void streams_attach(struct drain *drain)
{
	struct stream_place in = STREAM_PLACE(FLOOD, STREAM_END_CONSUMER, 256, EVENT_MOVED, &drain->flood);
	struct stream_place out = STREAM_PLACE(EBB, STREAM_END_PRODUCER, 256, EVENT_MOVED, &drain->ebb);
	zog_status_t first = stream_attach(&flood, &in), second = stream_attach(&ebb, &out);

	/* A bad position of the peer is told, and may be a good one later. */
	rt_assert(first != ZOG_ERR_ARGUMENT && second != ZOG_ERR_ARGUMENT);
	is_attached = true;
}

static void drain_turn(struct drain *drain)
{
	if (!is_attached)
		streams_attach(drain);
	for (uint32_t i = 0; i < TURN; i++) {
		record_look_in_place(drain);
		record_take(drain);
		record_put(drain);
	}
	stream_seal(&flood);
	stream_publish(&ebb);
	stream_show(&flood);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct drain *drain = session_drain();
	char mode[16] = "";

	rt_option("fuzzer", mode, sizeof(mode));
	if (drain->is_told || strcmp(mode, "streams") != 0)
		return rt_wait(call, EVENT_IDLE, rt_event_count(EVENT_IDLE), RT_NO_DEADLINE);
	drain_turn(drain);
	if (is_enough(drain)) {
		rt_log(RT_INFO, "streams used=%lu refused=%lu corrupt=%lu put=%lu put_corrupt=%lu in_place=%lu in_copy=%lu broken=%lu", drain->used,
		       drain->refused, drain->corrupt, drain->put, drain->put_corrupt, drain->changed_in_place, drain->changed_in_copy, drain->broken);
		drain->is_told = 1;
	}
	return rt_wait(call, EVENT_IDLE, rt_event_count(EVENT_IDLE), rt_now_ns());
}
