/* What the control capability asks of a domain: kill, hang, corrupt. Whoever holds the domain's lock carries it
 * out: the CPU on which it runs, at once; the requester, when it runs nowhere; or the return path, when it waits in
 * the middle of a chain for its callee. */
#ifndef CORE_CROSS_CONTROL_H
#define CORE_CROSS_CONTROL_H

#include "object/domain.h"
#include "object/cpu.h"

/* ZOG_OP_DOMAIN_CONTROL: may DOMAIN ask for it; it is done. */
bool control_decode(struct domain *domain, const struct zog_op *op);
void control_act(struct cpu *cpu, struct domain *domain, const struct zog_op *op);
/* Ends a domain whose next image is armed (object/update.h) when nothing runs in it. */
void control_update(struct cpu *cpu, struct domain *domain);
/* Resets the domain without an incident as soon as nothing runs inside it, or with whatever ends it before. */
void control_reset(struct cpu *cpu, struct domain *domain);
/* Another CPU asked: ends what was to be killed and now runs nowhere (its holder let go before it saw the request). */
void control_requested(struct cpu *cpu);
/* Releases the domain's lock; a kill or update that was asked for meanwhile happens now. */
void domain_release(struct cpu *cpu, struct domain *domain);
/* Ends a domain in which nothing runs on this or any other CPU: incident, reset, wake-ups. Its lock is held. */
void domain_end_idle(struct domain *domain, uint32_t cause, uint64_t detail);
/* Ends the domain as soon as it can be: at once where it is idle or runs here, else where it runs. */
void control_end(struct cpu *cpu, struct domain *domain);

#endif
