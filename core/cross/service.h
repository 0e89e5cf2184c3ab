/* Domains that end again and again, and services: domains of which the supervisor decides when they run.
 *
 * Every domain that faults is restarted by the core, at once. What comes after the first fault of a row is policy. A row goes on
 * while fewer than HEALTHY_INVOCATIONS are entered from one fault to the next: counted in events, so that a machine that stalls
 * condemns nobody. Faults that were asked for, or that `corrupt` led to, do not count; nor does a call that faults its
 * server twice: that one is refused as poison, and its sender has it.
 *
 *   service        rests after the second fault of a row (or the first, if it was started so) until it is started again
 *   on_faults      in the manifest, of the others: "back-off": an activity that faulted twice rests for a time that grows
 *                  with the row; "quarantine": so it does, and FAULTS_MAX in a row end it; "restart": neither
 *
 * A service that rests, or is in quarantine, is entered by nobody: its callers get the error, its activities are parked at
 * the event `started`. Each time one comes to rest, the domain with a `service_event` is told. */
#ifndef CORE_CROSS_SERVICE_H
#define CORE_CROSS_SERVICE_H

#include <stdbool.h>
#include "object/cpu.h"
#include "object/domain.h"

/* ZOG_CONTROL_START, whose words are in OP; the text of its arguments is FROM's, and was found readable. */
void service_start(struct domain *from, struct domain *domain, const struct zog_op *op);
/* ZOG_CONTROL_STOP: as soon as nothing runs inside, STATE (DOMAIN_STOPPED or DOMAIN_QUARANTINED). */
void service_stop(struct cpu *cpu, struct domain *domain, uint32_t state);
/* ZOG_OP_EXIT of the running domain: with the end of this invocation. */
void service_exit(struct domain *domain, uint32_t status);
/* Parts of domain_reset: one that rests, or is to rest, does so afterwards. */
void service_reset_begin(struct domain *domain);
void service_reset(struct domain *domain);
/* The domain was reset for a fault that nobody asked for. is_own: not in a call that another domain or a program made. */
void service_faulted(struct domain *domain, bool is_own, bool is_poison);
void service_tell(void);
/* The activity's call is done: lets it rest where it cannot, or should not, be issued again now. */
void service_activity_rest(struct cpu *cpu, struct thread *thread, zog_status_t status);

void domain_quarantine(struct domain *domain, const char *why); /* crossing.c */

#endif
