/* sources: subsystems/block/virtio_blk/request.c */
/* The table of requests: keys, places, results that were not fetched, and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "block/virtio_blk/request.h"

static struct request_table table;

static int table_clear(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	return 0;
}

static uint32_t begin(uint32_t client, enum request_kind kind, uint64_t key, uint64_t block)
{
	uint32_t place = request_place(&table, REQUEST_COUNT);

	assert_int_not_equal(place, REQUEST_NONE);
	request_begin(&table.request[place], client, kind, key, block);
	return place;
}

static void a_fresh_home_region_is_an_empty_sound_table(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < REQUEST_COUNT; i++)
		assert_true(request_is_sound(&table.request[i]));
	assert_int_equal(request_find(&table, 0, REQUEST_READ, 0), REQUEST_NONE);
	assert_int_equal(request_find(&table, 0, REQUEST_FLUSH, 0), REQUEST_NONE);
}

static void transfers_are_found_by_client_and_frame_flushes_by_ticket(void **state)
{
	uint32_t first = begin(3, REQUEST_READ, 100, 7);
	uint32_t second = begin(4, REQUEST_READ, 100, 8);
	uint32_t flush = begin(3, REQUEST_FLUSH, 100, 0);

	(void)state;
	assert_int_equal(request_find(&table, 3, REQUEST_READ, 100), first);
	assert_int_equal(request_find(&table, 3, REQUEST_WRITE, 100), first);
	assert_int_equal(request_find(&table, 4, REQUEST_READ, 100), second);
	assert_int_equal(request_find(&table, 3, REQUEST_FLUSH, 100), flush);
	assert_int_equal(request_find(&table, 5, REQUEST_READ, 100), REQUEST_NONE);
	assert_true(request_is_same(&table.request[first], REQUEST_READ, 7));
	assert_false(request_is_same(&table.request[first], REQUEST_READ, 8));
	assert_false(request_is_same(&table.request[first], REQUEST_WRITE, 7));
	request_release(&table.request[first]);
	assert_int_equal(request_find(&table, 3, REQUEST_READ, 100), REQUEST_NONE);
}

static void a_frame_is_busy_while_a_transfer_of_it_is_in_flight(void **state)
{
	uint32_t place = begin(3, REQUEST_READ, 100, 7);

	(void)state;
	begin(3, REQUEST_FLUSH, 200, 0);
	assert_true(request_frame_is_busy(&table, 100));
	assert_false(request_frame_is_busy(&table, 101));
	assert_false(request_frame_is_busy(&table, 200)); /* a ticket */
	request_finish(&table.request[place], false, 1);
	assert_false(request_frame_is_busy(&table, 100));
}

static void only_a_full_table_in_flight_has_no_place(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < REQUEST_COUNT; i++)
		begin(1, REQUEST_READ, i, i);
	assert_int_equal(request_place(&table, REQUEST_COUNT), REQUEST_NONE);
	request_finish(&table.request[9], false, 500);
	request_finish(&table.request[5], true, 400);
	request_finish(&table.request[7], false, 600);
	assert_int_equal(request_place(&table, REQUEST_COUNT), 5);
	assert_int_equal(request_place(&table, 5), REQUEST_NONE);
	request_release(&table.request[7]);
	assert_int_equal(request_place(&table, REQUEST_COUNT), 7);
	request_release(&table.request[5]);
	assert_int_equal(request_place(&table, REQUEST_COUNT), 5);
}

static void results_age(void **state)
{
	uint32_t place = begin(1, REQUEST_WRITE, 1, 1);
	struct request *request = &table.request[place];

	(void)state;
	request_finish(request, true, 1000);
	assert_int_equal(request->state, REQUEST_DONE);
	assert_int_equal(request->is_failed, 1);
	assert_true(request_is_fresh(request, 1000));
	assert_true(request_is_fresh(request, 1000 + REQUEST_RESULT_KEPT_NS - 1));
	assert_false(request_is_fresh(request, 1000 + REQUEST_RESULT_KEPT_NS));
}

static void every_damaged_byte_of_a_live_record_is_noticed(void **state)
{
	uint32_t place = begin(2, REQUEST_WRITE, 0x1234, 0x5678);
	uint8_t *byte = (uint8_t *)&table.request[place];

	(void)state;
	for (int step = 0; step < 2; step++) {
		for (size_t i = 0; i < sizeof(struct request); i++) {
			for (int bit = 0; bit < 8; bit++) {
				byte[i] ^= (uint8_t)(1 << bit);
				assert_false(request_is_sound(&table.request[place]));
				byte[i] ^= (uint8_t)(1 << bit);
				assert_true(request_is_sound(&table.request[place]));
			}
		}
		request_finish(&table.request[place], false, 99);
		request_set_pinned(&table.request[place], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_fresh_home_region_is_an_empty_sound_table, table_clear),
		cmocka_unit_test_setup(transfers_are_found_by_client_and_frame_flushes_by_ticket, table_clear),
		cmocka_unit_test_setup(a_frame_is_busy_while_a_transfer_of_it_is_in_flight, table_clear),
		cmocka_unit_test_setup(only_a_full_table_in_flight_has_no_place, table_clear),
		cmocka_unit_test_setup(results_age, table_clear),
		cmocka_unit_test_setup(every_damaged_byte_of_a_live_record_is_noticed, table_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
