/* System calls about signals: actions, masks, sending, waiting (signal(7)). */
#include "task.h"

enum { SIGSET_SIZE = 8 };
#define NS_PER_S 1000000000ul

int64_t sys_rt_sigaction(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	struct linux_sigaction new = { 0 };
	int64_t error = 0;

	if (arg[0] < 1 || arg[0] > SIGNAL_MAX || arg[3] != SIGSET_SIZE)
		return -EINVAL;
	if (arg[1] && (arg[0] == SIGKILL || arg[0] == SIGSTOP))
		return -EINVAL;
	if (arg[1])
		error = user_read(call, &new, arg[1], sizeof(new));
	if (!error && arg[2])
		error = user_write(call, arg[2], &process->action[arg[0]], sizeof(new));
	if (error || !arg[1])
		return error;
	process->action[arg[0]] = new;
	return 0;
}

static int64_t mask_change(struct thread *thread, uint64_t how, uint64_t set)
{
	switch (how) {
	case SIG_BLOCK: signal_mask_set(thread, thread->mask | set); return 0;
	case SIG_UNBLOCK: signal_mask_set(thread, thread->mask & ~set); return 0;
	case SIG_SETMASK: signal_mask_set(thread, set); return 0;
	default: return -EINVAL;
	}
}

int64_t sys_rt_sigprocmask(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	uint64_t set = 0, old = thread->mask;
	int64_t error = 0;

	if (arg[3] != SIGSET_SIZE || (arg[1] && arg[0] > SIG_SETMASK))
		return -EINVAL;
	if (arg[1])
		error = user_read(call, &set, arg[1], sizeof(set));
	if (!error && arg[2])
		error = user_write(call, arg[2], &old, sizeof(old));
	if (error || !arg[1])
		return error;
	return mask_change(thread, arg[0], set);
}

int64_t sys_rt_sigpending(struct zog_call *call, const uint64_t arg[6])
{
	const struct thread *thread = thread_current(call);
	uint64_t set = (thread->signals.pending | process_of(thread)->signals.pending) & thread->mask;

	return arg[1] > SIGSET_SIZE ? -EINVAL : user_write(call, arg[0], &set, arg[1]);
}

static int64_t signal_pause(struct zog_call *call, const struct thread *thread)
{
	uint32_t event = EVENT_THREAD + thread->slot;

	if (signal_is_pending(thread))
		return -EINTR;
	return wait_on(call, event, rt_event_count(event), RT_NO_DEADLINE);
}

int64_t sys_pause(struct zog_call *call, const uint64_t arg[6])
{
	(void)arg;
	return signal_pause(call, thread_current(call));
}

int64_t sys_rt_sigsuspend(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	uint64_t mask;
	int64_t error;

	if (arg[1] != SIGSET_SIZE)
		return -EINVAL;
	error = user_read(call, &mask, arg[0], sizeof(mask));
	if (error)
		return error;
	signal_mask_push(thread, mask);
	return signal_pause(call, thread);
}

/* --- sigtimedwait ------------------------------------------------------------------------------------------------------ */

static int64_t timeout_read(struct zog_call *call, uint64_t address, uint64_t *deadline_ns)
{
	uint64_t time[2];
	int64_t error;

	*deadline_ns = RT_NO_DEADLINE;
	if (!address)
		return 0;
	error = user_read(call, time, address, sizeof(time));
	if (error)
		return error;
	if (time[0] > INT64_MAX || time[1] >= NS_PER_S)
		return -EINVAL;
	if (time[0] < INT64_MAX / NS_PER_S / 2)
		*deadline_ns = rt_now_ns() + time[0] * NS_PER_S + time[1];
	return 0;
}

static int64_t signal_collect(struct zog_call *call, struct thread *thread, int signal, const struct signal_info *info,
			      uint64_t address)
{
	struct linux_siginfo out = { .signo = signal, .code = info->code };
	int64_t error = 0;

	out.queue.pid = info->pid;
	out.queue.uid = info->uid;
	out.queue.value = info->value;
	if (signal == SIGCHLD)
		out.child.status = info->status;
	if (address)
		error = user_write(call, address, &out, sizeof(out));
	if (error)
		return error;
	signal_clear(thread, signal);
	return signal;
}

/* The wanted signals are unblocked while it waits, so that sending one wakes this thread; they are taken here before
 * they could be delivered. */
int64_t sys_rt_sigtimedwait(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	uint32_t event = EVENT_THREAD + thread->slot;
	struct signal_info info;
	uint64_t wanted, deadline_ns;
	int64_t error;
	int signal;

	if (arg[3] != SIGSET_SIZE)
		return -EINVAL;
	error = user_read(call, &wanted, arg[0], sizeof(wanted));
	if (error)
		return error;
	signal = signal_peek(thread, wanted & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)), &info);
	if (signal)
		return signal_collect(call, thread, signal, &info, arg[1]);
	if (signal_is_pending(thread))
		return -EINTR;
	deadline_ns = thread->progress.deadline_ns;
	if (!deadline_ns) {
		error = timeout_read(call, arg[2], &deadline_ns);
		if (error)
			return error;
		thread->progress.deadline_ns = deadline_ns;
	}
	if (rt_now_ns() >= deadline_ns)
		return -EAGAIN;
	signal_mask_push(thread, thread->mask & ~wanted);
	return wait_on(call, event, rt_event_count(event), deadline_ns);
}

int64_t sys_sigaltstack(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	struct linux_stack new, old = thread->altstack;
	struct zog_regs regs;
	bool is_in_use;
	int64_t error = 0;

	rt_assert(rt_thread_regs(ZOG_SELF, &regs) == ZOG_OK);
	is_in_use = !(old.flags & SS_DISABLE) && regs.rsp - old.sp - 1 < old.size;
	if (is_in_use)
		old.flags |= SS_ONSTACK;
	if (arg[0])
		error = user_read(call, &new, arg[0], sizeof(new));
	if (!error && arg[1])
		error = user_write(call, arg[1], &old, sizeof(old));
	if (error || !arg[0])
		return error;
	if (is_in_use)
		return -EPERM;
	if (new.flags & ~(SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (!(new.flags & SS_DISABLE) && new.size < MINSIGSTKSZ)
		return -ENOMEM;
	thread->altstack = (struct linux_stack){ .sp = new.sp, .size = new.size, .flags = new.flags & SS_DISABLE };
	return 0;
}

/* --- kill --------------------------------------------------------------------------------------------------------------- */

static bool may_signal(const struct process *sender, const struct process *target, int signal)
{
	return sender->euid == 0 || sender->uid == target->uid || sender->uid == target->suid ||
	       sender->euid == target->uid || sender->euid == target->suid ||
	       (signal == SIGCONT && sender->session == target->session);
}

static bool kill_means(const struct process *sender, const struct process *target, int32_t pid)
{
	if (pid == -1)
		return target->pid > 1 && target != sender;
	return pid > 0 ? target->pid == (uint32_t)pid : target->group == (pid ? (uint32_t)-pid : sender->group);
}

int64_t sys_kill(struct zog_call *call, const uint64_t arg[6])
{
	struct process_home *home = home_a();
	struct process *sender = process_current(call);
	struct signal_info info = { .code = SI_USER, .pid = sender->pid, .uid = sender->uid };
	int32_t pid = arg[0], signal = arg[1];
	int64_t result = -ESRCH;

	if (signal < 0 || signal > SIGNAL_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < home->process_top; i++) {
		struct process *target = &home->process[i];

		if (target->state == STATE_FREE || !kill_means(sender, target, pid))
			continue;
		if (!may_signal(sender, target, signal)) {
			result = result ? -EPERM : result;
			continue;
		}
		result = 0;
		if (signal)
			signal_send_process_info(target, signal, &info);
	}
	return result;
}

static int64_t thread_kill(struct zog_call *call, uint32_t group, int32_t tid, int32_t signal)
{
	const struct process *sender = process_current(call);
	struct signal_info info = { .code = SI_TKILL, .pid = sender->pid, .uid = sender->uid };
	struct thread *thread;

	if (signal < 0 || signal > SIGNAL_MAX || tid <= 0)
		return -EINVAL;
	thread = thread_find(tid);
	if (!thread || (group && process_of(thread)->pid != group))
		return -ESRCH;
	if (!may_signal(sender, process_of(thread), signal))
		return -EPERM;
	if (signal)
		signal_send_thread(thread, signal, &info);
	return 0;
}

int64_t sys_tkill(struct zog_call *call, const uint64_t arg[6]) { return thread_kill(call, 0, arg[0], arg[1]); }

int64_t sys_tgkill(struct zog_call *call, const uint64_t arg[6])
{
	return (int32_t)arg[0] <= 0 ? -EINVAL : thread_kill(call, arg[0], arg[1], arg[2]);
}
