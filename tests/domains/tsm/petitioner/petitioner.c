/* The writer of a region with a validator. petition=calm on the boot command line: honest proposals without end, while
 * somebody kills this domain or the auditor; petition=attempts: each of the attempts below once, with the verdict in the
 * log. The home region and the proposal commit together, so that the next incarnation knows what is pending. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/petition.h"

struct home {
	uint64_t step, number, sum, hooks, epoch_heard;
	uint32_t is_pending, is_begun;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#define BOOK REGION_BOOK
#define TOTAL PETITION_BOOK_TOTAL
#define ENTRY PETITION_BOOK_ENTRY

struct attempt {
	const char *name;
	zog_status_t (*make)(struct home *home, const struct attempt *attempt);
	uint32_t order;   /* to the auditor */
	uint32_t cheat;   /* the sum that it does not add */
	uint32_t share;
};

/* One more for an entry and for the total, with the home region's note of it. */
static void proposal_write(struct home *home, const struct attempt *attempt)
{
	struct petition_book_total total;
	struct petition_book_entry entry;
	uint32_t index = (uint32_t)(home->step % PETITION_BOOK_ENTRY_COUNT);

	region_read(BOOK, TOTAL, 0, &total);
	region_read(BOOK, ENTRY, index, &entry);
	total.sum += 7;
	total.count++;
	total.order = attempt->order;
	entry.value += 7 + attempt->cheat;
	entry.share = attempt->share;
	region_write(BOOK, TOTAL, 0, &total);
	region_write(BOOK, ENTRY, index, &entry);
	home->sum = total.sum;
	home->number = region_proposal_number(BOOK) + 1;
	home->is_pending = 1;
	rt_assert(region_propose(BOOK, TOTAL, 0, 1) == ZOG_OK && region_propose(BOOK, ENTRY, index, 1) == ZOG_OK);
}

static zog_status_t plain(struct home *home, const struct attempt *attempt)
{
	proposal_write(home, attempt);
	rt_notify(EVENT_CHANGED, 0);
	return region_commit();
}

/* The core's copy is what counts: the buffer may say what it likes afterwards. */
static zog_status_t flip(struct home *home, const struct attempt *attempt)
{
	proposal_write(home, attempt);
	zog_status_t status = region_commit();
	memset(region_buffer(BOOK, TOTAL, 0), 0xee, TOTAL.bytes);
	memset(region_buffer(BOOK, ENTRY, 0), 0xee, (size_t)ENTRY.bytes * ENTRY.count);
	rt_notify(EVENT_CHANGED, 0);
	return status;
}

static zog_status_t twice(struct home *home, const struct attempt *attempt)
{
	proposal_write(home, attempt);
	zog_status_t status = region_commit();
	if (region_propose(BOOK, TOTAL, 0, 1) != ZOG_ERR_BUSY) /* the auditor has not been told of the first */
		return ZOG_ERR_IO;
	rt_notify(EVENT_CHANGED, 0);
	return status;
}

static zog_status_t die_between(struct home *home, const struct attempt *attempt)
{
	plain(home, attempt);
	rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0);
}

static zog_status_t raw(struct home *home, const struct attempt *attempt)
{
	(void)home;
	rt_stage(attempt->order, BOOK, attempt->order == ZOG_OP_REGION_VERDICT ? region_proposal_number(BOOK) : 0, 0, 1, 0, 0);
	return region_commit();
}

/* Proposed while one is pending, past the check of region_propose. */
static zog_status_t pending_over(struct home *home, const struct attempt *attempt)
{
	proposal_write(home, attempt);
	rt_commit();
	rt_stage(ZOG_OP_REGION_PROPOSE, BOOK, TOTAL.number, 0, 1, 0, 0);
	return region_commit();
}

static const struct attempt attempts[] = {
	{ "accepted", plain, PETITION_ORDER_JUDGE, 0, 1 },
	{ "rejected", plain, PETITION_ORDER_JUDGE, 5, 1 },
	{ "flip_after_proposal", flip, PETITION_ORDER_JUDGE, 0, 2 },
	{ "double_proposal", twice, PETITION_ORDER_JUDGE, 0, 3 },
	{ "proposal_over_pending", pending_over, PETITION_ORDER_JUDGE, 0, 3 },
	{ "commit_past_validator", raw, ZOG_OP_REGION_COMMIT, 0, 0 },
	{ "rollback_past_validator", raw, ZOG_OP_REGION_ROLLBACK, 0, 0 },
	{ "verdict_by_writer", raw, ZOG_OP_REGION_VERDICT, 0, 0 },
	{ "writer_dies_between", die_between, PETITION_ORDER_JUDGE, 0, 4 },
	{ "schema_broken", plain, PETITION_ORDER_JUDGE, 0, 101 },
	{ "validator_faults", plain, PETITION_ORDER_FAULT, 0, 5 },
	{ "validator_hangs", plain, PETITION_ORDER_HANG, 0, 6 },
	{ "sequence_forged", plain, PETITION_ORDER_FORGE, 0, 7 },
	{ "double_verdict", plain, PETITION_ORDER_DECIDE_TWICE, 0, 8 },
	{ "store_to_proposal", plain, PETITION_ORDER_STORE, 0, 8 },
	{ "validator_silent", plain, PETITION_ORDER_SILENT, 0, 8 },
	{ "accepted_again", plain, PETITION_ORDER_JUDGE, 0, 9 },
	{ "rollback_first", plain, PETITION_ORDER_GO_BACK, 0, 10 },
	{ "accepted_between", plain, PETITION_ORDER_JUDGE, 0, 14 },
	{ "rollback_hook_faults", plain, PETITION_ORDER_GO_BACK, 0, 11 },
	{ "accepted_in_between", plain, PETITION_ORDER_JUDGE, 0, 15 },
	{ "rollback_hook_hangs", plain, PETITION_ORDER_GO_BACK, 0, 12 },
	{ "accepted_at_last", plain, PETITION_ORDER_JUDGE, 0, 13 },
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static void step_end(struct home *home, const char *name, const char *how, zog_status_t status)
{
	struct petition_book_total total;

	region_read(BOOK, TOTAL, 0, &total);
	rt_log(RT_INFO, "attempt %s %s status=%ld sum=%s", name, how, (long)status, total.sum == home->sum ? "new" : "old");
	home->step++;
	home->is_begun = home->is_pending = 0;
}

/* Makes the attempt; the next incarnation finds it begun, and does not make it again. */
static bool attempt_step(struct home *home)
{
	const struct attempt *attempt = &attempts[home->step];

	if (home->is_pending) {
		if (region_decided_number(BOOK) < home->number)
			return false;
		step_end(home, attempt->name, "decided", region_verdict(BOOK));
	} else if (home->is_begun) {
		step_end(home, attempt->name, "ended", 0);
	} else {
		home->is_begun = 1;
		rt_commit();
		zog_status_t status = attempt->make(home, attempt);
		if (status != ZOG_OK)
			step_end(home, attempt->name, "refused", status);
	}
	return true;
}

static const struct attempt honest = { "honest", plain, PETITION_ORDER_JUDGE, 0, 50 };

/* Each proposal is decided, none is lost, none is made twice: the book's count is that of the verdicts noted here. */
static bool calm_step(struct home *home)
{
	struct petition_book_total total;

	if (home->is_pending && region_decided_number(BOOK) < home->number)
		return false;
	region_read(BOOK, TOTAL, 0, &total);
	if (home->is_pending && region_verdict(BOOK) == ZOG_OK)
		home->step++;
	else if (home->is_pending)
		rt_log(RT_ERROR, "bad: an honest proposal got %ld", (long)region_verdict(BOOK));
	if (total.count != home->step || region_decided_number(BOOK) != home->number)
		rt_log(RT_ERROR, "bad: count=%lu noted=%lu number=%lu", total.count, home->step, home->number);
	home->is_pending = 0;
	rt_commit();
	rt_abort(); /* what a killed incarnation left in the buffer went with it; this takes an own half-done one */
	return plain(home, &honest) == ZOG_OK;
}

zog_status_t domain_rollback(struct zog_call *call)
{
	struct home *home = rt_home();

	home->hooks++;
	home->epoch_heard = call->word[1];
	rt_notify(EVENT_CHANGED, 0);
	rt_log(RT_INFO, "hook region=%lu epoch=%lu hooks=%lu", call->word[0], call->word[1], home->hooks);
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(WAIT_AUDIT_DECIDED);
	char option[12] = "";

	if (!rt_option("petition", option, sizeof(option)))
		return rt_wait(call, WAIT_AUDIT_DECIDED, seen, RT_NO_DEADLINE);
	bool is_calm = strcmp(option, "calm") == 0;
	uint64_t hooks_seen = rt_event_count(EVENT_CHANGED);
	/* The last of the hooks: the others have had theirs, and the next rollback is another one. */
	if (!is_calm && home->epoch_heard != region_epoch(BOOK))
		return rt_wait(call, EVENT_CHANGED, hooks_seen, RT_NO_DEADLINE);
	if (!is_calm && home->step >= ATTEMPTS) {
		rt_log(RT_INFO, "done attempts=%lu", home->step);
		return rt_wait(call, EVENT_CHANGED, rt_event_count(EVENT_CHANGED), RT_NO_DEADLINE);
	}
	if (is_calm ? !calm_step(home) : !attempt_step(home) || home->is_pending)
		return rt_wait(call, WAIT_AUDIT_DECIDED, seen, RT_NO_DEADLINE);
	return rt_wait(call, WAIT_AUDIT_DECIDED, seen, is_calm ? RT_NO_DEADLINE : rt_now_ns());
}
