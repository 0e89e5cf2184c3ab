/* Proposals: what a writer submits where a validator commits. The writer's operation makes one, the validator's verdict
 * commits or rejects it; whose turn it is stands in region.h. */
#include "tsm/region_stage.h"
#include "arch/x86_64/apic.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"

#define FAULTS_MAX 2u /* of the validator over one proposal, as of a server over one call */
/* Its time for one: so long, and that often was it seen idle meanwhile, for a machine that stood still must not condemn it. */
#define TIME_NS 5000000000ul
#define LOOKS_MIN 64u

static uint8_t *proposal_bytes(const struct region *region) { return (uint8_t *)region->proposal + ZOG_PAGE_SIZE; }

static bool is_pending(const struct region *region)
{
	/* Pairs with proposal_publish: the proposal is whole. */
	return region->proposal != NULL && __atomic_load_n(&region->head->proposed, __ATOMIC_ACQUIRE) != region->head->decided;
}

/* --- the writer's operation ---------------------------------------------------------------------------------------- */

void proposal_save(struct stage *stage, struct stage_run *lead)
{
	(void)stage;
	lead->version = lead->region->head->proposed + 1;
}

/* The runs side by side, as in the stage. */
void proposal_change(struct stage *stage, struct stage_run *lead)
{
	struct zog_region_proposal *proposal = lead->region->proposal;
	uint32_t at = 0, count = 0;

	for (const struct stage_run *run = lead; run < stage->run + stage->run_count; run++) {
		if (run->region != lead->region)
			continue;
		memcpy(proposal_bytes(lead->region) + at, run->copy, run->bytes);
		proposal->run[count].kind = run->kind;
		proposal->run[count].first = run->first;
		proposal->run[count].count = run->count;
		proposal->run[count++].at = at;
		at += (run->bytes + 7) & ~7u;
	}
	proposal->run_count = count;
}

void proposal_publish(const struct stage *stage, const struct domain *domain, const struct stage_run *lead)
{
	struct region *region = lead->region;

	region->proposal->number = lead->version;
	region->proposal->time_ns = stage->time_ns;
	region->proposal->author = domain->id;
	region->proposal_faults = region->proposal_looks = 0;
	__atomic_store_n(&region->head->proposed, lead->version, __ATOMIC_SEQ_CST);
	/* Pairs with domain_quarantine: one of the two sees the other, both may decide it. */
	if (__atomic_load_n(&domain_table[region->desc->validator].state, __ATOMIC_SEQ_CST) == DOMAIN_QUARANTINED)
		proposal_decide(region, lead->version, ZOG_ERR_QUARANTINED);
}

/* --- the validator's verdict --------------------------------------------------------------------------------------- */

/* The proposal's runs are committed from where they are: nobody but the core can write there, and no other comes while it
 * is pending. */
static bool accept_decode(struct stage *stage, struct region *region)
{
	const struct zog_region_proposal *proposal = region->proposal;

	for (uint32_t i = 0; i < proposal->run_count; i++) {
		struct stage_run *run = stage_run_add(stage, region, proposal->run[i].kind, proposal->run[i].first, proposal->run[i].count,
						      USE_COMMIT);
		if (run == NULL)
			return false;
		run->author = proposal->author;
		run->decides = proposal->number;
		run->copy = stage->plain[stage->run_count - 1].bytes = proposal_bytes(region) + proposal->run[i].at;
	}
	return true;
}

static bool reject_decode(struct stage *stage, struct region *region, const struct zog_op *op)
{
	struct stage_run *run = stage_run_add(stage, region, 0, 0, 1, USE_REJECT);

	if (run == NULL || !run->is_lead)
		return false;
	run->author = region->proposal->author;
	run->decides = op->word[0];
	run->detail = op->word[1];
	run->value = op->word[2];
	return true;
}

bool region_decode_verdict(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct stage *stage = &stage_table[cpu->id];
	struct region *region = region_of(domain, op->slot, REGION_VALIDATOR);

	if (is_first)
		stage_begin(stage);
	if (region == NULL || !is_pending(region) || op->word[0] != region->head->proposed)
		return false;
	return op->word[1] == 0 ? accept_decode(stage, region) : reject_decode(stage, region, op);
}

void proposal_decide(struct region *region, uint64_t number, zog_status_t verdict)
{
	region->head->verdict = verdict;
	__atomic_store_n(&region->head->decided, number, __ATOMIC_RELEASE);
}

/* The incident is the author's; its domain may run on another CPU, and is left as it is. */
void proposal_reject(const struct domain *domain, const struct stage_run *lead)
{
	struct region *region = lead->region;
	uint32_t rule = (uint32_t)lead->detail & 0xff, field = (uint32_t)lead->detail >> 8 & 0xff;
	uint32_t kind = (uint32_t)lead->detail >> 16 & 0xffff, index = (uint32_t)(lead->detail >> 32);

	log_line("zog: rejection domain=%s validator=%s region=%s proposal=%lu record=%s index=%u field=%s rule=%u value=0x%lx",
		 domain_table[lead->author].desc->name, domain->desc->name, region->desc->name, lead->decides,
		 kind < region->desc->record_count ? region->desc->record[kind].name : "?", index, schema_field_name(region->desc, kind, field),
		 rule, lead->value);
	incident_record_notice(&domain_table[lead->author], ZOG_CAUSE_VALIDATION, lead->value, lead->detail);
	region->rejected++;
	proposal_decide(region, lead->decides, ZOG_ERR_DENIED);
}

void region_validator_faulted(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->region_count; i++) {
		struct region *region = region_of(domain, i, REGION_VALIDATOR);
		if (region == NULL || !is_pending(region) || ++region->proposal_faults < FAULTS_MAX)
			continue;
		log_line("zog: poison domain=%s region=%s proposal=%lu", domain->desc->name, region->desc->name, region->head->proposed);
		region->rejected++;
		proposal_decide(region, region->head->proposed, ZOG_ERR_POISON);
	}
}

void region_validator_quarantined(struct domain *domain)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* its state, before what is pending */
	for (uint32_t i = 0; i < domain->desc->region_count; i++) {
		struct region *region = region_of(domain, i, REGION_VALIDATOR);
		if (region != NULL && is_pending(region))
			proposal_decide(region, region->head->proposed, ZOG_ERR_QUARANTINED);
	}
}

void proposal_look(struct domain *validator, struct region *region)
{
	if (!is_pending(region) || ++region->proposal_looks < LOOKS_MIN || time_now_ns() - region->proposal->time_ns < TIME_NS)
		return;
	log_line("zog: overdue domain=%s region=%s proposal=%lu", validator->desc->name, region->desc->name, region->head->proposed);
	incident_record_notice(validator, ZOG_CAUSE_DEADLINE, region->head->proposed, 0);
	region->rejected++;
	proposal_decide(region, region->head->proposed, ZOG_ERR_TIMEOUT);
	thread_wake_waiters_of(validator->id); /* its event will not come */
}
