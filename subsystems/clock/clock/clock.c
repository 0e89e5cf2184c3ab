/* The clock domain: wall-clock time of boot, read once from the PC's real-time clock.
 *
 * Protocol. The first start reads the real-time clock, subtracts the monotonic time, keeps the difference in the home
 * region and publishes it, in the same commit, in the shared region `time`; every later start finds it there. So the wall
 * clock never moves because this domain died: time goes on with the core's monotonic counter. A start that is cut before its reply reads the clock again.
 *
 * Reading (MC146818 data sheet, "Update Cycle"): while bit 7 of register A is set the registers may change under
 * the reader. That flag can rise between two reads, so a sample counts only when a second one equals it. */
#include "rt/region.h"
#include "base/intact.h"
#include "domain.h"
#include "home.h"
#include "contracts/clock_server.h"
#include "date.h"


#define PORT_INDEX 0x70
#define PORT_DATA 0x71
#define STATUS_A_UPDATING 0x80u
#define UPDATE_LIMIT_NS 5000000ull /* an update cycle takes 2.2 ms at most */
#define SAMPLE_ATTEMPTS 8u
#define SECOND_NS 1000000000ull

enum rtc_register {
	RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
	RTC_STATUS_A = 10, RTC_STATUS_B = 11, RTC_CENTURY = 0x32,
};

/* Selecting a register with bit 7 clear leaves the machine's NMI enabled. */
static uint8_t rtc_read(enum rtc_register number)
{
	uint32_t value = 0;

	rt_assert(rt_port_write(CAP_PORTS_RTC, PORT_INDEX, 1, number) == ZOG_OK);
	rt_assert(rt_port_read(CAP_PORTS_RTC, PORT_DATA, 1, &value) == ZOG_OK);
	return (uint8_t)value;
}

/* false when the clock claims to update for longer than any update takes: absent or broken. */
static bool rtc_wait_stable(void)
{
	uint64_t start_ns = rt_now_ns();

	while (rtc_read(RTC_STATUS_A) & STATUS_A_UPDATING) {
		if (rt_now_ns() - start_ns > UPDATE_LIMIT_NS)
			return false;
		__builtin_ia32_pause();
	}
	return true;
}

static struct rtc_sample rtc_sample_once(void)
{
	return (struct rtc_sample){
		.second = rtc_read(RTC_SECOND),
		.minute = rtc_read(RTC_MINUTE),
		.hour = rtc_read(RTC_HOUR),
		.day = rtc_read(RTC_DAY),
		.month = rtc_read(RTC_MONTH),
		.year = rtc_read(RTC_YEAR),
		.century = rtc_read(RTC_CENTURY),
		.status_b = rtc_read(RTC_STATUS_B),
	};
}

static bool rtc_sample_stable(struct rtc_sample *out)
{
	for (uint32_t attempt = 0; attempt < SAMPLE_ATTEMPTS; attempt++) {
		struct rtc_sample again;

		if (!rtc_wait_stable())
			return false;
		*out = rtc_sample_once();
		if (!rtc_wait_stable())
			return false;
		again = rtc_sample_once();
		if (memcmp(out, &again, sizeof(again)) == 0)
			return true;
	}
	return false;
}

/* A machine without a usable clock starts in 1970, and says so. */
static uint64_t epoch_read(void)
{
	struct rtc_sample sample;
	struct date date;
	uint64_t wall_ns, now_ns;

	if (!rtc_sample_stable(&sample) || !rtc_decode(&sample, &date)) {
		rt_log(RT_WARN, "no usable real-time clock: the time starts at 1970-01-01");
		return 0;
	}
	now_ns = rt_now_ns();
	wall_ns = date_seconds(&date) * SECOND_NS;
	return wall_ns > now_ns ? wall_ns - now_ns : 0;
}

/* Becomes visible with the commit of the start that calls this. */
static void time_publish(uint64_t epoch_ns)
{
	struct clock_time_wall wall = { .epoch_ns = epoch_ns, .is_known = 1 };

	rt_assert(region_write(REGION_TIME, CLOCK_TIME_WALL, 0, &wall) == ZOG_OK);
	region_submit(REGION_TIME, CLOCK_TIME_WALL, 0, 1);
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = home_intact(sizeof(*home));

	(void)call;
	if (!home->is_known) {
		home->epoch_ns = epoch_read();
		home->is_known = 1;
		time_publish(home->epoch_ns);
	}
	return ZOG_OK;
}

zog_status_t clock_epoch_serve(struct zog_call *call, uint64_t *epoch_ns)
{
	const struct home *home = home_intact(sizeof(*home));

	(void)call;
	*epoch_ns = home->epoch_ns;
	return ZOG_OK;
}
