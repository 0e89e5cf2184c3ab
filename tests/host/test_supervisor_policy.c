/* sources: subsystems/supervisor/supervisor/policy.c */
/* flags: -Ibuild/gen/domains/supervisor */
/* The supervisor's verdict about what the scheduler proposes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/supervisor/policy.h"
#include "rt/region.h"
#include "domain.h"

static struct zog_region_proposal proposal = { .number = 7 };
static struct scheduler_policy_slice slice;
static bool is_pending, has_slice;
static uint64_t accepted, rejected, value;
static uint32_t notified, waited;

const struct zog_region_proposal *region_proposal(uint32_t region)
{
	assert_int_equal(region, REGION_POLICY);
	return is_pending ? &proposal : NULL;
}
const void *region_proposed(uint32_t region, struct region_kind kind, uint32_t index)
{
	(void)kind;
	assert_true(region == REGION_POLICY && index == 0);
	return is_pending && has_slice ? &slice : NULL;
}
void region_accept(uint32_t region, uint64_t number) { (void)region, accepted = number; }
void region_reject(uint32_t region, uint64_t number, const struct region_reason *reason)
{
	(void)region;
	assert_true(reason->rule == ZOG_RULE_VALIDATOR && reason->index == 0);
	rejected = number;
	value = reason->value;
}
zog_status_t region_rollback(uint32_t region, uint64_t version)
{
	assert_int_equal(region, REGION_POLICY);
	return version == 3 ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}
void rt_notify(uint32_t event, uint32_t wake)
{
	(void)wake;
	assert_int_equal(event, EVENT_DECIDED);
	notified++;
}
uint64_t rt_event_count(uint32_t event) { return event == WAIT_SCHEDULER_PROPOSED ? 5 : 0; }
zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call, (void)deadline_ns;
	assert_true(event == WAIT_SCHEDULER_PROPOSED && seen == 5);
	waited++;
	return ZOG_WAIT;
}

static void every_proposal_gets_one_verdict(void **state)
{
	static const struct { uint64_t slice_ns, ready; bool is_good; } row[] = {
		{ 10000000, 0, true }, { 10000000, 1, true }, { 5000000, 2, true }, { 5000001, 2, false }, { 3333333, 3, true },
		{ 2000000, 5, true }, { 2000000, 1000, true }, { 2000001, 5, false }, { 1999999, 8, false }, { 10000001, 1, false },
		{ 0, 0, false }, { UINT64_MAX, 1, false }, { 2000000, UINT64_MAX, true },
	};
	struct zog_call call = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		is_pending = has_slice = true;
		accepted = rejected = notified = waited = 0;
		slice = (struct scheduler_policy_slice){ row[i].slice_ns, row[i].ready };
		assert_int_equal(policy_activity(&call), ZOG_WAIT);
		assert_true(row[i].is_good ? accepted == 7 && rejected == 0 : accepted == 0 && rejected == 7 && value == row[i].slice_ns);
		assert_true(notified == 1 && waited == 1);
	}
}

static void nothing_proposed_is_waited_for(void **state)
{
	struct zog_call call = { 0 };

	(void)state;
	is_pending = false;
	accepted = rejected = notified = waited = 0;
	assert_int_equal(policy_activity(&call), ZOG_WAIT);
	assert_true(accepted == 0 && rejected == 0 && notified == 0 && waited == 1);
}

static void a_rollback_is_the_schedulers_alone(void **state)
{
	(void)state;
	notified = 0;
	assert_int_equal(policy_rollback(DOMAIN_CLOCK, 3), ZOG_ERR_ARGUMENT);
	assert_int_equal(policy_rollback(DOMAIN_SCHEDULER, 4), ZOG_ERR_NOT_FOUND);
	assert_int_equal(notified, 0);
	assert_int_equal(policy_rollback(DOMAIN_SCHEDULER, 3), ZOG_OK);
	assert_int_equal(notified, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_proposal_gets_one_verdict),
		cmocka_unit_test(nothing_proposed_is_waited_for),
		cmocka_unit_test(a_rollback_is_the_schedulers_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
