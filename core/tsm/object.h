/* Large objects: one writer, many readers, published whole by one store that selects among buffers.
 *
 * A buffer is in one of three states, told by the head: the published one (word), the writer's (writing), or an older
 * version. Readers have all but the writer's in their page tables, read-only; the writer has its own in a window of its
 * address space, writable. No buffer is ever writable for one domain and mapped in another.
 *
 * Commit. Before anything is checked the window's entries go away on every CPU; then the core checks the header by the
 * schema, in place: nobody can change it any more. Behind the commit's point of no return:
 *   open     where others are published with it: all words are marked as changing (readers wait a moment)
 *   publish  the buffer enters the readers' page tables, its version, time and author the head; then the word: from this
 *            store on readers find the new bytes. Whoever is inside a reader at that moment may use the old ones
 *   next     the writer gets another buffer, the oldest that no running invocation of a reader may still use
 * Each phase can be repeated. A buffer is left by a reader when its lock was free, or its count of invocations has moved
 * on, since the buffer was last what readers find. Where all are in use the writer is without a buffer for a while
 * (object_begin: ZOG_ERR_BUSY) and what is published stays: no reader can stop a commit, and none is ever waited for. */
#ifndef CORE_TSM_OBJECT_H
#define CORE_TSM_OBJECT_H

#include "object/cpu.h"
#include "object/domain.h"
#include "tsm/schema.h"
#include "zog/object.h"

#define OBJECT_STAGE_MAX 4u /* objects of one transaction */

struct object_reader {
	struct domain *domain;
	pte_t *directory; /* entries above the page tables of the buffers, side by side */
	uint64_t tables;  /* the first of those page tables */
	/* For each buffer: the count of the invocation that may use it; 0: none. */
	volatile uint64_t inside[ZOG_OBJECT_BUFFER_MAX];
};
struct object {
	const struct object_desc *desc;
	struct zog_object_head *head;
	uint8_t *bytes; /* of buffer 0; the others behind it */
	uint64_t head_physical, bytes_physical;
	struct domain *writer;
	struct area *window;
	struct object_reader *reader;
	uint32_t reader_count;
	uint32_t is_filled;    /* what the writer's buffer holds: the published version, page by page at first touch */
	volatile uint32_t awaited; /* event of the writer + 1 to be notified when a buffer is left */
	uint64_t commits, refused, rollbacks, busy;
};
extern struct object *object_table;

/* boot */
void object_setup(void);
void object_attach_reader(struct object *object, struct domain *domain, pte_t *directory, uint64_t tables);
void object_attach_writer(struct object *object, struct domain *domain, struct area *window);

static inline uint8_t *object_bytes(const struct object *object, uint32_t buffer)
{
	return object->bytes + (uint64_t)buffer * object->desc->schema.bytes;
}
/* The object in PLACE of the domain's table if the domain is its writer; else NULL. */
struct object *object_of_writer(const struct domain *domain, uint64_t place);
/* The buffer that holds VERSION for readers, or ZOG_OBJECT_NO_BUFFER. */
uint32_t object_find(const struct object *object, uint64_t version);

/* What a commit is made of; object_commit.c has the order. */
void object_window_close(struct object *object); /* the writer's mapping is gone on every CPU when this returns */
void object_show(struct object *object, uint32_t buffer);   /* into the readers' page tables */
void object_retire(struct object *object, uint32_t buffer); /* no longer what readers find: who may still use it? */
bool object_take(struct object *object); /* gives the writer a buffer unless it has one. false: all are in use */
void object_discard(struct domain *domain); /* what it wrote ahead: its buffers read as what is published */
void object_tick(void); /* tells writers that wait for a buffer; called at each tick, and before a CPU sleeps */

/* Staged operations, called by tsm/operation.c; as for regions. is_joined: regions are part of the transaction. */
bool object_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool object_decode_rollback(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool object_check(struct cpu *cpu, struct domain *domain, bool is_joined);
void object_act_open(struct cpu *cpu);
void object_act_publish(struct cpu *cpu, struct domain *domain);
void object_act_skipped(struct cpu *cpu); /* what is published stays; readers need not wait for more */
bool object_finding_take(struct cpu *cpu, uint64_t *value, uint64_t *detail);

/* Core calls. */
zog_status_t object_begin(struct domain *domain, uint64_t place, uint64_t event);
zog_status_t object_hold(struct domain *domain, uint64_t place, uint64_t version, uint64_t *buffer);
zog_status_t object_stats(uint64_t number, struct zog_object_stats *stats);

#endif
