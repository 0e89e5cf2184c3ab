/* The straight way of a commit: one record of one region, submitted by its writer, without a validator, and nothing else in the
 * transaction. transaction.c and region_commit.c do the same step by step, and everything that is refused here: false
 * means that nothing has changed. The two must stay alike: a commit that an exception in the core cuts here goes on there,
 * from the phase that the stage names.
 *
 * The record's sum is taken while the record is copied into the stage, so it is of the very bytes that the schema sees. The
 * same number is the record's sum, the region's checksum of this commit, and, by the next one, part of the history's. */
#include "tsm/region_stage.h"
#include "tsm/region_control.h"
#include "tsm/transaction.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/crc32.h"

#define STRAIGHT_BYTES_MAX 128u
typedef uint64_t word_t __attribute__((may_alias, aligned(1))); /* records may stand at any offset */

/* By words: as short as these are, a call would cost as much again. BYTES: a multiple of 8. */
static inline __attribute__((always_inline)) void record_copy(uint8_t *to, const uint8_t *from, uint32_t bytes)
{
	const uint8_t *end = from + bytes;

	for (; end - from >= 32; from += 32, to += 32) {
		uint64_t a = ((const word_t *)from)[0], b = ((const word_t *)from)[1], c = ((const word_t *)from)[2], d = ((const word_t *)from)[3];
		((word_t *)to)[0] = a, ((word_t *)to)[1] = b, ((word_t *)to)[2] = c, ((word_t *)to)[3] = d;
	}
	for (; from < end; from += 8, to += 8)
		*(word_t *)to = *(const word_t *)from;
}

/* One word of memory that others may write: read once, then stored and summed. */
static inline __attribute__((always_inline)) uint64_t word_take(uint8_t *to, const uint8_t *user_from, uint64_t crc)
{
	uint64_t word = *(const volatile word_t *)user_from;

	*(word_t *)to = word;
	return crc32_step8_wide(crc, word);
}

/* Copies, and gives the CRC32C of what was copied. */
static inline __attribute__((always_inline)) uint32_t record_take(uint8_t *to, const uint8_t *user_from, uint32_t bytes)
{
	const uint8_t *end = user_from + bytes;
	uint64_t crc = UINT32_MAX;

	for (; end - user_from >= 32; user_from += 32, to += 32) {
		crc = word_take(to, user_from, crc);
		crc = word_take(to + 8, user_from + 8, crc);
		crc = word_take(to + 16, user_from + 16, crc);
		crc = word_take(to + 24, user_from + 24, crc);
	}
	for (; user_from < end; user_from += 8, to += 8)
		crc = word_take(to, user_from, crc);
	return ~(uint32_t)crc;
}

/* --- decode and check ------------------------------------------------------------------------------------------------- */

/* NULL: the general way looks into it. */
static inline __attribute__((always_inline)) struct region *region_for(const struct domain *domain, uint64_t place)
{
	const struct domain_desc *desc = domain->desc;

	if (place >= desc->region_count || desc->region[place].role != REGION_WRITER)
		return NULL;
	struct region *region = &region_table[desc->region[place].region];
	return region->desc->has_validator ? NULL : region;
}

static inline __attribute__((always_inline)) bool record_decode(struct stage *stage, const struct domain *domain, const volatile struct zog_op *user_op)
{
	uint64_t kind = user_op->word[0], first = user_op->word[1];
	struct region *region = region_for(domain, user_op->slot);

	if (region == NULL || kind >= region->desc->record_count || user_op->word[2] != 1)
		return false;
	const struct record_desc *record = &region->desc->record[kind];
	uint32_t bytes = record->bytes, offset = record->offset + (uint32_t)first * bytes;
	if (first >= record->count || bytes > STRAIGHT_BYTES_MAX || bytes % 8 != 0 || (record->is_target && record->live_bytes != 0))
		return false;
	if (!(region->buffer_entry[offset / ZOG_PAGE_SIZE] & region->buffer_entry[(offset + bytes - 1) / ZOG_PAGE_SIZE] & PTE_PRESENT))
		return false;
	struct stage_run *run = &stage->run[0];
	run->region = region;
	run->kind = (uint32_t)kind, run->first = (uint32_t)first, run->count = 1;
	run->offset = offset, run->bytes = bytes;
	run->use = USE_COMMIT, run->is_lead = 1;
	run->author = domain->id;
	run->copy = stage->bytes;
	run->decides = 0;
	run->checksum = record_take(stage->bytes, region->buffer + offset, bytes);
	stage->run_count = stage->region_count = 1;
	stage->used = bytes;
	return true;
}

static inline __attribute__((always_inline)) bool record_check_alone(struct stage *stage)
{
	const struct stage_run *run = &stage->run[0];
	const struct schema_run plain = { run->kind, run->first, 1, run->copy };
	const struct schema_view view = { run->region->desc, run->region->data, &plain, 1 };
	struct schema_finding finding;

	return schema_check(&view, &finding);
}

/* --- act: the phases of region_commit.c ------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void phase_reach(struct stage *stage, uint32_t phase)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	stage->phase = phase;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline __attribute__((always_inline)) void record_history(struct region *region, struct stage_run *run, uint32_t history)
{
	const struct zog_region_head *head = region->head;
	uint32_t newest = region->newest, kept = region->kept, slot = newest + 1 == history ? 0 : newest + 1;
	struct region_version *version = &region->version[slot];

	if (kept == history)
		region->ring = region_ring(newest, --kept);
	version->version = run->version >> 1;
	version->before = (run->version >> 1) - 1;
	version->was = (struct zog_region_version){ version->before, head->time_ns, head->author, head->checksum };
	record_copy(region->undo + (uint64_t)slot * region->desc->bytes, region->data + run->offset, run->bytes);
	version->checksum = region_sum_add(0, region->sum[run->kind][run->first]);
	version->run[0] = (struct region_undo){ run->offset, run->bytes, run->kind, run->first, 1, 0 };
	version->run_count = 1;
	run->ring = region_ring(slot, kept + 1);
}

static inline __attribute__((always_inline)) void record_save(struct region *region, struct stage_run *run)
{
	uint64_t version = region->head->version | 1;

	__atomic_store_n(&region->head->version, version, __ATOMIC_SEQ_CST); /* as head_open: odd before anything changes */
	run->version = version + 1;
	run->ring = 0;
	if (region->desc->history != 0)
		record_history(region, run, region->desc->history);
	run->commits = region->commits + 1;
	run->bytes_committed = region->bytes_committed + run->bytes;
}

static inline __attribute__((always_inline)) void record_publish(struct region *region, const struct stage_run *run, uint64_t time_ns)
{
	struct zog_region_head *head = region->head;

	head->checksum = run->checksum;
	head->author = run->author;
	head->time_ns = time_ns;
	region->commits = run->commits;
	region->bytes_committed = run->bytes_committed;
	if (region->desc->history != 0)
		region->version[(uint32_t)run->ring].is = (struct zog_region_version){ run->version >> 1, time_ns, run->author, run->checksum };
	region->ring = run->ring;
	__atomic_store_n(&head->version, run->version, __ATOMIC_RELEASE);
}

static inline __attribute__((always_inline)) void record_act(struct stage *stage)
{
	struct stage_run *run = &stage->run[0];
	struct region *region = run->region;

	record_save(region, run);
	phase_reach(stage, PHASE_CHANGE);
	record_copy(region->data + run->offset, run->copy, run->bytes);
	region->sum[run->kind][run->first] = run->checksum;
	phase_reach(stage, PHASE_PUBLISH);
	record_publish(region, run, stage->time_ns);
	phase_reach(stage, PHASE_DONE);
}

/* --- the transaction around it ---------------------------------------------------------------------------------------- */

#define COUNTS_ONE_OPERATION (1ul << 32) /* of struct zog_txn: no range, one operation */
_Static_assert(offsetof(struct zog_txn, range_count) == 0 && offsetof(struct zog_txn, op_count) == 4, "COUNTS_ONE_OPERATION");

static inline __attribute__((always_inline)) bool is_one_record(const struct zog_txn *user_txn)
{
	return *(const volatile uint64_t *)user_txn == COUNTS_ONE_OPERATION && user_txn->is_page_mode == 0 && user_txn->op[0].code == ZOG_OP_REGION_COMMIT;
}

bool region_commit_straight(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];
	struct zog_txn *txn = domain->txn;

	if (!is_one_record(txn) || region_controls != 0 || schema_crc_way != SCHEMA_CRC_INSTRUCTION)
		return false;
	if (domain->request != REQUEST_NONE || domain->step_kill != 0 || domain->is_commit_recovered)
		return false;
	if (!record_decode(stage, domain, &txn->op[0]) || !record_check_alone(stage))
		return false;
	stage->finding.rule = 0;
	stage->time_ns = time_now_ns();
	stage->phase = PHASE_SAVE;
	cpu->op[0].code = ZOG_OP_REGION_COMMIT;
	cpu->op_seen = 1ul << ZOG_OP_REGION_COMMIT;
	domain->commit_ranges = 0;
	domain->commit_ops = 1;
	domain->commit_next = 0;
	domain->commit_cut_step = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	domain->commit_phase = COMMIT_EFFECTS; /* the point of no return: no home range is part of it */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	txn->op_count = 0;
	record_act(stage);
	domain->commit_next = 1;
	domain->stats.commits++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	domain->commit_phase = COMMIT_NONE;
	return true;
}
