/* The measuring part of bench_client: repetitions, medians, log lines. */
#ifndef ROWS_H
#define ROWS_H

#include "rt/rt.h"
#include "domain.h"

#define REPETITIONS 201u
#define WARM_UP 20u

/* One row under way: samples of each repetition; those of switches and flushes of the whole system, since the last. */
struct row {
	uint32_t count;
	uint64_t instructions[REPETITIONS], switches[REPETITIONS], flushes[REPETITIONS];
	uint64_t last_switches, last_flushes;
};

static inline uint64_t instructions_now(void)
{
	return __builtin_ia32_rdtsc();
}

void row_begin(struct row *row);
void row_add(struct row *row, uint64_t instructions);
/* Writes the log line `bench NAME instructions=I switches=S flushes=F`, medians; a sample stands for `parts` operations. */
void row_end(struct row *row, const char *name, uint64_t parts);
/* The same with another quantile than the median: for what other threads can come between. percent: 0..99. */
void row_end_at(struct row *row, const char *name, uint64_t parts, uint32_t percent);

/* apart.c: bench.apart=KIND. */
bool apart_is_asked_for(void);
zog_status_t apart_activity(struct zog_call *call);

#endif
