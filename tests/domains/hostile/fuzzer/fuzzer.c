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
#define CALLS_A_TURN 32u
#define OUTCOME_MAX 160u
#define FLIPS_A_TURN 256u
#define START_NS 1000000000ul /* programs are to be running by then */
#define PAUSE_NS 2000000ul
#define GUN_NS 20000000ul

struct outcome { /* how often a method was answered so */
	uint16_t place, method;
	int32_t status;
	uint64_t count;
};
struct home {
	struct fuzz fuzz[TARGETS];
	uint64_t done;
	uint32_t is_told, is_open;
	uint64_t lost; /* calls that did not return here */
	struct rt_handle tally;
	uint64_t rounds;
	uint32_t phase, is_started;
	uint32_t outcome_count, outcome_told;
	struct outcome outcome[OUTCOME_MAX];
	uint64_t uncounted; /* answers for which the table had no row */
	uint64_t flips, flips_inside; /* inside: while a call was under way */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

#define METHOD_BIT(method) (1ull << ((method) & 0xff))
static const struct target {
	const char *name;
	uint32_t (*step)(struct fuzz *state);
	const struct rt_contract *contract;
	uint32_t server;
	uint64_t skip;
} targets[TARGETS] = {
	{ "clock", clock_fuzz_step, &clock_contract, SERVER_CLOCK, 0 },
	{ "entropy", entropy_fuzz_step, &entropy_contract, SERVER_ENTROPY, 0 },
	{ "memory", memory_fuzz_step, &memory_contract, SERVER_MEMORY, 0 },
	{ "bus", bus_fuzz_step, &bus_contract, SERVER_BUS, 0 },
	{ "block", block_fuzz_step, &block_contract, SERVER_BLOCK, 0 },
	{ "console", console_fuzz_step, &console_contract, SERVER_CONSOLE, METHOD_BIT(CONSOLE_METHOD_WRITE) },
	{ "session", session_fuzz_step, &session_contract, SERVER_SESSION, 0 },
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

static void outcome_count(struct home *home, uint32_t place, uint32_t method, int64_t status)
{
	struct outcome *outcome = home->outcome;

	for (uint32_t i = 0; i < home->outcome_count; i++, outcome++)
		if (outcome->place == place && outcome->method == (uint16_t)method && outcome->status == status) {
			outcome->count++;
			return;
		}
	if (home->outcome_count == OUTCOME_MAX) {
		home->uncounted++;
		return;
	}
	*outcome = (struct outcome){ .place = (uint16_t)place, .method = (uint16_t)method, .status = (int32_t)status, .count = 1 };
	home->outcome_count++;
}

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
	uint32_t method = targets[place].step(fuzz);
	/* All methods that do not exist are one row. */
	outcome_count(home, place, (method & 0xff) < targets[place].contract->method_count ? method : 0xff, fuzz->status);
	home->is_open = 0;
	if (fuzz->broken != broken)
		rt_log(RT_ERROR, "broken %s method=%x finding=%u status=%ld value=%lx", targets[place].name, fuzz->report.method,
		       fuzz->report.finding, (long)fuzz->report.status, fuzz->report.value);
}

static const char *method_name(const struct rt_contract *contract, uint32_t method)
{
	return (method & 0xff) < contract->method_count ? contract->method[method & 0xff].name : "unknown";
}

/* A row a turn, so that no invocation is long. true: all were told. */
static bool outcome_tell(struct home *home)
{
	if (home->outcome_told == home->outcome_count)
		return true;
	const struct outcome *outcome = &home->outcome[home->outcome_told++];
	rt_log(RT_INFO, "outcome %s.%s status=%d count=%lu", targets[outcome->place].name,
	       method_name(targets[outcome->place].contract, outcome->method), outcome->status, outcome->count);
	return false;
}

static void calls_tell(struct home *home)
{
	for (uint32_t i = 0; i < TARGETS; i++)
		rt_log(RT_INFO, "fuzzed %s calls=%lu accepted=%lu refused=%lu broken=%lu", targets[i].name, home->fuzz[i].calls,
		       home->fuzz[i].accepted, home->fuzz[i].refused, home->fuzz[i].broken);
	rt_log(RT_INFO, "flipped %lu bytes, %lu inside a call; %lu answers not counted", home->flips, home->flips_inside, home->uncounted);
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
	if (!outcome_tell(home))
		return again_at(call, rt_now_ns());
	if (!home->is_told)
		calls_tell(home);
	return again_at(call, RT_NO_DEADLINE);
}

/* Bytes of requests change at any time that the core lets this activity run, on whatever CPU. It never does while a call
 * of this domain is under way: is_open is seen as the call left it. */
static zog_status_t flip_serve(struct zog_call *call, struct home *home)
{
	static uint64_t random; /* scratch: other bytes after a restart are as good */

	if (home->is_told)
		return again_at(call, RT_NO_DEADLINE);
	if (home->is_open)
		home->flips_inside++;
	random += rt_now_ns() | 1;
	for (uint32_t i = 0; i < FLIPS_A_TURN; i++) {
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		uint64_t cpu = (random >> 32) % rt_info()->cpu_count;
		uint8_t *area = (uint8_t *)ZOG_MESSAGE(SELF_DOMAIN, targets[i % TARGETS].server, cpu);
		area[(random >> 40) % ZOG_MESSAGE_SIZE] ^= (uint8_t)(1u << (random >> 60 & 7));
	}
	home->flips += FLIPS_A_TURN;
	return again_at(call, rt_now_ns());
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
	bool is_flip = call->word[0] == ACTIVITY_FLIP;

	rt_option("fuzzer", mode, sizeof(mode));
	if (rt_now_ns() < START_NS)
		return again_at(call, START_NS);
	/* With a starting gun: only after the first kill, so that a test can look at the system before. */
	if (option_number("fuzz_gun", 0) && rt_self()->start_count < 2)
		return again_at(call, rt_now_ns() + GUN_NS);
	if (strcmp(mode, "calls") == 0)
		return is_flip ? flip_serve(call, home) : calls_serve(call, home);
	if (is_flip)
		return again_at(call, RT_NO_DEADLINE);
	if (strcmp(mode, "handles") == 0)
		return handles_serve(call, home);
	return again_at(call, RT_NO_DEADLINE);
}
