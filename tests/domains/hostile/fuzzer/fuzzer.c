/* Hostile calls by the generated fuzzers, and handles under fire; see README.md.
 *
 * The state of a fuzzer is committed before each call: whatever becomes of the call, the next one is another. */
#include "contracts/block_fuzz.h"
#include "contracts/bus_fuzz.h"
#include "contracts/clock_fuzz.h"
#include "contracts/console_fuzz.h"
#include "contracts/entropy_fuzz.h"
#include "contracts/memory_fuzz.h"
#include "contracts/session_client.h"
#include "contracts/session_fuzz.h"
#include "contracts/console.h"
#include "domain.h"
#include "rt/rt.h"

#define TARGETS 7u
#define CALLS_A_TURN 16u
#define START_NS 1000000000ul /* programs are to be running by then */
#define PAUSE_NS 2000000ul

struct home {
	struct fuzz fuzz[TARGETS];
	uint64_t done;
	uint32_t is_told, is_open;
	uint64_t lost; /* calls that did not return here */
	struct rt_handle tally;
	uint64_t rounds;
	uint32_t phase, is_started;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

#define METHOD_BIT(method) (1ull << ((method) & 0xff))
static const struct target {
	const char *name;
	uint32_t (*step)(struct fuzz *state);
	uint64_t skip;
} targets[TARGETS] = {
	{ "clock", clock_fuzz_step, 0 },
	{ "entropy", entropy_fuzz_step, 0 },
	{ "memory", memory_fuzz_step, 0 },
	{ "bus", bus_fuzz_step, 0 },
	{ "block", block_fuzz_step, 0 },
	{ "console", console_fuzz_step, METHOD_BIT(CONSOLE_METHOD_WRITE) },
	{ "session", session_fuzz_step, 0 },
};

static zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), deadline_ns);
}

static uint64_t option_number(const char *key, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	if (!rt_option(key, text, sizeof(text)))
		return otherwise;
	for (const char *at = text; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

/* --- hostile calls ------------------------------------------------------------------------------------------------ */

static void target_call(struct home *home, uint32_t place)
{
	struct fuzz *fuzz = &home->fuzz[place];
	uint64_t broken = fuzz->broken;

	if (fuzz->seed == 0) {
		fuzz->seed = option_number("fuzz_seed", 1) + place;
		fuzz->skip = targets[place].skip;
	}
	home->done++;
	home->is_open = 1;
	fuzz->step++; /* so that a call that ends this domain is not the next one again */
	rt_commit();
	fuzz->step--;
	targets[place].step(fuzz);
	home->is_open = 0;
	if (fuzz->broken != broken)
		rt_log(RT_ERROR, "broken %s method=%x finding=%u status=%ld value=%lx", targets[place].name, fuzz->report.method,
		       fuzz->report.finding, (long)fuzz->report.status, fuzz->report.value);
}

static void calls_tell(struct home *home)
{
	for (uint32_t i = 0; i < TARGETS; i++)
		rt_log(RT_INFO, "fuzzed %s calls=%lu accepted=%lu refused=%lu broken=%lu", targets[i].name, home->fuzz[i].calls,
		       home->fuzz[i].accepted, home->fuzz[i].refused, home->fuzz[i].broken);
	rt_log(RT_INFO, "done %lu calls, %lu did not return", home->done, home->lost);
	home->is_told = 1;
}

static zog_status_t calls_serve(struct zog_call *call, struct home *home)
{
	uint64_t count = option_number("fuzz_count", 2000);

	if (home->is_open) {
		home->is_open = 0;
		home->lost++;
	}
	for (uint32_t i = 0; i < CALLS_A_TURN && home->done < count; i++)
		target_call(home, (uint32_t)(home->done % TARGETS));
	if (home->done < count)
		return again_at(call, rt_now_ns());
	if (!home->is_told)
		calls_tell(home);
	return again_at(call, RT_NO_DEADLINE);
}

/* --- handles under fire ----------------------------------------------------------------------------------------------- */

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

static zog_status_t handles_serve(struct zog_call *call, struct home *home)
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

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char mode[16] = "";

	rt_option("fuzzer", mode, sizeof(mode));
	if (rt_now_ns() < START_NS)
		return again_at(call, START_NS);
	if (strcmp(mode, "calls") == 0)
		return calls_serve(call, home);
	if (strcmp(mode, "handles") == 0)
		return handles_serve(call, home);
	return again_at(call, RT_NO_DEADLINE);
}
