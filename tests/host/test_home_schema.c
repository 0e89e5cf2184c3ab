/* groups: tsm */
/* sources: core/tsm/home_schema.c core/tsm/home_report.c core/tsm/transaction.c */
/* Schemas of home regions: each rule at its edges, at commit and by the scrubber; what a commit may not look at; hostile
 * tables, which must not pass the check at boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tsm/transaction.h"
#include "fault/log.h"

struct item {
	uint8_t state; /* live */
	uint8_t mode;  /* in 2..5 */
	int16_t level; /* in -3..3 */
	uint32_t next; /* ref item from 1 */
	uint64_t head, tail; /* head ahead of tail by 100; tail monotonic */
	uint32_t slot[6];    /* index of leaf, optional */
	uint32_t flags;      /* bits 0x11 */
	uint32_t free;       /* no rule */
	uint64_t pointer;    /* to leaf, optional */
};
struct leaf {
	uint32_t kind; /* enum (0, 4, 9) */
	uint32_t reserved;
};
enum { ITEMS = 100, LEAVES = 40, PAGES = 8, ITEM_AT = 4096 - 3 * (int)sizeof(struct item) / 2 / 8 * 8, LEAF_AT = 20000 };
#define BYTES (PAGES * ZOG_PAGE_SIZE)

static const uint64_t kinds[] = { 0, 4, 9 };
static struct home_rule item_rule[] = {
	{ .field = "state", .rule = ZOG_RULE_LIVE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, state) },
	{ .field = "state", .rule = ZOG_RULE_RANGE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, state), .last = 2 },
	{ .field = "mode", .rule = ZOG_RULE_RANGE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, mode), .first = 2, .last = 5 },
	{ .field = "level", .rule = ZOG_RULE_RANGE, .bytes = 2, .stride = 2, .repeat = 1, .offset = offsetof(struct item, level), .is_signed = 1,
	  .first = (uint64_t)-3, .last = 3 },
	{ .field = "next", .rule = ZOG_RULE_REF, .bytes = 4, .stride = 4, .repeat = 1, .offset = offsetof(struct item, next), .target = 0, .first = 1,
	  .last = 1, .has_none = 1, .needs_live = 1 },
	{ .field = "head", .rule = ZOG_RULE_AHEAD, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, head),
	  .target = offsetof(struct item, tail), .last = 100 },
	{ .field = "tail", .rule = ZOG_RULE_MONOTONIC, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, tail) },
	{ .field = "slot[]", .rule = ZOG_RULE_REF, .bytes = 4, .stride = 4, .repeat = 6, .offset = offsetof(struct item, slot), .target = 1, .last = 1,
	  .has_none = 1, .none = UINT32_MAX },
	{ .field = "flags", .rule = ZOG_RULE_BITS, .bytes = 4, .stride = 4, .repeat = 1, .offset = offsetof(struct item, flags), .last = 0x11 },
	{ .field = "pointer", .rule = ZOG_RULE_REF, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, pointer), .target = 1,
	  .first = ZOG_HOME_BASE + LEAF_AT, .last = sizeof(struct leaf), .has_none = 1 },
};
static const struct home_rule leaf_rule[] = {
	{ .field = "kind", .rule = ZOG_RULE_ENUM, .bytes = 4, .stride = 4, .repeat = 1, .value = kinds, .value_count = 3 },
};
#define RULES (sizeof(item_rule) / sizeof(item_rule[0]))
static uint32_t item_touch[sizeof(struct item) / HOME_GRANULE];
static const uint32_t leaf_touch[] = { 1, 0 };
static struct home_table table[] = {
	{ "item", ITEM_AT, sizeof(struct item), ITEMS, RULES, item_rule, item_touch, offsetof(struct item, state), 1, 1, 0 },
	{ "leaf", LEAF_AT, sizeof(struct leaf), LEAVES, 1, leaf_rule, leaf_touch, 0, 0, 1, 0 },
};
static uint8_t page[PAGES];
static struct home_schema schema = { ITEM_AT, LEAF_AT + LEAVES * sizeof(struct leaf), 2, table, page };

static struct domain domain;
static struct cpu cpu;
static struct domain_desc desc = { .name = "test" };
static uint8_t live[BYTES] __attribute__((aligned(4096))), committed[BYTES] __attribute__((aligned(4096))), valid[PAGES];
static struct zog_txn *txn;
static char logged[256];

bool operations_decode(struct cpu *of, struct domain *by, uint32_t count) { return (void)of, (void)by, (void)count, true; }
void operations_apply(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; }
void region_straight_resume(struct cpu *of, struct domain *by) { (void)of, (void)by; }
void operations_finish(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; }
void operation_skip(struct cpu *of, struct domain *by) { (void)of, (void)by; }

void log_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(logged, sizeof(logged), format, arguments);
	va_end(arguments);
}

static struct item *item(uint32_t index) { return (struct item *)(live + ITEM_AT) + index; }
static struct leaf *leaf(uint32_t index) { return (struct leaf *)(live + LEAF_AT) + index; }

static void note(const void *at, size_t size)
{
	txn->range[txn->range_count++] = (struct zog_range){ (uint32_t)((const uint8_t *)at - live), (uint32_t)size };
}
#define SET(place, value) ((place) = (value), note(&(place), sizeof(place)))

static bool commit(void)
{
	domain.finding.rule = NULL;
	bool is_done = transaction_commit(&cpu, &domain);
	if (!is_done)
		transaction_abort(&domain);
	return is_done;
}

static void item_make(uint32_t index)
{
	*item(index) = (struct item){ .state = 1, .mode = 2 };
	memset(item(index)->slot, 0xff, sizeof(item(index)->slot));
	note(item(index), sizeof(struct item));
	assert_true(commit());
}

static int setup(void **state)
{
	(void)state;
	memset(item_touch, 0, sizeof(item_touch));
	for (uint32_t i = 0; i < RULES; i++)
		for (uint32_t at = item_rule[i].offset; at < item_rule[i].offset + item_rule[i].stride * item_rule[i].repeat; at++)
			item_touch[at / HOME_GRANULE] |= 1u << i;
	item_touch[0] = (1u << RULES) - 1;
	item_touch[offsetof(struct item, tail) / HOME_GRANULE] |= 1u << 5;
	item_touch[offsetof(struct item, tail) / HOME_GRANULE + 1] |= 1u << 5;
	memset(page, 0, sizeof(page));
	page[LEAF_AT / ZOG_PAGE_SIZE - ITEM_AT / ZOG_PAGE_SIZE] = ITEM_AT + ITEMS * sizeof(struct item) <= LEAF_AT / ZOG_PAGE_SIZE * ZOG_PAGE_SIZE;
	txn = calloc(1, sizeof(*txn));
	domain = (struct domain){ .desc = &desc, .txn = txn, .home_live = live, .home_committed = committed, .home_bytes = BYTES,
				  .home_valid = valid, .schema = &schema, .schema_low = schema.low, .schema_high = schema.high };
	memset(live, 0, BYTES);
	memset(committed, 0, BYTES);
	memset(valid, 1, sizeof(valid));
	logged[0] = 0;
	item_make(3);
	item_make(7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(txn);
	return 0;
}

/* VALUE in FIELD of item 3 is refused, by that name; nothing is committed, the live image is as before. */
static void refused_as(const char *name, uint64_t value)
{
	char said[64];

	assert_false(transaction_commit(&cpu, &domain));
	assert_non_null(domain.finding.rule);
	home_finding_name(&domain.finding, said, sizeof(said));
	assert_string_equal(said, name);
	assert_int_equal(domain.finding.value, value);
	transaction_abort(&domain);
	assert_memory_equal(live, committed, BYTES);
	domain.finding.rule = NULL;
}

#define PASSES(field, value) (SET(item(3)->field, value), assert_true(commit()))
#define REFUSED(field, to, name) (SET(item(3)->field, to), refused_as(name, (uint64_t)(to)))

static void ranges(void **state)
{
	(void)state;
	PASSES(mode, 5);
	PASSES(mode, 2);
	REFUSED(mode, 1, "item[3].mode breaks in");
	REFUSED(mode, 6, "item[3].mode breaks in");
	PASSES(level, -3);
	PASSES(level, 3);
	REFUSED(level, -4, "item[3].level breaks in");
	REFUSED(level, 4, "item[3].level breaks in");
	REFUSED(state, 3, "item[3].state breaks in");
}

static void enums_and_bits(void **state)
{
	(void)state;
	SET(leaf(39)->kind, 9);
	assert_true(commit());
	SET(leaf(39)->kind, 5);
	refused_as("leaf[39].kind breaks enum", 5);
	PASSES(flags, 0x11);
	REFUSED(flags, 0x31, "item[3].flags breaks bits");
}

static void references(void **state)
{
	(void)state;
	PASSES(next, 8);
	PASSES(next, 0);
	REFUSED(next, 9, "item[3].next breaks ref"); /* item 8 is free */
	REFUSED(next, ITEMS + 1, "item[3].next breaks ref");
	REFUSED(next, 0xffffffffu, "item[3].next breaks ref");
	PASSES(slot[5], LEAVES - 1);
	PASSES(slot[5], UINT32_MAX);
	REFUSED(slot[5], (uint32_t)LEAVES, "item[3].slot[5] breaks ref");
	PASSES(pointer, ZOG_HOME_BASE + LEAF_AT + 39 * sizeof(struct leaf));
	REFUSED(pointer, ZOG_HOME_BASE + LEAF_AT + 40 * sizeof(struct leaf), "item[3].pointer breaks ref");
	REFUSED(pointer, ZOG_HOME_BASE + LEAF_AT + 4, "item[3].pointer breaks ref");
	REFUSED(pointer, ZOG_HOME_BASE + LEAF_AT - 8, "item[3].pointer breaks ref");
}

/* A transaction may make a record and refer to it, in either order. */
static void reference_to_a_new_record(void **state)
{
	(void)state;
	SET(item(3)->next, 12);
	*item(11) = *item(7);
	note(item(11), sizeof(struct item));
	assert_true(commit());
}

static void positions(void **state)
{
	(void)state;
	PASSES(head, 100);
	REFUSED(head, 101, "item[3].head breaks ahead");
	SET(item(3)->tail, 101); /* the other side of the same rule */
	refused_as("item[3].head breaks ahead", 100);
	PASSES(tail, 60);
	REFUSED(tail, 59, "item[3].tail breaks monotonic");
}

static void free_records_are_nobodys(void **state)
{
	(void)state;
	SET(item(50)->mode, 99);
	SET(item(50)->next, 7777);
	assert_true(commit());
	SET(item(50)->state, 1); /* now all of it counts */
	refused_as("item[50].mode breaks in", 99);
	PASSES(head, 60);
	PASSES(tail, 60);
	PASSES(state, 0);
	item_make(3); /* starts over below its old positions */
}

static void only_what_is_touched_is_looked_at(void **state)
{
	(void)state;
	item(3)->mode = committed[ITEM_AT + 3 * sizeof(struct item) + 1] = 99; /* damage that this commit did not make */
	PASSES(free, 5);
	PASSES(flags, 1);
	SET(leaf(0)->reserved, 77);
	assert_true(commit());
	SET(live[0], 1);
	SET(live[BYTES - 1], 1);
	assert_true(commit());
	SET(item(3)->state, 2);
	refused_as("item[3].mode breaks in", 99);
}

/* One range over many records, the tables' ends, and what stands between them. */
static void wide_ranges(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++)
		*item(i) = *item(7);
	note(live, BYTES);
	assert_true(commit());
	item(99)->mode = 9;
	note(live + 1, BYTES - 1);
	refused_as("item[99].mode breaks in", 9);
	leaf(39)->kind = 1;
	note(item(98), (size_t)((uint8_t *)(leaf(39) + 1) - (uint8_t *)item(98)));
	refused_as("leaf[39].kind breaks enum", 1);
}

static void the_same_bytes_again_and_again(void **state)
{
	(void)state;
	item(99)->state = 9;
	for (uint32_t i = 0; i < 7; i++)
		note(live + ITEM_AT, 98 * sizeof(struct item));
	note(item(99), 1);
	refused_as("item[99].state breaks in", 9);
}

static void pages_of_a_full_log(void **state)
{
	(void)state;
	item(99)->mode = 9, item(99)->state = 1;
	txn->is_page_mode = 1;
	memset(txn->dirty_page, 0xff, sizeof(txn->dirty_page));
	refused_as("item[99].mode breaks in", 9);
}

/* Pages that hold nothing yet show the committed image. */
static void references_to_untouched_pages(void **state)
{
	uint32_t last_page = (ITEM_AT + 99 * sizeof(struct item)) / ZOG_PAGE_SIZE;

	(void)state;
	item_make(99);
	valid[last_page] = 0;
	memset(live + last_page * ZOG_PAGE_SIZE, 0, ZOG_PAGE_SIZE);
	SET(item(3)->next, 100);
	assert_true(transaction_commit(&cpu, &domain));
}

static void random_values_never_get_through(void **state)
{
	uint32_t refusals = 0;

	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++)
		item_make(i);
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t index = (uint32_t)rand() % ITEMS, offset = (uint32_t)rand() % sizeof(struct item), bytes = 1 + (uint32_t)rand() % 8;
		uint8_t *at = (uint8_t *)item(index) + offset;
		struct home_finding finding;
		if (bytes > sizeof(struct item) - offset)
			bytes = sizeof(struct item) - offset;
		for (uint32_t i = 0; i < bytes; i++)
			at[i] = rand() % 2 ? (uint8_t)(rand() % 8) : (uint8_t)rand();
		note(at, bytes);
		refusals += !commit();
		assert_memory_equal(live, committed, BYTES);
		if (!home_record_is_good(&domain, 0, index, &finding)) /* of the record itself only a dead target can be wrong */
			assert_string_equal(finding.rule->field, "next");
	}
	assert_true(refusals > 1000 && refusals < 19000);
}

static void the_scrubber_walks_all_records(void **state)
{
	(void)state;
	committed[ITEM_AT + 7 * sizeof(struct item) + 1] = 77;
	for (uint32_t i = 0; i < 2 * (ITEMS + LEAVES) / HOME_SCRUB_RECORDS + 1; i++)
		home_schema_scrub(&domain);
	assert_string_equal(logged, "zog: scrub domain=test item[7].mode breaks in value=0x4d");
	assert_int_equal(domain.stats.schema_findings, 1); /* told once */
	assert_true(domain.stats.records_checked >= 2 * (ITEMS + LEAVES));
	*(uint32_t *)(void *)(committed + LEAF_AT + 8) = 3;
	for (uint32_t i = 0; i < (ITEMS + LEAVES) / HOME_SCRUB_RECORDS + 1; i++)
		home_schema_scrub(&domain);
	assert_int_equal(domain.stats.schema_findings > 1, 1);
}

static void a_reference_to_a_record_that_went_away(void **state)
{
	(void)state;
	PASSES(next, 8);
	SET(item(7)->state, 0); /* the commit looks forward only */
	assert_true(commit());
	for (uint32_t i = 0; i < (ITEMS + LEAVES) / HOME_SCRUB_RECORDS + 1; i++)
		home_schema_scrub(&domain);
	assert_string_equal(logged, "zog: scrub domain=test item[3].next breaks ref value=0x8");
}

static void names_of_places(void **state)
{
	char name[64];

	(void)state;
	home_place_name(&domain, ITEM_AT + 5 * sizeof(struct item) + offsetof(struct item, slot) + 9, name, sizeof(name));
	assert_string_equal(name, "item[5].slot[2]");
	home_place_name(&domain, ITEM_AT + offsetof(struct item, free), name, sizeof(name));
	assert_string_equal(name, "item[0].+0x34");
	home_place_name(&domain, 17, name, sizeof(name));
	assert_string_equal(name, "home+0x11");
	home_place_name(&domain, ITEM_AT, name, 8); /* cut, never beyond */
	assert_string_equal(name, "item[0]");
}

#define HOSTILE(place, value) \
	do { \
		__typeof__(place) was = (place); \
		(place) = (value); \
		assert_false(home_schema_is_good(&schema, BYTES)); \
		(place) = was; \
		assert_true(home_schema_is_good(&schema, BYTES)); \
	} while (0)

static void hostile_tables(void **state)
{
	(void)state;
	assert_true(home_schema_is_good(&schema, BYTES));
	assert_false(home_schema_is_good(&schema, schema.high - 1));
	HOSTILE(schema.low, schema.high);
	HOSTILE(page[0], 2);
	HOSTILE(schema.table_count, 0);
	HOSTILE(table[0].offset, BYTES);
	HOSTILE(table[0].count, 0xffffffffu);
	HOSTILE(table[0].count, 0);
	HOSTILE(table[0].bytes, 0);
	HOSTILE(table[0].bytes, HOME_RECORD_MAX + 8);
	HOSTILE(table[0].rule_count, 33);
	HOSTILE(table[0].live_offset, sizeof(struct item));
	HOSTILE(table[0].live_bytes, 3);
	HOSTILE(table[1].offset, ITEM_AT + 8);
	HOSTILE(table[1].offset, BYTES - 8);
	HOSTILE(item_rule[3].offset, sizeof(struct item) - 1);
	HOSTILE(item_rule[3].offset, 3);
	HOSTILE(item_rule[3].bytes, 3);
	HOSTILE(item_rule[3].repeat, 0);
	HOSTILE(item_rule[3].rule, 0);
	HOSTILE(item_rule[3].rule, ZOG_RULE_CHECKSUM);
	HOSTILE(item_rule[4].target, 2);
	HOSTILE(item_rule[4].last, 0);
	HOSTILE(item_rule[5].target, sizeof(struct item));
	HOSTILE(item_rule[5].target, 0xffffffffu);
	HOSTILE(item_rule[7].repeat, 0xffff);
	HOSTILE(item_rule[7].stride, 1);
	HOSTILE(item_rule[7].rule, ZOG_RULE_ENUM); /* without a list */
	HOSTILE(item_touch[offsetof(struct item, slot) / HOME_GRANULE + 5], 0);
	HOSTILE(page[1], 2);
	HOSTILE(page[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(enums_and_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(references, setup, teardown),
		cmocka_unit_test_setup_teardown(reference_to_a_new_record, setup, teardown),
		cmocka_unit_test_setup_teardown(positions, setup, teardown),
		cmocka_unit_test_setup_teardown(free_records_are_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_is_touched_is_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(wide_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_bytes_again_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_a_full_log, setup, teardown),
		cmocka_unit_test_setup_teardown(references_to_untouched_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(random_values_never_get_through, setup, teardown),
		cmocka_unit_test_setup_teardown(the_scrubber_walks_all_records, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reference_to_a_record_that_went_away, setup, teardown),
		cmocka_unit_test_setup_teardown(names_of_places, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_tables, setup, teardown),
	};

	srand(5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
