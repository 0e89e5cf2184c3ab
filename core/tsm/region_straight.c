/* The straight way of a commit: one record of one region, submitted by its writer, without a validator, and nothing else in the
 * transaction. transaction.c and region_commit.c do the same step by step, and everything that is refused here: false
 * means that nothing has changed. The two must stay alike: a commit that an exception in the core cuts here goes on there,
 * from the phase that the stage names.
 *
 * The record's sum is taken while the record is copied into the stage, so it is of the very bytes that the schema sees. The
 * same number is the record's sum, the region's checksum of this commit, and, by the next one, part of the history's.
 * What was read of the transaction, and of the core's tables, stays in registers: memory is written once, for the recovery
 * or for good, and not read again. */
#include "tsm/region_stage.h"
#include "tsm/region_control.h"
#include "tsm/transaction.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/crc32.h"
#include "object/frame.h"

#define STRAIGHT_BYTES_MAX 128u
#define INLINE static inline __attribute__((always_inline))
typedef uint64_t word_t __attribute__((may_alias, aligned(1))); /* records may stand at any offset */
#define WORD(at) (*(word_t *)(at))
#define ONCE(value) (*(const volatile __typeof__(value) *)&(value)) /* of memory that others may write, where it is used again */

/* --- boot ------------------------------------------------------------------------------------------------------------- */

void region_straight_build(struct region *region)
{
	const struct region_desc *desc = region->desc;

	region->straight = boot_pointer(desc->record_count * sizeof(struct straight_kind));
	for (uint32_t i = 0; i < desc->record_count; i++) {
		const struct record_desc *kind = &desc->record[i];
		struct straight_kind *straight = &region->straight[i];
		*straight = (struct straight_kind){ 0, kind->bytes, kind->offset, region->sum[i], schema_steps_build(desc, kind) };
		if (kind->bytes <= STRAIGHT_BYTES_MAX && kind->bytes % 8 == 0 && !(kind->is_target && kind->live_bytes != 0) &&
		    !desc->has_validator && region_controls == 0 && schema_crc_way == SCHEMA_CRC_INSTRUCTION)
			straight->count = kind->count;
	}
}

/* --- decode and check ------------------------------------------------------------------------------------------------- */

/* By words: as short as these are, a call would cost as much again. BYTES: a multiple of 8. */
INLINE void record_copy(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
	uint64_t at = 0;

	for (; at != (bytes & ~31ul); at += 32) {
		uint64_t a = WORD(from + at), b = WORD(from + at + 8), c = WORD(from + at + 16), d = WORD(from + at + 24);
		WORD(to + at) = a, WORD(to + at + 8) = b, WORD(to + at + 16) = c, WORD(to + at + 24) = d;
	}
	for (; at != bytes; at += 8)
		WORD(to + at) = WORD(from + at);
}

/* One word of memory that others may write: read once, then stored and summed. */
INLINE uint64_t word_take(uint8_t *to, const uint8_t *user_from, uint64_t crc)
{
	uint64_t word = *(const volatile word_t *)user_from;

	WORD(to) = word;
	return crc32_step8_wide(crc, word);
}

/* Copies, and gives the CRC32C of what was copied. */
INLINE uint32_t record_take(uint8_t *to, const uint8_t *user_from, uint64_t bytes)
{
	uint64_t at = 0, crc = UINT32_MAX;

	for (; at != (bytes & ~31ul); at += 32) {
		crc = word_take(to + at, user_from + at, crc);
		crc = word_take(to + at + 8, user_from + at + 8, crc);
		crc = word_take(to + at + 16, user_from + at + 16, crc);
		crc = word_take(to + at + 24, user_from + at + 24, crc);
	}
	for (; at != bytes; at += 8)
		crc = word_take(to + at, user_from + at, crc);
	return ~(uint32_t)crc;
}

#define COUNTS_ONE_OPERATION (1ul << 32) /* of struct zog_txn: no range, one operation */
_Static_assert(offsetof(struct zog_txn, range_count) == 0 && offsetof(struct zog_txn, op_count) == 4, "COUNTS_ONE_OPERATION");

/* Notes in *run which record it is, and gives its kind. NULL: not a commit of one record that goes straight. */
INLINE const struct straight_kind *record_decode(struct stage_run *run, const struct domain *domain, const struct zog_txn *user_txn)
{
	const struct zog_op *user_op = user_txn->op;

	if (*(const uint64_t *)user_txn != COUNTS_ONE_OPERATION || user_txn->is_page_mode != 0 || user_op->code != ZOG_OP_REGION_COMMIT ||
	    user_op->word[2] != 1)
		return NULL;
	uint64_t place = ONCE(user_op->slot), number = ONCE(user_op->word[0]), index = ONCE(user_op->word[1]);
	if (place >= ZOG_REGION_MAX || domain->writes[place] == NULL)
		return NULL;
	struct region *region = domain->writes[place];
	if (number >= region->desc->record_count)
		return NULL;
	const struct straight_kind *kind = &region->straight[number];
	if (index >= kind->count)
		return NULL;
	uint32_t offset = kind->offset + (uint32_t)index * kind->bytes;
	run->region = region;
	run->kind = (uint32_t)number, run->first = (uint32_t)index;
	run->offset = offset, run->bytes = kind->bytes;
	if (!(region->buffer_entry[offset / ZOG_PAGE_SIZE] & region->buffer_entry[(offset + kind->bytes - 1) / ZOG_PAGE_SIZE] & PTE_PRESENT))
		return NULL;
	return kind;
}

static __attribute__((noinline, cold)) bool record_interpret(const struct stage_run *run, const uint8_t *copy)
{
	const struct schema_run plain = { run->kind, run->first, 1, copy };
	const struct schema_view view = { run->region->desc, run->region->data, &plain, 1 };
	struct schema_finding finding;

	return schema_check(&view, &finding);
}

/* --- act: the phases of region_commit.c ------------------------------------------------------------------------------- */

#define ORDER __atomic_signal_fence(__ATOMIC_SEQ_CST) /* the recovery runs on this CPU: order for the compiler is enough */

/* Into the slot behind the newest version; returns where this version's own account goes when it is published. */
INLINE struct region_version *record_history(struct region *region, struct stage_run *run, uint32_t history, uint32_t sum)
{
	const struct zog_region_head *head = region->head;
	uint64_t ring = region->ring, kept = ring >> 32;
	uint32_t slot = (uint32_t)ring + 1 == history ? 0 : (uint32_t)ring + 1;
	struct region_version *version = &region->version[slot];

	if (kept == history)
		kept--, region->ring = ring - region_ring(0, 1);
	run->ring = (kept + 1) << 32 | slot;
	version->was = (struct zog_region_version){ (run->version >> 1) - 1, head->time_ns, head->author, head->checksum };
	version->is.version = run->version >> 1;
	version->run_count = 1;
	version->checksum = region_sum_add(0, sum);
	version->run[0] = (struct region_undo){ run->offset, run->bytes, run->kind, run->first, 1, 0 };
	record_copy(version->replaced, region->data + run->offset, run->bytes);
	return version;
}

INLINE void record_publish(struct region *region, const struct stage *stage, struct region_version *version, uint32_t author)
{
	const struct stage_run *run = &stage->run[0];
	struct zog_region_head *head = region->head;
	uint64_t time_ns = stage->time_ns;
	uint32_t checksum = run->checksum;

	head->time_ns = time_ns;
	head->author = author, head->checksum = checksum;
	if (version != NULL) {
		version->is.time_ns = time_ns;
		version->is.author = author, version->is.checksum = checksum;
	}
	region->commits = run->commits;
	region->bytes_committed = run->bytes_committed;
	region->ring = run->ring;
	__atomic_store_n(&head->version, run->version, __ATOMIC_RELEASE);
}

/* What is behind the point of no return. */
INLINE void record_act(struct stage *stage, uint32_t *sum, uint32_t author)
{
	struct stage_run *run = &stage->run[0];
	struct region *region = run->region;
	struct region_version *version = NULL;
	uint64_t open = region->head->version | 1;

	/* Odd before anything changes: x86 keeps the order of stores, and so must the compiler. */
	__atomic_store_n(&region->head->version, open, __ATOMIC_RELAXED);
	ORDER;
	run->version = open + 1;
	if (region->desc->history != 0)
		version = record_history(region, run, region->desc->history, *sum);
	else
		run->ring = 0;
	run->commits = region->commits + 1;
	run->bytes_committed = region->bytes_committed + run->bytes;
	ORDER;
	stage->phase = PHASE_CHANGE;
	ORDER;
	record_copy(region->data + run->offset, stage->bytes, run->bytes);
	*sum = run->checksum;
	ORDER;
	stage->phase = PHASE_PUBLISH;
	ORDER;
	record_publish(region, stage, version, author);
}

/* --- the transaction around it ---------------------------------------------------------------------------------------- */

bool region_commit_straight(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];
	struct stage_run *run;

	__asm__("" : "+r"(stage)); /* stays in a register: its address takes a multiplication */
	run = &stage->run[0];
	stage->time_ns = time_now_ns();
	const struct straight_kind *kind = record_decode(run, domain, domain->txn);
	if (kind == NULL)
		return false;
	run->checksum = record_take(stage->bytes, run->region->buffer + run->offset, kind->bytes);
	if (kind->steps.interval == NULL ? !record_interpret(run, stage->bytes) :
	    !steps_hold(&kind->steps, stage->bytes, run->region->data + run->offset))
		return false;
	stage->phase = PHASE_SAVE;
	ORDER;
	domain->commit_phase = COMMIT_RECORD; /* the point of no return */
	ORDER;
	domain->txn->op_count = 0;
	record_act(stage, &kind->sum[run->first], domain->id);
	domain->stats.commits++;
	ORDER;
	domain->commit_phase = COMMIT_NONE;
	return true;
}

void region_straight_resume(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];
	struct stage_run *run = &stage->run[0];
	const struct record_desc *kind = &run->region->desc->record[run->kind];

	run->count = 1;
	run->offset = kind->offset + run->first * kind->bytes, run->bytes = kind->bytes;
	run->use = USE_COMMIT, run->is_lead = 1;
	run->author = domain->id;
	run->copy = stage->bytes;
	run->decides = 0;
	stage->run_count = stage->region_count = 1;
	stage->finding.rule = 0;
	cpu->op[0].code = ZOG_OP_REGION_COMMIT;
	cpu->op_seen = 1ul << ZOG_OP_REGION_COMMIT;
	domain->commit_ranges = 0;
	domain->commit_ops = 1;
	domain->commit_next = 0;
	ORDER;
	domain->commit_phase = COMMIT_EFFECTS;
}
