/* Commit of shared regions, as staged operations; the protocol stands in region.h. */
#include "tsm/region_stage.h"
#include "tsm/region_control.h"
#include "arch/x86_64/apic.h"
#include "fault/log.h"

struct stage stage_table[ZOG_CPU_MAX];

static void phase_set(struct stage *stage, uint32_t phase)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* the recovery runs on this CPU: order for the compiler is enough */
	stage->phase = phase;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* --- decode -------------------------------------------------------------------------------------------------------- */

/* The run stands for its region unless an earlier one does. false: it overlaps one of those. */
static bool run_place(const struct stage *stage, struct stage_run *run)
{
	run->is_lead = 1;
	for (const struct stage_run *other = stage->run; other < run; other++) {
		if (other->region != run->region)
			continue;
		run->is_lead = 0;
		if (other->use != run->use || (run->offset < other->offset + other->bytes && other->offset < run->offset + run->bytes))
			return false;
	}
	return true;
}

struct stage_run *stage_run_add(struct stage *stage, struct region *region, uint64_t kind, uint64_t first, uint64_t count, uint32_t use)
{
	const struct region_desc *desc = region->desc;
	struct stage_run *run = &stage->run[stage->run_count];

	if (stage->run_count == REGION_RUN_MAX || kind >= desc->record_count)
		return NULL;
	const struct record_desc *record = &desc->record[kind];
	if (count == 0 || first >= record->count || count > record->count - first)
		return NULL;
	run->region = region;
	run->kind = (uint32_t)kind, run->first = (uint32_t)first, run->count = (uint32_t)count;
	run->offset = record->offset + (uint32_t)first * record->bytes;
	run->bytes = (uint32_t)count * record->bytes;
	run->use = use;
	run->decides = 0;
	if (!run_place(stage, run))
		return NULL;
	stage->plain[stage->run_count++] = (struct schema_run){ (uint32_t)kind, (uint32_t)first, (uint32_t)count, NULL };
	stage->region_count += run->is_lead;
	return run;
}

/* Pages of the buffer that the writer has not touched since its start show what is committed, not what their frames hold. */
static bool buffer_is_present(struct domain *domain, const struct region *region, uint32_t offset, uint32_t bytes)
{
	for (uint32_t page = offset / ZOG_PAGE_SIZE; page <= (offset + bytes - 1) / ZOG_PAGE_SIZE; page++)
		if (!(region->buffer_entry[page] & PTE_PRESENT) && !domain_touch(domain, region->buffer_address + page * ZOG_PAGE_SIZE, true))
			return false;
	return true;
}

static bool run_decode(struct cpu *cpu, struct domain *domain, struct region *region, const struct zog_op *op, uint32_t use)
{
	struct stage *stage = &stage_table[cpu->id];
	struct stage_run *run = region ? stage_run_add(stage, region, op->word[0], op->word[1], op->word[2], use) : NULL;

	if (run == NULL || run->bytes > REGION_STAGE_BYTES - stage->used || !buffer_is_present(domain, region, run->offset, run->bytes))
		return false;
	run->author = domain->id;
	run->copy = stage->plain[stage->run_count - 1].bytes = stage->bytes + stage->used;
	memcpy(stage->bytes + stage->used, region->buffer + run->offset, run->bytes);
	stage->used += (run->bytes + 7) & ~7u;
	return true;
}

bool region_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct region *region = region_of(domain, op->slot, REGION_WRITER);

	if (is_first)
		stage_begin(&stage_table[cpu->id]);
	return run_decode(cpu, domain, region != NULL && !region->desc->has_validator ? region : NULL, op, USE_COMMIT);
}

bool region_decode_propose(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct region *region = region_of(domain, op->slot, REGION_WRITER);

	if (is_first)
		stage_begin(&stage_table[cpu->id]);
	if (region == NULL || !region->desc->has_validator)
		return false;
	/* Pairs with proposal_decide: the validator is done with the memory. */
	if (__atomic_load_n(&region->head->decided, __ATOMIC_ACQUIRE) != region->head->proposed)
		return false;
	return run_decode(cpu, domain, region, op, USE_PROPOSE);
}

/* --- check --------------------------------------------------------------------------------------------------------- */

static bool one_region_check(struct stage *stage, struct region *region)
{
	struct schema_run run[REGION_RUN_MAX];
	struct schema_view view = { region->desc, region->data, stage->plain, stage->run_count };

	if (stage->region_count > 1) {
		view.run = run;
		view.run_count = 0;
		for (uint32_t i = 0; i < stage->run_count; i++)
			if (stage->run[i].region == region)
				run[view.run_count++] = stage->plain[i];
	}
	return schema_check(&view, &stage->finding);
}

static void refusal_log(const struct stage *stage, struct region *region, const struct domain *domain)
{
	const struct schema_finding *finding = &stage->finding;

	region->refused++;
	log_line("zog: validation domain=%s region=%s record=%s index=%u field=%s rule=%u value=0x%lx", domain->desc->name, region->desc->name,
		 region->desc->record[finding->kind].name, finding->index, finding->field_name, finding->rule, finding->value);
}

bool region_check(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];

	for (struct stage_run *run = stage->run; run < stage->run + stage->run_count; run++) {
		if (!run->is_lead || run->use == USE_REJECT || one_region_check(stage, run->region) || !region_control_validates())
			continue;
		refusal_log(stage, run->region, domain);
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

/* Odd for as long as the region changes. Readers on other CPUs: x86 keeps the order of stores, and so must the compiler. */
static void head_open(struct region *region)
{
	__atomic_store_n(&region->head->version, region->head->version | 1, __ATOMIC_SEQ_CST);
}

static void run_save(const struct region *region, struct region_version *version, const struct stage_run *run, uint32_t at)
{
	uint32_t checksum = version->checksum;

	memcpy(version->replaced + at, region->data + run->offset, run->bytes);
	for (uint32_t i = 0; i < run->count; i++)
		checksum = region_sum_add(checksum, region->sum[run->kind][run->first + i]);
	version->checksum = checksum;
	version->run[version->run_count] = (struct region_undo){ run->offset, run->bytes, run->kind, run->first, run->count, at };
	version->run_count++;
}

/* Into the slot behind the newest version. The oldest one gives way where all slots are taken. */
static void history_save(struct stage *stage, struct stage_run *lead)
{
	struct region *region = lead->region;
	const struct zog_region_head *head = region->head;
	uint32_t history = region->desc->history, at = 0, slot = region->newest + 1 == history ? 0 : region->newest + 1;
	struct region_version *version = &region->version[slot];

	if (region->kept == history)
		region->ring = region_ring(region->newest, history - 1);
	version->is.version = lead->version >> 1;
	version->was = (struct zog_region_version){ version->is.version - 1, head->time_ns, head->author, head->checksum };
	version->run_count = 0;
	version->checksum = 0;
	for (struct stage_run *run = lead; run < stage->run + stage->run_count; run++) {
		if (run->region != region)
			continue;
		run_save(region, version, run, at);
		at += run->bytes;
	}
	lead->ring = region_ring(slot, region->kept + 1);
}

static void region_save(struct stage *stage, struct stage_run *lead)
{
	struct region *region = lead->region;
	uint32_t bytes = 0;

	head_open(region);
	lead->version = (region->head->version | 1) + 1;
	lead->ring = 0;
	if (region->desc->history != 0)
		history_save(stage, lead);
	for (struct stage_run *run = lead; run < stage->run + stage->run_count; run++)
		bytes += run->region == region ? run->bytes : 0;
	lead->commits = region->commits + 1;
	lead->bytes_committed = region->bytes_committed + bytes;
}

/* The checksum of the last commit goes over the bytes of all runs; that of one record is its sum. */
static uint32_t run_change(struct region *region, const struct stage_run *run, uint32_t checksum)
{
	uint32_t bytes = region->desc->record[run->kind].bytes, *sum = region->sum[run->kind] + run->first;

	memcpy(region->data + run->offset, run->copy, run->bytes);
	for (uint32_t i = 0; i < run->count; i++)
		sum[i] = schema_crc32c(0, run->copy + (uint64_t)i * bytes, bytes);
	return checksum == 0 && run->count == 1 ? sum[0] : schema_crc32c(checksum, run->copy, run->bytes);
}

static void region_change(struct stage *stage, struct stage_run *lead)
{
	uint32_t checksum = 0;

	for (const struct stage_run *run = lead; run < stage->run + stage->run_count; run++)
		if (run->region == lead->region)
			checksum = run_change(lead->region, run, checksum);
	lead->checksum = checksum;
}

static void region_publish(const struct stage *stage, const struct stage_run *lead)
{
	struct region *region = lead->region;
	const struct zog_region_version is = { lead->version >> 1, stage->time_ns, lead->author, lead->checksum };

	region->head->checksum = is.checksum;
	region->head->author = is.author;
	region->head->time_ns = is.time_ns;
	region->commits = lead->commits;
	region->bytes_committed = lead->bytes_committed;
	if (region->desc->history != 0)
		region->version[(uint32_t)lead->ring].is = is;
	region->ring = lead->ring;
	if (lead->decides != 0)
		proposal_decide(region, lead->decides, ZOG_OK);
}

static void stage_publish(struct stage *stage, const struct domain *domain)
{
	struct stage_run *end = stage->run + stage->run_count;

	for (struct stage_run *run = stage->run; run < end; run++)
		if (run->is_lead && run->use == USE_COMMIT)
			region_publish(stage, run);
		else if (run->is_lead && run->use == USE_PROPOSE)
			proposal_publish(stage, domain, run);
		else if (run->use == USE_REJECT)
			proposal_reject(domain, run);
	for (struct stage_run *run = stage->run; run < end; run++)
		if (run->is_lead && run->use == USE_COMMIT)
			__atomic_store_n(&run->region->head->version, run->version, __ATOMIC_RELEASE), region_buffer_is_old(run->region);
}

typedef void phase_of_lead(struct stage *stage, struct stage_run *lead);

static void stage_each(struct stage *stage, phase_of_lead *commit, phase_of_lead *propose)
{
	for (struct stage_run *run = stage->run; run < stage->run + stage->run_count; run++)
		if (run->is_lead && run->use == USE_COMMIT)
			commit(stage, run);
		else if (run->is_lead && run->use == USE_PROPOSE)
			propose(stage, run);
}

void region_act_commit(struct cpu *cpu, struct domain *domain)
{
	struct stage *stage = &stage_table[cpu->id];

	if (stage->phase == PHASE_SAVE) {
		stage_each(stage, region_save, proposal_save);
		phase_set(stage, PHASE_CHANGE);
	}
	if (stage->phase == PHASE_CHANGE) {
		stage_each(stage, region_change, proposal_change);
		phase_set(stage, PHASE_PUBLISH);
	}
	if (stage->phase == PHASE_PUBLISH) {
		stage_publish(stage, domain);
		phase_set(stage, PHASE_DONE);
	}
}

/* --- given up ------------------------------------------------------------------------------------------------------ */

/* The records as the history has just saved them. Without a history nobody knows them: the scrubber compares what there is
 * with the sums. */
static void change_undo(struct stage *stage, struct stage_run *lead)
{
	if (lead->region->desc->history != 0)
		region_undo_apply(lead->region, (uint32_t)lead->ring), region_undo_sums(lead->region, (uint32_t)lead->ring);
	(void)stage;
}

static void nothing_undo(struct stage *stage, struct stage_run *lead) { (void)stage, (void)lead; }

static void head_close(struct stage *stage, struct stage_run *lead)
{
	struct region *region = lead->region;

	if (stage->phase == PHASE_PUBLISH)
		region->ring = lead->ring; /* the records are the new ones already */
	if (lead->decides != 0)
		proposal_decide(region, lead->decides, stage->phase == PHASE_PUBLISH ? ZOG_OK : ZOG_ERR_CORRUPT);
	log_line("zog: given up region=%s phase=%u version=%lu", region->desc->name, stage->phase, lead->version >> 1);
	__atomic_store_n(&region->head->version, (region->head->version | 1) + 1, __ATOMIC_SEQ_CST);
}

void region_act_skipped(struct cpu *cpu)
{
	struct stage *stage = &stage_table[cpu->id];

	if (stage->phase == PHASE_DONE)
		return;
	if (stage->phase == PHASE_CHANGE)
		stage_each(stage, change_undo, nothing_undo);
	stage_each(stage, head_close, nothing_undo);
	phase_set(stage, PHASE_DONE);
}
