/* sources: subsystems/entropy/entropy/chacha.c */
/* The random generator: the published test vectors of its block function, and what fast key erasure promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "entropy/entropy/chacha.h"

/* RFC 8439 section 2.3.2. */
static void block_function_gives_the_rfc_vector(void **state)
{
	static const uint32_t nonce[CHACHA_NONCE_WORDS] = { 0x09000000, 0x4a000000, 0x00000000 };
	static const uint32_t expected[CHACHA_BLOCK_WORDS] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
		0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
	};
	uint32_t key[CHACHA_KEY_WORDS], out[CHACHA_BLOCK_WORDS];
	uint8_t key_bytes[32];

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		key_bytes[i] = i;
	memcpy(key, key_bytes, sizeof(key));
	chacha_block(key, 1, nonce, out);
	assert_memory_equal(out, expected, sizeof(expected));
}

/* RFC 8439 appendix A.1, test vector 1: all zero. */
static void block_function_gives_the_zero_vector(void **state)
{
	static const uint32_t zero[CHACHA_KEY_WORDS];
	static const uint8_t expected[16] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
					      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28 };
	uint32_t out[CHACHA_BLOCK_WORDS];

	(void)state;
	chacha_block(zero, 0, zero, out);
	assert_memory_equal(out, expected, sizeof(expected));
}

static void a_request_gives_the_stream_behind_the_next_key(void **state)
{
	static const uint32_t nonce[CHACHA_NONCE_WORDS];
	struct generator generator = { { 1, 2, 3, 4, 5, 6, 7, 8 } };
	uint32_t stream[3][CHACHA_BLOCK_WORDS];
	uint8_t out[101];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		chacha_block(generator.key, i, nonce, stream[i]);
	generator_take(&generator, out, sizeof(out));
	assert_memory_equal(generator.key, stream[0], sizeof(generator.key));
	assert_memory_equal(out, (const uint8_t *)stream + sizeof(generator.key), sizeof(out));
}

static void two_requests_differ_and_the_key_is_never_given_out(void **state)
{
	struct generator generator = { { 9 } };
	uint8_t first[4096], second[4096];
	struct generator before;

	(void)state;
	generator_take(&generator, first, sizeof(first));
	before = generator;
	generator_take(&generator, second, sizeof(second));
	assert_memory_not_equal(first, second, sizeof(first));
	assert_memory_not_equal(before.key, generator.key, sizeof(before.key));
	for (size_t at = 0; at + sizeof(generator.key) <= sizeof(second); at++) {
		assert_memory_not_equal(second + at, generator.key, sizeof(generator.key));
		assert_memory_not_equal(first + at, before.key, sizeof(before.key));
	}
}

static void nothing_is_written_past_the_size_asked_for(void **state)
{
	struct generator generator = { { 7 } };
	uint8_t out[66];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	generator_take(&generator, out, 0);
	assert_int_equal(out[0], 0xa5);
	generator_take(&generator, out, 65);
	assert_int_equal(out[65], 0xa5);
}

static void mixing_depends_on_key_and_input_and_does_not_cancel(void **state)
{
	static const uint32_t zero[CHACHA_KEY_WORDS];
	struct generator one = { { 1 } }, two = { { 2 } }, same = { { 5, 6 } };
	uint32_t input[CHACHA_KEY_WORDS] = { 5, 6 };

	(void)state;
	generator_mix(&one, input);
	generator_mix(&two, input);
	assert_memory_not_equal(one.key, two.key, sizeof(one.key));
	two = one;
	generator_mix(&one, input);
	generator_mix(&two, zero);
	assert_memory_not_equal(one.key, two.key, sizeof(one.key));
	generator_mix(&same, input);
	assert_memory_not_equal(same.key, zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_function_gives_the_rfc_vector),
		cmocka_unit_test(block_function_gives_the_zero_vector),
		cmocka_unit_test(a_request_gives_the_stream_behind_the_next_key),
		cmocka_unit_test(two_requests_differ_and_the_key_is_never_given_out),
		cmocka_unit_test(nothing_is_written_past_the_size_asked_for),
		cmocka_unit_test(mixing_depends_on_key_and_input_and_does_not_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
