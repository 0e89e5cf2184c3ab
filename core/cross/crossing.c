/* Crossings. See crossing.h for the protocol; lock order: a domain's lock is taken with those of its callers held,
 * which the acyclic call graph of the manifests keeps free of deadlock. */
#include <stddef.h>
#include "cross/crossing.h"
#include "cross/control.h"
#include "cross/schedule.h"
#include "cross/service.h"
#include "tsm/compare.h"
#include "tsm/object.h"
#include "tsm/region_hook.h"
#include "tsm/transaction.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "iommu/iommu.h"
#include "mem/pin.h"
#include "object/capability.h"
#include "object/frame.h"
#include "arch/x86_64/apic.h"

#define START_FAILURES_MAX 5u
#define FAULTS_OF_A_CALL_MAX 2u
#define HANG_OFFSET 16 /* lib/rt/entry.S: the loop that a domain told to hang runs stands right before its entry */

static struct call_frame *top(struct thread *thread) { return &thread->frame[thread->depth - 1]; }

static uint32_t method_ticks(const struct domain *domain, uint16_t method)
{
	uint32_t contract = method >> 8, index = method & 0xff;
	uint32_t ms = contract == 0 ? domain->desc->contract0_deadline_ms : system_contract[contract].method[index].deadline_ms;

	return ms * (region_control_compares() ? COMPARE_PATIENCE : 1) + 1;
}

struct call_frame *frame_push(struct thread *thread, struct domain *domain, uint16_t method, uint64_t client)
{
	struct call_frame *frame = &thread->frame[thread->depth];

	frame->domain = domain;
	frame->phase = PHASE_NEW;
	frame->method = method;
	frame->reason = ZOG_REASON_CALL;
	frame->fault_count = 0;
	frame->ticks_left = method_ticks(domain, method);
	frame->client = client;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* an exception in the core finds it whole or not at all */
	thread->depth++;
	return frame;
}

static void frame_pop(struct cpu *cpu, struct thread *thread)
{
	struct call_frame *frame = top(thread);

	thread->depth--;
	if (frame->phase == PHASE_NEW)
		return;
	frame->domain->commit_phase = COMMIT_NONE; /* a reply is delivered */
	domain_release(cpu, frame->domain);
}

/* --- entering --------------------------------------------------------------------------------------------------- */

static void space_enter(struct cpu *cpu, struct domain *domain)
{
	if (cpu->cr3 == domain->cr3 && cpu->seen_resets[domain->id] != domain->resets)
		cr3_write(domain->cr3);
	cpu->seen_resets[domain->id] = domain->resets;
	cpu_switch_space(cpu, domain->cr3);
}

static uint64_t domain_flags(const struct domain *domain)
{
	return RFLAGS_FIXED | RFLAGS_INTERRUPT | (domain->step_kill ? RFLAGS_TRAP : 0);
}

static void entry_registers(struct cpu *cpu, const struct call_frame *frame)
{
	struct domain *domain = frame->domain;
	struct zog_regs *regs = &cpu->domain_regs;
	uint16_t method = frame->phase == PHASE_START ? ZOG_METHOD_START : frame->method;

	regs->r15 = regs->rbp = regs->rbx = regs->rax = 0;
	regs->rdi = method | (uint64_t)frame->reason << 16 | (uint64_t)cpu->id << 24;
	regs->rsi = frame->client;
	regs->rdx = frame->word[0];
	regs->r10 = frame->word[1];
	regs->r8 = frame->word[2];
	regs->r9 = frame->word[3];
	regs->r12 = frame->word[4];
	regs->r13 = frame->word[5];
	regs->r14 = frame->word[6];
	regs->rip = domain->image->entry;
	regs->rflags = domain_flags(domain);
	regs->rsp = ZOG_STACK_BASE + (cpu->id + 1ul) * ZOG_STACK_STRIDE;
	if (domain->request == REQUEST_HANG) {
		domain->request = REQUEST_NONE;
		domain->is_hanging = 1;
		regs->rip -= HANG_OFFSET;
	}
	cpu->exit_full = 0;
	space_enter(cpu, domain);
	__atomic_add_fetch(&domain->invocations, 1, __ATOMIC_SEQ_CST); /* seen by all before the domain runs (tsm/object.c) */
}

static void frame_finish(struct cpu *cpu, zog_status_t status, const uint64_t out[4]);
static const uint64_t no_words[4];

static struct domain *bus_domain(void)
{
	for (uint32_t i = 0; i < domain_total; i++)
		if (domain_table[i].desc->is_bus)
			return &domain_table[i];
	return NULL;
}

void domain_quarantine(struct domain *domain, const char *why)
{
	domain->state = DOMAIN_QUARANTINED;
	service_tell();
	log_line("zog: quarantine domain=%s %s", domain->desc->name, why);
	region_validator_quarantined(domain);
}

/* Takes the frame's lock. false: the thread was ended while it waited. */
static bool frame_lock(struct cpu *cpu, struct thread *thread, struct call_frame *frame)
{
	while (!lock_try(&frame->domain->lock, cpu->id)) {
		cpu_pause();
		cpu_poll();
		if (thread->is_dying && thread->depth == 1)
			return false;
	}
	frame->phase = PHASE_START;
	return true;
}

/* Gets the top frame's domain into a state in which its call can run, and makes the CPU's registers enter it. */
void frame_issue(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;

	for (;;) {
		struct call_frame *frame = top(thread);
		struct domain *domain = frame->domain;
		if (frame->phase == PHASE_NEW && !frame_lock(cpu, thread, frame)) {
			thread->depth = 0;
			return;
		}
		if (domain->state == DOMAIN_READY) {
			frame->phase = PHASE_RUN;
			entry_registers(cpu, frame);
			return;
		}
		if (domain->state == DOMAIN_QUARANTINED) {
			frame_finish(cpu, ZOG_ERR_QUARANTINED, no_words);
			return;
		}
		if (domain->state == DOMAIN_STOPPED) {
			frame_finish(cpu, ZOG_ERR_STOPPED, no_words);
			return;
		}
		incident_idle_called(domain);
		struct domain *bus = domain->needs_quiesce ? bus_domain() : NULL;
		if (bus != NULL && bus != domain && thread->depth < FRAME_MAX) {
			frame->phase = PHASE_QUIESCE;
			frame = frame_push(thread, bus, ZOG_METHOD_QUIESCE, ZOG_CLIENT_CORE << 32 | thread->id);
			frame->word[0] = domain->id;
			continue;
		}
		if (domain->is_image_damaged) {
			if (domain->open_incident == NULL) /* else that is why it ended */
				incident_record_idle(domain, ZOG_CAUSE_MEASURE, 0);
			if (update_undo(domain)) {
				incident_update_undone(domain, true);
				domain_reset(domain);
				continue;
			}
			domain_quarantine(domain, "its image does not have its measure");
			continue;
		}
		frame->phase = PHASE_START;
		domain->stats.starts++;
		domain->info->start_count = domain->stats.starts;
		uint64_t client = frame->client;
		frame->client = ZOG_CLIENT_CORE << 32 | thread->id;
		entry_registers(cpu, frame);
		frame->client = client;
		return;
	}
}

/* --- coming back ---------------------------------------------------------------------------------------------------- */

/* The top frame's callee is done: its domain goes on after its call with these results. */
static void frame_resume(struct cpu *cpu, const struct call_frame *frame, zog_status_t status, const uint64_t out[4])
{
	struct zog_regs *regs = &cpu->domain_regs;

	memset(regs, 0, sizeof(*regs));
	regs->rip = frame->resume_rip;
	regs->rsp = frame->resume_rsp;
	regs->rbp = frame->resume_rbp;
	regs->rflags = domain_flags(frame->domain);
	regs->rax = (uint64_t)status;
	regs->rdx = out[0];
	regs->r10 = out[1];
	regs->r8 = out[2];
	regs->r9 = out[3];
	cpu->exit_full = 0;
	space_enter(cpu, frame->domain);
}

/* Ends the top frame with a result and delivers it to whoever waits for it. */
static void frame_finish(struct cpu *cpu, zog_status_t status, const uint64_t out[4])
{
	struct thread *thread = cpu->thread;

	if (thread->depth == 1)
		root_result(thread, status, out[0]);
	frame_pop(cpu, thread);
	if (thread->depth == 0) {
		root_finish(cpu, status);
		return;
	}
	struct call_frame *frame = top(thread);
	if (frame->phase == PHASE_QUIESCE) {
		if (status == ZOG_OK && iommu_is_closed(frame->domain)) {
			frame->domain->needs_quiesce = 0;
			pins_mark_stale(frame->domain->id);
		} else {
			domain_quarantine(frame->domain, "its device could not be quiesced");
		}
		frame_issue(cpu);
	} else if (frame->domain->request == REQUEST_KILL) {
		/* It was killed while its callee ran: the callee has finished, the caller starts over. */
		domain_end_idle(frame->domain, ZOG_CAUSE_KILLED, 0);
		frame->reason = ZOG_REASON_RESTART;
		frame_issue(cpu);
	} else {
		frame_resume(cpu, frame, status, out);
	}
}

void frame_reissue_after_fault(struct cpu *cpu, uint32_t is_asked_for)
{
	struct call_frame *frame = top(cpu->thread);
	struct domain *domain = frame->domain;

	cpu->thread->keep_rax = 0;
	frame->reason = ZOG_REASON_RESTART;
	frame->ticks_left = method_ticks(domain, frame->method);
	if (frame->phase == PHASE_START && !is_asked_for && ++domain->start_failures >= START_FAILURES_MAX)
		domain_quarantine(domain, "it fails at every start");
	bool is_poison = frame->phase == PHASE_RUN && !is_asked_for && ++frame->fault_count >= FAULTS_OF_A_CALL_MAX;
	if (!is_asked_for)
		service_faulted(domain, frame->phase == PHASE_START || (cpu->thread->is_activity && cpu->thread->depth == 1), is_poison);
	if (is_poison) {
		log_line("zog: poison domain=%s method=0x%x client=0x%lx", domain->desc->name, frame->method, frame->client);
		frame_finish(cpu, ZOG_ERR_POISON, no_words);
		return;
	}
	frame_issue(cpu);
}

void crossing_give_up(struct cpu *cpu, const char *why)
{
	struct domain *domain = top(cpu->thread)->domain;

	domain_reset(domain);
	domain_quarantine(domain, why);
	region_domain_ended(domain);
	thread_wake_waiters_of(domain->id);
	frame_issue(cpu);
}

bool crossing_is_killed(struct domain *domain)
{
	bool is_done = domain->is_commit_recovered;

	domain->is_commit_recovered = 0;
	return domain->request == REQUEST_KILL && !is_done;
}

void crossing_undo(struct cpu *cpu, struct domain *domain)
{
	if (!abort_straight(domain, cpu->commit_room))
		transaction_abort(domain);
	if (__atomic_exchange_n(&domain->is_ahead, 0, __ATOMIC_SEQ_CST) == 0) /* before the discards: pairs with region_buffer_is_old */
		return;
	region_discard(domain);
	object_discard(domain);
}

/* --- WAIT -------------------------------------------------------------------------------------------------------------- */

/* The top frame has committed. All outer frames are undone; the root call will be issued again. */
static void chain_unwind(struct cpu *cpu, struct thread *thread)
{
	frame_pop(cpu, thread);
	while (thread->depth > 0) {
		struct call_frame *frame = top(thread);
		if (frame->phase == PHASE_RUN && frame->domain->request != REQUEST_KILL)
			crossing_undo(cpu, frame->domain);
		frame_pop(cpu, thread);
	}
}

static void crossing_wait(struct cpu *cpu, uint64_t handle, uint64_t seen, uint64_t deadline_ns)
{
	struct thread *thread = cpu->thread;
	uint32_t owner;
	struct event *event = event_find(top(thread)->domain, handle, &owner);

	chain_unwind(cpu, thread);
	thread->root_pending = ROOT_CALL;
	if (!thread_park(cpu, event, owner, seen, deadline_ns)) {
		thread->root_reason = thread->has_attention ? ZOG_REASON_WAKE : ZOG_REASON_EVENT;
		thread->has_attention = 0; /* told once: a call that goes on waiting is parked the next time */
		cpu->must_reschedule = 1;
	}
}

/* --- core calls ---------------------------------------------------------------------------------------------------------- */

static void start_done(struct cpu *cpu, struct call_frame *frame, zog_status_t status)
{
	struct domain *domain = frame->domain;

	if (status != ZOG_OK) {
		domain_fault(cpu, ZOG_CAUSE_START, 0, (uint64_t)status, 0);
		return;
	}
	domain->state = DOMAIN_READY;
	domain->commit_phase = COMMIT_NONE;
	domain->update.probation_invocations = domain->invocations;
	if (domain->desc->is_device_owner)
		pins_drop_stale(domain->id);
	frame_issue(cpu);
}

#define SYSCALL_BYTES 2 /* of the instruction */

/* A reply whose work cannot be committed is no reply: the domain ends, and the call is issued again. */
void crossing_commit_failed(struct cpu *cpu)
{
	if (cpu->must_repeat) {
		cpu->must_repeat = 0;
		cpu->domain_regs.rip -= SYSCALL_BYTES; /* the registers are what they were at the call */
		return;
	}
	const struct home_finding *finding = &top(cpu->thread)->domain->finding;
	uint64_t value = finding->value, detail = finding->rule != NULL ? home_finding_detail(finding) : 0;
	bool is_refused = finding->rule != NULL || region_finding_take(cpu, &value, &detail) || object_finding_take(cpu, &value, &detail);

	domain_fault(cpu, is_refused ? ZOG_CAUSE_VALIDATION : ZOG_CAUSE_VIOLATION, 0, value, detail);
}

void crossing_reply(struct cpu *cpu)
{
	const struct zog_regs *regs = &cpu->domain_regs;
	const uint64_t out[4] = { regs->rsi, regs->rdx, regs->r10, regs->r8 };
	struct call_frame *frame = top(cpu->thread);
	struct domain *domain = frame->domain;
	zog_status_t status = (zog_status_t)regs->rdi;
	uint32_t owner;

	if (crossing_is_killed(domain)) {
		domain_fault(cpu, ZOG_CAUSE_KILLED, 0, 0, 0);
		return;
	}
	if (status == ZOG_RETRY) {
		crossing_undo(cpu, domain);
		frame->reason = ZOG_REASON_RESTART;
		frame_issue(cpu);
		return;
	}
	if (status == ZOG_WAIT && event_find(domain, out[0], &owner) == NULL) {
		domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, out[0], 0);
		return;
	}
	if ((domain->txn->op_count != 0 || !commit_straight(domain, cpu->commit_room)) && !transaction_commit(cpu, domain)) {
		crossing_commit_failed(cpu);
		return;
	}
	compare_after_commit(cpu, domain);
	if (status == ZOG_WAIT && cpu->thread->is_hook && frame->phase == PHASE_RUN)
		status = ZOG_ERR_UNSUPPORTED; /* the hooks behind it would wait, too */
	if (status == ZOG_WAIT) {
		if (domain->open_incident != NULL && frame->phase == PHASE_RUN)
			incident_close(domain);
		uint64_t deadline_ns = out[2];
		if (frame->phase == PHASE_START && !update_start_may_wait(domain, time_now_ns(), &deadline_ns)) {
			domain_fault(cpu, ZOG_CAUSE_START, 0, (uint64_t)ZOG_WAIT, 0);
			return;
		}
		crossing_wait(cpu, out[0], out[1], deadline_ns);
		return;
	}
	if (frame->phase == PHASE_START) {
		start_done(cpu, frame, status);
		return;
	}
	if (domain->open_incident != NULL)
		incident_close(domain);
	domain->start_failures = 0;
	frame_finish(cpu, status, out);
}

void crossing_call(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;
	struct zog_regs *regs = &cpu->domain_regs;
	struct call_frame *caller = top(thread);
	const struct domain_desc *desc = caller->domain->desc;
	uint64_t index = regs->rdi, method = regs->rsi;

	if (!domain_holds(caller->domain, index, CAP_ENTRY) || method >> 8 != desc->cap[index].b) {
		domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, index, method);
		return;
	}
	const struct fast_cap *cap = &caller->domain->fast_cap[index];
	if (cap->contract != method >> 8) {
		regs->rax = (uint64_t)ZOG_ERR_VERSION;
		return;
	}
	if ((method & 0xff) >= cap->method_count || thread->depth >= FRAME_CALL_MAX) {
		regs->rax = (uint64_t)ZOG_ERR_METHOD;
		return;
	}
	if (cap->method[method & 0xff].deadline_ms == METHOD_DENIED) {
		regs->rax = (uint64_t)ZOG_ERR_DENIED;
		return;
	}
	cap->method[method & 0xff].is_used = 1;
	caller->resume_rip = regs->rip;
	caller->resume_rsp = regs->rsp;
	caller->resume_rbp = regs->rbp;
	struct call_frame *frame = frame_push(thread, &domain_table[desc->cap[index].a], (uint16_t)method,
					      (uint64_t)caller->domain->id << 32 | thread->id);
	frame->word[0] = regs->rdx;
	frame->word[1] = regs->r10;
	frame->word[2] = regs->r8;
	frame->word[3] = regs->r9;
	frame->word[4] = regs->r12;
	frame->word[5] = regs->r13;
	frame->word[6] = 0;
	frame_issue(cpu);
}
