/* sources: core/object/contract.c */
/* Which images may be connected: every field of an entry counts, and no table leads outside its constants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "object/contract.h"
#include "fault/log.h"

struct page {
	struct zog_image_table head;
	struct zog_image_contract entry[(ZOG_PAGE_SIZE - sizeof(struct zog_image_table)) / sizeof(struct zog_image_contract)];
};
static _Alignas(ZOG_PAGE_SIZE) uint8_t bytes[2][ZOG_PAGE_SIZE];
static struct page *const user = (struct page *)bytes[0], *const server = (struct page *)bytes[1];
const struct domain_desc system_domain[] = { { .name = "asker" }, { .name = "answerer" } };
const struct image_desc system_image[] = { { .constants = { 0x401000, 1, bytes[0] } }, { .constants = { 0x401000, 1, bytes[1] } } };
static char told[512];

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(told, sizeof(told), format, args);
	va_end(args);
}

static int fresh(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof(bytes));
	told[0] = 0;
	user->head = server->head = (struct zog_image_table){ ZOG_IMAGE_MAGIC, ZOG_IMAGE_LAYOUT, 2 };
	user->entry[0] = (struct zog_image_contract){ "block", 2, ZOG_IMAGE_USES, 7, 0xabcdef, 0 };
	user->entry[1] = (struct zog_image_contract){ "clock.table", 1, ZOG_IMAGE_READS, 8, 0x1234, 0 };
	server->entry[0] = (struct zog_image_contract){ "clock.table", 1, ZOG_IMAGE_WRITES, 8, 0x1234, 0 };
	server->entry[1] = (struct zog_image_contract){ "block", 2, ZOG_IMAGE_SERVES, 7, 0xabcdef, 0 };
	return 0;
}

static void equal_states_connect(void **state)
{
	(void)state;
	assert_true(contract_connects(0, 1));
	assert_true(contract_connects(1, 0));
	assert_string_equal(told, "");
}

static void a_difference_is_refused_with_both_names(void **state)
{
	(void)state;
	server->entry[1].version = 3;
	server->entry[1].fingerprint = 0x77;
	assert_false(contract_connects(0, 1));
	assert_string_equal(told, "zog: mismatch domain=asker contract=block version=2 fingerprint=abcdef peer=answerer version=3 fingerprint=77");
	assert_true(contract_connects(1, 0)); /* who asks nothing of the other fits */
}

static void every_field_counts(void **state)
{
	(void)state;
	server->entry[1].fingerprint ^= 1ull << 63;
	assert_false(contract_connects(0, 1));
	fresh(NULL);
	server->entry[1].number++;
	assert_false(contract_connects(0, 1));
	fresh(NULL);
	server->entry[0].version++;
	assert_false(contract_connects(0, 1)); /* the region */
	fresh(NULL);
	server->entry[1].name[1] = 'L'; /* another contract: nothing that both know differs */
	server->entry[1].version++;
	assert_true(contract_connects(0, 1));
	fresh(NULL);
	server->entry[1].role = ZOG_IMAGE_USES; /* two users of a third */
	server->entry[1].version++;
	assert_true(contract_connects(0, 1));
}

static void only_a_sound_table_connects(void **state)
{
	uint32_t count;

	(void)state;
	server->head.magic++;
	assert_false(contract_connects(0, 1));
	assert_string_equal(told, "zog: mismatch domain=asker peer=answerer: an image without a table of contracts");
	fresh(NULL);
	server->head.layout++;
	assert_false(contract_connects(0, 1));
	fresh(NULL);
	server->head.count = UINT32_MAX;
	assert_null(image_contracts(&system_image[1], &count));
	server->head.count = sizeof(server->entry) / sizeof(server->entry[0]) + 1;
	assert_null(image_contracts(&system_image[1], &count));
	server->head.count--;
	assert_ptr_equal(image_contracts(&system_image[1], &count), server->entry);
	assert_int_equal(count, server->head.count);
	fresh(NULL);
	memset(server->entry[1].name, 'x', ZOG_IMAGE_NAME_MAX);
	assert_null(image_contracts(&system_image[1], &count));
	assert_null(image_contracts(&(struct image_desc){ .constants = { 0, 0, NULL } }, &count));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(equal_states_connect, fresh),
		cmocka_unit_test_setup(a_difference_is_refused_with_both_names, fresh),
		cmocka_unit_test_setup(every_field_counts, fresh),
		cmocka_unit_test_setup(only_a_sound_table_connects, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
