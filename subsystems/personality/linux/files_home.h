/* The records of files in the home region of the Linux personality: nodes, names, cached pages, open files,
 * descriptors, pipes, the terminal. What stands here survives the personality's death; nothing else does.
 *
 * References between records are slot numbers, stored as slot + 1 so that 0 means none and an empty home region is
 * a valid start. File data is in payload frames; a frame named by a cache record or a pipe is owned by it.
 *
 * A cache record in state READING, or with CACHE_WRITING, has (or will have) a device transfer on its frame: it stands in
 * `flight` and is neither freed nor reused before filesystem_read_page / _write_page answered something final. */
#ifndef LINUX_FILES_HOME_H
#define LINUX_FILES_HOME_H

#include <stdint.h>
#include "linux/tty.h"
#include "stream/stream.h"

enum {
	FILES_NODE_MAX = 4096,
	FILES_FILE_MAX = 2048,
	FILES_PIPE_MAX = 256,
	FILES_CACHE_MAX = 131072,
	FILES_PROCESS_MAX = 256,
	FILES_FD_MAX = 256,
	FILES_LOCK_MAX = 256,
	NODE_HASH_SIZE = 4096,
	CACHE_HASH_SIZE = 65536,
	DENTRY_SETS = 2048,
	DENTRY_WAYS = 4,
	DENTRY_NAME_MAX = 48,
	DENTRY_EPOCHS = 4096,
	FLIGHT_MAX = 32,
	PIPE_FRAMES = 16,
	ZOG_PATH_MAX = 128,
	ZOG_PATH_SLOTS = 256,
	TTY_INPUT_SIZE = 4096,
	TTY_OUTPUT_SIZE = 8192,
};

enum node_kind { NODE_FREE = 0, NODE_DISK = 1, NODE_DEV = 2, NODE_PROC = 3, NODE_ZOG = 4, NODE_PIPE = 5 };
enum node_flag {
	NODE_IS_DEAD = 1,          /* no name and no reference left: to be forgotten by write-back */
	NODE_KNOWS_GENERATION = 2,
	NODE_HAS_WRITE_ERROR = 4,  /* told at the next fsync */
	NODE_HAS_SURPLUS = 16,     /* cached pages behind the end of the file wait to be dropped */
	NODE_BLOCKS_STALE = 8,     /* blocks_512 (of a directory, the size too) is to be asked for again */
};

struct node {
	uint64_t number;      /* in its file system; for pseudo file systems a code of theirs */
	uint64_t size;        /* bytes */
	uint64_t blocks_512;
	int64_t atime_s, mtime_s, ctime_s;
	uint32_t atime_ns, mtime_ns, ctime_ns;
	uint32_t mode, links, uid, gid, device, generation;
	uint32_t references;  /* open files, mappings, working directories */
	uint32_t hash_next;   /* node slot + 1 */
	uint32_t page_first;  /* cache record + 1: all cached pages */
	uint32_t page_count;
	uint32_t dentry;      /* dentry + 1 under which it was last found: a hint for paths */
	uint32_t pipe;        /* pipe + 1 of a fifo that is open */
	uint8_t kind;         /* enum node_kind */
	uint8_t flags;        /* enum node_flag */
	uint8_t dirty_mask;   /* attributes to write back: bits of filesystem set_mask */
	uint8_t reserved;
};

/* Names already looked up. child 0: the name is known not to exist. */
struct dentry {
	uint32_t parent, child; /* node numbers of the disk's file system; parent 0: empty */
	uint32_t hash;
	uint32_t tag; /* length of the name | epoch of the directory << 8 */
	char name[DENTRY_NAME_MAX];
};

enum cache_state { CACHE_FREE = 0, CACHE_READING = 1, CACHE_VALID = 2 };
enum cache_flag {
	CACHE_DIRTY = 1,     /* stands in the dirty list */
	CACHE_WRITING = 2,   /* a write of it is in flight */
	CACHE_PREPARED = 4,  /* its block on the disk is allocated. DIRTY without this: contents equal what the disk says */
	CACHE_USED = 8,      /* since the clock's hand last passed */
	CACHE_MARK = 16,     /* reaching it starts the next read-ahead window */
	CACHE_SHARED = 32,   /* mapped writable by a program: may change unseen */
};
struct cache_record {
	uint32_t hash_next;   /* record + 1; also links free records */
	uint32_t node;        /* node slot + 1 */
	uint32_t page;        /* page number in the file */
	uint32_t frame;
	uint32_t node_next, node_previous;   /* pages of the node */
	uint32_t dirty_next, dirty_previous; /* all dirty pages, oldest first */
	uint8_t state, flags;
	uint8_t reserved[2];
};

enum file_kind { FILE_FREE = 0, FILE_DISK = 1, FILE_DIRECTORY = 2, FILE_PIPE_READ = 3, FILE_PIPE_WRITE = 4, FILE_TTY = 5,
	FILE_DEVICE = 6, FILE_TEXT = 7, FILE_CONTROL = 8, FILE_PATH = 9, FILE_PIPE_BOTH = 10, FILE_KIND_COUNT };
struct file {
	uint64_t position;
	uint32_t references;
	uint32_t flags;     /* O_*; stored with references */
	uint32_t node;      /* node slot + 1; 0 for pipes without a name */
	uint32_t pipe;      /* pipe slot + 1 */
	uint8_t kind;       /* enum file_kind; stored with next_free */
	uint8_t lock;       /* flock: LOCK_SH, LOCK_EX or 0 */
	uint8_t reserved[2];
	uint32_t next_free; /* file slot + 1 */
};

struct descriptor {
	uint16_t file;  /* file slot + 1 */
	uint16_t flags; /* FD_CLOEXEC */
};
struct descriptor_table {
	uint32_t references; /* processes that share it */
	uint32_t top;        /* no descriptor in use at or above; rises only, while the table lives */
	struct descriptor entry[FILES_FD_MAX];
};
struct process_files {
	uint32_t table;     /* descriptor table + 1 */
	uint32_t directory; /* working directory: node slot + 1 */
};

enum pipe_waiting { PIPE_READER_WAITS = 1, PIPE_WRITER_WAITS = 2 };
struct pipe {
	uint64_t head, tail; /* absolute bytes written and read; head - tail <= PIPE_FRAMES pages */
	uint32_t frame[PIPE_FRAMES];
	uint32_t readers, writers; /* open files */
	uint32_t waiting;    /* enum pipe_waiting. It changes often: what commits check stands in other words */
	uint32_t openings;   /* counts opens, so that a fifo's opener sees its peer come */
	uint64_t is_used;
};

struct tty {
	struct linux_termios termios;
	struct linux_winsize winsize;
	uint32_t session, foreground; /* 0: none */
	struct stream_home stream;    /* the console's input */
	uint32_t input_used, reserved_input; /* bytes of its next record that are used up */
	uint64_t head, tail;          /* input ring: received, read */
	uint64_t line;                /* end of the last complete line; == head in raw mode */
	uint64_t output_head, output_tail; /* output ring; tail = absolute console position taken */
	uint32_t column;
	uint8_t is_started, is_literal_next, is_stopped, reserved;
	uint8_t input[TTY_INPUT_SIZE];
	uint8_t is_eof[TTY_INPUT_SIZE / 8]; /* bit: this byte of the ring is an end-of-file mark, not data */
	uint8_t output[TTY_OUTPUT_SIZE];
};

struct zog_path {
	uint32_t references; /* slot in use by a node */
	char text[ZOG_PATH_MAX];
};

/* Locks of fcntl on byte ranges (lock.c). */
struct record_lock {
	uint32_t node; /* node slot + 1; 0: free */
	uint32_t pid, type;
	uint32_t reserved;
	int64_t start, end; /* inclusive */
};

struct files_home {
	struct process_files process[FILES_PROCESS_MAX];
	struct pipe pipe[FILES_PIPE_MAX];
	uint32_t root;            /* node number of the disk's root; 0: not asked yet */
	uint32_t is_started;
	uint32_t file_free, record_free;   /* heads of free lists, slot + 1 */
	uint32_t file_top, record_top;     /* slots never used begin here */
	uint32_t node_hand, record_hand;   /* clocks */
	uint32_t page_count;      /* cached */
	uint32_t dirty_count, dirty_first, dirty_last;
	uint32_t writing_count;
	uint32_t attribute_count; /* nodes with dirty_mask != 0 */
	uint32_t dead_count;
	uint32_t shared_count;    /* records with CACHE_SHARED */
	uint32_t has_poll_waiter, has_clean_waiter, is_write_back_asked, is_metadata_dirty;
	uint32_t lock_count;
	uint32_t is_last_sync;    /* sync_ticket is of the sync before the power goes off */
	uint64_t sync_ticket;     /* of the sync that write-back has under way */
	uint64_t shared_written_ns;
	uint32_t flight[FLIGHT_MAX]; /* cache record + 1 */
	struct tty tty;
	struct record_lock lock[FILES_LOCK_MAX];
	struct zog_path zog_path[ZOG_PATH_SLOTS];
	uint32_t node_hash[NODE_HASH_SIZE];
	uint32_t cache_hash[CACHE_HASH_SIZE];
	struct node node[FILES_NODE_MAX];
	struct file file[FILES_FILE_MAX];
	struct descriptor_table table[FILES_PROCESS_MAX];
	uint32_t dentry_epoch[DENTRY_EPOCHS]; /* by directory number, shared by several */
	struct dentry dentry[DENTRY_SETS * DENTRY_WAYS];
	struct cache_record record[FILES_CACHE_MAX];
};

#endif
