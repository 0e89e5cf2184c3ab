/* Visits `errand` and tells the answer: once, or (`until`) again and again until it is another than the first. */
#include "contracts/errand_client.h"
#include "domain.h"
#include "rt/rt.h"

struct home {
	uint64_t visits;
	int64_t first;
	uint64_t is_begun;
};

static zog_status_t finish(zog_status_t status, uint64_t total)
{
	rt_log(RT_INFO, "answer %ld, total %lu", (long)status, total);
	((struct home *)rt_home())->is_begun = 0;
	return rt_exit(status == ZOG_OK ? 0 : 1);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t total = 0;
	zog_status_t status = errand_visit(0, &total);

	(void)call;
	home->visits++;
	if (strcmp(rt_self()->arguments, "until") != 0)
		return finish(status, total);
	if (!home->is_begun) {
		home->is_begun = 1;
		home->first = status;
		rt_log(RT_INFO, "until it is not %ld", (long)status);
	}
	return status == home->first ? ZOG_OK : finish(status, total);
}
