/* Sending signals: who gets them, and when they vanish at once (signal(7)).
 *
 * A signal is one pending bit with its facts, in the thread or in the process. Sending stages a wake of a thread that
 * does not block it: parked, its call is issued again and gives way with -EINTR; running, it gets ATTENTION. Delivery
 * is in deliver.c. */
#include "task.h"

static const uint8_t default_table[32] = {
	[SIGCHLD] = DEFAULT_IGNORE, [SIGURG] = DEFAULT_IGNORE, [SIGWINCH] = DEFAULT_IGNORE,
	[SIGCONT] = DEFAULT_CONTINUE,
	[SIGSTOP] = DEFAULT_STOP, [SIGTSTP] = DEFAULT_STOP, [SIGTTIN] = DEFAULT_STOP, [SIGTTOU] = DEFAULT_STOP,
};

enum signal_default signal_default(int signal) { return signal < 32 ? default_table[signal] : DEFAULT_END; }

#define STOP_SIGNALS (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

void signal_mask_set(struct thread *thread, uint64_t mask) { thread->mask = mask & ~UNBLOCKABLE; }

void signal_mask_push(struct thread *thread, uint64_t mask)
{
	if (thread->has_saved_mask)
		return;
	thread->has_saved_mask = 1;
	thread->saved_mask = thread->mask;
	signal_mask_set(thread, mask);
}

static bool action_ignores(const struct process *process, int signal)
{
	uint64_t handler = process->action[signal].handler;

	if (SIGNAL_BIT(signal) & UNBLOCKABLE)
		return process->pid == 1;
	if (handler == SIG_IGN)
		return true;
	if (handler != SIG_DFL)
		return false;
	/* Nothing ends or stops process 1 by default. */
	return signal_default(signal) == DEFAULT_IGNORE || process->pid == 1;
}

bool signal_is_ignored(const struct process *process, const struct thread *thread, int signal)
{
	return process->action[signal].handler == SIG_IGN || (thread->mask & SIGNAL_BIT(signal));
}

static void signal_add(struct signal_set *set, int signal, const struct signal_info *info)
{
	if (set->pending & SIGNAL_BIT(signal))
		return;
	set->pending |= SIGNAL_BIT(signal);
	if (signal < 32)
		set->info[signal] = *info;
}

static void signals_drop(struct process *process, uint64_t mask)
{
	if (process->signals.pending & mask)
		process->signals.pending &= ~mask;
	for (struct thread *thread = thread_of(process, NULL); thread; thread = thread_of(process, thread))
		if (thread->signals.pending & mask)
			thread->signals.pending &= ~mask;
}

static void thread_wake(const struct thread *thread) { rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0); }

/* Stopped threads wait on their own events. A thread that waits in a call of its own looks and waits on. */
static void process_wake(const struct process *process)
{
	for (struct thread *thread = thread_of(process, NULL); thread; thread = thread_of(process, thread))
		rt_notify(EVENT_THREAD + thread->slot, 0);
}

static void process_resume(struct process *process, bool is_told)
{
	if (!process->is_stopped)
		return;
	process->is_stopped = 0;
	process_wake(process);
	if (!is_told)
		return;
	process->continue_reported = 1;
	process->stop_reported = 0;
	signal_parent(process, CLD_CONTINUED, SIGCONT);
}

/* What a signal does to the process before anyone looks at its handler. */
static void signal_prepare(struct process *process, int signal)
{
	if (signal == SIGCONT) {
		signals_drop(process, STOP_SIGNALS);
		process_resume(process, true);
	} else if (signal == SIGKILL) {
		process_resume(process, false);
	} else if (SIGNAL_BIT(signal) & STOP_SIGNALS) {
		signals_drop(process, SIGNAL_BIT(SIGCONT));
	}
}

void signal_send_thread(struct thread *thread, int signal, const struct signal_info *info)
{
	struct process *process = process_of(thread);

	signal_prepare(process, signal);
	if (action_ignores(process, signal) && !(thread->mask & SIGNAL_BIT(signal)))
		return;
	signal_add(&thread->signals, signal, info);
	if (!(thread->mask & SIGNAL_BIT(signal)))
		thread_wake(thread);
}

static struct thread *thread_taking(const struct process *process, int signal)
{
	struct thread *thread = thread_of(process, NULL);

	while (thread && (thread->mask & SIGNAL_BIT(signal)))
		thread = thread_of(process, thread);
	return thread;
}

void signal_send_process_info(struct process *process, int signal, const struct signal_info *info)
{
	struct thread *thread;

	if (process->state != STATE_LIVE || process->is_exiting)
		return;
	signal_prepare(process, signal);
	thread = thread_taking(process, signal);
	if (thread && action_ignores(process, signal))
		return;
	signal_add(&process->signals, signal, info);
	if (thread)
		thread_wake(thread);
}

void signal_send_process(struct process *process, int signal, int info_code)
{
	struct signal_info info = { .code = info_code };

	signal_send_process_info(process, signal, &info);
}

void signal_send_group_code(uint32_t group, int signal, int info_code)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < home->process_top; i++)
		if (home->process[i].state == STATE_LIVE && home->process[i].group == group)
			signal_send_process(&home->process[i], signal, info_code);
}

void signal_send_group(uint32_t group, int signal) { signal_send_group_code(group, signal, SI_KERNEL); }

void signal_force(struct thread *thread, int signal, const struct signal_info *info)
{
	struct process *process = process_of(thread);
	struct linux_sigaction *action = &process->action[signal];

	if (action->handler == SIG_IGN || (thread->mask & SIGNAL_BIT(signal)))
		action->handler = SIG_DFL;
	if (thread->mask & SIGNAL_BIT(signal))
		thread->mask &= ~SIGNAL_BIT(signal);
	thread->signals.pending &= ~SIGNAL_BIT(signal);
	signal_add(&thread->signals, signal, info);
}

void signal_parent(struct process *process, int code, int status)
{
	struct process *parent = process_find(process->parent);
	struct signal_info info = { .code = code, .pid = process->pid, .uid = process->uid, .status = status };

	if (!parent)
		return;
	rt_notify(EVENT_CHILD + parent->slot, 0);
	if (code != CLD_EXITED && code != CLD_KILLED && (parent->action[SIGCHLD].flags & SA_NOCLDSTOP))
		return;
	if (process->exit_signal)
		signal_send_process_info(parent, process->exit_signal, &info);
}

int signal_peek(const struct thread *thread, uint64_t wanted, struct signal_info *info)
{
	const struct process *process = process_of(thread);
	uint64_t own = thread->signals.pending & wanted, ready = own | (process->signals.pending & wanted);
	int signal;

	if (!ready)
		return 0;
	signal = __builtin_ctzl(ready) + 1;
	*info = (struct signal_info){ .code = SI_USER };
	if (signal < 32)
		*info = own & SIGNAL_BIT(signal) ? thread->signals.info[signal] : process->signals.info[signal];
	return signal;
}

void signal_clear(struct thread *thread, int signal)
{
	struct process *process = process_of(thread);

	if (thread->signals.pending & SIGNAL_BIT(signal))
		thread->signals.pending &= ~SIGNAL_BIT(signal);
	else
		process->signals.pending &= ~SIGNAL_BIT(signal);
}

void signal_exec(struct process *process)
{
	for (int signal = 1; signal <= SIGNAL_MAX; signal++)
		if (process->action[signal].handler > SIG_IGN)
			memset(&process->action[signal], 0, sizeof(process->action[signal]));
}
