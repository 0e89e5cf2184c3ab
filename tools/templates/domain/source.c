/* @NAME@: counts its beats, and goes on counting after a fault.
 *
 * Protocol: the core issues the activity again and again; each turn adds a beat and waits. All that must survive is in
 * struct home, and changes with the commit of the reply: a turn that is killed at any instruction never was. */
#include "domain.h"
@contract #include "contracts/@CLASS@_server.h"
#include "rt/rt.h"
#include "tally.h"

#define BEAT_NS 50000000ull

struct home {
	struct tally tally;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

/* The first start and the one after a fault are the same: the home region is empty, or as it was committed. */
zog_status_t domain_start(struct zog_call *call)
{
	const struct home *home = rt_home();

	(void)call;
	rt_assert(tally_is_sound(&home->tally));
	rt_log(RT_INFO, "start %u at beat %lu", rt_self()->start_count, home->tally.count);
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();

	tally_add(&home->tally);
	rt_log(RT_INFO, "beat %lu sum %lu", home->tally.count, home->tally.sum);
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), rt_now_ns() + BEAT_NS);
}
@contract
@contract zog_status_t @CLASS@_beats_serve(struct zog_call *call, uint64_t *count)
@contract {
@contract 	const struct home *home = rt_home();
@contract
@contract 	(void)call;
@contract 	*count = home->tally.count;
@contract 	return ZOG_OK;
@contract }
