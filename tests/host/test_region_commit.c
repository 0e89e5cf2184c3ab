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
};
const uint32_t system_region_count = 2;
static const struct region_end ends[] = { { 0, 1 }, { 1, 1 } };
static const struct domain_desc desc = { .name = "writer", .region = ends, .region_count = 2 };
static struct domain domain = { .desc = &desc };
struct cpu cpu_table[ZOG_CPU_MAX];
struct domain domain_table[ZOG_DOMAIN_MAX];
#define CPU (&cpu_table[0])
static pte_t present[2] = { PTE_PRESENT, PTE_PRESENT };
static jmp_buf after_cut;
static uint64_t stores, cut_at, cuts;
static int is_armed;

NO_HOOK static void store_seen(void)
{
	if (is_armed && ++stores == cut_at)
		longjmp(after_cut, 1);
}
NO_HOOK void __asan_store1_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store2_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store4_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store8_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store16_noabort(uintptr_t address) { (void)address, store_seen(); }
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
void log_fatal(const char *text) { fail_msg("%s", text); abort(); }
uint64_t time_now_ns(void) { return 77; }
void event_notify(struct event *event, uint32_t wake) { (void)event, (void)wake; }
bool thread_park(struct cpu *cpu, struct event *event, uint32_t owner, uint64_t seen, uint64_t deadline_ns)
{
	(void)cpu, (void)event, (void)owner, (void)seen, (void)deadline_ns;
	return true;
}
static uint32_t notices, notice_cause;
static uint64_t notice_address, notice_error;
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
	for (uint32_t i = 0; i < 2; i++) {
		struct region *region = &region_table[i];
		region_attach_writer(region, present, 0x1000);
		memset(region->head, 0, ZOG_PAGE_SIZE + region->desc->bytes);
		memset(region->buffer, 0, region->desc->bytes);
		region->ring = (uint64_t)(region->desc->history - 1);
		region->commits = region->bytes_committed = region->rollbacks = 0;
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
	region_discard(&domain);
	assert_memory_equal(region_table[0].buffer, region_table[0].data, ZOG_PAGE_SIZE);
	assert_memory_equal(region_table[1].buffer, region_table[1].data, ZOG_PAGE_SIZE);
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
		cmocka_unit_test(test_commit_is_cut_twice),
		cmocka_unit_test(test_rollback_is_cut_at_every_store),
		cmocka_unit_test(test_flip_after_validation),
		cmocka_unit_test(test_refused_records_change_nothing),
		cmocka_unit_test(test_history_keeps_the_last_versions),
		cmocka_unit_test(test_crash_points_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
