/* sources: core/fault/sha256.c core/fault/sha256_lanes.c */
/* flags: -mavx2 -Wno-psabi */
/* What images are measured with: the examples of FIPS 180-4 and NIST's long message, any division of a message into
 * parts, and the eight-lane variant against the plain one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fault/measure.h"
#include "fault/sha256.h"

static void digest_check(const void *data, size_t bytes, const char *wanted)
{
	struct sha256 hash;
	uint8_t found[32];
	char text[65];

	sha256_begin(&hash);
	sha256_add(&hash, data, bytes);
	sha256_end(&hash, found);
	for (size_t i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", found[i]);
	assert_string_equal(text, wanted);
}

static void examples_of_the_standard(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	(void)state;
	digest_check("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_check("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_check(two_blocks, strlen(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_letters(void **state)
{
	char *data = malloc(1000000);

	(void)state;
	memset(data, 'a', 1000000);
	digest_check(data, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(data);
}

/* Lengths round the block's end, where the padding needs another block or not. */
static void parts_do_not_matter(void **state)
{
	uint8_t data[300], whole[32], parts[32];
	struct sha256 hash;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 3);
	srand(1);
	for (size_t bytes = 0; bytes <= sizeof(data); bytes++) {
		sha256_begin(&hash);
		sha256_add(&hash, data, bytes);
		sha256_end(&hash, whole);
		sha256_begin(&hash);
		for (size_t at = 0; at < bytes;) {
			size_t part = 1 + (size_t)rand() % 70;
			part = part > bytes - at ? bytes - at : part;
			sha256_add(&hash, data + at, part);
			at += part;
		}
		sha256_end(&hash, parts);
		assert_memory_equal(whole, parts, 32);
	}
}

/* Part i of a page is its words i, i + 8, i + 16, ... */
static void lanes_agree(void **state)
{
	static uint8_t page[4096] __attribute__((aligned(32)));
	uint8_t digest[8][32], plain[32];
	struct sha256 hash;

	(void)state;
	if (!__builtin_cpu_supports("avx2"))
		skip();
	srand(2);
	for (size_t i = 0; i < 4096; i++)
		page[i] = (uint8_t)rand();
	sha256_lanes(page, digest);
	for (size_t lane = 0; lane < 8; lane++) {
		sha256_begin(&hash);
		for (size_t at = 4 * lane; at < 4096; at += 32)
			sha256_add(&hash, page + at, 4);
		sha256_end(&hash, plain);
		assert_memory_equal(digest[lane], plain, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_standard),
		cmocka_unit_test(a_million_letters),
		cmocka_unit_test(parts_do_not_matter),
		cmocka_unit_test(lanes_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
