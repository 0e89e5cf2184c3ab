/* sources: subsystems/console/console/ring.c */
/* The console's rings: against a plain model, with calls repeated as after a restart, and with hostile positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "console/console/ring.h"

static struct terminal terminal;
static uint8_t data[4096];

static int terminal_clear(void **state)
{
	(void)state;
	memset(&terminal, 0, sizeof(terminal));
	srandom(11);
	return 0;
}

/* The byte that belongs at a position. */
static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)(position * 131 + (position >> 8) * 7);
}

static void data_fill(uint64_t position, size_t length)
{
	for (size_t i = 0; i < length; i++)
		data[i] = byte_at(position + i);
}

/* The core's part: sends `count` bytes of the next piece. */
static uint32_t send(uint32_t limit)
{
	struct ring_piece piece = output_piece(&terminal, limit);

	assert_true(piece.offset + piece.length <= OUTPUT_BYTES);
	for (uint32_t i = 0; i < piece.length; i++)
		assert_int_equal(terminal.output[piece.offset + i], byte_at(terminal.output_sent + i));
	terminal.output_sent += piece.length;
	return piece.length;
}

static void output_arrives_once_and_in_order_however_calls_repeat(void **state)
{
	uint64_t position = 0, accepted;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		/* A client that was rolled back issues from an older position, with the same bytes. */
		uint64_t from = position - (uint64_t)random() % (1 + (position < 5000 ? position : 5000));
		size_t length = (size_t)random() % (sizeof(data) + 1);

		data_fill(from, length);
		uint64_t before = terminal.output_accepted;
		output_take(&terminal, from, data, length, &accepted);
		assert_in_range(accepted, from, from + length);
		assert_true(terminal.output_accepted >= before);
		assert_true(terminal_is_sound(&terminal));
		if (accepted < from + length)
			assert_int_equal(output_room(&terminal), 0);
		position = terminal.output_accepted;
		send((uint32_t)random() % 4000);
	}
	while (send(256))
		;
	assert_int_equal(terminal.output_sent, position);
	assert_true(position > OUTPUT_BYTES * 4);
}

static void output_with_a_gap_is_told_from_where(void **state)
{
	uint64_t accepted = 77;

	(void)state;
	output_take(&terminal, 1, "x", 1, &accepted);
	assert_int_equal(accepted, 0);
	assert_int_equal(terminal.output_accepted, 0);
	output_take(&terminal, 0, "xy", 2, &accepted);
	assert_int_equal(accepted, 2);
	output_take(&terminal, 0, "x", 1, &accepted);
	assert_int_equal(accepted, 1);
	output_take(&terminal, 2, "", 0, &accepted);
	assert_int_equal(accepted, 2);
	output_take(&terminal, UINT64_MAX, "x", 1, &accepted);
	assert_int_equal(accepted, 2);
	assert_int_equal(terminal.output_accepted, 2);
}

/* The core's part: `available` bytes wait on the line. */
static uint32_t receive(uint32_t available)
{
	struct ring_piece piece = input_piece(&terminal, available);

	assert_true(piece.offset + piece.length <= INPUT_BYTES);
	for (uint32_t i = 0; i < piece.length; i++)
		terminal.input[piece.offset + i] = byte_at(terminal.input_received + i);
	terminal.input_received += piece.length;
	return piece.length;
}

static void input_is_taken_once_and_as_it_came(void **state)
{
	uint64_t position = 0;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		receive((uint32_t)random() % 3000);
		size_t length = input_take(&terminal, data, (size_t)random() % sizeof(data));

		for (size_t i = 0; i < length; i++)
			assert_int_equal(data[i], byte_at(position + i));
		position += length;
		assert_int_equal(terminal.input_published, position);
		assert_true(terminal_is_sound(&terminal));
	}
	assert_true(position > INPUT_BYTES * 8);
}

static void input_that_was_not_taken_is_never_overwritten(void **state)
{
	(void)state;
	for (int turn = 0; turn < 100; turn++)
		receive(1000);
	assert_int_equal(terminal.input_received, INPUT_BYTES);
	assert_int_equal(input_room(&terminal), 0);
	assert_int_equal(receive(1), 0);
	assert_int_equal(input_take(&terminal, data, 100), 100);
	assert_int_equal(data[0], byte_at(0));
	assert_int_equal(input_room(&terminal), 100);
	assert_int_equal(receive(1000), 100);
	assert_int_equal(input_take(&terminal, data, 1), 1);
	assert_int_equal(data[0], byte_at(100));
	assert_int_equal(input_take(&terminal, data, 0), 0);
}

static void damaged_positions_are_noticed(void **state)
{
	uint64_t accepted;

	(void)state;
	output_take(&terminal, 0, "abc", 3, &accepted);
	assert_true(terminal_is_sound(&terminal));
	terminal.output_sent = 4;
	assert_false(terminal_is_sound(&terminal));
	terminal.output_sent = 0;
	terminal.output_accepted = OUTPUT_BYTES + 1;
	assert_false(terminal_is_sound(&terminal));
	terminal.output_accepted = 3;
	terminal.input_published = 1;
	assert_false(terminal_is_sound(&terminal));
	terminal.input_published = 0;
	terminal.input_received = INPUT_BYTES + 1;
	assert_false(terminal_is_sound(&terminal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(output_arrives_once_and_in_order_however_calls_repeat, terminal_clear),
		cmocka_unit_test_setup(output_with_a_gap_is_told_from_where, terminal_clear),
		cmocka_unit_test_setup(input_is_taken_once_and_as_it_came, terminal_clear),
		cmocka_unit_test_setup(input_that_was_not_taken_is_never_overwritten, terminal_clear),
		cmocka_unit_test_setup(damaged_positions_are_noticed, terminal_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
