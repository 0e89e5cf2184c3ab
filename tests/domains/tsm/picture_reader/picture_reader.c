/* Reads pictures in place. With tsm_object=reader each step is an attempt with a name, and the writer publishes within the
 * reader's own invocation, since the reader calls it: no luck is needed for the two to overlap. */
#include "rt/object.h"
#include "domain.h"
#include "contracts/picture.h"
#include "contracts/picture_client.h"

#define WORDS (PICTURE_FRAME_BYTES / 8)
#define BUFFERS 4u
#define TOLD_MAX 20u
#define LOOKS 8u

struct home {
	uint64_t step;
	uint32_t is_running, is_told;
	uint64_t looks, overtaken, bad;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the counts");

static bool is_busy; /* the writer was told to wait for a buffer */

static zog_status_t draw(uint64_t how, uint64_t *serial)
{
	zog_status_t status = picture_draw(how, serial);

	is_busy = status == ZOG_ERR_BUSY;
	return status;
}

static bool picture_is(const void *bytes, uint64_t serial)
{
	const uint64_t *word = bytes;
	const struct picture_frame_header *header = bytes;

	for (uint64_t i = sizeof(*header) / 8; i < WORDS; i++)
		if (word[i] != serial * 0x9e3779b97f4a7c15ul + i)
			return false;
	return header->serial == serial && picture_frame_header_is_valid(header);
}

/* --- attempts; ZOG_ERR_DENIED: not as promised ------------------------------------------------------------------------- */

/* Some versions are published within this invocation: the bytes it reads stay as they are. */
static zog_status_t reads_on_while_others_are_published(void)
{
	const void *bytes;
	uint64_t version, serial, drawn;

	if (draw(0, &serial) != ZOG_OK || object_read(OBJECT_FRAME, &bytes, &version) != ZOG_OK || !picture_is(bytes, serial))
		return ZOG_ERR_DENIED;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		zog_status_t status = draw(0, &drawn);
		if (!picture_is(bytes, serial) || (status != ZOG_OK && status != ZOG_ERR_BUSY))
			return ZOG_ERR_DENIED;
	}
	return object_version(OBJECT_FRAME) > version && drawn > serial ? ZOG_OK : ZOG_ERR_DENIED;
}

/* It stays inside until every buffer is in use: the writer's commits go through while it has one, then it is told so. */
static zog_status_t never_leaves(void)
{
	uint64_t serial, before = object_version(OBJECT_FRAME), drawn = 0;
	zog_status_t status = ZOG_OK;
	const void *bytes;

	for (; status == ZOG_OK && drawn < 100; drawn++)
		status = draw(0, &serial);
	if (object_version(OBJECT_FRAME) != before + drawn - 1 || drawn < 2 || object_read(OBJECT_FRAME, &bytes, &before) != ZOG_OK || !picture_is(bytes, serial))
		return ZOG_ERR_DENIED;
	return status;
}

static zog_status_t draws_again(void)
{
	uint64_t serial;

	return draw(0, &serial);
}

/* The writer stores without a buffer: its page fault, while this reader reads on. The call is issued again, and again ends it. */
static zog_status_t writer_stores_without_buffer(void)
{
	uint64_t serial, version;
	const void *bytes;

	while (draw(0, &serial) == ZOG_OK)
		;
	if (object_read(OBJECT_FRAME, &bytes, &version) != ZOG_OK || !picture_is(bytes, serial))
		return ZOG_ERR_DENIED;
	zog_status_t status = draw(1, &serial);
	return object_is_current(OBJECT_FRAME, version) && picture_is(bytes, ((const struct picture_frame_header *)bytes)->serial) ? status : ZOG_ERR_DENIED;
}

/* What the writer has is in nobody's page tables but its own. */
static zog_status_t looks_at_what_is_being_written(void)
{
	return *(const volatile uint64_t *)object_buffer(OBJECT_FRAME, object_head(OBJECT_FRAME)->writing) == 0 ? ZOG_OK : ZOG_ERR_DENIED;
}

static zog_status_t stores_to_published(void)
{
	*(volatile uint64_t *)(uintptr_t)object_buffer(OBJECT_FRAME, ZOG_OBJECT_BUFFER(object_head(OBJECT_FRAME)->word)) = 7;
	return ZOG_OK;
}

static zog_status_t commits_as_reader(void)
{
	rt_stage(ZOG_OP_OBJECT_COMMIT, OBJECT_FRAME, object_head(OBJECT_FRAME)->writing, 0, 0, 0, 0);
	rt_commit();
	return ZOG_OK;
}

/* The core is only asked for a buffer where there is none. */
static zog_status_t begins_as_reader(void)
{
	uint64_t serial;
	void *buffer;

	while (draw(0, &serial) == ZOG_OK)
		;
	return object_begin(OBJECT_FRAME, EVENT_NEVER, &buffer);
}

/* Inside for ever: cut at its deadline, and what it used is free again. */
static zog_status_t hangs(void)
{
	const void *bytes;
	uint64_t version;

	if (object_read(OBJECT_FRAME, &bytes, &version) != ZOG_OK)
		return ZOG_ERR_DENIED;
	for (;;)
		__builtin_ia32_pause();
}

static const struct {
	const char *name;
	zog_status_t (*make)(void);
} attempts[] = {
	{ "reads_on_while_others_are_published", reads_on_while_others_are_published },
	{ "never_leaves", never_leaves },
	{ "draws_again", draws_again },
	{ "writer_stores_without_buffer", writer_stores_without_buffer },
	{ "draws_after_the_fault", draws_again },
	{ "looks_at_what_is_being_written", looks_at_what_is_being_written },
	{ "stores_to_published", stores_to_published },
	{ "commits_as_reader", commits_as_reader },
	{ "begins_as_reader", begins_as_reader },
	{ "hangs", hangs },
	{ "draws_after_the_hang", draws_again },
};

static bool attempt_step(struct home *home)
{
	zog_status_t status = 0;

	if (home->step >= sizeof(attempts) / sizeof(attempts[0])) {
		rt_log(RT_INFO, "done attempts=%lu", home->step);
		return false;
	}
	bool is_ended = home->is_running;
	if (!is_ended) {
		home->is_running = 1;
		rt_commit();
		status = attempts[home->step].make();
	}
	rt_log(RT_INFO, "attempt %s %s status=%ld", attempts[home->step].name, is_ended ? "ended" : status == ZOG_OK ? "succeeded" : "refused", (long)status);
	home->is_running = 0;
	home->step++;
	return true;
}

/* --- what it finds while the writer draws and dies ---------------------------------------------------------------------- */

static void look(struct home *home)
{
	struct picture_tally_last last;
	uint64_t at = region_read_begin(REGION_TALLY), version;
	const void *bytes;

	if (object_read(OBJECT_FRAME, &bytes, &version) != ZOG_OK)
		return;
	region_copy(REGION_TALLY, PICTURE_TALLY_LAST, 0, &last);
	bool is_one = region_read_end(REGION_TALLY, at) && object_is_current(OBJECT_FRAME, version);
	uint64_t serial = ((const struct picture_frame_header *)bytes)->serial;
	bool is_good = picture_is(bytes, serial) && (!is_one || last.serial == serial) && picture_is(bytes, serial);
	home->looks++;
	home->overtaken += object_version(OBJECT_FRAME) != version;
	if (!is_good && home->bad++ < TOLD_MAX)
		rt_log(RT_ERROR, "bad picture: version %lu serial %lu record %lu", version, serial, last.serial);
}

static zog_status_t watch(struct home *home, struct zog_call *call)
{
	uint64_t seen = rt_event_count(WAIT_PICTURE_CHANGED);

	for (uint32_t i = 0; i < LOOKS; i++)
		look(home);
	if (home->looks / 1000 > home->is_told) {
		home->is_told = (uint32_t)(home->looks / 1000);
		rt_log(RT_INFO, "looks=%lu overtaken=%lu bad=%lu", home->looks, home->overtaken, home->bad);
	}
	return rt_wait(call, WAIT_PICTURE_CHANGED, seen, RT_NO_DEADLINE);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t spare = rt_event_count(WAIT_PICTURE_SPARE);
	char option[8] = "";

	if (!rt_option("tsm_object", option, sizeof(option)) || strcmp(option, "writer") == 0)
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	if (strcmp(option, "honest") == 0)
		return watch(home, call);
	if (!attempt_step(home))
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	if (is_busy) {
		is_busy = false;
		return rt_wait(call, WAIT_PICTURE_SPARE, spare, RT_NO_DEADLINE);
	}
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), rt_now_ns() + 1000);
}
