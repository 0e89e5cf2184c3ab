/* groups: tsm */
/* sources: core/tsm/schema.c core/tsm/schema_steps.c */
/* The schema interpreter: each rule with values on both sides of its edges, references across a transaction, tables that
 * refer outside their region, and random records against random tables, which must never make it look outside. And the steps that commits of
 * one record go by: they say what the interpreter says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tsm/schema_steps.h"
#include "object/frame.h"

struct node {
	uint64_t count;
	uint32_t start, length, next;
	int16_t delta;
	uint8_t mode, is_live;
	uint32_t share, checksum;
};
#define AT(of) .offset = offsetof(struct node, of), .bytes = sizeof(((struct node *)0)->of), .field = #of
#define NODES 16u

static const uint64_t modes[] = { 1, 3, 200 };
static const struct rule_desc rules[] = {
	{ .rule = ZOG_RULE_MONOTONIC, .number = 0, AT(count) },
	{ .rule = ZOG_RULE_OFFSET, .number = 1, AT(start) },
	{ .rule = ZOG_RULE_LENGTH, .number = 2, AT(length), .target = offsetof(struct node, start), .target_bytes = 4 },
	{ .rule = ZOG_RULE_REF, .number = 3, AT(next), .target = 0, .is_optional = 1 },
	{ .rule = ZOG_RULE_RANGE, .number = 4, AT(delta), .is_signed = 1, .first = (uint64_t)-5, .last = 7 },
	{ .rule = ZOG_RULE_ENUM, .number = 5, AT(mode), .value = modes, .value_count = 3 },
	{ .rule = ZOG_RULE_LIVE, .number = 6, AT(is_live) },
	{ .rule = ZOG_RULE_RANGE, .number = 7, AT(share), .first = 10, .last = 20 },
	{ .rule = ZOG_RULE_CHECKSUM, .number = 8, AT(checksum) },
};
static const struct record_desc kinds[] = { { .name = "node", .bytes = sizeof(struct node), .count = NODES, .rule = rules,
	.rule_count = 9, .live_offset = offsetof(struct node, is_live), .live_bytes = 1, .is_target = 1 } };
static const struct region_desc region = { .name = "test.nodes", .record = kinds, .record_count = 1, .bytes = ZOG_PAGE_SIZE };
static _Alignas(8) uint8_t committed[ZOG_PAGE_SIZE];
static struct node *const nodes = (struct node *)committed;

static void seal(struct node *node)
{
	node->checksum = 0;
	node->checksum = schema_crc32c(0, node, sizeof(*node));
}

static struct node good(void)
{
	struct node node = { .count = 5, .start = 100, .length = 50, .next = UINT32_MAX, .delta = 0, .mode = 3, .is_live = 1, .share = 15 };

	seal(&node);
	return node;
}

/* The rule that one node in place INDEX breaks; 0: none. */
static uint32_t verdict(uint32_t index, const struct node *node)
{
	const struct schema_run run = { 0, index, 1, (const uint8_t *)node };
	const struct schema_view view = { &region, committed, &run, 1 };
	struct schema_finding finding = { 0 };
	bool is_good = schema_check(&view, &finding);

	assert_int_equal(is_good, finding.rule == 0);
	if (!is_good)
		assert_true(finding.kind == 0 && finding.index < NODES && finding.field_name != NULL);
	return finding.rule;
}

static int setup(void **state)
{
	(void)state;
	memset(committed, 0, sizeof(committed));
	nodes[2] = good();
	return 0;
}

#define EXPECT(change, wanted) do { struct node node = good(); change; seal(&node); assert_int_equal(verdict(0, &node), wanted); } while (0)

static void test_every_rule_at_its_edges(void **state)
{
	(void)state;
	EXPECT((void)0, 0);
	EXPECT(node.start = ZOG_PAGE_SIZE - 1, ZOG_RULE_LENGTH);
	EXPECT((node.start = ZOG_PAGE_SIZE - 1, node.length = 1), 0);
	EXPECT((node.start = ZOG_PAGE_SIZE, node.length = 0), ZOG_RULE_OFFSET);
	EXPECT(node.length = ZOG_PAGE_SIZE - 100, 0);
	EXPECT(node.length = ZOG_PAGE_SIZE - 99, ZOG_RULE_LENGTH);
	EXPECT((node.start = 1, node.length = UINT32_MAX), ZOG_RULE_LENGTH);
	EXPECT(node.delta = -5, 0);
	EXPECT(node.delta = -6, ZOG_RULE_RANGE);
	EXPECT(node.delta = 7, 0);
	EXPECT(node.delta = 8, ZOG_RULE_RANGE);
	EXPECT(node.share = 9, ZOG_RULE_RANGE);
	EXPECT(node.share = 10, 0);
	EXPECT(node.share = 20, 0);
	EXPECT(node.share = 21, ZOG_RULE_RANGE);
	EXPECT(node.mode = 2, ZOG_RULE_ENUM);
	EXPECT(node.mode = 200, 0);
	EXPECT(node.is_live = 2, ZOG_RULE_LIVE);
	struct node node = good();
	node.checksum ^= 1;
	assert_int_equal(verdict(0, &node), ZOG_RULE_CHECKSUM);
}

static void test_progress_never_goes_back(void **state)
{
	struct node node = good();

	(void)state;
	assert_int_equal(verdict(2, &node), 0);
	node.count = 4, seal(&node);
	assert_int_equal(verdict(2, &node), ZOG_RULE_MONOTONIC);
	node.is_live = 0, node.mode = 77, node.share = 0; /* of a dead record nothing else counts */
	assert_int_equal(verdict(2, &node), ZOG_RULE_MONOTONIC);
	node.count = 5;
	assert_int_equal(verdict(2, &node), 0);
}

static void test_references_see_the_whole_transaction(void **state)
{
	struct node pair[2] = { good(), good() };
	struct schema_run run[2] = { { 0, 5, 1, (const uint8_t *)&pair[0] }, { 0, 9, 1, (const uint8_t *)&pair[1] } };
	struct schema_view view = { &region, committed, run, 2 };
	struct schema_finding finding = { 0 };

	(void)state;
	EXPECT(node.next = 2, 0);
	EXPECT(node.next = 3, ZOG_RULE_REF);      /* dead */
	EXPECT(node.next = NODES, ZOG_RULE_REF);  /* none there */
	EXPECT(node.next = UINT32_MAX - 1, ZOG_RULE_REF);
	EXPECT(node.next = 0, 0);                 /* itself */
	pair[0].next = 9, pair[1].next = 5; /* a circle that is made in one transaction */
	seal(&pair[0]), seal(&pair[1]);
	assert_true(schema_check(&view, &finding));
	view.run_count = 1;
	assert_false(schema_check(&view, &finding));
	assert_int_equal(finding.rule, ZOG_RULE_REF);
	assert_int_equal(finding.index, 5);
}

static void test_a_record_in_use_does_not_end(void **state)
{
	struct node node = good(), dead = { .count = 5 };

	(void)state;
	node.next = 2, seal(&node);
	nodes[7] = node;
	assert_int_equal(verdict(2, &dead), ZOG_RULE_REF);
	nodes[7].is_live = 0;
	assert_int_equal(verdict(2, &dead), 0);
}

static void test_tables_that_refer_outside(void **state)
{
	struct rule_desc rule = rules[2];
	struct record_desc kind = kinds[0];
	struct region_desc desc = { .name = "x", .record = &kind, .record_count = 1, .bytes = ZOG_PAGE_SIZE };

	(void)state;
	kind.rule = &rule, kind.rule_count = 1;
	assert_true(schema_is_good(&desc) && schema_is_good(&region));
#define BAD(change) do { rule = rules[2]; kind = kinds[0]; kind.rule = &rule, kind.rule_count = 1; desc.bytes = ZOG_PAGE_SIZE; change; \
		assert_false(schema_is_good(&desc)); } while (0)
	BAD(rule.offset = sizeof(struct node) - 3);
	BAD(rule.bytes = 3);
	BAD(rule.rule = ZOG_RULE_COUNT);
	BAD(rule.rule = 0);
	BAD(rule.target = sizeof(struct node) - 3);
	BAD(rule.target = UINT32_MAX);
	BAD(rule.target_bytes = 0);
	BAD((rule = rules[3], rule.target = 1));
	BAD((rule = rules[3], rule.target = UINT32_MAX));
	BAD((rule = rules[5], rule.value = NULL));
	BAD((rule = rules[8], rule.bytes = 8, rule.offset = 0));
	BAD(kind.count = ZOG_PAGE_SIZE / sizeof(struct node) + 1);
	BAD(kind.count = UINT32_MAX);
	BAD(kind.offset = UINT32_MAX - 3);
	BAD(kind.offset = ZOG_PAGE_SIZE);
	BAD(kind.count = 0);
	BAD(kind.bytes = 0);
	BAD(kind.bytes = SCHEMA_RECORD_MAX + 1);
	BAD(kind.live_offset = UINT32_MAX);
	BAD(kind.live_bytes = 16);
	BAD(desc.bytes = ZOG_PAGE_SIZE - 1);
	BAD(desc.bytes = 2 * ZOG_REGION_BYTES_MAX);
}

static uint64_t draw(uint64_t limit)
{
	static uint64_t state = 20;

	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return (state >> 11) % limit;
}

/* Tables of random numbers: those that pass are used on records that lie against the end of their memory, under ASan. */
static void test_hostile_tables_and_values(void **state)
{
	uint32_t used = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct rule_desc rule[4];
		struct record_desc kind = { .name = "k", .bytes = 1 + (uint32_t)draw(64), .count = 1 + (uint32_t)draw(80), .rule = rule, .rule_count = 4,
					    .offset = (uint32_t)draw(4096), .live_offset = (uint32_t)draw(64), .live_bytes = (uint32_t)draw(9), .is_target = 1 };
		struct region_desc desc = { .name = "r", .record = &kind, .record_count = 1, .bytes = ZOG_PAGE_SIZE };
		for (uint32_t i = 0; i < 4; i++)
			rule[i] = (struct rule_desc){ .field = "f", .rule = (uint32_t)draw(10), .offset = (uint16_t)draw(64), .bytes = (uint8_t)(1u << draw(4)),
				.is_signed = (uint8_t)draw(2), .is_optional = (uint8_t)draw(2), .target = (uint32_t)(draw(2) ? 0 : draw(64)),
				.target_bytes = (uint8_t)(1u << draw(4)), .first = draw(300), .last = draw(300), .value = modes, .value_count = 3 };
		if (!schema_is_good(&desc))
			continue;
		used++;
		uint8_t *all = malloc(ZOG_PAGE_SIZE), *records = malloc(kind.bytes * kind.count);
		for (uint32_t i = 0; i < ZOG_PAGE_SIZE; i++)
			all[i] = (uint8_t)draw(256);
		for (uint32_t i = 0; i < kind.bytes * kind.count; i++)
			records[i] = (uint8_t)draw(draw(2) ? 256 : 2);
		struct schema_run run = { 0, 0, kind.count, records };
		struct schema_view view = { &desc, all, &run, 1 };
		struct schema_finding finding = { 0 };
		if (!schema_check(&view, &finding))
			assert_true(finding.rule != 0 && finding.index < kind.count);
		free(all);
		free(records);
	}
	assert_true(used > 100);
}

void *boot_pointer(uint64_t bytes) { return calloc(1, bytes); }

/* Near the edges of what the rules of this test say, and anything else. */
static uint64_t value_draw(void)
{
	static const uint64_t edges[] = { 0, 1, 99, 100, 101, 127, 128, 255, 256, 4095, 4096, 4097, 32767, 32768, 65535, 65536 };
	uint64_t value = edges[draw(16)] + draw(3) - 1;

	return draw(8) == 0 ? draw(UINT64_MAX) : draw(4) == 0 ? -value : value;
}

static struct rule_desc rule_draw(void)
{
	static const uint64_t lists[3][4] = { { 4, 5, 6, 7 }, { 0 }, { 1, 2, 4, 5 } };
	static const uint32_t sorts[] = { ZOG_RULE_RANGE, ZOG_RULE_RANGE, ZOG_RULE_ENUM, ZOG_RULE_OFFSET, ZOG_RULE_LENGTH, ZOG_RULE_REF,
					  ZOG_RULE_MONOTONIC };
	uint32_t bytes = 1u << draw(4), target_bytes = 1u << draw(4), list = (uint32_t)draw(3);
	struct rule_desc rule = { .field = "f", .rule = sorts[draw(7)], .bytes = (uint8_t)bytes, .offset = (uint16_t)(draw(24 / bytes) * bytes),
				  .is_optional = (uint8_t)draw(2), .first = value_draw(), .last = value_draw(), .value = lists[list],
				  .value_count = list == 1 ? 1 : 4, .target_bytes = (uint8_t)target_bytes };

	rule.is_signed = rule.rule == ZOG_RULE_RANGE && draw(2);
	rule.target = rule.rule == ZOG_RULE_LENGTH ? (uint32_t)(draw(24 / target_bytes) * target_bytes) : 0;
	return rule;
}

static void record_draw(uint8_t record[24])
{
	for (uint32_t at = 0, bytes; at < 24; at += bytes) {
		uint64_t value = value_draw();
		bytes = at % 8 == 0 ? 1u << draw(4) : at % 4 == 0 ? 1u << draw(3) : at % 2 == 0 ? 1u << draw(2) : 1;
		memcpy(record + at, &value, bytes);
	}
}

static void test_steps_say_what_the_interpreter_says(void **state)
{
	uint32_t good = 0, bad[ZOG_RULE_COUNT] = { 0 }, without = 0;

	(void)state;
	for (uint32_t round = 0; round < 30000; round++) {
		struct rule_desc rule[2] = { rule_draw(), rule_draw() };
		struct record_desc kind = { .name = "k", .bytes = 24, .count = draw(2) ? 100 : 70000, .rule = rule, .rule_count = 1 + (uint32_t)draw(2), .is_target = 1 };
		struct region_desc desc = { .name = "r", .record = &kind, .record_count = 1, .bytes = draw(2) ? ZOG_PAGE_SIZE : 420 * ZOG_PAGE_SIZE };
		if (!schema_is_good(&desc) && (kind.count = 100, !schema_is_good(&desc)))
			continue;
		struct schema_steps steps = schema_steps_build(&desc, &kind);
		if (steps.interval == NULL) {
			without++;
			continue;
		}
		for (uint32_t i = 0; i < 10; i++) {
			uint8_t record[24], was[24];
			record_draw(record), record_draw(was);
			struct schema_run run = { 0, 0, 1, record };
			struct schema_view view = { &desc, was, &run, 1 };
			struct schema_finding finding = { 0 };
			bool is_good = schema_check(&view, &finding);
			assert_int_equal(steps_hold(&steps, record, was), is_good);
			good += is_good, bad[finding.rule]++;
		}
		free((void *)steps.interval);
	}
	assert_true(good > 10000 && without > 100);
	for (uint32_t i = ZOG_RULE_RANGE; i <= ZOG_RULE_MONOTONIC; i++)
		assert_true(bad[i] > 1000);
}

/* What has no steps goes by the interpreter: each of these by itself. */
static void test_what_has_no_steps(void **state)
{
	static const uint64_t gaps[] = { 1, 3 }, twice[] = { 1, 2, 2 }, wide[] = { 255, 256 };
	const struct rule_desc rule[] = {
		{ .rule = ZOG_RULE_ENUM, .bytes = 8, .value = gaps, .value_count = 2 },
		{ .rule = ZOG_RULE_ENUM, .bytes = 8, .value = twice, .value_count = 3 },
		{ .rule = ZOG_RULE_ENUM, .bytes = 1, .value = wide, .value_count = 2 },
		{ .rule = ZOG_RULE_ENUM, .bytes = 8, .value = gaps, .value_count = 0 },
		{ .rule = ZOG_RULE_RANGE, .bytes = 8, .first = 2, .last = 1 },
		{ .rule = ZOG_RULE_RANGE, .bytes = 2, .first = 0, .last = 65536 },
		{ .rule = ZOG_RULE_RANGE, .bytes = 2, .first = (uint64_t)-32769, .last = 5, .is_signed = 1 },
		{ .rule = ZOG_RULE_MONOTONIC, .bytes = 8, .is_signed = 1 },
		{ .rule = ZOG_RULE_MONOTONIC, .bytes = 4, .offset = 6 },
		{ .rule = ZOG_RULE_CHECKSUM, .bytes = 4 },
		{ .rule = ZOG_RULE_LIVE, .bytes = 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(rule) / sizeof(rule[0]); i++) {
		struct record_desc kind = { .name = "k", .bytes = 16, .count = 1, .rule = &rule[i], .rule_count = 1 };
		struct region_desc desc = { .name = "r", .record = &kind, .record_count = 1, .bytes = ZOG_PAGE_SIZE };
		assert_true(schema_is_good(&desc) && schema_steps_build(&desc, &kind).interval == NULL);
	}
	struct region_desc nodes_region = region;
	assert_true(schema_steps_build(&nodes_region, &kinds[0]).interval == NULL); /* live or not */
}

static void test_crc32c_is_the_standard_one(void **state)
{
	uint8_t zero[32] = { 0 };

	(void)state;
	assert_int_equal(schema_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(schema_crc32c(0, zero, 32), 0x8a9136aa); /* RFC 3720 appendix B.4 */
	assert_int_equal(schema_crc32c(schema_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_rule_at_its_edges, setup),
		cmocka_unit_test_setup(test_progress_never_goes_back, setup),
		cmocka_unit_test_setup(test_references_see_the_whole_transaction, setup),
		cmocka_unit_test_setup(test_a_record_in_use_does_not_end, setup),
		cmocka_unit_test(test_tables_that_refer_outside),
		cmocka_unit_test(test_hostile_tables_and_values),
		cmocka_unit_test(test_steps_say_what_the_interpreter_says),
		cmocka_unit_test(test_what_has_no_steps),
		cmocka_unit_test(test_crc32c_is_the_standard_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
