/* Capabilities for crossings and events, as crossings use them. */
#ifndef CORE_OBJECT_CAPABILITY_H
#define CORE_OBJECT_CAPABILITY_H

#include "object/domain.h"

/* At boot: domain->fast_cap. A crossing is there with the methods that the client's rights allow; neither crossing nor event
 * of a domain that was built with another state of a contract is (object/contract.h). */
void caps_build(struct domain *domain);
/* The event that a domain names by HANDLE, an own one or by a capability; NULL: it may not. owner_out: whose restart wakes its
 * waiters, too. */
struct event *event_find(const struct domain *domain, uint64_t handle, uint32_t *owner_out);

#endif
