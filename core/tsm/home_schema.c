/* The check of home schemas; see home_schema.h. Bounded: beside ranges inside a unit, which are looked at once each, a
 * commit looks at no more bytes than twice the home region has, however often its log names them. */
#include "tsm/home_schema.h"
#include "tsm/region_control.h"
#include "object/domain.h"

/* What the checks read: a record as the commit would leave it, found in one piece, and the images for what it refers to. */
struct view {
	const struct home_schema *schema;
	struct domain *domain;
	bool is_live_image; /* else the committed one alone */
	struct home_finding *finding;
	bool is_without_past; /* the committed record is in doubt itself: nothing has to go on from it */
};

static inline __attribute__((always_inline)) uint64_t value_load(const uint8_t *at, uint32_t bytes)
{
	if (bytes == 4)
		return *(const uint32_t *)(const void *)at;
	if (bytes == 8)
		return *(const uint64_t *)(const void *)at;
	return bytes == 1 ? *at : *(const uint16_t *)(const void *)at;
}

static inline uint64_t word_load(const uint8_t *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word)); /* fields are aligned, not the words that they end */
	return word;
}

static inline int64_t value_signed(uint64_t value, uint32_t bytes) { return (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes); }

void home_page_fill(struct domain *domain, uint64_t page)
{
	memcpy(domain->home_live + page * ZOG_PAGE_SIZE, domain->home_committed + page * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
	domain->home_valid[page] = 1;
	for (uint64_t i = page * HOME_LOOK_WORDS; i < (page + 1) * HOME_LOOK_WORDS; i++)
		domain->home_look[i] = domain->rule_map[i];
}

/* A page that the domain has not written to shows the committed image; it gets its bytes now, so that records on it can be
 * read in one piece. Nothing changes for the domain. */
static __attribute__((noinline)) void pages_fill(struct domain *domain, uint32_t first, uint32_t last)
{
	for (uint32_t page = first; page <= last; page++)
		if (!domain->home_valid[page])
			home_page_fill(domain, page);
}

static inline const uint8_t *view_record(const struct view *view, uint32_t base, uint32_t bytes)
{
	uint32_t first = base / ZOG_PAGE_SIZE, last = (base + bytes - 1) / ZOG_PAGE_SIZE;

	if (!view->is_live_image)
		return view->domain->home_committed + base;
	if (first != last)
		pages_fill(view->domain, first, last);
	return view->domain->home_live + base;
}

static inline bool record_is_live(const struct home_table *table, const uint8_t *record)
{
	return table->live_bytes == 0 || value_load(record + table->live_offset, table->live_bytes) != 0;
}

static bool target_is_live(const struct view *view, const struct home_table *target, uint32_t index)
{
	const struct domain *domain = view->domain;
	uint32_t at = target->offset + index * target->bytes + target->live_offset;
	bool is_live_page = view->is_live_image && domain->home_valid[at / ZOG_PAGE_SIZE];

	return value_load((is_live_page ? domain->home_live : domain->home_committed) + at, target->live_bytes) != 0;
}

static bool reference_is_good(const struct view *view, const struct home_rule *rule, uint64_t value)
{
	const struct home_table *target = &view->schema->table[rule->target];

	if (rule->has_none && value == rule->none)
		return true;
	uint64_t distance = value - rule->first, index = rule->last == 1 ? distance : distance / rule->last;
	if (index >= target->count || (rule->last != 1 && distance % rule->last != 0))
		return false;
	if (!rule->needs_live || target->live_bytes == 0)
		return true;
	return target_is_live(view, target, (uint32_t)index);
}

static bool value_is_listed(const struct home_rule *rule, uint64_t value)
{
	for (uint32_t i = 0; i < rule->value_count; i++)
		if (rule->value[i] == value)
			return true;
	return false;
}

/* A record that was free, or is only now coming to life, has nothing to go on from. */
static bool is_monotonic(const struct view *view, const struct home_table *table, const struct home_rule *rule, uint32_t base, uint32_t inside,
			 uint64_t value)
{
	const uint8_t *committed = view->domain->home_committed + base;
	uint64_t before = value_load(committed + inside, rule->bytes);

	return view->is_without_past || !record_is_live(table, committed) ||
	       (rule->is_signed ? value_signed(value, rule->bytes) >= value_signed(before, rule->bytes) : value >= before);
}

static inline __attribute__((always_inline)) bool element_check(const struct view *view, const struct home_table *table,
								const struct home_rule *rule, uint32_t base, const uint8_t *record, uint32_t element)
{
	uint32_t inside = rule->offset + element * rule->stride;
	uint64_t value = value_load(record + inside, rule->bytes);
	bool is_good = false;

	switch (rule->rule) {
	case ZOG_RULE_RANGE:
		if (rule->is_signed)
			value = (uint64_t)value_signed(value, rule->bytes);
		is_good = value - rule->first <= rule->last - rule->first;
		break;
	case ZOG_RULE_REF:
		is_good = reference_is_good(view, rule, value);
		break;
	case ZOG_RULE_BITS:
		is_good = (value & ~rule->last) == 0;
		break;
	case ZOG_RULE_AHEAD:
		is_good = value - value_load(record + rule->target, 8) <= rule->last;
		break;
	case ZOG_RULE_ENUM:
		is_good = value_is_listed(rule, value);
		break;
	case ZOG_RULE_MONOTONIC:
		is_good = is_monotonic(view, table, rule, base, inside, value);
		break;
	case ZOG_RULE_LIVE:
		is_good = true;
		break;
	}
	if (is_good)
		return true;
	*view->finding = (struct home_finding){ table, rule, (uint32_t)(table - view->schema->table), (base - table->offset) / table->bytes,
						element, value };
	return false;
}

/* A reference's target, the record INDEX of a table: does it live? */
static inline __attribute__((always_inline)) bool reference_is_live(const struct domain *domain, bool is_live_image, uint8_t target, uint64_t index)
{
	const struct home_plan *plan = &domain->home_plan[target];
	uint64_t at = plan->live_at + index * plan->bytes;

	if (index >= plan->count)
		return false;
	const uint8_t *image = is_live_image && domain->home_valid[at / ZOG_PAGE_SIZE] ? domain->home_live : domain->home_committed;
	return (word_load(image + at - plan->live_back) & plan->live_mask) != 0;
}

/* Does the rule hold of what is left of the word at AT? What costs a call is not done here. BEFORE: how far from AT the image is
 * that the record has to go on from; 0: it has none. */
static inline __attribute__((always_inline)) bool step_holds(const struct domain *domain, const struct home_step *step, const uint8_t *at, uint64_t left,
							     uint64_t before, bool is_live_image)
{
	const uint8_t *other = at - step->at + step->other;

	if (step->kind == HOME_STEP_MONOTONIC)
		return left >= (word_load(at + before) & step->mask);
	if (step->kind == HOME_STEP_AHEAD)
		return ((uintptr_t)at ^ (uintptr_t)other) < ZOG_PAGE_SIZE && word_load(at) - word_load(other) <= step->low;
	if (step->kind == HOME_STEP_REF)
		return reference_is_live(domain, is_live_image, step->target, (left >> step->shift) - step->has_none);
	return step->kind == HOME_STEP_LIVE && (word_load(at + before) & step->mask) != 0;
}

/* The first of these steps that does not hold. NULL: all do. It calls nobody, so that it has the registers for itself. */
static __attribute__((noinline)) const struct home_step *steps_run(const struct domain *domain, const struct home_step *step, const struct home_step *stop,
								   const uint8_t *record, uint64_t before, bool is_live_image)
{
	for (; step != stop; step++) {
		const uint8_t *at = record + step->at;
		uint64_t left = (word_load(at) - step->low) & step->mask;
		if (left >= step->end && !step_holds(domain, step, at, left, before, is_live_image))
			return step;
	}
	return NULL;
}

static bool pointer_is_good(const struct home_schema *schema, const struct home_step *step, uint64_t word)
{
	uint64_t distance = word - step->low;

	return (step->has_none && word == 0) || (distance % step->other == 0 && distance / step->other < schema->table[step->target].count);
}

/* Do these steps say that the rules hold? false: record_interpret decides. A record that comes to life is looked at whole. */
static __attribute__((noinline)) bool plan_holds(const struct domain *domain, const struct home_step *step, const struct home_step *stop,
						     const uint8_t *record, uint64_t before, bool is_live_image)
{
	for (; (step = steps_run(domain, step, stop, record, before, is_live_image)) != NULL; step++) {
		const struct home_plan *plan = &domain->home_plan[step->target];
		if (step->kind == HOME_STEP_LIVE && ((uintptr_t)record ^ (uintptr_t)(record + plan->bytes - 1)) < ZOG_PAGE_SIZE)
			return plan_holds(domain, plan->unit[0], plan->stop, record, 0, is_live_image);
		if (step->kind != HOME_STEP_POINTER || !pointer_is_good(domain->schema, step, word_load(record + step->at)))
			return false;
	}
	return true;
}

/* Of the bytes [from, to) of a record in the live image. */
static bool units_hold(const struct domain *domain, const struct home_plan *plan, const uint8_t *record, uint32_t from, uint32_t to)
{
	return plan_holds(domain, plan->unit[from / HOME_UNIT], plan->unit[(to + HOME_UNIT - 1) / HOME_UNIT], record,
			      (uint64_t)(domain->home_committed - domain->home_live), true);
}

/* The rules of the record at BASE that its bytes [from, to) may break: the last word, and the finding. A record that comes to
 * life is checked whole, one that ends only for its end. */
static __attribute__((noinline)) bool record_interpret(const struct view *view, const struct home_table *table, uint32_t base, uint32_t from, uint32_t to)
{
	const uint8_t *record = view_record(view, base, table->bytes);
	bool is_live = record_is_live(table, record), is_newcomer = is_live && !view->is_without_past && table->live_bytes != 0 &&
								    from < table->live_offset + (uint32_t)table->live_bytes && to > table->live_offset &&
								    !record_is_live(table, view->domain->home_committed + base);

	if (is_newcomer)
		from = 0, to = table->bytes;
	for (const struct home_rule *rule = table->rule; rule < table->rule + table->rule_count; rule++) {
		uint32_t first = from > rule->offset ? (from - rule->offset) / rule->stride : 0;
		uint32_t end = to > rule->offset ? (to - rule->offset + rule->stride - 1) / rule->stride : 0;
		if (rule->rule == ZOG_RULE_AHEAD && rule->target < to && rule->target + rule->bytes > from)
			first = 0, end = 1;
		if (!is_live && rule->offset != table->live_offset)
			continue;
		for (uint32_t element = first; element < end && element < rule->repeat; element++)
			if (!element_check(view, table, rule, base, record, element))
				return false;
	}
	return true;
}

static bool records_check(const struct view *view, const struct home_table *table, uint32_t from, uint32_t to)
{
	const struct home_plan *plan = &view->domain->home_plan[table - view->schema->table];

	for (uint32_t base = from - from % table->bytes; base < to; base += table->bytes) {
		uint32_t first = from > base ? from - base : 0, end = to - base < table->bytes ? to - base : table->bytes;
		if (!units_hold(view->domain, plan, view->domain->home_live + table->offset + base, first, end) &&
		    !record_interpret(view, table, table->offset + base, first, end))
			return false;
	}
	return true;
}

/* Of the first table that ends behind AT, a byte of the home region. */
static inline const struct home_plan *plan_at(const struct domain *domain, uint32_t at)
{
	const struct home_plan *plan = domain->home_plan + domain->home_place[at / HOME_PLACE_BYTES];

	while (at >= plan->end)
		plan++;
	return plan;
}

/* Bytes [at, end) of the home region: all records there. */
static __attribute__((noinline)) bool span_check(const struct view *view, uint32_t at, uint32_t end)
{
	const struct home_schema *schema = view->schema;

	at = at < schema->low ? schema->low : at;
	end = end > schema->high ? schema->high : end;
	if (at >= end)
		return true;
	const struct home_table *table = schema->table + (plan_at(view->domain, at) - view->domain->home_plan);
	for (; table < schema->table + schema->table_count && table->offset < end; table++) {
		uint32_t from = at > table->offset ? at - table->offset : 0, to = (end < table->end ? end : table->end) - table->offset;
		if (!records_check(view, table, from, to))
			return false;
	}
	return true;
}

/* Do the steps say of LENGTH bytes that they keep their rules, if they stand in one unit of a record, as nearly always? */
static inline __attribute__((always_inline)) bool note_holds(const struct domain *domain, uint32_t at, uint32_t length)
{
	const struct home_plan *plan = plan_at(domain, at);
	uint32_t inside = at - plan->offset;

	if (inside >= plan->size)
		return false;
	inside %= plan->bytes;
	uint32_t last = inside + length - 1;
	if ((inside ^ last) >= HOME_UNIT || last >= plan->bytes)
		return false;
	const struct home_step **unit = plan->unit + inside / HOME_UNIT;
	const uint8_t *record = domain->home_live + (at - inside);
	uint64_t before = (uint64_t)(domain->home_committed - domain->home_live);
	return steps_run(domain, unit[0], unit[1], record, before, true) == NULL || plan_holds(domain, unit[0], unit[1], record, before, true);
}

/* The pages that the transaction may have changed; of these those that DIRTY names, NULL: all. */
static bool pages_check(const struct view *view, const uint8_t *dirty)
{
	const struct home_schema *schema = view->schema;

	for (uint32_t page = schema->low / ZOG_PAGE_SIZE; page <= (schema->high - 1) / ZOG_PAGE_SIZE; page++)
		if ((dirty == NULL || dirty[page / 8] & 1u << page % 8) && view->domain->home_valid[page] &&
		    !span_check(view, page * ZOG_PAGE_SIZE, (page + 1) * ZOG_PAGE_SIZE))
			return false;
	return true;
}

bool home_map_has(const uint64_t *map, uint64_t bit, uint64_t last)
{
	uint64_t word = map[bit / 64] & UINT64_MAX << bit % 64;

	for (uint64_t at = bit / 64; at < last / 64; word = map[++at])
		if (word != 0)
			return true;
	return (word & UINT64_MAX >> (63 - last % 64)) != 0;
}

static inline uint32_t note_length(uint64_t note)
{
	uint32_t length = (uint32_t)(note >> 32);

	return length == 0 ? 8 : length >> 31 ? 4 : length;
}

/* The longer way of notes_check. *looked: bytes that went it so far. */
static __attribute__((noinline)) bool note_look(struct domain *domain, uint64_t note, uint64_t *looked)
{
	const struct view view = { domain->schema, domain, .is_live_image = true, .finding = &domain->finding };

	*looked += note_length(note);
	if (*looked > domain->home_bytes) /* the log names the same bytes again and again */
		return pages_check(&view, NULL);
	return span_check(&view, (uint32_t)note, (uint32_t)note + note_length(note));
}

static inline bool map_has_either(const uint64_t *map, uint32_t first, uint32_t last)
{
	first /= HOME_MAP_BYTES, last /= HOME_MAP_BYTES;
	return ((map[first / 64] >> first % 64 | map[last / 64] >> last % 64) & 1) != 0;
}

/* is_log: the notes are all ranges of the log, most of which no rule looks at. */
static inline __attribute__((always_inline)) bool notes_check(struct domain *domain, const uint64_t *note, uint64_t count, bool is_log)
{
	uint64_t looked = 0;

	for (const uint64_t *end = note + count; note < end; note++) {
		uint32_t at = (uint32_t)*note, length = note_length(*note);
		if (is_log && at < domain->home_bytes && length <= HOME_MAP_BYTES && !map_has_either(domain->rule_map, at, at + length - 1))
			continue;
		if ((at >= domain->home_bytes || length > HOME_UNIT || !note_holds(domain, at, length)) && !note_look(domain, *note, &looked))
			return false;
	}
	return true;
}

bool home_notes_check(struct domain *domain, const uint64_t *note)
{
	return !region_control_validates() || notes_check(domain, note, domain->commit_checks, false);
}

bool home_schema_check(struct domain *domain, uint32_t range_count, const uint64_t *note, uint64_t ruled)
{
	const struct zog_txn *txn = domain->txn;

	if (!region_control_validates())
		return true;
	if (!(ruled > COMMIT_ROOM_WORDS ? notes_check(domain, (const uint64_t *)txn->range, range_count, true) : notes_check(domain, note, ruled, false)))
		return false;
	return !txn->is_page_mode || pages_check(&(struct view){ domain->schema, domain, .is_live_image = true, .finding = &domain->finding }, txn->dirty_page);
}

static bool record_check(const struct view *view, uint32_t table_number, uint32_t index)
{
	const struct home_table *table = &view->schema->table[table_number];
	const struct home_plan *plan = &view->domain->home_plan[table_number];
	uint32_t base = table->offset + index * table->bytes;

	return plan_holds(view->domain, plan->unit[0], plan->stop, view_record(view, base, table->bytes), 0, view->is_live_image) ||
	       record_interpret(view, table, base, 0, table->bytes);
}

bool home_record_is_good(struct domain *domain, uint32_t table_number, uint32_t index, struct home_finding *finding)
{
	return record_check(&(struct view){ domain->schema, domain, .finding = finding, .is_without_past = true }, table_number, index);
}

bool home_page_is_good(struct domain *domain, uint32_t page, bool is_live_image, struct home_finding *finding)
{
	const struct home_schema *schema = domain->schema;
	const struct view view = { schema, domain, is_live_image, finding, .is_without_past = true };
	uint32_t start = page * ZOG_PAGE_SIZE, end = start + ZOG_PAGE_SIZE;

	for (uint32_t i = 0; i < schema->table_count; i++) {
		const struct home_table *table = &schema->table[i];
		uint32_t first = start > table->offset ? (start - table->offset) / table->bytes : 0;
		for (uint32_t index = first; index < table->count && table->offset + index * table->bytes < end; index++)
			if (!record_check(&view, i, index))
				return false;
	}
	return true;
}
