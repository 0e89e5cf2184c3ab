/* A service for tests: does what its arguments say, and counts. See README.md. */
#include "contracts/errand_server.h"
#include "domain.h"
#include "rt/rt.h"

struct home {
	uint64_t steps, visits, target;
};

static bool is_started; /* scratch: told once a life */

/* The number behind WORD in the arguments; false: they begin with something else. No number: 0. */
static bool argument_is(const char *word, uint64_t *number)
{
	const char *text = rt_self()->arguments;
	size_t length = strlen(word);

	*number = 0;
	if (strncmp(text, word, length) != 0 || (text[length] != '\0' && text[length] != ' '))
		return false;
	for (const char *at = text + length + (text[length] == ' '); *at >= '0' && *at <= '9'; at++)
		*number = *number * 10 + (uint64_t)(*at - '0');
	return true;
}

static zog_status_t step_work(struct home *home, uint64_t count)
{
	if (home->target == 0)
		home->target = home->steps + count;
	home->steps++;
	if (home->steps % 100 == 0)
		rt_log(RT_INFO, "step %lu", home->steps);
	if (home->steps < home->target)
		return ZOG_OK;
	home->target = 0;
	rt_log(RT_INFO, "done at step %lu", home->steps);
	return rt_exit(7);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t number;

	if (!is_started) {
		is_started = true;
		rt_log(RT_INFO, "start %u after %lu steps, arguments '%s'", rt_self()->start_count, home->steps, rt_self()->arguments);
	}
	if (argument_is("exit", &number))
		return rt_exit((uint32_t)number);
	if (argument_is("work", &number))
		return step_work(home, number);
	if (argument_is("crash", &number)) {
		if (number == 0 || home->steps < number) {
			home->steps++;
			rt_commit();
			rt_assert(false);
		}
		home->steps = 0;
	}
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
}

zog_status_t errand_visit_serve(struct zog_call *call, uint64_t hurry, uint64_t *total)
{
	struct home *home = rt_home();

	(void)call, (void)hurry;
	*total = ++home->visits;
	return ZOG_OK;
}
