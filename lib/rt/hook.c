/* The store hook: the compiler calls one of these before every store through a pointer (gcc's kernel-address
 * instrumentation, reads, stack and globals off, always out of line). A store into the home region is logged for the
 * commit; into the own stack, data, heap, messages, DMA memory, streams, write-ahead buffers or device windows it
 * passes; any other ends the domain before it happens. Not compiled with the hook itself. All stores but
 * those of one byte enter by the straight way in hook.S. */
#include "rt/rt.h"
#include "rt/hook.h"

extern uint8_t rt_data_start[], rt_data_end[];
static struct zog_txn *const txn = (struct zog_txn *)ZOG_TXN_BASE;
_Static_assert(HOOK_RANGE_COUNT == ZOG_TXN_BASE + offsetof(struct zog_txn, range_count) && HOOK_RANGE == ZOG_TXN_BASE + offsetof(struct zog_txn, range) &&
	       HOOK_RANGE_MAX == ZOG_TXN_RANGE_MAX && offsetof(struct zog_range, length) == 4, "hook.S");
_Static_assert((unsigned long)HOOK_STACKS << HOOK_STACKS_SHIFT == ZOG_STACK_BASE && 1ul << HOOK_STACKS_SHIFT == ZOG_CPU_MAX * ZOG_STACK_STRIDE, "hook.S");
_Static_assert(HOOK_HOME_BASE == ZOG_HOME_BASE, "hook.S");

/* From here on whole pages are noted: the log is full. */
static void page_mode_begin(void)
{
	memset(txn->dirty_page, 0, sizeof(txn->dirty_page));
	txn->is_page_mode = 1;
}

static void pages_note(uint64_t offset, uint64_t size)
{
	for (uint64_t page = offset / ZOG_PAGE_SIZE; page <= (offset + size - 1) / ZOG_PAGE_SIZE; page++)
		txn->dirty_page[page / 8] |= (uint8_t)(1u << page % 8);
}

/* The log's tail, when it cannot simply be extended. */
static __attribute__((noinline)) void home_note_full(uint64_t offset, uint64_t size)
{
	if (!txn->is_page_mode)
		page_mode_begin();
	pages_note(offset, size);
}

static inline void home_note(uint64_t offset, uint64_t size)
{
	uint32_t count = txn->range_count;

	if (count != 0) {
		struct zog_range *last = &txn->range[count - 1];
		if (last->offset + last->length == offset && !txn->is_page_mode) {
			last->length += (uint32_t)size;
			return;
		}
	}
	if (count >= ZOG_TXN_RANGE_MAX) {
		home_note_full(offset, size);
		return;
	}
	txn->range[count] = (struct zog_range){ (uint32_t)offset, (uint32_t)size };
	txn->range_count = count + 1;
}

static bool is_inside(uint64_t address, uint64_t size, uint64_t start, uint64_t length)
{
	return address - start < length && size <= length - (address - start);
}

static bool is_own_scratch(uint64_t address, uint64_t size)
{
	const struct zog_domain_info *self = rt_self();

	return is_inside(address, size, (uint64_t)rt_data_start, (uint64_t)(rt_data_end - rt_data_start)) ||
	       is_inside(address, size, ZOG_HEAP_BASE, self->heap_bytes) ||
	       is_inside(address, size, ZOG_MESSAGE(self->id, 0, 0), ZOG_MESSAGES_OF_DOMAIN) ||
	       is_inside(address, size, ZOG_DMA_BASE, self->dma_bytes) || is_inside(address, size, ZOG_MMIO_BASE, 6 * ZOG_MMIO_STRIDE) ||
	       is_inside(address, size, ZOG_STREAM_BASE, ZOG_STREAM_MAX * ZOG_STREAM_STRIDE) || /* the peer's pages are read-only */
	       is_inside(address, size, ZOG_REGION_BASE, ZOG_REGION_MAX * ZOG_REGION_STRIDE) || /* committed records are read-only */
	       is_inside(address, size, ZOG_OBJECT_BASE, ZOG_OBJECT_MAX * ZOG_OBJECT_STRIDE) || /* all but the window is read-only */
	       is_inside(address, size, ZOG_TXN_BASE, sizeof(*txn));
}

/* Neither stack nor home region: out of line, so that the hot paths need no frame; hook.S comes here, too. */
void store_elsewhere(uint64_t address, uint64_t size);
__attribute__((noinline)) void store_elsewhere(uint64_t address, uint64_t size)
{
	if (!is_own_scratch(address, size))
		rt_fail(ZOG_CAUSE_STORE, address, size);
}

static inline __attribute__((always_inline)) void store_check(uint64_t address, uint64_t size)
{
	uint64_t offset = address - ZOG_HOME_BASE;

	/* The stack first: its range needs no look at memory. */
	if (address - ZOG_STACK_BASE < ZOG_CPU_MAX * ZOG_STACK_STRIDE)
		return;
	if (offset < rt_self()->home_bytes && size <= rt_self()->home_bytes - offset) {
		if (size != 0)
			home_note(offset, size);
		return;
	}
	store_elsewhere(address, size);
}

void rt_store_general(uint64_t address, uint64_t size) { store_check(address, size); }

void rt_home_touch(void *start, size_t size)
{
	volatile uint8_t *bytes = start;

	rt_store((uint64_t)start, size);
	/* Makes the live page present for the core, which writes there without a fault. */
	for (size_t at = 0; at < size; at += ZOG_PAGE_SIZE)
		bytes[at] = bytes[at];
	if (size != 0)
		bytes[size - 1] = bytes[size - 1];
}

void __asan_store1_noabort(uint64_t address);
void __asan_handle_no_return(void);
void __asan_store1_noabort(uint64_t address) { store_check(address, 1); }
void __asan_handle_no_return(void) {}
