/* The interpreter of home schemas; see home_schema.h. Bounded: a commit looks at no more bytes than three times the window,
 * however often its log names them. */
#include "tsm/home_schema.h"
#include "object/domain.h"

void *memcpy(void *to, const void *from, size_t size);

#define TOUCH_LOOK_MAX 32u /* bytes */

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

static inline int64_t value_signed(uint64_t value, uint32_t bytes) { return (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes); }

/* A page that the domain has not written to shows the committed image; it gets its bytes now, so that records on it can be
 * read in one piece. Nothing changes for the domain. */
static __attribute__((noinline)) void pages_fill(struct domain *domain, uint32_t first, uint32_t last)
{
	for (uint32_t page = first; page <= last; page++) {
		if (domain->home_valid[page])
			continue;
		memcpy(domain->home_live + page * ZOG_PAGE_SIZE, domain->home_committed + page * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
		domain->home_valid[page] = 1;
	}
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

static bool reference_is_good(const struct view *view, const struct home_rule *rule, uint64_t value)
{
	const struct home_table *target = &view->schema->table[rule->target];
	const struct domain *domain = view->domain;

	if (rule->has_none && value == rule->none)
		return true;
	uint64_t distance = value - rule->first, index = rule->last == 1 ? distance : distance / rule->last;
	if (index >= target->count || (rule->last != 1 && distance % rule->last != 0))
		return false;
	if (!rule->needs_live || target->live_bytes == 0)
		return true;
	uint32_t at = target->offset + (uint32_t)index * target->bytes + target->live_offset;
	bool is_live_page = view->is_live_image && domain->home_valid[at / ZOG_PAGE_SIZE];
	return value_load((is_live_page ? domain->home_live : domain->home_committed) + at, target->live_bytes) != 0;
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
		return (uint32_t)((1ul << table->rule_count) - 1); /* cheaper than to look which */
	for (uint32_t granule = from / HOME_GRANULE; granule <= (to - 1) / HOME_GRANULE; granule++)
		mask |= table->touch[granule];
	return mask;
}

/* The rules in MASK of the record at BASE, whose bytes [from, to) are touched. */
static bool rules_check(const struct view *view, const struct home_table *table, uint32_t base, uint32_t from, uint32_t to, uint32_t mask)
{
	const uint8_t *record = view_record(view, base, table->bytes);
	bool is_live = record_is_live(table, record);

	if (table->live_bytes != 0 && from < (uint32_t)table->live_offset + table->live_bytes && to > table->live_offset)
		from = 0, to = table->bytes; /* a record comes to life: all of it counts */
	for (; mask != 0; mask &= mask - 1) {
		const struct home_rule *rule = &table->rule[__builtin_ctz(mask)];
		if (!is_live && rule->offset != table->live_offset)
			continue;
		if (!(rule->repeat == 1 ? element_check(view, table, rule, base, record, 0)
					: elements_check(view, table, rule, base, record, from, to)))
			return false;
	}
	return true;
}

static __attribute__((noinline)) bool records_check(const struct view *view, const struct home_table *table, uint32_t from, uint32_t to)
{
	for (uint32_t base = from - from % table->bytes; base < to; base += table->bytes) {
		uint32_t first = from > base ? from - base : 0, end = to - base < table->bytes ? to - base : table->bytes;
		if (!rules_check(view, table, table->offset + base, first, end, touched_rules(table, first, end)))
			return false;
	}
	return true;
}

/* Bytes [at, end) of the home region, which lie in the window. */
static bool span_check(const struct view *view, uint32_t at, uint32_t end)
{
	const struct home_schema *schema = view->schema;
	const struct home_table *table = &schema->table[schema->page[at / ZOG_PAGE_SIZE - schema->low / ZOG_PAGE_SIZE]];
	const struct home_table *stop = schema->table + schema->table_count;

	for (; table < stop && table->offset < end; table++) {
		uint32_t bytes = table->bytes * table->count;
		uint32_t from = at > table->offset ? at - table->offset : 0, to = end - table->offset;
		if (from >= bytes || table->is_scrubbed)
			continue;
		uint32_t first = from % table->bytes, last = first + (to - from);
		if (last > table->bytes || to > bytes) {
			if (!records_check(view, table, from, to < bytes ? to : bytes))
				return false;
			continue;
		}
		uint32_t mask = touched_rules(table, first, last); /* nearly always: one record, and it is all of the span */
		if (mask != 0 && !rules_check(view, table, table->offset + from - first, first, last, mask))
			return false;
	}
	return true;
}

static bool dirty_pages_check(const struct view *view, const struct zog_txn *txn)
{
	const struct home_schema *schema = view->schema;

	for (uint32_t page = schema->low / ZOG_PAGE_SIZE; page <= (schema->high - 1) / ZOG_PAGE_SIZE; page++) {
		uint32_t at = page * ZOG_PAGE_SIZE, end = at + ZOG_PAGE_SIZE;
		if (!(txn->dirty_page[page / 8] & 1u << page % 8) || !view->domain->home_valid[page])
			continue;
		if (!span_check(view, at < schema->low ? schema->low : at, end > schema->high ? schema->high : end))
			return false;
	}
	return true;
}

/* All of the window, where the log names the same bytes again and again. Pages that nothing was written to pass as they are. */
static bool window_check(const struct view *view)
{
	const struct home_schema *schema = view->schema;

	pages_fill(view->domain, schema->low / ZOG_PAGE_SIZE, (schema->high - 1) / ZOG_PAGE_SIZE);
	return span_check(view, schema->low, schema->high);
}

bool home_schema_check(struct domain *domain, uint32_t range_count)
{
	const struct zog_range *range = domain->txn->range, *end = range + range_count;
	const struct view view = { domain->schema, domain, .is_live_image = true, .finding = &domain->finding };
	uint64_t low = domain->schema_low, high = domain->schema_high, looked = 0;

	for (; range < end; range++) {
		struct zog_range copy = *range;
		uint64_t from = copy.offset, to = from + copy.length;
		if (from >= high || to <= low)
			continue;
		from = from < low ? low : from;
		to = to > high ? high : to;
		looked += to - from;
		if (looked > 2 * (high - low))
			return window_check(&view);
		if (from < to && !span_check(&view, (uint32_t)from, (uint32_t)to))
			return false;
	}
	return !domain->txn->is_page_mode || dirty_pages_check(&view, domain->txn);
}

static bool record_check(const struct view *view, uint32_t table_number, uint32_t index)
{
	const struct home_table *table = &view->schema->table[table_number];

	return rules_check(view, table, table->offset + index * table->bytes, 0, table->bytes, (uint32_t)((1ul << table->rule_count) - 1));
}

bool home_record_is_good(struct domain *domain, uint32_t table_number, uint32_t index, struct home_finding *finding)
{
	return record_check(&(struct view){ domain->schema, domain, .finding = finding }, table_number, index);
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

/* --- the tables themselves ------------------------------------------------------------------------------------------ */

static bool width_is_good(uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

static bool rule_is_good(const struct home_schema *schema, const struct home_table *table, const struct home_rule *rule)
{
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
	}
	return rule->rule == ZOG_RULE_RANGE || rule->rule == ZOG_RULE_MONOTONIC || rule->rule == ZOG_RULE_LIVE || rule->rule == ZOG_RULE_BITS;
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

static bool table_is_good(const struct home_schema *schema, const struct home_table *table, uint64_t home_bytes)
{
	if (table->bytes == 0 || table->bytes > HOME_RECORD_MAX || table->count == 0 || table->rule_count == 0 || table->rule_count > 32 ||
	    table->offset >= home_bytes || table->count > (home_bytes - table->offset) / table->bytes)
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
	return true;
}

/* The page table leads to the first table that ends behind the page's start, or to one before it. */
static bool page_table_is_good(const struct home_schema *schema)
{
	for (uint32_t page = schema->low / ZOG_PAGE_SIZE; page < (schema->high + ZOG_PAGE_SIZE - 1) / ZOG_PAGE_SIZE; page++) {
		uint32_t number = schema->page[page - schema->low / ZOG_PAGE_SIZE];
		if (number >= schema->table_count)
			return false;
		for (uint32_t before = 0; before < number; before++)
			if (schema->table[before].offset + schema->table[before].bytes * schema->table[before].count > page * ZOG_PAGE_SIZE)
				return false;
	}
	return true;
}

bool home_schema_is_good(const struct home_schema *schema, uint64_t home_bytes)
{
	if ((schema->low >= schema->high && schema->high != 0) || schema->high > home_bytes || schema->table_count == 0 || schema->table_count > 255)
		return false;
	for (uint32_t i = 0; i < schema->table_count; i++)
		if (!table_is_good(schema, &schema->table[i], home_bytes) ||
		    (i > 0 && schema->table[i].offset - schema->table[i - 1].offset < schema->table[i - 1].bytes * schema->table[i - 1].count))
			return false;
	return page_table_is_good(schema);
}
