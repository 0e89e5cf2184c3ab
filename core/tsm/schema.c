/* The interpreter of region schemas.
 *
 * Every submitted record is checked against the rules of its kind, in the order of the table. References are looked up
 * in the view, that is in the region as it would be after the commit: a transaction may make a record and refer to it.
 * A commit that ends a live record which others may refer to has all references of the region checked again; that is
 * bounded by the region's size. */
#include "tsm/schema.h"
#include "arch/x86_64/crc32.h"

static uint32_t crc_by_table(uint32_t crc, const uint8_t *bytes, size_t size)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *bytes, size_t size)
{
	for (; size >= 8; bytes += 8, size -= 8) {
		uint64_t value;
		__builtin_memcpy(&value, bytes, 8);
		crc = crc32_step8(crc, value);
	}
	for (size_t i = 0; i < size; i++)
		crc = crc32_step1(crc, bytes[i]);
	return crc;
}

enum schema_crc_way schema_crc_way;

/* RFC 3720 appendix B.4, reflected. */
uint32_t schema_crc32c(uint32_t seed, const void *data, size_t size)
{
	if (schema_crc_way == SCHEMA_CRC_UNKNOWN)
		schema_crc_way = crc32_is_there() ? SCHEMA_CRC_INSTRUCTION : SCHEMA_CRC_TABLE;
	return ~(schema_crc_way == SCHEMA_CRC_INSTRUCTION ? crc_by_instruction(~seed, data, size) : crc_by_table(~seed, data, size));
}

static inline __attribute__((always_inline)) uint64_t value_load(const uint8_t *at, uint32_t bytes, uint32_t is_signed)
{
	uint64_t value = 0;

	if (bytes == 4)
		__builtin_memcpy(&value, at, 4);
	else if (bytes == 8)
		__builtin_memcpy(&value, at, 8);
	else if (bytes == 2)
		__builtin_memcpy(&value, at, 2);
	else
		value = *at;
	if (!is_signed)
		return value;
	uint32_t unused = 64 - 8 * bytes;
	return (uint64_t)((int64_t)(value << unused) >> unused);
}

static bool is_below(uint64_t a, uint64_t b, uint32_t is_signed) { return is_signed ? (int64_t)a < (int64_t)b : a < b; }

static bool record_is_live(const struct record_desc *kind, const uint8_t *record)
{
	return kind->live_bytes == 0 || value_load(record + kind->live_offset, kind->live_bytes, 0) == 1;
}

/* The record as it would be after the commit. */
static const uint8_t *view_record(const struct schema_view *view, uint32_t kind, uint32_t index)
{
	const struct record_desc *desc = &view->desc->record[kind];

	for (uint32_t i = 0; i < view->run_count; i++)
		if (view->run[i].kind == kind && index - view->run[i].first < view->run[i].count)
			return view->run[i].bytes + (uint64_t)(index - view->run[i].first) * desc->bytes;
	return view->committed + desc->offset + (uint64_t)index * desc->bytes;
}

static inline __attribute__((always_inline)) bool reference_is_good(const struct schema_view *view, const struct rule_desc *rule, uint64_t value)
{
	const struct record_desc *target = &view->desc->record[rule->target];

	if (rule->is_optional && value == UINT64_MAX >> (64 - 8 * rule->bytes))
		return true;
	return value < target->count && (target->live_bytes == 0 || record_is_live(target, view_record(view, rule->target, (uint32_t)value)));
}

static bool value_is_listed(const struct rule_desc *rule, uint64_t value)
{
	for (uint32_t i = 0; i < rule->value_count; i++)
		if (rule->value[i] == value)
			return true;
	return false;
}

static bool checksum_is_good(const struct record_desc *kind, const struct rule_desc *rule, const uint8_t *record, uint64_t value)
{
	static const uint8_t zero[4];
	uint32_t crc = schema_crc32c(0, record, rule->offset);

	crc = schema_crc32c(crc, zero, sizeof(zero));
	return schema_crc32c(crc, record + rule->offset + 4, kind->bytes - rule->offset - 4) == value;
}

static inline __attribute__((always_inline))
bool rule_holds(const struct schema_view *view, const struct record_desc *kind, const struct rule_desc *rule, const uint8_t *record,
		       const uint8_t *committed, uint64_t value)
{
	uint64_t start;

	switch (rule->rule) {
	case ZOG_RULE_RANGE:
		return !is_below(value, rule->first, rule->is_signed) && !is_below(rule->last, value, rule->is_signed);
	case ZOG_RULE_ENUM:
		return value_is_listed(rule, value);
	case ZOG_RULE_OFFSET:
		return value < view->desc->bytes;
	case ZOG_RULE_LENGTH:
		start = value_load(record + rule->target, rule->target_bytes, 0);
		return start <= view->desc->bytes && value <= view->desc->bytes - start;
	case ZOG_RULE_REF:
		return reference_is_good(view, rule, value);
	case ZOG_RULE_MONOTONIC:
		return !is_below(value, value_load(committed + rule->offset, rule->bytes, rule->is_signed), rule->is_signed);
	case ZOG_RULE_CHECKSUM:
		return checksum_is_good(kind, rule, record, value);
	case ZOG_RULE_LIVE:
		return value <= 1;
	}
	return false;
}

static inline __attribute__((always_inline))
bool record_check(const struct schema_view *view, uint32_t kind, uint32_t index, const uint8_t *record, struct schema_finding *finding)
{
	const struct record_desc *desc = &view->desc->record[kind];
	const uint8_t *committed = view->committed + desc->offset + (uint64_t)index * desc->bytes;
	const struct rule_desc *rule = desc->rule, *end = rule + desc->rule_count;
	uint32_t asked = record_is_live(desc, record) ? UINT32_MAX : 1u << ZOG_RULE_LIVE | 1u << ZOG_RULE_MONOTONIC; /* rules, a bit each */

	for (; rule < end; rule++) {
		if (!(asked >> rule->rule & 1))
			continue;
		uint64_t value = value_load(record + rule->offset, rule->bytes, rule->is_signed);
		if (rule_holds(view, desc, rule, record, committed, value))
			continue;
		*finding = (struct schema_finding){ rule->rule, rule->number, kind, index, value, rule->field };
		return false;
	}
	return true;
}

/* References of all live records, after a commit that ends records others may name. */
static bool references_check(const struct schema_view *view, struct schema_finding *finding)
{
	for (uint32_t kind = 0; kind < view->desc->record_count; kind++) {
		const struct record_desc *desc = &view->desc->record[kind];
		for (uint32_t i = 0; i < desc->rule_count; i++) {
			const struct rule_desc *rule = &desc->rule[i];
			for (uint32_t index = 0; rule->rule == ZOG_RULE_REF && index < desc->count; index++) {
				const uint8_t *record = view_record(view, kind, index);
				uint64_t value = value_load(record + rule->offset, rule->bytes, 0);
				if (!record_is_live(desc, record) || reference_is_good(view, rule, value))
					continue;
				*finding = (struct schema_finding){ rule->rule, rule->number, kind, index, value, rule->field };
				return false;
			}
		}
	}
	return true;
}

bool schema_check(const struct schema_view *view, struct schema_finding *finding)
{
	bool ends_target = false;

	for (uint32_t i = 0; i < view->run_count; i++) {
		const struct schema_run *run = &view->run[i];
		const struct record_desc *desc = &view->desc->record[run->kind];
		for (uint32_t place = 0; place < run->count; place++) {
			const uint8_t *record = run->bytes + (uint64_t)place * desc->bytes;
			if (!record_check(view, run->kind, run->first + place, record, finding))
				return false;
			ends_target |= desc->is_target && desc->live_bytes != 0 && !record_is_live(desc, record);
		}
	}
	return !ends_target || references_check(view, finding);
}

const char *schema_field_name(const struct region_desc *desc, uint32_t kind, uint32_t field)
{
	for (uint32_t i = 0; kind < desc->record_count && i < desc->record[kind].rule_count; i++)
		if (desc->record[kind].rule[i].number == field)
			return desc->record[kind].rule[i].field;
	return "-";
}

/* --- the tables themselves ------------------------------------------------------------------------------------------ */

static bool width_is_good(uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

static bool rule_is_good(const struct region_desc *desc, const struct record_desc *kind, const struct rule_desc *rule)
{
	if (rule->rule == 0 || rule->rule >= ZOG_RULE_COUNT || !width_is_good(rule->bytes) || rule->offset + (uint32_t)rule->bytes > kind->bytes)
		return false;
	if (rule->rule == ZOG_RULE_REF)
		return rule->target < desc->record_count && desc->record[rule->target].is_target;
	if (rule->rule == ZOG_RULE_LENGTH)
		return width_is_good(rule->target_bytes) && rule->target <= kind->bytes && rule->target_bytes <= kind->bytes - rule->target;
	if (rule->rule == ZOG_RULE_CHECKSUM)
		return rule->bytes == 4;
	return rule->rule != ZOG_RULE_ENUM || rule->value != NULL || rule->value_count == 0;
}

static bool record_is_good(const struct region_desc *desc, const struct record_desc *kind, uint32_t bytes_max)
{
	if (kind->bytes == 0 || kind->bytes > bytes_max || kind->count == 0 || kind->offset > desc->bytes ||
	    kind->count > (desc->bytes - kind->offset) / kind->bytes)
		return false;
	if (kind->live_bytes != 0 && (!width_is_good(kind->live_bytes) || kind->live_offset > kind->bytes ||
				      kind->live_bytes > kind->bytes - kind->live_offset))
		return false;
	for (uint32_t i = 0; i < kind->rule_count; i++)
		if (!rule_is_good(desc, kind, &kind->rule[i]))
			return false;
	return true;
}

bool schema_is_good(const struct region_desc *desc)
{
	if (desc->bytes == 0 || desc->bytes % ZOG_PAGE_SIZE != 0 || desc->bytes > ZOG_REGION_BYTES_MAX || desc->record_count == 0 ||
	    desc->record_count > 256)
		return false;
	for (uint32_t i = 0; i < desc->record_count; i++)
		if (!record_is_good(desc, &desc->record[i], SCHEMA_RECORD_MAX))
			return false;
	return true;
}

bool schema_object_is_good(const struct region_desc *desc)
{
	if (desc->bytes == 0 || desc->bytes % ZOG_PAGE_SIZE != 0 || desc->record_count != 1)
		return false;
	const struct record_desc *kind = &desc->record[0];
	for (uint32_t i = 0; i < kind->rule_count; i++)
		if (kind->rule[i].rule == ZOG_RULE_REF)
			return false;
	return kind->bytes == desc->bytes && kind->live_bytes == 0 && record_is_good(desc, kind, desc->bytes);
}
