/* What one transaction does to shared regions, copied and decoded: shared by region_commit.c and region_propose.c. */
#ifndef CORE_TSM_REGION_STAGE_H
#define CORE_TSM_REGION_STAGE_H

#include "tsm/region.h"

enum stage_phase { PHASE_SAVE = 0, PHASE_CHANGE = 1, PHASE_PUBLISH = 2, PHASE_DONE = 3 };
enum stage_use { USE_COMMIT = 0, USE_PROPOSE = 1, USE_REJECT = 2 };

struct stage_run {
	struct region *region;
	uint32_t kind, first, count, offset, bytes; /* offset: in the region */
	uint32_t use;          /* enum stage_use */
	uint32_t is_lead;      /* first run of its region: stands for it */
	uint32_t author;
	const uint8_t *copy;   /* in the stage, or in a pending proposal: memory that only the core writes */
	uint64_t decides;      /* number of the proposal that is accepted or rejected; 0: none */
	uint64_t detail, value; /* USE_REJECT: the validator's reason */
	/* The lead's: what the region's records of itself will be. Set while nothing has changed, stored as they are, so that
	 * storing them again changes nothing. */
	uint64_t ring, version, commits, bytes_committed;
	uint32_t checksum;
};

static inline uint64_t region_ring(uint32_t newest, uint32_t kept) { return newest | (uint64_t)kept << 32; }
/* The sums of a version's records, one after the other. */
static inline uint32_t region_sum_add(uint32_t sums, uint32_t sum) { return (sums << 5 | sums >> 27) ^ sum; }
/* region_rollback.c: the bytes that SLOT's version replaced go back. */
void region_undo_apply(struct region *region, uint32_t slot);
/* Then: the sums of those records are those of what is there now. */
void region_undo_sums(struct region *region, uint32_t slot);

/* One for each CPU: a commit is not interrupted. */
struct stage {
	uint32_t run_count, used;
	uint32_t region_count; /* leads among the runs */
	volatile uint32_t phase;
	uint64_t time_ns;
	struct schema_finding finding;
	struct schema_run plain[REGION_RUN_MAX]; /* the runs as the schema sees them, in the same places */
	struct stage_run run[REGION_RUN_MAX];
	uint8_t bytes[REGION_STAGE_BYTES] __attribute__((aligned(8)));
};
extern struct stage stage_table[ZOG_CPU_MAX];

static inline void stage_begin(struct stage *stage)
{
	stage->run_count = stage->used = stage->region_count = 0;
	stage->finding.rule = 0;
	stage->phase = PHASE_SAVE;
}

/* Adds a run of REGION. NULL: it leaves its table, meets another of the transaction, or there are too many. */
struct stage_run *stage_run_add(struct stage *stage, struct region *region, uint64_t kind, uint64_t first, uint64_t count, uint32_t use);

/* region_propose.c: phases of the runs that are proposals or reject one. */
void proposal_save(struct stage *stage, struct stage_run *lead);
void proposal_change(struct stage *stage, struct stage_run *lead);
void proposal_publish(const struct stage *stage, const struct domain *domain, const struct stage_run *lead);
void proposal_reject(const struct domain *domain, const struct stage_run *lead);
/* The validator is idle, its lock held: has it had its time? */
void proposal_look(struct domain *validator, struct region *region);
/* Ends what is pending, the committer's side. */
void proposal_decide(struct region *region, uint64_t number, zog_status_t verdict);

#endif
