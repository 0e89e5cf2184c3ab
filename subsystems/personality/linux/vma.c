/* Lists of mappings: one for each space, sorted by address, without overlaps. Nothing here touches pages.
 *
 * Operations that can run out of records (a cut in the middle needs one more) check that first, so that they either
 * do everything or change nothing. */
#include "memory.h"

static struct vma *vma_at(uint32_t index) { return index ? &home_a()->vma[index - 1] : NULL; }
static uint32_t vma_index(const struct vma *vma) { return vma ? vma - home_a()->vma + 1 : 0; }
struct vma *vma_next(const struct vma *vma) { return vma_at(vma->next); }

uint32_t vma_available(void)
{
	struct process_home *home = home_a();

	return home->vma_free ? 1 : VMA_MAX - home->vma_used; /* one more cannot be promised of the free list */
}

static struct vma *vma_allocate(void)
{
	struct process_home *home = home_a();
	struct vma *vma = vma_at(home->vma_free);

	if (vma)
		home->vma_free = vma->next;
	else if (home->vma_used < VMA_MAX)
		vma = &home->vma[home->vma_used++];
	return vma;
}

static void vma_hold(const struct vma *vma)
{
	if (vma->node)
		node_reference(vma->node);
	if (vma->object)
		object_reference(vma->object);
}

static void vma_let_go(const struct vma *vma)
{
	if (vma->node)
		node_release(vma->node);
	if (vma->object)
		object_release(vma->object);
}

static void vma_link(struct space *space, struct vma *vma, struct vma *after)
{
	uint32_t next = after ? after->next : space->vma_first;

	vma->next = next;
	vma->previous = vma_index(after);
	if (next)
		vma_at(next)->previous = vma_index(vma);
	if (after)
		after->next = vma_index(vma);
	else
		space->vma_first = vma_index(vma);
	space->vma_count++;
}

static void vma_free(struct space *space, struct vma *vma)
{
	struct process_home *home = home_a();

	if (vma->next)
		vma_at(vma->next)->previous = vma->previous;
	if (vma->previous)
		vma_at(vma->previous)->next = vma->next;
	else
		space->vma_first = vma->next;
	space->vma_count--;
	vma_let_go(vma);
	vma->next = home->vma_free;
	home->vma_free = vma_index(vma);
}

struct vma *vma_after(const struct space *space, uint64_t address)
{
	struct vma *vma = vma_at(space->vma_first);

	while (vma && vma->end <= address)
		vma = vma_at(vma->next);
	return vma;
}

struct vma *vma_find(const struct space *space, uint64_t address)
{
	struct vma *vma = vma_after(space, address);

	return vma && vma->start <= address ? vma : NULL;
}

bool vma_overlaps(const struct space *space, uint64_t start, uint64_t end)
{
	const struct vma *vma = vma_after(space, start);

	return vma && vma->start < end;
}

uint64_t vma_gap(const struct space *space, uint64_t size, uint64_t top)
{
	uint64_t best = 0, low = USER_MIN;

	for (const struct vma *vma = vma_at(space->vma_first);; vma = vma_next(vma)) {
		uint64_t high = !vma || vma->start > top ? top : vma->start;

		if (high > low && high - low >= size)
			best = high - size;
		if (!vma || vma->start >= top)
			return best;
		if (vma->end > low)
			low = vma->end;
	}
}

static bool vma_continues(const struct vma *low, const struct vma *high)
{
	return low && high && low->end == high->start && low->flags == high->flags && low->node == high->node &&
	       low->object == high->object && !(low->flags & VMA_GROWS_DOWN) &&
	       ((!low->node && !low->object) ||
		low->node_page + ((low->end - low->start) >> ZOG_PAGE_SHIFT) == high->node_page);
}

static struct vma *vma_before(const struct space *space, uint64_t address)
{
	struct vma *before = NULL;

	for (struct vma *vma = vma_at(space->vma_first); vma && vma->start < address; vma = vma_at(vma->next))
		before = vma;
	return before;
}

static void vma_merge(struct space *space, struct vma *low, struct vma *high)
{
	if (!vma_continues(low, high))
		return;
	low->end = high->end;
	vma_free(space, high);
}

bool vma_insert(struct space *space, const struct vma *model)
{
	struct vma *before = vma_before(space, model->start), *vma = vma_allocate();

	if (!vma)
		return false;
	*vma = *model;
	vma_hold(vma);
	vma_link(space, vma, before);
	vma_merge(space, vma, vma_next(vma));
	if (before)
		vma_merge(space, before, vma);
	return true;
}

/* Cuts at ADDRESS, which lies inside VMA: it keeps the lower part, a new record gets the upper. */
static bool vma_split(struct space *space, struct vma *vma, uint64_t address)
{
	struct vma *upper = vma_allocate();

	if (!upper)
		return false;
	*upper = *vma;
	upper->start = address;
	if (upper->node || upper->object)
		upper->node_page += (address - vma->start) >> ZOG_PAGE_SHIFT;
	vma_hold(upper);
	vma->end = address;
	vma_link(space, upper, vma);
	return true;
}

/* Makes START and END boundaries between records. Splitting alone changes nothing that a program can see. */
static bool vma_cut(struct space *space, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_find(space, start);

	if (vma && vma->start < start && !vma_split(space, vma, start))
		return false;
	vma = vma_find(space, end - 1);
	return !vma || vma->end == end || vma_split(space, vma, end);
}

bool vma_remove(struct space *space, uint64_t start, uint64_t end)
{
	struct vma *vma, *next;

	if (!vma_cut(space, start, end))
		return false;
	for (vma = vma_after(space, start); vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		vma_free(space, vma);
	}
	return true;
}

bool vma_protect(struct space *space, uint64_t start, uint64_t end, uint32_t access)
{
	struct vma *vma, *next;

	if (!vma_cut(space, start, end))
		return false;
	for (vma = vma_after(space, start); vma && vma->start < end; vma = vma_next(vma))
		vma->flags = (vma->flags & ~7u) | access;
	vma = vma_before(space, start);
	if (!vma)
		vma = vma_at(space->vma_first);
	for (; vma && (next = vma_next(vma)) && vma->end <= end; ) {
		if (vma_continues(vma, next))
			vma_merge(space, vma, next);
		else
			vma = next;
	}
	return true;
}

bool vma_covers(const struct space *space, uint64_t start, uint64_t end)
{
	const struct vma *vma = vma_find(space, start);

	while (vma && vma->start <= start && vma->end < end) {
		start = vma->end;
		vma = vma_next(vma);
	}
	return vma && vma->start <= start;
}

/* The list goes to the free ones as it is: its links need no store each. */
void vma_remove_all(struct space *space)
{
	struct process_home *home = home_a();
	struct vma *vma = vma_at(space->vma_first), *last = NULL;

	for (; vma; vma = vma_next(vma)) {
		vma_let_go(vma);
		last = vma;
	}
	if (!last)
		return;
	last->next = home->vma_free;
	home->vma_free = space->vma_first;
	space->vma_first = 0;
	space->vma_count = 0;
}

bool vma_copy_all(struct space *to, const struct space *from)
{
	struct vma *last = NULL;

	for (const struct vma *vma = vma_at(from->vma_first); vma; vma = vma_next(vma)) {
		struct vma *copy = vma_allocate(), model = *vma;

		if (!copy)
			return false;
		model.next = 0;
		model.previous = vma_index(last);
		*copy = model;
		vma_hold(copy);
		if (last)
			last->next = vma_index(copy);
		else
			to->vma_first = vma_index(copy);
		last = copy;
	}
	to->vma_count = from->vma_count;
	return true;
}
