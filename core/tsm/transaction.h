/* Commit and abort of a domain's transaction: home ranges and staged operations, whole or not at all.
 * The caller holds the domain's lock, and no invocation of the domain runs on any other CPU. */
#ifndef CORE_TSM_TRANSACTION_H
#define CORE_TSM_TRANSACTION_H

#include "object/cpu.h"
#include "object/domain.h"

/* Checks everything, then applies everything. false: something does not pass; nothing was applied. */
bool transaction_commit(struct cpu *cpu, struct domain *domain);
void transaction_abort(struct domain *domain);

/* tsm/operation.c: staged operations. Decode copies them into cpu->op and checks them all. */
bool operations_decode(struct cpu *cpu, struct domain *domain, uint32_t count);
/* Two passes, each in the order of the list: changes of core tables, then (effects) what cannot be taken back. */
void operations_apply(struct cpu *cpu, struct domain *domain, uint32_t count, bool effects);

#endif
