/* Takes snapshots of the book whenever something was decided, and checks the auditor's rule in each: whatever becomes of
 * writer and validator, nothing is committed that the validator has not agreed to. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/petition.h"

struct home {
	uint64_t snapshots, bad, hooks;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the counts");

static bool snapshot_take(struct petition_book_total *total, uint64_t *sum)
{
	uint64_t version = region_read_begin(REGION_BOOK);
	struct petition_book_entry entry;

	*sum = 0;
	region_copy(REGION_BOOK, PETITION_BOOK_TOTAL, 0, total);
	for (uint32_t i = 0; i < PETITION_BOOK_ENTRY_COUNT; i++) {
		region_copy(REGION_BOOK, PETITION_BOOK_ENTRY, i, &entry);
		*sum += entry.value;
	}
	return region_read_end(REGION_BOOK, version);
}

zog_status_t domain_rollback(struct zog_call *call)
{
	struct home *home = rt_home();

	home->hooks++;
	rt_log(RT_INFO, "hook region=%lu epoch=%lu", call->word[0], call->word[1]);
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(WAIT_AUDIT_DECIDED), sum;
	struct petition_book_total total;

	for (uint32_t i = 0; i < 8; i++) {
		if (!snapshot_take(&total, &sum))
			continue;
		home->snapshots++;
		if (sum == total.sum)
			continue;
		home->bad++;
		rt_log(RT_ERROR, "bad: total %lu, entries %lu", total.sum, sum);
	}
	return rt_wait(call, WAIT_AUDIT_DECIDED, seen, RT_NO_DEADLINE);
}
