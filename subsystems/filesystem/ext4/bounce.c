/* Transfers of metadata blocks between cache and device, through bounce frames in DMA memory.
 *
 * Protocol. A bounce record says which block travels in its frame; it is committed *before* the device hears of the
 * frame, so a restarted domain knows every frame that may be in flight. The block server is keyed by frame and
 * answers PENDING until the device is done, so asking again is how a transfer is both polled and, after anyone's
 * death, resumed.
 *
 * Write-back sends the committed image of a slot, never the live one, sealed beforehand. A slot changed again while it
 * travels stays dirty. After this domain's restart the frames' contents are no longer believed: reads in flight are
 * repeated, and writes in flight are filled again and their slots written once more.
 *
 * Order: the superblock that says "not cleanly unmounted" reaches the device before any other metadata block does
 * (sync.is_marked). Two writes of one block never overlap. */
#include "ext4.h"
#include "contracts/block_client.h"

static uint64_t bounce_frame(const struct bounce *bounce)
{
	return (rt_self()->dma_physical >> ZOG_PAGE_SHIFT) + (uint64_t)(bounce - home()->bounce);
}

static void *bounce_data(const struct bounce *bounce)
{
	return (void *)(ZOG_DMA_BASE + (uint64_t)(bounce - home()->bounce) * ZOG_PAGE_SIZE);
}

static struct bounce *bounce_find(uint64_t block, enum bounce_state state)
{
	struct home *h = home();

	if (h->bounce_active == 0)
		return NULL;
	for (uint32_t i = 0; i < BOUNCE_COUNT; i++) {
		if (h->bounce[i].state == state && h->bounce[i].block == block)
			return &h->bounce[i];
	}
	return NULL;
}

static struct bounce *bounce_take(uint32_t first)
{
	for (uint32_t i = first; i < BOUNCE_COUNT; i++) {
		if (home()->bounce[i].state == BOUNCE_FREE)
			return &home()->bounce[i];
	}
	return NULL;
}

static void bounce_set(struct bounce *bounce, enum bounce_state state, uint64_t block, uint16_t slot)
{
	*bounce = (struct bounce){ .block = block, .slot = slot, .state = state };
	home()->bounce_active++;
}

static void bounce_free(struct bounce *bounce)
{
	bounce->state = BOUNCE_FREE;
	home()->bounce_active--;
}

static struct slot *bounce_slot(const struct bounce *bounce)
{
	struct slot *slot = &home()->slot[bounce->slot];

	return slot->state == SLOT_DIRTY && slot->is_writing && slot->block == bounce->block ? slot : NULL;
}

static zog_status_t bounce_transfer(const struct bounce *bounce, uint64_t *seen)
{
	return block_transfer(bounce_frame(bounce), bounce->block,
		bounce->state == BOUNCE_READ ? BLOCK_DIRECTION_READ : BLOCK_DIRECTION_WRITE, seen);
}

static bool is_under_way(zog_status_t status)
{
	return status == ZOG_PENDING || status == ZOG_ERR_BUSY;
}

void bounce_recover(void)
{
	struct home *h = home();

	for (uint32_t i = 0; i < BOUNCE_COUNT; i++) {
		struct bounce *bounce = &h->bounce[i];

		if (bounce->state == BOUNCE_FREE)
			continue;
		bounce->is_suspect = 1;
		if (bounce->state == BOUNCE_WRITE && bounce_slot(bounce))
			memcpy(bounce_data(bounce), rt_committed(slot_data(bounce_slot(bounce))), BLOCK_BYTES);
	}
}

void bounce_cancel_reads(uint64_t block)
{
	struct bounce *bounce = bounce_find(block, BOUNCE_READ);

	if (bounce)
		bounce->is_suspect = 1;
}

/* --- reads --- */

/* The transfer is done: its block goes to the cache unless it got there otherwise, or is no longer believed. */
static zog_status_t read_finish(struct bounce *bounce)
{
	struct slot *slot;

	if (!bounce->is_suspect && !cache_find(bounce->block)) {
		slot = cache_insert(bounce->block);
		if (!slot)
			return ZOG_RETRY; /* the frame keeps the record: it is read again when there is room */
		memcpy(slot_data(slot), bounce_data(bounce), BLOCK_BYTES);
	}
	bounce_free(bounce);
	rt_commit();
	return ZOG_OK;
}

static zog_status_t read_poll(struct bounce *bounce, uint64_t *seen)
{
	zog_status_t status = bounce_transfer(bounce, seen);

	if (is_under_way(status))
		return ZOG_PENDING;
	if (status == ZOG_OK)
		return read_finish(bounce);
	bounce_free(bounce);
	rt_commit();
	return status;
}

/* All frames are in use: collects reads whose askers never came back. */
static zog_status_t reads_collect(uint64_t *seen)
{
	bool is_any_done = false;
	uint64_t last;

	*seen = rt_event_count(WAIT_BLOCK_DONE);
	for (uint32_t i = 0; i < BOUNCE_COUNT; i++) {
		if (home()->bounce[i].state == BOUNCE_READ && read_poll(&home()->bounce[i], &last) != ZOG_PENDING)
			is_any_done = true;
	}
	return is_any_done ? ZOG_OK : ZOG_PENDING;
}

zog_status_t cache_fetch(uint64_t *seen)
{
	uint64_t block = cache_wanted();
	struct bounce *bounce;
	zog_status_t status;

	if (block == 0 && home()->mount.is_mounted) { /* room: the oldest dirty blocks go first */
		status = writeback_pump(home()->sync.epoch + 1, seen);
		return status;
	}
	bounce = bounce_find(block, BOUNCE_READ);
	if (!bounce) {
		bounce = bounce_take(0);
		if (!bounce)
			return reads_collect(seen);
		bounce_set(bounce, BOUNCE_READ, block, 0);
		rt_commit();
	}
	status = read_poll(bounce, seen);
	return status == ZOG_RETRY ? writeback_pump(home()->sync.epoch + 1, seen) : status;
}

/* --- write-back --- */

bool bounce_is_writing(uint64_t block, uint64_t *seen)
{
	struct bounce *bounce = bounce_find(block, BOUNCE_WRITE);

	if (!bounce)
		return false;
	*seen = rt_event_count(WAIT_BLOCK_DONE);
	writeback_pump(0, seen);
	return bounce->state == BOUNCE_WRITE && bounce->block == block;
}

static void write_finish(struct bounce *bounce)
{
	struct home *h = home();
	struct slot *slot = bounce_slot(bounce);

	if (slot) {
		slot->is_writing = 0;
		if (slot->is_redirtied || bounce->is_suspect)
			slot->dirty_epoch = bounce->is_suspect ? slot->dirty_epoch : h->sync.epoch;
		else
			block_clean(slot);
		slot->is_redirtied = 0;
		if (slot->kind == BLOCK_SUPER)
			h->sync.is_marked = bounce->is_mark && !bounce->is_suspect;
	}
	bounce_free(bounce);
	rt_commit();
}

/* Collects what is done. ZOG_OK: no write is in flight; ZOG_PENDING: some are; else the first error. A block that the
 * device refuses stays dirty. */
static zog_status_t writes_collect(void)
{
	zog_status_t result = ZOG_OK;
	uint64_t seen;

	for (uint32_t i = 0; i < BOUNCE_COUNT && home()->bounce_active; i++) {
		struct bounce *bounce = &home()->bounce[i];
		zog_status_t status;

		if (bounce->state != BOUNCE_WRITE)
			continue;
		status = bounce_transfer(bounce, &seen);
		if (is_under_way(status)) {
			result = result == ZOG_OK ? ZOG_PENDING : result;
			continue;
		}
		if (status < 0) {
			bounce->is_suspect = 1;
			result = status;
		}
		write_finish(bounce);
	}
	return result;
}

/* The slot must be dirty and not on its way. */
static zog_status_t write_start(struct slot *slot)
{
	uint64_t seen;
	struct bounce *bounce;
	zog_status_t status;

	if (bounce_find(slot->block, BOUNCE_WRITE))
		return ZOG_ERR_BUSY; /* an earlier life of the block is still on its way */
	bounce = bounce_take(BOUNCE_RESERVED);
	if (!bounce)
		return ZOG_ERR_BUSY;
	block_seal(slot);
	slot->is_writing = 1;
	slot->is_redirtied = 0;
	bounce_set(bounce, BOUNCE_WRITE, slot->block, (uint16_t)(slot - home()->slot));
	if (slot->kind == BLOCK_SUPER) {
		bounce->is_mark = !(super_get()->state & SUPER_STATE_VALID);
		home()->sync.is_marked = 0; /* unknown until it has arrived */
	}
	rt_commit();
	memcpy(bounce_data(bounce), rt_committed(slot_data(slot)), BLOCK_BYTES);
	status = bounce_transfer(bounce, &seen);
	if (is_under_way(status))
		return status;
	if (status < 0)
		bounce->is_suspect = 1;
	write_finish(bounce);
	return status;
}

/* Next dirty slot from number `from` on that isn't on its way, or SLOT_COUNT. */
static uint32_t dirty_next(uint32_t from)
{
	const struct home *h = home();

	for (uint32_t i = from; i < SLOT_COUNT; i++) {
		uint64_t rest = h->dirty_map[i / 64] >> (i % 64);

		if (!rest) {
			i |= 63;
			continue;
		}
		i += (uint32_t)__builtin_ctzll(rest);
		if (!h->slot[i].is_writing)
			return i;
	}
	return SLOT_COUNT;
}

void writeback_seal_bitmaps(void)
{
	struct home *h = home();

	for (uint32_t i = dirty_next(0); i < SLOT_COUNT; i = dirty_next(i + 1)) {
		if (h->slot[i].kind == BLOCK_BLOCK_BITMAP || h->slot[i].kind == BLOCK_INODE_BITMAP)
			block_seal(&h->slot[i]);
	}
}

static bool dirty_before(uint32_t epoch)
{
	const struct home *h = home();

	for (uint32_t word = 0; word < SLOT_COUNT / 64; word++) {
		for (uint64_t rest = h->dirty_map[word]; rest; rest &= rest - 1) {
			if (h->slot[word * 64 + (uint32_t)__builtin_ctzll(rest)].dirty_epoch < epoch)
				return true;
		}
	}
	return false;
}

/* The mark goes alone and first. ZOG_OK: it is on the device. */
static zog_status_t mark_write(void)
{
	struct slot *super = &home()->slot[home()->mount.super_slot];
	zog_status_t status;

	if (super->is_writing)
		return ZOG_PENDING;
	super_touch();
	block_dirty(super);
	status = write_start(super);
	if (is_under_way(status))
		return ZOG_PENDING;
	return status;
}

/* `seen` is read before the first poll: a transfer that finishes in between wakes the waiter at once. */
zog_status_t writeback_pump(uint32_t epoch, uint64_t *seen)
{
	struct home *h = home();
	zog_status_t status;

	*seen = rt_event_count(WAIT_BLOCK_DONE);
	status = writes_collect();
	if (status < 0)
		return status;
	if (!dirty_before(epoch))
		return ZOG_OK;
	if (!h->sync.is_marked) {
		status = mark_write();
		if (status != ZOG_OK)
			return status;
	}
	for (uint32_t i = dirty_next(0); i < SLOT_COUNT; i = dirty_next(i + 1)) {
		if (h->slot[i].dirty_epoch >= epoch)
			continue;
		status = write_start(&h->slot[i]);
		if (status < 0 && status != ZOG_ERR_BUSY)
			return status;
		if (status == ZOG_ERR_BUSY && !bounce_take(BOUNCE_RESERVED))
			break;
	}
	return dirty_before(epoch) ? ZOG_PENDING : ZOG_OK;
}
