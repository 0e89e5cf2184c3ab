/* The Linux personality: what its parts share.
 *
 * Protocol. The core enters domain_syscall (and _page_fault, _exception, _attention) on the program's own thread.
 * A handler runs from the top to a result; if it must wait it replies rt_wait and is entered again from the top,
 * with the same arguments. So each handler is written in this order: check arguments; copy in from the program;
 * pure and idempotent calls to other domains; then change records; the reply commits. What must not be done again on
 * a re-issue (how far a transfer came, an absolute deadline) stands in thread->progress, which is zeroed by the
 * dispatcher when the call is first issued (reason ZOG_REASON_CALL) and again when it replies.
 *
 * Once-calls (create, unlink, rename, control …): intent_call() writes the arguments and a fresh sequence number to
 * thread->intent, commits, calls, and runs the finish function with the answer. When a syscall is entered while
 * thread->intent.step != 0, the dispatcher goes straight to that step again with the same arguments and sequence.
 *
 * Results: a handler returns int64_t: >= 0 or -errno, or one of the SYS_* control values below. */
#ifndef LINUX_LINUX_H
#define LINUX_LINUX_H

#include "rt/rt.h"
#include "domain.h"
#include "linux/errno.h"

/* Control values of handlers; outside the errno range. */
#define SYS_WAIT (-5000)     /* wait_on() was called: its arguments are in the wait request; reply ZOG_WAIT */
#define SYS_RETRY (-5001)    /* abort and start over at once */
#define SYS_NO_RESULT (-5002) /* registers were staged (sigreturn, execve, exit): leave rax alone */

enum {
	THREAD_MAX = 256,      /* = thread slots of the manifest */
	PROCESS_MAX = 256,     /* = space slots of the manifest; process slot = address-space slot */
	FD_MAX = 256,          /* descriptors of a process */
	FILE_MAX = 2048,       /* open file descriptions */
	NODE_MAX = 4096,       /* cached nodes */
	PIPE_MAX = 256,
	VMA_MAX = 16384,       /* all processes */
	CACHE_PAGE_MAX = 131072,
	PATH_SIZE = 4096,
};

/* Own events (handles for rt_wait/rt_notify): EVENT_DYNAMIC_BASE + … */
enum {
	EVENT_THREAD = EVENT_DYNAMIC_BASE,            /* + thread slot: futex, sleep, sigsuspend */
	EVENT_CHILD = EVENT_THREAD + THREAD_MAX,      /* + process slot: a child changed state */
	EVENT_PIPE = EVENT_CHILD + PROCESS_MAX,       /* + pipe slot: state of the pipe changed */
	EVENT_POLL = EVENT_PIPE + PIPE_MAX,           /* something that poll/select can see changed */
	EVENT_TTY = EVENT_POLL + 1,                   /* a line is ready, or the foreground group changed */
	EVENT_WRITE_BACK = EVENT_TTY + 1,             /* dirty pages to write, or shutdown */
	EVENT_CLEAN = EVENT_WRITE_BACK + 1,           /* dirty pages were written */
	EVENT_LINUX_COUNT,
};

/* The once-call under way, in the thread's record (process.h). */
struct intent {
	uint32_t step;      /* index into the table of once steps (intent.c); 0: none */
	uint32_t length;    /* of data */
	uint64_t sequence;
	uint64_t word[8];   /* arguments, meaning by step */
	uint8_t data[1024]; /* names, NUL-separated or packed as the step says (symlink targets longer than this: ENAMETOOLONG) */
};

/* --- part A: processes, memory, signals, time (process.h, memory.h, signal.h; owner A) ------------------------- */

struct process;
struct thread;
/* Credentials and the like are read through accessors (home.h) so that part B need not know struct process. */

/* Program memory. All bring absent pages in themselves (committing in between), so call them before changing records.
 * 0, -EFAULT, SYS_WAIT (a file page must be read first: return it at once). */
int64_t user_read(struct zog_call *call, void *to, uint64_t user_address, uint64_t size);
int64_t user_write(struct zog_call *call, uint64_t user_address, const void *from, uint64_t size);
/* NUL-terminated; -ENAMETOOLONG when no NUL within size. Returns length without NUL. */
int64_t user_string(struct zog_call *call, char *to, uint64_t user_address, uint64_t size);
/* Between a program and a payload frame; offset + size within one page. */
int64_t user_to_frame(struct zog_call *call, uint64_t frame, uint32_t offset, uint64_t user_address, uint32_t size);
int64_t user_from_frame(struct zog_call *call, uint64_t frame, uint32_t offset, uint64_t user_address, uint32_t size);

/* Payload frames with reference counts in the home region. frame_allocate: 0 when none is left even after dropping
 * clean cache pages (cache_reclaim). Contents undefined: zero or fill before mapping. */
uint64_t frame_allocate(void);
void frame_reference(uint64_t frame);
void frame_release(uint64_t frame);
uint64_t frame_free_count(void);
uint64_t frame_total_count(void);

/* Waiting: records the request for the dispatcher and returns SYS_WAIT. deadline_ns RT_NO_DEADLINE for none. */
int64_t wait_on(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns);
/* info_code as si_code. group 0 = the process itself. */
void signal_send_process(struct process *process, int signal, int info_code);
void signal_send_group(uint32_t process_group, int signal);
/* Once-calls; see above. Returns what the finish function returns. */
int64_t intent_call(struct zog_call *call, const struct intent *intent);
/* Any process by pid, or by position for /proc (NULL past the end, skips free slots). */
struct process *process_find(uint32_t pid);
struct process *process_at(uint32_t position);
/* One line of facts for /proc/PID/{stat,status,cmdline,maps,comm,exe}: returns length written. owner A. */
size_t process_report(const struct process *process, const char *file, char *out, size_t size);

/* Wall time, as files bear it. */
struct moment {
	int64_t s;
	uint32_t ns;
};
struct moment wall_time(void);
/* What of a call under way outlives a re-issue. Zeroed when a call is first issued and when it replies. */
struct progress {
	uint64_t done;        /* bytes moved so far */
	uint64_t deadline_ns; /* absolute, in rt_now_ns() time; 0: not chosen yet */
	uint64_t word[2];     /* the handler's own */
};
uint64_t sequence_next(void); /* for once-calls, and for tickets of sync: rises for ever */
uint32_t frame_references(uint64_t frame);
/* MASK is the blocked set for this call only (ppoll, pselect6, sigsuspend): call it at every issue before
 * waiting; the dispatcher puts the old mask back when the call ends. */
void signal_mask_push(struct thread *thread, uint64_t mask);
/* Terminal access by background groups. */
void signal_send_group_code(uint32_t process_group, int signal, int info_code);
bool signal_is_ignored(const struct process *process, const struct thread *thread, int signal); /* or blocked */
bool group_is_orphaned(uint32_t process_group);
size_t unsupported_report(char *out, size_t size); /* /zog/linux/unsupported: length */

/* --- part B: files (file.h, node.h, cache.h, path.h, pipe.h, tty.h; owner B) ----------------------------------- */

struct file;
struct node;
void files_fork(struct process *child, const struct process *parent);
void files_share(struct process *child, const struct process *parent); /* CLONE_FILES across processes: same table */
void files_exec(struct process *process);      /* closes close-on-exec descriptors */
void files_exit(struct process *process);      /* closes all */
void file_reference(struct file *file);
void file_release(struct file *file);
struct node *file_node(struct file *file);
uint32_t file_mode_flags(const struct file *file); /* O_* as opened */
/* Opens PATH for execution: regular file with an x bit; 0 or -errno or SYS_WAIT. The caller releases it. */
int64_t file_open_exec(struct zog_call *call, const char *path, struct file **file_out);
/* Reads file data through the page cache into own memory; bytes read, -errno, SYS_WAIT. */
int64_t file_read_kernel(struct zog_call *call, struct file *file, uint64_t offset, void *to, size_t size);
/* The cache page of a node for mapping: frame with valid contents, still owned by the cache (take a reference with
 * frame_reference before mapping). 0, -errno (past the end: -ENXIO, so SIGBUS), SYS_WAIT. */
int64_t cache_page(struct zog_call *call, struct node *node, uint64_t page, uint64_t *frame_out);
/* The frame of a page that is valid in the cache right now, or 0. Starts nothing (fault-around). */
uint64_t cache_page_peek(struct node *node, uint64_t page);
void cache_page_dirty(struct node *node, uint64_t page); /* a shared mapping became writable */
bool cache_reclaim(void); /* drops some clean pages; false: nothing to drop */
void node_reference(struct node *node);
void node_release(struct node *node);
uint64_t node_size(const struct node *node);
uint64_t node_number(const struct node *node);
/* Path of a node where known (/proc/self/exe, maps): length, 0 if unknown. */
size_t file_path(const struct file *file, char *out, size_t size);
/* Called by the init activity: writes dirty pages back; SYS_WAIT, or 0 when everything is clean. is_final: also
 * syncs the file system and marks it clean (before power off). */
int64_t files_write_back(struct zog_call *call, bool is_final);
/* Something to write back, now or later: the init activity calls files_write_back some 2 s later, or on EVENT_WRITE_BACK
 * at once. Small changes do not raise the event: while this holds, wait with a deadline; else one of 5 s will do. */
bool files_are_dirty(void);
/* At START: attach to console, clock of the tty, file system root … from the records. */
zog_status_t files_start(struct zog_call *call);
/* Standard descriptors 0..2 on the console for process 1. */
int64_t files_init_process(struct zog_call *call, struct process *process);

int64_t intent_resume(struct zog_call *call);          /* dispatcher: a syscall entered with thread->intent.step != 0 */
int64_t status_errno(zog_status_t status);             /* ZOG_ERR_* -> -errno, ZOG_OK -> 0 */
void tty_start(void);                                  /* at every start */
zog_status_t tty_activity(struct zog_call *call);      /* ACTIVITY_TERMINAL: input, echo, signals of the terminal */
void tty_session_end(uint32_t session);                /* the session's leader exited: the terminal is free */

/* Home region: each part has its own struct inside struct home (home.h). */
#endif
