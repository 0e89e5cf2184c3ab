/* sources: subsystems/bus/pci/capability.c */
/* The capability list of a device: a good one is understood, a hostile one ends and names nothing outside its BARs.
 * The 256 bytes lie in a heap block of exactly that size, so the address sanitizer sees every read beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bus/pci/capability.h"

static uint8_t *config;
static uint64_t bar_bytes[BAR_COUNT];

static void put32(uint8_t place, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		config[place + i] = (uint8_t)(value >> 8 * i);
}

static void virtio_put(uint8_t place, uint8_t next, uint8_t kind, uint8_t bar, uint32_t offset, uint32_t length)
{
	config[place] = CAPABILITY_VENDOR;
	config[place + 1] = next;
	config[place + 2] = 16;
	config[place + 3] = kind;
	config[place + 4] = bar;
	put32(place + 8, offset);
	put32(place + 12, length);
}

/* As QEMU's virtio-blk-pci shows itself: MSI-X in BAR 1, structures in BAR 4. */
static int config_make(void **state)
{
	(void)state;
	config = calloc(1, 256);
	assert_non_null(config);
	config[0x06] = 0x10;
	config[0x34] = 0x98;
	config[0x98] = CAPABILITY_MSIX;
	config[0x99] = 0x84;
	config[0x9a] = 1;
	put32(0x9c, 1);
	put32(0xa0, 0x800 | 1);
	virtio_put(0x84, 0x70, 5, 0, 0, 0);
	virtio_put(0x70, 0x60, 2, 4, 0x3000, 0x1000);
	put32(0x80, 4);
	virtio_put(0x60, 0x50, 4, 4, 0x2000, 0x1000);
	virtio_put(0x50, 0x40, 3, 4, 0x1000, 0x1000);
	virtio_put(0x40, 0, 1, 4, 0, 0x1000);
	memset(bar_bytes, 0, sizeof(bar_bytes));
	bar_bytes[1] = 0x1000;
	bar_bytes[4] = 0x4000;
	return 0;
}

static int config_free(void **state)
{
	(void)state;
	free(config);
	return 0;
}

static void a_virtio_device_is_understood(void **state)
{
	struct virtio_layout layout;
	struct msix_layout msix;

	(void)state;
	assert_true(virtio_layout_parse(config, bar_bytes, &layout));
	assert_int_equal(layout.common.window, 4);
	assert_int_equal(layout.common.offset, 0);
	assert_int_equal(layout.notify.offset, 0x3000);
	assert_int_equal(layout.device.offset, 0x2000);
	assert_int_equal(layout.device.length, 0x1000);
	assert_int_equal(layout.notify_multiplier, 4);
	assert_true(msix_layout_parse(config, bar_bytes, &msix));
	assert_int_equal(msix.capability, 0x98);
	assert_int_equal(msix.entry_count, 2);
	assert_int_equal(msix.table.window, 1);
	assert_int_equal(msix.table.offset, 0);
	assert_int_equal(msix.table.length, 32);
}

static void a_device_without_a_list_has_nothing(void **state)
{
	struct virtio_layout layout;
	struct msix_layout msix;

	(void)state;
	config[0x06] = 0;
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
}

static void a_missing_structure_is_no_virtio_device(void **state)
{
	static const uint8_t places[] = { 0x40, 0x60, 0x70 };
	struct virtio_layout layout;

	(void)state;
	for (size_t i = 0; i < sizeof(places); i++) {
		uint8_t kind = config[places[i] + 3];

		config[places[i] + 3] = 9;
		assert_false(virtio_layout_parse(config, bar_bytes, &layout));
		config[places[i] + 3] = kind;
	}
	assert_true(virtio_layout_parse(config, bar_bytes, &layout));
}

static void structures_outside_their_bar_are_not_taken(void **state)
{
	struct virtio_layout layout;

	(void)state;
	virtio_put(0x40, 0, 1, 4, 0x3fc9, 56);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 4, 0xffffffff, 56);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 4, 0, 0xffffffff);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 3, 0, 56);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 200, 0, 56);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 4, 0, 55);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	virtio_put(0x40, 0, 1, 4, 0x3fc8, 56);
	assert_true(virtio_layout_parse(config, bar_bytes, &layout));
}

static void msi_is_found_in_both_forms_and_not_behind_the_end(void **state)
{
	struct msi_layout msi;

	(void)state;
	assert_false(msi_layout_parse(config, &msi));
	config[0x98] = CAPABILITY_MSI;
	config[0x9a] = 0;
	assert_true(msi_layout_parse(config, &msi));
	assert_int_equal(msi.capability, 0x98);
	assert_int_equal(msi.is_64, 0);
	config[0x9a] = 0x80;
	assert_true(msi_layout_parse(config, &msi));
	assert_int_equal(msi.is_64, 1);
	config[0x34] = 0xf4;
	config[0xf4] = CAPABILITY_MSI;
	config[0xf6] = 0x80;
	assert_false(msi_layout_parse(config, &msi));
	config[0xf6] = 0;
	assert_true(msi_layout_parse(config, &msi));
	assert_int_equal(msi.capability, 0xf4);
}

static void an_msix_table_outside_its_bar_is_refused(void **state)
{
	struct msix_layout msix;

	(void)state;
	config[0x9a] = 0xff;
	config[0x9b] = 0x07;
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
	config[0x9a] = 0xff;
	config[0x9b] = 0x00;
	assert_true(msix_layout_parse(config, bar_bytes, &msix));
	put32(0x9c, 8 | 1);
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
	put32(0x9c, 7);
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
	put32(0x9c, 0);
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
}

static void lists_that_loop_or_point_into_the_header_end(void **state)
{
	struct virtio_layout layout;

	(void)state;
	config[0x41] = 0x98;
	assert_true(virtio_layout_parse(config, bar_bytes, &layout));
	assert_int_equal(capability_next(config, 0x55, 0), 0);
	config[0x99] = 0x98;
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	assert_int_equal(capability_next(config, 0x55, 0), 0);
	config[0x99] = 0x10;
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	config[0x34] = 0;
	assert_int_equal(capability_next(config, CAPABILITY_MSIX, 0), 0);
}

static void capabilities_at_the_very_end_are_not_read_past_it(void **state)
{
	struct virtio_layout layout;
	struct msix_layout msix;

	(void)state;
	config[0x34] = 0xfc;
	config[0xfc] = CAPABILITY_MSIX;
	config[0xfd] = 0;
	assert_false(msix_layout_parse(config, bar_bytes, &msix));
	config[0xfc] = CAPABILITY_VENDOR;
	config[0xff] = 1;
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	config[0x34] = 0xf0;
	virtio_put(0xf0, 0, 2, 4, 0, 0x1000);
	assert_false(virtio_layout_parse(config, bar_bytes, &layout));
	assert_int_equal(layout.notify.length, 0);
}

static void expect_inside(const struct window_place *place)
{
	assert_true(place->window < BAR_COUNT);
	assert_true(place->length > 0);
	assert_true((uint64_t)place->offset + place->length <= bar_bytes[place->window]);
}

static void random_devices_name_only_places_inside_their_bars(void **state)
{
	struct virtio_layout layout;
	struct msix_layout msix;
	uint32_t virtio_count = 0, msix_count = 0;

	(void)state;
	srandom(3);
	for (int turn = 0; turn < 300000; turn++) {
		config[random() % 256] = (uint8_t)random();
		config[0x06] |= 0x10;
		if (turn % 40 == 0) {
			config_free(NULL);
			config_make(NULL);
		}
		if (virtio_layout_parse(config, bar_bytes, &layout)) {
			expect_inside(&layout.common);
			expect_inside(&layout.notify);
			expect_inside(&layout.device);
			virtio_count++;
		}
		if (msix_layout_parse(config, bar_bytes, &msix)) {
			expect_inside(&msix.table);
			assert_in_range(msix.entry_count, 1, 2048);
			msix_count++;
		}
	}
	assert_true(virtio_count > 1000 && msix_count > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_make, config_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_virtio_device_is_understood),
		TEST(a_device_without_a_list_has_nothing),
		TEST(a_missing_structure_is_no_virtio_device),
		TEST(structures_outside_their_bar_are_not_taken),
		TEST(msi_is_found_in_both_forms_and_not_behind_the_end),
		TEST(an_msix_table_outside_its_bar_is_refused),
		TEST(lists_that_loop_or_point_into_the_header_end),
		TEST(capabilities_at_the_very_end_are_not_read_past_it),
		TEST(random_devices_name_only_places_inside_their_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
