/* groups: tsm */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -fno-builtin -fno-tree-loop-distribute-patterns -O2 -DPHYSMAP_BASE=0ul */
/* The commit of two shared regions in one transaction, cut at every store by an exception in the core. At the cut a
 * reader that keeps to the protocol finds all of the old records, all of the new ones, or has to try again; after the
 * recovery, which may itself be cut, everything is as after a commit that nothing cut. The same for a rollback. x86 lets
 * others see stores in the order in which they are made, so the states at the cuts are all that a reader on another CPU
 * can see. The core's own code runs here; copies by memcpy are cut between words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define memcpy words_copy
#include "tsm/schema.c"
#include "tsm/region.c"
#include "tsm/region_commit.c"
#include "tsm/region_propose.c"
#include "tsm/region_rollback.c"
#include "tsm/region_scrub.c"
#undef memcpy

#define NO_HOOK __attribute__((no_sanitize("kernel-address")))
#define RECORDS 8u

struct line {
	uint64_t value, twin; /* always equal */
};
static const struct rule_desc rules[] = { { .field = "value", .rule = ZOG_RULE_MONOTONIC, .bytes = 8 } };
static const struct record_desc kinds[] = { { .name = "line", .bytes = 16, .count = RECORDS, .rule = rules, .rule_count = 1 } };
const struct region_desc system_region[] = {
	{ "t.one", kinds, 1, ZOG_PAGE_SIZE, 0, 3, 1, 1 },
	{ "t.two", kinds, 1, ZOG_PAGE_SIZE, 0, 2, 0, 1 },
	{ "t.three", kinds, 1, ZOG_PAGE_SIZE, 0, 2, 1, 0, 1, 1 }, /* committed by a validator */
};
const uint32_t system_region_count = 3;
static const struct region_end ends[] = { { 0, REGION_WRITER }, { 1, REGION_WRITER }, { 2, REGION_WRITER } };
static const struct domain_desc desc = { .name = "writer", .region = ends, .region_count = 3 };
static struct domain domain = { .desc = &desc };
static const struct region_end validator_ends[] = { { 2, REGION_VALIDATOR } };
static const struct domain_desc validator_desc = { .name = "validator", .region = validator_ends, .region_count = 1 };
static struct domain validator = { .id = 1, .desc = &validator_desc };
struct cpu cpu_table[ZOG_CPU_MAX];
struct domain domain_table[ZOG_DOMAIN_MAX];
#define CPU (&cpu_table[0])
static pte_t present[2];
static jmp_buf after_cut;
static uint64_t stores, cut_at, cuts, is_armed, flushes;

NO_HOOK static void store_seen(void)
{
	if (is_armed && ++stores == cut_at)
		longjmp(after_cut, 1);
}
#define STORE_SEEN(bytes) NO_HOOK void __asan_store##bytes##_noabort(uintptr_t address) { (void)address, store_seen(); }
STORE_SEEN(1) STORE_SEEN(2) STORE_SEEN(4) STORE_SEEN(8) STORE_SEEN(16)
NO_HOOK void __asan_storeN_noabort(uintptr_t address, size_t size) { (void)address, (void)size, store_seen(); }
NO_HOOK void __asan_handle_no_return(void) {}

void *words_copy(void *to, const void *from, size_t size)
{
	size_t at = 0;

	for (; at + 8 <= size; at += 8)
		*(uint64_t *)((uint8_t *)to + at) = *(const uint64_t *)((const uint8_t *)from + at);
	for (; at < size; at++)
		((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
	return to;
}

/* --- what stands in for the rest of the core ---------------------------------------------------------------------------- */

void log_line(const char *format, ...) { (void)format; }
void domain_flush(struct domain *of) { (void)of, flushes++; }
void log_fatal(const char *text) { fail_msg("%s", text); abort(); }
static uint64_t now_ns = 77;
static uint32_t woken;
uint64_t time_now_ns(void) { return now_ns; }
void thread_wake_waiters_of(uint32_t of) { (void)of, woken++; }
void event_notify(struct event *event, uint32_t wake) { (void)event, (void)wake; }
bool thread_park(struct cpu *cpu, struct event *event, uint32_t owner, uint64_t seen, uint64_t deadline_ns)
{
	(void)cpu, (void)event, (void)owner, (void)seen, (void)deadline_ns;
	return true;
}
static uint64_t notices, notice_cause, notice_address, notice_error;
NO_HOOK void incident_record_notice(struct domain *of, uint32_t cause, uint64_t address, uint64_t error)
{
	(void)of;
	notices++, notice_cause = cause, notice_address = address, notice_error = error;
}
bool domain_touch(struct domain *of, uint64_t address, bool is_write) { (void)of, (void)address, (void)is_write; return false; }
bool domain_write(struct domain *of, uint64_t address, const void *from, uint64_t bytes) { (void)of; memcpy((void *)address, from, bytes); return true; }
void *boot_pointer(uint64_t bytes) { return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
uint64_t boot_memory(uint64_t bytes, enum frame_type type, uint32_t owner) { (void)type, (void)owner; return (uint64_t)boot_pointer(bytes); }

static void line_write(uint32_t region, uint32_t index, uint64_t value)
{
	struct line *line = (struct line *)region_table[region].buffer + index;

	line->value = line->twin = value;
}

static bool submit(uint32_t region, uint32_t first, uint32_t count, bool is_first)
{
	const struct zog_op op = { ZOG_OP_REGION_COMMIT, region, { 0, first, count } };

	return region_decode_commit(CPU, &domain, &op, is_first);
}

static void commit(void)
{
	assert_true(region_check(CPU, &domain));
	region_act_commit(CPU, &domain);
}

static void setup(void)
{
	static bool is_built;

	if (!is_built)
		region_setup("");
	is_built = true;
	domain_table[0] = domain, domain_table[1] = validator;
	notices = flushes = 0, present[0] = present[1] = PTE_PRESENT | PTE_WRITE;
	for (uint32_t i = 0; i < 3; i++) {
		struct region *region = &region_table[i];
		region_attach_writer(&domain, i, present, 0x1000);
		memset(region->head, 0, ZOG_PAGE_SIZE + region->desc->bytes);
		memset(region->buffer, 0, region->desc->bytes);
		region->ring = (uint64_t)(region->desc->history - 1);
		region->commits = region->bytes_committed = region->rollbacks = region->damaged = region->repaired = 0;
		for (uint32_t r = 0; r < RECORDS; r++)
			region->sum[0][r] = schema_crc32c(0, region->data, sizeof(struct line));
	}
	for (uint32_t i = 0; i < RECORDS; i++) /* a first version, so that the old records are not all zeros */
		line_write(0, i, 10), line_write(1, i, 10);
	assert_true(submit(0, 0, RECORDS, true) && submit(1, 0, RECORDS, false));
	commit();
}

static void both_stage(uint64_t value)
{
	for (uint32_t i = 0; i < RECORDS; i++)
		line_write(0, i, value), line_write(1, i, value);
	assert_true(submit(0, 0, 3, true) && submit(1, 2, 4, false) && submit(0, 5, 2, false));
	assert_true(region_check(CPU, &domain));
}

/* 'o': all old, 'n': all new, 'r': a reader has to try again, 'x': what nobody may see. */
static char reader_sees(uint64_t old, uint64_t new)
{
	uint32_t news = 0;

	if ((region_table[0].head->version | region_table[1].head->version) & 1)
		return 'r';
	for (uint32_t r = 0; r < 2; r++)
		for (uint32_t i = 0; i < RECORDS; i++) {
			bool is_touched = r == 0 ? i < 3 || i == 5 || i == 6 : i >= 2 && i < 6;
			const struct line *line = (const struct line *)region_table[r].data + i;
			if (line->value != line->twin || (line->value != old && !(is_touched && line->value == new)))
				return 'x';
			news += is_touched && line->value == new;
		}
	return news == 0 ? 'o' : news == 9 ? 'n' : 'x';
}

static uint64_t value_in(uint32_t region, uint64_t version, uint32_t index)
{
	struct line line = { 0, 0 };

	return region_read_version(&domain, region, version, index, (uint64_t)&line) == ZOG_OK ? line.value : UINT64_MAX;
}

static void committed_check(void)
{
	assert_int_equal(reader_sees(10, 20), 'n');
	for (uint32_t r = 0; r < 2; r++) {
		const struct region *region = &region_table[r];
		assert_int_equal(region->head->version, 4);
		assert_int_equal(region->commits, 2);
		assert_int_equal(region->bytes_committed, (RECORDS + (r == 0 ? 5 : 4)) * sizeof(struct line));
		assert_int_equal(region->kept, 2);
		assert_int_equal(region->head->time_ns, 77);
		assert_int_equal(value_in(r, 2, 2), 20);
		assert_int_equal(value_in(r, 1, 2), 10);
		assert_int_equal(value_in(r, 0, 2), 0);
		assert_int_equal(value_in(r, 3, 2), UINT64_MAX);
	}
}

/* Runs ACT cut at store number `at`; false: it came to its end before. */
NO_HOOK static bool cut(void (*act)(void), uint64_t at)
{
	stores = 0, cut_at = at;
	if (setjmp(after_cut) == 0) {
		is_armed = 1;
		act();
		is_armed = 0;
		return false;
	}
	is_armed = 0;
	cuts++;
	return true;
}

static void act_commit(void) { region_act_commit(CPU, &domain); }

static const struct zog_op back = { ZOG_OP_REGION_ROLLBACK, 0, { 1 } };
static void act_rollback(void) { region_act_rollback(&domain, &back); }

static void test_commit_is_cut_at_every_store(void **state)
{
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		setup();
		both_stage(20);
		is_cut = cut(act_commit, first);
		char seen = reader_sees(10, 20);
		assert_true(seen != 'x');
		act_commit();
		committed_check();
	}
	assert_true(cuts > 60);
}

#include "region_straight_cases.h"
static void test_commit_is_cut_twice(void **state)
{
	bool is_cut = true, is_cut_again;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		is_cut_again = true;
		for (uint64_t second = 1; is_cut_again; second++) {
			setup();
			both_stage(20);
			is_cut = cut(act_commit, first);
			is_cut_again = is_cut && cut(act_commit, second);
			assert_true(reader_sees(10, 20) != 'x');
			act_commit();
			committed_check();
		}
	}
}

static void test_rollback_is_cut_at_every_store(void **state)
{
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		setup();
		both_stage(20);
		act_commit();
		line_write(0, 0, 30);
		assert_true(submit(0, 0, 1, true));
		commit();
		assert_true(region_decode_rollback(&domain, &back));
		is_cut = cut(act_rollback, first);
		if (is_cut)
			act_rollback();
		const struct region *region = &region_table[0];
		for (uint32_t i = 0; i < RECORDS; i++)
			assert_int_equal(((const struct line *)region->data)[i].value, 10);
		assert_int_equal(region->head->version & 1, 0);
		assert_true(region->head->epoch >= 1 && region->head->version >= 8);
		assert_int_equal(region->kept, 1);
		assert_int_equal(value_in(0, 1, 0), 10);
		assert_int_equal(value_in(0, 0, 0), 0);
		assert_int_equal(value_in(0, 2, 0), UINT64_MAX);
		assert_memory_equal(region->buffer, region->data, RECORDS * sizeof(struct line));
	}
}

/* Every committed record and every kept version has its sum. */
static void sums_check(void)
{
	for (uint32_t i = 0; i < 16; i++)
		region_scrub(&domain), region_scrub(&validator);
	for (uint32_t r = 0; r < 3; r++)
		assert_int_equal(region_table[r].damaged, 0);
}

static void act_skipped(void) { region_act_skipped(CPU); }

/* Two exceptions at the same place: the commit is given up. Both regions are as before it or as after it, and no head stays odd. */
static void test_commit_is_given_up_at_every_store(void **state)
{
	uint32_t olds = 0, news = 0;
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		bool is_cut_again = true;
		for (uint64_t second = 1; is_cut_again; second++) {
			setup();
			both_stage(20);
			is_cut = cut(act_commit, first);
			is_cut_again = cut(act_skipped, second);
			region_act_skipped(CPU);
			char seen = reader_sees(10, 20);
			assert_true(seen == 'o' || seen == 'n');
			olds += seen == 'o', news += seen == 'n';
			sums_check();
			for (uint32_t i = 0; i < RECORDS; i++) /* and the writer goes on */
				line_write(0, i, 30);
			assert_true(submit(0, 0, RECORDS, true));
			commit();
		}
	}
	assert_true(olds > 20 && news > 20);
}

static void test_damaged_record_is_made_good(void **state)
{
	struct region *region = &region_table[0];

	(void)state;
	setup();
	((struct line *)region->data)[3].twin ^= 0x400;
	for (uint32_t i = 0; i < 8; i++)
		region_scrub(&domain);
	assert_true(region->damaged == 1 && region->repaired == 1 && notices == 1 && notice_cause == ZOG_CAUSE_SCRUB);
	assert_string_equal(region->damage, "line[3].-");
	assert_int_equal(((struct line *)region->data)[3].twin, 10);
	assert_int_equal(region->head->version & 1, 0);
	line_write(0, 3, 50); /* now the buffer holds something else: nobody knows what the record was */
	((struct line *)region->data)[3].twin ^= 0x400;
	for (uint32_t i = 0; i < 8; i++)
		region_scrub(&domain);
	assert_true(region->damaged == 2 && region->repaired == 1 && notices == 2);
}

static void test_damaged_version_is_dropped(void **state)
{
	struct region *region = &region_table[0];

	(void)state;
	setup();
	for (uint64_t n = 2; n < 5; n++) {
		line_write(0, 0, n * 100);
		assert_true(submit(0, 0, 1, true));
		commit();
	}
	sums_check();
	region->version[(region->newest + 2) % 3].replaced[0] ^= 1; /* what version 3 replaced: version 2 */
	for (uint32_t i = 0; i < 8; i++)
		region_scrub(&domain);
	assert_true(region->damaged == 1 && notices == 1 && region->kept == 1);
	assert_string_equal(region->damage, "version[2].-");
	assert_int_equal(value_in(0, 4, 0), 400);
	assert_int_equal(value_in(0, 3, 0), 300);
	assert_int_equal(value_in(0, 2, 0), UINT64_MAX);
}

static void test_each_version_has_its_account(void **state)
{
	struct zog_region_version account;

	(void)state;
	setup();
	for (uint64_t n = 2; n < 5; n++) {
		line_write(0, 0, n * 100);
		assert_true(submit(0, 0, 1, true));
		commit();
	}
	for (uint64_t n = 2; n < 5; n++) {
		const struct line line = { n * 100, n * 100 };
		assert_int_equal(region_version_info(&domain, 0, n, &account), ZOG_OK);
		assert_true(account.version == n && account.time_ns == 77 && account.author == 0);
		assert_int_equal(account.checksum, schema_crc32c(0, &line, sizeof(line)));
	}
	assert_int_equal(region_version_info(&domain, 0, 0, &account), ZOG_ERR_NOT_FOUND);
	assert_int_equal(region_version_info(&domain, 0, 5, &account), ZOG_ERR_NOT_FOUND);
	assert_int_equal(region_version_info(&domain, 9, 4, &account), ZOG_ERR_CAP);
}

static void test_rollback_is_on_file(void **state)
{
	(void)state;
	setup();
	for (uint64_t n = 2; n < 4; n++) {
		line_write(0, 0, n * 100), line_write(0, 1, n * 100);
		assert_true(submit(0, 0, 2, true));
		commit();
	}
	assert_true(region_decode_rollback(&domain, &back));
	region_act_rollback(&domain, &back);
	assert_true(notices == 1 && notice_cause == ZOG_CAUSE_ROLLBACK && notice_address == 1);
	assert_int_equal(notice_error, 2 | 4 * sizeof(struct line) << 32);
	assert_true(region_table[0].versions_undone >= 2 && region_table[0].rollbacks == 1);
	sums_check();
}

/* --- proposals ------------------------------------------------------------------------------------------------------- */

static bool propose(uint32_t first, uint32_t count, bool is_first)
{
	const struct zog_op op = { ZOG_OP_REGION_PROPOSE, 2, { 0, first, count } };

	return region_decode_propose(CPU, &domain, &op, is_first);
}

static bool verdict(uint64_t number, uint64_t detail)
{
	const struct zog_op op = { ZOG_OP_REGION_VERDICT, 0, { number, detail, 99 } };

	return region_decode_verdict(CPU, &validator, &op, true);
}

static void proposal_stage(uint64_t value)
{
	for (uint32_t i = 0; i < RECORDS; i++)
		line_write(2, i, value);
	assert_true(propose(0, 2, true) && propose(5, 3, false));
	assert_true(region_check(CPU, &domain));
}

static uint64_t third(uint32_t index) { return ((const struct line *)region_table[2].data)[index].value; }
static void act_verdict(void) { region_act_commit(CPU, &validator); }

/* The proposal and its verdict are cut at every store; done again, each is there whole, once. */
static void test_proposal_is_cut_at_every_store(void **state)
{
	struct region *region = &region_table[2];
	bool is_cut = true, is_cut_then = true;

	(void)state;
	for (uint64_t at = 1; is_cut || is_cut_then; at++) {
		setup();
		proposal_stage(20);
		is_cut = cut(act_commit, at);
		assert_true(region->head->proposed == 0 || region->proposal->run_count == 2);
		act_commit();
		assert_true(region->head->proposed == 1 && region->head->decided == 0 && third(0) == 0);
		for (uint32_t i = 0; i < RECORDS; i++)
			line_write(2, i, 77); /* flipped behind the proposal */
		assert_true(verdict(1, 0) && region_check(CPU, &validator));
		is_cut_then = cut(act_verdict, at);
		act_verdict();
		assert_true(region->head->version == 2 && region->head->decided == 1 && region->head->verdict == ZOG_OK && region->commits == 1);
		assert_true(third(0) == 20 && third(1) == 20 && third(2) == 0 && third(5) == 20 && third(7) == 20);
		assert_int_equal(region->head->author, 0);
		sums_check();
	}
}

#include "region_validator_cases.h"

/* Whatever the writer, or a device, does to the buffer behind the core's copy, the copy is what is checked and applied. */
static void test_flip_after_validation(void **state)
{
	(void)state;
	setup();
	both_stage(20);
	for (uint32_t i = 0; i < RECORDS; i++)
		line_write(0, i, 3), line_write(1, i, 3);
	act_commit();
	committed_check();
}

static void test_refused_records_change_nothing(void **state)
{
	uint64_t value, detail;

	(void)state;
	setup();
	line_write(0, 1, 20), line_write(1, 4, 9); /* the second goes back */
	assert_true(submit(0, 1, 1, true) && submit(1, 4, 1, false));
	assert_false(region_check(CPU, &domain));
	assert_int_equal(reader_sees(10, 20), 'o');
	assert_true(region_finding_take(CPU, &value, &detail));
	assert_int_equal(value, 9);
	assert_int_equal(detail, ZOG_RULE_MONOTONIC | 4ul << 32);
	assert_false(region_finding_take(CPU, &value, &detail));
	region_discard(&domain), region_discard(&domain); /* the next store is noticed: nothing is open for a second time */
	assert_true(present[0] == PTE_PRESENT && present[1] == (PTE_PRESENT | PTE_WRITE) && flushes == 1);
	for (uint32_t i = 0; i < 2; i++)
		assert_memory_equal(region_table[i].buffer, region_table[i].data, ZOG_PAGE_SIZE);
}

static void test_history_keeps_the_last_versions(void **state)
{
	(void)state;
	setup();
	for (uint64_t n = 2; n < 20; n++) {
		line_write(0, (uint32_t)n % RECORDS, n * 100);
		assert_true(submit(0, (uint32_t)n % RECORDS, 1, true));
		commit();
		assert_int_equal(value_in(0, n, (uint32_t)n % RECORDS), n * 100);
		assert_int_equal(value_in(0, n - 1, (uint32_t)n % RECORDS), n >= RECORDS + 2 ? (n - RECORDS) * 100 : 10);
		if (n >= 4)
			assert_int_equal(value_in(0, n - 4, 0), UINT64_MAX); /* three are kept, and what was before them */
	}
	assert_false(region_decode_rollback(&domain, &(struct zog_op){ ZOG_OP_REGION_ROLLBACK, 0, { 15 } }));
	assert_true(region_decode_rollback(&domain, &(struct zog_op){ ZOG_OP_REGION_ROLLBACK, 0, { 16 } }));
	assert_false(region_decode_rollback(&domain, &(struct zog_op){ ZOG_OP_REGION_ROLLBACK, 1, { 1 } })); /* not reconstructible */
}

static void test_crash_points_told(void **state)
{
	(void)state;
	print_message("%lu crash points of region commits and rollbacks\n", cuts);
	assert_true(cuts > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_is_cut_at_every_store),
		STRAIGHT_TESTS,
		cmocka_unit_test(test_commit_is_cut_twice),
		cmocka_unit_test(test_rollback_is_cut_at_every_store),
		cmocka_unit_test(test_commit_is_given_up_at_every_store),
		cmocka_unit_test(test_damaged_record_is_made_good),
		cmocka_unit_test(test_damaged_version_is_dropped),
		cmocka_unit_test(test_each_version_has_its_account),
		cmocka_unit_test(test_rollback_is_on_file),
		cmocka_unit_test(test_proposal_is_cut_at_every_store),
		cmocka_unit_test(test_quarantined_validator),
		cmocka_unit_test(test_overdue_validator),
		cmocka_unit_test(test_who_may_decide_what),
		cmocka_unit_test(test_flip_after_validation),
		cmocka_unit_test(test_refused_records_change_nothing),
		cmocka_unit_test(test_history_keeps_the_last_versions),
		cmocka_unit_test(test_crash_points_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
