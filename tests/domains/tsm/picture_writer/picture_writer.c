/* Draws pictures: every word of one follows from its serial, so that a reader sees a single wrong one. The record `last` is
 * published in the same transaction: the two never differ. */
#include "picture.h"
#include "contracts/picture_server.h"

#define WORDS (PICTURE_FRAME_BYTES / 8)
#define HEADER_WORDS (sizeof(struct picture_frame_header) / 8)

_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

void picture_fill(uint64_t serial, uint32_t kind)
{
	uint64_t *word = object_window(OBJECT_FRAME);
	struct picture_frame_header *header = object_window(OBJECT_FRAME);

	for (uint64_t i = HEADER_WORDS; i < WORDS; i++)
		word[i] = serial * 0x9e3779b97f4a7c15ul + i;
	*header = (struct picture_frame_header){ .serial = serial, .kind = kind, .start = sizeof(*header), .length = PICTURE_FRAME_BYTES - sizeof(*header) };
}

zog_status_t picture_draw(struct home *home, uint32_t kind)
{
	struct picture_tally_last last = { .serial = home->serial + 1 };
	void *buffer;
	zog_status_t status = object_begin(OBJECT_FRAME, EVENT_SPARE, &buffer);

	if (status != ZOG_OK)
		return status;
	picture_fill(home->serial + 1, kind);
	object_submit(OBJECT_FRAME, PICTURE_FRAME, 0);
	region_write(REGION_TALLY, PICTURE_TALLY_LAST, 0, &last);
	region_submit(REGION_TALLY, PICTURE_TALLY_LAST, 0, 1);
	home->serial++;
	rt_notify(EVENT_CHANGED, 0);
	return region_commit();
}

zog_status_t picture_draw_serve(struct zog_call *call, uint64_t how, uint64_t *serial)
{
	struct home *home = rt_home();
	zog_status_t status = picture_draw(home, 1);

	(void)call;
	if (status == ZOG_ERR_BUSY && how == 1)
		*(volatile uint64_t *)object_window(OBJECT_FRAME) = 7; /* without a buffer: a page fault */
	*serial = home->serial;
	return status;
}

static zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_TURN, rt_event_count(EVENT_TURN), deadline_ns);
}

/* serial of the object, of the record and of the home region count the same, in the same transactions. */
static zog_status_t honest_step(struct home *home, struct zog_call *call)
{
	struct picture_tally_last last;
	uint64_t seen = rt_event_count(EVENT_SPARE);

	region_read(REGION_TALLY, PICTURE_TALLY_LAST, 0, &last);
	if (last.serial != home->serial || object_version(OBJECT_FRAME) != home->serial)
		rt_log(RT_ERROR, "bad: home %lu record %lu object %lu", home->serial, last.serial, object_version(OBJECT_FRAME));
	zog_status_t status = picture_draw(home, 1 + home->serial % 3);
	if (status == ZOG_ERR_BUSY)
		return rt_wait(call, EVENT_SPARE, seen, RT_NO_DEADLINE);
	if (status != ZOG_OK)
		rt_log(RT_ERROR, "bad: refused");
	return again_at(call, rt_now_ns() + 100000);
}

/* Another CPU of the same writer: it writes into the buffer whenever it gets in, and takes it back. */
static zog_status_t flip_step(struct home *home, struct zog_call *call)
{
	void *buffer;

	if (object_begin(OBJECT_FRAME, EVENT_SPARE, &buffer) == ZOG_OK)
		for (uint32_t i = 0; i < WORDS; i += 64)
			((volatile uint64_t *)buffer)[i] = 0xbad;
	rt_abort();
	home->flips++;
	return again_at(call, rt_now_ns() + 50000);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char option[8] = "";

	if (!rt_option("tsm_object", option, sizeof(option)) || strcmp(option, "reader") == 0)
		return again_at(call, RT_NO_DEADLINE);
	if (strcmp(option, "honest") == 0)
		return call->word[0] == ACTIVITY_WORK ? honest_step(home, call) : flip_step(home, call);
	if (call->word[0] != ACTIVITY_WORK || !attempt_step(home))
		return again_at(call, RT_NO_DEADLINE);
	return again_at(call, rt_now_ns() + 1000);
}
