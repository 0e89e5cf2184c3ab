/* groups: tsm */
/* sources: core/tsm/home_schema.c core/tsm/home_tables.c core/tsm/home_report.c core/tsm/home_scrub.c core/tsm/transaction.c */
/* The scrubber over home schemas: what it finds in committed records, from what it makes them good, what it leaves. */
#include "home_harness.h"

static char outcomes[256]; /* of damage that was told, a word each */
static uint32_t waiters_woken, regions_told;
void incident_record_damage(struct domain *of, const struct home_finding *finding, const char *outcome)
{
	assert_ptr_equal(of, &domain);
	assert_non_null(finding->rule);
	strcat(strcat(outcomes, outcome), " ");
}
void domain_reset(struct domain *of)
{
	memset(of->home_valid, 0, sizeof(valid));
	of->state = DOMAIN_DOWN;
	of->resets++;
}
void region_domain_ended(struct domain *of) { regions_told += of == &domain; }
void thread_wake_waiters_of(uint32_t of) { waiters_woken += of == domain.id; }

static int scrub_setup(void **state)
{
	outcomes[0] = 0;
	desc.is_cold_on_damage = waiters_woken = regions_told = 0;
	return setup(state);
}

#define PASSES_OF_THE_SCRUBBER (2 * (ITEMS + LEAVES) / HOME_SCRUB_RECORDS + 1)
static void scrub(void)
{
	for (uint32_t i = 0; i < PASSES_OF_THE_SCRUBBER; i++)
		home_schema_scrub(&domain);
}

/* COUNT items get a mode that no rule allows, in the committed image, and in the live one, too. */
static void items_damage(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = ITEM_AT + i * sizeof(struct item);
		committed[at] = live[at] = 1;
		committed[at + 1] = live[at + 1] = (uint8_t)(70 + i);
	}
}

static void the_scrubber_walks_all_records(void **state)
{
	(void)state;
	committed[ITEM_AT + 7 * sizeof(struct item) + 1] = live[ITEM_AT + 7 * sizeof(struct item) + 1] = 77;
	scrub();
	assert_string_equal(logged, "zog: damage domain=test region=home item[7].mode breaks in value=0x4d outcome=kept");
	assert_int_equal(domain.stats.schema_findings, 1); /* told once */
	assert_string_equal(outcomes, "kept ");
	assert_true(domain.stats.records_checked >= 2 * (ITEMS + LEAVES));
	*(uint32_t *)(void *)(committed + LEAF_AT + 8) = *(uint32_t *)(void *)(live + LEAF_AT + 8) = 3;
	scrub();
	assert_string_equal(outcomes, "kept kept ");
	domain.resets++; /* its next life */
	scrub();
	assert_string_equal(outcomes, "kept kept kept kept ");
}

static void a_reference_to_a_record_that_went_away(void **state)
{
	(void)state;
	PASSES(next, 8);
	SET(item(7)->state, 0); /* the commit looks forward only */
	assert_true(commit());
	scrub();
	assert_string_equal(logged, "zog: damage domain=test region=home item[3].next breaks ref value=0x8 outcome=kept");
}

static void findings_beyond_a_number_are_counted_only(void **state)
{
	(void)state;
	items_damage(HOME_TOLD_MAX + 3);
	scrub();
	uint64_t findings = domain.stats.schema_findings;
	assert_true(findings >= HOME_TOLD_MAX + 3);
	assert_int_equal(strlen(outcomes), HOME_TOLD_MAX * strlen("kept "));
}

static void a_damaged_committed_record_is_made_good_from_the_live_image(void **state)
{
	(void)state;
	committed[ITEM_AT + 7 * sizeof(struct item) + 1] = 77;
	committed[ITEM_AT + 7 * sizeof(struct item) + offsetof(struct item, free)] ^= 5; /* of no rule, on the same page: goes back with it */
	scrub();
	assert_string_equal(outcomes, "repaired ");
	assert_string_equal(logged, "zog: damage domain=test region=home item[7].mode breaks in value=0x4d outcome=repaired");
	assert_memory_equal(live, committed, BYTES);
	assert_int_equal(committed[ITEM_AT + 7 * sizeof(struct item) + 1], 2);
	committed[ITEM_AT + 7 * sizeof(struct item) + 1] = 78; /* the comparison of images comes first */
	assert_true(home_page_repair(&domain, (ITEM_AT + 7 * sizeof(struct item) + 1) / ZOG_PAGE_SIZE));
	assert_memory_equal(live, committed, BYTES);
	assert_int_equal(domain.state, DOMAIN_DOWN); /* as setup left it: nobody reset it */
	assert_int_equal(domain.resets, 0);
}

static void a_counter_that_was_damaged_upwards_does_not_condemn_the_live_image(void **state)
{
	(void)state;
	SET(item(3)->head, 40);
	SET(item(3)->tail, 20);
	assert_true(commit());
	((struct item *)(committed + ITEM_AT))[3].tail = 1 << 20; /* head is now behind it */
	scrub();
	assert_string_equal(outcomes, "repaired ");
	assert_int_equal(((struct item *)(committed + ITEM_AT))[3].tail, 20);
}

static void nothing_is_made_good_from_what_is_damaged_too_or_not_there(void **state)
{
	uint32_t at = ITEM_AT + 7 * sizeof(struct item) + 1;

	(void)state;
	committed[at] = 77;
	live[at - sizeof(struct item) * 4 - 1] = 9; /* the state of another item, on the same page */
	assert_false(home_page_repair(&domain, at / ZOG_PAGE_SIZE));
	live[at - sizeof(struct item) * 4 - 1] = 1;
	valid[at / ZOG_PAGE_SIZE] = 0;
	assert_false(home_page_repair(&domain, at / ZOG_PAGE_SIZE));
	scrub();
	assert_string_equal(outcomes, "kept ");
	assert_int_equal(committed[at], 77);
	committed[at] = 2;
	valid[at / ZOG_PAGE_SIZE] = 1;
	live[at] = 77; /* committed is right: not this function's to settle */
	assert_false(home_page_repair(&domain, at / ZOG_PAGE_SIZE));
	assert_string_equal(outcomes, "kept ");
}

static void a_region_that_is_promised_to_nobody_becomes_cold(void **state)
{
	static const uint8_t zero[BYTES];

	(void)state;
	desc.is_cold_on_damage = 1;
	items_damage(2);
	scrub();
	assert_string_equal(outcomes, "cold ");
	assert_memory_equal(committed, zero, BYTES);
	assert_int_equal(domain.resets, 1);
	assert_int_equal(waiters_woken, 1);
	assert_int_equal(regions_told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_scrubber_walks_all_records, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(a_reference_to_a_record_that_went_away, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(findings_beyond_a_number_are_counted_only, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_committed_record_is_made_good_from_the_live_image, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(a_counter_that_was_damaged_upwards_does_not_condemn_the_live_image, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_made_good_from_what_is_damaged_too_or_not_there, scrub_setup, teardown),
		cmocka_unit_test_setup_teardown(a_region_that_is_promised_to_nobody_becomes_cold, scrub_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
