/* sources: subsystems/supervisor/supervisor/trace_report.c subsystems/supervisor/supervisor/text.c lib/rt/format.c */
/* flags: -Ibuild/gen/domains/supervisor */
/* /zog/trace: what the core kept, with clients by their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain.h"
#include "rt/rt.h"
#include "supervisor/supervisor/report.h"

static char told[512];
static uint64_t told_at; /* position of the first byte that is kept */

/* Hands out a part of what was told, at most 40 bytes. */
size_t rt_trace_read(uint32_t cap, uint64_t *position, void *buffer, size_t size)
{
	uint64_t from = *position < told_at ? 0 : *position - told_at, left = strlen(told) - from, bytes = left < 40 ? left : 40;

	assert_int_equal(cap, CAP_INSPECT);
	assert_true(size >= 40);
	memcpy(buffer, told + from, bytes);
	*position = told_at + from + bytes;
	return bytes;
}

static const char *report(void)
{
	static char memory[1024];
	struct text text;

	memset(memory, 0, sizeof(memory));
	text_open(&text, memory, sizeof(memory) - 1);
	traces_report(&text);
	return memory;
}

static void clients_are_named(void **state)
{
	char wanted[512];

	(void)state;
	told_at = 0;
	snprintf(told, sizeof(told), "block trace 1 call client=%u/7 n=1\nblock trace 1 call -> OK\n", DOMAIN_EXT4);
	snprintf(wanted, sizeof(wanted), "block trace 1 call client=ext4/7 n=1\nblock trace 1 call -> OK\n");
	assert_string_equal(report(), wanted);
}

static void the_core_and_what_is_no_domain(void **state)
{
	(void)state;
	told_at = 0;
	strcpy(told, "a call client=65535/1\na call client=999/0\na call client=/0\na call client=1\na client=99999999999999999999/1\n");
	assert_string_equal(report(), "a call client=core/1\na call client=999/0\na call client=/0\na call client=1\na client=99999999999999999999/1\n");
}

static void a_line_without_its_beginning_is_left_out(void **state)
{
	(void)state;
	told_at = 5000;
	strcpy(told, "st of a line\nwhole\n");
	assert_string_equal(report(), "whole\n");
	strcpy(told, "");
	assert_string_equal(report(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_named),
		cmocka_unit_test(the_core_and_what_is_no_domain),
		cmocka_unit_test(a_line_without_its_beginning_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
