/* Leaks on purpose, one in each life: tests/system/leaks.py wants to see each of them named. */
#include "contracts/bench_client.h"
#include "fuzzer.h"

/* Replies of once-calls are kept for as long as the system runs: one more. */
static void reply_leak(void)
{
	uint64_t total;

	if (bench_add(1, 1, &total) != ZOG_OK)
		rt_log(RT_ERROR, "no reply to leave behind");
}

static void leak(struct home *home, uint64_t life)
{
	if (life == 2)
		reply_leak();
	if (life == 3)
		rt_notify(EVENT_NEVER, 1);
	home->rounds = life;
	rt_log(RT_INFO, "leaked %lu", life - 2);
}

zog_status_t leaks_serve(struct zog_call *call, struct home *home, bool is_flip)
{
	uint64_t life = rt_self()->start_count;

	/* The other activity waits for somebody else's event, in one life only. */
	if (is_flip && life == 4)
		return rt_wait(call, WAIT_BLOCK_DONE, rt_event_count(WAIT_BLOCK_DONE), RT_NO_DEADLINE);
	if (!is_flip && life >= 2 && life > home->rounds)
		leak(home, life);
	return again_at(call, RT_NO_DEADLINE);
}
