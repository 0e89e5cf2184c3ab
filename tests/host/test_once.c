/* groups: tsm */
/* sources: lib/rt/once.c lib/rt/hash.c */
/* flags: -DZOG_HOME_COMMITTED_OFFSET=28672 */
/* Kept replies of once-calls: what is served, what is answered from the record, what is refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rt/rt.h"
#include "rt/hook.h"

static struct { struct rt_once_table live, committed; } home;
_Static_assert(sizeof(home.live) == ZOG_HOME_COMMITTED_OFFSET, "the images lie as rt_committed expects them");
static jmp_buf domain_end;
static uint64_t failed_at; /* detail of the rt_fail that ended the domain */
static const void *touched; /* what the last rt_once_end logged as a home store */
static size_t touched_size;

struct rt_once_table *rt_once_table(void) { return &home.live; }
void rt_store(uint64_t address, uint64_t size)
{
	touched = (const void *)address;
	touched_size = size;
}
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	(void)detail2;
	if (cause != ZOG_CAUSE_SCRUB) {
		print_error("rt_fail cause %u line %lu\n", cause, (unsigned long)detail1);
		abort();
	}
	failed_at = detail1;
	longjmp(domain_end, 1);
}

static int table_empty(void **state)
{
	(void)state;
	memset(&home, 0, sizeof(home));
	touched = NULL;
	return 0;
}

static struct zog_call call_of(uint32_t thread)
{
	return (struct zog_call){ .client_domain = 9, .client_thread = thread };
}

static zog_status_t begin(uint32_t thread, uint64_t sequence, uint64_t hash)
{
	struct zog_call call = call_of(thread);
	zog_status_t status;

	return rt_once_begin(&call, sequence, hash, &status);
}

static void end(uint32_t thread, uint64_t sequence, uint64_t hash, zog_status_t status, uint64_t out)
{
	struct zog_call call = call_of(thread);

	for (uint32_t i = 0; i < 4; i++)
		call.out[i] = out + i;
	rt_once_end(&call, sequence, hash, status);
	home.committed = home.live; /* the reply */
}

static void expect_kept(uint32_t thread, uint64_t sequence, uint64_t hash, zog_status_t status, uint64_t out)
{
	struct zog_call call = call_of(thread);
	zog_status_t kept = 1234;

	assert_int_equal(rt_once_begin(&call, sequence, hash, &kept), ZOG_ERR_EXISTS);
	assert_int_equal(kept, status);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(call.out[i], out + i);
}

static void a_new_call_is_served_until_it_ended(void **state)
{
	(void)state;
	assert_int_equal(begin(3, 1, 77), ZOG_OK);
	assert_int_equal(begin(3, 1, 77), ZOG_OK); /* the first try was rolled back before its end */
	end(3, 1, 77, ZOG_OK, 10);
	expect_kept(3, 1, 77, ZOG_OK, 10);
}

static void errors_are_kept_like_results(void **state)
{
	(void)state;
	end(3, 5, 77, ZOG_ERR_EXISTS, 40);
	expect_kept(3, 5, 77, ZOG_ERR_EXISTS, 40);
	expect_kept(3, 5, 77, ZOG_ERR_EXISTS, 40);
}

static void a_larger_sequence_replaces_the_reply(void **state)
{
	(void)state;
	end(3, 5, 77, ZOG_OK, 10);
	assert_int_equal(begin(3, 9, 77), ZOG_OK);
	end(3, 9, 78, ZOG_ERR_SPACE, 20);
	expect_kept(3, 9, 78, ZOG_ERR_SPACE, 20);
}

static void stale_and_reused_sequences_are_refused(void **state)
{
	(void)state;
	assert_int_equal(begin(3, 0, 77), ZOG_ERR_SEQUENCE);
	end(3, 5, 77, ZOG_OK, 10);
	assert_int_equal(begin(3, 4, 77), ZOG_ERR_SEQUENCE);
	assert_int_equal(begin(3, 0, 77), ZOG_ERR_SEQUENCE);
	assert_int_equal(begin(3, 5, 78), ZOG_ERR_SEQUENCE);
	expect_kept(3, 5, 77, ZOG_OK, 10);
}

static void threads_do_not_see_each_other(void **state)
{
	static const uint32_t threads[] = { 0, 1, 447, 0x8000, 0x8001, 0x803f };
	const uint32_t count = sizeof(threads) / sizeof(*threads);

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(begin(threads[i], 2, i), ZOG_OK);
		end(threads[i], 2, i, ZOG_OK, i * 100);
	}
	for (uint32_t i = 0; i < count; i++)
		expect_kept(threads[i], 2, i, ZOG_OK, i * 100);
}

static void threads_without_a_record_are_refused(void **state)
{
	static const uint32_t threads[] = { 448, 511, 512, 0x7fff, 0x8040, 0xffff, UINT32_MAX };

	(void)state;
	for (uint32_t i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		assert_int_equal(begin(threads[i], 1, 1), ZOG_ERR_SEQUENCE);
}

static void the_record_is_logged_as_a_home_store(void **state)
{
	(void)state;
	end(3, 1, 77, ZOG_OK, 0);
	assert_ptr_equal(touched, &home.live.record[3]);
	assert_int_equal(touched_size, sizeof(home.live.record[3]));
}

static void a_damaged_record_ends_the_domain_when_its_client_calls(void **state)
{
	(void)state;
	end(3, 5, 77, ZOG_OK, 10);
	home.live.record[3].sequence = 1;
	if (setjmp(domain_end) == 0) {
		begin(3, 6, 78);
		fail_msg("a damaged record was used");
	}
	assert_int_equal(failed_at, (uintptr_t)&home.live.record[3]);
}

static void damage_to_a_record_is_not_looked_for_by_others(void **state)
{
	(void)state;
	home.live.record[3].sequence = 1;
	assert_int_equal(begin(4, 6, 78), ZOG_OK);
}

static void the_hash_tells_data_length_and_seed_apart(void **state)
{
	static const char text[32] = "0123456789abcdef0123456789abcde";
	uint8_t changed[31];

	(void)state;
	for (size_t size = 0; size < sizeof(changed); size++) {
		uint64_t hash = rt_hash(1, text, size);

		assert_int_equal(hash, rt_hash(1, text, size));
		assert_int_not_equal(hash, rt_hash(2, text, size));
		assert_int_not_equal(hash, rt_hash(1, text, size + 1));
		for (size_t bit = 0; bit < size * 8; bit++) {
			memcpy(changed, text, size);
			changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(hash, rt_hash(1, changed, size));
		}
	}
	assert_int_not_equal(rt_hash(rt_hash(0, "ab", 2), "c", 1), rt_hash(rt_hash(0, "a", 1), "bc", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_call_is_served_until_it_ended, table_empty),
		cmocka_unit_test_setup(errors_are_kept_like_results, table_empty),
		cmocka_unit_test_setup(a_larger_sequence_replaces_the_reply, table_empty),
		cmocka_unit_test_setup(stale_and_reused_sequences_are_refused, table_empty),
		cmocka_unit_test_setup(threads_do_not_see_each_other, table_empty),
		cmocka_unit_test_setup(threads_without_a_record_are_refused, table_empty),
		cmocka_unit_test_setup(the_record_is_logged_as_a_home_store, table_empty),
		cmocka_unit_test_setup(a_damaged_record_ends_the_domain_when_its_client_calls, table_empty),
		cmocka_unit_test_setup(damage_to_a_record_is_not_looked_for_by_others, table_empty),
		cmocka_unit_test(the_hash_tells_data_length_and_seed_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
