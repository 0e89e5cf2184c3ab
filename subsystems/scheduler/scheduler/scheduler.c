/* The scheduler domain: the policy for the time slice. The core dispatches; this domain only tells it how long a
 * program's thread may run before another gets the CPU, and the core goes on with the last value when it is dead.
 *
 * The rule: ROUND_NS divided among the threads that are ready to run, but never less than SLICE_MIN_NS. With few
 * ready threads switches are rare; with many each waits about ROUND_NS for its turn, until the floor lets rounds grow
 * so that switching does not eat the CPU. One look each PERIOD_NS is a sample: a short burst is not seen.
 *
 * Protocol. The activity looks at the counts, stages ZOG_OP_SCHEDULE when the slice changes and records it in the
 * same commit, then waits with a deadline on an event that nobody notifies. Cut anywhere, it starts over. */
#include "rt/rt.h"
#include "base/intact.h"
#include "domain.h"
#include "home.h"

#define SLICE_MIN_NS 2000000ull
#define PERIOD_NS 1000000000ull


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

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = home_intact(sizeof(*home));
	uint64_t slice_ns = slice_choose(threads_ready());
	uint64_t seen = rt_event_count(EVENT_NEVER);

	if (slice_ns != home->slice_ns) {
		rt_stage(ZOG_OP_SCHEDULE, CAP_SCHEDULE, slice_ns, 0, 0, 0, 0);
		home->slice_ns = slice_ns;
	}
	return rt_wait(call, EVENT_NEVER, seen, rt_now_ns() + PERIOD_NS);
}
