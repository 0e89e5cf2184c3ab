/* Sync: everything committed before the call reaches stable storage.
 *
 * One sync runs at a time, as a machine of phases in the home region that every call drives forward, whichever ticket
 * it carries; a ticket that arrives while another runs gets its turn after it. The last tickets done are kept, so that
 * a repeat is answered at once.
 *
 *   WRITE        blocks dirtied before the start are written        -> FLUSH
 *   FLUSH        the device's cache is flushed                      -> done, or SUPER for a final sync
 *   SUPER        the superblock that says "clean" is written        -> SUPER_FLUSH
 *   SUPER_FLUSH  flushed too                                        -> done
 *
 * A final sync also frees the orphans: nobody has a node open any more. */
#include "ext4.h"
#include "contracts/block_client.h"

static bool ticket_is_done(uint64_t ticket)
{
	for (uint32_t i = 0; i < SYNC_DONE_COUNT; i++) {
		if (home()->sync.done[i] == ticket)
			return true;
	}
	return false;
}

static void sync_begin(uint64_t ticket, bool is_final)
{
	struct sync_state *sync = &home()->sync;

	writeback_seal_bitmaps(); /* their checksums stand in descriptors, which must be of this sync too */
	sync->ticket = ticket;
	sync->is_final = is_final;
	sync->epoch++;
	sync->phase = SYNC_WRITE;
	rt_commit();
}

static void sync_end(void)
{
	struct sync_state *sync = &home()->sync;

	sync->done[sync->done_next] = sync->ticket;
	sync->done_next = (sync->done_next + 1) % SYNC_DONE_COUNT;
	sync->phase = SYNC_IDLE;
	rt_commit();
}

/* A flush is asked for under a ticket of our own that is committed before the device hears of it. */
static void flush_begin(enum sync_phase phase)
{
	home()->sync.flush_ticket++;
	home()->sync.phase = (uint8_t)phase;
	rt_commit();
}

/* Only the superblock is left to be written; else the others come first once more. */
static void super_mark_clean(void)
{
	struct home *h = home();
	struct slot *slot = &h->slot[h->mount.super_slot];

	h->sync.phase = SYNC_WRITE;
	if (h->dirty_count == (slot->state == SLOT_DIRTY) && !slot->is_writing) {
		block_dirty(slot);
		slot->dirty_epoch = 0;
		super_get()->state |= SUPER_STATE_VALID;
		h->sync.is_marked = 1; /* lets this one block pass; with it the mark goes away */
		h->sync.phase = SYNC_SUPER;
	}
	rt_commit();
}

/* One phase. ZOG_OK: on to the next. */
static zog_status_t sync_step(uint64_t *seen)
{
	struct sync_state *sync = &home()->sync;

	switch (sync->phase) {
	case SYNC_WRITE:
		TRY(writeback_pump(sync->epoch + (sync->is_final ? 1 : 0), seen));
		flush_begin(SYNC_FLUSH);
		return ZOG_OK;
	case SYNC_FLUSH:
		TRY(block_flush(sync->flush_ticket, seen));
		if (sync->is_final)
			super_mark_clean();
		else
			sync_end();
		return ZOG_OK;
	case SYNC_SUPER:
		TRY(writeback_pump(1, seen));
		if (sync->is_marked) /* a restart or another operation came between */
			super_mark_clean();
		else
			flush_begin(SYNC_SUPER_FLUSH);
		return ZOG_OK;
	case SYNC_SUPER_FLUSH:
		TRY(block_flush(sync->flush_ticket, seen));
		sync_end();
		return ZOG_OK;
	default:
		return ZOG_OK;
	}
}

zog_status_t sync_advance(uint64_t ticket, bool is_final, uint64_t *seen)
{
	struct sync_state *sync = &home()->sync;
	zog_status_t status;

	while (!ticket_is_done(ticket)) {
		if (sync->phase == SYNC_IDLE) {
			if (is_final)
				TRY(orphans_free_all());
			sync_begin(ticket, is_final);
		}
		status = sync_step(seen);
		if (status == ZOG_ERR_BUSY)
			status = ZOG_PENDING;
		if (status < 0)
			sync->phase = SYNC_IDLE; /* the next ticket starts from the beginning */
		if (status < 0)
			rt_commit();
		if (status != ZOG_OK)
			return status;
	}
	return ZOG_OK;
}
