/* sources: subsystems/clock/clock/date.c */
/* The clock's date arithmetic, against the C library's calendar and against registers by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "clock/clock/date.h"

static void dates_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t seconds = 0; seconds < 8000000000; seconds += 86399 * 7 + 11) {
		time_t time = seconds;
		struct tm tm;
		struct date date;

		assert_non_null(gmtime_r(&time, &tm));
		date = (struct date){ (uint32_t)tm.tm_year + 1900, (uint32_t)tm.tm_mon + 1, (uint32_t)tm.tm_mday,
				      (uint32_t)tm.tm_hour, (uint32_t)tm.tm_min, (uint32_t)tm.tm_sec };
		assert_int_equal(date_seconds(&date), seconds);
	}
}

static void expect_date(struct rtc_sample sample, struct date expected)
{
	struct date date;

	assert_true(rtc_decode(&sample, &date));
	assert_int_equal(date.year, expected.year);
	assert_int_equal(date.month, expected.month);
	assert_int_equal(date.day, expected.day);
	assert_int_equal(date.hour, expected.hour);
	assert_int_equal(date.minute, expected.minute);
	assert_int_equal(date.second, expected.second);
}

static void bcd_and_binary_registers_mean_the_same(void **state)
{
	struct date expected = { 2024, 2, 29, 23, 58, 59 };

	(void)state;
	expect_date((struct rtc_sample){ 0x59, 0x58, 0x23, 0x29, 0x02, 0x24, 0x20, RTC_STATUS_B_24_HOURS }, expected);
	expect_date((struct rtc_sample){ 59, 58, 23, 29, 2, 24, 20, RTC_STATUS_B_24_HOURS | RTC_STATUS_B_BINARY }, expected);
}

static void twelve_hour_clocks_are_understood(void **state)
{
	static const struct { uint8_t raw; uint32_t hour; } hours[] = {
		{ 0x12, 0 }, { 0x01, 1 }, { 0x11, 11 }, { 0x92, 12 }, { 0x81, 13 }, { 0x91, 23 },
	};
	struct rtc_sample sample = { 0, 0, 0, 1, 1, 0x24, 0x20, 0 };
	struct date date;

	(void)state;
	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		sample.hour = hours[i].raw;
		expect_date(sample, (struct date){ 2024, 1, 1, hours[i].hour, 0, 0 });
	}
	sample.hour = 0x00;
	assert_false(rtc_decode(&sample, &date));
	sample.hour = 0x13;
	assert_false(rtc_decode(&sample, &date));
	expect_date((struct rtc_sample){ 0, 0, 0x80 | 12, 1, 1, 24, 20, RTC_STATUS_B_BINARY },
		    (struct date){ 2024, 1, 1, 12, 0, 0 });
}

static void two_digit_years_without_a_century_stand_between_1970_and_2069(void **state)
{
	struct rtc_sample sample = { 0, 0, 0, 1, 1, 0x69, 0, RTC_STATUS_B_24_HOURS };

	(void)state;
	expect_date(sample, (struct date){ 2069, 1, 1, 0, 0, 0 });
	sample.year = 0x70;
	sample.century = 0xff;
	expect_date(sample, (struct date){ 1970, 1, 1, 0, 0, 0 });
}

static void impossible_registers_are_refused(void **state)
{
	static const struct rtc_sample bad[] = {
		{ 0x60, 0, 0, 1, 1, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* second 60 */
		{ 0, 0x60, 0, 1, 1, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* minute 60 */
		{ 0, 0, 0x24, 1, 1, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* hour 24 */
		{ 0, 0, 0, 0, 1, 0x24, 0x20, RTC_STATUS_B_24_HOURS },      /* day 0 */
		{ 0, 0, 0, 0x29, 2, 0x23, 0x20, RTC_STATUS_B_24_HOURS },   /* no leap year */
		{ 0, 0, 0, 0x31, 4, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* April 31 */
		{ 0, 0, 0, 1, 0, 0x24, 0x20, RTC_STATUS_B_24_HOURS },      /* month 0 */
		{ 0, 0, 0, 1, 0x13, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* month 13 */
		{ 0x5a, 0, 0, 1, 1, 0x24, 0x20, RTC_STATUS_B_24_HOURS },   /* no digit */
		{ 0, 0, 0, 1, 1, 0x69, 0x19, RTC_STATUS_B_24_HOURS },      /* 1969 */
		{ 0, 0, 0, 0x29, 2, 0x00, 0x21, RTC_STATUS_B_24_HOURS },   /* 2100 is no leap year */
		{ 0, 0, 0, 1, 1, 0x00, 0x25, RTC_STATUS_B_24_HOURS },      /* 2500 */
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },        /* no clock on the bus */
		{ 0, 0, 0, 0, 0, 0, 0, 0 },
	};
	struct date date;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(rtc_decode(&bad[i], &date));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_agree_with_the_c_library),
		cmocka_unit_test(bcd_and_binary_registers_mean_the_same),
		cmocka_unit_test(twelve_hour_clocks_are_understood),
		cmocka_unit_test(two_digit_years_without_a_century_stand_between_1970_and_2069),
		cmocka_unit_test(impossible_registers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
