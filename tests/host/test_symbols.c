/* sources: subsystems/supervisor/supervisor/symbols.c */
/* The symbols reader: right answers from a good blob; from a damaged one "unknown", never a read outside of it
 * (every blob lies in a heap block of exactly its size, so the address sanitizer sees one). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/supervisor/symbols.h"

#define BASE 0x400000ull
#define STRINGS "\0first\0second\0a/b.c"
enum { NAME_FIRST = 1, NAME_SECOND = 7, NAME_FILE = 14 };

struct blob {
	struct zog_symbols header;
	struct zog_symbols_image image[2];
	struct zog_symbols_function function[2];
	struct zog_symbols_line line[3];
	char strings[sizeof(STRINGS)];
};

static const struct blob good = {
	.header = {
		.magic = ZOG_SYMBOLS_MAGIC,
		.version = ZOG_SYMBOLS_VERSION,
		.image_count = 2,
		.image_offset = offsetof(struct blob, image),
		.string_offset = offsetof(struct blob, strings),
		.string_bytes = sizeof(STRINGS),
		.bytes = offsetof(struct blob, strings) + sizeof(STRINGS),
	},
	.image = {
		{ .name = "core" },
		{ .name = "ext4", .base = BASE, .end = BASE + 0x1000,
		  .function_offset = offsetof(struct blob, function), .function_count = 2,
		  .line_offset = offsetof(struct blob, line), .line_count = 3 },
	},
	.function = { { 0x10, 0x20, NAME_FIRST }, { 0x40, 0x08, NAME_SECOND } },
	.line = { { 0x10, NAME_FILE, 7 }, { 0x18, NAME_FILE, 9 }, { 0x40, 0, 0 } },
	.strings = STRINGS,
};
#define GOOD_BYTES (offsetof(struct blob, strings) + sizeof(STRINGS))

/* A copy in memory of exactly `bytes` bytes. */
static void *heap_copy(const struct blob *blob, size_t bytes)
{
	void *copy = malloc(bytes);

	assert_non_null(copy);
	memcpy(copy, blob, bytes);
	return copy;
}

static bool open_and_find(const struct blob *blob, uint32_t image, uint64_t address)
{
	void *copy = heap_copy(blob, GOOD_BYTES);
	struct symbols symbols;
	struct symbol symbol;
	bool is_found;
	size_t length = 0;

	symbols_open(&symbols, copy, GOOD_BYTES);
	is_found = symbols_find(&symbols, image, address, &symbol);
	if (symbol.function)
		length += strlen(symbol.function);
	if (symbol.file)
		length += strlen(symbol.file);
	assert_in_range(length, 0, sizeof(STRINGS));
	free(copy);
	return is_found;
}

static void addresses_resolve_to_function_file_and_line(void **state)
{
	struct symbols symbols;
	struct symbol symbol;
	void *copy = heap_copy(&good, GOOD_BYTES);

	(void)state;
	assert_true(symbols_open(&symbols, copy, GOOD_BYTES));
	assert_true(symbols_find(&symbols, symbols_image_of(0), BASE + 0x1f, &symbol));
	assert_string_equal(symbol.function, "first");
	assert_int_equal(symbol.offset, 0xf);
	assert_string_equal(symbol.file, "a/b.c");
	assert_int_equal(symbol.line, 9);
	assert_true(symbols_find(&symbols, 1, BASE + 0x10, &symbol));
	assert_int_equal(symbol.line, 7);
	assert_false(symbols_find(&symbols, 1, BASE + 0x30, &symbol));
	assert_null(symbol.function);
	assert_string_equal(symbol.file, "a/b.c");
	assert_true(symbols_find(&symbols, 1, BASE + 0x47, &symbol));
	assert_string_equal(symbol.function, "second");
	assert_null(symbol.file);
	free(copy);
}

static void addresses_outside_of_functions_are_unknown(void **state)
{
	(void)state;
	assert_true(open_and_find(&good, 1, BASE + 0x10));
	assert_false(open_and_find(&good, 1, BASE + 0xf));
	assert_false(open_and_find(&good, 1, BASE + 0x30));
	assert_false(open_and_find(&good, 1, BASE + 0x48));
	assert_false(open_and_find(&good, 1, BASE - 1));
	assert_false(open_and_find(&good, 1, BASE + 0x1000));
	assert_false(open_and_find(&good, 1, UINT64_MAX));
	assert_false(open_and_find(&good, 0, BASE + 0x10));
	assert_false(open_and_find(&good, 2, BASE + 0x10));
	assert_false(open_and_find(&good, UINT32_MAX, BASE + 0x10));
}

static void a_cut_blob_is_refused(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < GOOD_BYTES; bytes++) {
		void *copy = bytes ? heap_copy(&good, bytes) : NULL;
		struct symbols symbols;
		struct symbol symbol;

		assert_false(symbols_open(&symbols, copy, bytes));
		assert_false(symbols_find(&symbols, 1, BASE + 0x10, &symbol));
		free(copy);
	}
}

static void header_fields_that_point_outside_are_refused(void **state)
{
	static const uint32_t hostile[] = { 0xffffffff, 0xfffffff8, 0x80000000, GOOD_BYTES, GOOD_BYTES + 8, 0x10000 };
	static const size_t field[] = { offsetof(struct zog_symbols, version), offsetof(struct zog_symbols, image_count),
					offsetof(struct zog_symbols, image_offset), offsetof(struct zog_symbols, string_offset),
					offsetof(struct zog_symbols, string_bytes) };

	(void)state;
	for (size_t f = 0; f < sizeof(field) / sizeof(field[0]); f++)
		for (size_t h = 0; h < sizeof(hostile) / sizeof(hostile[0]); h++) {
			struct blob bad = good;

			memcpy((uint8_t *)&bad.header + field[f], &hostile[h], sizeof(hostile[h]));
			assert_false(open_and_find(&bad, 1, BASE + 0x10));
		}
}

static void tables_that_point_outside_are_unknown(void **state)
{
	static const uint32_t hostile[] = { 0xffffffff, 0xfffffffc, 0x80000000, GOOD_BYTES + 4, 0x10000, 2 };
	struct blob bad;

	(void)state;
	for (size_t h = 0; h < sizeof(hostile) / sizeof(hostile[0]); h++) {
		bad = good;
		bad.image[1].function_offset = hostile[h];
		assert_false(open_and_find(&bad, 1, BASE + 0x10));
		bad = good;
		bad.image[1].line_offset = hostile[h];
		assert_true(open_and_find(&bad, 1, BASE + 0x10));
		bad = good;
		bad.function[0].name = hostile[h] == 2 ? 0 : hostile[h];
		assert_false(open_and_find(&bad, 1, BASE + 0x10));
	}
	bad = good;
	bad.image[1].function_count = 0xffffffff;
	assert_false(open_and_find(&bad, 1, BASE + 0x10));
}

static void an_unterminated_string_table_is_refused(void **state)
{
	struct blob bad = good;

	(void)state;
	bad.strings[sizeof(bad.strings) - 1] = 'x';
	assert_false(open_and_find(&bad, 1, BASE + 0x10));
}

/* xorshift: the same blobs in every run. */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_damage_never_reads_outside(void **state)
{
	uint64_t seed = 0x5eed;
	uint32_t found = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct blob bad = good;

		for (uint64_t i = 1 + random_next(&seed) % 4; i > 0; i--)
			((uint8_t *)&bad)[random_next(&seed) % GOOD_BYTES] = (uint8_t)random_next(&seed);
		found += open_and_find(&bad, (uint32_t)random_next(&seed) % 3, BASE + random_next(&seed) % 0x60);
	}
	/* Most damage misses what a lookup reads, so both outcomes must have been seen. */
	assert_in_range(found, 1, 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_resolve_to_function_file_and_line),
		cmocka_unit_test(addresses_outside_of_functions_are_unknown),
		cmocka_unit_test(a_cut_blob_is_refused),
		cmocka_unit_test(header_fields_that_point_outside_are_refused),
		cmocka_unit_test(tables_that_point_outside_are_unknown),
		cmocka_unit_test(an_unterminated_string_table_is_refused),
		cmocka_unit_test(random_damage_never_reads_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
