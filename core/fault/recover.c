/* When the core itself faults. Stores to core tables on slow paths go through core_set64, which keeps the old value;
 * an exception in ring 0 takes them back in reverse, gives back the core's short locks, records an incident with the
 * core's own trace, and ends the domain for which the core was working. That domain's restart issues the same call
 * again: the one retry; if it faults again the call is refused as poison. The machine goes on.
 *
 * A commit that has passed its point of no return (tsm/transaction.c) is finished instead, and the core call that asked
 * for it is made again: it finds nothing left to commit and goes on to its end. The domain did no wrong and lives. So does
 * one whose reply is committed and not delivered yet. All of it may be cut in its turn, and then begins anew. */
#include <stddef.h>
#include "cross/crossing.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "object/cpu.h"
#include "object/domain.h"
#include "object/lock.h"
#include "tsm/transaction.h"


/* Set by the injector only: counts down the journalled stores and makes the core fault at the last. */
static volatile uint64_t injected_stores;

void journal_begin(struct cpu *cpu) { cpu->journal_count = 0; }

void core_set64(uint64_t *place, uint64_t value)
{
	struct cpu *cpu = cpu_current();

	if (cpu->journal_count < JOURNAL_MAX) {
		cpu->journal[cpu->journal_count].place = place;
		cpu->journal[cpu->journal_count].old = *place;
		cpu->journal_count++;
	}
	*place = value;
	if (injected_stores != 0 && --injected_stores == 0)
		__asm__ volatile("ud2");
}

void core_inject(uint64_t stores);
void core_inject(uint64_t stores) { injected_stores = stores; }

static void journal_undo(struct cpu *cpu)
{
	while (cpu->journal_count > 0) {
		struct journal_entry *entry = &cpu->journal[cpu->journal_count - 1];
		*entry->place = entry->old;
		__atomic_signal_fence(__ATOMIC_SEQ_CST); /* cut here, it is taken back once more */
		cpu->journal_count--;
	}
}

static void core_trace(uint64_t rip, uint64_t rbp, struct zog_incident *incident)
{
	const struct cpu *cpu = cpu_current();
	uint64_t end = stack_end(cpu, STACK_CORE), start = (uint64_t)stack_table[cpu->id][STACK_CORE].bytes;

	incident->trace_count = 0;
	incident->trace[incident->trace_count++] = rip;
	while (rbp >= start && rbp + 16 <= end && rbp % 8 == 0 && incident->trace_count < ZOG_TRACE_MAX) {
		const uint64_t *frame = (const uint64_t *)rbp;
		if (frame[1] == 0)
			break;
		incident->trace[incident->trace_count++] = frame[1];
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

#define RECOVERIES_MAX 8u
static struct { uint64_t vector, error, rip, rbp, address; } core_failure[ZOG_CPU_MAX];

/* Is the instruction to be tried again? Once: what a flipped bit did is over then, anything else comes back at once. What
 * follows on one that hits on the way into the handler of another of its kind does not qualify: that one's frame is gone. */
bool core_retry(uint64_t vector, uint64_t rip, uint64_t rsp)
{
	extern uint8_t core_text_start[], core_text_end[];
	struct cpu *cpu = cpu_current();

	if (rip < (uint64_t)core_text_start || rip >= (uint64_t)core_text_end || rip == cpu->retried_rip ||
	    exception_stack_move(cpu, (uint32_t)vector, -EXCEPTION_ROOM) - rsp < EXCEPTION_ROOM)
		return false;
	cpu->retried_rip = rip;
	log_line("zog: core exception cpu=%u vector=%lu rip=0x%lx rsp=0x%lx address=0x%lx: tried again", cpu->id, vector, rip, rsp, cr2_read());
	exception_stack_move(cpu, (uint32_t)vector, EXCEPTION_ROOM);
	return true;
}

void core_exception(uint64_t vector, uint64_t error, uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	struct cpu *cpu = cpu_current();

	log_line("zog: core exception cpu=%u vector=%lu error=0x%lx rip=0x%lx rsp=0x%lx address=0x%lx", cpu->id, vector, error, rip, rsp, cr2_read());
	if (++cpu->recoveries > RECOVERIES_MAX) {
		/* One leads to the next: this CPU has nothing left that it could trust. The others go on. */
		log_line("zog: cpu %u stopped", cpu->id);
		cpu->is_online = 0;
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	cpu->is_cut_again = cpu->in_recovery;
	cpu->in_recovery = 1;
	core_failure[cpu->id].vector = vector;
	core_failure[cpu->id].error = error;
	core_failure[cpu->id].rip = rip;
	core_failure[cpu->id].rbp = rbp;
	core_failure[cpu->id].address = cr2_read();
	exception_stacks_set(cpu);
	core_restart_stack();
}

/* Gives the newest incident, if it is of this failure, the core's own trace. */
static void core_blame(uint32_t cpu)
{
	struct zog_incident *incident = (struct zog_incident *)(uintptr_t)incident_find(incident_count());

	if (incident != NULL && incident->cause == ZOG_CAUSE_CORE)
		core_trace(core_failure[cpu].rip, core_failure[cpu].rbp, incident);
}

static void working_domain_end(struct cpu *cpu, struct call_frame *frame)
{
	uint32_t before = incident_count();

	if (cpu->is_cut_again)
		frame->fault_count = 0; /* the call has no part in what befell the recovery */
	domain_fault(cpu, ZOG_CAUSE_CORE, (uint32_t)core_failure[cpu->id].vector, core_failure[cpu->id].address, core_failure[cpu->id].error);
	if (incident_count() != before)
		core_blame(cpu->id);
	core_leave(cpu);
}

/* The working domain's commit was cut after its point of no return. */
static void commit_go_on(struct cpu *cpu, struct domain *domain)
{
	struct zog_regs *regs = &cpu->domain_regs;

	incident_record_idle(domain, ZOG_CAUSE_CORE, core_failure[cpu->id].address);
	core_blame(cpu->id);
	domain->is_commit_recovered = 1;
	if (!transaction_recover(cpu, domain)) {
		domain->commit_phase = COMMIT_NONE;
		domain->is_commit_recovered = 0;
		crossing_give_up(cpu, "its commit cannot be finished");
		core_leave(cpu);
		return;
	}
	if (regs->rax == ZOG_CORE_COMMIT) {
		/* crossing.S stores what a caller keeps; in the others stands what another domain may have left there. */
		regs->rcx = regs->r11 = regs->rdx = regs->r10 = regs->r8 = regs->r9 = 0;
	}
	core_call(cpu, regs->rax);
}

/* --- what a cut entry leaves behind ------------------------------------------------------------------------------------ */

static bool chain_has(const struct thread *thread, const struct domain *domain)
{
	for (uint32_t i = 0; thread != NULL && i < thread->depth; i++)
		if (thread->frame[i].domain == domain)
			return true;
	return false;
}

/* A frame whose domain this CPU does not hold is that of a call which had not begun, or was over: it goes, and its caller
 * is the one for whom the core was working. */
static void chain_trim(const struct cpu *cpu, struct thread *thread)
{
	while (thread != NULL && thread->depth > 0) {
		const struct call_frame *frame = &thread->frame[thread->depth - 1];
		if (frame->phase != PHASE_NEW && frame->domain->lock.holder == cpu->id)
			return;
		thread->depth--;
	}
}

/* Domains that this CPU holds outside of its chain: on the way in or out of a call, which leaves them as they were, or to
 * be reset while idle (domain_reset makes them DOWN first), which is done again. */
static void domains_let_go(const struct cpu *cpu, const struct thread *thread)
{
	for (uint32_t i = 0; i < domain_total; i++) {
		struct domain *domain = &domain_table[i];
		if (domain->lock.holder != cpu->id || chain_has(thread, domain))
			continue;
		if (domain->state == DOMAIN_DOWN)
			domain_reset(domain);
		domain->commit_phase = COMMIT_NONE; /* its reply is delivered */
		lock_release(&domain->lock);
	}
}

static void locks_let_go(const struct cpu *cpu)
{
	for (struct lock *lock = core_locks_start; lock < core_locks_end; lock++)
		if (lock->holder == cpu->id)
			lock_release(lock);
}

void core_recover(struct cpu *cpu);
void core_recover(struct cpu *cpu)
{
	if (!cpu->in_recovery) {
		core_leave(cpu);
		return;
	}
	schedule_recover(cpu);
	locks_let_go(cpu);
	vector_close(cpu); /* it may have been open for the core's own use; a program opens it again */
	struct thread *thread = cpu->thread;
	chain_trim(cpu, thread);
	struct call_frame *frame = thread != NULL && thread->depth > 0 ? &thread->frame[thread->depth - 1] : NULL;
	struct domain *domain = frame != NULL ? frame->domain : NULL;
	bool is_committing = domain != NULL && transaction_goes_on(domain);
	if (!is_committing)
		journal_undo(cpu);
	domains_let_go(cpu, thread);
	if (is_committing) {
		commit_go_on(cpu, domain);
	} else if (frame != NULL) {
		working_domain_end(cpu, frame);
	} else {
		if (thread != NULL)
			root_recover(cpu, thread);
		core_leave(cpu);
	}
	cpu->in_recovery = 0;
}
