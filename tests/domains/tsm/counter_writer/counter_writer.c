/* With tsm=calm on the boot command line it adds to a counter of the table ten times a second. With tsm=mad it has gone
 * mad every third time: the value falls back to 0, and the step is none that the contract knows. With tsm=stuck it writes ahead
 * and aborts for ever. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/counter.h"

struct home {
	uint64_t turns;
};

/* Each turn takes a page fault, since an abort takes away the right to write ahead. */
static void write_and_abort(void)
{
	const struct counter_table_counter counter = { .mode = COUNTER_MODE_COUNTING };

	for (;;) {
		region_write(REGION_TABLE, COUNTER_TABLE_COUNTER, 0, &counter);
		rt_abort();
	}
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint32_t index = home->turns % COUNTER_TABLE_COUNTER_COUNT;
	struct counter_table_counter counter;
	char option[6] = "";

	if (!rt_option("tsm", option, sizeof(option)))
		return rt_wait(call, EVENT_CHANGED, rt_event_count(EVENT_CHANGED), RT_NO_DEADLINE);
	if (strcmp(option, "stuck") == 0)
		write_and_abort();
	bool is_mad = strcmp(option, "mad") == 0 && home->turns % 3 == 2;
	home->turns++;
	rt_commit();
	region_read(REGION_TABLE, COUNTER_TABLE_COUNTER, index, &counter);
	counter.step = is_mad ? 0xdeadbeef : 1 + index;
	counter.value = is_mad ? 0 : counter.value + counter.step;
	counter.mode = COUNTER_MODE_COUNTING;
	region_write(REGION_TABLE, COUNTER_TABLE_COUNTER, index, &counter);
	region_submit(REGION_TABLE, COUNTER_TABLE_COUNTER, index, 1);
	rt_notify(EVENT_CHANGED, 0);
	if (region_commit() != ZOG_OK)
		rt_log(RT_WARN, "turn %lu refused", home->turns);
	return rt_wait(call, EVENT_CHANGED, rt_event_count(EVENT_CHANGED), rt_now_ns() + 100000000);
}
