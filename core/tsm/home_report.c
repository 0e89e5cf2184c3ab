/* What is found in home regions, in words. */
#include "tsm/home_schema.h"
#include "object/domain.h"

struct text {
	char *at, *end;
};

static void put(struct text *text, const char *word)
{
	while (*word && text->at + 1 < text->end)
		*text->at++ = *word++;
	*text->at = 0;
}

static void put_number(struct text *text, uint64_t value, uint32_t base)
{
	char digits[24];
	uint32_t n = sizeof(digits) - 1;

	digits[n] = 0;
	do
		digits[--n] = "0123456789abcdef"[value % base];
	while ((value /= base) != 0);
	put(text, digits + n);
}

static void put_place(struct text *text, const struct home_table *table, uint32_t index, const char *field, uint32_t element)
{
	put(text, table->name);
	if (table->is_array)
		put(text, "["), put_number(text, index, 10), put(text, "]");
	put(text, ".");
	for (; *field; field++) {
		char letter[2] = { *field, 0 };
		put(text, letter);
		if (*field == '[')
			put_number(text, element, 10);
	}
}

static const struct home_rule *rule_at(const struct home_table *table, uint32_t offset, uint32_t *element)
{
	for (uint32_t i = 0; i < table->rule_count; i++) {
		const struct home_rule *rule = &table->rule[i];
		*element = offset >= rule->offset ? (offset - rule->offset) / rule->stride : UINT32_MAX;
		if (*element < rule->repeat && offset - rule->offset - *element * rule->stride < rule->bytes)
			return rule;
	}
	return NULL;
}

void home_place_name(const struct domain *domain, uint32_t offset, char *out, size_t size)
{
	const struct home_schema *schema = domain->schema;
	struct text text = { out, out + size };

	for (uint32_t i = 0; schema != NULL && i < schema->table_count; i++) {
		const struct home_table *table = &schema->table[i];
		if (offset < table->offset || offset - table->offset >= table->bytes * table->count)
			continue;
		uint32_t element = 0, inside = (offset - table->offset) % table->bytes, index = (offset - table->offset) / table->bytes;
		const struct home_rule *rule = rule_at(table, inside, &element);
		put_place(&text, table, index, rule != NULL ? rule->field : "+0x", element);
		if (rule == NULL)
			put_number(&text, inside, 16);
		return;
	}
	put(&text, "home+0x");
	put_number(&text, offset, 16);
}

void home_finding_name(const struct home_finding *finding, char *out, size_t size)
{
	static const char *const name[] = {
		[ZOG_RULE_RANGE] = "in", [ZOG_RULE_ENUM] = "enum", [ZOG_RULE_REF] = "ref", [ZOG_RULE_MONOTONIC] = "monotonic",
		[ZOG_RULE_LIVE] = "live", [ZOG_RULE_BITS] = "bits", [ZOG_RULE_AHEAD] = "ahead",
	};
	struct text text = { out, out + size };

	put_place(&text, finding->table, finding->index, finding->rule->field, finding->element);
	put(&text, " breaks ");
	put(&text, name[finding->rule->rule]);
}

uint64_t home_finding_detail(const struct home_finding *finding)
{
	return finding->rule->rule | (uint64_t)((finding->rule - finding->table->rule) & 0xff) << 8 |
	       (uint64_t)(finding->table_number | 0x8000) << 16 | (uint64_t)finding->index << 32;
}
