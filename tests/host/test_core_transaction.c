/* groups: tsm */
/* sources: core/tsm/transaction.c core/tsm/home_schema.c */
/* Commit and abort of a home region, against a domain that writes what it likes into its transaction page: a commit
 * takes exactly what the log names or nothing at all, an abort gives back every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tsm/transaction.h"

#define PAGES 8u
#define BYTES (PAGES * ZOG_PAGE_SIZE)

static struct domain domain;
static struct cpu cpu;
static uint8_t live[BYTES], committed[BYTES], valid[PAGES], before[BYTES];
static uint64_t rule_map[PAGES * HOME_LOOK_WORDS], look[PAGES * HOME_LOOK_WORDS];
static struct zog_txn *txn;

/* What the commit asks of the staged operations, in order: d decode, t table changes, e effects. */
static char asked[8];
static bool operations_are_good;
static bool was_committed_at_tables, was_committed_at_effects;

bool operations_take(struct cpu *of, struct domain *by, uint32_t count) { return (void)of, (void)by, (void)count, true; }

bool operations_decode(struct cpu *of, struct domain *by, uint32_t count)
{
	(void)of, (void)by, (void)count;
	strcat(asked, "d");
	return operations_are_good;
}

void operations_apply(struct cpu *of, struct domain *by, uint32_t count)
{
	(void)of, (void)by, (void)count;
	strcat(asked, "t");
	was_committed_at_tables = memcmp(live, committed, BYTES) == 0;
}

void region_straight_resume(struct cpu *of, struct domain *by) { (void)of, (void)by; }
void operations_finish(struct cpu *of, struct domain *by, uint32_t count)
{
	(void)of, (void)by, (void)count;
	strcat(asked, "e");
	was_committed_at_effects = memcmp(live, committed, BYTES) == 0;
}

void operation_skip(struct cpu *of, struct domain *by)
{
	(void)of;
	by->commit_next++;
}

/* Its live frame holds nothing. */
static void page_take(uint32_t page)
{
	valid[page] = 0;
	memset(look + page * HOME_LOOK_WORDS, 0xff, HOME_LOOK_WORDS * sizeof(*look));
}

static int setup(void **state)
{
	(void)state;
	txn = calloc(1, sizeof(*txn));
	domain = (struct domain){ .txn = txn, .home_live = live, .home_committed = committed, .home_bytes = BYTES, .home_valid = valid,
				  .rule_map = rule_map, .home_look = look };
	for (uint32_t i = 0; i < BYTES; i++)
		live[i] = committed[i] = (uint8_t)rand();
	memset(valid, 1, sizeof(valid));
	memset(look, 0, sizeof(look));
	operations_are_good = true;
	asked[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(txn);
	return 0;
}

static void store_logged(uint32_t offset, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		live[offset + i] = (uint8_t)rand();
	txn->range[txn->range_count++] = (struct zog_range){ offset, length };
}

static void stores_random(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length = rand() % 4 ? 1u << rand() % 4 : (uint32_t)rand() % 6000, offset = (uint32_t)rand() % BYTES;
		store_logged(offset, length > BYTES - offset ? BYTES - offset : length);
	}
}

static void random_commits_and_aborts(void **state)
{
	uint32_t commits = 0, aborts = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		memcpy(before, committed, BYTES);
		stores_random((uint32_t)rand() % 12);
		if (rand() % 2) {
			assert_true(transaction_commit(&cpu, &domain));
			commits++;
		} else {
			transaction_abort(&domain);
			assert_memory_equal(live, before, BYTES);
			aborts++;
		}
		assert_memory_equal(live, committed, BYTES);
		assert_int_equal(txn->range_count | txn->op_count | txn->is_page_mode, 0);
	}
	assert_true(commits > 5000 && aborts > 5000);
}

static void stores_that_are_not_logged_stay_out(void **state)
{
	(void)state;
	memcpy(before, committed, BYTES);
	store_logged(100, 8);
	live[5000] ^= 1;
	assert_true(transaction_commit(&cpu, &domain));
	assert_memory_equal(committed + 100, live + 100, 8);
	assert_int_equal(committed[5000], before[5000]);
	memcpy(before + 100, live + 100, 8);
	assert_memory_equal(committed, before, BYTES);
}

/* One good store, and one range that is none: neither is committed. */
static void refused(struct zog_range bad)
{
	memcpy(before, committed, BYTES);
	store_logged(16, 8);
	live[16] = (uint8_t)~committed[16];
	txn->range[txn->range_count++] = bad;
	assert_false(transaction_commit(&cpu, &domain));
	assert_memory_equal(committed, before, BYTES);
	txn->range_count = 0;
}

static void bad_ranges(void **state)
{
	(void)state;
	refused((struct zog_range){ BYTES, 1 });
	refused((struct zog_range){ BYTES - 4, 8 });
	refused((struct zog_range){ 0xfffffff8u, 16 });
	refused((struct zog_range){ 0, 0xffffffffu });
	refused((struct zog_range){ 0xffffffffu, 0xffffffffu });
	page_take(3);
	refused((struct zog_range){ 3 * ZOG_PAGE_SIZE, 1 });
	refused((struct zog_range){ 2 * ZOG_PAGE_SIZE + 4000, 97 });
	refused((struct zog_range){ ZOG_PAGE_SIZE, 3 * ZOG_PAGE_SIZE });
}

static void empty_ranges_anywhere_are_nothing(void **state)
{
	(void)state;
	txn->range[0] = (struct zog_range){ 0xffffffffu, 0 };
	txn->range_count = 1;
	memcpy(before, committed, BYTES);
	assert_true(transaction_commit(&cpu, &domain));
	assert_memory_equal(committed, before, BYTES);
}

static void counts_that_cannot_be(void **state)
{
	static const uint32_t count[] = { ZOG_TXN_RANGE_MAX + 1, 0x80000000u, 0xffffffffu };

	(void)state;
	memcpy(before, committed, BYTES);
	for (uint32_t i = 0; i < 3; i++) {
		live[i * 5000] ^= 1;
		txn->range_count = count[i];
		assert_false(transaction_commit(&cpu, &domain));
		assert_memory_equal(committed, before, BYTES);
		transaction_abort(&domain);
		assert_memory_equal(live, before, BYTES);
		txn->op_count = count[i];
		assert_false(transaction_commit(&cpu, &domain));
		transaction_abort(&domain);
	}
}

/* The whole region as often as the log has places: more than can have been stored, and too much to copy in one entry. */
static void more_bytes_than_can_be(void **state)
{
	(void)state;
	memcpy(before, committed, BYTES);
	memset(live, 0x5a, BYTES);
	for (uint32_t i = 0; i < ZOG_TXN_RANGE_MAX; i++)
		txn->range[i] = (struct zog_range){ 0, BYTES };
	txn->range_count = ZOG_TXN_RANGE_MAX;
	assert_false(transaction_commit(&cpu, &domain));
	assert_memory_equal(committed, before, BYTES);
	transaction_abort(&domain);
	assert_memory_equal(live, before, BYTES);
}

static void page_mode(void **state)
{
	(void)state;
	memcpy(before, committed, BYTES);
	page_take(5);
	memset(live, 0x77, BYTES);
	txn->is_page_mode = 1;
	txn->dirty_page[0] = 1u << 1 | 1u << 5;
	assert_true(transaction_commit(&cpu, &domain));
	for (uint32_t page = 0; page < PAGES; page++)
		assert_memory_equal(committed + page * ZOG_PAGE_SIZE, (page == 1 ? live : before) + page * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
	txn->is_page_mode = 1;
	memset(txn->dirty_page, 0xff, sizeof(txn->dirty_page));
	memcpy(before, committed, BYTES);
	transaction_abort(&domain);
	for (uint32_t i = 0; i < BYTES; i++)
		assert_int_equal(live[i], i / ZOG_PAGE_SIZE == 5 ? 0x77 : before[i]);
}

static void operations_go_with_the_ranges(void **state)
{
	(void)state;
	memcpy(before, committed, BYTES);
	store_logged(0, 8);
	live[0] = (uint8_t)~before[0];
	txn->op_count = 3;
	operations_are_good = false;
	assert_false(transaction_commit(&cpu, &domain));
	assert_string_equal(asked, "d");
	assert_memory_equal(committed, before, BYTES);
	operations_are_good = true;
	asked[0] = 0;
	assert_true(transaction_commit(&cpu, &domain));
	assert_string_equal(asked, "dte");
	assert_false(was_committed_at_tables);
	assert_true(was_committed_at_effects);
	assert_int_equal(txn->op_count, 0);
}

static void bad_range_before_operations(void **state)
{
	(void)state;
	txn->range[0] = (struct zog_range){ BYTES, 1 };
	txn->range_count = txn->op_count = 1;
	assert_false(transaction_commit(&cpu, &domain));
	assert_string_equal(asked, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_commits_and_aborts, setup, teardown),
		cmocka_unit_test_setup_teardown(stores_that_are_not_logged_stay_out, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_ranges_anywhere_are_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_that_cannot_be, setup, teardown),
		cmocka_unit_test_setup_teardown(more_bytes_than_can_be, setup, teardown),
		cmocka_unit_test_setup_teardown(page_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(operations_go_with_the_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_range_before_operations, setup, teardown),
	};

	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
