/* The check of home schemas; see home_schema.h. Bounded: a commit looks at no more bytes than twice the home region has, however
 * often its log names them. */
#include "tsm/home_schema.h"
#include "tsm/region_control.h"
#include "object/domain.h"

#define TOUCH_LOOK_MAX 32u /* bytes */

/* What the checks read: a record as the commit would leave it, found in one piece, and the images for what it refers to. */
struct view {
	const struct home_schema *schema;
	struct domain *domain;
	bool is_live_image; /* else the committed one alone */
	struct home_finding *finding;
	bool is_without_past; /* the committed record is in doubt itself: nothing has to go on from it */
	bool is_whole;        /* every record is looked at with all its rules */
};

static inline __attribute__((always_inline)) uint64_t value_load(const uint8_t *at, uint32_t bytes)
{
	if (bytes == 4)
		return *(const uint32_t *)(const void *)at;
	if (bytes == 8)
		return *(const uint64_t *)(const void *)at;
	return bytes == 1 ? *at : *(const uint16_t *)(const void *)at;
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

static inline __attribute__((always_inline)) bool target_is_live(const struct view *view, const struct home_table *target, uint32_t index)
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

/* The elements of an array that have a byte in [from, to) of the record. */
static __attribute__((noinline)) bool elements_check(const struct view *view, const struct home_table *table, const struct home_rule *rule,
						     uint32_t base, const uint8_t *record, uint32_t from, uint32_t to)
{
	uint32_t first = from > rule->offset ? (from - rule->offset) / rule->stride : 0;
	uint32_t end = to > rule->offset ? (to - rule->offset + rule->stride - 1) / rule->stride : 0;

	for (uint32_t element = first; element < end && element < rule->repeat; element++)
		if (!element_check(view, table, rule, base, record, element))
			return false;
	return true;
}

static inline uint32_t touched_rules(const struct home_table *table, uint32_t from, uint32_t to)
{
	uint32_t mask = 0;

	if (to - from > TOUCH_LOOK_MAX)
		return table->rule_mask; /* cheaper than to look which */
	for (uint32_t granule = from / HOME_GRANULE; granule <= (to - 1) / HOME_GRANULE; granule++)
		mask |= table->touch[granule];
	return mask;
}

/* Does the step say that the rule holds, of an element that stands SHIFT bytes on? false: the interpreter decides. */
static inline __attribute__((always_inline)) bool step_holds(const struct view *view, const struct home_step *step, const uint8_t *record)
{
	uint64_t word;

	__builtin_memcpy(&word, record + step->at, sizeof(word));
	word = (word - step->low) & step->mask;
	if (word >= step->end)
		return false;
	return step->target == HOME_STEP_PLAIN || word == 0 || target_is_live(view, &view->schema->table[step->target], (uint32_t)(word >> step->shift) - 1);
}

static __attribute__((noinline)) bool rules_interpret(const struct view *view, const struct home_table *table, uint32_t base, uint32_t from,
						      uint32_t to, uint32_t mask)
{
	const uint8_t *record = view_record(view, base, table->bytes);

	for (; mask != 0; mask &= mask - 1) {
		const struct home_rule *rule = &table->rule[__builtin_ctz(mask)];
		if (!(rule->repeat == 1 ? element_check(view, table, rule, base, record, 0)
					: elements_check(view, table, rule, base, record, from, to)))
			return false;
	}
	return true;
}

/* The rules in MASK of the record at BASE, whose bytes [from, to) are touched. A record that comes to life is checked whole, one
 * that ends only for its end. */
static __attribute__((noinline)) bool touch_check(const struct view *view, const struct home_table *table, uint32_t base, uint32_t from, uint32_t to,
						  uint32_t mask)
{
	const uint8_t *record = view_record(view, base, table->bytes);
	const struct home_step *step = view->domain->home_step + (uint64_t)(table - view->schema->table) * HOME_RULE_MAX;

	if (!record_is_live(table, record))
		mask &= table->live_mask;
	else if ((mask & table->live_mask) && !view->is_whole && !record_is_live(table, view->domain->home_committed + base))
		from = 0, to = table->bytes, mask = table->rule_mask;
	for (uint32_t left = mask; left != 0; left &= left - 1)
		if (!step_holds(view, &step[__builtin_ctz(left)], record))
			return rules_interpret(view, table, base, from, to, left);
	return true;
}

static bool records_check(const struct view *view, const struct home_table *table, uint32_t from, uint32_t to)
{
	for (uint32_t base = from - from % table->bytes; base < to; base += table->bytes) {
		uint32_t first = from > base ? from - base : 0, end = to - base < table->bytes ? to - base : table->bytes;
		if (!touch_check(view, table, table->offset + base, first, end, touched_rules(table, first, end)))
			return false;
	}
	return true;
}

static inline __attribute__((always_inline)) const struct home_table *table_from(const struct home_schema *schema, uint32_t at)
{
	const struct home_table *table = &schema->table[schema->page[at / ZOG_PAGE_SIZE - schema->low / ZOG_PAGE_SIZE]];

	while (at >= table->end && table + 1 < schema->table + schema->table_count)
		table++;
	return table;
}

/* Bytes [at, end) of the home region: all records there. */
static __attribute__((noinline)) bool span_check(const struct view *view, uint32_t at, uint32_t end)
{
	const struct home_schema *schema = view->schema;

	at = at < schema->low ? schema->low : at;
	end = end > schema->high ? schema->high : end;
	if (at >= end)
		return true;
	for (const struct home_table *table = table_from(schema, at); table < schema->table + schema->table_count && table->offset < end; table++) {
		uint32_t from = at > table->offset ? at - table->offset : 0, to = (end < table->end ? end : table->end) - table->offset;
		if (!table->is_scrubbed && at < table->end && !records_check(view, table, from, to))
			return false;
	}
	return true;
}

/* Bytes [at, end) that may break a rule; nearly always a field of one record. */
static inline __attribute__((always_inline)) bool range_check(const struct view *view, uint32_t at, uint32_t end)
{
	const struct home_schema *schema = view->schema;

	if (end - at > 8 || end <= at || at < schema->low || end > schema->high)
		return span_check(view, at, end);
	const struct home_table *table = table_from(schema, at);
	uint32_t from = (at - table->offset) % table->bytes, to = from + (end - at);
	if (at < table->offset || at >= table->end || to > table->bytes || table->is_scrubbed)
		return span_check(view, at, end);
	uint32_t first = from / HOME_GRANULE, last = (to - 1) / HOME_GRANULE;
	uint32_t mask = table->touch[first] | table->touch[(first + last) / 2] | table->touch[last];
	return mask == 0 || touch_check(view, table, at - from, from, to, mask);
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

static bool notes_check(const struct view *view, const uint64_t *note, uint64_t count)
{
	uint64_t looked = 0;

	for (const uint64_t *end = note + count; note < end; note++) {
		uint32_t at = (uint32_t)*note, length = (uint32_t)(*note >> 32);
		length = length == 0 ? 8 : length >> 31 ? 4 : length;
		looked += length;
		if (looked > view->domain->home_bytes) /* the log names the same bytes again and again */
			return pages_check(view, NULL);
		if (!range_check(view, at, at + length))
			return false;
	}
	return true;
}

bool home_notes_check(struct domain *domain, const uint64_t *note)
{
	const struct view view = { domain->schema, domain, .is_live_image = true, .finding = &domain->finding };

	return !region_control_validates() || notes_check(&view, note, domain->commit_checks);
}

bool home_schema_check(struct domain *domain, uint32_t range_count, const uint64_t *note, uint64_t ruled)
{
	const struct view view = { domain->schema, domain, .is_live_image = true, .finding = &domain->finding };
	const struct zog_txn *txn = domain->txn;

	if (!region_control_validates())
		return true;
	if (ruled > COMMIT_ROOM_WORDS ? !notes_check(&view, (const uint64_t *)txn->range, range_count) : !notes_check(&view, note, ruled))
		return false;
	return !txn->is_page_mode || pages_check(&view, txn->dirty_page);
}

static bool record_check(const struct view *view, uint32_t table_number, uint32_t index)
{
	const struct home_table *table = &view->schema->table[table_number];
	uint32_t base = table->offset + index * table->bytes;

	return touch_check(view, table, base, 0, table->bytes, table->rule_mask);
}

bool home_record_is_good(struct domain *domain, uint32_t table_number, uint32_t index, struct home_finding *finding)
{
	return record_check(&(struct view){ domain->schema, domain, .finding = finding, .is_whole = true }, table_number, index);
}

bool home_page_is_good(struct domain *domain, uint32_t page, bool is_live_image, struct home_finding *finding)
{
	const struct home_schema *schema = domain->schema;
	const struct view view = { schema, domain, is_live_image, finding, .is_without_past = true, .is_whole = true };
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
