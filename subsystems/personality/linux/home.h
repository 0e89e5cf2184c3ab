/* The personality's home region: what survives its death. Zero at the first start.
 *
 * The heap (scratch) is divided, too: its first half is part A's (execve's argument strings), the rest part B's. */
#ifndef LINUX_HOME_H
#define LINUX_HOME_H

#include "process.h"
#include "files_home.h"

#define HOME_VERSION 1u
struct home_header {
	uint32_t version; /* 0: first start */
	uint32_t reserved;
};

struct home {
	struct home_header header;
	struct process_home a;
	struct files_home b;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region of the manifest is too small");

static inline struct home *linux_home(void) { return rt_home(); }
static inline struct process_home *home_a(void) { return &linux_home()->a; }

/* Who calls, and what is asked of it at every turn: inline, since every system call does. An activity works for process 1,
 * which it builds. */
static inline struct thread *thread_at(uint32_t slot) { return &home_a()->thread[slot]; }
static inline struct thread *thread_current(const struct zog_call *call)
{
	return thread_at(call->client_thread < THREAD_MAX ? call->client_thread : 0);
}
static inline struct process *process_of(const struct thread *thread) { return &home_a()->process[thread->process]; }
static inline struct process *process_current(const struct zog_call *call) { return process_of(thread_current(call)); }
static inline struct progress *thread_progress(struct thread *thread) { return &thread->progress; }
static inline struct intent *thread_intent(struct thread *thread) { return &thread->intent; }
static inline uint32_t process_pid(const struct process *process) { return process->pid; }
static inline uint32_t process_slot(const struct process *process) { return process->slot; }       /* 0 .. PROCESS_MAX - 1 */
static inline uint32_t process_group(const struct process *process) { return process->group; }     /* pgid */
static inline uint32_t process_session(const struct process *process) { return process->session; } /* sid */
static inline uint32_t process_uid(const struct process *process) { return process->euid; }        /* effective */
static inline uint32_t process_gid(const struct process *process) { return process->egid; }
bool process_is_in_group(const struct process *process, uint32_t gid); /* sys_process.c: its own, or one of the supplementary */
static inline uint32_t process_umask(const struct process *process) { return process->umask; }
static inline void process_set_umask(struct process *process, uint32_t mask) { process->umask = mask & 0777; }

/* Signals that wait for delivery to this thread and are not blocked. */
static inline uint64_t signal_ready(const struct thread *thread)
{
	return (thread->signals.pending | process_of(thread)->signals.pending) & ~thread->mask;
}
/* An unblocked one, or the thread's end: interruptible waits return -EINTR. */
static inline bool signal_is_pending(const struct thread *thread) { return signal_ready(thread) != 0 || thread->is_exiting; }

#endif
