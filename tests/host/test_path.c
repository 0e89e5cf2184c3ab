/* sources: subsystems/personality/linux/path_text.c */
/* flags: -Iabi -Ilib -Isubsystems/personality/linux */
/* Path names as text: components, splicing of link targets, building from the end, at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "path_text.h"

static void expect_component(const char **rest, const char *name, const char *behind)
{
	const char *found;
	uint32_t length = path_component(rest, &found);

	assert_int_equal(length, strlen(name));
	assert_memory_equal(found, name, length);
	assert_string_equal(*rest, behind);
}

static void components_are_found(void **state)
{
	const char *rest = "//usr///bin/./x/";

	(void)state;
	expect_component(&rest, "usr", "///bin/./x/");
	expect_component(&rest, "bin", "/./x/");
	expect_component(&rest, ".", "/x/");
	expect_component(&rest, "x", "/");
	expect_component(&rest, "", "");
	rest = "";
	expect_component(&rest, "", "");
	rest = "name";
	expect_component(&rest, "name", "");
}

static void targets_take_the_place_of_names(void **state)
{
	char text[16] = "link/rest";

	(void)state;
	assert_int_equal(path_splice(text, sizeof text, "target", 6, text + 4), 11); /* the rest lies in the buffer itself */
	assert_string_equal(text, "target/rest");
	assert_int_equal(path_splice(text, sizeof text, "a", 1, text + 6), 6);
	assert_string_equal(text, "a/rest");
	assert_int_equal(path_splice(text, sizeof text, "0123456789abcde", 15, ""), 15);
	assert_string_equal(text, "0123456789abcde");
}

static void what_does_not_fit_is_refused(void **state)
{
	char text[16] = "unchanged";

	(void)state;
	assert_int_equal(path_splice(text, sizeof text, "0123456789abcdef", 16, ""), 0);
	assert_int_equal(path_splice(text, sizeof text, "0123456789", 10, "/12345"), 0);
	assert_int_equal(path_splice(text, sizeof text, "", 0, "/x"), 0);
	assert_string_equal(text, "unchanged");
	assert_int_equal(path_splice(text, sizeof text, "0123456789", 10, "/1234"), 15);
}

static void paths_grow_from_the_end(void **state)
{
	char text[9];
	size_t start = sizeof text;

	(void)state;
	assert_true(path_prepend(text, &start, "file", 4));
	assert_true(path_prepend(text, &start, "dir", 3));
	assert_int_equal(start, 0);
	assert_memory_equal(text, "/dir/file", 9);
	assert_false(path_prepend(text, &start, "", 0));
	start = 4;
	assert_false(path_prepend(text, &start, "four", 4));
	assert_int_equal(start, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_found),
		cmocka_unit_test(targets_take_the_place_of_names),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(paths_grow_from_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
