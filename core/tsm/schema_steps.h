/* The rules of a kind of record in a form that takes a few instructions each: made at boot from the checked tables, in the
 * core's own memory, for commits of one record (region_straight.c). Not every schema has it; where it has, steps_hold
 * and the interpreter of schema.h say the same of every record (tests/host/test_region_schema.c).
 *
 * A field is looked at where it stands: its aligned word, and the mask of its bits there. Three sorts of steps, side by side:
 *   interval   ((word - low) & mask) <= span: IN, ENUM without gaps, OFFSET, LIVE, REF to records that always live. The
 *              bits below the field in low are zero, so nothing is borrowed from there; what is borrowed above is masked.
 *   monotonic  word & mask not below that of the committed record
 *   length     two each: offset and length of a part of the region, low: how far to shift down; the offset's span is what
 *              it may be at most, so that OFFSET is not asked again */
#ifndef CORE_TSM_SCHEMA_STEPS_H
#define CORE_TSM_SCHEMA_STEPS_H

#include "tsm/schema.h"

struct schema_step {
	uint64_t at; /* bytes from the record's start; a multiple of 8 */
	uint64_t mask, low, span;
};
struct schema_steps {
	const struct schema_step *interval, *monotonic, *length, *end; /* NULL: this kind has no such form */
	uint64_t bytes; /* of the region */
};

/* boot: of a kind that schema_is_good has passed. */
struct schema_steps schema_steps_build(const struct region_desc *desc, const struct record_desc *kind);

static inline __attribute__((always_inline)) uint64_t step_word(const uint8_t *record, const struct schema_step *step)
{
	uint64_t word;

	__builtin_memcpy(&word, record + step->at, 8);
	return word;
}

/* Does the record, whose COMMITTED state may be at any offset, keep all rules? */
static inline __attribute__((always_inline)) bool steps_hold(const struct schema_steps *steps, const uint8_t *record, const uint8_t *committed)
{
	const struct schema_step *step = steps->interval, *monotonic = steps->monotonic, *length = steps->length, *end = steps->end;

	for (; step != monotonic; step++)
		if (((step_word(record, step) - step->low) & step->mask) > step->span)
			return false;
	for (; step != length; step++)
		if ((step_word(record, step) & step->mask) < (step_word(committed, step) & step->mask))
			return false;
	for (; step != end; step += 2) {
		uint64_t start = (step_word(record, step) & step->mask) >> step->low;
		if (start > step->span || (step_word(record, step + 1) & step[1].mask) >> step[1].low > steps->bytes - start)
			return false;
	}
	return true;
}

#endif
