/* Many calls of one kind and nothing else: tools/zoglib/bench_apart.py counts what core, stubs and server take for each, by the
 * difference to a boot without any. bench.apart=none, checked (a pure call, four checked arguments) or commit (a once-call whose
 * reply is kept). */
#include "rows.h"
#include "contracts/bench_client.h"

#define CALLS 20000u /* bench_apart.py */

static bool is_done;

static bool kind_is(const char *kind)
{
	char option[8];

	return rt_option("bench.apart", option, sizeof(option)) && strcmp(option, kind) == 0;
}

bool apart_is_asked_for(void)
{
	return kind_is("none") || kind_is("checked") || kind_is("commit");
}

/* The client's stub, alone in a function. */
__attribute__((noinline)) uint64_t stub_checked(uint64_t a, uint32_t b, uint16_t c, int32_t d);
__attribute__((noinline)) uint64_t stub_checked(uint64_t a, uint32_t b, uint16_t c, int32_t d)
{
	uint64_t sum;

	return bench_checked(a, b, c, d, &sum) == ZOG_OK ? sum : UINT64_MAX;
}

static void checked_run(void)
{
	for (uint32_t i = 0; i < CALLS; i++)
		rt_assert(stub_checked(i, 64, 999, -5) == (uint64_t)i + 64 + 999 - 5);
	rt_assert(stub_checked(1000001, 64, 999, -5) == UINT64_MAX);
}

/* Its sequence stands nowhere: a restart in the middle would be refused, and no row come of it. */
static void commit_run(void)
{
	uint64_t total;

	for (uint32_t i = 0; i < CALLS; i++)
		rt_assert(bench_add(i + 1, 1, &total) == ZOG_OK && total == i + 1);
}

zog_status_t apart_activity(struct zog_call *call)
{
	if (!is_done && kind_is("checked"))
		checked_run();
	if (!is_done && kind_is("commit"))
		commit_run();
	if (!is_done)
		rt_log(RT_INFO, "bench done");
	is_done = true;
	return rt_wait(call, EVENT_NEVER, 0, RT_NO_DEADLINE);
}
