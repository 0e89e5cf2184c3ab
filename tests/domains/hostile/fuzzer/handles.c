/* Handles under fire: volatile and durable ones of `session` are what they were, while a test kills it. */
#include "contracts/session_client.h"
#include "fuzzer.h"

#define PAUSE_NS 2000000ul

static void wrong(struct home *home, const char *what, zog_status_t status, uint64_t value)
{
	rt_log(RT_ERROR, "wrong %s round=%lu status=%ld value=%lu", what, home->rounds, (long)status, value);
}

static void total_check(struct home *home, uint64_t wanted, uint64_t wanted_sealed)
{
	const struct session_weight weights[2] = { { 1, SESSION_MOOD_CALM }, { 2, SESSION_MOOD_CROSS } };
	uint64_t sum = 0, is_sealed = 2;
	zog_status_t status = session_total(&home->tally, weights, 2, &sum, &is_sealed);

	if (status != ZOG_OK || sum != wanted + 3 || is_sealed != wanted_sealed)
		wrong(home, "total", status, sum);
}

static void seat_check(struct home *home)
{
	char name[20];
	size_t length = 0;
	enum session_mood mood;
	zog_status_t status = session_holder(2, &mood, name, sizeof(name), &length);

	if (status != ZOG_OK || length != 4 || memcmp(name, "zoey", 4) != 0)
		wrong(home, "seat", status, length);
}

/* Each step is one invocation, so that the server may die between any two, and between the calls of one. */
static void handles_step(struct home *home)
{
	uint64_t first = home->rounds % 1000;
	zog_status_t status = ZOG_OK;

	switch (home->phase) {
	case 0:
		home->tally.slot = (uint32_t)(home->rounds % SESSION_TALLY_LIMIT);
		status = session_begin(&home->tally, first);
		break;
	case 1:
		total_check(home, first, 0);
		seat_check(home);
		break;
	case 2:
		status = session_seal(&home->tally, 7);
		break;
	case 3:
		total_check(home, first + 7, 1);
		break;
	default:
		status = session_end(&home->tally);
		home->rounds++;
	}
	if (status != ZOG_OK)
		wrong(home, "step", status, home->phase);
	home->phase = (home->phase + 1) % 5;
}

zog_status_t handles_serve(struct zog_call *call, struct home *home)
{
	uint64_t count = option_number("handle_rounds", 200);

	if (!home->is_started) {
		zog_status_t status = session_take(2, "zoey", 4);
		if (status != ZOG_OK)
			wrong(home, "take", status, 0);
		home->is_started = 1;
		return again_at(call, rt_now_ns());
	}
	if (home->rounds < count) {
		handles_step(home);
		return again_at(call, rt_now_ns() + PAUSE_NS);
	}
	if (!home->is_told)
		rt_log(RT_INFO, "done %lu rounds", home->rounds);
	home->is_told = 1;
	return again_at(call, RT_NO_DEADLINE);
}
