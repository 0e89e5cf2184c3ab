/* A good source. */
#include "contracts/slots_client.h"
zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = rt_home();
	return slots_claim() ? rt_wait(call, EVENT_DONE, home->seen, 0) : rt_self()->window[0].address;
}
