/* System-call entry from programs, and replies, straight through where nothing is asked of anybody and nobody is to be told.
 * (Crossings between domains without anything to commit go straighter still: arch/x86_64/crossing.S.) Each function
 * decides first, then acts; where the common case does not hold it returns false with nothing changed and crossing.c
 * does the same work step by step. The three must stay alike: the tests run all of them. */
#include "cross/crossing.h"
#include "cross/schedule.h"
#include "object/domain.h"
#include "object/lock.h"
#include "tsm/region_control.h"
#include "tsm/transaction.h"

#define READY_AND_UNASKED(domain) ((domain)->state == DOMAIN_READY && (domain)->request == REQUEST_NONE && (domain)->step_kill == 0)
#define ORDER __atomic_signal_fence(__ATOMIC_SEQ_CST) /* exceptions come on the same CPU */
#define PLAIN_FLAGS (RFLAGS_FIXED | RFLAGS_INTERRUPT)

static inline void space_load(struct cpu *cpu, const struct domain *domain)
{
	/* A CPU that still has this domain's tables loaded from before a reset must drop what it cached. */
	if (cpu->cr3 == domain->cr3 && cpu->seen_resets[domain->id] == domain->resets)
		return;
	cpu->seen_resets[domain->id] = domain->resets;
	cpu->cr3 = domain->cr3;
	cpu->space_switches++;
	cr3_write(domain->cr3);
}

static inline void entry_state(struct cpu *cpu, struct zog_regs *regs, const struct domain *domain)
{
	regs->rip = domain->image->entry;
	regs->rflags = PLAIN_FLAGS;
	regs->rsp = ZOG_STACK_BASE + (cpu->id + 1ul) * ZOG_STACK_STRIDE;
	regs->r15 = regs->rbp = regs->rbx = regs->rax = 0;
}

static inline bool transaction_is_empty(const struct zog_txn *txn) { return (txn->range_count | txn->op_count | txn->is_page_mode) == 0; }

/* A slice that is over matters to others only: a program that runs alone keeps its CPU (core_leave asks the same). */
static bool program_can_go_on(const struct cpu *cpu, const struct thread *thread, zog_status_t status)
{
	return status == ZOG_OK && !thread->is_activity && thread->root_method == ZOG_METHOD_SYSCALL && !thread->is_dying &&
	       !thread->has_attention && !thread->keep_rax && (!cpu->must_reschedule || schedule_ready_count == 0) &&
	       cpu->vector_owner == thread && thread->vector_cpu == cpu->id;
}

static bool fast_reply_to_program(struct cpu *cpu, struct thread *thread, struct domain *domain)
{
	const struct zog_regs *regs = &cpu->domain_regs;

	/* In this order: an exception in the core finds a reply that is made again, or one that is delivered. */
	thread->regs.rax = regs->rsi;
	ORDER;
	thread->root_pending = ROOT_NONE;
	ORDER;
	thread->depth = 0;
	ORDER;
	domain->commit_phase = COMMIT_NONE;
	ORDER;
	lock_release(&domain->lock);
	cpu->space_switches++;
	cpu->cr3 = thread->space->cr3;
	cr3_write(cpu->cr3);
	vectors_allow();
	fs_base_write(thread->regs.fs_base);
	user_gs_base_write(thread->regs.gs_base);
	cpu->save = &thread->regs;
	cpu->fast_frame = NULL;
	cpu->exit_full = thread->must_load_all;
	return true;
}

static inline bool fast_reply(struct cpu *cpu, struct thread *thread)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct call_frame *frame = &thread->frame[thread->depth - 1];
	struct domain *domain = frame->domain;
	zog_status_t status = (zog_status_t)regs->rdi;

	if (status == ZOG_RETRY || status == ZOG_WAIT || frame->phase != PHASE_RUN || domain->request != REQUEST_NONE ||
	    domain->open_incident != NULL || domain->start_failures != 0)
		return false;
	struct call_frame *caller = frame - 1;
	if (thread->depth == 1 ? !program_can_go_on(cpu, thread, status)
			       : caller->phase != PHASE_RUN || caller->domain->request != REQUEST_NONE || caller->domain->step_kill != 0)
		return false;
	/* A commit of home ranges alone, the straight way if it is small. It comes last: once committed, the reply is delivered here and nowhere else, or a kill
	 * that is asked for in between would have crossing.c issue a call again that has taken effect. What fails its checks
	 * changes nothing, fails again in crossing.c and is dealt with there. */
	if (!transaction_is_empty(domain->txn) && !commit_straight(domain, cpu->commit_room) &&
	    (domain->txn->op_count != 0 || !transaction_commit(cpu, domain)))
		return false;
	if (thread->depth == 1)
		return fast_reply_to_program(cpu, thread, domain);
	thread->depth--;
	ORDER;
	domain->commit_phase = COMMIT_NONE;
	ORDER;
	lock_release(&domain->lock);
	regs->rax = (uint64_t)status;
	regs->r9 = regs->r8;
	regs->r8 = regs->r10;
	regs->r10 = regs->rdx;
	regs->rdx = regs->rsi;
	regs->rdi = regs->rsi = regs->rbx = regs->r12 = regs->r13 = regs->r14 = regs->r15 = 0;
	regs->rip = caller->resume_rip;
	regs->rsp = caller->resume_rsp;
	regs->rbp = caller->resume_rbp;
	regs->rflags = PLAIN_FLAGS;
	space_load(cpu, caller->domain);
	cpu->fast_frame = caller;
	return true;
}

static inline bool fast_program(struct cpu *cpu, struct thread *thread)
{
	struct domain *domain = thread->root_domain;
	struct zog_regs *from = &thread->regs, *regs = &cpu->domain_regs;

	if (thread->is_dying || thread->has_attention || !lock_try(&domain->lock, cpu->id))
		return false;
	if (!READY_AND_UNASKED(domain)) {
		lock_release(&domain->lock);
		return false;
	}
	from->fs_base = fs_base_read();
	from->gs_base = user_gs_base_read();
	thread->must_load_all = 0;
	thread->root_method = ZOG_METHOD_SYSCALL;
	thread->root_reason = ZOG_REASON_CALL;
	struct call_frame *frame = &thread->frame[0];
	frame->domain = domain;
	frame->phase = PHASE_RUN;
	frame->method = ZOG_METHOD_SYSCALL;
	frame->reason = ZOG_REASON_CALL;
	frame->fault_count = 0;
	frame->ticks_left = domain->desc->contract0_deadline_ms + 1;
	frame->client = ZOG_CLIENT_CORE << 32 | thread->id;
	regs->rdx = frame->word[0] = from->rax;
	regs->r10 = frame->word[1] = from->rdi;
	regs->r8 = frame->word[2] = from->rsi;
	regs->r9 = frame->word[3] = from->rdx;
	regs->r12 = frame->word[4] = from->r10;
	regs->r13 = frame->word[5] = from->r8;
	regs->r14 = frame->word[6] = from->r9;
	ORDER; /* an exception in the core finds the call whole, in the frame or in the program's registers */
	thread->root_pending = ROOT_CALL;
	ORDER;
	thread->depth = 1;
	regs->rdi = ZOG_METHOD_SYSCALL | (uint64_t)cpu->id << 24;
	regs->rsi = frame->client;
	entry_state(cpu, regs, domain);
	vectors_forbid();
	domain->invocations++; /* seen by all before the domain runs (tsm/object.c): loading its tables serializes */
	space_load(cpu, domain);
	cpu->save = regs;
	cpu->fast_frame = frame;
	cpu->fast_limit = &thread->frame[FRAME_CALL_MAX - 1];
	return true;
}

static void program_call(struct cpu *cpu, struct thread *thread)
{
	thread->regs.fs_base = fs_base_read();
	thread->regs.gs_base = user_gs_base_read();
	root_call_program(thread);
	core_leave(cpu);
}

void core_syscall(struct cpu *cpu, struct zog_regs *regs);
void core_syscall(struct cpu *cpu, struct zog_regs *regs)
{
	struct thread *thread = cpu->thread;

	if (thread->depth == 0) {
		thread->root_pending = ROOT_TAKEN;
		ORDER;
		if (region_control_compares() || !fast_program(cpu, thread))
			program_call(cpu, thread);
		return;
	}
	uint64_t number = regs->rax;
	if (number == ZOG_CORE_REPLY && !region_control_compares() && fast_reply(cpu, thread))
		return;
	core_call(cpu, number);
}
