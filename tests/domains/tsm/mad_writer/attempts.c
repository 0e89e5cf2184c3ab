/* Bad inputs of a writer, one a step, each with a name: what came of it is compared in tests/system/tsm_regions.py. */
#include "mad_writer.h"

#define COMMITTED (ZOG_REGION_BASE + REGION_BOOK * ZOG_REGION_STRIDE)

struct attempt {
	const char *name;
	zog_status_t (*make)(const struct attempt *attempt);
	uint64_t word[6];
};

/* word: code, slot, three words of the operation */
static zog_status_t stage(const struct attempt *attempt)
{
	rt_stage((uint32_t)attempt->word[0], (uint32_t)attempt->word[1], attempt->word[2], attempt->word[3], attempt->word[4], 0, 0);
	return region_commit();
}

static zog_status_t stage_twice(const struct attempt *attempt)
{
	rt_stage((uint32_t)attempt->word[0], (uint32_t)attempt->word[1], attempt->word[2], attempt->word[3], attempt->word[4], 0, 0);
	return stage(attempt);
}

static zog_status_t overlap(const struct attempt *attempt)
{
	(void)attempt;
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, 8);
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 7, 2);
	return region_commit();
}

static zog_status_t runs_too_many(const struct attempt *attempt)
{
	(void)attempt;
	for (uint32_t i = 0; i < 17; i++)
		region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, i, 1);
	return region_commit();
}

static zog_status_t commit_and_rollback(const struct attempt *attempt)
{
	(void)attempt;
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, 1);
	rt_stage(ZOG_OP_REGION_ROLLBACK, REGION_BOOK, region_version(REGION_BOOK), 0, 0, 0, 0);
	return region_commit();
}

static bool abort_takes_back(void)
{
	struct ledger_book_control control;

	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	control.steps += 1000;
	region_write(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	region_submit(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, 1);
	rt_abort();
	const struct ledger_book_control *ahead = region_buffer(REGION_BOOK, LEDGER_BOOK_CONTROL, 0);
	return ahead->steps == control.steps - 1000;
}

/* What was written before the abort is gone from the buffer, and what was submitted is not committed. Each time: the core
 * notices the first store after an abort. */
static zog_status_t use_after_abort(const struct attempt *attempt)
{
	uint64_t version = region_version(REGION_BOOK);

	(void)attempt;
	for (uint32_t i = 0; i < 3; i++) {
		if (!abort_takes_back())
			return ZOG_OK;
		rt_abort(); /* nothing is open */
	}
	return region_commit() == ZOG_OK && region_version(REGION_BOOK) == version ? ZOG_ERR_DENIED : ZOG_OK;
}

static zog_status_t steps_set(uint64_t steps)
{
	struct ledger_book_control control = { .steps = steps, .mode = LEDGER_MODE_OPEN };

	region_write(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	region_submit(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, 1);
	return region_commit();
}

static uint64_t steps_in(uint64_t version)
{
	struct ledger_book_control control = { .steps = UINT64_MAX };

	region_read_version(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, version, &control);
	return control.steps;
}

/* Three versions, each readable, back to the first: contents, epoch and version as promised. ZOG_ERR_DENIED: not so. */
static zog_status_t history_works(const struct attempt *attempt)
{
	struct ledger_book_control control;
	uint64_t first, epoch = region_epoch(REGION_BOOK);

	(void)attempt;
	if (steps_set(100) != ZOG_OK)
		return ZOG_ERR_DENIED;
	first = region_version(REGION_BOOK);
	if (steps_set(200) != ZOG_OK || steps_set(300) != ZOG_OK || steps_in(first) != 100 || steps_in(first + 1) != 200 || steps_in(first + 2) != 300)
		return ZOG_ERR_DENIED;
	if (region_rollback(REGION_BOOK, first) != ZOG_OK || region_commit() != ZOG_OK)
		return ZOG_ERR_DENIED;
	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	const struct ledger_book_control *ahead = region_buffer(REGION_BOOK, LEDGER_BOOK_CONTROL, 0);
	if (control.steps != 100 || ahead->steps != 100 || region_epoch(REGION_BOOK) != epoch + 1 || region_version(REGION_BOOK) != first + 3)
		return ZOG_ERR_DENIED;
	return steps_in(first + 1) == UINT64_MAX ? ZOG_OK : ZOG_ERR_DENIED; /* undone versions cannot be read */
}

static zog_status_t version_stale(const struct attempt *attempt)
{
	for (uint64_t i = 0; i < 6; i++)
		if (steps_set(1000 + i) != ZOG_OK)
			return ZOG_OK;
	return region_rollback(REGION_BOOK, region_version(REGION_BOOK) - 5 + attempt->word[0]);
}

static zog_status_t store(const struct attempt *attempt)
{
	*(volatile uint64_t *)(COMMITTED + attempt->word[0]) = 7;
	return ZOG_OK;
}

/* Two runs in one transaction, the second breaks a rule: neither is committed. */
static zog_status_t one_bad_of_two(const struct attempt *attempt)
{
	struct ledger_book_control before, after;
	struct ledger_book_entry entry = { .is_live = 2 };

	(void)attempt;
	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &before);
	after = before;
	after.steps++;
	region_write(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &after);
	region_write(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, &entry);
	region_submit(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, 1);
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, 1);
	zog_status_t status = region_commit();
	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &after);
	return after.steps == before.steps ? status : ZOG_OK;
}

/* Left to the reply to commit: no answer is possible any more, so it ends the domain. */
static zog_status_t reply_with_bad_records(const struct attempt *attempt)
{
	struct ledger_book_entry entry = { .is_live = 2 };

	(void)attempt;
	region_write(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, &entry);
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, 1);
	return ZOG_OK;
}

static const struct attempt attempts[] = {
	{ "history_works", history_works, { 0 } },
	{ "range_beyond", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 64, 1 } },
	{ "range_over_the_end", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 60, 5 } },
	{ "range_wrapping", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 1, UINT64_MAX } },
	{ "range_wide", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 1ul << 32, 1 } },
	{ "range_empty", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 0, 0 } },
	{ "kind_unknown", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 2, 0, 1 } },
	{ "kind_wide", stage, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1ul << 32, 0, 1 } },
	{ "region_unknown", stage, { ZOG_OP_REGION_COMMIT, 3, 0, 0, 1 } },
	{ "region_huge", stage, { ZOG_OP_REGION_COMMIT, UINT32_MAX, 0, 0, 1 } },
	{ "commit_by_non_writer", stage, { ZOG_OP_REGION_COMMIT, REGION_TABLE, 0, 0, 1 } },
	{ "rollback_by_non_writer", stage, { ZOG_OP_REGION_ROLLBACK, REGION_TABLE, 0 } },
	{ "double_commit", stage_twice, { ZOG_OP_REGION_COMMIT, REGION_BOOK, 1, 3, 1 } },
	{ "double_rollback", stage_twice, { ZOG_OP_REGION_ROLLBACK, REGION_BOOK, 0 } },
	{ "overlap", overlap, { 0 } },
	{ "runs_too_many", runs_too_many, { 0 } },
	{ "commit_and_rollback", commit_and_rollback, { 0 } },
	{ "rollback_to_the_future", stage, { ZOG_OP_REGION_ROLLBACK, REGION_BOOK, UINT64_MAX } },
	{ "use_after_abort", use_after_abort, { 0 } },
	{ "version_stale", version_stale, { 0 } },
	{ "one_bad_of_two", one_bad_of_two, { 0 } },
	{ "reply_with_bad_records", reply_with_bad_records, { 0 } },
	{ "store_to_head", store, { 0 } },
	{ "store_to_committed", store, { ZOG_PAGE_SIZE } },
	{ "store_behind_buffer", store, { ZOG_REGION_BUFFER_OFFSET + LEDGER_BOOK_BYTES } },
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
