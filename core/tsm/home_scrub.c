/* The scrubber over home schemas: is what is committed what the schema says? Idle domains only, their lock held.
 *
 * A committed record that breaks a rule is on file as an incident `damage`, with what became of it:
 *
 * repaired  The live image has the page, and keeps all rules there: the committed page is the damaged one, and becomes
 *           what is live. Nobody has seen the damage; the domain goes on.
 * cold      No copy can be trusted, and the manifest says `on_damage = "cold"`: nothing in this home region is promised
 *           to anybody. It becomes zeros, as at the first start, and the domain starts again: visible loss.
 * kept      No copy can be trusted, and others rely on what stands around it: restarting from the same bytes would
 *           change nothing, older ones there are none. It is told, and the domain goes on with what it has.
 *
 * In one life of a domain HOME_TOLD_MAX of the last kind are told, each once; further ones are counted. */
#include "tsm/compare.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "tsm/home_schema.h"
#include "tsm/region.h"

static void damage_tell(struct domain *domain, const struct home_finding *finding, const char *outcome)
{
	domain->stats.schema_findings++;
	home_finding_name(finding, domain->stats.finding, sizeof(domain->stats.finding));
	log_line("zog: damage domain=%s region=home %s value=0x%lx outcome=%s", domain->desc->name, domain->stats.finding, finding->value, outcome);
	incident_record_damage(domain, finding, outcome);
}

bool home_page_repair(struct domain *domain, uint32_t page)
{
	uint8_t *live = domain->home_live + page * ZOG_PAGE_SIZE, *committed = domain->home_committed + page * ZOG_PAGE_SIZE;
	struct home_finding finding, other;

	if (!domain->home_valid[page] || page_is_equal(live, committed) || home_page_is_good(domain, page, false, &finding) ||
	    !home_page_is_good(domain, page, true, &other))
		return false;
	memcpy(committed, live, ZOG_PAGE_SIZE);
	damage_tell(domain, &finding, "repaired");
	return true;
}

static bool record_repair(struct domain *domain, const struct home_finding *finding)
{
	uint32_t start = finding->table->offset + finding->index * finding->table->bytes, end = start + finding->table->bytes;
	bool is_repaired = false;

	for (uint32_t page = start / ZOG_PAGE_SIZE; page <= (end - 1) / ZOG_PAGE_SIZE; page++)
		is_repaired |= home_page_repair(domain, page);
	return is_repaired;
}

/* false: in this life of the domain it was told, or enough was. */
static bool finding_is_new(struct domain *domain, const struct home_finding *finding)
{
	if (domain->scrub_life != domain->resets) {
		domain->scrub_life = domain->resets;
		domain->scrub_told = 0;
	}
	for (uint32_t i = 0; i < domain->scrub_told; i++) {
		const struct home_finding *told = &domain->scrub_finding[i];
		if (told->rule == finding->rule && told->index == finding->index && told->element == finding->element && told->value == finding->value)
			return false;
	}
	if (domain->scrub_told == HOME_TOLD_MAX) {
		domain->stats.schema_findings++;
		return false;
	}
	domain->scrub_finding[domain->scrub_told++] = *finding;
	return true;
}

static void home_make_cold(struct domain *domain)
{
	memset(domain->home_committed, 0, domain->home_bytes);
	domain_reset(domain);
	region_domain_ended(domain);
	thread_wake_waiters_of(domain->id);
}

/* false: the domain has to start again. */
static bool damage_settle(struct domain *domain, const struct home_finding *finding)
{
	if (record_repair(domain, finding) || !finding_is_new(domain, finding))
		return true;
	damage_tell(domain, finding, domain->desc->is_cold_on_damage ? "cold" : "kept");
	if (domain->desc->is_cold_on_damage)
		home_make_cold(domain);
	return !domain->desc->is_cold_on_damage;
}

void home_schema_scrub(struct domain *domain)
{
	const struct home_schema *schema = domain->schema;
	struct home_finding finding;

	for (uint32_t looked = 0; looked < HOME_SCRUB_RECORDS; looked++) {
		const struct home_table *table = &schema->table[domain->scrub_table];
		if (!home_record_is_good(domain, domain->scrub_table, domain->scrub_record, &finding) && !damage_settle(domain, &finding))
			return;
		domain->stats.records_checked++;
		if (++domain->scrub_record < table->count)
			continue;
		domain->scrub_record = 0;
		domain->scrub_table = (domain->scrub_table + 1) % schema->table_count;
	}
}
