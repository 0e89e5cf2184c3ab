/* Program memory: frames, page records, mappings, spaces, page faults. */
#ifndef LINUX_MEMORY_H
#define LINUX_MEMORY_H

#include "home.h"

#define USER_MIN 0x10000ul           /* lowest address that mmap gives without being asked for it */
#define USER_END 0x00007ffffffff000ul
#define STACK_TOP 0x00007fffffff0000ul
#define STACK_SIZE_MAX 0x800000ul    /* the main stack: all of it is mapped, pages come when touched */
#define MMAP_TOP 0x00007ffff7fff000ul
#define PIE_BASE 0x0000555555554000ul
#define INTERPRETER_BASE 0x00007ffff7fc0000ul

static inline uint64_t page_down(uint64_t address) { return address & ~(ZOG_PAGE_SIZE - 1); }
static inline uint64_t page_up(uint64_t address) { return (address + ZOG_PAGE_SIZE - 1) & ~(ZOG_PAGE_SIZE - 1); }

/* frame.c */
void frame_pool_attach(uint64_t first, uint64_t count);
/* When memory is short: drops cache pages so that COUNT frames can be had, and commits. For callers that have nothing
 * half done. No promise: frame_allocate() may still answer 0. */
void frame_reserve(uint32_t count);
/* Frames that follow each other, gathered so that their counts change by one store. */
struct frame_run {
	uint64_t first;
	uint32_t count; /* 0: none */
};
static inline bool frame_run_extend(struct frame_run *run, uint64_t frame)
{
	if (frame != run->first + run->count)
		return false;
	run->count++;
	return true;
}
void frame_run_reference(struct frame_run run);
void frame_run_release(struct frame_run run);
/* Up to COUNT frames with a reference each, as far as they can be had without dropping anything. How many. */
uint32_t frame_allocate_some(uint64_t *frames, uint32_t count);

/* page.c: page records. OWNER is a space index, or SPACE_MAX + object. */
uint32_t page_get(uint32_t owner, uint64_t address);
bool page_set(uint32_t owner, uint64_t address, uint32_t entry); /* false: no leaf left. entry 0 clears */
/* COUNT pages from ADDRESS on, all in one leaf (LEAF_PAGES, aligned). Setting takes entries away from no page: where there
 * was one there is one in ENTRY. false: no leaf left. */
void page_get_some(uint32_t owner, uint64_t address, uint32_t *entry, uint32_t count);
bool page_set_some(uint32_t owner, uint64_t address, const uint32_t *entry, uint32_t count);
/* Calls visit(owner, address, entry, argument) for each recorded page in [start, end), in no order. It answers the new
 * entry; one that became 0 is no longer counted. */
typedef uint32_t page_visitor(uint32_t owner, uint64_t address, uint32_t entry, void *argument);
void page_walk(uint32_t owner, uint64_t start, uint64_t end, page_visitor *visit, void *argument);
/* Takes away all records in [start, end), and a reference of each frame. The addresses of the first and the last page
 * there were; SPAN[1] is 0 when there was none. */
void page_clear(struct space *space, uint64_t start, uint64_t end, uint64_t span[2]);
bool page_any(uint32_t owner, uint64_t start, uint64_t end); /* may answer true for an empty range */
/* fork: gives TO the records of FROM in [start, end), each with a reference of its own, and takes the right to write
 * from both. Calls visit(first address, pages, argument) for each run that holds them. false: no leaf left. */
typedef void range_visitor(uint64_t address, uint64_t pages, void *argument);
bool page_copy(uint32_t from, uint32_t to, uint64_t start, uint64_t end, range_visitor *visit, void *argument);
void page_release_all(uint32_t owner);
uint32_t page_count(uint32_t owner);

/* vma.c: lists of mappings; no page is touched. */
struct vma *vma_find(const struct space *space, uint64_t address);  /* that contains address, or NULL */
struct vma *vma_after(const struct space *space, uint64_t address); /* first with end > address, or NULL */
struct vma *vma_next(const struct vma *vma);
bool vma_overlaps(const struct space *space, uint64_t start, uint64_t end);
/* Highest gap of SIZE bytes below TOP; 0 when there is none. */
uint64_t vma_gap(const struct space *space, uint64_t size, uint64_t top);
/* Inserts a copy of *model into a free range; merges with neighbours that continue it. false: no record left. */
bool vma_insert(struct space *space, const struct vma *model);
/* Cuts [start, end) out of the list, splitting. false: no record left, nothing changed. */
bool vma_remove(struct space *space, uint64_t start, uint64_t end);
/* Sets the access bits in [start, end). */
bool vma_protect(struct space *space, uint64_t start, uint64_t end, uint32_t access);
bool vma_covers(const struct space *space, uint64_t start, uint64_t end);
void vma_remove_all(struct space *space);
bool vma_copy_all(struct space *to, const struct space *from);
uint32_t vma_available(void);

/* space.c */
static inline struct space *space_at(uint32_t index) { return &home_a()->space[index]; }
static inline uint32_t space_index(const struct space *space) { return space - home_a()->space; }
static inline struct space *space_current(const struct zog_call *call) { return space_at(process_current(call)->space); }
/* A fresh space for execve or fork, committed, empty; the thread's old one under construction is thrown away first.
 * NULL: no slot. */
struct space *space_begin(struct thread *thread);
void space_discard(struct thread *thread);
void space_leave(struct space *space); /* one user less; the last one makes it DEAD */
void space_reap(void);                 /* gives DEAD spaces back; at entry, before anything else */
/* Unmaps [start, end): records, page tables, references. Commits in between when it is long. */
void space_unmap_pages(struct space *space, uint64_t start, uint64_t end);
void space_unmap_now(struct space *space, uint64_t start, uint64_t end); /* the same, without a commit: at most twice in a call */
void page_note_written(const struct space *space, uint64_t address, uint32_t entry);
bool space_fork(struct space *child, struct space *parent); /* pages shared copy-on-write; commits in between */

/* fault.c */
enum page_access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4 };
/* Makes the page at ADDRESS usable for ACCESS: stages its mapping. 0; SYS_WAIT; -EFAULT (no mapping, or it forbids
 * that); -ENXIO (past the end of the file); -ENOMEM. */
int64_t page_in(struct zog_call *call, struct space *space, uint64_t address, uint32_t access);

/* object (page.c) */
uint32_t object_create(void); /* index + 1, 0: none left */
void object_reference(uint32_t object);
void object_release(uint32_t object);

#endif
