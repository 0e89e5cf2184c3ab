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

/* There is a rule of the live field, if there is one. */
static bool live_is_good(const struct home_table *table)
{
	for (uint32_t i = 0; i < table->rule_count; i++)
		if (table->rule[i].rule == ZOG_RULE_LIVE && table->rule[i].offset == table->live_offset && table->rule[i].bytes == table->live_bytes)
			return true;
	return table->live_bytes == 0;
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
		if (!rule_is_good(schema, table, &table->rule[i]) || table->offset % bytes != 0 || (table->count > 1 && table->bytes % bytes != 0))
			return false;
	}
	return live_is_good(table);
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
	return schema->low == schema->table[0].offset && schema->high == last->end;
}

/* --- rule map and plans ---------------------------------------------------------------------------------------------- */

static const struct home_step never; /* end 0: the interpreter decides */

/* Does a field AT bytes from the record's start hold FIRST to LAST, one stretch of its unsigned values? The word ends with the
 * field, so it lies in the record; at its start it begins there. */
static struct home_step step_build(const struct home_table *table, const struct home_rule *rule, uint32_t at, uint64_t first, uint64_t last)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes);
	uint32_t word = at + rule->bytes > 8u ? at + rule->bytes - 8u : 0, shift = (at - word) * 8;

	if (table->bytes < 8 || last - first >= all)
		return never;
	return (struct home_step){ (first & all) << shift, all << shift, (last - first + 1) << shift, (uint16_t)word, .shift = (uint8_t)shift };
}

/* A field of 8 bytes that is looked at by its kind alone. */
static struct home_step word_build(uint32_t at, uint64_t low, uint64_t other, enum home_step_kind kind)
{
	return (struct home_step){ low, 0, 0, (uint16_t)at, (uint16_t)other, .kind = (uint8_t)kind };
}

static struct home_step reference_build(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule, uint32_t at)
{
	const struct home_table *target = &schema->table[rule->target];
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes), end = rule->first + target->count;
	bool needs_live = rule->needs_live && target->live_bytes != 0, is_next = rule->has_none && ((rule->none + 1) & all) == rule->first;
	struct home_step step = never;

	if (rule->last != 1 && rule->bytes == 8 && !needs_live && rule->last <= UINT16_MAX && (!rule->has_none || rule->none == 0)) {
		step = word_build(at, rule->first, rule->last, HOME_STEP_POINTER);
	} else if (rule->last == 1 && end <= all && (!rule->has_none || is_next)) {
		step = step_build(table, rule, at, rule->first - is_next, end - 1);
		if (needs_live && (target->bytes < 8 || step.end == 0)) {
			step = never;
		} else if (needs_live) {
			step.kind = HOME_STEP_REF;
			step.end = (uint64_t)is_next << step.shift;
		}
	}
	step.has_none = rule->has_none;
	step.target = (uint8_t)rule->target;
	return step;
}

/* The rule's step for a field AT bytes from the record's start. */
static struct home_step rule_build(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule, uint32_t at)
{
	struct home_step step = step_build(table, rule, at, 0, 0); /* for its word */

	switch (rule->rule) {
	case ZOG_RULE_RANGE:
		return step_build(table, rule, at, rule->first, rule->last);
	case ZOG_RULE_REF:
		return reference_build(schema, table, rule, at);
	case ZOG_RULE_AHEAD:
		return word_build(at, rule->last, rule->target, HOME_STEP_AHEAD);
	case ZOG_RULE_ENUM: /* values that follow each other; the generator sorts them */
		for (uint32_t i = 0; i < rule->value_count; i++)
			if (rule->value[i] != rule->value[0] + i)
				return never;
		return step_build(table, rule, at, rule->value[0], rule->value[0] + rule->value_count - 1);
	case ZOG_RULE_BITS:
		step.mask &= ~(rule->last << step.shift);
		return step;
	case ZOG_RULE_LIVE:
		step.kind = HOME_STEP_LIVE;
		step.target = (uint8_t)(table - schema->table);
		return step.end != 0 ? step : never;
	}
	step.kind = HOME_STEP_MONOTONIC;
	step.end = 0;
	return rule->is_signed || step.mask == 0 ? never : step;
}

/* The steps of each unit, one behind the other. A field stands in one, since it is aligned; what it is ahead of may in another. */
static void plan_build(const struct home_schema *schema, const struct home_table *table, struct home_plan *plan)
{
	uint32_t units = (table->bytes + HOME_UNIT - 1) / HOME_UNIT, total = 0;

	for (uint32_t i = 0; i < table->rule_count; i++)
		total += table->rule[i].repeat + 1;
	struct home_step *out = boot_pointer(total * sizeof(*out));
	*plan = (struct home_plan){ boot_pointer((units + 1) * sizeof(*plan->unit)), NULL, table->offset, table->end, table->end - table->offset,
				    table->bytes, table->count, table->offset + table->live_offset, 0, 0, 0 };
	for (uint32_t unit = 0; unit < units; unit++) {
		plan->unit[unit] = out;
		for (const struct home_rule *rule = table->rule; rule < table->rule + table->rule_count; rule++) {
			uint32_t element = unit * HOME_UNIT > rule->offset ? (unit * HOME_UNIT - rule->offset) / rule->stride : 0;
			for (; element < rule->repeat && (rule->offset + element * rule->stride) / HOME_UNIT <= unit; element++)
				if ((rule->offset + element * rule->stride) / HOME_UNIT == unit)
					*out++ = rule_build(schema, table, rule, rule->offset + element * rule->stride);
			if (rule->rule == ZOG_RULE_AHEAD && rule->target / HOME_UNIT == unit)
				*out++ = rule_build(schema, table, rule, rule->offset);
		}
	}
	plan->stop = plan->unit[units] = out;
	if (table->live_bytes != 0) {
		uint32_t live_end = table->live_offset + table->live_bytes;
		plan->live_back = table->live_offset - (live_end > 8 ? live_end - 8 : 0);
		plan->live_mask = UINT64_MAX >> (64 - 8 * table->live_bytes) << 8 * plan->live_back;
	}
}

static void places_build(struct domain *domain)
{
	uint8_t number = 0;

	domain->home_place = boot_pointer(domain->home_bytes / HOME_PLACE_BYTES + 1);
	for (uint64_t place = 0; place < domain->home_bytes / HOME_PLACE_BYTES; place++) {
		while (domain->home_plan[number].end <= place * HOME_PLACE_BYTES)
			number++;
		domain->home_place[place] = number;
	}
}

static void map_add(uint64_t *map, uint32_t at, uint32_t bytes)
{
	for (uint32_t bit = at / HOME_MAP_BYTES; bit <= (at + bytes - 1) / HOME_MAP_BYTES; bit++)
		map[bit / 64] |= 1ul << bit % 64;
}

/* Every byte of a unit with steps. */
static void map_build(uint64_t *map, const struct home_plan *plan)
{
	for (uint32_t base = 0; base < plan->size; base += plan->bytes)
		for (uint32_t from = 0; from < plan->bytes; from += HOME_UNIT)
			if (plan->unit[from / HOME_UNIT] != plan->unit[from / HOME_UNIT + 1])
				map_add(map, plan->offset + base + from, plan->bytes - from < HOME_UNIT ? plan->bytes - from : HOME_UNIT);
}

void home_schema_build(struct domain *domain)
{
	const struct home_schema *schema = domain->schema;

	domain->rule_map = boot_pointer(domain->home_bytes / HOME_MAP_BYTES / 8 + 8);
	domain->home_look = boot_pointer(domain->home_bytes / HOME_MAP_BYTES / 8 + 8);
	memset(domain->home_look, 0xff, domain->home_bytes / HOME_MAP_BYTES / 8);
	if (schema == NULL)
		return;
	domain->home_plan = boot_pointer((schema->table_count + 1) * sizeof(struct home_plan));
	domain->home_plan[schema->table_count] = (struct home_plan){ .offset = UINT32_MAX, .end = UINT32_MAX };
	for (uint32_t i = 0; i < schema->table_count; i++) {
		plan_build(schema, &schema->table[i], &domain->home_plan[i]);
		map_build(domain->rule_map, &domain->home_plan[i]);
	}
	places_build(domain);
}
