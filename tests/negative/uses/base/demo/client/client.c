/* A good source: everything the manifest grants is used, and nothing else. WAIT_SLOTS_NONE and CAP_SLOTS in a comment are no use. */
#include "contracts/echo_client.h"
static void personality(struct zog_incident *out)
{
	struct home *home = rt_home();
	home->said = "CAP_SLOTS WAIT_ECHO_GONE";
	echo_ask(1, &home->value);
	rt_wait(home->call, WAIT_ECHO_READY, 0, RT_NO_DEADLINE);
	rt_incident(CAP_INSPECT, 1, out);
	rt_stage(ZOG_OP_MAP, EVENT_DYNAMIC_BASE, 0, 0, 0, 0, 0);
}
