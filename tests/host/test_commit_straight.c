/* groups: tsm */
/* sources: core/tsm/transaction.c core/tsm/home_schema.c core/tsm/home_tables.c core/arch/x86_64/commit.S */
/* The straight way of a commit, and of an abort, against the general one: with any log, right or wrong, it either does exactly
 * what transaction_commit (transaction_abort) does, or refuses and has changed nothing. And both are cut: single-stepped,
 * with an exception at every one of their instructions. After a commit the real recovery or the abort has to leave all of
 * the transaction or none; after an abort the committed image is what it was, and another abort finds the same log and does
 * the same, or finds none and all is done. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tsm/transaction.h"
#include "tsm/region.h"

#define PAGES 6u
#define BYTES (PAGES * ZOG_PAGE_SIZE)
#define ROUNDS 4000u
#define TRAP_FLAG 0x100ul

static struct domain domain;
static struct cpu cpu;
static uint8_t live[BYTES], committed[BYTES], valid[PAGES], live_before[BYTES], committed_before[BYTES], expected[BYTES];
static struct zog_txn txn, txn_before;
static uint64_t room[COMMIT_ROOM_WORDS + 1];
static uint64_t look[PAGES * HOME_LOOK_WORDS + 1], boot_room[4096];
static uint64_t seed = 88172645463325252ul;

/* Records of which one field has a rule, over two pages. */
struct row {
	uint32_t free, kind; /* kind in 0..5 */
	uint64_t other;
};
#define ROWS 32u
#define ROW_AT (2 * ZOG_PAGE_SIZE - 13 * (uint32_t)sizeof(struct row) - 8)
static const struct home_rule row_rule[] = {
	{ .field = "kind", .rule = ZOG_RULE_RANGE, .bytes = 4, .stride = 4, .repeat = 1, .offset = offsetof(struct row, kind), .last = 5 },
};
static const struct home_table row_table = { "row", ROW_AT, sizeof(struct row), ROWS, 1, ROW_AT + ROWS * sizeof(struct row), 0, row_rule,
					     0, 0, 1 };
static const struct home_schema schema = { ROW_AT, ROW_AT + ROWS * sizeof(struct row), 1, &row_table };

void *boot_pointer(uint64_t bytes)
{
	static uint64_t used;

	used = used + bytes + 16 > sizeof(boot_room) ? 0 : used;
	uint64_t *at = boot_room + used / 8;
	used += (bytes + 15) & ~15ul;
	memset(at, 0, bytes);
	return at;
}

/* No operation is staged here that could be right. */
bool operations_take(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; return false; }
bool operations_decode(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; return false; }
void operations_apply(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; fail(); }
void operation_skip(struct cpu *of, struct domain *by) { (void)of, by->commit_next++; }
void region_straight_resume(struct cpu *of, struct domain *by) { (void)of, (void)by; fail(); }
void operations_finish(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; fail(); }

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return seed % below;
}

static void domain_make(uint32_t solid_pages)
{
	for (uint32_t i = 0; i < PAGES; i++)
		valid[i] = i < solid_pages || (i > solid_pages && draw(2));
	valid[2] = valid[1]; /* a record stands on both: the general way would fill the other page to look at it */
	domain = (struct domain){ .txn = &txn, .home_live = live, .home_committed = committed, .home_bytes = BYTES, .home_valid = valid,
				  .schema = &schema };
	home_schema_build(&domain);
	assert_true(home_schema_is_good(&schema, BYTES));
	domain.home_look = look;
	for (uint32_t i = 0; i < PAGES * HOME_LOOK_WORDS; i++)
		look[i] = valid[i / HOME_LOOK_WORDS] ? domain.rule_map[i] : UINT64_MAX;
	memset(&txn, 0, sizeof(txn));
	for (uint32_t i = 0; i < BYTES; i++) {
		live[i] = (uint8_t)draw(256);
		committed[i] = (uint8_t)~live[i];
	}
	for (uint32_t i = 0; i < ROWS; i++)
		((struct row *)(void *)(live + ROW_AT))[i].kind = (uint32_t)draw(16) == 0 ? 6 : (uint32_t)draw(6);
}

/* Of the kinds that domains log, and wrong ones. */
static struct zog_range range_draw(bool is_wild)
{
	static const uint32_t lengths[] = { 8, 8, 8, 4, 4, 4, 2, 1, 16, 56, 3, 13, 500, 512, 513, 0 };
	uint32_t length = lengths[draw(sizeof(lengths) / sizeof(lengths[0]))];
	uint32_t offset = (uint32_t)draw(BYTES - length);

	if (draw(2))
		offset &= ~7u;
	if (draw(4) == 0)
		offset = ROW_AT - 8 + (uint32_t)draw(ROWS * sizeof(struct row)) / 4 * 4;
	if (is_wild && draw(8) == 0)
		offset = draw(2) ? (uint32_t)(BYTES - draw(16)) : (uint32_t)draw(1ul << 32);
	if (is_wild && draw(8) == 0)
		length = draw(2) ? (uint32_t)draw(1ul << 32) : 0x80000000u | (uint32_t)draw(9);
	return (struct zog_range){ offset, length };
}

static void log_draw(bool is_wild)
{
	txn.range_count = (uint32_t)(is_wild && draw(16) == 0 ? draw(300) : draw(12) + 1);
	for (uint32_t i = 0; i < txn.range_count; i++)
		txn.range[i] = range_draw(is_wild);
	if (is_wild && draw(64) == 0)
		txn.op_count = (uint32_t)draw(3);
	if (is_wild && draw(64) == 0)
		txn.is_page_mode = 1;
}

static void state_keep(void)
{
	memcpy(live_before, live, BYTES);
	memcpy(committed_before, committed, BYTES);
	memcpy(&txn_before, &txn, sizeof(txn));
}

static void expect_unchanged(void)
{
	assert_int_equal(domain.stats.aborts, 0);
	assert_memory_equal(live, live_before, BYTES);
	assert_memory_equal(committed, committed_before, BYTES);
	assert_memory_equal(&txn, &txn_before, sizeof(txn));
	assert_int_equal(domain.commit_phase, COMMIT_NONE);
	assert_int_equal(domain.stats.commits, 0);
}

/* What the general way makes of the same log, in `expected`; its verdict. */
static bool general_run(void)
{
	bool is_done = transaction_commit(&cpu, &domain);

	memcpy(expected, committed, BYTES);
	memcpy(committed, committed_before, BYTES);
	memcpy(&txn, &txn_before, sizeof(txn));
	domain.stats.commits = 0;
	return is_done;
}

static void does_what_the_general_way_does(void **state)
{
	uint32_t straight = 0, refused = 0;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		domain_make((uint32_t)draw(PAGES + 1));
		log_draw(round & 1);
		state_keep();
		bool is_good = general_run();
		room[COMMIT_ROOM_WORDS] = round;
		if (!commit_straight(&domain, room)) {
			expect_unchanged();
			refused++;
		} else {
			assert_true(is_good);
			assert_memory_equal(committed, expected, BYTES);
			assert_memory_equal(live, live_before, BYTES);
			assert_int_equal(txn.range_count | txn.op_count | txn.is_page_mode, 0);
			assert_int_equal(domain.stats.commits, 1);
			assert_int_equal(domain.commit_phase, COMMIT_DELIVER);
			straight++;
		}
		assert_int_equal(room[COMMIT_ROOM_WORDS], round);
	}
	assert_true(straight > ROUNDS / 10 && refused > ROUNDS / 10);
}

/* What the general way makes of the live image, in `expected`. */
static void general_abort(void)
{
	transaction_abort(&domain);
	assert_int_equal(domain.stats.aborts, 1);
	memcpy(expected, live, BYTES);
	memcpy(live, live_before, BYTES);
	memcpy(&txn, &txn_before, sizeof(txn));
	domain.stats.aborts = 0;
}

static void expect_aborted(void)
{
	assert_memory_equal(live, expected, BYTES);
	assert_int_equal(txn.range_count | txn.op_count | txn.is_page_mode, 0);
}

/* The rules of a schema are nothing to an abort. */
static void abort_does_what_the_general_way_does(void **state)
{
	uint32_t straight = 0, refused = 0;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		domain_make((uint32_t)draw(PAGES + 1));
		log_draw(round & 1);
		state_keep();
		general_abort();
		room[COMMIT_ROOM_WORDS] = round;
		if (!abort_straight(&domain, room)) {
			expect_unchanged();
			refused++;
		} else {
			expect_aborted();
			assert_int_equal(domain.stats.aborts, 1);
			straight++;
		}
		assert_memory_equal(committed, committed_before, BYTES);
		assert_int_equal(domain.commit_phase, COMMIT_NONE);
		assert_int_equal(room[COMMIT_ROOM_WORDS], round);
	}
	assert_true(straight > ROUNDS / 10 && refused > ROUNDS / 10);
}

/* A log that its domain wrote by hand: none of it is copied, in neither direction, by neither way. */
static void hostile_log_reaches_nothing(void **state)
{
	static const struct zog_range wrong[] = {
		{ BYTES, 8 }, { BYTES - 4, 8 }, { 0xfffffff8u, 8 }, { 0xffffffffu, 1 }, { 0, 0xffffffffu }, { BYTES - 4, 0x80000004u },
		{ 5 * ZOG_PAGE_SIZE, 8 }, { 5 * ZOG_PAGE_SIZE - 4, 8 }, { 4 * ZOG_PAGE_SIZE, 2 * ZOG_PAGE_SIZE }, { 16, 0x80000008u },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		domain_make(5);
		valid[5] = 0;
		txn.range_count = 2;
		txn.range[0] = (struct zog_range){ 64, 8 };
		txn.range[1] = wrong[i];
		state_keep();
		assert_false(commit_straight(&domain, room));
		assert_false(abort_straight(&domain, room));
		expect_unchanged();
		assert_false(transaction_commit(&cpu, &domain));
		transaction_abort(&domain); /* all pages that the live image holds go back, and no other */
		assert_memory_equal(committed, committed_before, BYTES);
		assert_memory_equal(live, committed, 5 * ZOG_PAGE_SIZE);
		assert_memory_equal(live + 5 * ZOG_PAGE_SIZE, live_before + 5 * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
	}
}

/* --- cut ------------------------------------------------------------------------------------------------------------ */

static sigjmp_buf cut_place;
static volatile uint64_t steps, cut_at;

static void step_taken(int number)
{
	(void)number;
	if (++steps == cut_at)
		siglongjmp(cut_place, 1);
}

static void trap_flag_set(void) { __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "i"(TRAP_FLAG) : "memory", "cc"); }
static void trap_flag_clear(void) { __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "i"(~(long)TRAP_FLAG) : "memory", "cc"); }

/* false: it came to its end before step number `at`. */
static bool act_cut(bool act(struct domain *domain, uint64_t *room), uint64_t at)
{
	steps = 0;
	cut_at = at;
	if (sigsetjmp(cut_place, 1))
		return true;
	trap_flag_set();
	bool is_done = act(&domain, room);
	trap_flag_clear();
	assert_true(is_done);
	return false;
}

static void log_of_all_kinds(void)
{
	static const struct zog_range range[] = { { 64, 8 }, { 128, 4 }, { 203, 8 }, { 301, 1 }, { 410, 56 }, { 500, 13 },
						  { 2 * ZOG_PAGE_SIZE + 8, 8 }, { 2 * ZOG_PAGE_SIZE + 64, 4 }, { 72, 8 } };

	txn.range_count = sizeof(range) / sizeof(range[0]);
	memcpy(txn.range, range, sizeof(range));
	for (uint32_t i = 0; i < ROWS; i++) /* two of the ranges are theirs */
		((struct row *)(void *)(live + ROW_AT))[i].kind = i % 6;
}

static void cut_at_every_instruction(void **state)
{
	struct sigaction action = { .sa_handler = step_taken };
	uint64_t at, whole = 0, none = 0;
	bool is_cut = true;

	(void)state;
	assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
	for (at = 1; is_cut; at++) {
		domain_make(1);
		valid[2] = 1;
		log_of_all_kinds();
		state_keep();
		assert_true(general_run());
		cpu.domain_regs.rax = ZOG_CORE_REPLY;
		is_cut = act_cut(commit_straight, at);
		if (is_cut && domain.commit_phase != COMMIT_NONE && domain.commit_phase != COMMIT_DELIVER) {
			assert_true(transaction_recover(&cpu, &domain));
			assert_in_range(domain.stats.commits, 1, 2); /* one that was counted and then cut is counted again */
		}
		if (memcmp(committed, expected, BYTES) == 0) {
			assert_memory_equal(live, live_before, BYTES);
			assert_int_equal(txn.range_count, 0);
			assert_int_equal(domain.commit_phase, COMMIT_DELIVER);
			whole++;
		} else {
			assert_int_equal(domain.commit_phase, COMMIT_NONE);
			assert_memory_equal(committed, committed_before, BYTES);
			assert_memory_equal(&txn, &txn_before, sizeof(txn));
			none++;
		}
		cpu.domain_regs.rax = 0;
	}
	print_message("straight commit: %lu crash points: %lu times nothing, %lu times all of it\n", at - 1, none, whole);
	assert_true(none > 50 && whole > 50);
}

static void abort_cut_at_every_instruction(void **state)
{
	struct sigaction action = { .sa_handler = step_taken };
	uint64_t at, whole = 0, cleared = 0;
	bool is_cut = true;

	(void)state;
	assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
	for (at = 1; is_cut; at++) {
		domain_make(1);
		valid[2] = 1;
		log_of_all_kinds();
		state_keep();
		general_abort();
		is_cut = act_cut(abort_straight, at);
		assert_memory_equal(committed, committed_before, BYTES);
		assert_int_equal(domain.commit_phase, COMMIT_NONE); /* so the recovery ends the domain: nothing to finish */
		if (txn.range_count != 0) {
			assert_memory_equal(&txn, &txn_before, sizeof(txn));
			assert_true(abort_straight(&domain, room));
			whole++;
		} else {
			cleared++;
		}
		expect_aborted();
	}
	print_message("straight abort: %lu crash points: %lu times made again, %lu times done\n", at - 1, whole, cleared);
	assert_true(whole > 100 && cleared > 5);
}

/* What has no rule is no matter; what breaks one is refused, with nothing changed, and the general way gives it its name. */
static void rules_are_kept(void **state)
{
	enum { AT = ROW_AT + 5 * sizeof(struct row), END = ROW_AT + ROWS * sizeof(struct row) };
	static const struct { struct zog_range range; uint32_t kind; bool is_straight; } row[] = {
		{ { AT, 8 }, 5, true }, { { AT, 8 }, 6, false }, { { AT + 4, 4 }, 5, true }, { { AT + 4, 4 }, 6, false },
		{ { AT, 4 }, 6, true }, { { AT + 8, 8 }, 6, true }, { { AT + 7, 1 }, 6, false }, { { AT + 7, 1 }, 0, true },
		{ { AT - 8, 64 }, 6, false }, { { AT - 8, 64 }, 5, true }, { { AT + 3, 2 }, 6, false }, { { AT + 1, 2 }, 6, true },
		{ { ROW_AT - 0x100, 0x100 }, 6, true }, { { ROW_AT - 0x100, 0x180 }, 6, false }, { { END, 8 }, 6, true },
		{ { ROW_AT - 0x140, 512 }, 6, false }, { { ROW_AT - 0x140, 512 }, 4, true },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		domain_make(PAGES);
		for (uint32_t at = ROW_AT; at < END; at += sizeof(struct row))
			((struct row *)(void *)(live + at))->kind = row[i].kind;
		txn.range_count = 2;
		txn.range[0] = (struct zog_range){ 0x800, 8 };
		txn.range[1] = row[i].range;
		state_keep();
		assert_int_equal(commit_straight(&domain, room), row[i].is_straight);
		if (row[i].is_straight)
			continue;
		expect_unchanged();
		assert_false(transaction_commit(&cpu, &domain));
		assert_string_equal(domain.finding.rule->field, "kind");
		assert_int_equal(domain.finding.value, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_the_general_way_does),
		cmocka_unit_test(cut_at_every_instruction),
		cmocka_unit_test(abort_does_what_the_general_way_does),
		cmocka_unit_test(hostile_log_reaches_nothing),
		cmocka_unit_test(abort_cut_at_every_instruction),
		cmocka_unit_test(rules_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
