/* sources: subsystems/bus/pci/dmar.c */
/* The firmware's table of remapping hardware: a good one is understood, one that contradicts itself is refused whole.
 * Tables lie in heap blocks of exactly their size, so the address sanitizer sees every read beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bus/pci/dmar.h"

/* One unit at 0xfed90000 for an I/O controller at ff:00.0, the endpoint 00:01.0 and the bridge 00:1c.0. */
static const uint8_t good[] = {
	'D', 'M', 'A', 'R', 88, 0, 0, 0, 1, 0, 'Z', 'O', 'G', 'T', 'E', 'S', 'T', 'T', 'A', 'B', 'L', 'E', 0, 0, 1, 0, 0, 0, 0, 0, 0,
	0, 1, 0, 0, 0, 38, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0,
	3, 8, 0, 0, 0, 0xff, 0, 0, 1, 8, 0, 0, 0, 0, 1, 0, 2, 8, 0, 0, 0, 0, 0x1c, 0,
};
enum { FLAGS = 37, UNIT = 48, UNIT_LENGTH = 50, UNIT_FLAGS = 52, SEGMENT = 54, SCOPE = 64 };

static uint8_t *table;
static struct dmar dmar;

static int table_make(void **state)
{
	(void)state;
	table = malloc(sizeof(good));
	memcpy(table, good, sizeof(good));
	return 0;
}

static int table_free(void **state)
{
	(void)state;
	free(table);
	return 0;
}

static void checksum_set(uint8_t *bytes, uint32_t count)
{
	uint8_t sum = 0;

	bytes[9] = 0;
	for (uint32_t i = 0; i < count; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[9] = (uint8_t)-sum;
}

static void a_good_table_is_understood(void **state)
{
	(void)state;
	assert_true(dmar_parse(table, sizeof(good), &dmar));
	assert_int_equal(dmar.unit_count, 1);
	assert_int_equal(dmar.base, 0xfed90000);
	assert_int_equal(dmar.ioapic_source, 0xff00);
	assert_false(dmar.is_for_all);
	assert_int_equal(dmar.scope_count, 2);
	assert_int_equal(dmar.scope[0].address, 0x08);
	assert_false(dmar.scope[0].is_bridge);
	assert_int_equal(dmar.scope[1].address, 0x1c << 3);
	assert_true(dmar.scope[1].is_bridge);
	table[UNIT_FLAGS] = 1;
	assert_true(dmar_parse(table, sizeof(good), &dmar));
	assert_true(dmar.is_for_all);
}

static void without_the_flag_no_interrupts_are_remapped(void **state)
{
	(void)state;
	table[FLAGS] = 0;
	assert_true(dmar_parse(table, sizeof(good), &dmar));
	assert_int_equal(dmar.ioapic_source, DMAR_NO_SOURCE);
}

static void a_function_behind_unknown_bridges_counts_as_not_served(void **state)
{
	(void)state;
	/* One entry of ten bytes (a path of two steps), and six bytes that make it whole again. */
	table[SCOPE + 8] = 1, table[SCOPE + 9] = 16;
	assert_true(dmar_parse(table, sizeof(good), &dmar));
	assert_int_equal(dmar.scope_count, 0);
	assert_int_equal(dmar.ioapic_source, 0xff00);
}

static void lengths_that_do_not_fit_refuse_the_table(void **state)
{
	static const uint8_t unit[] = { 0, 1, 3, 15, 41, 255 }, scope[] = { 0, 1, 7, 25, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(unit); i++) {
		table[UNIT_LENGTH] = unit[i];
		assert_false(dmar_parse(table, sizeof(good), &dmar));
	}
	table[UNIT_LENGTH] = 40;
	for (size_t i = 0; i < sizeof(scope); i++) {
		table[SCOPE + 1] = scope[i];
		assert_false(dmar_parse(table, sizeof(good), &dmar));
	}
	table[SCOPE + 1] = 8;
	table[SEGMENT] = 1;
	assert_false(dmar_parse(table, sizeof(good), &dmar));
	table[SEGMENT] = 0;
	for (uint32_t bytes = 0; bytes < sizeof(good); bytes++) {
		uint8_t *shorter = malloc(bytes ? bytes : 1);

		memcpy(shorter, good, bytes);
		assert_true(dmar_parse(shorter, bytes, &dmar) == (bytes == UNIT)); /* there it ends before the unit */
		free(shorter);
	}
}

static void more_functions_than_there_is_room_for_refuse_the_table(void **state)
{
	uint32_t scopes = DMAR_SCOPE_MAX + 1, bytes = SCOPE + 8 * scopes;
	uint8_t *many = malloc(bytes);

	(void)state;
	memcpy(many, good, SCOPE);
	for (uint32_t i = 0; i < scopes; i++)
		memcpy(many + SCOPE + 8 * i, (const uint8_t[]){ 1, 8, 0, 0, 0, 0, (uint8_t)i, 0 }, 8);
	many[UNIT_LENGTH] = (uint8_t)(bytes - UNIT);
	many[UNIT_LENGTH + 1] = (uint8_t)((bytes - UNIT) >> 8);
	assert_false(dmar_parse(many, bytes, &dmar));
	many[UNIT_LENGTH] = (uint8_t)(bytes - 8 - UNIT);
	many[UNIT_LENGTH + 1] = (uint8_t)((bytes - 8 - UNIT) >> 8);
	assert_true(dmar_parse(many, bytes - 8, &dmar));
	assert_int_equal(dmar.scope_count, DMAR_SCOPE_MAX);
	free(many);
}

static void a_table_adds_up_to_zero_and_knows_its_length(void **state)
{
	(void)state;
	checksum_set(table, sizeof(good));
	assert_true(table_is_sound(table, sizeof(good)));
	table[60]++;
	assert_false(table_is_sound(table, sizeof(good)));
	table[60]--;
	assert_false(table_is_sound(table, sizeof(good) - 1));
	assert_false(table_is_sound(table, 0));
}

/* Any bytes: the walk ends and stays inside. */
static void random_tables_are_bounded(void **state)
{
	(void)state;
	srand(4);
	for (int turn = 0; turn < 20000; turn++) {
		memcpy(table, good, sizeof(good));
		for (int change = rand() % 6; change >= 0; change--)
			table[UNIT + rand() % (int)(sizeof(good) - UNIT)] = (uint8_t)rand();
		if (dmar_parse(table, sizeof(good), &dmar))
			assert_true(dmar.scope_count <= 5 && dmar.unit_count <= 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_table_is_understood, table_make, table_free),
		cmocka_unit_test_setup_teardown(without_the_flag_no_interrupts_are_remapped, table_make, table_free),
		cmocka_unit_test_setup_teardown(a_function_behind_unknown_bridges_counts_as_not_served, table_make, table_free),
		cmocka_unit_test_setup_teardown(lengths_that_do_not_fit_refuse_the_table, table_make, table_free),
		cmocka_unit_test_setup_teardown(more_functions_than_there_is_room_for_refuse_the_table, table_make, table_free),
		cmocka_unit_test_setup_teardown(a_table_adds_up_to_zero_and_knows_its_length, table_make, table_free),
		cmocka_unit_test_setup_teardown(random_tables_are_bounded, table_make, table_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
