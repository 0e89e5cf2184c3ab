/* Medians and log lines. Numbers of one operation have two decimals where they are means. */
#include "rows.h"

static void counters_read(uint64_t *switches, uint64_t *flushes)
{
	struct zog_domain_stats stats;

	rt_assert(rt_stats(CAP_INSPECT, SELF_DOMAIN, &stats) == ZOG_OK);
	*switches = stats.address_space_switches;
	*flushes = stats.table_flushes;
}

void row_begin(struct row *row)
{
	row->count = 0;
	counters_read(&row->switches, &row->flushes);
}

void row_add(struct row *row, uint64_t instructions)
{
	rt_assert(row->count < REPETITIONS);
	row->sample[row->count++] = instructions;
}

static uint64_t row_median(struct row *row)
{
	for (uint32_t i = 1; i < row->count; i++) {
		uint64_t value = row->sample[i];
		uint32_t at = i;
		for (; at > 0 && row->sample[at - 1] > value; at--)
			row->sample[at] = row->sample[at - 1];
		row->sample[at] = value;
	}
	return row->sample[row->count / 2];
}

void row_end(struct row *row, const char *name, uint64_t parts)
{
	uint64_t switches, flushes, operations = row->count * parts;

	counters_read(&switches, &flushes);
	switches = (switches - row->switches) * 100 / operations;
	flushes = (flushes - row->flushes) * 100 / operations;
	uint64_t median = row_median(row) * 100 / parts;
	rt_log(RT_INFO, "bench %s instructions=%lu.%02lu switches=%lu.%02lu flushes=%lu.%02lu", name, median / 100, median % 100,
	       switches / 100, switches % 100, flushes / 100, flushes % 100);
}
