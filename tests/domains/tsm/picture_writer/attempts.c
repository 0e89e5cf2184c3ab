/* Inputs of a writer of a large object, one a step, each with a name: what came of it is compared in
 * tests/system/tsm_objects.py. ZOG_ERR_DENIED: not as promised. */
#include "picture.h"

#define PLACE (ZOG_OBJECT_BASE + OBJECT_FRAME * ZOG_OBJECT_STRIDE)
#define ANY_BUFFER UINT64_MAX /* in a word: the one that the writer has */

struct attempt {
	const char *name;
	zog_status_t (*make)(const struct attempt *attempt);
	uint64_t word[4];
};

static uint32_t writing(void) { return object_head(OBJECT_FRAME)->writing; }
static const struct picture_frame_header *published(void)
{
	return object_buffer(OBJECT_FRAME, ZOG_OBJECT_BUFFER(object_head(OBJECT_FRAME)->word));
}

/* word: code, place, two words of the operation */
static void operation_stage(const struct attempt *attempt)
{
	uint64_t first = attempt->word[2] == ANY_BUFFER ? writing() : attempt->word[2];

	rt_stage((uint32_t)attempt->word[0], (uint32_t)attempt->word[1], first, attempt->word[3], 0, 0, 0);
}

static zog_status_t stage(const struct attempt *attempt)
{
	operation_stage(attempt);
	return region_commit();
}

static zog_status_t stage_twice(const struct attempt *attempt)
{
	operation_stage(attempt);
	return stage(attempt);
}

static zog_status_t commit_and_rollback(const struct attempt *attempt)
{
	uint64_t version = object_version(OBJECT_FRAME);

	picture_draw(rt_home(), 1);
	object_submit(OBJECT_FRAME, PICTURE_FRAME, 0);
	rt_stage(ZOG_OP_OBJECT_ROLLBACK, OBJECT_FRAME, version, 0, 0, 0, 0);
	(void)attempt;
	return region_commit();
}

static bool picture_is(const void *bytes, uint64_t serial)
{
	const uint64_t *word = bytes;
	const struct picture_frame_header *header = bytes;

	for (uint64_t i = sizeof(*header) / 8; i < PICTURE_FRAME_BYTES / 8; i++)
		if (word[i] != serial * 0x9e3779b97f4a7c15ul + i)
			return false;
	return header->serial == serial && picture_frame_header_is_valid(header);
}

/* Two versions, both readable; another buffer at once, which holds an older one; back to the first; the undone are gone. */
static zog_status_t history_works(const struct attempt *attempt)
{
	struct home *home = rt_home();
	uint64_t epoch = object_epoch(OBJECT_FRAME), serial, version;
	const void *bytes;

	(void)attempt;
	if (picture_draw(home, 1) != ZOG_OK || picture_draw(home, 2) != ZOG_OK || picture_draw(home, 3) != ZOG_OK)
		return ZOG_ERR_DENIED;
	serial = home->serial, version = object_version(OBJECT_FRAME);
	for (uint64_t back = 0; back < 3; back++)
		if (object_read_version(OBJECT_FRAME, version - back, &bytes) != ZOG_OK || !picture_is(bytes, serial - back))
			return ZOG_ERR_DENIED;
	if (object_rollback(OBJECT_FRAME, version - 1) != ZOG_OK || region_commit() != ZOG_OK)
		return ZOG_ERR_DENIED;
	if (!picture_is(published(), serial - 1) || object_epoch(OBJECT_FRAME) != epoch + 1 || object_version(OBJECT_FRAME) != version + 1)
		return ZOG_ERR_DENIED;
	if (!picture_is(object_window(OBJECT_FRAME), serial - 1)) /* the buffer reads as what is published */
		return ZOG_ERR_DENIED;
	return object_read_version(OBJECT_FRAME, version, &bytes) == ZOG_ERR_NOT_FOUND ? ZOG_OK : ZOG_ERR_DENIED;
}

static zog_status_t version_stale(const struct attempt *attempt)
{
	for (uint32_t i = 0; i < 4; i++)
		if (picture_draw(rt_home(), 1) != ZOG_OK)
			return ZOG_OK;
	return object_rollback(OBJECT_FRAME, object_version(OBJECT_FRAME) - 3 + attempt->word[0]);
}

/* With ZOG_OBJECT_FILL a writer changes one word of what is published. */
static zog_status_t fill_works(const struct attempt *attempt)
{
	struct home *home = rt_home();
	struct picture_frame_header *header = object_window(OBJECT_FRAME);

	(void)attempt;
	if (picture_draw(home, 1) != ZOG_OK)
		return ZOG_ERR_DENIED;
	rt_abort(); /* the next buffer, too, reads as what is published */
	for (uint32_t kind = 2; kind < 4; kind++) {
		header->kind = kind;
		object_submit(OBJECT_FRAME, PICTURE_FRAME, ZOG_OBJECT_FILL);
		if (region_commit() != ZOG_OK || !picture_is(published(), home->serial) || published()->kind != kind)
			return ZOG_ERR_DENIED;
	}
	return ZOG_OK;
}

/* What was written before the abort is gone from the buffer, and what was submitted is not published. */
static zog_status_t use_after_abort(const struct attempt *attempt)
{
	struct home *home = rt_home();
	uint64_t version = object_version(OBJECT_FRAME);

	(void)attempt;
	picture_fill(home->serial + 77, 1);
	object_submit(OBJECT_FRAME, PICTURE_FRAME, 0);
	rt_abort();
	const struct picture_frame_header *ahead = object_window(OBJECT_FRAME);
	if (ahead->serial == home->serial + 77 || region_commit() != ZOG_OK || object_version(OBJECT_FRAME) != version)
		return ZOG_OK;
	return ZOG_ERR_DENIED;
}

/* word: what is broken. The refused picture's record is not committed either, and what was published stays. */
enum { BREAK_KIND, BREAK_LENGTH, BREAK_START, BREAK_SERIAL, BREAK_CHECKSUM };
static void picture_break(uint64_t how)
{
	struct picture_frame_header *header = object_window(OBJECT_FRAME);

	if (how == BREAK_KIND)
		header->kind = 4;
	else if (how == BREAK_LENGTH)
		header->length++;
	else if (how == BREAK_START)
		header->start = PICTURE_FRAME_BYTES;
	else if (how == BREAK_SERIAL)
		header->serial = 0;
	if (how == BREAK_CHECKSUM)
		((uint8_t *)header)[PICTURE_FRAME_BYTES - 1] ^= 1; /* behind the back of object_submit */
}

static zog_status_t broken_picture(const struct attempt *attempt)
{
	struct home *home = rt_home();
	struct picture_tally_last last = { .serial = home->serial + 1 }, after;
	uint64_t version = object_version(OBJECT_FRAME), serial = published()->serial;

	picture_fill(home->serial + 1, 1);
	if (attempt->word[0] != BREAK_CHECKSUM)
		picture_break(attempt->word[0]);
	object_submit(OBJECT_FRAME, PICTURE_FRAME, 0);
	if (attempt->word[0] == BREAK_CHECKSUM)
		picture_break(attempt->word[0]);
	region_write(REGION_TALLY, PICTURE_TALLY_LAST, 0, &last);
	region_submit(REGION_TALLY, PICTURE_TALLY_LAST, 0, 1);
	zog_status_t status = region_commit();
	region_read(REGION_TALLY, PICTURE_TALLY_LAST, 0, &after);
	const struct picture_frame_header *ahead = object_window(OBJECT_FRAME);
	if (after.serial == last.serial || object_version(OBJECT_FRAME) != version || published()->serial != serial || ahead->serial != serial)
		return ZOG_ERR_DENIED;
	return status;
}

static zog_status_t reply_with_broken_picture(const struct attempt *attempt)
{
	(void)attempt;
	picture_fill(0, 9);
	object_submit(OBJECT_FRAME, PICTURE_FRAME, 0);
	return ZOG_OK;
}

static zog_status_t store(const struct attempt *attempt)
{
	*(volatile uint64_t *)(PLACE + attempt->word[0]) = 7;
	return ZOG_OK;
}

/* The buffer that was committed a moment ago is the published one: writing goes on there no more. */
static zog_status_t store_after_commit(const struct attempt *attempt)
{
	(void)attempt;
	if (picture_draw(rt_home(), 1) != ZOG_OK)
		return ZOG_ERR_DENIED;
	*(volatile uint64_t *)(uintptr_t)published() = 7;
	return ZOG_OK;
}

#define COMMIT ZOG_OP_OBJECT_COMMIT
#define ROLLBACK ZOG_OP_OBJECT_ROLLBACK
static const struct attempt attempts[] = {
	{ "history_works", history_works, { 0 } },
	{ "fill_works", fill_works, { 0 } },
	{ "double_commit", stage_twice, { COMMIT, OBJECT_FRAME, ANY_BUFFER, 0 } },
	{ "commit_of_another_buffer", stage, { COMMIT, OBJECT_FRAME, 7, 0 } },
	{ "commit_of_a_wide_buffer", stage, { COMMIT, OBJECT_FRAME, 1ul << 32, 0 } },
	{ "commit_with_unknown_flags", stage, { COMMIT, OBJECT_FRAME, ANY_BUFFER, 2 } },
	{ "object_unknown", stage, { COMMIT, 2, 0, 0 } },
	{ "object_huge", stage, { COMMIT, UINT32_MAX, 0, 0 } },
	{ "commit_by_non_writer", stage, { COMMIT, OBJECT_SCREEN, 1, 0 } },
	{ "rollback_by_non_writer", stage, { ROLLBACK, OBJECT_SCREEN, 0, 0 } },
	{ "double_rollback", stage_twice, { ROLLBACK, OBJECT_FRAME, 1, 0 } },
	{ "commit_and_rollback", commit_and_rollback, { 0 } },
	{ "rollback_to_the_future", stage, { ROLLBACK, OBJECT_FRAME, 1ul << 40, 0 } },
	{ "rollback_to_no_version", stage, { ROLLBACK, OBJECT_FRAME, UINT64_MAX, 0 } },
	{ "rollback_to_nothing", stage, { ROLLBACK, OBJECT_FRAME, 0, 0 } },
	{ "version_stale", version_stale, { 0 } },
	{ "use_after_abort", use_after_abort, { 0 } },
	{ "value_outside_range", broken_picture, { BREAK_KIND } },
	{ "length_outside_object", broken_picture, { BREAK_LENGTH } },
	{ "offset_outside_object", broken_picture, { BREAK_START } },
	{ "serial_goes_back", broken_picture, { BREAK_SERIAL } },
	{ "checksum_wrong", broken_picture, { BREAK_CHECKSUM } },
	{ "reply_with_broken_picture", reply_with_broken_picture, { 0 } },
	{ "store_to_head", store, { 0 } },
	{ "store_after_commit", store_after_commit, { 0 } },
	{ "store_behind_buffer", store, { ZOG_OBJECT_WINDOW + PICTURE_FRAME_BYTES } },
	{ "draw_at_the_end", history_works, { 0 } },
};

bool attempt_step(struct home *home)
{
	const struct attempt *attempt = &attempts[home->step];
	zog_status_t status = 0;

	if (home->step >= sizeof(attempts) / sizeof(attempts[0])) {
		rt_log(RT_INFO, "done attempts=%lu", home->step);
		return false;
	}
	bool is_ended = home->is_running;
	if (!is_ended) {
		home->is_running = 1;
		rt_commit();
		status = attempt->make(attempt);
	}
	rt_log(RT_INFO, "attempt %s %s status=%ld", attempt->name, is_ended ? "ended" : status == ZOG_OK ? "succeeded" : "refused", (long)status);
	home->is_running = 0;
	home->step++;
	return true;
}
