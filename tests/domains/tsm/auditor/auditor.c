/* The validator of the book. Its rule, which no schema can say: the total is the sum of all entries. The proposal's order
 * makes it misbehave. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/petition.h"
#include "contracts/audit_server.h"

struct home {
	uint64_t decided, hooks;
	uint32_t has_faulted, reserved;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#define BOOK REGION_BOOK
#define SUM_FIELD 0u

/* As the book would be: what is proposed, else what is committed. */
static void record_get(struct region_kind kind, uint32_t index, void *out)
{
	const void *proposed = region_proposed(BOOK, kind, index);

	if (proposed != NULL)
		memcpy(out, proposed, kind.bytes);
	else
		region_copy(BOOK, kind, index, out); /* nobody but this domain commits */
}

static void judge(const struct zog_region_proposal *proposal)
{
	struct petition_book_total total;
	struct petition_book_entry entry;
	uint64_t sum = 0;

	record_get(PETITION_BOOK_TOTAL, 0, &total);
	for (uint32_t i = 0; i < PETITION_BOOK_ENTRY_COUNT; i++) {
		record_get(PETITION_BOOK_ENTRY, i, &entry);
		sum += entry.value;
	}
	const struct region_reason reason = { ZOG_RULE_VALIDATOR, SUM_FIELD, PETITION_BOOK_TOTAL, 0, sum };
	if (sum == total.sum)
		region_accept(BOOK, proposal->number);
	else
		region_reject(BOOK, proposal->number, &reason);
}

static void misbehave(const struct zog_region_proposal *proposal, uint32_t order)
{
	if (order == PETITION_ORDER_FAULT)
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0);
	while (order == PETITION_ORDER_HANG)
		__asm__ volatile("pause");
	if (order == PETITION_ORDER_GO_BACK)
		rt_assert(region_rollback(BOOK, region_version(BOOK) - 1) == ZOG_OK);
	if (order == PETITION_ORDER_FORGE)
		region_accept(BOOK, proposal->number + 1);
	if (order == PETITION_ORDER_DECIDE_TWICE)
		region_accept(BOOK, proposal->number), region_accept(BOOK, proposal->number);
	if (order == PETITION_ORDER_STORE)
		*(volatile uint64_t *)((uintptr_t)proposal + ZOG_PAGE_SIZE) = 1;
}

zog_status_t audit_verdicts_serve(struct zog_call *call, uint64_t *count)
{
	(void)call;
	*count = ((const struct home *)rt_home())->decided;
	return ZOG_OK;
}

/* The first of the hooks. Of the second rollback it hears in two goes: a fault cuts the first. The third it never leaves. */
zog_status_t domain_rollback(struct zog_call *call)
{
	struct home *home = rt_home();

	rt_log(RT_INFO, "hook region=%lu epoch=%lu", call->word[0], call->word[1]);
	if (call->word[1] == 2 && !home->has_faulted) {
		home->has_faulted = 1;
		rt_commit();
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0);
	}
	while (call->word[1] == 3)
		__asm__ volatile("pause");
	home->hooks++;
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(WAIT_PETITION_CHANGED);
	const struct zog_region_proposal *proposal = region_proposal(BOOK);
	struct petition_book_total total;

	if (proposal == NULL)
		return rt_wait(call, WAIT_PETITION_CHANGED, seen, RT_NO_DEADLINE);
	record_get(PETITION_BOOK_TOTAL, 0, &total);
	if (total.order == PETITION_ORDER_SILENT)
		return rt_wait(call, WAIT_PETITION_CHANGED, seen, RT_NO_DEADLINE);
	if (total.order == PETITION_ORDER_JUDGE)
		judge(proposal);
	else
		misbehave(proposal, total.order);
	home->decided++;
	rt_notify(EVENT_DECIDED, 0);
	return rt_wait(call, WAIT_PETITION_CHANGED, seen, RT_NO_DEADLINE);
}
