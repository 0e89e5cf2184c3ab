/* One step an invocation. Its number is committed first; what a step stores past the hook is not in the log, so that the
 * commit at the end leaves live and committed image apart, or, in the checking mode, is told and undone: the next step
 * says what it finds. */
#include "rt/rt.h"
#include "home.h"

enum { STEPS = 7 };

/* As inline assembly of a careless driver would. */
static void store_by_assembly(uint32_t *place, uint32_t value) { __asm__ volatile("movl %1, (%0)" : : "r"(place), "r"(value) : "memory"); }

/* As a function that was excepted from the hook, and forgot to report. */
__attribute__((no_sanitize("kernel-address"), noinline)) static void store_without_hook(uint64_t *place, uint64_t value) { *place = value; }

static void step_do(struct home *home, uint64_t step)
{
	switch (step) {
	case 1:
		store_by_assembly(&home->item[2].kind, 7);
		break;
	case 2:
		home->item[0].count = 5; /* the hook's own */
		store_without_hook(&home->item[1].count, 50);
		break;
	case 3:
		home->item[3] = (struct item){ .kind = 3, .count = 3 };
		__atomic_fetch_add(&home->item[3].count, 1, __ATOMIC_RELAXED);
		break;
	case 4:
		store_without_hook(&home->spare, 1);
		rt_commit(); /* seen here, in the middle of the invocation */
		rt_log(RT_INFO, "after its commit spare is %lu", home->spare);
		break;
	case 5:
		store_by_assembly(&home->item[2].kind, 0); /* what stands there: no difference */
		break;
	case 6:
		rt_copy(&home->copy); /* refused, and the core says so in `done`: a store that no hook of the domain's sees */
		break;
	}
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char option[4] = "";
	uint64_t step = home->step;

	if (!rt_option("home_escape", option, sizeof(option)))
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	rt_log(RT_INFO, "step %lu finds %lu %u %lu %lu", step, home->item[0].count, home->item[2].kind, home->item[1].count, home->item[3].count);
	if (step == STEPS) {
		rt_log(RT_INFO, "done");
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	}
	home->copy = (struct zog_copy){ .kind = ZOG_COPY_FROM_PROGRAM, .done = 77 };
	home->step = step + 1;
	rt_commit();
	step_do(home, step);
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), rt_now_ns());
}
