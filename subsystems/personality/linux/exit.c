/* The ends of threads and processes, and waiting for them.
 *
 * A thread leaves with its own reply (THREAD_DESTROY of itself); what it must still write to its program (the cleared
 * thread id, dead owners of robust futexes) comes before, marked done so that a re-issue goes on after it. Another
 * thread is ended at once unless it has a once-call under way: then it is marked, woken, and leaves when that is done,
 * for the call's finish brings this domain's records up to what the callee did. */
#include "task.h"

enum { ROBUST_MAX = 2048, FUTEX_OWNER_DIED = 0x40000000, FUTEX_TID_MASK = 0x3fffffff };

void exec_release(struct thread *thread)
{
	if (thread->exec_file)
		file_release(thread->exec_file);
	if (thread->exec_interpreter)
		file_release(thread->exec_interpreter);
	if (thread->exec_file || thread->exec_interpreter)
		thread->exec_file = thread->exec_interpreter = NULL;
}

/* What a thread holds in this domain's records. A space it was building is given back by space_reap. */
static void thread_let_go(struct thread *thread)
{
	futex_leave(thread);
	exec_release(thread);
	if (thread->building) {
		space_at(thread->building - 1)->state = STATE_DEAD;
		home_a()->reap_count++;
	}
	thread_free(thread);
}

void thread_end(struct thread *thread)
{
	thread->is_exiting = 1;
	if (thread->intent.step) {
		rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
		return;
	}
	rt_stage(ZOG_OP_THREAD_DESTROY, thread->slot, 0, 0, 0, 0, 0);
	thread_let_go(thread);
}

void process_exit_begin(struct process *process, uint32_t status, struct thread *self)
{
	struct thread *thread, *next;

	if (!process->is_exiting) {
		process->is_exiting = 1;
		process->exit_status = status;
	}
	process->is_stopped = 0;
	for (thread = thread_of(process, NULL); thread; thread = next) {
		next = thread_of(process, thread);
		if (thread == self)
			thread->is_exiting = 1;
		else
			thread_end(thread);
	}
}

/* --- what the program is told of a thread's end (futex(2), set_robust_list(2)) ------------------------------------ */

static int64_t robust_release(struct zog_call *call, const struct thread *thread, uint64_t address)
{
	uint32_t word;
	int64_t error = user_read(call, &word, address, sizeof(word));

	if (error || (word & FUTEX_TID_MASK) != thread->tid)
		return error;
	word = (word & ~(uint32_t)FUTEX_TID_MASK) | FUTEX_OWNER_DIED;
	error = user_write(call, address, &word, sizeof(word));
	return error ? error : futex_wake_address(call, address, 1);
}

/* A damaged list ends the walk; it is the program's own. */
static int64_t robust_walk(struct zog_call *call, const struct thread *thread)
{
	uint64_t head[3], entry; /* list, futex offset, pending */
	int64_t error = user_read(call, head, thread->robust_list, sizeof(head));

	entry = error ? 0 : head[0];
	for (uint32_t i = 0; !error && i < ROBUST_MAX && entry && entry != thread->robust_list; i++) {
		uint64_t next;

		error = user_read(call, &next, entry & ~1ul, sizeof(next));
		if (!error && entry != head[2])
			error = robust_release(call, thread, (entry & ~1ul) + head[1]);
		entry = next;
	}
	if (!error && head[2])
		error = robust_release(call, thread, (head[2] & ~1ul) + head[1]);
	return error;
}

static int64_t thread_tell(struct zog_call *call, struct thread *thread)
{
	uint32_t zero = 0;
	int64_t error = 0;

	if (thread->robust_list)
		error = robust_walk(call, thread);
	if (error == SYS_WAIT)
		return error;
	if (thread->clear_child_tid)
		error = user_write(call, thread->clear_child_tid, &zero, sizeof(zero));
	if (error == SYS_WAIT)
		return error;
	if (thread->clear_child_tid && !error)
		futex_wake_address(call, thread->clear_child_tid, 1);
	thread->is_exit_done = 1;
	return 0;
}

static bool thread_is_watched(const struct thread *thread)
{
	const struct process *process = process_of(thread);

	return (thread->robust_list || thread->clear_child_tid) &&
	       (process->thread_count > 1 || home_a()->space[process->space].users > 1);
}

int64_t thread_exit(struct zog_call *call, struct thread *thread, uint32_t status)
{
	struct process *process = process_of(thread);

	if (!thread->is_exit_done && thread_is_watched(thread) && thread_tell(call, thread) == SYS_WAIT)
		return SYS_WAIT;
	thread_let_go(thread);
	rt_stage(ZOG_OP_THREAD_DESTROY, ZOG_SELF, 0, 0, 0, 0, 0);
	if (process->thread_count == 0)
		process_finish(process, process->is_exiting ? process->exit_status : status);
	else if (process->thread_count == 1)
		rt_notify(EVENT_THREAD + thread_of(process, NULL)->slot, 0); /* an execve waits to be alone */
	return SYS_NO_RESULT;
}

/* --- processes ----------------------------------------------------------------------------------------------------- */

static bool parent_ignores_children(const struct process *parent)
{
	const struct linux_sigaction *action = &parent->action[SIGCHLD];

	return action->handler == SIG_IGN || (action->flags & SA_NOCLDWAIT);
}

/* Orphans go to process 1, which must wait for them. */
static void children_reparent(const struct process *process)
{
	struct process_home *home = home_a();
	struct process *init = process_find(1);

	for (uint32_t i = 0; i < home->process_top; i++) {
		struct process *child = &home->process[i];

		if (child->state == STATE_FREE || child->parent != process->pid || child == process)
			continue;
		child->parent = 1;
		if (child->state == STATE_ZOMBIE && init && init != process)
			signal_parent(child, child->exit_status & 0x7f ? CLD_KILLED : CLD_EXITED, child->exit_status);
	}
}

static void process_report_end(struct process *process)
{
	struct process *parent = process_find(process->parent);
	uint32_t status = process->exit_status;

	process->state = STATE_ZOMBIE;
	if (status & 0x7f)
		signal_parent(process, CLD_KILLED, status & 0x7f);
	else
		signal_parent(process, CLD_EXITED, status >> 8);
	if (parent && parent_ignores_children(parent))
		process_free(process);
}

void process_finish(struct process *process, uint32_t status)
{
	process->exit_status = status;
	process->alarm.deadline_ns = 0;
	files_exit(process);
	if (process->executable)
		file_release(process->executable);
	process->executable = NULL;
	space_leave(space_at(process->space));
	if (process->vfork_thread)
		rt_notify(EVENT_THREAD + process->vfork_thread - 1, 0);
	process->vfork_thread = 0;
	children_reparent(process);
	if (process->session == process->pid)
		tty_session_end(process->session);
	if (process->pid == 1)
		system_shut_down(status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
	process_report_end(process);
}

int64_t sys_exit(struct zog_call *call, const uint64_t arg[6])
{
	records_check(thread_current(call));
	return thread_exit(call, thread_current(call), (arg[0] & 0xff) << 8);
}

int64_t sys_exit_group(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	uint32_t status = (arg[0] & 0xff) << 8;

	records_check(thread);
	if (process_of(thread)->thread_count > 1)
		process_exit_begin(process_of(thread), status, thread);
	return thread_exit(call, thread, status);
}
