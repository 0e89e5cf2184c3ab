/* The page cache: file data in payload frames, indexed by home records. See cache.c, flight.c, write_back.c. */
#ifndef LINUX_CACHE_H
#define LINUX_CACHE_H

#include "node.h"

enum { READ_AHEAD_PAGES = 16 };

struct transfer;

static inline struct cache_record *cache_at(uint32_t record_plus_1)
{
	return record_plus_1 == 0 ? NULL : &files()->record[record_plus_1 - 1];
}
static inline uint32_t cache_index(const struct cache_record *record)
{
	return (uint32_t)(record - files()->record) + 1;
}

/* --- records (cache.c) --- */
struct cache_record *cache_find(const struct node *node, uint64_t page);
struct cache_record *cache_add(struct node *node, uint64_t page, uint64_t frame, enum cache_state state); /* NULL: full */
void cache_remove(struct cache_record *record); /* not in flight; releases its frame */
void cache_dirty(struct cache_record *record);
void cache_clean(struct cache_record *record);  /* out of the dirty list */
bool cache_drop_node(struct node *node);        /* all pages, if none is dirty, in flight or mapped */
void cache_keep(const struct node *node, uint64_t first, uint64_t last); /* reclaim spares these in this invocation */
void cache_ask_write_back(void); /* wakes write-back before its time */
uint32_t cache_dirty_limit(void);
uint64_t cache_frame(void); /* a frame, or 0. May commit: call it when the records are as they may stay */
/* Waits until no page from FIRST on is in flight, then drops them, in steps: some may go with each issue. 0, SYS_WAIT. */
int64_t cache_drop_pages(struct zog_call *call, struct node *node, uint64_t first);
/* Ends an invocation that has done its share of long work: records go as they are, the call is issued again at once. */
int64_t wait_again(struct zog_call *call);
/* Before a file shrinks to SIZE: no page from there on in flight, the tail of the last one zero. */
int64_t cache_cut(struct zog_call *call, struct node *node, uint64_t size);

/* Zeroes the last page behind the end of the file, before the file grows past a gap: a write that was cut and never
 * repeated may have left bytes there. 0, -errno, SYS_WAIT. */
int64_t cache_clear_tail(struct zog_call *call, struct node *node);

/* --- transfers (flight.c) --- */
/* The page's record, valid; on a miss starts reading it and up to WINDOW - 1 pages after it. 0, -errno, SYS_WAIT. */
int64_t cache_get(struct zog_call *call, struct node *node, uint64_t page, uint32_t window, struct cache_record **out);
bool flight_add(struct cache_record *record);   /* false: no room */
/* Issues the transfer of a record in flight. ZOG_OK: final, the record says how it went; ZOG_PENDING; an error: final. */
zog_status_t flight_issue(struct cache_record *record, uint64_t *seen_out);
/* Issues all in flight: how many are left; seen of the first pending one. */
uint32_t flight_collect(uint64_t *seen_out);

/* --- writing (cache_write.c, write_back.c) --- */
/* Writes what is left of T at OFFSET, at most one batch; bytes, -errno, SYS_WAIT. */
int64_t cache_write(struct zog_call *call, struct node *node, uint64_t offset, struct transfer *t);
/* Until write-back made room: dirty pages written, dead files freed. SYS_WAIT. */
int64_t cache_await_clean(struct zog_call *call);
/* Writes all dirty pages and attributes. 0: all clean, SYS_WAIT. */
int64_t cache_write_out(struct zog_call *call);
/* Everything to the disk and flushed; TICKET lives in the caller's record (0 at first). 0, -errno, SYS_WAIT. */
int64_t files_sync(struct zog_call *call, uint64_t *ticket, bool is_final);

#endif
