/* Bringing pages of programs in: page faults and copies that met an absent page.
 *
 * A record says which frame a page holds; the mapping that is staged from it may be less than the mapping's rights:
 * a private page is mapped writable only while its frame has no other user, a page of a shared file only after it was
 * marked dirty. Reading a file page may take several issues of the call (SYS_WAIT); nothing is recorded before. */
#include "memory.h"
#include "process.h"

enum { AROUND_PAGES = 16, AHEAD_PAGES = 16 };
#define MEMORY_WAIT_NS 500000000ul

struct page_request {
	struct zog_call *call;
	struct space *space;
	const struct vma *vma;
	uint64_t address; /* of the page */
	uint32_t access;
};

static bool vma_allows(const struct vma *vma, uint32_t access)
{
	if (access & ACCESS_WRITE)
		return vma->flags & VMA_WRITE;
	if (access & ACCESS_EXECUTE)
		return vma->flags & VMA_EXECUTE;
	return vma->flags & (VMA_READ | VMA_WRITE | VMA_EXECUTE); /* x86 cannot withhold reading alone */
}

static uint64_t vma_node_page(const struct vma *vma, uint64_t address)
{
	return vma->node_page + ((address - vma->start) >> ZOG_PAGE_SHIFT);
}

static void page_stage_map(const struct page_request *request, uint64_t address, uint32_t entry)
{
	uint64_t flags = request->vma->flags & (ZOG_MAP_READ | ZOG_MAP_EXECUTE);

	flags |= entry & PAGE_WRITABLE ? ZOG_MAP_READ | ZOG_MAP_WRITE : ZOG_MAP_READ;
	rt_stage(ZOG_OP_MAP, space_index(request->space), address, entry & PAGE_FRAME, flags, 0, 0);
}

static int64_t page_zeroed(uint32_t *entry_out)
{
	uint64_t frame = frame_allocate();

	if (!frame)
		return -ENOMEM;
	rt_stage(ZOG_OP_FRAME_ZERO, 0, frame, 0, 0, 0, 0);
	*entry_out = frame;
	return 0;
}

/* The object's page, with a reference for the mapping. */
static int64_t page_of_object(const struct page_request *request, uint32_t *entry_out)
{
	uint32_t owner = SPACE_MAX + request->vma->object - 1;
	uint64_t place = vma_node_page(request->vma, request->address) << ZOG_PAGE_SHIFT;
	uint32_t entry = page_get(owner, place);
	int64_t error;

	if (!entry) {
		error = page_zeroed(&entry);
		if (error)
			return error;
		if (!page_set(owner, place, entry)) {
			frame_release(entry);
			return -ENOMEM;
		}
	}
	frame_reference(entry);
	*entry_out = entry;
	return 0;
}

static int64_t page_of_file(const struct page_request *request, uint32_t *entry_out)
{
	uint64_t frame;
	int64_t error = cache_page(request->call, request->vma->node,
				   vma_node_page(request->vma, request->address), &frame);

	if (error)
		return error;
	frame_reference(frame);
	*entry_out = frame | (request->vma->flags & VMA_SHARED ? PAGE_CACHE : 0);
	return 0;
}

/* An absent page's frame, with a reference for this mapping. */
static int64_t page_fetch(const struct page_request *request, uint32_t *entry_out)
{
	if (request->vma->node)
		return page_of_file(request, entry_out);
	if (request->vma->object)
		return page_of_object(request, entry_out);
	return page_zeroed(entry_out);
}

static int64_t frame_copy(uint64_t from, uint64_t *to_out)
{
	struct zog_copy copy = { .kind = ZOG_COPY_FRAME_TO_FRAME, .frame = from, .length = ZOG_PAGE_SIZE };
	uint64_t to = frame_allocate();

	if (!to)
		return -ENOMEM;
	copy.address = to;
	rt_assert(rt_copy(&copy) == ZOG_OK);
	*to_out = to;
	return 0;
}

/* Decides how far a page may be mapped writable now, breaking copy-on-write where the access asks for it. */
static int64_t page_settle(const struct page_request *request, uint32_t *entry)
{
	const struct vma *vma = request->vma;
	uint64_t frame = *entry & PAGE_FRAME, copy;
	int64_t error;

	if (!(vma->flags & VMA_WRITE))
		return 0;
	if (vma->flags & VMA_SHARED) {
		if (vma->node && !(request->access & ACCESS_WRITE))
			return 0;
		if (vma->node)
			cache_page_dirty(vma->node, vma_node_page(vma, request->address));
		*entry |= PAGE_WRITABLE;
		return 0;
	}
	if (frame_references(frame) == 1) {
		*entry = frame | PAGE_WRITABLE;
		return 0;
	}
	if (!(request->access & ACCESS_WRITE))
		return 0;
	error = frame_copy(frame, &copy);
	if (error)
		return error;
	frame_release(frame);
	*entry = copy | PAGE_WRITABLE;
	return 0;
}

/* References of frames, as few stores as their numbers allow, and mappings staged, for the entries named by WHICH. */
static void entries_map(const struct page_request *request, uint64_t address, const uint32_t *entry, uint32_t which)
{
	struct frame_run run = { 0, 0 };

	for (uint32_t i = 0; which >> i; i++) {
		if (!(which >> i & 1))
			continue;
		page_stage_map(request, address + i * ZOG_PAGE_SIZE, entry[i]);
		if (!frame_run_extend(&run, entry[i] & PAGE_FRAME)) {
			frame_run_reference(run);
			run = (struct frame_run){ entry[i] & PAGE_FRAME, 1 };
		}
	}
	frame_run_reference(run);
}

/* Records ENTRY, whose reference is counted, and with it pages of the file near by, as far as they are in the cache: most
 * will be needed soon. false: no leaf left, nothing recorded. */
static bool page_around(const struct page_request *request, uint32_t own)
{
	const struct vma *vma = request->vma;
	uint64_t window = AROUND_PAGES * ZOG_PAGE_SIZE, start = request->address & ~(window - 1), end = start + window;
	uint32_t entry[AROUND_PAGES], shared = vma->flags & VMA_SHARED ? PAGE_CACHE : 0, count, place, found = 0;

	start = start > vma->start ? start : vma->start;
	end = end < vma->end ? end : vma->end;
	count = (end - start) >> ZOG_PAGE_SHIFT;
	place = (request->address - start) >> ZOG_PAGE_SHIFT;
	page_get_some(space_index(request->space), start, entry, count);
	entry[place] = own;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t frame = entry[i] ? 0 : cache_page_peek(vma->node, vma_node_page(vma, start + i * ZOG_PAGE_SIZE));

		if (!frame)
			continue;
		entry[i] = frame | shared;
		found |= 1u << i;
	}
	if (!page_set_some(space_index(request->space), start, entry, count))
		return false;
	page_stage_map(request, request->address, own);
	entries_map(request, start, entry, found);
	return true;
}

/* A program that walks through fresh memory upwards gets as many pages more as it has touched in a row, up to 16. */
static uint64_t ahead_count(const struct page_request *request)
{
	uint32_t owner = space_index(request->space);
	uint64_t count = 0;

	for (uint64_t run = 1; run <= AHEAD_PAGES; run *= 2) {
		uint64_t distance = run * ZOG_PAGE_SIZE;

		if (request->address < request->vma->start + distance || !page_get(owner, request->address - distance))
			break;
		count = run;
	}
	return frame_free_count() > frame_total_count() / 8 ? count : 0;
}

/* How many pages from this one on are absent, up to COUNT; not beyond the mapping, nor beyond the leaf. */
static uint32_t absent_count(const struct page_request *request, uint64_t count)
{
	uint64_t room = LEAF_PAGES - (request->address >> ZOG_PAGE_SHIFT) % LEAF_PAGES;
	uint32_t entry[AHEAD_PAGES], absent = 1;

	count = count < room ? count : room;
	room = (request->vma->end - request->address) >> ZOG_PAGE_SHIFT;
	count = count < room ? count : room;
	page_get_some(space_index(request->space), request->address, entry, count);
	while (absent < count && !entry[absent])
		absent++;
	return absent;
}

/* Records ENTRY, whose reference is counted, and with it pages behind it. false: no leaf left, nothing recorded. */
static bool page_ahead(const struct page_request *request, uint32_t own)
{
	uint32_t entry[AHEAD_PAGES], writable = request->vma->flags & VMA_WRITE ? PAGE_WRITABLE : 0, count = 1;
	uint64_t frame[AHEAD_PAGES], ahead = ahead_count(request);

	entry[0] = own;
	if (ahead > 1)
		count += frame_allocate_some(&frame[1], absent_count(request, ahead) - 1);
	for (uint32_t i = 1; i < count; i++)
		entry[i] = frame[i] | writable;
	if (!page_set_some(space_index(request->space), request->address, entry, count)) {
		while (--count > 0)
			frame_release(frame[count]);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			rt_stage(ZOG_OP_FRAME_ZERO, 0, frame[i], 0, 0, 0, 0);
		page_stage_map(request, request->address + i * ZOG_PAGE_SIZE, entry[i]);
	}
	return true;
}

static bool page_record(const struct page_request *request, uint32_t entry, bool is_new)
{
	if (is_new && request->vma->node)
		return page_around(request, entry);
	if (is_new && !request->vma->object)
		return page_ahead(request, entry);
	if (!page_set(space_index(request->space), request->address, entry))
		return false;
	page_stage_map(request, request->address, entry);
	return true;
}

static int64_t page_complete(const struct page_request *request, uint32_t entry, bool is_new)
{
	int64_t error = page_settle(request, &entry);

	if (!error && !page_record(request, entry, is_new))
		error = -ENOMEM;
	if (error && is_new)
		frame_release(entry & PAGE_FRAME);
	return error;
}

/* Dirty pages hold the memory: it comes back when they are written. The deadline is against a disk that fails. */
static int64_t memory_wait(struct zog_call *call, int64_t error)
{
	if (error != -ENOMEM || linux_home()->b.dirty_count == 0)
		return error;
	linux_home()->b.has_clean_waiter = 1;
	rt_notify(EVENT_WRITE_BACK, 0);
	return wait_on(call, EVENT_CLEAN, rt_event_count(EVENT_CLEAN), rt_now_ns() + MEMORY_WAIT_NS);
}

int64_t page_in(struct zog_call *call, struct space *space, uint64_t address, uint32_t access)
{
	struct page_request request = { call, space, vma_find(space, address), page_down(address), access };
	uint32_t entry;
	bool is_new;
	int64_t error;

	if (!request.vma || !vma_allows(request.vma, access))
		return -EFAULT;
	entry = page_get(space_index(space), request.address);
	frame_reserve(2);
	is_new = entry == 0;
	error = is_new ? page_fetch(&request, &entry) : 0;
	if (!error)
		error = page_complete(&request, entry, is_new);
	return memory_wait(call, error);
}
