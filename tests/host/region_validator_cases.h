/* Cases of test_region_commit.c: what a validator may decide, and what becomes of a proposal where it does not. */
#ifndef REGION_VALIDATOR_CASES_H
#define REGION_VALIDATOR_CASES_H

static void test_who_may_decide_what(void **state)
{
	struct region *region = &region_table[2];
	const struct zog_op commit_past = { ZOG_OP_REGION_COMMIT, 2, { 0, 0, 1 } };
	const struct zog_op by_writer = { ZOG_OP_REGION_VERDICT, 2, { 1, 0, 0 } };

	(void)state;
	setup();
	assert_false(region_decode_commit(CPU, &domain, &commit_past, true));
	assert_false(verdict(0, 0)); /* nothing is pending */
	assert_false(verdict(1, 0));
	proposal_stage(20);
	act_commit();
	assert_false(propose(0, 1, true)); /* one at a time */
	assert_false(region_decode_verdict(CPU, &domain, &by_writer, true));
	assert_false(verdict(2, 0));
	assert_true(verdict(1, ZOG_RULE_VALIDATOR) && region_check(CPU, &validator));
	act_verdict();
	assert_true(region->head->decided == 1 && region->head->verdict == ZOG_ERR_DENIED && region->head->version == 0);
	assert_true(notices == 1 && notice_cause == ZOG_CAUSE_VALIDATION && notice_address == 99 && notice_error == ZOG_RULE_VALIDATOR);
	assert_false(verdict(1, 0)); /* replayed */
	proposal_stage(30);
	act_commit();
	region_validator_faulted(&validator);
	assert_int_equal(region->head->decided, 1);
	region_validator_faulted(&validator);
	assert_true(region->head->decided == 2 && region->head->verdict == ZOG_ERR_POISON && third(0) == 0);
}

/* In quarantine before the proposal or after it: the writer is told, and the records are as they were. */
static void test_quarantined_validator(void **state)
{
	struct region *region = &region_table[2];

	(void)state;
	setup();
	proposal_stage(20);
	act_commit();
	validator.state = DOMAIN_QUARANTINED;
	region_validator_quarantined(&validator);
	assert_true(region->head->decided == 1 && region->head->verdict == ZOG_ERR_QUARANTINED);
	domain_table[region->desc->validator].state = DOMAIN_QUARANTINED;
	proposal_stage(30);
	act_commit();
	assert_true(region->head->proposed == 2 && region->head->decided == 2 && region->head->verdict == ZOG_ERR_QUARANTINED && third(0) == 0);
	domain_table[region->desc->validator].state = validator.state = DOMAIN_READY; /* a new program brought it back */
	proposal_stage(40);
	act_commit();
	assert_true(verdict(3, 0) && region_check(CPU, &validator));
	act_verdict();
	assert_true(region->head->verdict == ZOG_OK && third(0) == 40);
}

/* Time alone does not condemn a validator, nor being seen idle alone. */
static void test_overdue_validator(void **state)
{
	struct region *region = &region_table[2];

	(void)state;
	setup();
	proposal_stage(20);
	act_commit();
	for (uint32_t i = 0; i < 10 * LOOKS_MIN; i++)
		proposal_look(&validator, region);
	assert_true(region->head->decided == 0 && woken == 0);
	now_ns += TIME_NS;
	region->proposal_looks = 0;
	for (uint32_t i = 0; i < LOOKS_MIN - 1; i++)
		proposal_look(&validator, region);
	assert_int_equal(region->head->decided, 0);
	proposal_look(&validator, region);
	assert_true(region->head->decided == 1 && region->head->verdict == ZOG_ERR_TIMEOUT && third(0) == 0 && woken == 1);
	assert_true(notices == 1 && notice_cause == ZOG_CAUSE_DEADLINE && notice_address == 1);
	assert_false(verdict(1, 0)); /* too late */
	now_ns -= TIME_NS;
}

#endif
