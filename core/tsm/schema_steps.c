/* Makes the steps of schema_steps.h from a schema's tables. A kind of record gets them if each of its rules fits one of the
 * three sorts; the interpreter does the others: records that are live or not, enums with gaps, checksums, signed counters. */
#include "tsm/schema_steps.h"
#include "mem/memory.h"
#include "object/frame.h"

#define STEP_MAX 64u /* of one kind */

struct build {
	const struct region_desc *desc;
	const struct record_desc *kind;
	struct schema_step step[STEP_MAX];
	uint32_t count;
};

/* Of BYTES at OFFSET; low: how far they stand up in their word. NULL: they stand in two, or there is no room. */
static struct schema_step *step_add(struct build *build, uint32_t offset, uint32_t bytes)
{
	uint32_t shift = offset % 8 * 8;

	if (build->count == STEP_MAX || offset % 8 + bytes > 8)
		return NULL;
	build->step[build->count] = (struct schema_step){ offset & ~7u, UINT64_MAX >> (64 - 8 * bytes) << shift, shift, 0 };
	return &build->step[build->count++];
}

/* FIRST and LAST as the interpreter compares them: sign-extended where the field is signed. */
static bool interval_add(struct build *build, const struct rule_desc *rule, uint64_t first, uint64_t last)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes);
	struct schema_step *step = step_add(build, rule->offset, rule->bytes);

	if (step == NULL)
		return false;
	step->span = (last - first > all ? all : last - first) << step->low;
	step->low = (first & all) << step->low;
	return true;
}

/* Are first and last values that the field can have, and in this order? */
static bool range_is_plain(const struct rule_desc *rule, uint64_t first, uint64_t last)
{
	uint64_t half = rule->is_signed ? 1ul << (8 * rule->bytes - 1) : 0; /* so far up signed values are unsigned ones in their order */

	return first + half <= last + half && last + half <= UINT64_MAX >> (64 - 8 * rule->bytes);
}

/* One after the other, without a gap? */
static bool enum_is_plain(const struct rule_desc *rule)
{
	for (uint32_t i = 0; i < rule->value_count; i++)
		if (rule->value[i] != rule->value[0] + i)
			return false;
	return rule->value_count != 0 && range_is_plain(rule, rule->value[0], rule->value[rule->value_count - 1]);
}

/* Is there a LENGTH rule that starts at the field with this OFFSET rule, or the other way round? The one that is NULL is looked for. */
static bool has_partner(const struct record_desc *kind, const struct rule_desc *offset, const struct rule_desc *length)
{
	for (const struct rule_desc *rule = kind->rule; rule < kind->rule + kind->rule_count; rule++) {
		const struct rule_desc *start = offset ? offset : rule, *part = length ? length : rule;
		if (start->rule == ZOG_RULE_OFFSET && part->rule == ZOG_RULE_LENGTH && part->target == start->offset && part->target_bytes == start->bytes)
			return true;
	}
	return false;
}

static bool rule_build_interval(struct build *build, const struct rule_desc *rule)
{
	if (rule->rule == ZOG_RULE_RANGE)
		return range_is_plain(rule, rule->first, rule->last) && interval_add(build, rule, rule->first, rule->last);
	if (rule->is_signed)
		return false;
	if (rule->rule == ZOG_RULE_ENUM)
		return enum_is_plain(rule) && interval_add(build, rule, rule->value[0], rule->value[rule->value_count - 1]);
	if (rule->rule == ZOG_RULE_OFFSET)
		return has_partner(build->kind, rule, NULL) || interval_add(build, rule, 0, build->desc->bytes - 1);
	const struct record_desc *target = &build->desc->record[rule->target];
	/* All ones, the value for none, come before 0. */
	return target->live_bytes == 0 && interval_add(build, rule, rule->is_optional ? UINT64_MAX : 0, target->count - 1);
}

static bool rule_build_monotonic(struct build *build, const struct rule_desc *rule)
{
	return !rule->is_signed && step_add(build, rule->offset, rule->bytes) != NULL;
}

static bool rule_build_length(struct build *build, const struct rule_desc *rule)
{
	struct schema_step *start = step_add(build, rule->target, rule->target_bytes);

	if (start == NULL || rule->is_signed || step_add(build, rule->offset, rule->bytes) == NULL)
		return false;
	start->span = build->desc->bytes - has_partner(build->kind, NULL, rule);
	return true;
}

typedef bool rule_builder(struct build *build, const struct rule_desc *rule);
static rule_builder *const builder[ZOG_RULE_COUNT] = {
	[ZOG_RULE_RANGE] = rule_build_interval, [ZOG_RULE_ENUM] = rule_build_interval, [ZOG_RULE_OFFSET] = rule_build_interval,
	[ZOG_RULE_REF] = rule_build_interval, [ZOG_RULE_MONOTONIC] = rule_build_monotonic, [ZOG_RULE_LENGTH] = rule_build_length,
};

/* All rules of one sort; false: one of them has no such form. */
static bool sort_build(struct build *build, rule_builder *sort)
{
	for (const struct rule_desc *rule = build->kind->rule; rule < build->kind->rule + build->kind->rule_count; rule++)
		if (builder[rule->rule] == NULL || (builder[rule->rule] == sort && !sort(build, rule)))
			return false;
	return true;
}

struct schema_steps schema_steps_build(const struct region_desc *desc, const struct record_desc *kind)
{
	static rule_builder *const sort[] = { rule_build_interval, rule_build_monotonic, rule_build_length };
	static struct build build; /* boot: one CPU */
	struct schema_steps steps = { .bytes = desc->bytes };
	uint32_t end[3];

	build = (struct build){ .desc = desc, .kind = kind };
	if (kind->live_bytes != 0 || kind->bytes % 8 != 0)
		return steps;
	for (uint32_t i = 0; i < 3; i++) {
		if (!sort_build(&build, sort[i]))
			return steps;
		end[i] = build.count;
	}
	struct schema_step *step = boot_pointer(sizeof(build.step));
	memcpy(step, build.step, sizeof(build.step));
	steps.interval = step, steps.monotonic = step + end[0], steps.length = step + end[1], steps.end = step + end[2];
	return steps;
}
