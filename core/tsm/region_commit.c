/* Commit and rollback of shared regions, as staged operations; the protocol stands in region.h. */
#include "tsm/region.h"
#include "tsm/region_control.h"
#include "arch/x86_64/apic.h"
#include "fault/log.h"

void *memcpy(void *to, const void *from, size_t size);

enum stage_phase { PHASE_SAVE = 0, PHASE_CHANGE = 1, PHASE_PUBLISH = 2, PHASE_DONE = 3 };

struct stage_run {
	struct region *region;
	uint32_t kind, first, count, offset, bytes; /* offset: in the region */
	const uint8_t *copy;
	/* First run of its region: what the region's records of itself will be. Set while nothing has changed, stored as they
	 * are, so that storing them again changes nothing. */
	uint64_t ring, version, commits, bytes_committed;
};
/* What one transaction submits, copied. One for each CPU: a commit is not interrupted. */
struct stage {
	uint32_t run_count, used;
	volatile uint32_t phase;
	uint64_t time_ns;
	struct schema_finding finding;
	struct stage_run run[REGION_RUN_MAX];
	uint8_t bytes[REGION_STAGE_BYTES] __attribute__((aligned(8)));
};
static struct stage stage_table[ZOG_CPU_MAX];

static void phase_set(struct stage *stage, uint32_t phase)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* the recovery runs on this CPU: order for the compiler is enough */
	stage->phase = phase;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static struct region *region_of_writer(const struct domain *domain, uint32_t place)
{
	if (place >= domain->desc->region_count || !domain->desc->region[place].is_writer)
		return NULL;
	return &region_table[domain->desc->region[place].region];
}

/* --- decode -------------------------------------------------------------------------------------------------------- */

/* The range that OP names lies inside its table and overlaps no other of the transaction. */
static bool run_decode(const struct stage *stage, struct region *region, const struct zog_op *op, struct stage_run *run)
{
	const struct region_desc *desc = region->desc;

	if (op->word[0] >= desc->record_count)
		return false;
	const struct record_desc *kind = &desc->record[op->word[0]];
	uint64_t first = op->word[1], count = op->word[2];
	if (count == 0 || first >= kind->count || count > kind->count - first)
		return false;
	*run = (struct stage_run){ region, (uint32_t)op->word[0], (uint32_t)first, (uint32_t)count,
				   kind->offset + (uint32_t)first * kind->bytes, (uint32_t)count * kind->bytes, NULL, 0, 0, 0, 0 };
	for (uint32_t i = 0; i < stage->run_count; i++)
		if (stage->run[i].region == region && run->offset < stage->run[i].offset + stage->run[i].bytes &&
		    stage->run[i].offset < run->offset + run->bytes)
			return false;
	return true;
}

/* Pages of the buffer that the writer has not touched since its start show what is committed, not what their frames hold. */
static bool buffer_is_present(struct domain *domain, const struct region *region, uint32_t offset, uint32_t bytes)
{
	for (uint32_t page = offset / ZOG_PAGE_SIZE; page <= (offset + bytes - 1) / ZOG_PAGE_SIZE; page++)
		if (!(region->buffer_entry[page] & PTE_PRESENT) && !domain_touch(domain, region->buffer_address + page * ZOG_PAGE_SIZE, true))
			return false;
	return true;
}

bool region_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct stage *stage = &stage_table[cpu->id];
	struct region *region = region_of_writer(domain, op->slot);
	struct stage_run run;

	if (is_first) {
		stage->run_count = stage->used = 0;
		stage->finding.rule = 0;
		stage->phase = PHASE_SAVE;
	}
	if (region == NULL || stage->run_count == REGION_RUN_MAX || !run_decode(stage, region, op, &run))
		return false;
	if (run.bytes > REGION_STAGE_BYTES - stage->used || !buffer_is_present(domain, region, run.offset, run.bytes))
		return false;
	run.copy = stage->bytes + stage->used;
	memcpy(stage->bytes + stage->used, region->buffer + run.offset, run.bytes);
	stage->used += (run.bytes + 7) & ~7u;
	stage->run[stage->run_count++] = run;
	return true;
}

/* --- check --------------------------------------------------------------------------------------------------------- */

/* The first run of each region stands for it. */
static bool is_first_of_region(const struct stage *stage, uint32_t place)
{
	for (uint32_t i = 0; i < place; i++)
		if (stage->run[i].region == stage->run[place].region)
			return false;
	return true;
}

static bool one_region_check(struct stage *stage, struct region *region)
{
	struct schema_run run[REGION_RUN_MAX];
	struct schema_view view = { region->desc, region->data, run, 0 };

	for (uint32_t i = 0; i < stage->run_count; i++)
		if (stage->run[i].region == region)
			run[view.run_count++] = (struct schema_run){ stage->run[i].kind, stage->run[i].first, stage->run[i].count, stage->run[i].copy };
	return schema_check(&view, &stage->finding);
}

bool region_check(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];

	for (uint32_t i = 0; i < stage->run_count; i++) {
		struct region *region = stage->run[i].region;
		if (!is_first_of_region(stage, i) || one_region_check(stage, region) || !region_control_validates())
			continue;
		const struct schema_finding *finding = &stage->finding;
		region->refused++;
		log_line("zog: validation domain=%s region=%s record=%s index=%u field=%s rule=%u value=0x%lx", domain->desc->name,
			 region->desc->name, region->desc->record[finding->kind].name, finding->index, finding->field_name, finding->rule,
			 finding->value);
		return false;
	}
	stage->finding.rule = 0;
	stage->time_ns = time_now_ns();
	return true;
}

bool region_finding_take(struct cpu *cpu, uint64_t *value, uint64_t *detail)
{
	struct schema_finding *finding = &stage_table[cpu->id].finding;

	if (finding->rule == 0)
		return false;
	*value = finding->value;
	*detail = finding->rule | (finding->field & 0xff) << 8 | finding->kind << 16 | (uint64_t)finding->index << 32;
	finding->rule = 0;
	return true;
}

/* --- act ----------------------------------------------------------------------------------------------------------- */

static uint64_t ring_of(uint32_t newest, uint32_t kept) { return newest | (uint64_t)kept << 32; }

/* Odd for as long as the region changes. Readers on other CPUs: x86 keeps the order of stores, and so must the compiler. */
static void head_open(struct region *region)
{
	__atomic_store_n(&region->head->version, region->head->version | 1, __ATOMIC_SEQ_CST);
}

static uint32_t run_save(struct region *region, uint32_t slot, const struct stage_run *run, uint32_t at)
{
	struct region_version *version = &region->version[slot];

	memcpy(region->undo + (uint64_t)slot * region->desc->bytes + at, region->data + run->offset, run->bytes);
	version->run[version->run_count] = (struct region_undo){ run->offset, run->bytes, run->kind, run->first, run->count, at };
	version->run_count++;
	return at + run->bytes;
}

/* Into the slot behind the newest version. The oldest one gives way where all slots are taken. */
static void region_save(struct stage *stage, struct stage_run *lead)
{
	struct region *region = lead->region;
	uint32_t history = region->desc->history, at = 0, bytes = 0;
	uint32_t slot = history ? (region->newest + 1) % history : 0;

	head_open(region);
	lead->version = (region->head->version | 1) + 1;
	if (history != 0) {
		if (region->kept == history)
			region->ring = ring_of(region->newest, history - 1);
		region->version[slot].version = lead->version >> 1;
		region->version[slot].before = (lead->version >> 1) - 1;
		region->version[slot].run_count = 0;
	}
	for (struct stage_run *run = lead; run < stage->run + stage->run_count; run++) {
		if (run->region != region)
			continue;
		bytes += run->bytes;
		if (history != 0)
			at = run_save(region, slot, run, at);
	}
	lead->ring = history ? ring_of(slot, region->kept + 1) : 0;
	lead->commits = region->commits + 1;
	lead->bytes_committed = region->bytes_committed + bytes;
}

static void region_publish(struct stage *stage, struct domain *domain, const struct stage_run *lead)
{
	struct region *region = lead->region;
	uint32_t checksum = 0;

	for (const struct stage_run *run = lead; run < stage->run + stage->run_count; run++)
		if (run->region == region)
			checksum = schema_crc32c(checksum, run->copy, run->bytes);
	region->head->checksum = checksum;
	region->head->author = domain->id;
	region->head->time_ns = stage->time_ns;
	region->commits = lead->commits;
	region->bytes_committed = lead->bytes_committed;
	region->ring = lead->ring;
}

static void stage_change(struct stage *stage)
{
	for (uint32_t i = 0; i < stage->run_count; i++)
		memcpy(stage->run[i].region->data + stage->run[i].offset, stage->run[i].copy, stage->run[i].bytes);
}

static void stage_publish(struct stage *stage, struct domain *domain)
{
	for (uint32_t i = 0; i < stage->run_count; i++)
		if (is_first_of_region(stage, i))
			region_publish(stage, domain, &stage->run[i]);
	for (uint32_t i = 0; i < stage->run_count; i++)
		if (is_first_of_region(stage, i))
			__atomic_store_n(&stage->run[i].region->head->version, stage->run[i].version, __ATOMIC_SEQ_CST);
}

void region_act_commit(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];

	if (stage->phase == PHASE_SAVE) {
		for (uint32_t i = 0; i < stage->run_count; i++)
			if (is_first_of_region(stage, i))
				region_save(stage, &stage->run[i]);
		phase_set(stage, PHASE_CHANGE);
	}
	if (stage->phase == PHASE_CHANGE) {
		stage_change(stage);
		phase_set(stage, PHASE_PUBLISH);
	}
	if (stage->phase == PHASE_PUBLISH) {
		stage_publish(stage, domain);
		phase_set(stage, PHASE_DONE);
	}
}

/* --- rollback -------------------------------------------------------------------------------------------------------- */

bool region_decode_rollback(struct domain *domain, const struct zog_op *op)
{
	const struct region *region = region_of_writer(domain, op->slot);

	return region != NULL && region->desc->is_reconstructible && region_has_version(region, op->word[0]);
}

/* Newest first; the same bytes may go back twice. */
void region_act_rollback(struct domain *domain, const struct zog_op *op)
{
	struct region *region = region_of_writer(domain, op->slot);
	uint32_t slot = region->newest, undone = 0;

	head_open(region);
	for (; undone < region->kept && region->version[slot].version > op->word[0]; undone++) {
		const struct region_version *version = &region->version[slot];
		for (uint32_t i = 0; i < version->run_count; i++)
			memcpy(region->data + version->run[i].offset, region->undo + (uint64_t)slot * region->desc->bytes + version->run[i].at,
			       version->run[i].bytes);
		slot = (slot + region->desc->history - 1) % region->desc->history;
	}
	region->head->epoch++;
	region->head->author = domain->id;
	region->head->time_ns = time_now_ns();
	region->rollbacks++;
	region->ring = ring_of(slot, region->kept - undone);
	__atomic_store_n(&region->head->version, (region->head->version | 1) + 1, __ATOMIC_SEQ_CST);
	region_discard(domain);
	log_line("zog: rollback domain=%s region=%s to=%lu undone=%u epoch=%lu", domain->desc->name, region->desc->name, op->word[0], undone,
		 region->head->epoch);
}
