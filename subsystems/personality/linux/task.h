/* Processes, threads, signals, futexes: what the files of part A share. */
#ifndef LINUX_TASK_H
#define LINUX_TASK_H

#include "memory.h"

/* process.c */
struct thread *thread_find(uint32_t tid);
struct thread *thread_of(const struct process *process, struct thread *after); /* NULL at the end */
struct thread *thread_claim(struct process *process, uint32_t slot); /* NULL: taken */
struct thread *thread_allocate(struct process *process); /* NULL: no slot */
void thread_free(struct thread *thread);
struct process *process_allocate(void); /* NULL: no slot */
void process_free(struct process *process);

/* Ends this domain when the records of the thread and its process are not what was committed. For the entries that end
 * or copy a process, or change its course: there damage would turn into something that a program sees. Call it before
 * anything is stored. */
void records_check(const struct thread *thread);

/* exit.c */
/* Ends the calling thread: SYS_NO_RESULT, or SYS_WAIT. Serves every way out: exit, exit_group, a fatal signal. */
int64_t thread_exit(struct zog_call *call, struct thread *thread, uint32_t status);
/* All threads of the process end; status as wait4 gives it. The calling thread goes on to thread_exit(). */
void process_exit_begin(struct process *process, uint32_t status, struct thread *self);
/* Ends another thread: now, or when its once-call is done. */
void thread_end(struct thread *thread);

void process_finish(struct process *process, uint32_t status); /* its last thread is gone */

/* exec.c */
void exec_release(struct thread *thread); /* files held by an execve under way */
struct exec_text { /* strings of argv and envp, one after the other, in scratch memory */
	char *text;
	uint32_t size, argument_count, environment_count, argument_size;
};
/* Puts a new image into THREAD's process. is_new: the thread does not exist in the core yet. */
int64_t exec_image(struct zog_call *call, struct thread *thread, const char *path, struct exec_text *text, bool is_new);
char *exec_scratch(void);
bool exec_text_add(struct exec_text *text, const char *string); /* false: too long */
enum { EXEC_TEXT_SIZE = 0x50000, EXEC_TEXT_MAX = 0x40000 }; /* the rest is room for the stack's tables */

/* signal.c */
#define SIGNAL_BIT(signal) (1ul << ((signal) - 1))
void signal_send_thread(struct thread *thread, int signal, const struct signal_info *info);
void signal_send_process_info(struct process *process, int signal, const struct signal_info *info);
/* A fault of the running thread: cannot be blocked or ignored. */
void signal_force(struct thread *thread, int signal, const struct signal_info *info);
void signal_parent(struct process *process, int code, int status); /* SIGCHLD with its facts, and EVENT_CHILD */
enum signal_default { DEFAULT_END, DEFAULT_IGNORE, DEFAULT_STOP, DEFAULT_CONTINUE };
enum signal_default signal_default(int signal);
/* The next one of WANTED that is pending, still pending after; 0: none. */
int signal_peek(const struct thread *thread, uint64_t wanted, struct signal_info *info);
void signal_clear(struct thread *thread, int signal);
void signal_mask_set(struct thread *thread, uint64_t mask);
void signal_exec(struct process *process);

/* deliver.c */
/* Delivers what waits, on top of the program's registers as they are: frames, default actions, stop.
 * ZOG_OK, or a WAIT as rt_wait gives it. */
zog_status_t signal_deliver(struct zog_call *call, struct thread *thread);

/* futex.c */
void futex_leave(struct thread *thread); /* out of its queue, if in one */
int64_t futex_wake_address(struct zog_call *call, uint64_t address, uint32_t count);

int64_t sys_futex(struct zog_call *call, const uint64_t arg[6]);

/* dispatch.c */
zog_status_t wait_reply(struct zog_call *call); /* after wait_on() */

/* time.c */
uint64_t time_realtime_ns(void);
uint64_t timer_next_ns(void); /* earliest ITIMER_REAL, RT_NO_DEADLINE: none */
void timer_expire(void);

/* init.c */
void system_shut_down(uint32_t status);
/* sys_misc.c */
void limits_init(struct process *process);

#endif
