/* Part of test_region_commit.c, whose regions, cuts and readers it uses: commits of one record, core/tsm/region_straight.c. */
#define memcpy words_copy
#define phase_set transaction_phase_set
#include "tsm/schema_steps.c"
#include "tsm/region_straight.c"
#include "tsm/transaction.c"
#undef phase_set
#undef memcpy

static struct zog_txn txn;

static void straight_stage(uint64_t value)
{
	line_write(0, 3, value);
	txn.op[0] = (struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 1 } };
	txn.op_count = 1;
	domain.txn = &txn;
	domain.commit_phase = COMMIT_NONE;
	domain.stats.commits = 0;
	/* What the recovery does not find as the straight way leaves it, it must not rely on. */
	memset(&stage_table[0], 0xee, offsetof(struct stage, bytes));
	memset(CPU->op, 0xee, sizeof(CPU->op[0]));
	domain.commit_ranges = domain.commit_ops = domain.commit_next = 7;
	domain.commit_cut_step = 0;
}

/* As tsm/operation.c: that one operation. */
void operations_finish(struct cpu *cpu, struct domain *of, uint32_t count)
{
	assert_true(count == 1 && cpu->op[0].code == ZOG_OP_REGION_COMMIT && of->commit_ranges == 0);
	for (; of->commit_next < count; of->commit_next++)
		region_act_commit(cpu, of);
}

static uint32_t skipped;
void operation_skip(struct cpu *cpu, struct domain *of)
{
	region_act_skipped(cpu);
	of->commit_next++;
	skipped++;
}

bool operations_take(struct cpu *cpu, struct domain *of, uint32_t count) { (void)cpu, (void)of, (void)count; return false; }
bool operations_decode(struct cpu *cpu, struct domain *of, uint32_t count) { (void)cpu, (void)of, (void)count; return false; }
void operations_apply(struct cpu *cpu, struct domain *of, uint32_t count) { (void)cpu, (void)of, (void)count; }
bool home_map_has(const uint64_t *map, uint64_t bit, uint64_t last) { (void)map, (void)bit, (void)last; return false; }
bool home_schema_check(struct domain *of, uint32_t ranges, const uint64_t *note, uint64_t ruled)
{
	(void)of, (void)ranges, (void)note, (void)ruled;
	return false;
}

static bool is_straight;
static void act_straight(void) { is_straight = region_commit_straight(CPU, &domain); }

static char straight_sees(void)
{
	const struct line *line = (const struct line *)region_table[0].data;

	if (region_table[0].head->version & 1)
		return 'r';
	for (uint32_t i = 0; i < RECORDS; i++)
		if (line[i].value != line[i].twin || (line[i].value != 10 && !(i == 3 && line[i].value == 20)))
			return 'x';
	return line[3].value == 20 ? 'n' : 'o';
}

static void straight_committed_check(void)
{
	const struct region *region = &region_table[0];
	const struct line line = { 20, 20 };
	uint32_t sum = schema_crc32c(0, &line, sizeof(line));
	struct zog_region_version account;

	assert_int_equal(straight_sees(), 'n');
	assert_true(region->head->version == 4 && region->commits == 2 && region->kept == 2 && region->bytes_committed == (RECORDS + 1) * sizeof(line));
	assert_true(region->sum[0][3] == sum && version_is_whole(region, region->newest));
	assert_int_equal(region_version_info(&domain, 0, 2, &account), ZOG_OK);
	assert_true(account.checksum == sum && account.time_ns == 77 && account.author == domain.id);
	assert_int_equal(region_version_info(&domain, 0, 1, &account), ZOG_OK);
	assert_true(value_in(0, 2, 3) == 20 && value_in(0, 1, 3) == 10 && value_in(0, 0, 3) == 0);
}

static bool is_recovered;
static void act_recover(void) { is_recovered = transaction_recover(CPU, &domain); }

/* One record goes straight. Where it is cut before the point of no return nothing has changed; behind it the general way
 * goes on from the phase that the stage names. */
static void test_straight_commit_is_cut_at_every_store(void **state)
{
	bool is_cut = true;
	uint32_t before = 0, behind = 0;

	(void)state;
	for (uint64_t at = 1; is_cut; at++) {
		setup();
		straight_stage(20);
		is_cut = cut(act_straight, at);
		char seen = straight_sees();
		assert_true(seen != 'x');
		if (domain.commit_phase == COMMIT_NONE && domain.stats.commits == 0) {
			assert_true(seen == 'o' && txn.op_count == 1 && region_table[0].commits == 1);
			act_straight();
			before++;
		} else {
			if (is_cut)
				act_recover();
			assert_true(is_recovered || !is_cut);
			behind++;
		}
		straight_committed_check();
		assert_true(txn.op_count == 0 && domain.commit_phase == COMMIT_NONE && domain.stats.commits == 1 && domain.commit_cut_step == 0);
	}
	assert_true(is_straight && before > 10 && behind > 30);
}

/* The recovery is cut, too. Twice in the effect: it is given up, as any other. Twice before the general way knows of it: the
 * commit cannot be finished, and the core gives the domain up (fault/recover.c). Readers see old or new, or try again. */
static void test_straight_commit_is_cut_twice(void **state)
{
	uint32_t unfinished = 0, given_up = 0;
	bool is_cut = true, is_cut_again;

	(void)state;
	skipped = 0;
	for (uint64_t first = 1; is_cut; first++) {
		is_cut_again = true;
		for (uint64_t second = 1; is_cut_again; second++) {
			setup();
			straight_stage(20);
			is_cut = cut(act_straight, first);
			if (!is_cut || domain.commit_phase == COMMIT_NONE)
				break;
			is_cut_again = cut(act_recover, second);
			assert_true(straight_sees() != 'x');
			if (domain.commit_phase == COMMIT_NONE) {
				straight_committed_check();
				continue;
			}
			uint32_t before = skipped;
			act_recover();
			if (!is_recovered) {
				assert_true(domain.commit_phase == COMMIT_RECORD);
				unfinished++;
				continue;
			}
			char seen = straight_sees();
			assert_true(seen == 'o' || seen == 'n');
			assert_true(domain.commit_phase == COMMIT_NONE && domain.commit_cut_step == 0 && txn.op_count == 0);
			assert_in_range(domain.stats.commits, 1, 2); /* cut behind the count, it counts again */
			given_up += skipped > before;
		}
	}
	assert_true(unfinished > 100 && given_up > 300);
}

static bool straight_takes(struct zog_op op)
{
	txn.op[0] = op;
	txn.op_count = 1;
	act_straight();
	assert_true(is_straight || (txn.op_count == 1 && domain.commit_phase == COMMIT_NONE));
	return is_straight;
}

/* What the straight way does not know it leaves to the general one, with nothing changed. */
static void test_what_does_not_go_straight(void **state)
{
	(void)state;
	setup();
	straight_stage(20);
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 2 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, RECORDS, 1 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, UINT64_MAX, 1 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 1, 3, 1 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 1ul << 32, 3, 1 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 9, { 0, 3, 1 } }));
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 2, { 0, 3, 1 } })); /* its validator commits */
	assert_false(straight_takes((struct zog_op){ ZOG_OP_NOTIFY, 0, { 0, 3, 1 } }));
	present[0] = 0; /* an untouched page of the buffer */
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 1 } }));
	present[0] = PTE_PRESENT;
	txn.range_count = 1;
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 1 } }));
	txn.range_count = 0;
	line_write(0, 3, 9); /* the schema says: never less */
	assert_false(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 1 } }));
	assert_true(straight_sees() == 'o' && region_table[0].head->version == 2 && region_table[0].commits == 1);
	line_write(0, 3, 20);
	assert_true(straight_takes((struct zog_op){ ZOG_OP_REGION_COMMIT, 0, { 0, 3, 1 } }));
	straight_committed_check();
}

#define STRAIGHT_TESTS cmocka_unit_test(test_straight_commit_is_cut_at_every_store), cmocka_unit_test(test_straight_commit_is_cut_twice), \
	cmocka_unit_test(test_what_does_not_go_straight)
