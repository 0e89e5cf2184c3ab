/* The root of a thread: the call that it begins with, the program under it, and what a CPU does next. See crossing.h. */
#include <stddef.h>
#include "cross/crossing.h"
#include "cross/schedule.h"
#include "cross/service.h"
#include "tsm/region_control.h"
#include "tsm/region_hook.h"
#include "fault/log.h"

#define RESULT_IO_ERROR (-5) /* what a program sees when its personality cannot be brought back */

#define MACHINE_CHECK 18u

/* The personality faulted twice over what befell a program. A page that cannot be had is memory that fails; a signal that waits
 * is seen with the program's next call. Else the program cannot go on: it rests until its personality wakes it, which asks
 * again. Nothing ends behind the back of the personality, whose records name the thread. */
static void root_refused(struct cpu *cpu, struct thread *thread)
{
	const uint64_t word[7] = { MACHINE_CHECK, thread->frame[0].word[1], thread->frame[0].word[0] };

	if (thread->root_method == ZOG_METHOD_PAGE_FAULT) {
		root_call(thread, ZOG_METHOD_EXCEPTION, word);
	} else if (thread->root_method == ZOG_METHOD_EXCEPTION) {
		thread->root_pending = ROOT_CALL;
		thread_rest(cpu);
	}
}

void root_result(struct thread *thread, zog_status_t status, uint64_t result)
{
	if (!thread->is_activity && thread->root_method == ZOG_METHOD_SYSCALL && !thread->keep_rax)
		thread->regs.rax = status == ZOG_OK ? result : (uint64_t)RESULT_IO_ERROR;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* a call that is over, as an exception in the core finds it, has its result */
	thread->root_pending = ROOT_NONE;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void root_finish(struct cpu *cpu, zog_status_t status)
{
	struct thread *thread = cpu->thread;

	thread->keep_rax = 0;
	thread->root_reason = ZOG_REASON_CALL;
	if (thread->is_hook) {
		region_hook_finish(status);
		thread->root_pending = ROOT_CALL; /* the next one, or a rest: root_enter */
		cpu->must_reschedule = 1;
	} else if (thread->is_activity) {
		/* An activity should end in WAIT; one that does not lets others run first. */
		thread->root_pending = ROOT_CALL;
		cpu->must_reschedule = 1;
		service_activity_rest(cpu, thread, status);
	} else if (status == ZOG_ERR_POISON && thread->root_method != ZOG_METHOD_SYSCALL) {
		root_refused(cpu, thread);
	} else if (status != ZOG_OK && thread->root_method != ZOG_METHOD_SYSCALL) {
		log_line("zog: stopped thread=%u method=%u status=%d", thread->id, thread->root_method, (int)status);
		thread->is_dying = 1;
	}
}

void root_call(struct thread *thread, uint16_t method, const uint64_t word[7])
{
	thread->root_method = method;
	thread->root_reason = ZOG_REASON_CALL;
	for (uint32_t i = 0; i < 7; i++)
		thread->frame[0].word[i] = word[i];
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* as an exception in the core finds it, it is whole */
	thread->root_pending = ROOT_CALL;
}

void root_call_program(struct thread *thread)
{
	const struct zog_regs *regs = &thread->regs;
	uint64_t word[7] = { regs->rax, regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };

	thread->must_load_all = 0;
	root_call(thread, ZOG_METHOD_SYSCALL, word);
}

void root_recover(const struct cpu *cpu, struct thread *thread)
{
	if (thread->is_activity) {
		thread->root_pending = ROOT_CALL; /* as ever but while its call ends */
		return;
	}
	if (cpu->save == &thread->regs) {
		thread->regs.fs_base = fs_base_read();
		thread->regs.gs_base = user_gs_base_read();
	}
	if (thread->root_pending == ROOT_TAKEN)
		root_call_program(thread);
	else if (thread->root_pending == ROOT_NONE)
		thread->keep_rax = 0;
	thread->must_load_all = 1; /* where it was interrupted, that may not have been noted */
}

static void root_enter(struct cpu *cpu, struct thread *thread)
{
	if (thread->is_hook && !region_hook_take(cpu, thread))
		return;
	struct call_frame *frame = frame_push(thread, thread->root_domain, thread->root_method, ZOG_CLIENT_CORE << 32 | thread->id);

	frame->reason = thread->root_reason;
	vector_close(cpu);
	frame_issue(cpu);
}

static void program_enter(struct cpu *cpu, struct thread *thread)
{
	cpu_switch_space(cpu, thread->space->cr3);
	vector_open_for(cpu, thread);
	fs_base_write(thread->regs.fs_base);
	user_gs_base_write(thread->regs.gs_base);
	cpu->save = &thread->regs;
	cpu->fast_frame = NULL;
	cpu->exit_full = thread->must_load_all;
}

void core_leave(struct cpu *cpu)
{
	static const uint64_t none[7];

	/* The entry's changes stay: a later one that fails, by the fast path too, must not take them back. */
	cpu->journal_count = 0;
	for (;;) {
		struct thread *thread = cpu->thread;
		if (thread == NULL) {
			thread_take_next(cpu);
		} else if (thread->depth > 0) {
			cpu->save = &cpu->domain_regs;
			cpu->fast_frame = region_control_compares() ? NULL : &thread->frame[thread->depth - 1];
			cpu->fast_limit = &thread->frame[FRAME_CALL_MAX - 1];
			return;
		} else if (thread->is_dying) {
			thread_drop_dying(cpu);
		} else if (cpu->must_reschedule && schedule_ready_count > 0) {
			thread_put_back(cpu);
		} else if (thread->root_pending) {
			root_enter(cpu, thread);
		} else if (thread->has_attention) {
			thread->has_attention = 0;
			root_call(thread, ZOG_METHOD_ATTENTION, none);
		} else {
			program_enter(cpu, thread);
			return;
		}
	}
}
