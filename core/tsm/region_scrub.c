/* The scrubber over shared regions: committed records against the sums taken at their commit, kept versions against those
 * of what they hold. A few at a time, with the committer's lock held, so nothing changes meanwhile but the writer's buffer.
 *
 * A damaged committed record is made good from the writer's buffer where that still holds the committed bytes, which the sum
 * tells. Else it stays as it is: nobody knows what it was. Both are on file as incidents of the committer, without a fault of
 * its; the field is named where the damage breaks a rule of the schema. A damaged version of the history is dropped, and
 * with it those before it, which are reckoned from it. */
#include "tsm/region_stage.h"
#include "tsm/region_control.h"
#include "fault/fault.h"
#include "fault/log.h"

#define RECORDS_AT_ONCE 32u

static uint32_t text_add(char *to, uint32_t at, uint32_t size, const char *text)
{
	while (*text && at < size - 1)
		to[at++] = *text++;
	to[at] = 0;
	return at;
}

static void damage_name(struct region *region, const char *record, uint32_t index, const char *field)
{
	char digits[11] = "", *first = &digits[10];
	uint32_t at = text_add(region->damage, 0, sizeof(region->damage), record);

	do
		*--first = (char)('0' + index % 10);
	while ((index /= 10) != 0);
	at = text_add(region->damage, at, sizeof(region->damage), "[");
	at = text_add(region->damage, at, sizeof(region->damage), first);
	at = text_add(region->damage, at, sizeof(region->damage), "].");
	text_add(region->damage, at, sizeof(region->damage), field);
}

static void damage_tell(struct domain *domain, struct region *region, uint32_t kind, uint32_t index, bool is_repaired)
{
	const struct record_desc *desc = &region->desc->record[kind];
	struct schema_finding finding = { .field_name = "-" };
	const struct schema_run run = { kind, index, 1, region->data + desc->offset + (uint64_t)index * desc->bytes };
	const struct schema_view view = { region->desc, region->data, &run, 1 };

	schema_check(&view, &finding);
	region->damaged++;
	damage_name(region, desc->name, index, finding.field_name);
	log_line("zog: scrub domain=%s region=%s record=%s index=%u field=%s repaired=%u", domain->desc->name, region->desc->name, desc->name,
		 index, finding.field_name, is_repaired);
	incident_record_notice(domain, ZOG_CAUSE_SCRUB, ZOG_REGION_BASE + desc->offset + (uint64_t)index * desc->bytes, kind << 16 | (uint64_t)index << 32);
}

/* The writer may store into its buffer meanwhile: the copy is what is checked. Odd while the bytes go back: readers wait. */
static void record_repair(struct domain *domain, struct region *region, uint32_t kind, uint32_t index)
{
	const struct record_desc *desc = &region->desc->record[kind];
	uint64_t offset = desc->offset + (uint64_t)index * desc->bytes, version = region->head->version;
	uint8_t copy[SCHEMA_RECORD_MAX];
	bool is_present = (region->buffer_entry[offset / ZOG_PAGE_SIZE] & PTE_PRESENT) &&
			  (region->buffer_entry[(offset + desc->bytes - 1) / ZOG_PAGE_SIZE] & PTE_PRESENT);

	memcpy(copy, region->buffer + offset, desc->bytes);
	bool is_known = is_present && schema_crc32c(0, copy, desc->bytes) == region->sum[kind][index];
	damage_tell(domain, region, kind, index, is_known);
	if (!is_known) {
		region->sum[kind][index] = schema_crc32c(0, region->data + offset, desc->bytes); /* told once */
		return;
	}
	__atomic_store_n(&region->head->version, version | 1, __ATOMIC_SEQ_CST);
	memcpy(region->data + offset, copy, desc->bytes);
	__atomic_store_n(&region->head->version, (version | 1) + 1, __ATOMIC_SEQ_CST);
	region->repaired++;
}

static void records_scrub(struct domain *domain, struct region *region)
{
	for (uint32_t n = 0; n < RECORDS_AT_ONCE; n++) {
		const struct record_desc *desc = &region->desc->record[region->scrub_kind];
		uint32_t index = region->scrub_index;
		const uint8_t *record = region->data + desc->offset + (uint64_t)index * desc->bytes;
		region->scrubbed++;
		if (schema_crc32c(0, record, desc->bytes) != region->sum[region->scrub_kind][index])
			record_repair(domain, region, region->scrub_kind, index);
		if (++region->scrub_index < desc->count)
			continue;
		region->scrub_index = 0;
		region->scrub_kind = (region->scrub_kind + 1) % region->desc->record_count;
	}
}

static bool version_is_whole(const struct region *region, uint32_t slot)
{
	const struct region_version *version = &region->version[slot];
	uint32_t sums = 0;

	for (uint32_t i = 0; i < version->run_count && i < REGION_RUN_MAX; i++) {
		const struct region_undo *run = &version->run[i];
		const uint8_t *bytes = version->replaced + run->at;
		for (uint32_t r = 0; r < run->count; r++)
			sums = region_sum_add(sums, schema_crc32c(0, bytes + (uint64_t)r * (run->bytes / run->count), run->bytes / run->count));
	}
	return sums == version->checksum;
}

/* One of the kept versions; those before a damaged one cannot be reckoned any more. */
static void history_scrub(struct domain *domain, struct region *region)
{
	uint32_t back = region->scrub_slot++;

	if (back >= region->kept) {
		region->scrub_slot = 0;
		return;
	}
	uint32_t slot = (region->newest + region->desc->history - back) % region->desc->history;
	region->scrubbed++;
	if (version_is_whole(region, slot))
		return;
	region->damaged++;
	damage_name(region, "version", (uint32_t)region->version[slot].was.version, "-");
	log_line("zog: scrub domain=%s region=%s version=%lu dropped=%u", domain->desc->name, region->desc->name, region->version[slot].was.version,
		 region->kept - back);
	incident_record_notice(domain, ZOG_CAUSE_SCRUB, region->version[slot].was.version, region->kept - back);
	region->ring = region_ring(region->newest, back);
}

void region_scrub(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->region_count; i++) {
		struct region *region = region_of_committer(domain, i);
		if (region == NULL || (region->head->version & 1))
			continue;
		proposal_look(domain, region);
		region_control_damage(region);
		records_scrub(domain, region);
		if (region->desc->history != 0)
			history_scrub(domain, region);
	}
}
