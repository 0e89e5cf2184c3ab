/* What the core makes of home schemas at boot: are the tables such that the check (home_schema.c) stays inside the region and
 * the record, whatever it meets there? Then the rule map and the steps. */
#include "tsm/home_schema.h"
#include "object/domain.h"
#include "object/frame.h"

static bool width_is_good(uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

static bool rule_is_good(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule)
{
	uint64_t half; /* so far up signed values are unsigned ones in their order */

	if (!width_is_good(rule->bytes) || rule->repeat == 0 || rule->stride < rule->bytes || rule->offset % rule->bytes != 0 ||
	    rule->stride % rule->bytes != 0 || (uint32_t)rule->offset + (rule->repeat - 1u) * rule->stride + rule->bytes > table->bytes)
		return false;
	switch (rule->rule) {
	case ZOG_RULE_REF:
		return rule->target < schema->table_count && rule->last != 0;
	case ZOG_RULE_AHEAD:
		return rule->bytes == 8 && rule->repeat == 1 && rule->target <= table->bytes - 8 && rule->target % 8 == 0;
	case ZOG_RULE_ENUM:
		return rule->value != NULL;
	case ZOG_RULE_RANGE:
		half = rule->is_signed ? 1ul << (8 * rule->bytes - 1) : 0;
		return rule->first + half <= rule->last + half && rule->last + half <= UINT64_MAX >> (64 - 8 * rule->bytes);
	}
	return rule->rule == ZOG_RULE_MONOTONIC || rule->rule == ZOG_RULE_LIVE || rule->rule == ZOG_RULE_BITS;
}

/* Every rule stands in the touch table wherever it can be broken. */
static bool touch_is_good(const struct home_table *table, uint32_t number)
{
	const struct home_rule *rule = &table->rule[number];

	for (uint32_t element = 0; element < rule->repeat; element++)
		if (!(table->touch[(rule->offset + element * rule->stride) / HOME_GRANULE] & 1u << number))
			return false;
	return true;
}

/* Every rule of the live field is known as one, and there is one. */
static bool masks_are_good(const struct home_table *table)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < table->rule_count && table->live_bytes != 0; i++)
		live |= (uint32_t)(table->rule[i].offset == table->live_offset) << i;
	return table->rule_mask == UINT32_MAX >> (HOME_RULE_MAX - table->rule_count) && table->live_mask == live && (live != 0 || table->live_bytes == 0);
}

static bool table_is_good(const struct home_schema *schema, const struct home_table *table, uint64_t home_bytes)
{
	if (table->bytes == 0 || table->bytes > HOME_RECORD_MAX || table->count == 0 || table->rule_count == 0 || table->rule_count > HOME_RULE_MAX ||
	    table->end != table->offset + table->bytes * table->count || table->offset >= home_bytes || table->count > (home_bytes - table->offset) / table->bytes)
		return false;
	if (table->live_bytes != 0 && (!width_is_good(table->live_bytes) || (uint32_t)table->live_offset + table->live_bytes > table->bytes ||
				       table->live_offset % table->live_bytes != 0 || table->bytes % table->live_bytes != 0 ||
				       table->offset % table->live_bytes != 0))
		return false;
	for (uint32_t i = 0; i < table->rule_count; i++) {
		uint32_t bytes = table->rule[i].bytes;
		if (!rule_is_good(schema, table, &table->rule[i]) || table->offset % bytes != 0 || (table->count > 1 && table->bytes % bytes != 0) ||
		    !touch_is_good(table, i))
			return false;
	}
	return masks_are_good(table);
}

/* The page table leads to the first table that ends behind the page's start, or to one before it. */
static bool page_table_is_good(const struct home_schema *schema)
{
	for (uint32_t page = schema->low / ZOG_PAGE_SIZE; page < (schema->high + ZOG_PAGE_SIZE - 1) / ZOG_PAGE_SIZE; page++) {
		uint32_t number = schema->page[page - schema->low / ZOG_PAGE_SIZE];
		if (number >= schema->table_count)
			return false;
		for (uint32_t before = 0; before < number; before++)
			if (schema->table[before].end > page * ZOG_PAGE_SIZE)
				return false;
	}
	return true;
}

bool home_schema_is_good(const struct home_schema *schema, uint64_t home_bytes)
{
	if (schema->table_count == 0 || schema->table_count > 255)
		return false;
	const struct home_table *last = &schema->table[schema->table_count - 1];
	for (uint32_t i = 0; i < schema->table_count; i++)
		if (!table_is_good(schema, &schema->table[i], home_bytes) ||
		    (i > 0 && schema->table[i].offset - schema->table[i - 1].offset < schema->table[i - 1].bytes * schema->table[i - 1].count))
			return false;
	return schema->low == schema->table[0].offset && schema->high == last->end && page_table_is_good(schema);
}

/* --- rule map and steps ---------------------------------------------------------------------------------------------- */

/* Are FIRST to LAST what a field of BYTES holds, as one stretch of its unsigned values? Then the step says the rule. The word
 * ends with the field, so it lies in the record; at its start it begins there. */
static struct home_step step_build(const struct home_table *table, const struct home_rule *rule, uint64_t first, uint64_t last)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes), span = last - first;
	uint32_t at = rule->offset + rule->bytes > 8u ? rule->offset + rule->bytes - 8u : 0, shift = (rule->offset - at) * 8;

	if (table->bytes < 8 || span >= all || rule->repeat != 1)
		return (struct home_step){ .end = 0 };
	return (struct home_step){ (first & all) << shift, all << shift, (span + 1) << shift, at, (uint16_t)shift, HOME_STEP_PLAIN };
}

static struct home_step reference_build(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule)
{
	const struct home_table *target = &schema->table[rule->target];
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes), end = rule->first + target->count;
	bool is_next = rule->has_none && ((rule->none + 1) & all) == rule->first; /* none comes before the first */

	if (rule->last != 1 || end > all || (rule->needs_live && !is_next))
		return rule->has_none ? step_build(table, rule, rule->none, rule->none) : (struct home_step){ .end = 0 };
	struct home_step step = step_build(table, rule, is_next ? rule->first - 1 : rule->first, end - 1);
	if (rule->needs_live && target->live_bytes != 0)
		step.target = (uint16_t)rule->target;
	return step;
}

static struct home_step rule_build(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule)
{
	if (rule->rule == ZOG_RULE_RANGE)
		return step_build(table, rule, rule->first, rule->last);
	if (rule->rule == ZOG_RULE_BITS && (rule->last & (rule->last + 1)) == 0)
		return step_build(table, rule, 0, rule->last);
	if (rule->rule == ZOG_RULE_REF)
		return reference_build(schema, table, rule);
	return (struct home_step){ .end = rule->rule == ZOG_RULE_LIVE, .target = HOME_STEP_PLAIN };
}

/* All records have the touched granules of the first. */
static void map_add(uint64_t *map, const struct home_table *table)
{
	for (uint32_t granule = 0; granule * HOME_GRANULE < table->bytes; granule++)
		for (uint32_t index = 0; index < table->count && table->touch[granule] != 0; index++) {
			uint32_t bit = (table->offset + index * table->bytes + granule * HOME_GRANULE) / HOME_MAP_BYTES;
			map[bit / 64] |= 1ul << bit % 64;
		}
}

void home_schema_build(struct domain *domain)
{
	const struct home_schema *schema = domain->schema;

	domain->rule_map = boot_pointer(domain->home_bytes / HOME_MAP_BYTES / 8 + 8);
	domain->home_look = boot_pointer(domain->home_bytes / HOME_MAP_BYTES / 8 + 8);
	memset(domain->home_look, 0xff, domain->home_bytes / HOME_MAP_BYTES / 8);
	if (schema == NULL)
		return;
	domain->home_step = boot_pointer(schema->table_count * HOME_RULE_MAX * sizeof(struct home_step));
	for (uint32_t i = 0; i < schema->table_count; i++) {
		const struct home_table *table = &schema->table[i];
		for (uint32_t rule = 0; rule < table->rule_count; rule++)
			domain->home_step[i * HOME_RULE_MAX + rule] = rule_build(schema, table, &table->rule[rule]);
		if (!table->is_scrubbed)
			map_add(domain->rule_map, table);
	}
}
