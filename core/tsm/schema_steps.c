/* Makes the steps of schema_steps.h from a schema's tables. A kind of record gets them if each of its rules fits one of the
 * three sorts; the interpreter does the others: records that are live or not, enums with gaps, checksums, signed counters. */
#include "tsm/schema_steps.h"
#include "object/frame.h"

#define STEP_MAX 64u /* of one kind */

struct build {
	const struct region_desc *desc;
	const struct record_desc *kind;
	struct schema_step step[STEP_MAX];
	uint32_t count;
};

/* Of BYTES at OFFSET, all ones; false: they stand in two words, or there is no room. */
static bool step_add(struct build *build, uint32_t offset, uint32_t bytes, struct schema_step **step_out, uint32_t *shift_out)
{
	uint32_t shift = offset % 8 * 8;

	if (build->count == STEP_MAX || offset % 8 + bytes > 8)
		return false;
	struct schema_step *step = &build->step[build->count++];
	*step = (struct schema_step){ offset & ~7u, UINT64_MAX >> (64 - 8 * bytes) << shift, 0, 0 };
	*step_out = step, *shift_out = shift;
	return true;
}

/* FIRST and LAST as the interpreter compares them: sign-extended where the field is signed. */
static bool interval_add(struct build *build, const struct rule_desc *rule, uint64_t first, uint64_t last)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * rule->bytes);
	struct schema_step *step;
	uint32_t shift;

	if (!step_add(build, rule->offset, rule->bytes, &step, &shift))
		return false;
	step->low = (first & all) << shift;
	step->span = (last - first > all ? all : last - first) << shift;
	return true;
}

/* Are first and last values that the field can have, and in this order? */
static bool range_is_plain(const struct rule_desc *rule)
{
	uint64_t half = 1ul << (8 * rule->bytes - 1), first = rule->first, last = rule->last;

	if (rule->is_signed) /* by half: signed values become unsigned ones in their order */
		first += half, last += half;
	return first <= last && last <= UINT64_MAX >> (64 - 8 * rule->bytes);
}

/* Listed values without a gap: *first_out and COUNT - 1 on. */
static bool enum_is_plain(const struct rule_desc *rule, uint64_t *first_out)
{
	uint64_t first = UINT64_MAX, seen = 0;

	if (rule->value_count == 0 || rule->value_count > 64 || rule->is_signed)
		return false;
	for (uint32_t i = 0; i < rule->value_count; i++)
		first = rule->value[i] < first ? rule->value[i] : first;
	for (uint32_t i = 0; i < rule->value_count; i++)
		if (rule->value[i] - first >= rule->value_count)
			return false;
		else
			seen |= 1ul << (rule->value[i] - first);
	*first_out = first;
	return seen == UINT64_MAX >> (64 - rule->value_count) && first + rule->value_count - 1 <= UINT64_MAX >> (64 - 8 * rule->bytes);
}

/* Does LENGTH start at a field that has this OFFSET rule? */
static bool is_start_of(const struct rule_desc *offset, const struct rule_desc *length)
{
	return offset->rule == ZOG_RULE_OFFSET && length->rule == ZOG_RULE_LENGTH && length->target == offset->offset &&
	       length->target_bytes == offset->bytes;
}

static bool has_start(const struct record_desc *kind, const struct rule_desc *offset, const struct rule_desc *length)
{
	for (const struct rule_desc *rule = kind->rule; rule < kind->rule + kind->rule_count; rule++)
		if (is_start_of(offset ? offset : rule, length ? length : rule))
			return true;
	return false;
}

static bool rule_build_interval(struct build *build, const struct rule_desc *rule)
{
	uint64_t first;

	if (rule->rule == ZOG_RULE_RANGE)
		return range_is_plain(rule) && interval_add(build, rule, rule->first, rule->last);
	if (rule->rule == ZOG_RULE_ENUM)
		return enum_is_plain(rule, &first) && interval_add(build, rule, first, first + rule->value_count - 1);
	if (rule->is_signed)
		return false;
	if (rule->rule == ZOG_RULE_OFFSET)
		return has_start(build->kind, rule, NULL) || interval_add(build, rule, 0, build->desc->bytes - 1);
	const struct record_desc *target = &build->desc->record[rule->target];
	/* All ones, the value for none, come before 0. */
	return target->live_bytes == 0 && interval_add(build, rule, rule->is_optional ? UINT64_MAX : 0, target->count - 1);
}

static bool rule_build_monotonic(struct build *build, const struct rule_desc *rule)
{
	struct schema_step *step;
	uint32_t shift;

	return !rule->is_signed && step_add(build, rule->offset, rule->bytes, &step, &shift);
}

static bool rule_build_length(struct build *build, const struct rule_desc *rule)
{
	struct schema_step *start, *length;
	uint32_t start_shift, length_shift;

	if (rule->is_signed || !step_add(build, rule->target, rule->target_bytes, &start, &start_shift) ||
	    !step_add(build, rule->offset, rule->bytes, &length, &length_shift))
		return false;
	start->low = start_shift;
	start->span = build->desc->bytes - has_start(build->kind, NULL, rule);
	length->low = length_shift;
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
	static struct build build; /* boot: one CPU */
	struct schema_steps steps = { .bytes = desc->bytes };
	uint32_t monotonic, length;

	build = (struct build){ .desc = desc, .kind = kind };
	if (kind->live_bytes != 0 || kind->bytes % 8 != 0 || !sort_build(&build, rule_build_interval))
		return steps;
	monotonic = build.count;
	if (!sort_build(&build, rule_build_monotonic))
		return steps;
	length = build.count;
	if (!sort_build(&build, rule_build_length))
		return steps;
	struct schema_step *step = boot_pointer((build.count + 1) * sizeof(struct schema_step));
	for (uint32_t i = 0; i < build.count; i++)
		step[i] = build.step[i];
	steps.interval = step, steps.monotonic = step + monotonic, steps.length = step + length, steps.end = step + build.count;
	return steps;
}
