/* Shared regions: one writer, many readers, a schema, a history.
 *
 * Memory of a region, all set aside at boot: the head and the committed records (readers and writer: R--), the writer's
 * write-ahead buffer (RW, filled from the committed records at first touch, so what a dead writer left is gone), and
 * for each version of the history a log of the bytes it replaced.
 *
 * A commit is a staged operation of the writer for each run of records. Decode copies the runs once into the core's
 * stage (of this CPU: the writer's lock keeps its region to it), and only the stage is checked and applied: nothing that
 * the writer or a device does later matters. The effect goes through phases, each repeatable, so that the recovery of a
 * commit cut by an exception in the core (tsm/transaction.c) simply does it again:
 *   save    the bytes that will be replaced, into the slot of the history that is next; nobody looks there yet
 *   change  all heads odd, then the records of all regions
 *   publish history, head, and last the even versions
 * So a reader that sees the versions of several regions unchanged and even has seen all of a transaction or nothing. */
#ifndef CORE_TSM_REGION_H
#define CORE_TSM_REGION_H

#include "object/cpu.h"
#include "object/domain.h"
#include "tsm/schema.h"

#define REGION_RUN_MAX 16u         /* runs of one transaction */
#define REGION_STAGE_BYTES 16384u  /* and their bytes: bounds the work of one entry */

/* Bytes of a version that a later one replaced. */
struct region_undo {
	uint32_t offset, bytes, kind, first, count, at; /* in the region; at: in the slot's bytes */
};
struct region_version {
	uint64_t before;  /* version number that the bytes belong to */
	uint64_t version; /* and the one that replaced it */
	uint32_t run_count;
	struct region_undo run[REGION_RUN_MAX];
};
struct region {
	const struct region_desc *desc;
	struct zog_region_head *head;
	uint8_t *data;
	uint8_t *buffer;
	uint64_t head_physical, buffer_physical; /* the records stand a page behind the head */
	pte_t *buffer_entry;          /* page-table entries of the buffer in its writer */
	uint64_t buffer_address;      /* there */
	struct region_version *version; /* ring of desc->history slots */
	uint8_t *undo;                  /* desc->bytes for each slot */
	union {
		struct { uint32_t newest, kept; }; /* slot of the newest version; how many are kept */
		uint64_t ring;                     /* both, changed by one store */
	};
	uint64_t commits, bytes_committed, refused, rollbacks;
};
extern struct region *region_table;

/* boot: memory of all regions; ends the boot where a schema is not good. */
void region_setup(const char *cmdline);
/* The writer's address space has the buffer at ENTRY. */
void region_attach_writer(struct region *region, pte_t *entry, uint64_t address);

/* Staged operations, called by tsm/operation.c. decode: false: a violation. check: all runs of the transaction against
 * their schemas; false: refused, see region_finding. act: the whole transaction's regions at once; may be repeated. */
bool region_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool region_decode_rollback(struct domain *domain, const struct zog_op *op);
bool region_check(struct cpu *cpu, struct domain *domain);
void region_act_commit(struct cpu *cpu, struct domain *domain);
void region_act_rollback(struct domain *domain, const struct zog_op *op);

/* Was the domain's last commit refused by a schema? Tells the value and the word for the incident, once. */
bool region_finding_take(struct cpu *cpu, uint64_t *value, uint64_t *detail);
/* Can VERSION be read, or rolled back to? */
bool region_has_version(const struct region *region, uint64_t version);
/* What the domain wrote ahead goes back to what is committed. */
void region_discard(struct domain *domain);

/* Core calls. */
zog_status_t region_stats(uint64_t number, struct zog_region_stats *stats);
zog_status_t region_read_version(struct domain *domain, uint64_t place, uint64_t version, uint64_t which, uint64_t to);

#endif
