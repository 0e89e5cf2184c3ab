/* mmap and its family (mmap(2), mprotect(2), mremap(2), brk(2)). Handlers check everything, then change the list of
 * mappings, the page records and the page tables in this order: pages go before their mapping's record. */
#include "task.h"
#include "file.h"

enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3, MAP_TYPE = 15, MAP_FIXED = 16, MAP_ANONYMOUS = 32,
	MAP_FIXED_NOREPLACE = 0x100000, PROT_ALL = 7, PROT_GROWS = 0x03000000 };
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };
enum { MADV_DONTNEED = 4, MADV_FREE = 8, MADV_LAST_PLAIN = 25 };
enum { ACCESS_MODE = 3, OPEN_READ_ONLY = 0, OPEN_WRITE_ONLY = 1, OPEN_READ_WRITE = 2 };

static bool range_is_valid(uint64_t address, uint64_t size)
{
	return address % ZOG_PAGE_SIZE == 0 && size && address < USER_END && size <= USER_END - address;
}

static int64_t range_unmap(struct space *space, uint64_t start, uint64_t end)
{
	if (!vma_overlaps(space, start, end))
		return 0;
	space_unmap_pages(space, start, end);
	return vma_remove(space, start, end) ? 0 : -ENOMEM;
}

struct map_request {
	uint64_t address, size, offset;
	uint32_t access, flags;
	int32_t fd;
};

static int64_t map_check(struct map_request *request)
{
	uint32_t type = request->flags & MAP_TYPE;

	if (request->size == 0 || request->size > USER_END || request->offset % ZOG_PAGE_SIZE)
		return -EINVAL;
	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	request->size = page_up(request->size);
	if ((request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && request->address % ZOG_PAGE_SIZE)
		return -EINVAL;
	if ((request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && !range_is_valid(request->address, request->size))
		return -ENOMEM;
	return 0;
}

static int64_t map_file(struct zog_call *call, const struct map_request *request, struct vma *model)
{
	struct file *file = file_get(process_current(call), request->fd);
	uint32_t mode;

	if (!file)
		return -EBADF;
	model->node = file_node(file);
	if (!model->node)
		return -ENODEV;
	mode = file_mode_flags(file) & ACCESS_MODE;
	if (mode == OPEN_WRITE_ONLY)
		return -EACCES;
	if ((model->flags & VMA_SHARED) && (model->flags & VMA_WRITE) && mode != OPEN_READ_WRITE)
		return -EACCES;
	model->node_page = request->offset >> ZOG_PAGE_SHIFT;
	return 0;
}

/* Where it goes: 0 when there is no room, an address otherwise. */
static int64_t map_place(struct space *space, const struct map_request *request)
{
	uint64_t hint = page_up(request->address), found;

	if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if ((request->flags & MAP_FIXED_NOREPLACE) &&
		    vma_overlaps(space, request->address, request->address + request->size))
			return -EEXIST;
		return request->address;
	}
	if (hint >= USER_MIN && range_is_valid(hint, request->size) && !vma_overlaps(space, hint, hint + request->size))
		return hint;
	found = vma_gap(space, request->size, space->mmap_top);
	return found ? (int64_t)found : -ENOMEM;
}

static int64_t map_do(struct space *space, struct vma *model)
{
	int64_t error = range_unmap(space, model->start, model->end);

	if (error)
		return error;
	if ((model->flags & VMA_SHARED) && !model->node) {
		model->object = object_create();
		if (!model->object)
			return -ENOMEM;
	}
	if (!vma_insert(space, model))
		error = -ENOMEM;
	if (model->object)
		object_release(model->object); /* the mapping has its own reference */
	return error ? error : (int64_t)model->start;
}

int64_t sys_mmap(struct zog_call *call, const uint64_t arg[6])
{
	struct map_request request = { .address = arg[0], .size = arg[1], .access = arg[2] & PROT_ALL, .flags = arg[3],
				       .fd = arg[4], .offset = arg[5] };
	struct space *space = space_current(call);
	struct vma model = { .flags = request.access };
	int64_t error = map_check(&request), place;

	if (error)
		return error;
	if ((request.flags & MAP_TYPE) != MAP_PRIVATE)
		model.flags |= VMA_SHARED;
	if (!(request.flags & MAP_ANONYMOUS))
		error = map_file(call, &request, &model);
	if (error)
		return error;
	place = map_place(space, &request);
	if (place < 0)
		return place;
	model.start = place;
	model.end = place + request.size;
	return map_do(space, &model);
}

int64_t sys_munmap(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t size = page_up(arg[1]);

	if (arg[1] > USER_END || !range_is_valid(arg[0], size))
		return -EINVAL;
	return range_unmap(space_current(call), arg[0], arg[0] + size);
}

/* --- mprotect ------------------------------------------------------------------------------------------------------- */

static uint32_t page_read_only(uint32_t owner, uint64_t address, uint32_t entry, void *argument)
{
	(void)owner;
	page_note_written(argument, address, entry);
	return entry & ~PAGE_WRITABLE;
}

#define PROTECT_PAGES 4096ul    /* in one transaction */
#define PROTECT_PIECES 64u     /* in one call; of more the pages are unmapped, and come back by page faults */

/* In between, what is behind the piece has its old rights yet: the call is not over. Made again, it goes over all of it. */
static void pages_protect(uint32_t space, uint64_t start, uint64_t end, uint64_t flags)
{
	uint64_t pages = (end - start) >> ZOG_PAGE_SHIFT, part;

	if (pages > PROTECT_PIECES * PROTECT_PAGES) {
		rt_stage(ZOG_OP_UNMAP, space, start, pages, 0, 0, 0);
		return;
	}
	for (; pages > 0; pages -= part, start += part << ZOG_PAGE_SHIFT) {
		part = pages < PROTECT_PAGES ? pages : PROTECT_PAGES;
		rt_stage(ZOG_OP_PROTECT, space, start, part, flags, 0, 0);
		if (pages > part)
			rt_commit();
	}
}

/* Writable again only by a page fault, which knows who shares the frame. */
static void range_protect(struct space *space, uint64_t start, uint64_t end, uint32_t access)
{
	uint64_t flags = access & (VMA_READ | VMA_EXECUTE);

	if (!page_any(space_index(space), start, end))
		return;
	if (access)
		flags |= ZOG_MAP_READ;
	page_walk(space_index(space), start, end, page_read_only, space);
	pages_protect(space_index(space), start, end, flags);
}

int64_t sys_mprotect(struct zog_call *call, const uint64_t arg[6])
{
	struct space *space = space_current(call);
	uint64_t size = page_up(arg[1]);

	if (arg[0] % ZOG_PAGE_SIZE || arg[2] & ~(uint64_t)(PROT_ALL | PROT_GROWS))
		return -EINVAL;
	if (size == 0)
		return 0;
	if (arg[1] > USER_END || !range_is_valid(arg[0], size) || !vma_covers(space, arg[0], arg[0] + size))
		return -ENOMEM;
	if (!vma_protect(space, arg[0], arg[0] + size, arg[2] & PROT_ALL))
		return -ENOMEM;
	range_protect(space, arg[0], arg[0] + size, arg[2] & PROT_ALL);
	return 0;
}

/* --- brk -------------------------------------------------------------------------------------------------------------- */

static bool brk_grow(struct space *space, uint64_t old_end, uint64_t new_end)
{
	struct vma model = { .start = old_end, .end = new_end, .flags = VMA_READ | VMA_WRITE | VMA_HEAP };

	if (new_end > space->mmap_top || vma_overlaps(space, old_end, new_end))
		return false;
	return vma_insert(space, &model);
}

int64_t sys_brk(struct zog_call *call, const uint64_t arg[6])
{
	struct space *space = space_current(call);
	uint64_t old_end = page_up(space->brk), new_end = page_up(arg[0]);

	if (arg[0] < space->brk_start || arg[0] >= USER_END)
		return space->brk;
	if (new_end > old_end && !brk_grow(space, old_end, new_end))
		return space->brk;
	if (new_end < old_end && range_unmap(space, new_end, old_end))
		return space->brk;
	space->brk = arg[0];
	return arg[0];
}

/* --- mremap ----------------------------------------------------------------------------------------------------------- */

struct move_walk {
	struct space *space;
	uint64_t distance;
	bool failed;
};

static uint32_t page_copy_record(uint32_t owner, uint64_t address, uint32_t entry, void *argument)
{
	struct move_walk *walk = argument;

	page_note_written(walk->space, address, entry);
	if (!walk->failed && !page_set(owner, address + walk->distance, entry & ~PAGE_WRITABLE))
		walk->failed = true;
	return entry;
}

static uint32_t page_forget(uint32_t owner, uint64_t address, uint32_t entry, void *argument)
{
	(void)owner, (void)address, (void)entry, (void)argument;
	return 0;
}

/* The records move with their references; page faults map them at the new place. */
static bool pages_move(struct space *space, uint64_t from, uint64_t to, uint64_t size)
{
	struct move_walk walk = { space, to - from, false };

	page_walk(space_index(space), from, from + size, page_copy_record, &walk);
	page_walk(space_index(space), walk.failed ? to : from, (walk.failed ? to : from) + size, page_forget, NULL);
	if (!walk.failed)
		rt_stage(ZOG_OP_UNMAP, space_index(space), from, size >> ZOG_PAGE_SHIFT, 0, 0, 0);
	return !walk.failed;
}

static int64_t remap_move(struct space *space, const struct vma *vma, uint64_t address, uint64_t old_size,
			  uint64_t new_size, uint64_t to)
{
	struct vma model = *vma;

	model.start = to;
	model.end = to + new_size;
	if (model.node || model.object)
		model.node_page += (address - vma->start) >> ZOG_PAGE_SHIFT;
	if (!vma_insert(space, &model))
		return -ENOMEM;
	if (!pages_move(space, address, to, old_size < new_size ? old_size : new_size)) {
		vma_remove(space, to, to + new_size);
		return -ENOMEM;
	}
	if (old_size > new_size)
		space_unmap_now(space, address + new_size, address + old_size);
	return vma_remove(space, address, address + old_size) ? (int64_t)to : -ENOMEM;
}

static int64_t remap_fixed(struct space *space, uint64_t address, uint64_t old_size, uint64_t new_size, uint64_t to)
{
	const struct vma *vma;
	int64_t error;

	if (!range_is_valid(to, new_size) || (to < address + old_size && address < to + new_size))
		return -EINVAL;
	error = range_unmap(space, to, to + new_size);
	if (error)
		return error;
	vma = vma_find(space, address);
	return vma ? remap_move(space, vma, address, old_size, new_size, to) : -EFAULT;
}

static bool remap_grow(struct space *space, const struct vma *vma, uint64_t address, uint64_t old_size, uint64_t new_size)
{
	struct vma model = *vma;

	if (vma->end != address + old_size || address + new_size > USER_END ||
	    vma_overlaps(space, address + old_size, address + new_size))
		return false;
	model.start = address + old_size;
	model.end = address + new_size;
	if (model.node || model.object)
		model.node_page += (model.start - vma->start) >> ZOG_PAGE_SHIFT;
	return vma_insert(space, &model);
}

int64_t sys_mremap(struct zog_call *call, const uint64_t arg[6])
{
	struct space *space = space_current(call);
	uint64_t address = arg[0], old_size = page_up(arg[1]), new_size = page_up(arg[2]), to;
	const struct vma *vma = vma_find(space, address);

	if (arg[1] > USER_END || arg[2] > USER_END || !range_is_valid(address, old_size) || !range_is_valid(address, new_size))
		return -EINVAL;
	if (arg[3] & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED) || arg[3] == MREMAP_FIXED)
		return -EINVAL;
	if (!vma || vma->end < address + old_size)
		return -EFAULT;
	if (arg[3] & MREMAP_FIXED)
		return remap_fixed(space, address, old_size, new_size, arg[4]);
	if (new_size <= old_size)
		return new_size == old_size || range_unmap(space, address + new_size, address + old_size) == 0 ? (int64_t)address : -ENOMEM;
	if (remap_grow(space, vma, address, old_size, new_size))
		return address;
	if (!(arg[3] & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = vma_gap(space, new_size, space->mmap_top);
	return to ? remap_move(space, vma, address, old_size, new_size, to) : -ENOMEM;
}

/* --- madvise, msync ------------------------------------------------------------------------------------------------- */

/* Only DONTNEED changes what a program sees: private pages come back as zeros or from the file. FREE may do nothing. */
int64_t sys_madvise(struct zog_call *call, const uint64_t arg[6])
{
	struct space *space = space_current(call);
	uint64_t size = page_up(arg[1]);

	if (arg[0] % ZOG_PAGE_SIZE || arg[1] > USER_END || arg[2] > MADV_LAST_PLAIN)
		return -EINVAL;
	if (size == 0)
		return 0;
	if (!range_is_valid(arg[0], size) || !vma_covers(space, arg[0], arg[0] + size))
		return -ENOMEM;
	if (arg[2] == MADV_DONTNEED)
		space_unmap_pages(space, arg[0], arg[0] + size);
	return 0;
}

static uint32_t page_mark_dirty(uint32_t owner, uint64_t address, uint32_t entry, void *argument)
{
	(void)owner;
	page_note_written(argument, address, entry);
	return entry;
}

/* Pages written through the mapping count as dirty again; write-back follows soon. MS_SYNC does not wait for it. */
int64_t sys_msync(struct zog_call *call, const uint64_t arg[6])
{
	struct space *space = space_current(call);
	uint64_t start = arg[0], end = start + page_up(arg[1]);

	if (start % ZOG_PAGE_SIZE || arg[2] & ~7ul || (arg[2] & 5) == 5)
		return -EINVAL;
	if (arg[1] == 0)
		return 0;
	if (arg[1] > USER_END || !range_is_valid(start, end - start) || !vma_covers(space, start, end))
		return -ENOMEM;
	page_walk(space_index(space), start, end, page_mark_dirty, space);
	rt_notify(EVENT_WRITE_BACK, 0);
	return 0;
}
