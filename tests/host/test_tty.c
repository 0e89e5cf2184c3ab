/* sources: subsystems/personality/linux/tty_line.c */
/* flags: -Iabi -Ilib -Isubsystems/personality/linux */
/* The terminal's line discipline: editing, echo, end of file, keys that are signals, raw mode, output processing, and
 * that nothing runs over a full ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tty_line.h"

static struct tty tty;

static int fresh(void **state)
{
	(void)state;
	memset(&tty, 0, sizeof tty);
	tty_line_reset(&tty, false);
	return 0;
}

static enum tty_key type(const char *text)
{
	enum tty_key last = TTY_KEY_NONE;

	for (; *text; text++)
		last = tty_line_input(&tty, (uint8_t)*text);
	return last;
}

static void expect_echo(const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(tty.output_head - tty.output_tail, length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(tty.output[(tty.output_tail + i) % TTY_OUTPUT_SIZE], (uint8_t)text[i]);
	tty.output_tail = tty.output_head;
}

static void expect_read(size_t size, const char *text)
{
	uint8_t bytes[TTY_INPUT_SIZE];
	uint64_t taken = 0;
	size_t count = tty_line_peek(&tty, bytes, size, &taken);

	assert_int_equal(count, strlen(text));
	assert_memory_equal(bytes, text, count);
	tty.tail += taken;
}

static void lines_are_read_when_complete(void **state)
{
	(void)state;
	type("ab");
	assert_int_equal(tty_line_ready(&tty), -1);
	type("c\rnext");
	assert_int_equal(tty_line_ready(&tty), 4);
	expect_echo("abc\r\nnext");
	expect_read(2, "ab");
	expect_read(100, "c\n");
	assert_int_equal(tty_line_ready(&tty), -1);
	type("\n");
	expect_read(100, "next\n");
}

static void lines_are_edited(void **state)
{
	(void)state;
	type("abx\x7f" "c\b" "d");
	expect_echo("abx\b \bc\b \bd");
	type("\n");
	expect_read(100, "abd\n");
	type("one two  \x17three\n");
	expect_read(100, "one three\n");
	type("gone\x15here\n");
	expect_read(100, "here\n");
	type("\x7f\x7f\n"); /* nothing to erase: what was read before stays read */
	expect_read(100, "\n");
}

static void multibyte_characters_are_erased_whole(void **state)
{
	(void)state;
	type("a\xc3\xa4\x7f");
	expect_echo("a\xc3\xa4\b \b");
	type("\n");
	expect_read(100, "a\n");
}

static void end_of_file_ends_a_read(void **state)
{
	(void)state;
	type("\x04");
	assert_int_equal(tty_line_ready(&tty), 0);
	expect_read(100, "");
	assert_int_equal(tty_line_ready(&tty), -1);
	type("part\x04");
	assert_int_equal(tty_line_ready(&tty), 4);
	expect_read(100, "part");
	assert_int_equal(tty_line_ready(&tty), -1);
	type("line\n\x04");
	expect_read(100, "line\n");
	expect_read(100, "");
	assert_int_equal(tty_line_ready(&tty), -1);
}

static void the_next_key_is_taken_literally(void **state)
{
	(void)state;
	assert_int_equal(type("\x16\x03\n"), TTY_KEY_NONE);
	expect_echo("^C\r\n");
	expect_read(100, "\x03\n");
}

static void keys_are_signals(void **state)
{
	(void)state;
	assert_int_equal(type("lost\x03"), TTY_KEY_INTERRUPT);
	expect_echo("lost^C");
	assert_int_equal(tty_line_ready(&tty), -1);
	type("kept\n");
	expect_read(100, "kept\n");
	assert_int_equal(type("\x1c"), TTY_KEY_QUIT);
	assert_int_equal(type("\x1a"), TTY_KEY_SUSPEND);
	tty.termios.c_lflag &= ~(uint32_t)ISIG;
	assert_int_equal(type("\x03"), TTY_KEY_NONE);
}

static void raw_mode_gives_bytes_at_once(void **state)
{
	struct linux_termios raw = tty.termios;

	(void)state;
	type("half");
	raw.c_lflag &= ~(uint32_t)(ICANON | ECHO);
	raw.c_iflag &= ~(uint32_t)ICRNL;
	tty_line_set(&tty, &raw);
	assert_int_equal(tty_line_ready(&tty), 4); /* what was typed before is not lost */
	tty.output_tail = tty.output_head;
	type("\r\x7f");
	expect_echo("");
	expect_read(5, "half\r");
	expect_read(5, "\x7f");
}

static void output_gets_carriage_returns(void **state)
{
	(void)state;
	assert_int_equal(tty_line_output(&tty, (const uint8_t *)"a\nb\n\n", 5), 5);
	expect_echo("a\r\nb\r\n\r\n");
	tty.termios.c_oflag = 0;
	assert_int_equal(tty_line_output(&tty, (const uint8_t *)"a\n", 2), 2);
	expect_echo("a\n");
}

static void plain_terminals_neither_echo_nor_process(void **state)
{
	(void)state;
	memset(&tty, 0, sizeof tty);
	tty_line_reset(&tty, true);
	type("x\n");
	expect_echo("");
	expect_read(10, "x\n");
	tty_line_output(&tty, (const uint8_t *)"\n", 1);
	expect_echo("\n");
}

static void output_stops_at_a_full_ring(void **state)
{
	static uint8_t bytes[2 * TTY_OUTPUT_SIZE];
	size_t total = 0, taken;

	(void)state;
	memset(bytes, '\n', sizeof bytes);
	while ((taken = tty_line_output(&tty, bytes, 777)) != 0)
		total += taken;
	assert_true(total > 0);
	assert_int_equal(tty.output_head - tty.output_tail, 2 * total);
	assert_true(tty.output_head - tty.output_tail < TTY_OUTPUT_SIZE);
	for (int i = 0; i < 5000; i++) /* echo fills the rest and no more */
		type("x\x7f");
	assert_true(tty.output_head - tty.output_tail <= TTY_OUTPUT_SIZE);
}

static void a_line_without_end_is_cut(void **state)
{
	uint8_t bytes[TTY_INPUT_SIZE];
	uint64_t taken;

	(void)state;
	for (int i = 0; i < 3 * TTY_INPUT_SIZE; i++)
		tty_line_input(&tty, 'a');
	assert_true(tty_line_has_room(&tty)); /* dropping goes on: the end of the line must get in */
	type("\n");
	assert_int_equal(tty_line_peek(&tty, bytes, sizeof bytes, &taken), TTY_INPUT_SIZE);
	assert_int_equal(bytes[TTY_INPUT_SIZE - 1], '\n');
	assert_false(tty_line_has_room(&tty)); /* a reader can make room: input waits outside */
	tty.tail += taken;
	assert_true(tty_line_has_room(&tty));
}

static void random_input_keeps_the_order_of_positions(void **state)
{
	(void)state;
	srand(3);
	for (int i = 0; i < 200000; i++) {
		uint64_t taken;
		uint8_t bytes[64];

		if (rand() % 50 == 0)
			tty.termios.c_lflag ^= ICANON;
		if (!(tty.termios.c_lflag & ICANON))
			tty.line = tty.head;
		if (tty_line_has_room(&tty))
			tty_line_input(&tty, (uint8_t)(rand() % 8 ? rand() % 32 : rand()));
		assert_true(tty.tail <= tty.line && tty.line <= tty.head && tty.head - tty.tail <= TTY_INPUT_SIZE);
		tty_line_peek(&tty, bytes, (size_t)rand() % sizeof bytes, &taken);
		assert_true(taken <= tty.line - tty.tail);
		if (rand() % 3 == 0)
			tty.tail += taken;
		tty.output_tail = tty.output_head;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_are_read_when_complete, fresh),
		cmocka_unit_test_setup(lines_are_edited, fresh),
		cmocka_unit_test_setup(multibyte_characters_are_erased_whole, fresh),
		cmocka_unit_test_setup(end_of_file_ends_a_read, fresh),
		cmocka_unit_test_setup(the_next_key_is_taken_literally, fresh),
		cmocka_unit_test_setup(keys_are_signals, fresh),
		cmocka_unit_test_setup(raw_mode_gives_bytes_at_once, fresh),
		cmocka_unit_test_setup(output_gets_carriage_returns, fresh),
		cmocka_unit_test_setup(plain_terminals_neither_echo_nor_process, fresh),
		cmocka_unit_test_setup(output_stops_at_a_full_ring, fresh),
		cmocka_unit_test_setup(a_line_without_end_is_cut, fresh),
		cmocka_unit_test_setup(random_input_keeps_the_order_of_positions, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
