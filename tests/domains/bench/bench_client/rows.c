/* Medians and log lines. */
#include "rows.h"

static void counters_read(uint64_t *switches, uint64_t *flushes)
{
	struct zog_domain_stats stats;

	rt_assert(rt_stats(CAP_STATS, SELF_DOMAIN, &stats) == ZOG_OK);
	*switches = stats.address_space_switches;
	*flushes = stats.table_flushes;
}

void row_begin(struct row *row)
{
	row->count = 0;
	counters_read(&row->last_switches, &row->last_flushes);
}

void row_add(struct row *row, uint64_t instructions)
{
	uint64_t switches, flushes;
	uint32_t at = row->count;

	rt_assert(at < REPETITIONS);
	counters_read(&switches, &flushes);
	row->instructions[at] = instructions;
	row->switches[at] = switches - row->last_switches;
	row->flushes[at] = flushes - row->last_flushes;
	row->last_switches = switches;
	row->last_flushes = flushes;
	row->count++;
}

/* Sorts the samples. In hundredths. */
static uint64_t quantile(uint64_t *sample, uint32_t count, uint64_t parts, uint32_t percent)
{
	for (uint32_t i = 1; i < count; i++) {
		uint64_t value = sample[i];
		uint32_t at = i;
		for (; at > 0 && sample[at - 1] > value; at--)
			sample[at] = sample[at - 1];
		sample[at] = value;
	}
	return sample[count * percent / 100] * 100 / parts;
}

void row_end(struct row *row, const char *name, uint64_t parts) { row_end_at(row, name, parts, 50); }

void row_end_at(struct row *row, const char *name, uint64_t parts, uint32_t percent)
{
	uint64_t instructions = quantile(row->instructions, row->count, parts, percent);
	uint64_t switches = quantile(row->switches, row->count, parts, percent);
	uint64_t flushes = quantile(row->flushes, row->count, parts, percent);

	rt_log(RT_INFO, "bench %s instructions=%lu.%02lu switches=%lu.%02lu flushes=%lu.%02lu", name, instructions / 100, instructions % 100,
	       switches / 100, switches % 100, flushes / 100, flushes % 100);
}
