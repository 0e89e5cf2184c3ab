/* See policy.h. The verdict, and the notify that tells of it, are the activity's commit: killed before, the proposal is pending
 * still; killed after, it is decided. */
#include "policy.h"
#include "rt/region.h"
#include "domain.h"

#define ROUND_NS 10000000ull
#define SLICE_MIN_NS 2000000ull
#define SLICE_FIELD 0u /* slice_ns */

bool policy_is_good(const struct scheduler_policy_slice *slice)
{
	uint64_t longest_ns = slice->ready > 1 ? ROUND_NS / slice->ready : ROUND_NS;

	return slice->slice_ns >= SLICE_MIN_NS && (slice->slice_ns <= longest_ns || slice->slice_ns == SLICE_MIN_NS);
}

zog_status_t policy_activity(struct zog_call *call)
{
	uint64_t seen = rt_event_count(WAIT_SCHEDULER_PROPOSED);
	const struct zog_region_proposal *proposal = region_proposal(REGION_POLICY);
	const struct scheduler_policy_slice *slice = region_proposed(REGION_POLICY, SCHEDULER_POLICY_SLICE, 0);

	if (proposal == NULL || slice == NULL)
		return rt_wait(call, WAIT_SCHEDULER_PROPOSED, seen, RT_NO_DEADLINE);
	const struct region_reason reason = { ZOG_RULE_VALIDATOR, SLICE_FIELD, SCHEDULER_POLICY_SLICE, 0, slice->slice_ns };
	if (policy_is_good(slice))
		region_accept(REGION_POLICY, proposal->number);
	else
		region_reject(REGION_POLICY, proposal->number, &reason);
	rt_notify(EVENT_DECIDED, 0);
	return rt_wait(call, WAIT_SCHEDULER_PROPOSED, seen, RT_NO_DEADLINE);
}

zog_status_t policy_rollback(uint32_t domain, uint64_t version)
{
	if (domain != DOMAIN_SCHEDULER)
		return ZOG_ERR_ARGUMENT;
	zog_status_t status = region_rollback(REGION_POLICY, version);
	if (status == ZOG_OK)
		rt_notify(EVENT_DECIDED, 0);
	return status;
}
