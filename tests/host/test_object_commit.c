/* groups: tsm */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -fno-builtin -fno-tree-loop-distribute-patterns -O2 -DPHYSMAP_BASE=0ul */
/* The commit of two large objects in one transaction, cut at every store by an exception in the core: in the check, where
 * it is given up, and behind the point of no return, where it is finished, and cut again there. At each cut a reader finds
 * the old bytes, whole, in a buffer that it can reach, or the new ones, or has to try again, and never one of each; no
 * buffer is writable for the writer and mapped in a reader. The same for a rollback. x86 lets others see stores in the
 * order in which they are made, so the states at the cuts are all that a reader on another CPU can see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define memcpy words_copy
#define memset words_set
#include "tsm/schema.c"
#include "tsm/object.c"
#include "tsm/object_commit.c"
#undef memcpy
#undef memset

#define NO_HOOK __attribute__((no_sanitize("kernel-address")))
#define WORDS (ZOG_PAGE_SIZE / 8)
#define ARENA_BYTES (64 * ZOG_PAGE_SIZE)
enum { ONE = 0, TWO = 1, OBJECTS = 2, READERS = 2 };

static const struct rule_desc rules[] = { { .field = "serial", .rule = ZOG_RULE_MONOTONIC, .bytes = 8 } };
static const struct record_desc record = { .name = "object", .bytes = ZOG_PAGE_SIZE, .count = 1, .rule = rules, .rule_count = 1 };
const struct object_desc system_object[] = {
	{ .schema = { .name = "t.one", .record = &record, .record_count = 1, .bytes = ZOG_PAGE_SIZE, .history = 2, .is_reconstructible = 1, .reader_count = READERS },
	  .header_bytes = 8, .buffer_count = 4 },
	{ .schema = { .name = "t.two", .record = &record, .record_count = 1, .bytes = ZOG_PAGE_SIZE, .reader_count = READERS },
	  .header_bytes = 8, .buffer_count = 2 },
};
const uint32_t system_object_count = OBJECTS;
static const struct object_end ends[] = { { ONE, 1 }, { TWO, 1 } };
static const struct domain_desc desc = { .name = "writer", .object = ends, .object_count = OBJECTS, .event_count = 2 };
static const struct object_end reader_ends[] = { { ONE, 0 }, { TWO, 0 } };
static const struct domain_desc reader_desc = { .name = "reader", .object = reader_ends, .object_count = OBJECTS };
static struct event events[2];
static struct domain writer = { .desc = &desc, .event = events };
struct cpu cpu_table[ZOG_CPU_MAX];
#define CPU (&cpu_table[0])

/* All that a commit changes, so that it can be put back as it was. */
static struct world {
	_Alignas(ZOG_PAGE_SIZE) uint8_t arena[ARENA_BYTES];
	pte_t directory[OBJECTS][READERS][ZOG_OBJECT_BUFFER_MAX], entry[OBJECTS][512];
	struct area window[OBJECTS];
	struct domain reader[READERS];
} now, begin;
static uint64_t arena_used;
static jmp_buf after_cut;
static uint64_t stores, cut_at, cuts, flushes;
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

/* Cut every 64 bytes: between words nobody could tell one place from another. */
void *words_copy(void *to, const void *from, size_t size)
{
	size_t at = 0;

	for (; at + 64 <= size; at += 64)
		__builtin_memcpy((uint8_t *)to + at, (const uint8_t *)from + at, 64);
	for (; at < size; at++)
		((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
	return to;
}

void *words_set(void *to, int byte, size_t size)
{
	for (size_t at = 0; at < size; at++)
		((uint8_t *)to)[at] = (uint8_t)byte;
	return to;
}

/* --- what stands in for the rest of the core ---------------------------------------------------------------------------- */

void log_line(const char *format, ...) { (void)format; }
static uint64_t notices, undone_told;
NO_HOOK void incident_record_notice(struct domain *of, uint32_t cause, uint64_t address, uint64_t error)
{
	(void)of, (void)address;
	notices += cause == ZOG_CAUSE_ROLLBACK;
	undone_told = error & UINT32_MAX;
}
void log_fatal(const char *text) { fail_msg("%s", text); abort(); }
uint64_t time_now_ns(void) { return 77; }
void domain_flush(struct domain *domain) { (void)domain, flushes++; }
void event_notify(struct event *event, uint32_t wake) { (void)wake, event->count++; }
void *boot_pointer(uint64_t bytes)
{
	void *pointer = now.arena + arena_used;

	arena_used += (bytes + ZOG_PAGE_SIZE - 1) & ~(ZOG_PAGE_SIZE - 1);
	assert_true(arena_used <= ARENA_BYTES);
	return pointer;
}
uint64_t boot_memory(uint64_t bytes, enum frame_type type, uint32_t owner) { (void)type, (void)owner; return (uint64_t)boot_pointer(bytes); }

/* --- the world ---------------------------------------------------------------------------------------------------------- */

/* What the writer does: its buffer is in its page tables and holds SERIAL in every word. */
static void object_fill(uint32_t number, uint64_t serial)
{
	struct object *object = &object_table[number];
	uint64_t *word = (void *)object_bytes(object, object->head->writing);

	for (uint32_t i = 0; i < WORDS; i++)
		word[i] = serial;
	object->window->entry[0] = PTE_PRESENT;
}

static bool submit(uint32_t number, bool is_first)
{
	const struct zog_op op = { ZOG_OP_OBJECT_COMMIT, number, { object_table[number].head->writing, 0 } };

	return object_decode_commit(CPU, &writer, &op, is_first);
}

static void act(void)
{
	object_act_open(CPU);
	object_act_publish(CPU, &writer);
}

static void both_stage(uint64_t serial)
{
	object_fill(ONE, serial), object_fill(TWO, serial);
	assert_true(submit(ONE, true) && submit(TWO, false));
}

static void both_commit(uint64_t serial)
{
	both_stage(serial);
	assert_true(object_check(CPU, &writer, false));
	act();
}

/* Built once; each test begins with serial 10 published, and 9 and 8 behind it where that is kept. */
static void setup(void)
{
	if (object_table == NULL) {
		object_setup();
		for (uint32_t o = 0; o < OBJECTS; o++) {
			for (uint32_t r = 0; r < READERS; r++) {
				now.reader[r].lock.holder = LOCK_FREE;
				now.reader[r].desc = &reader_desc;
				object_attach_reader(&object_table[o], &now.reader[r], now.directory[o][r], 0x1000);
			}
			now.window[o].entry = now.entry[o];
			object_attach_writer(&object_table[o], &writer, &now.window[o]);
			object_show(&object_table[o], 0);
		}
		for (uint64_t serial = 8; serial <= 10; serial++)
			both_commit(serial);
		memcpy(&begin, &now, sizeof(now));
	}
	memcpy(&now, &begin, sizeof(now));
}

/* 'o': all old, 'n': all new, 'r': a reader has to try again, 'x': what nobody may see. */
static char reader_sees(uint64_t old, uint64_t new)
{
	uint32_t news = 0;

	if ((object_table[ONE].head->word | object_table[TWO].head->word) & ZOG_OBJECT_CHANGING)
		return 'r';
	for (uint32_t o = 0; o < OBJECTS; o++) {
		const struct object *object = &object_table[o];
		uint32_t buffer = ZOG_OBJECT_BUFFER(object->head->word);
		const uint64_t *word = (const void *)object_bytes(object, buffer);
		for (uint32_t i = 0; i < WORDS; i++)
			if (word[i] != word[0])
				return 'x';
		for (uint32_t r = 0; r < READERS; r++)
			if (now.directory[o][r][buffer] == 0)
				return 'x';
		if (word[0] != old && word[0] != new)
			return 'x';
		news += word[0] == new;
	}
	return news == 0 ? 'o' : news == OBJECTS ? 'n' : 'x';
}

/* Whatever the writer can write no reader can reach, and it is not what is published. */
static void isolation_check(void)
{
	for (uint32_t o = 0; o < OBJECTS; o++) {
		const struct object *object = &object_table[o];
		if (!(object->window->entry[0] & PTE_PRESENT) || object->window->pages == 0)
			continue;
		uint64_t buffer = (object->window->physical - object->bytes_physical) / ZOG_PAGE_SIZE;
		for (uint32_t r = 0; r < READERS; r++)
			assert_true(now.directory[o][r][buffer] == 0);
		assert_true(buffer != ZOG_OBJECT_BUFFER(object->head->word));
	}
}

static uint64_t serial_of(uint32_t number, uint64_t version)
{
	uint64_t buffer;

	return object_hold(&now.reader[0], 0, version, &buffer) == ZOG_OK ? *(const uint64_t *)object_bytes(&object_table[number], (uint32_t)buffer) : UINT64_MAX;
}

static void committed_check(void)
{
	assert_int_equal(reader_sees(10, 20), 'n');
	isolation_check();
	for (uint32_t o = 0; o < OBJECTS; o++) {
		const struct object *object = &object_table[o];
		const struct zog_object_version *version = &object->head->buffer[ZOG_OBJECT_BUFFER(object->head->word)];
		assert_int_equal(ZOG_OBJECT_VERSION(object->head->word), 4);
		assert_int_equal(version->version, 4);
		assert_int_equal(version->time_ns, 77);
		assert_int_equal(object->commits, 4);
		assert_true(object->head->writing != ZOG_OBJECT_NO_BUFFER && object->window->pages == 1);
		assert_ptr_equal(object->window->content, object_bytes(object, ZOG_OBJECT_BUFFER(object->head->word)));
	}
	assert_int_equal(serial_of(ONE, 4), 20);
	assert_int_equal(serial_of(ONE, 3), 10);
	assert_int_equal(serial_of(ONE, 2), 9);
	assert_int_equal(serial_of(ONE, 1), UINT64_MAX);
}

/* Runs ACT cut at store number `at`; false: it came to its end before. */
NO_HOOK static bool cut(void (*action)(void), uint64_t at)
{
	stores = 0, cut_at = at;
	if (setjmp(after_cut) == 0) {
		is_armed = 1;
		action();
		is_armed = 0;
		return false;
	}
	is_armed = 0;
	cuts++;
	return true;
}

/* --- tests -------------------------------------------------------------------------------------------------------------- */

static void test_commit_is_cut_at_every_store(void **state)
{
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		setup();
		both_stage(20);
		assert_true(object_check(CPU, &writer, false));
		is_cut = cut(act, first);
		assert_true(reader_sees(10, 20) != 'x');
		isolation_check();
		act();
		committed_check();
	}
	assert_true(cuts > 40);
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
			assert_true(object_check(CPU, &writer, false));
			is_cut = cut(act, first);
			is_cut_again = is_cut && cut(act, second);
			assert_true(reader_sees(10, 20) != 'x');
			isolation_check();
			act();
			committed_check();
		}
	}
}

static void check_both(void) { assert_true(object_check(CPU, &writer, false)); }

/* Cut before the point of no return: the writer ends, its pages are taken back, and what was published stays. */
static void test_check_is_cut_at_every_store(void **state)
{
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		setup();
		both_stage(20);
		now.entry[TWO][0] = 0; /* never touched: it is completed from what is published */
		is_cut = cut(check_both, first);
		assert_int_equal(reader_sees(10, 20), 'o');
		isolation_check();
		object_discard(&writer);
		assert_int_equal(now.entry[ONE][0] | now.entry[TWO][0], 0);
		both_commit(20); /* the next incarnation */
		committed_check();
	}
}

static const struct zog_op back = { ZOG_OP_OBJECT_ROLLBACK, ONE, { 2 } };

static void test_rollback_is_cut_at_every_store(void **state)
{
	bool is_cut = true;

	(void)state;
	for (uint64_t first = 1; is_cut; first++) {
		setup();
		notices = 0;
		assert_true(object_decode_rollback(CPU, &writer, &back, true));
		assert_true(object_check(CPU, &writer, false));
		is_cut = cut(act, first);
		uint64_t seen = *(const uint64_t *)object_bytes(&object_table[ONE], ZOG_OBJECT_BUFFER(object_table[ONE].head->word));
		assert_true(seen == 10 || seen == 9);
		isolation_check();
		act();
		const struct zog_object_head *head = object_table[ONE].head;
		assert_int_equal(*(const uint64_t *)object_bytes(&object_table[ONE], ZOG_OBJECT_BUFFER(head->word)), 9);
		assert_int_equal(ZOG_OBJECT_VERSION(head->word), 4);
		assert_int_equal(head->epoch, 1);
		assert_int_equal(object_table[ONE].rollbacks, 1);
		assert_int_equal(serial_of(ONE, 3), UINT64_MAX); /* undone */
		assert_true(notices >= 1 && undone_told == 1);
		assert_int_equal(serial_of(ONE, 1), 8);
	}
}

/* The core checks in place: from before the check on the writer has no way to the bytes. */
static void test_buffer_is_gone_before_the_check(void **state)
{
	(void)state;
	setup();
	both_stage(20);
	flushes = 0;
	assert_true(object_check(CPU, &writer, false));
	assert_int_equal(now.entry[ONE][0] | now.entry[TWO][0], 0);
	assert_int_equal(flushes, 2);
}

static void test_refused_object_changes_nothing(void **state)
{
	uint64_t value, detail;

	(void)state;
	setup();
	object_fill(ONE, 20), object_fill(TWO, 9); /* the second goes back */
	assert_true(submit(ONE, true) && submit(TWO, false));
	assert_false(object_check(CPU, &writer, false));
	assert_int_equal(reader_sees(10, 20), 'o');
	assert_true(object_finding_take(CPU, &value, &detail));
	assert_int_equal(value, 9);
	assert_int_equal(detail, ZOG_RULE_MONOTONIC | ZOG_KIND_OBJECT << 16 | (uint64_t)TWO << 32);
	assert_false(object_finding_take(CPU, &value, &detail));
	assert_int_equal(now.entry[ONE][0] | now.entry[TWO][0], 0);
}

static void reader_enter(uint32_t reader)
{
	now.reader[reader].lock.holder = 1;
	now.reader[reader].invocations++;
}

/* A reader that was inside when a version was replaced keeps its buffer until it has left, by its count or by its lock. */
static void test_buffer_is_kept_while_a_reader_may_use_it(void **state)
{
	(void)state;
	for (uint32_t leaves_by_count = 0; leaves_by_count < 2; leaves_by_count++) {
		setup();
		reader_enter(1);
		uint32_t used = ZOG_OBJECT_BUFFER(object_table[TWO].head->word);
		events[1].count = 0;
		both_commit(20); /* t.two has two buffers: the writer is left without one */
		assert_int_equal(object_table[TWO].head->writing, ZOG_OBJECT_NO_BUFFER);
		assert_int_equal(object_table[TWO].window->pages, 0);
		assert_int_equal(*(const uint64_t *)object_bytes(&object_table[TWO], used), 10);
		assert_true(now.directory[TWO][1][used] != 0);
		assert_false(submit(TWO, true)); /* nothing to commit */
		assert_int_equal(object_begin(&writer, TWO, 1), ZOG_ERR_BUSY);
		object_tick();
		assert_int_equal(events[1].count, 0);
		if (leaves_by_count)
			reader_enter(1); /* inside again, in another invocation */
		else
			now.reader[1].lock.holder = LOCK_FREE;
		object_tick();
		assert_int_equal(events[1].count, 1); /* told once */
		object_tick();
		assert_int_equal(events[1].count, 1);
		assert_int_equal(object_begin(&writer, TWO, 1), ZOG_OK);
		assert_int_equal(object_table[TWO].head->writing, used);
		assert_true(now.directory[TWO][1][used] == 0);
	}
}

/* A version that a reader asked for by its number stays, too, though it was replaced before the reader came in. */
static void test_held_version_is_kept(void **state)
{
	uint64_t buffer;

	(void)state;
	setup();
	reader_enter(0);
	assert_int_equal(object_hold(&now.reader[0], ONE, 2, &buffer), ZOG_OK);
	for (uint64_t serial = 20; serial < 23; serial++) {
		object_fill(ONE, serial);
		assert_true(submit(ONE, true) && object_check(CPU, &writer, false));
		act();
		assert_int_equal(*(const uint64_t *)object_bytes(&object_table[ONE], (uint32_t)buffer), 9);
		if (object_table[ONE].head->writing == ZOG_OBJECT_NO_BUFFER)
			return;
	}
	fail_msg("the writer never ran out of buffers");
}

static void test_commits_of_what_is_not_the_writers(void **state)
{
	const struct zog_op other = { ZOG_OP_OBJECT_COMMIT, ONE, { 0, 0 } };
	struct zog_op wrong = other;

	(void)state;
	setup();
	for (uint64_t buffer = 0; buffer < 10; buffer++) {
		wrong.word[0] = buffer;
		assert_int_equal(object_decode_commit(CPU, &writer, &wrong, true), buffer == object_table[ONE].head->writing);
	}
	assert_false(object_decode_commit(CPU, &writer, &(struct zog_op){ ZOG_OP_OBJECT_COMMIT, ONE, { object_table[ONE].head->writing, 2 } }, true));
	assert_true(submit(ONE, true));
	assert_false(submit(ONE, false)); /* twice */
	wrong.slot = OBJECTS;
	assert_false(object_decode_commit(CPU, &writer, &wrong, true));
	for (uint64_t version = 0; version < 6; version++) { /* 3 is published, 1 and 2 are kept; 0 is nothing */
		const struct zog_op to = { ZOG_OP_OBJECT_ROLLBACK, ONE, { version } };
		assert_int_equal(object_decode_rollback(CPU, &writer, &to, true), version == 1 || version == 2);
	}
	assert_false(object_decode_rollback(CPU, &writer, &(struct zog_op){ ZOG_OP_OBJECT_ROLLBACK, TWO, { 2 } }, true)); /* not reconstructible */
}

static void test_crash_points_told(void **state)
{
	(void)state;
	print_message("%lu crash points of object commits and rollbacks\n", cuts);
	assert_true(cuts > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_is_cut_at_every_store),
		cmocka_unit_test(test_commit_is_cut_twice),
		cmocka_unit_test(test_check_is_cut_at_every_store),
		cmocka_unit_test(test_rollback_is_cut_at_every_store),
		cmocka_unit_test(test_buffer_is_gone_before_the_check),
		cmocka_unit_test(test_refused_object_changes_nothing),
		cmocka_unit_test(test_buffer_is_kept_while_a_reader_may_use_it),
		cmocka_unit_test(test_held_version_is_kept),
		cmocka_unit_test(test_commits_of_what_is_not_the_writers),
		cmocka_unit_test(test_crash_points_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
