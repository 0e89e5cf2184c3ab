/* Hostile calls by the generated fuzzers; see README.md.
 *
 * The state of a fuzzer is committed before each call: whatever becomes of the call, the next one is another, unless it made
 * this activity wait. */
#include "fuzzer.h"

#define CALLS_A_TURN 32u
#define FLIPS_A_TURN 256u
#define START_NS 1000000000ul /* programs are to be running by then */
#define GUN_NS 20000000ul
#define EVENT_NS 300000000ul

zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), deadline_ns);
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	if (!rt_option(key, text, sizeof(text)))
		return otherwise;
	for (const char *at = text; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

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

	if (fuzz->seed == 0)
		fuzz->seed = option_number("fuzz_seed", 1) + place;
	if (targets[place].prepare)
		targets[place].prepare(fuzz);
	home->done++;
	home->is_open = 1;
	fuzz->step++; /* so that a call that ends this domain is not the next one again */
	rt_commit();
	fuzz->step--;
	uint32_t method = targets[place].step(fuzz);
	if (targets[place].learn && fuzz->status == ZOG_OK)
		targets[place].learn(fuzz, method);
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
	rt_log(RT_INFO, "waited %lu times for the answer, %lu calls were not made again", home->waited, home->left);
	rt_log(RT_INFO, "done %lu calls, %lu did not return", home->done, home->lost);
	home->is_told = 1;
}

/* A call was under way when this activity was entered again: it made the activity wait (and is made again, as a rule), or it
 * ended this domain. */
static void call_reopen(struct home *home, const struct zog_call *call)
{
	uint32_t place = turns[(home->done - 1) % TURNS];
	const struct target *target = &targets[place];
	struct fuzz *fuzz = &home->fuzz[place];

	home->is_open = 0;
	if (call->reason == ZOG_REASON_RESTART) {
		home->lost++;
		return;
	}
	if (++home->waited % 8 == 0) {
		home->left++;
		if (target->forget)
			target->forget(fuzz);
		return;
	}
	home->done--;
	fuzz->step--;
}

/* Once, at the end: an event that others raise all the time. */
static zog_status_t event_tell(struct zog_call *call, struct home *home)
{
	if (!home->is_waiting) {
		home->is_waiting = 1;
		return rt_wait(call, WAIT_BLOCK_DONE, rt_event_count(WAIT_BLOCK_DONE), rt_now_ns() + EVENT_NS);
	}
	rt_log(RT_INFO, "waited for block.done: count=%lu reason=%u", rt_event_count(WAIT_BLOCK_DONE), call->reason);
	calls_tell(home);
	return again_at(call, RT_NO_DEADLINE);
}

static zog_status_t calls_serve(struct zog_call *call, struct home *home)
{
	uint64_t count = option_number("fuzz_count", 2000);

	if (home->is_open)
		call_reopen(home, call);
	for (uint32_t i = 0; i < CALLS_A_TURN && home->done < count; i++)
		target_call(home, turns[home->done % TURNS]);
	if (home->done < count)
		return again_at(call, rt_now_ns());
	if (!outcome_tell(home))
		return again_at(call, rt_now_ns());
	return home->is_told ? again_at(call, RT_NO_DEADLINE) : event_tell(call, home);
}

/* Bytes of requests change at any time that the core lets this activity run, on whatever CPU. It never does while a call
 * of this domain is under way: is_open is seen as the call left it. */
static zog_status_t flip_serve(struct zog_call *call, struct home *home)
{
	static uint64_t random; /* scratch: other bytes after a restart are as good */

	if (home->is_told)
		return again_at(call, RT_NO_DEADLINE);
	if (home->is_open && !targets[turns[(home->done - 1) % TURNS]].waits)
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
	if (strcmp(mode, "leaks") == 0)
		return leaks_serve(call, home, is_flip);
	if (is_flip)
		return again_at(call, RT_NO_DEADLINE);
	if (strcmp(mode, "streams") == 0)
		return flood_serve(call, home);
	if (strcmp(mode, "handles") == 0)
		return handles_serve(call, home);
	return again_at(call, RT_NO_DEADLINE);
}
