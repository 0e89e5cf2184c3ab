/* Shared regions: one writer, many readers, perhaps a validator, a schema, a history.
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
 * So a reader that sees the versions of several regions unchanged and even has seen all of a transaction or nothing.
 *
 * Who may change the committed records, the committer, is the writer, or the validator where there is one. Then the writer's
 * records become a proposal first: a copy in memory that only the core writes, mapped read-only in the validator. It is
 * pending from head->proposed != head->decided on, the writer's side, until they are equal again, the validator's: so each
 * side has it to itself in turn, without a lock, and it outlives the ends of both. What the committer does is done with its
 * domain's lock held, the scrubber's repairs too. */
#ifndef CORE_TSM_REGION_H
#define CORE_TSM_REGION_H

#include "object/cpu.h"
#include "object/domain.h"
#include "tsm/schema_steps.h"

#define REGION_RUN_MAX ZOG_REGION_RUN_MAX         /* runs of one transaction */
#define REGION_STAGE_BYTES ZOG_REGION_STAGE_BYTES /* and their bytes: bounds the work of one entry */
#define REGION_PROPOSAL_PAGES (1 + REGION_STAGE_BYTES / ZOG_PAGE_SIZE)

/* Bytes of a version that a later one replaced. */
struct region_undo {
	uint32_t offset, bytes, kind, first, count, at; /* in the region; at: in the slot's bytes */
};
struct region_version {
	struct zog_region_version was, is; /* accounts of the version that the bytes belong to, and of the one that replaced it */
	uint8_t *replaced;                 /* the bytes: the runs of the slot side by side */
	uint32_t run_count;
	uint32_t checksum; /* of the bytes */
	struct region_undo run[REGION_RUN_MAX];
};
/* A kind of record as a commit of one record finds it (region_straight.c). */
struct straight_kind {
	uint32_t count; /* 0: they go the general way */
	uint32_t bytes, offset;
	uint32_t *sum;
	struct schema_steps steps;
};
struct region {
	const struct region_desc *desc;
	struct zog_region_head *head;
	uint8_t *data;
	uint8_t *buffer;
	uint64_t head_physical, buffer_physical; /* the records stand a page behind the head */
	struct zog_region_proposal *proposal;    /* with a validator only; its records a page behind */
	uint64_t proposal_physical;
	uint32_t proposal_faults;                /* of the validator, while this one was pending */
	uint32_t proposal_looks;                 /* at an idle validator, meanwhile */
	pte_t *buffer_entry;          /* page-table entries of the buffer in its writer */
	uint64_t buffer_address;      /* there */
	struct region_version *version; /* ring of desc->history slots */
	union {
		struct { uint32_t newest, kept; }; /* slot of the newest version; how many are kept */
		uint64_t ring;                     /* both, changed by one store */
	};
	uint32_t **sum;     /* by record kind and index: CRC32C of the committed record */
	struct straight_kind *straight; /* by record kind */
	uint64_t commits, bytes_committed, refused, rollbacks, rejected, versions_undone, bytes_undone;
	volatile uint64_t hooks_due; /* rollbacks that participants are to be told of */
	uint64_t hooks_run, hooks_failed;
	uint32_t scrub_kind, scrub_index, scrub_slot; /* where the scrubber goes on */
	uint64_t scrubbed, damaged, repaired;
	char damage[40];
};
extern struct region *region_table;

/* boot: memory of all regions; ends the boot where a schema is not good. */
void region_setup(const char *cmdline);
/* The writer's address space has the buffer of the region at PLACE of its table, page-table entries from ENTRY on. */
void region_attach_writer(struct domain *domain, uint64_t place, pte_t *entry, uint64_t address);

/* Staged operations, called by tsm/operation.c. decode: false: a violation. check: all runs of the transaction against
 * their schemas; false: refused, see region_finding. act: the whole transaction's regions at once; may be repeated. */
bool region_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool region_decode_propose(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool region_decode_verdict(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first);
bool region_decode_rollback(struct domain *domain, const struct zog_op *op);
bool region_check(struct cpu *cpu, struct domain *domain);
void region_act_commit(struct cpu *cpu, struct domain *domain);
void region_act_rollback(struct domain *domain, const struct zog_op *op);
/* Its commit was cut twice at the same place and is given up: what it changed goes back, as far as the history knows. */
void region_act_skipped(struct cpu *cpu);
void region_rollback_skipped(struct domain *domain, const struct zog_op *op);

/* The core call that commits, straight through (tsm/region_straight.c), for arch/x86_64/crossing.S: a transaction of one record
 * and nothing else, of a domain of which nothing is asked. false: not of that kind, or not right; nothing changed. */
bool region_commit_straight(struct cpu *cpu, struct domain *domain);
/* That commit was cut behind its point of no return: noted as the general way notes it, which goes on. */
void region_straight_resume(struct cpu *cpu, struct domain *domain);
/* boot: what that needs to know of the region's kinds. */
void region_straight_build(struct region *region);

/* Was the domain's last commit refused by a schema? Tells the value and the word for the incident, once. */
bool region_finding_take(struct cpu *cpu, uint64_t *value, uint64_t *detail);
/* Can VERSION be read, or rolled back to? */
bool region_has_version(const struct region *region, uint64_t version);
/* What the domain wrote ahead goes back to what is committed. Needs to be called only while domain->is_ahead. */
void region_discard(struct domain *domain);
/* Behind a change of committed records, by whomever: the writer's next abort brings its buffer to them. */
static inline void region_buffer_is_old(const struct region *region)
{
	__atomic_store_n(&domain_table[region->desc->writer].is_ahead, 1, __ATOMIC_SEQ_CST);
}
/* The domain was ended; at fault, or because it was asked for. Participants of its regions are told. */
void region_domain_ended(struct domain *domain);
/* A fault of a validator: a proposal that it met two of is rejected, and the validator lives. */
void region_validator_faulted(struct domain *domain);
/* It is not brought back: what waits for it is decided. */
void region_validator_quarantined(struct domain *domain);
/* A few of the records and kept versions that the domain commits, whose lock is held, against their sums and the schema. */
void region_scrub(struct domain *domain);
/* The region at PLACE of DOMAIN's table, if it has that role, or commits there; else NULL. */
struct region *region_of(const struct domain *domain, uint64_t place, enum region_role role);
struct region *region_of_committer(const struct domain *domain, uint64_t place);

/* Core calls. */
zog_status_t region_stats(uint64_t number, struct zog_region_stats *stats);
zog_status_t region_read_version(struct domain *domain, uint64_t place, uint64_t version, uint64_t which, uint64_t to);
zog_status_t region_version_info(struct domain *domain, uint64_t place, uint64_t version, struct zog_region_version *info);

#endif
