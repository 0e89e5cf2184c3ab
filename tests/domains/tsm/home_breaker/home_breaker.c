/* One step at a time: the step's number is committed first, so that the call that is issued again after the refusal goes
 * on with the next. Each step tells what it finds before it breaks anything: what the last one broke must be as it was. */
#include "rt/rt.h"
#include "home.h"

static void records_make(struct home *home)
{
	for (uint32_t i = 0; i < ITEMS - 1; i++) /* the last one stays free */
		home->item[i] = (struct item){ .is_used = 1, .kind = 1 + i, .count = 10 };
}

/* false: nothing is left to break. */
static bool record_break(struct home *home, uint64_t step)
{
	switch (step) {
	case 1:
		home->item[2].kind = KIND_LAST + 72;
		return true;
	case 2:
		home->item[1].next = ITEMS + 1;
		return true;
	case 3:
		home->item[1].next = ITEMS; /* inside the table, but nobody is there */
		return true;
	case 4:
		home->item[0].count = 9;
		return true;
	case 5:
		home->item[ITEMS - 1].is_used = 1; /* alive, and its kind is still 0 */
		rt_commit();
		return true;
	}
	return false;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char option[4] = "";
	uint64_t step = home->step;

	if (!rt_option("home_break", option, sizeof(option)))
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	if (step == 0)
		records_make(home);
	rt_log(RT_INFO, "step %lu finds kind %u next %u count %lu used %u", step, home->item[2].kind, home->item[1].next, home->item[0].count,
	       home->item[ITEMS - 1].is_used);
	home->step = step + 1;
	rt_commit();
	if (step == 0 || record_break(home, step))
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), rt_now_ns());
	rt_log(RT_INFO, "done");
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
}
