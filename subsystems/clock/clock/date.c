/* Calendar arithmetic and decoding of real-time clock registers; see date.h. */
#include "date.h"

#define YEAR_MAX 2499u /* nanoseconds since 1970 leave 64 bits in 2554 */

static bool year_is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t month_days(uint32_t year, uint32_t month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year_is_leap(year));
}

/* Leap years from year 1 up to and with `year`. */
static uint32_t leap_years_until(uint32_t year)
{
	return year / 4 - year / 100 + year / 400;
}

uint64_t date_seconds(const struct date *date)
{
	uint64_t days = (uint64_t)(date->year - 1970) * 365 + leap_years_until(date->year - 1) - leap_years_until(1969);

	for (uint32_t month = 1; month < date->month; month++)
		days += month_days(date->year, month);
	days += date->day - 1;
	return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

static bool date_is_valid(const struct date *date)
{
	return date->year >= 1970 && date->year <= YEAR_MAX && date->month >= 1 && date->month <= 12 &&
	       date->day >= 1 && date->day <= month_days(date->year, date->month) && date->hour < 24 &&
	       date->minute < 60 && date->second < 60;
}

/* One register of two digits. */
static bool register_decode(uint8_t raw, bool is_binary, uint32_t *out)
{
	if (is_binary) {
		*out = raw;
		return raw < 100;
	}
	*out = (raw >> 4) * 10u + (raw & 15);
	return (raw >> 4) < 10 && (raw & 15) < 10;
}

/* In 12-hour mode 12 stands before 1, and the top bit means afternoon. */
static bool hour_decode(uint8_t raw, uint8_t status_b, uint32_t *out)
{
	bool is_binary = status_b & RTC_STATUS_B_BINARY;

	if (status_b & RTC_STATUS_B_24_HOURS)
		return register_decode(raw, is_binary, out);
	if (!register_decode(raw & ~RTC_HOUR_PM, is_binary, out) || *out < 1 || *out > 12)
		return false;
	*out = *out % 12 + (raw & RTC_HOUR_PM ? 12 : 0);
	return true;
}

/* Without a century register two digits mean 1970..2069. */
static bool year_decode(const struct rtc_sample *sample, bool is_binary, uint32_t *out)
{
	uint32_t year, century;

	if (!register_decode(sample->year, is_binary, &year))
		return false;
	if (sample->century == 0 || sample->century == 0xff)
		century = year < 70 ? 20 : 19;
	else if (!register_decode(sample->century, is_binary, &century))
		return false;
	*out = century * 100 + year;
	return true;
}

bool rtc_decode(const struct rtc_sample *sample, struct date *out)
{
	bool is_binary = sample->status_b & RTC_STATUS_B_BINARY;

	return register_decode(sample->second, is_binary, &out->second) &&
	       register_decode(sample->minute, is_binary, &out->minute) &&
	       hour_decode(sample->hour, sample->status_b, &out->hour) &&
	       register_decode(sample->day, is_binary, &out->day) && register_decode(sample->month, is_binary, &out->month) &&
	       year_decode(sample, is_binary, &out->year) && date_is_valid(out);
}
