/* Faults of domains: recording the incident, rolling back, going on. */
#ifndef CORE_FAULT_FAULT_H
#define CORE_FAULT_FAULT_H

#include "object/cpu.h"
#include "object/domain.h"
#include "object/thread.h"

#define INCIDENT_MAX 1024u /* kept; older ones are overwritten */

void incident_setup(void);
/* The domain of the CPU's top frame is ended at the point in cpu->domain_regs; its call is issued again. */
void domain_fault(struct cpu *cpu, uint32_t cause, uint32_t vector, uint64_t address, uint64_t error);
/* Records an incident about a domain that runs nowhere. */
void incident_record_idle(struct domain *domain, uint32_t cause, uint64_t detail);
/* Records what is no end of the running domain: its commit was refused by a schema; in the lab image, that it stored past the
 * hook (tests/core/tsm/compare.c). */
struct zog_incident *incident_record_going_on(struct cpu *cpu, struct domain *domain, uint32_t cause, uint64_t address, uint64_t error);
/* Records what the scrubber found in the committed home region, and what became of it (tsm/home_scrub.c): "OUTCOME: " and
 * domain->stats.finding are its subject. */
void incident_record_damage(struct domain *domain, const struct home_finding *finding, const char *outcome);
/* Records what is no end of the domain, which may be running on another CPU: nothing of it changes. */
void incident_record_notice(struct domain *domain, uint32_t cause, uint64_t address, uint64_t error);
/* An idle domain costs its callers nothing until the next call: what its rollback took is kept (in tsc_reply) and
 * the clock goes on when a call finds it down. */
/* Says on the domain's open incident whether it put the program before the last update back. */
void incident_update_undone(struct domain *domain, bool is_undone);
void incident_idle_reset_done(struct domain *domain);
void incident_idle_called(struct domain *domain);
/* The first reply after an incident: how long it took. */
void incident_close(struct domain *domain);
const struct zog_incident *incident_find(uint32_t number);
uint32_t incident_count(void);

/* fault/recover.c */
void journal_begin(struct cpu *cpu);
/* An exception in ring 0: is its instruction to be tried again; else the recovery begins, which does not come back. */
bool core_retry(uint64_t vector, uint64_t rip, uint64_t rsp);
void core_exception(uint64_t vector, uint64_t error, uint64_t rip, uint64_t rsp, uint64_t rbp);
#endif
