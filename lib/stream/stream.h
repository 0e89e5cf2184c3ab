/* Streams: a ring of records between two domains, one producer and one consumer, without entering the core.
 *
 * Pages. Each side writes only its own pages and reads the peer's (manifest: [[stream]]). The first page of a side
 * holds its head: its position and whether it sleeps. The producer's further pages are the slots.
 *
 * Positions are counts of records since boot. A side has three of them:
 *   position   in scratch: put or taken so far by this invocation
 *   sealed     in its home region (struct stream_home): committed with the rest of the invocation's work
 *   shown      in its head, for the peer: never ahead of what is committed
 * stream_put and stream_take move the first, stream_seal copies it to the second, and after the commit stream_show
 * shows what is committed. So a record is visible only after the commit of the work that made it, and a slot is free
 * only after the commit of the work that used it: no fault takes a visible record back, none is published twice, none
 * is lost. A side that dies between commit and show shows when it attaches again; attaching is part of domain_start.
 *
 * Sleeping. The sleeper reads the count of the peer's event, sets its flag, and after a fence looks at the peer's
 * position once more; then it waits. The peer shows its position and after a fence looks at the flag (the two fences
 * are partners): one of the two sees the other. The notify is staged; one that is lost by a fault is made up for when
 * the notifier attaches again.
 *
 * Distrust. What the peer writes is read once, bounded, and masked: a bad position or record gives ZOG_ERR_CORRUPT and
 * moves nothing. The consumer works on its own copy. Bytes of a record are the peer's word: the consumer's schema
 * has to check them. */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "rt/rt.h"

enum stream_end { STREAM_END_PRODUCER = 0, STREAM_END_CONSUMER = 1 };

/* First bytes of each side's pages. */
struct stream_head {
	uint64_t position;
	uint32_t is_asleep;
	uint32_t reserved;
};
struct stream_record {
	uint64_t sequence; /* position + 1: a slot that was never written matches no position */
	uint32_t length;
	uint32_t reserved;
	uint8_t data[];
};
/* In the home region of each side; zero at first. Its only writer is this library. */
struct stream_home {
	uint64_t position;
};

/* Where a side finds everything. Both sides must name the same slot size. */
struct stream_place {
	enum stream_end end;
	void *own;
	const void *peer;
	size_t own_pages, peer_pages;
	size_t slot_bytes; /* a power of two, 32..4096; a record holds slot_bytes - 16 bytes */
	uint32_t event;    /* own event that wakes the peer */
	struct stream_home *home;
	const struct stream_home *committed;
};

/* Scratch: rebuilt by attaching after every start. */
struct stream {
	uint64_t position;
	uint64_t peer_position; /* last one read, and found good */
	uint64_t mask;          /* slots - 1 */
	uint32_t shift;         /* log2 of the slot size */
	uint32_t capacity;      /* bytes of a record's data */
	uint8_t *slot;          /* read-only for the consumer */
	struct stream_head *own;
	const volatile struct stream_head *peer;
	enum stream_end end;
	uint32_t event;
	struct stream_home *home;
	const volatile struct stream_home *committed;
};

/* The place of stream NAME (upper case, as in domain.h). */
#define STREAM_PLACE(NAME, end_, slot_bytes_, event_, home_) \
	((struct stream_place){ .end = (end_), .own = (void *)(ZOG_STREAM_BASE + STREAM_##NAME * ZOG_STREAM_STRIDE), \
				.peer = (const void *)(ZOG_STREAM_BASE + STREAM_##NAME * ZOG_STREAM_STRIDE + ZOG_STREAM_PEER_OFFSET), \
				.own_pages = STREAM_##NAME##_PAGES, .peer_pages = STREAM_##NAME##_PEER_PAGES, .slot_bytes = (slot_bytes_), \
				.event = (event_), .home = (home_), .committed = rt_committed(home_) })

/* At every start, before anything else: takes up the committed position, shows it, wakes the peer if it sleeps.
 * ZOG_ERR_ARGUMENT: sizes that do not fit; ZOG_ERR_CORRUPT: the peer's position is impossible. */
zog_status_t stream_attach(struct stream *stream, const struct stream_place *place);

/* Producer: puts a record behind the others. ZOG_ERR_TOO_BIG: longer than a slot holds; ZOG_ERR_LIMIT: no room now;
 * ZOG_ERR_CORRUPT: the peer's position is impossible. */
zog_status_t stream_put(struct stream *stream, const void *data, size_t length);
/* Consumer: copies the next record to `data`. ZOG_ERR_NOT_FOUND: none now; ZOG_ERR_TOO_BIG: longer than `size`, not
 * taken; ZOG_ERR_CORRUPT: a position or record that no honest producer writes, not taken. */
zog_status_t stream_take(struct stream *stream, void *data, size_t size, size_t *length_out);

/* Producer: will the next stream_put find room? No as well while the peer's position is impossible. */
bool stream_has_room(struct stream *stream);
/* Consumer: gives up the next record, which the peer wrote wrongly. ZOG_ERR_NOT_FOUND: there is none; ZOG_ERR_CORRUPT: the
 * peer's position is impossible, too. */
zog_status_t stream_skip(struct stream *stream);

/* Producer, without a copy of its own: where the next record's bytes go (`capacity` of them), NULL: no room now. They are
 * written there, in the own pages, and stream_push makes a record of them. */
void *stream_slot(struct stream *stream);
/* ZOG_ERR_TOO_BIG, ZOG_ERR_LIMIT as stream_put. */
zog_status_t stream_push(struct stream *stream, size_t length);

/* Batches: records of `length` bytes each, side by side at `data`; at most `count` of them, *count_out have moved. Answers
 * as stream_put and stream_take when it is none; a record of another length ends a batch before it, and as the first one
 * gives ZOG_ERR_ARGUMENT. */
zog_status_t stream_put_many(struct stream *stream, const void *data, size_t length, size_t count, size_t *count_out);
zog_status_t stream_take_many(struct stream *stream, void *data, size_t length, size_t count, size_t *count_out);

/* Makes what was put or taken part of the running transaction. */
void stream_seal(struct stream *stream);
/* Shows the peer what is committed, and stages the notify if it sleeps. At any time; records nobody has shown yet are
 * late, not lost. */
void stream_show(struct stream *stream);
/* Seal, rt_commit, show: with it everything else of the invocation so far is committed, too. */
void stream_publish(struct stream *stream);
/* After rt_abort: back to what was sealed. */
void stream_rewind(struct stream *stream);
/* Nothing to take, or no room: the peer is to notify its event when that changes. ZOG_ERR_NOT_FOUND: asked; ZOG_OK: there
 * is work after all; ZOG_ERR_CORRUPT. For a side that uses the stream in several threads: whoever finds no work asks,
 * since looking took an earlier asking back. */
zog_status_t stream_ask(struct stream *stream);
/* Nothing to take, or no room: publishes if there is something to publish, then ZOG_WAIT on the peer's event (reply
 * with it), or ZOG_OK when there is work after all. */
zog_status_t stream_wait(struct stream *stream, struct zog_call *call, uint32_t peer_event);

#endif
