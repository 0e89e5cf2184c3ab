/* Address spaces: building, sharing, copying for fork, giving back. See process.h for their life. */
#include "memory.h"

/* Staged so far: time to commit before staging more. Of steps, four operations as dear as any here fit in one transaction. */
enum { OPS_HIGH = ZOG_TXN_OP_MAX - 64, STEPS_HIGH = ZOG_TXN_WORK_MAX / 2 };

static uint32_t steps; /* scratch: of operations over pages in this transaction, as abi/zog/core.h counts them */

static void steps_add(uint64_t count)
{
	steps = rt_staged_count() == 1 ? (uint32_t)count : steps + (uint32_t)count;
}

static void commit_when_high(void)
{
	if (rt_staged_count() > OPS_HIGH || steps > STEPS_HIGH)
		rt_commit();
}

/* A writable page of a shared file mapping may have been written through it since the last write-back. */
void page_note_written(const struct space *space, uint64_t address, uint32_t entry)
{
	const struct vma *vma;

	if ((entry & (PAGE_CACHE | PAGE_WRITABLE)) != (PAGE_CACHE | PAGE_WRITABLE))
		return;
	vma = vma_find(space, address);
	if (vma && vma->node)
		cache_page_dirty(vma->node, vma->node_page + ((address - vma->start) >> ZOG_PAGE_SHIFT));
}

/* Gives everything of a space back, except its record. */
static void space_release(struct space *space)
{
	uint64_t span[2];

	for (const struct vma *vma = vma_after(space, 0); vma; vma = vma_next(vma))
		if ((vma->flags & VMA_SHARED) && vma->node)
			page_clear(space, vma->start, vma->end, span);
	page_release_all(space_index(space));
	vma_remove_all(space);
}

static void space_destroy(struct space *space)
{
	space_release(space);
	rt_stage(ZOG_OP_SPACE_DESTROY, space_index(space), 0, 0, 0, 0, 0);
	memset(space, 0, sizeof(*space));
}

struct space *space_begin(struct thread *thread)
{
	struct process_home *home = home_a();

	space_discard(thread);
	for (uint32_t i = 0; i < SPACE_MAX; i++) {
		struct space *space = &home->space[i];

		if (space->state != STATE_FREE)
			continue;
		space->state = STATE_EMPTY;
		space->mmap_top = MMAP_TOP;
		thread->building = i + 1;
		rt_stage(ZOG_OP_SPACE_CREATE, i, 0, 0, 0, 0, 0);
		rt_commit();
		return space;
	}
	return NULL;
}

/* A core slot that has just been given back is created again only in a later transaction. */
void space_discard(struct thread *thread)
{
	if (!thread->building)
		return;
	space_destroy(space_at(thread->building - 1));
	thread->building = 0;
	rt_commit();
}

void space_leave(struct space *space)
{
	rt_assert(space->users > 0);
	if (--space->users)
		return;
	space->state = STATE_DEAD;
	home_a()->reap_count++;
}

void space_reap(void)
{
	struct process_home *home = home_a();

	for (uint32_t i = 0; i < SPACE_MAX && home->reap_count; i++)
		if (home->space[i].state == STATE_DEAD) {
			space_destroy(&home->space[i]);
			home->reap_count--;
			rt_commit();
		}
}

/* Only the part that holds pages goes to the core. */
void space_unmap_now(struct space *space, uint64_t start, uint64_t end)
{
	uint64_t span[2], pages;

	page_clear(space, start, end, span);
	if (span[1] == 0)
		return;
	pages = (span[1] - span[0]) / ZOG_PAGE_SIZE + 1;
	rt_stage(ZOG_OP_UNMAP, space_index(space), span[0], pages, 0, 0, 0);
	steps_add(pages <= ZOG_TXN_UNMAP_PAGES ? pages : ZOG_TXN_UNMAP_EDGES);
}

void space_unmap_pages(struct space *space, uint64_t start, uint64_t end)
{
	space_unmap_now(space, start, end);
	commit_when_high();
}

/* --- fork -------------------------------------------------------------------------------------------------- */

struct fork_walk {
	struct space *from, *to;
};

/* The parent's pages lose their writable bit in the same transaction in which the core makes them read-only. */
static void range_fork(uint64_t address, uint64_t pages, void *argument)
{
	const struct fork_walk *walk = argument;

	rt_stage(ZOG_OP_CLONE_RANGE, space_index(walk->from), space_index(walk->to), address, pages, 0, 0);
	steps_add(2 * pages);
	commit_when_high();
}

/* Pages of shared mappings are not copied: the child finds them again by page faults. */
bool space_fork(struct space *child, struct space *parent)
{
	struct fork_walk walk = { parent, child };
	bool is_complete = true;

	if (!vma_copy_all(child, parent))
		return false;
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
	child->mmap_top = parent->mmap_top;
	child->stack_low = parent->stack_low;
	for (const struct vma *vma = vma_after(parent, 0); vma && is_complete; vma = vma_next(vma))
		if (!(vma->flags & VMA_SHARED))
			is_complete = page_copy(space_index(parent), space_index(child), vma->start, vma->end, range_fork, &walk);
	return is_complete;
}
