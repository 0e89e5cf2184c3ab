/* Slots and look-ups of processes and threads, and what the other part of the personality may ask about them. */
#include "task.h"

enum { PID_MAX = 32768 };

uint64_t sequence_next(void) { return ++home_a()->sequence; }

/* Damage shows as a difference from the committed image, as long as this invocation has stored nothing there. */
static void record_check(const void *record, size_t size)
{
	const uint64_t *live = record, *committed = rt_committed(record);

	for (size_t i = 0; i < size / sizeof(*live); i++)
		if (live[i] != committed[i])
			rt_fail(ZOG_CAUSE_SCRUB, (uintptr_t)&live[i], live[i]);
}

_Static_assert(offsetof(struct thread, intent) % 8 == 0 && sizeof(struct signal_set) % 8 == 0 &&
	       sizeof(struct process) % 8 == 0 && sizeof(struct space) % 8 == 0 && sizeof(struct vma) % 8 == 0,
	       "records are compared in words");

void records_check(const struct thread *thread)
{
	const struct space *space;

	record_check(thread, offsetof(struct thread, intent));
	record_check(&thread->signals, sizeof(thread->signals));
	record_check(process_of(thread), sizeof(struct process));
	space = space_at(process_of(thread)->space);
	record_check(space, sizeof(*space));
	for (const struct vma *vma = vma_after(space, 0); vma; vma = vma_next(vma))
		record_check(vma, sizeof(*vma));
}

struct process *process_at(uint32_t position)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < home->process_top; i++)
		if (home->process[i].state != STATE_FREE && position-- == 0)
			return &home->process[i];
	return NULL;
}

struct process *process_find(uint32_t pid)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < home->process_top; i++)
		if (home->process[i].state != STATE_FREE && home->process[i].pid == pid)
			return &home->process[i];
	return NULL;
}

struct thread *thread_find(uint32_t tid)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < THREAD_MAX; i++)
		if (home->thread[i].state == STATE_LIVE && home->thread[i].tid == tid)
			return &home->thread[i];
	return NULL;
}

/* One thread is the common case: its slot is known. */
struct thread *thread_of(const struct process *process, struct thread *after)
{
	struct process_home *home = home_a();
	struct thread *leader = &home->thread[process->leader];

	if (process->thread_count == 1 && leader->state == STATE_LIVE && leader->process == process->slot && (!after || after == leader))
		return after ? NULL : leader;

	for (uint32_t i = after ? after->slot + 1 : 0; i < THREAD_MAX; i++)
		if (home->thread[i].state == STATE_LIVE && home->thread[i].process == process->slot)
			return &home->thread[i];
	return NULL;
}

/* A number that no process, thread, group or session bears. */
static bool pid_is_used(uint32_t pid)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < PROCESS_MAX; i++) {
		const struct process *process = &home->process[i];

		if (process->state != STATE_FREE &&
		    (process->pid == pid || process->group == pid || process->session == pid))
			return true;
	}
	return thread_find(pid) != NULL;
}

static uint32_t pid_allocate(void)
{
	uint32_t pid = home_a()->last_pid;

	do {
		if (++pid > PID_MAX) {
			pid = 2;
			home_a()->has_pid_wrapped = 1;
		}
	} while (home_a()->has_pid_wrapped && pid_is_used(pid));
	home_a()->last_pid = pid;
	return pid;
}

/* A thread that was ended while it ran on another CPU stays in the core until that CPU has let go of it. */
static bool core_has_thread(uint32_t slot)
{
	struct zog_regs regs;

	return rt_thread_regs(slot, &regs) == ZOG_OK;
}

struct thread *thread_claim(struct process *process, uint32_t slot)
{
	struct process_home *home = home_a();
	struct thread *thread = &home->thread[slot];

	if (thread->state != STATE_FREE || core_has_thread(slot))
		return NULL;
	thread->state = STATE_LIVE;
	thread->slot = slot;
	thread->process = process->slot;
	thread->tid = process->thread_count ? pid_allocate() : process->pid;
	thread->altstack.flags = SS_DISABLE;
	process->thread_count++;
	home->thread_count++;
	return thread;
}

/* In turn, so that the slot of a thread that has just ended is not the first to be tried. */
struct thread *thread_allocate(struct process *process)
{
	static uint32_t turn;
	struct thread *thread = NULL;

	for (uint32_t tries = 0; tries < THREAD_MAX && !thread; tries++)
		thread = thread_claim(process, ++turn % THREAD_MAX);
	return thread;
}

/* The intent's data is large and means nothing at step 0. */
void thread_free(struct thread *thread)
{
	process_of(thread)->thread_count--;
	home_a()->thread_count--;
	memset(thread, 0, offsetof(struct thread, intent));
	thread->intent.step = 0;
	memset(&thread->signals, 0, sizeof(thread->signals));
}

struct process *process_allocate(void)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < PROCESS_MAX; i++) {
		struct process *process = &home->process[i];

		if (process->state != STATE_FREE)
			continue;
		if (i >= home->process_top)
			home->process_top = i + 1;
		process->slot = i;
		process->pid = pid_allocate();
		process->state = STATE_LIVE;
		process->start_ns = rt_now_ns();
		process->exit_signal = SIGCHLD;
		return process;
	}
	return NULL;
}

void process_free(struct process *process) { memset(process, 0, sizeof(*process)); }

bool group_is_orphaned(uint32_t group)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < home->process_top; i++) {
		const struct process *process = &home->process[i], *parent;

		if (process->state != STATE_LIVE || process->group != group)
			continue;
		parent = process_find(process->parent);
		if (parent && parent->group != group && parent->session == process->session)
			return false;
	}
	return true;
}
