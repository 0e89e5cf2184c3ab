/* The supervisor as the validator of scheduler.policy: what the scheduler proposes holds when it is accepted here. */
#ifndef SUPERVISOR_POLICY_H
#define SUPERVISOR_POLICY_H

#include "rt/rt.h"
#include "contracts/scheduler.h"

/* What no rule for one field can say: with so many threads ready each of them has its turn within a round, or the slice is as
 * short as it gets. */
bool policy_is_good(const struct scheduler_policy_slice *slice);
/* The activity: decides what is proposed, then waits for more. */
zog_status_t policy_activity(struct zog_call *call);
/* Control command: the policy goes back to a kept version. ZOG_ERR_NOT_FOUND: not kept; ZOG_ERR_ARGUMENT: DOMAIN has none. */
zog_status_t policy_rollback(uint32_t domain, uint64_t version);

#endif
