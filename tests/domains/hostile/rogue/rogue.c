/* The order of attempts, and the record of what came of each.
 *
 * next and is_running are committed before an attempt. When the activity finds is_running set, the attempt has ended
 * the domain: that is its outcome. Every attempt is made in an invocation of its own, so that none inherits the ticks
 * that another has used up. */
#include "rogue.h"

#define START_DELAY_NS 1500000000ul /* programs are to be running by then */

static const struct {
	const struct attempt *row;
	const uint32_t *count;
} parts[] = {
	{ attempts_memory, &attempts_memory_count },
	{ attempts_instruction, &attempts_instruction_count },
	{ attempts_call, &attempts_call_count },
	{ attempts_transaction, &attempts_transaction_count },
};

static const struct attempt *attempt_find(uint32_t number)
{
	for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (number < *parts[i].count)
			return &parts[i].row[number];
		number -= *parts[i].count;
	}
	return NULL;
}

static void attempt_told(struct home *home, const struct attempt *attempt, const char *outcome, zog_status_t status)
{
	rt_log(RT_INFO, "attempt %u %s %s status=%ld", home->next, attempt->name, outcome, (long)status);
	home->is_running = 0;
	home->next++;
}

static void attempt_make(struct home *home, const struct attempt *attempt)
{
	rt_log(RT_INFO, "attempt %u %s begins", home->next, attempt->name);
	home->is_running = 1;
	rt_commit();
	zog_status_t status = attempt->make(attempt);
	if (status == OUTCOME_DONE || status == ZOG_OK)
		attempt_told(home, attempt, "succeeded", 0);
	else if (status == OUTCOME_HARMLESS)
		attempt_told(home, attempt, "harmless", 0);
	else
		attempt_told(home, attempt, "refused", status);
}

static zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), deadline_ns);
}

static zog_status_t attempts_step(struct zog_call *call, struct home *home)
{
	const struct attempt *attempt = attempt_find(home->next);

	if (attempt == NULL) {
		if (!home->is_told)
			rt_log(RT_INFO, "done %u attempts, %lu ms after boot", home->next, rt_now_ns() / 1000000);
		home->is_told = 1;
		return again_at(call, RT_NO_DEADLINE);
	}
	if (home->is_running)
		attempt_told(home, attempt, "ended", 0);
	else
		attempt_make(home, attempt);
	return again_at(call, rt_now_ns());
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

static zog_status_t fuzz_serve(struct zog_call *call, struct home *home)
{
	/* With a starting gun: only after the first kill, so that a test can look at the system before. */
	if (option_number("fuzz_gun", 0) && rt_self()->start_count < 2)
		return again_at(call, rt_now_ns() + 20000000);
	if (home->fuzz.random == 0)
		home->fuzz.random = option_number("rogue_seed", 1) * 0x9e3779b97f4a7c15ul | 1;
	if (!fuzz_step(home, option_number("rogue_count", 1000)))
		return again_at(call, rt_now_ns());
	if (!home->is_told)
		rt_log(RT_INFO, "done %lu random calls, %lu did not return, %lu ms after boot", home->fuzz.made, home->fuzz.lost, rt_now_ns() / 1000000);
	home->is_told = 1;
	return again_at(call, RT_NO_DEADLINE);
}

/* Told to, it never comes up. */
zog_status_t domain_start(struct zog_call *call)
{
	char mode[16] = "";

	(void)call;
	rt_option("rogue", mode, sizeof(mode));
	return strcmp(mode, "start") == 0 ? ZOG_ERR_CORRUPT : ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char mode[16] = "";

	rt_option("rogue", mode, sizeof(mode));
	if (rt_now_ns() < START_DELAY_NS)
		return again_at(call, START_DELAY_NS);
	if (strcmp(mode, "attempts") == 0)
		return attempts_step(call, home);
	if (strcmp(mode, "fuzz") == 0)
		return fuzz_serve(call, home);
	return again_at(call, RT_NO_DEADLINE);
}
