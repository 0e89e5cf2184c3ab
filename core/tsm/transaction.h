/* Commit and abort of a domain's transaction: home ranges and staged operations, whole or not at all.
 * The caller holds the domain's lock, and no invocation of the domain runs on any other CPU. */
#ifndef CORE_TSM_TRANSACTION_H
#define CORE_TSM_TRANSACTION_H

#include "object/cpu.h"
#include "object/domain.h"

/* Checks everything, then applies everything. false: something does not pass; nothing was applied. */
bool transaction_commit(struct cpu *cpu, struct domain *domain);
/* The same for a reply with few, small home ranges and nothing else (arch/x86_64/commit.S). false: not of that kind, or not right;
 * nothing changed. room: COMMIT_ROOM_WORDS words. */
bool commit_straight(struct domain *domain, uint64_t *room);
void transaction_abort(struct domain *domain);
bool abort_straight(struct domain *domain, uint64_t *room); /* as commit_straight */
/* After an exception in ring 0: is the domain's commit past the point of no return? A reply whose delivery is cut again and
 * again is given up, so that its domain ends and the call is issued again. */
bool transaction_goes_on(const struct domain *domain);
/* If so, finishes that commit, on the same CPU.
 * An effect that is cut a second time is skipped. false: the home ranges cannot be copied, the image is torn. May be
 * cut by a further exception, and is then called again. */
bool transaction_recover(struct cpu *cpu, struct domain *domain);

/* tsm/operation.c: staged operations. Take copies them into cpu->op, and does what goes in pieces before the commit: it comes
 * first, since the call is made again after each piece. Decode checks them all. */
bool operations_take(struct cpu *cpu, struct domain *domain, uint32_t count);
bool operations_decode(struct cpu *cpu, struct domain *domain, uint32_t count);
/* Two passes, each in the order of the list: changes of core tables, then (effects) what cannot be taken back, or need
 * not be since doing it twice does it once. The second starts at domain->commit_next, and moves it. */
void operations_apply(struct cpu *cpu, struct domain *domain, uint32_t count);
void operations_finish(struct cpu *cpu, struct domain *domain, uint32_t count);
/* The operation at domain->commit_next is given up; what it has open is closed. */
void operation_skip(struct cpu *cpu, struct domain *domain);

#endif
