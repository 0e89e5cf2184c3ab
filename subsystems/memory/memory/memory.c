/* The memory domain: page policy. It is born with all frames that boot did not use, one contiguous run, and gives
 * each domain of the shares table (manifest.toml, [shares]) its percentage of them, once.
 *
 * Protocol. share() cuts the caller's run from the front of what is left, records it, and grants it piece by piece, since one
 * transaction may only ask for so much: what was given and the grant take effect in the same commit, so a repeat after any
 * fault goes on behind it, and a caller that was given its run gets the same answer for ever. Shares are percent of the whole, so that what a domain gets
 * does not depend on who asked first. */
#include "rt/rt.h"
#include "base/intact.h"
#include "domain.h"
#include "home.h"
#include "contracts/memory_server.h"

struct share {
	uint32_t domain, percent;
};
static const struct share shares[SHARE_COUNT] = SHARES;

_Static_assert(DOMAIN_COUNT <= ZOG_DOMAIN_MAX, "every domain has a record");

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = home_intact(sizeof(*home));

	(void)call;
	if (!home->is_known) {
		home->first_frame = rt_self()->free_first_frame;
		home->total = rt_self()->free_frame_count;
		home->is_known = 1;
	}
	rt_assert(home->granted <= home->total);
	return ZOG_OK;
}

#define PIECE_FRAMES (ZOG_TXN_WORK_MAX / 2) /* a step a frame, and some for the operation */

/* Cuts `count` frames off for a domain. */
static void run_cut(struct home *home, struct run *run, uint64_t count)
{
	run->first_frame = home->first_frame + home->granted;
	run->count = count;
	home->granted += count;
}

static void run_give(struct run *run, uint32_t domain)
{
	while (run->given < run->count) {
		uint64_t left = run->count - run->given, piece = left < PIECE_FRAMES ? left : PIECE_FRAMES;

		rt_stage(ZOG_OP_FRAME_GRANT, 0, run->first_frame + run->given, piece, domain, 0, 0);
		run->given += piece;
		rt_commit();
	}
}

/* 0 for a domain that the table does not name. */
static uint32_t share_percent(uint32_t domain)
{
	for (uint32_t i = 0; i < SHARE_COUNT; i++)
		if (shares[i].domain == domain)
			return shares[i].percent;
	return 0;
}

zog_status_t memory_share_serve(struct zog_call *call, uint64_t *first_frame, uint64_t *count)
{
	struct home *home = home_intact(sizeof(*home));
	uint32_t client = call->client_domain;
	uint32_t percent = share_percent(client);

	if (client >= DOMAIN_COUNT || percent == 0)
		return ZOG_ERR_DENIED;
	if (home->run[client].count == 0) {
		uint64_t wanted = home->total * percent / 100;
		uint64_t left = home->total - home->granted;

		if (wanted == 0 || wanted > left)
			return ZOG_ERR_MEMORY;
		run_cut(home, &home->run[client], wanted);
	}
	run_give(&home->run[client], client);
	*first_frame = home->run[client].first_frame;
	*count = home->run[client].count;
	return ZOG_OK;
}

zog_status_t memory_usage_serve(struct zog_call *call, uint64_t *total, uint64_t *granted)
{
	const struct home *home = home_intact(sizeof(*home));

	(void)call;
	*total = home->total;
	*granted = home->granted;
	return ZOG_OK;
}
