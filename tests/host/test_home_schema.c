/* groups: tsm */
/* sources: core/tsm/home_schema.c core/tsm/home_tables.c core/tsm/home_report.c core/tsm/transaction.c */
/* Schemas of home regions: each rule at its edges, at commit; what a commit may not look at; hostile tables, which must not
 * pass the check at boot. */
#include "home_harness.h"

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
	PASSES(state, 2); /* the mode stands in the same word, and is none of its bytes */
	PASSES(state, 1);
	item(3)->mode = committed[ITEM_AT + 3 * sizeof(struct item) + 1] = 2;
	item(3)->flags = ((struct item *)(committed + ITEM_AT))[3].flags = 0x31;
	PASSES(state, 2); /* it lived before */
	PASSES(state, 0);
	SET(item(3)->state, 2); /* now it comes to life */
	refused_as("item[3].flags breaks bits", 0x31);
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
	memset(domain.home_look + last_page * HOME_LOOK_WORDS, 0xff, HOME_LOOK_WORDS * 8);
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
	HOSTILE(schema.table_count, 0);
	HOSTILE(table[0].offset, BYTES);
	HOSTILE(table[0].count, 0xffffffffu);
	HOSTILE(table[0].count, 0);
	HOSTILE(table[0].bytes, 0);
	HOSTILE(table[0].bytes, HOME_RECORD_MAX + 8);
	HOSTILE(table[0].rule_count, 33);
	HOSTILE(table[0].end, table[0].end + 8);
	HOSTILE(schema.low, schema.low + 8);
	HOSTILE(schema.high, schema.high - 8);
	HOSTILE(item_rule[2].first, 6);
	HOSTILE(item_rule[2].last, 256);
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
		cmocka_unit_test_setup_teardown(names_of_places, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_tables, setup, teardown),
	};

	srand(5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
