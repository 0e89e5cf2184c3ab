/* The scheduler domain: the policy for the time slice. The core dispatches; this domain only tells it how long a
 * program's thread may run before another gets the CPU, and the core goes on with the last value when it is dead.
 *
 * The rule: ROUND_NS divided among the threads that are ready to run, but never less than SLICE_MIN_NS. With few
 * ready threads switches are rare; with many each waits about ROUND_NS for its turn, until the floor lets rounds grow
 * so that switching does not eat the CPU. One look each PERIOD_NS is a sample: a short burst is not seen.
 *
 * Protocol. The activity looks at the counts and proposes a slice that differs from the one proposed before; the proposal, the
 * note of it in the home region and the notify are one commit. The supervisor decides. What stands in the region is what
 * holds: whenever it is not what the core was told, ZOG_OP_SCHEDULE is staged with the note of it. So a decision that is
 * missed is found at the next look, a rollback by the hook, and cut anywhere, it starts over. */
#include "rt/region.h"
#include "base/intact.h"
#include "domain.h"
#include "home.h"
#include "contracts/scheduler.h"

#define SLICE_MIN_NS 2000000ull
#define PERIOD_NS 1000000000ull

static uint64_t next_look_ns; /* scratch: a restart looks at once */

/* The count is the whole system's, whichever domain is asked about. */
static uint64_t threads_ready(void)
{
	struct zog_domain_stats stats;

	rt_assert(rt_stats(CAP_STATS, rt_self()->id, &stats) == ZOG_OK);
	return stats.thread_count;
}

static uint64_t slice_choose(uint64_t ready_count)
{
	uint64_t slice_ns = ready_count ? ROUND_NS / ready_count : ROUND_NS;

	return slice_ns < SLICE_MIN_NS ? SLICE_MIN_NS : slice_ns;
}

/* What is committed goes to the core. */
static void slice_tell(struct home *home)
{
	struct scheduler_policy_slice slice;

	if (region_version(REGION_POLICY) == 0 || region_read(REGION_POLICY, SCHEDULER_POLICY_SLICE, 0, &slice) != ZOG_OK)
		return;
	if (slice.slice_ns == home->slice_ns)
		return;
	rt_stage(ZOG_OP_SCHEDULE, CAP_SCHEDULE, slice.slice_ns, 0, 0, 0, 0);
	home->slice_ns = slice.slice_ns;
}

static void slice_propose(struct home *home)
{
	const struct scheduler_policy_slice slice = { .ready = threads_ready() };
	uint64_t slice_ns = slice_choose(slice.ready);
	struct scheduler_policy_slice *buffer = region_buffer(REGION_POLICY, SCHEDULER_POLICY_SLICE, 0);

	if (slice_ns == home->asked_ns || region_proposal_number(REGION_POLICY) != region_decided_number(REGION_POLICY))
		return;
	*buffer = (struct scheduler_policy_slice){ slice_ns, slice.ready };
	if (region_propose(REGION_POLICY, SCHEDULER_POLICY_SLICE, 0, 1) != ZOG_OK)
		return;
	home->asked_ns = slice_ns;
	rt_notify(EVENT_PROPOSED, 0);
}

zog_status_t domain_rollback(struct zog_call *call)
{
	(void)call;
	slice_tell(home_intact(sizeof(struct home)));
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = home_intact(sizeof(*home));
	uint64_t seen = rt_event_count(WAIT_SUPERVISOR_DECIDED);

	slice_tell(home);
	if (rt_now_ns() >= next_look_ns) {
		slice_propose(home);
		next_look_ns = rt_now_ns() + PERIOD_NS;
	}
	return rt_wait(call, WAIT_SUPERVISOR_DECIDED, seen, next_look_ns);
}
