/* wait4 and waitid: children that ended, stopped or continued. */
#include "task.h"

enum { WNOHANG = 1, WUNTRACED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x01000000, WAIT_THREADS = 0xe0000000 };
enum { P_ALL = 0, P_PID = 1, P_PGID = 2 };
enum { RUSAGE_SIZE = 144 };

struct wait_wish {
	uint32_t type, id, options;
};

static bool child_is_meant(const struct process *parent, const struct process *child, const struct wait_wish *wish)
{
	if (child->state == STATE_FREE || child->parent != parent->pid)
		return false;
	return wish->type == P_ALL || (wish->type == P_PID && child->pid == wish->id) ||
	       (wish->type == P_PGID && child->group == wish->id);
}

static bool child_is_ready(const struct process *child, uint32_t options)
{
	if (child->state == STATE_ZOMBIE)
		return options & WEXITED;
	if (child->is_stopped && child->stop_reported)
		return options & WUNTRACED;
	return child->continue_reported && (options & WCONTINUED);
}

/* The child to report. *exists: there is one to wait for at all. */
static struct process *child_find(const struct process *parent, const struct wait_wish *wish, bool *exists)
{
	struct process_home *home = home_a();

	*exists = false;
	for (uint32_t i = 0; i < home->process_top; i++) {
		struct process *child = &home->process[i];

		if (!child_is_meant(parent, child, wish))
			continue;
		*exists = true;
		if (child_is_ready(child, wish->options))
			return child;
	}
	return NULL;
}

static uint32_t child_status(const struct process *child)
{
	if (child->state == STATE_ZOMBIE)
		return child->exit_status;
	return child->is_stopped ? child->stop_signal << 8 | 0x7f : 0xffff;
}

/* After everything was written to the program. */
static void child_collect(struct process *child, uint32_t options)
{
	if (options & WNOWAIT)
		return;
	if (child->state == STATE_ZOMBIE)
		process_free(child);
	else if (child->is_stopped)
		child->stop_reported = 0;
	else
		child->continue_reported = 0;
}

/* 0 and *child_out, NULL with WNOHANG; -ECHILD, -EINTR, SYS_WAIT. */
static int64_t child_wait(struct zog_call *call, const struct wait_wish *wish, struct process **child_out)
{
	struct process *process = process_current(call);
	uint32_t event = EVENT_CHILD + process->slot;
	bool exists;

	*child_out = child_find(process, wish, &exists);
	if (*child_out || (exists && (wish->options & WNOHANG)))
		return 0;
	if (!exists)
		return -ECHILD;
	if (signal_is_pending(thread_current(call)))
		return -EINTR;
	return wait_on(call, event, rt_event_count(event), RT_NO_DEADLINE);
}

static int64_t rusage_write(struct zog_call *call, uint64_t address)
{
	uint8_t usage[RUSAGE_SIZE] = { 0 }; /* times and faults are not accounted */

	return address ? user_write(call, address, usage, sizeof(usage)) : 0;
}

int64_t sys_wait4(struct zog_call *call, const uint64_t arg[6])
{
	int32_t pid = arg[0];
	struct wait_wish wish = { .type = P_PID, .id = pid, .options = (uint32_t)arg[2] | WEXITED };
	struct process *child;
	uint32_t status;
	int64_t error;

	if (arg[2] & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED | WAIT_THREADS))
		return -EINVAL;
	if (pid == -1) {
		wish.type = P_ALL;
	} else if (pid <= 0) {
		wish.type = P_PGID;
		wish.id = pid ? (uint32_t)-pid : process_current(call)->group;
	}
	error = child_wait(call, &wish, &child);
	if (error || !child)
		return error;
	status = child_status(child);
	if (arg[1])
		error = user_write(call, arg[1], &status, sizeof(status));
	if (!error)
		error = rusage_write(call, arg[3]);
	if (error)
		return error;
	pid = child->pid;
	child_collect(child, wish.options);
	return pid;
}

static void waitid_info(const struct process *child, struct linux_siginfo *info)
{
	uint32_t status = child_status(child);

	info->signo = SIGCHLD;
	info->child.pid = child->pid;
	info->child.uid = child->uid;
	if (child->state == STATE_ZOMBIE) {
		info->code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
		info->child.status = status & 0x7f ? status & 0x7f : status >> 8;
	} else {
		info->code = child->is_stopped ? CLD_STOPPED : CLD_CONTINUED;
		info->child.status = child->is_stopped ? child->stop_signal : SIGCONT;
	}
}

int64_t sys_waitid(struct zog_call *call, const uint64_t arg[6])
{
	struct wait_wish wish = { .type = arg[0], .id = arg[1], .options = arg[3] };
	struct linux_siginfo info = { 0 };
	struct process *child;
	int64_t error;

	if (arg[0] > P_PGID)
		return arg[0] == 3 ? -EBADF : -EINVAL;
	if (!(arg[3] & (WEXITED | WUNTRACED | WCONTINUED)))
		return -EINVAL;
	if (wish.type == P_PGID && wish.id == 0)
		wish.id = process_current(call)->group;
	error = child_wait(call, &wish, &child);
	if (error)
		return error;
	if (child)
		waitid_info(child, &info);
	if (arg[2])
		error = user_write(call, arg[2], &info, sizeof(info));
	if (!error)
		error = rusage_write(call, arg[4]);
	if (!error && child)
		child_collect(child, wish.options);
	return error;
}
