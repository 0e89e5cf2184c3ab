/* The tally of @NAME@: counts, and notices when half of a change is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "@CLASS@/@NAME@/tally.h"

static void the_sum_follows_the_count(void **state)
{
	struct tally tally = { 0, 0 };

	(void)state;
	assert_true(tally_is_sound(&tally));
	for (int i = 0; i < 1000; i++) {
		tally_add(&tally);
		assert_true(tally_is_sound(&tally));
	}
	assert_int_equal(tally.count, 1000);
	assert_int_equal(tally.sum, 500500);
}

static void half_a_change_is_noticed(void **state)
{
	struct tally tally = { 0, 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		tally_add(&tally);
		assert_false(tally_is_sound(&(struct tally){ tally.count, tally.sum - tally.count }));
		assert_false(tally_is_sound(&(struct tally){ tally.count + 1, tally.sum }));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_follows_the_count),
		cmocka_unit_test(half_a_change_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
