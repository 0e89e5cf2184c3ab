/* Delivering signals: the frame on the program's stack, default actions, stopping, and the way back (sigreturn).
 *
 * Order: the frame is written to the program first (that can bring pages in, which commits); only then is the signal
 * taken off its set, in the same transaction that stages the new registers. So a signal is delivered once whatever
 * happens in between: a second writing of the frame writes the same place. */
#include "task.h"
#include "syscall.h"

enum { RED_ZONE = 128, XSAVE_HEADER = 512, XSAVE_SOFTWARE = 464, MXCSR_OFFSET = 24 };
#define RFLAGS_USER 0x50dd5ul /* what a program may set by sigreturn */
#define RFLAGS_FIXED 0x202ul
#define RFLAGS_CLEARED 0x10500ul /* RF, DF, TF at the start of a handler */
#define XFEATURES_KEPT 7ul

static struct zog_regs signal_regs;             /* staged: must live until the commit */
static uint8_t signal_xstate[ZOG_XSTATE_SIZE + 8]; /* the area, then FP_XSTATE_MAGIC2 */

static void regs_to_context(const struct zog_regs *r, struct linux_sigcontext *c)
{
	c->r8 = r->r8; c->r9 = r->r9; c->r10 = r->r10; c->r11 = r->r11;
	c->r12 = r->r12; c->r13 = r->r13; c->r14 = r->r14; c->r15 = r->r15;
	c->rdi = r->rdi; c->rsi = r->rsi; c->rbp = r->rbp; c->rbx = r->rbx;
	c->rdx = r->rdx; c->rax = r->rax; c->rcx = r->rcx; c->rsp = r->rsp;
	c->rip = r->rip; c->eflags = r->rflags;
	c->cs = 0x33;
	c->ss = 0x2b;
}

static void context_to_regs(const struct linux_sigcontext *c, struct zog_regs *r)
{
	r->r8 = c->r8; r->r9 = c->r9; r->r10 = c->r10; r->r11 = c->r11;
	r->r12 = c->r12; r->r13 = c->r13; r->r14 = c->r14; r->r15 = c->r15;
	r->rdi = c->rdi; r->rsi = c->rsi; r->rbp = c->rbp; r->rbx = c->rbx;
	r->rdx = c->rdx; r->rax = c->rax; r->rcx = c->rcx; r->rsp = c->rsp;
	r->rip = c->rip;
	r->rflags = (c->eflags & RFLAGS_USER) | RFLAGS_FIXED;
}

static bool is_on_altstack(const struct thread *thread, uint64_t rsp)
{
	return rsp - thread->altstack.sp - 1 < thread->altstack.size && !(thread->altstack.flags & SS_DISABLE);
}

static uint64_t frame_top(const struct thread *thread, const struct linux_sigaction *action, uint64_t rsp)
{
	if ((action->flags & SA_ONSTACK) && !(thread->altstack.flags & SS_DISABLE) && !is_on_altstack(thread, rsp))
		return thread->altstack.sp + thread->altstack.size;
	return rsp - RED_ZONE;
}

static int64_t xstate_push(struct zog_call *call, uint64_t address)
{
	struct linux_fpx_sw_bytes software = {
		.magic1 = FP_XSTATE_MAGIC1, .extended_size = ZOG_XSTATE_SIZE + 4,
		.xfeatures = XFEATURES_KEPT, .xstate_size = ZOG_XSTATE_SIZE,
	};
	uint32_t magic2 = FP_XSTATE_MAGIC2;

	if (rt_xstate(ZOG_SELF, signal_xstate, ZOG_XSTATE_SIZE, false) != ZOG_OK)
		return -EFAULT;
	memcpy(signal_xstate + XSAVE_SOFTWARE, &software, sizeof(software));
	memcpy(signal_xstate + ZOG_XSTATE_SIZE, &magic2, sizeof(magic2));
	return user_write(call, address, signal_xstate, ZOG_XSTATE_SIZE + 4);
}

static void info_fill(struct linux_siginfo *out, int signal, const struct signal_info *info)
{
	out->signo = signal;
	out->code = info->code;
	if (info->code > 0 && info->code < SI_KERNEL && signal != SIGCHLD) {
		out->fault.address = info->value;
	} else if (signal == SIGCHLD) {
		out->child.pid = info->pid;
		out->child.uid = info->uid;
		out->child.status = info->status;
	} else {
		out->queue.pid = info->pid;
		out->queue.uid = info->uid;
		out->queue.value = info->value;
	}
}

/* Linux keeps the fault's address, error code and vector in the context, too; the address is what handlers use. */
static int64_t frame_push(struct zog_call *call, struct thread *thread, int signal, const struct signal_info *info,
			  const struct linux_sigaction *action)
{
	struct zog_regs *regs = &signal_regs;
	uint64_t fpstate = (frame_top(thread, action, regs->rsp) - ZOG_XSTATE_SIZE - 8) & ~63ul;
	uint64_t place = ((fpstate - sizeof(struct linux_sigframe)) & ~15ul) - 8;
	struct linux_sigframe frame = { .return_address = action->restorer };
	int64_t error;

	frame.ucontext.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame.ucontext.stack = thread->altstack;
	frame.ucontext.mask = thread->has_saved_mask ? thread->saved_mask : thread->mask;
	frame.ucontext.context.fpstate = fpstate;
	regs_to_context(regs, &frame.ucontext.context);
	info_fill(&frame.info, signal, info);
	if (signal == SIGSEGV || signal == SIGBUS)
		frame.ucontext.context.cr2 = info->value;
	error = xstate_push(call, fpstate);
	if (!error)
		error = user_write(call, place, &frame, sizeof(frame));
	if (error)
		return error;
	regs->rsp = place;
	regs->rip = action->handler;
	regs->rdi = signal;
	regs->rsi = place + offsetof(struct linux_sigframe, info);
	regs->rdx = place + offsetof(struct linux_sigframe, ucontext);
	regs->rax = 0;
	regs->rflags &= ~RFLAGS_CLEARED;
	return 0;
}

/* The interrupted call starts over: the two-byte `syscall` is executed again with its number. */
static void regs_restart(const struct thread *thread)
{
	signal_regs.rip -= 2;
	signal_regs.rax = thread->restart_number - 1;
}

static void handler_entered(struct thread *thread, int signal, struct linux_sigaction *action)
{
	uint64_t mask = thread->mask | action->mask;

	if (!(action->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(signal);
	signal_mask_set(thread, mask);
	thread->has_saved_mask = 0;
	if (thread->restart_number) {
		thread->restart_number = 0;
		memset(&thread->progress, 0, sizeof(thread->progress));
	}
	if (action->flags & SA_RESETHAND)
		action->handler = SIG_DFL;
	rt_stage(ZOG_OP_THREAD_REGS, ZOG_SELF, (uintptr_t)&signal_regs, 0, 0, 0, 0);
	if (signal_ready(thread))
		rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
}

static zog_status_t thread_die(struct zog_call *call, struct thread *thread, int signal)
{
	process_exit_begin(process_of(thread), signal, thread);
	return thread_exit(call, thread, signal) == SYS_WAIT ? wait_reply(call) : ZOG_OK;
}

static zog_status_t handler_run(struct zog_call *call, struct thread *thread, int signal, const struct signal_info *info)
{
	struct linux_sigaction *action = &process_of(thread)->action[signal];
	int64_t error;

	if (thread->restart_number && (action->flags & SA_RESTART) &&
	    (syscall_table[thread->restart_number - 1].flags & SYSCALL_RESTART))
		regs_restart(thread);
	error = frame_push(call, thread, signal, info, action);
	if (error == SYS_WAIT)
		return wait_reply(call);
	signal_clear(thread, signal);
	if (error)
		return thread_die(call, thread, SIGSEGV);
	handler_entered(thread, signal, action);
	return ZOG_OK;
}

/* SELF parks by itself; waking it would only issue its call once more. */
static void process_stop(struct process *process, int signal, const struct thread *self)
{
	process->is_stopped = 1;
	process->stop_signal = signal;
	process->stop_reported = 1;
	process->continue_reported = 0;
	for (struct thread *thread = thread_of(process, NULL); thread; thread = thread_of(process, thread))
		if (thread != self)
			rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
	signal_parent(process, CLD_STOPPED, signal);
}

/* No handler ran: an interrupted call goes on with its progress. */
static void deliver_nothing(struct thread *thread)
{
	if (thread->restart_number) {
		regs_restart(thread);
		thread->restart_number = 0;
		rt_stage(ZOG_OP_THREAD_REGS, ZOG_SELF, (uintptr_t)&signal_regs, 0, 0, 0, 0);
	}
	if (thread->has_saved_mask) {
		thread->has_saved_mask = 0;
		signal_mask_set(thread, thread->saved_mask);
		if (signal_ready(thread))
			rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
	}
}

static zog_status_t thread_park_stopped(struct zog_call *call, const struct thread *thread)
{
	uint32_t event = EVENT_THREAD + thread->slot;

	return rt_wait(call, event, rt_event_count(event), RT_NO_DEADLINE);
}

static bool signal_stops(const struct process *process, int signal)
{
	return signal_default(signal) == DEFAULT_STOP &&
	       (signal == SIGSTOP || !group_is_orphaned(process->group));
}

zog_status_t signal_deliver(struct zog_call *call, struct thread *thread)
{
	struct process *process = process_of(thread);
	struct signal_info info;
	int signal;

	rt_assert(rt_thread_regs(ZOG_SELF, &signal_regs) == ZOG_OK);
	while (!process->is_stopped && (signal = signal_peek(thread, ~thread->mask, &info))) {
		uint64_t handler = process->action[signal].handler;

		if (handler > SIG_IGN && signal != SIGKILL && signal != SIGSTOP)
			return handler_run(call, thread, signal, &info);
		signal_clear(thread, signal);
		if (handler == SIG_IGN)
			continue;
		if (signal_stops(process, signal))
			process_stop(process, signal, thread);
		else if (signal_default(signal) == DEFAULT_END)
			return thread_die(call, thread, signal);
	}
	if (process->is_stopped)
		return thread_park_stopped(call, thread);
	deliver_nothing(thread);
	return ZOG_OK;
}

/* --- sigreturn ---------------------------------------------------------------------------------------------- */

/* What the program left in its save area may be anything: only what XRSTOR accepts goes to the core. */
static int64_t xstate_pop(struct zog_call *call, uint64_t address)
{
	uint32_t mxcsr;
	uint64_t features;
	int64_t error = user_read(call, signal_xstate, address, ZOG_XSTATE_SIZE);

	if (error)
		return error;
	memcpy(&mxcsr, signal_xstate + MXCSR_OFFSET, sizeof(mxcsr));
	mxcsr &= 0xffff;
	memcpy(signal_xstate + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	memcpy(&features, signal_xstate + XSAVE_HEADER, sizeof(features));
	features &= XFEATURES_KEPT;
	memset(signal_xstate + XSAVE_HEADER, 0, 64);
	memcpy(signal_xstate + XSAVE_HEADER, &features, sizeof(features));
	return rt_xstate(ZOG_SELF, signal_xstate, ZOG_XSTATE_SIZE, true) == ZOG_OK ? 0 : -EFAULT;
}

static int64_t sigreturn_bad(struct thread *thread)
{
	struct signal_info info = { .code = SI_KERNEL };

	signal_force(thread, SIGSEGV, &info);
	return -EFAULT;
}

int64_t sys_rt_sigreturn(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	struct linux_ucontext context;
	int64_t error;

	(void)arg;
	rt_assert(rt_thread_regs(ZOG_SELF, &signal_regs) == ZOG_OK);
	error = user_read(call, &context, signal_regs.rsp, sizeof(context));
	if (!error && context.context.fpstate)
		error = xstate_pop(call, context.context.fpstate);
	if (error == SYS_WAIT)
		return error;
	if (error || context.context.rip >= USER_END)
		return sigreturn_bad(thread);
	context_to_regs(&context.context, &signal_regs);
	signal_mask_set(thread, context.mask);
	if (!(context.stack.flags & ~(SS_DISABLE | SS_ONSTACK)) && !is_on_altstack(thread, signal_regs.rsp))
		thread->altstack = context.stack;
	rt_stage(ZOG_OP_THREAD_REGS, ZOG_SELF, (uintptr_t)&signal_regs, 0, 0, 0, 0);
	return SYS_NO_RESULT;
}
