/* Faults again and again, if told to: see README.md. */
#include "domain.h"
#include "rt/rt.h"

#define RARELY 100u
#define STEPS_MAX 4000u

struct home {
	uint64_t steps;
};

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char how[8] = "";
	bool is_told = rt_option("stumbler", how, sizeof(how));

	if (!is_told || home->steps >= STEPS_MAX) {
		if (is_told)
			rt_log(RT_INFO, "%lu steps done", home->steps);
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	}
	home->steps++;
	rt_commit();
	rt_assert(strcmp(how, "always") != 0 && home->steps % RARELY != 0);
	return ZOG_OK;
}
