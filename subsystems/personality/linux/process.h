/* Records of processes, threads and address spaces in the home region.
 *
 * Thread slot t is the core's thread slot t; space slot s is the core's space slot s. A process names its space by
 * index (execve gives it a fresh one; vfork shares one), so process slots and space slots differ.
 *
 * Life of a space: FREE -> (SPACE_CREATE committed) EMPTY, held by thread->building -> LIVE, counted by its processes
 * -> DEAD when the last one leaves; its frames and the core's slot are given back by space_reap() at the next entry,
 * because a space can only be destroyed when no thread is left in it, and a thread leaves with its own reply.
 * Life of a process: FREE -> LIVE -> ZOMBIE (no threads; exit status waits for the parent) -> FREE. */
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include "linux.h"
#include "linux/signal.h"

enum { SPACE_MAX = PROCESS_MAX, NAME_SIZE = 16, NO_INDEX = 0xffffffff };

enum record_state { STATE_FREE = 0, STATE_EMPTY = 1, STATE_LIVE = 2, STATE_DEAD = 3, STATE_ZOMBIE = 4 };

/* A pending signal keeps one siginfo, in short. Real-time signals are not queued: one of a number is pending at most. */
struct signal_info {
	int32_t code, pid;
	uint32_t uid;
	int32_t status;
	uint64_t value; /* address, sigqueue value */
};

/* Signals below 32 keep their facts; of the others only that they are pending. */
struct signal_set {
	uint64_t pending; /* bit signal - 1 */
	struct signal_info info[32];
};

enum futex_state { FUTEX_NONE = 0, FUTEX_QUEUED = 1, FUTEX_WOKEN = 2 };
struct futex_key {
	uint64_t object; /* space, node or shared object */
	uint64_t offset; /* address, or offset in the object */
};

struct thread {
	struct progress progress;
	uint32_t state;   /* STATE_FREE, STATE_LIVE */
	uint32_t slot;
	uint32_t process; /* slot */
	uint32_t tid;
	uint64_t mask;       /* blocked signals */
	uint64_t saved_mask; /* valid with has_saved_mask */
	uint32_t has_saved_mask;
	uint32_t restart_number; /* a call that a signal interrupted and that may start over: number + 1 */
	uint32_t building;       /* space index + 1 of a space under construction by fork or execve */
	uint32_t is_exiting;     /* takes no part any more as soon as its intent is done */
	struct file *exec_file, *exec_interpreter; /* held while an execve is under way */
	uint64_t clear_child_tid, robust_list, robust_size;
	struct linux_stack altstack;
	struct futex_key futex;
	uint32_t futex_state, futex_bitset, futex_next; /* slot + 1 */
	uint32_t is_exit_done;   /* clear_child_tid and robust list are served */
	char name[NAME_SIZE];
	struct intent intent;
	struct signal_set signals;
};

struct timer_record {
	uint64_t deadline_ns, interval_ns; /* 0: off */
};

#define GROUPS_MAX 32u /* supplementary groups; Linux has room for 65,536, login programs use as many as a user is in */

struct process {
	uint32_t state; /* STATE_FREE, STATE_LIVE, STATE_ZOMBIE */
	uint32_t slot, space, pid, parent; /* parent: pid */
	uint32_t group, session;
	uint32_t thread_count, leader; /* leader: slot of the first thread */
	uint32_t uid, euid, suid, gid, egid, sgid;
	uint32_t group_count, group_list[GROUPS_MAX]; /* supplementary */
	uint32_t umask;
	uint32_t exit_status;   /* as wait4 gives it */
	uint32_t is_exiting;    /* exit_group or a fatal signal: all threads end */
	uint32_t is_stopped, stop_signal;
	uint32_t stop_reported, continue_reported; /* 1: a waiting parent has not been told yet */
	uint32_t exit_signal;   /* to the parent */
	uint32_t vfork_thread;  /* slot + 1 of the parent's thread that waits for exec or exit */
	uint32_t has_execed;
	uint32_t is_subreaper;
	uint64_t start_ns;
	struct timer_record alarm; /* ITIMER_REAL */
	uint64_t limit[16][2];
	struct linux_sigaction action[SIGNAL_MAX + 1];
	struct signal_set signals;
	struct file *executable; /* /proc/PID/exe */
	uint64_t argument_start, argument_end, environment_start, environment_end;
	char name[NAME_SIZE];
};

/* A mapping. Lists are sorted by address. */
enum vma_flags {
	VMA_READ = 1, VMA_WRITE = 2, VMA_EXECUTE = 4, /* = ZOG_MAP_* = PROT_* */
	VMA_SHARED = 8, VMA_GROWS_DOWN = 16, VMA_HEAP = 32, VMA_STACK = 64,
};
struct vma {
	uint64_t start, end;
	struct node *node;   /* file mapping; NULL: anonymous */
	uint64_t node_page;  /* page of the node (or of the shared object) at start */
	uint32_t object;     /* shared anonymous object + 1; 0: none */
	uint32_t flags;
	uint32_t next, previous; /* index + 1 */
};

struct space {
	uint32_t state;
	uint32_t users; /* processes */
	uint32_t vma_first, vma_count;
	uint32_t leaf_first;
	uint32_t reserved;
	uint64_t brk_start, brk, mmap_top, stack_low;
};

/* Page records: which frame a page of a space holds. The core's page tables are a cache of these. */
enum { LEAF_PAGES = 64, LEAF_MAX = 24576, LEAF_BUCKETS = 16384, OBJECT_MAX = 64 };
#define PAGE_FRAME 0x0fffffffu
#define PAGE_WRITABLE 0x80000000u /* the page tables let the program write */
#define PAGE_CACHE 0x40000000u    /* the frame belongs to the page cache as well: never write through privately */
struct leaf_name {
	uint32_t space;  /* index, or SPACE_MAX + object */
	uint32_t number; /* address / (LEAF_PAGES pages) */
	uint32_t hash_next, space_next; /* index + 1 */
};
struct leaf {
	struct leaf_name name;
	uint32_t count;  /* entries in use */
	uint32_t reserved;
	uint32_t entry[LEAF_PAGES];
};

/* Memory shared by anonymous MAP_SHARED mappings. Its pages are leaves of space SPACE_MAX + index. */
struct shared_object {
	uint32_t users; /* mappings */
	uint32_t leaf_first;
};

/* frame.c. Freed frames are taken again in the order they came, and only when their release is committed:
 * what an aborted invocation wrote must never hit a frame whose release the abort undid. */
enum { FRAME_RECORD_MAX = 1048576 };
struct frame_pool {
	uint64_t first, count; /* run of the machine's frames that this domain was given */
	/* Pairs are stored as one (pair_set). */
	uint32_t head, taken;    /* head: index + 1 of freed frames; taken: how many of them so far, modulo 2^32 */
	uint32_t tail, released; /* released: how many came, modulo 2^32 */
	uint32_t fresh;          /* frames from here on were never used */
	uint32_t reserved;
	uint32_t references[FRAME_RECORD_MAX]; /* apart from the links: frames that follow each other change by one store */
	uint32_t next[FRAME_RECORD_MAX];       /* in the queue; means nothing for its tail and for frames in use */
};
_Static_assert(offsetof(struct frame_pool, head) % 8 == 0 && offsetof(struct frame_pool, tail) % 8 == 0, "pair_set");

enum { FUTEX_BUCKETS = 256, SYSCALL_MAX = 512 };
struct shutdown_record {
	uint32_t is_active, status;
};

/* Part A of the home region. */
struct process_home {
	uint32_t reap_count;  /* DEAD spaces */
	uint32_t last_pid, has_pid_wrapped;
	uint32_t process_top; /* no process was ever at or above this slot */
	uint32_t init_stage;  /* enum init_stage in init.c */
	uint32_t thread_count;
	uint32_t polling;
	uint32_t vma_free, leaf_free; /* index + 1 */
	uint32_t vma_used, leaf_used; /* never used from here on */
	uint64_t sequence;
	uint64_t write_back_ns;
	struct shutdown_record shutdown;
	uint32_t unsupported[SYSCALL_MAX];
	uint32_t futex_bucket[FUTEX_BUCKETS]; /* slot + 1 of the first waiter */
	uint32_t leaf_bucket[LEAF_BUCKETS];
	struct thread thread[THREAD_MAX];
	struct vma vma[VMA_MAX];
	struct space space[SPACE_MAX];
	struct leaf leaf[LEAF_MAX];
	struct frame_pool frames;
	/* From here to the working directories (files_home.h): the window that commits check; see home.zidl. */
	struct process process[PROCESS_MAX];
	struct shared_object object[OBJECT_MAX];
};

#endif
