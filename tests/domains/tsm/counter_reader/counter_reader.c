/* Looks at the table of counters whenever it changes and says what it sees; a record that is not what the contract says
 * would be told, too. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/counter.h"

zog_status_t domain_activity(struct zog_call *call)
{
	uint64_t seen = rt_event_count(WAIT_COUNTER_CHANGED), sum = 0;
	char option[8];

	for (uint32_t i = 0; i < COUNTER_TABLE_COUNTER_COUNT; i++) {
		struct counter_table_counter counter;
		if (region_read(REGION_TABLE, COUNTER_TABLE_COUNTER, i, &counter) != ZOG_OK)
			return ZOG_RETRY;
		if (!counter_table_counter_is_valid(&counter))
			rt_log(RT_ERROR, "counter %u is mad: value %lu step %u", i, counter.value, counter.step);
		sum += counter.value;
	}
	if (rt_option("tsm", option, sizeof(option)))
		rt_log(RT_INFO, "version %lu sum %lu", region_version(REGION_TABLE), sum);
	return rt_wait(call, WAIT_COUNTER_CHANGED, seen, RT_NO_DEADLINE);
}
