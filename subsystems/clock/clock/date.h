/* Calendar arithmetic, and what the bytes of a PC's real-time clock (Motorola MC146818) mean. */
#ifndef CLOCK_DATE_H
#define CLOCK_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* The clock's registers as read, undecoded. */
struct rtc_sample {
	uint8_t second, minute, hour, day, month, year, century; /* century: 0 or 0xff where the machine has none */
	uint8_t status_b;
};
#define RTC_STATUS_B_24_HOURS 0x02u
#define RTC_STATUS_B_BINARY 0x04u
#define RTC_HOUR_PM 0x80u

struct date {
	uint32_t year, month, day, hour, minute, second; /* month and day from 1; UTC */
};

/* false when a register holds no digit or the date is not one of the Gregorian calendar from 1970 to 2499. */
bool rtc_decode(const struct rtc_sample *sample, struct date *out);
/* Seconds from 1970-01-01 00:00:00 to a valid date. */
uint64_t date_seconds(const struct date *date);

#endif
