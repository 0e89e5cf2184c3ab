/* groups: tsm */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -fno-builtin -fno-tree-loop-distribute-patterns -mgeneral-regs-only -O2 */
/* Commit and abort are cut at every store. The core's own code (transaction, staged operations, recovery after an
 * exception in ring 0) runs over memory of this test, instrumented so that every store is announced before it happens;
 * at the n-th an exception strikes, the real recovery runs, and is struck again in the tests with two exceptions. What is
 * left must be one of two states: nothing committed, everything taken back, the call issued again; or everything
 * committed, every effect made, the reply delivered. One CPU writes all of it, and an exception is precise: the order in
 * which x86 lets others see the stores does not matter here, since others look only under the domain's lock.
 *
 * Copies by memcpy are cut between any two words. What operations do outside of tsm/ stands in for the real thing here:
 * page-table entries by core_set64 (which can be taken back), events, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define memcpy words_copy
#define memset words_set
#include "object/frame.h"
#include "arch/x86_64/cpu.h"
#define cr2_read() 0ul /* ring 0 only */
#include "tsm/home_schema.c"
#include "tsm/transaction.c"
#include "tsm/operation.c"
#include "tsm/operation_port.c"
#include "tsm/operation_work.c"
#include "fault/recover.c"
#undef memcpy
#undef memset

#define NO_HOOK __attribute__((no_sanitize("kernel-address")))
#define HOME_PAGES 8u
#define HOME_BYTES (HOME_PAGES * ZOG_PAGE_SIZE)
#define EVENTS 4u
#define ENTRIES 4u
#define FRAMES 16u
#define ARCH_SET_GS 0x1001

/* --- everything that a commit may change --------------------------------------------------------------------------- */

struct world {
	uint8_t live[HOME_BYTES], committed[HOME_BYTES];
	uint64_t entry[ENTRIES]; /* page-table entries */
	struct frame frame[FRAMES];
	struct event event[EVENTS];
	uint64_t wakes;
	/* what became of the call */
	uint32_t replies, restarts, give_ups;
};
static struct world now, before, after;
static struct zog_txn txn, txn_before;
static uint8_t valid[HOME_PAGES];
static struct space spaces[2];
static struct thread threads[4];
static jmp_buf after_exception;
static uint64_t rule_map[HOME_PAGES * HOME_LOOK_WORDS], stores, cut_at; /* stores so far; the exception comes before store number cut_at, 0: never */
static int is_armed;
static uint64_t cuts, quarantines, skipped_effects; /* over all tests */
static const struct domain_desc desc = { .name = "test", .event_count = EVENTS, .is_personality = 1 };

struct cpu cpu_table[ZOG_CPU_MAX];
uint32_t cpu_count = 1;
struct domain domain_table[ZOG_DOMAIN_MAX];
const uint32_t system_domain_count = 2;
struct frame *frame_table = now.frame;
uint64_t frame_count = FRAMES;
struct space *space_table = spaces;
struct thread *thread_table = threads;
uint32_t space_total = 2, thread_total = 4, thread_slots = 4;
uint64_t schedule_slice_ns;
uint8_t core_text_start[1], core_text_end[1], core_end[1];
#define THE_CPU (&cpu_table[0])
#define THE_DOMAIN (&domain_table[0])

/* --- the hook -------------------------------------------------------------------------------------------------------- */

NO_HOOK static void store_seen(void)
{
	if (is_armed && ++stores == cut_at)
		core_exception(6, 0, 0, 0, 0);
}

NO_HOOK void __asan_store1_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store2_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store4_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store8_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_store16_noabort(uintptr_t address) { (void)address, store_seen(); }
NO_HOOK void __asan_storeN_noabort(uintptr_t address, size_t size) { (void)address, (void)size, store_seen(); }
NO_HOOK void __asan_handle_no_return(void) {}

/* As rep movsq and rep stosq do it: a word a turn, each turn can be the last. */
void *words_copy(void *to, const void *from, size_t size)
{
	size_t at = 0;

	for (; at + 8 <= size; at += 8)
		*(uint64_t *)((uint8_t *)to + at) = *(const uint64_t *)((const uint8_t *)from + at);
	for (; at < size; at++)
		((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
	return to;
}

void *words_set(void *to, int byte, size_t size)
{
	for (size_t at = 0; at < size; at++)
		((volatile uint8_t *)to)[at] = (uint8_t)byte;
	return to;
}

/* --- the rest of the core ----------------------------------------------------------------------------------------------- */

bool space_map(struct space *space, uint64_t address, uint64_t frame, uint32_t flags)
{
	(void)space;
	core_set64(&now.entry[address / ZOG_PAGE_SIZE % ENTRIES], frame << 12 | flags);
	return true;
}

void space_unmap(struct space *space, uint64_t address, uint64_t pages)
{
	(void)space;
	for (uint64_t i = 0; i < pages; i++)
		core_set64(&now.entry[(address / ZOG_PAGE_SIZE + i) % ENTRIES], 0);
}

void event_notify(struct event *event, uint32_t wake)
{
	(void)wake;
	event->count++;
	now.wakes++;
}

bool thread_wake(struct thread *thread, uint8_t reason)
{
	(void)thread, (void)reason;
	now.wakes++;
	return true;
}

static void reset(void)
{
	txn.range_count = txn.op_count = txn.is_page_mode = 0;
	memcpy(now.live, now.committed, sizeof(now.live)); /* what first touch does, page by page */
}

/* domain_reset, and the frame's call issued again. */
void domain_fault(struct cpu *cpu, uint32_t cause, uint32_t vector, uint64_t address, uint64_t error)
{
	(void)cpu, (void)cause, (void)vector, (void)address, (void)error, THE_DOMAIN->commit_phase = COMMIT_NONE;
	reset(), now.restarts++;
}

/* As crossing_reply: commits what there is, then delivers, which is one step. */
NO_HOOK void core_call(struct cpu *cpu, uint64_t number)
{
	assert_int_equal(number, ZOG_CORE_REPLY);
	THE_DOMAIN->is_commit_recovered = 0;
	assert_true(transaction_commit(cpu, THE_DOMAIN));
	now.replies++, is_armed = 0; /* what comes now is another call's */
	THE_DOMAIN->commit_phase = COMMIT_NONE;
}

void crossing_give_up(struct cpu *cpu, const char *why)
{
	(void)cpu, (void)why;
	reset();
	now.give_ups++;
}

NO_HOOK void core_restart_stack(void) { longjmp(after_exception, 1); }
void core_leave(struct cpu *cpu) { (void)cpu; }
void root_recover(const struct cpu *cpu, struct thread *thread) { (void)cpu, (void)thread; }
void incident_record_idle(struct domain *domain, uint32_t cause, uint64_t detail) { (void)domain, (void)cause, (void)detail; }
const struct zog_incident *incident_find(uint32_t number) { return (void)number, NULL; }
uint32_t incident_count(void) { return 0; }
void log_line(const char *format, ...) { (void)format; }
__asm__(".data\n.globl core_locks_start, core_locks_end\ncore_locks_start:\ncore_locks_end:\n.text"); /* none */
#include "operation_devices.h"
uint64_t table_pool_free(void) { return 1000; }
bool table_pool_reclaim(struct cpu *of) { return (void)of, false; }
uint32_t space_trim(struct cpu *of, struct space *space, uint64_t start, uint64_t end) { return (void)of, (void)space, (void)start, (void)end, 0; }

#define NOT_STAGED { fail_msg("%s is not staged by any test", __func__); } /* operations that these tests leave out */
bool region_decode_commit(struct cpu *cpu, struct domain *d, const struct zog_op *op, bool is_first) { (void)cpu, (void)d, (void)op, (void)is_first; return false; }
bool region_decode_rollback(struct domain *d, const struct zog_op *op) { (void)d, (void)op; return false; }
bool region_decode_propose(struct cpu *cpu, struct domain *d, const struct zog_op *op, bool is_first) { (void)cpu, (void)d, (void)op, (void)is_first; return false; }
bool region_decode_verdict(struct cpu *cpu, struct domain *d, const struct zog_op *op, bool is_first) { (void)cpu, (void)d, (void)op, (void)is_first; return false; }
void region_act_skipped(struct cpu *cpu) { (void)cpu; NOT_STAGED }
void region_straight_resume(struct cpu *cpu, struct domain *d) { (void)cpu, (void)d; NOT_STAGED }
void region_rollback_skipped(struct domain *d, const struct zog_op *op) { (void)d, (void)op; NOT_STAGED }
bool region_check(struct cpu *cpu, struct domain *d) { (void)cpu, (void)d; return false; }
void region_act_commit(struct cpu *cpu, struct domain *d) { (void)cpu, (void)d; NOT_STAGED }
void region_act_rollback(struct domain *d, const struct zog_op *op) { (void)d, (void)op; NOT_STAGED }
bool object_decode_commit(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op; return is_first; }
bool object_decode_rollback(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op, (void)is_first; return false; }
bool object_check(struct cpu *of, struct domain *domain, bool is_joined) { (void)of, (void)domain, (void)is_joined; return true; }
void object_act_skipped(struct cpu *of) { (void)of; } void object_act_open(struct cpu *of) { (void)of; }
void object_act_publish(struct cpu *of, struct domain *domain) { (void)of, (void)domain; }
bool domain_read(struct domain *d, void *to, uint64_t address, uint64_t bytes) { (void)d, (void)to, (void)address, (void)bytes; return false; }
bool domain_touch(struct domain *d, uint64_t address, bool is_write) { (void)d, (void)address, (void)is_write; return false; }
bool space_create(struct space *space) { (void)space; return false; }
void space_destroy(struct space *space) { (void)space; NOT_STAGED }
void space_protect(struct space *s, uint64_t address, uint64_t pages, uint32_t flags) { (void)s, (void)address, (void)pages, (void)flags; NOT_STAGED }
bool space_clone(struct space *from, struct space *to, uint64_t address, uint64_t pages) { (void)from, (void)to, (void)address, (void)pages; return false; }
void thread_end(struct cpu *cpu, struct thread *thread) { (void)cpu, (void)thread; NOT_STAGED }
void thread_make_ready(struct thread *thread) { (void)thread; NOT_STAGED }
void vector_save(struct cpu *cpu) { (void)cpu; NOT_STAGED }
void vector_close(struct cpu *cpu) { (void)cpu; } void schedule_recover(struct cpu *cpu) { (void)cpu; } /* in every recovery */
void cpu_interrupt_other(uint32_t cpu) { (void)cpu; NOT_STAGED }
bool update_is_checked(const struct domain *domain) { (void)domain; return false; }
void update_act(struct cpu *of, struct domain *domain) { (void)of, (void)domain; }
void domain_reset(struct domain *domain) { (void)domain; NOT_STAGED }
void domain_attach_window(struct domain *d, uint32_t window, uint64_t physical, uint64_t bytes) { (void)d, (void)window, (void)physical, (void)bytes; NOT_STAGED }
bool control_decode(struct domain *d, const struct zog_op *op) { return d == NULL && op == NULL; }
void control_act(struct cpu *cpu, struct domain *d, const struct zog_op *op) { (void)cpu, (void)d, (void)op; NOT_STAGED }
void service_exit(struct domain *d, uint32_t status) { (void)d, (void)status; NOT_STAGED }
void authority_tell_used(void) { }
void power_off(uint32_t status) { (void)status; abort(); }

/* --- transactions ----------------------------------------------------------------------------------------------------------- */

NO_HOOK static void world_begin(void)
{
	memset(&now, 0, sizeof(now));
	memset(&txn, 0, sizeof(txn));
	memset(valid, 1, sizeof(valid));
	for (uint32_t i = 0; i < HOME_BYTES; i++)
		now.live[i] = now.committed[i] = (uint8_t)(i * 31 + i / 256);
	for (uint32_t i = 0; i < ENTRIES; i++)
		now.entry[i] = 0x1000u + i;
	for (uint32_t i = 0; i < FRAMES; i++)
		now.frame[i] = (struct frame){ .type = FRAME_PAYLOAD };
}

/* What the domain and its store hook do. */
NO_HOOK static void home_write(uint32_t offset, uint32_t length, uint8_t value)
{
	for (uint32_t i = 0; i < length; i++)
		now.live[offset + i] = (uint8_t)(value + i);
	txn.range[txn.range_count++] = (struct zog_range){ offset, length };
}

NO_HOOK static void home_write_page_mode(uint32_t offset, uint32_t length, uint8_t value)
{
	txn.is_page_mode = 1;
	for (uint32_t i = 0; i < length; i++) {
		now.live[offset + i] = (uint8_t)(value + i);
		txn.dirty_page[(offset + i) / ZOG_PAGE_SIZE / 8] |= (uint8_t)(1u << (offset + i) / ZOG_PAGE_SIZE % 8);
	}
}

NO_HOOK static void stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2)
{
	txn.op[txn.op_count++] = (struct zog_op){ code, slot, { w0, w1, w2, 0, 0 } };
}

NO_HOOK static void write_ranges(void)
{
	home_write(8, 8, 100);
	home_write(100, 4, 101);
	home_write(333, 1, 102);
	home_write(1001, 3, 103);
	home_write(4090, 40, 104); /* over a page's end */
	home_write(8, 8, 105);     /* once more */
	home_write(12, 20, 106);   /* over another one */
	home_write(3 * 4096, 0, 0);
	home_write(HOME_BYTES - 8, 8, 107);
}

NO_HOOK static void write_pages(void)
{
	write_ranges();
	home_write_page_mode(4096 + 17, 200, 9);
	home_write_page_mode(5 * 4096 + 4000, 300, 10);
}

NO_HOOK static void stage_operations(void)
{
	stage(ZOG_OP_NOTIFY, 0, 0, 0, 0);
	stage(ZOG_OP_MAP, 1, 0x1000, 5, ZOG_MAP_READ);
	stage(ZOG_OP_FRAME_GRANT, 0, 9, 3, 1);
	stage(ZOG_OP_UNMAP, 1, 0x2000, 2, 0);
	stage(ZOG_OP_THREAD_WAKE, 2, 0, 0, 0);
	stage(ZOG_OP_NOTIFY, 3, 1, 0, 0);
}

NO_HOOK static void write_and_stage(void)
{
	write_ranges();
	stage_operations();
}

NO_HOOK static void write_pages_and_stage(void)
{
	write_pages();
	stage_operations();
}

/* --- one commit, cut ------------------------------------------------------------------------------------------------------------ */

NO_HOOK static void machine_setup(void)
{
	struct cpu *cpu = THE_CPU;
	struct domain *domain = THE_DOMAIN;

	memset(cpu, 0, sizeof(*cpu));
	memset(domain, 0, sizeof(*domain)); /* CPU 0 holds it */
	for (uint32_t i = 1; i < ZOG_DOMAIN_MAX; i++)
		domain_table[i].lock.holder = LOCK_FREE;
	cpu->self = cpu;
	cpu->thread = &threads[0];
	cpu->domain_regs.rax = ZOG_CORE_REPLY;
	threads[0].depth = 1;
	threads[0].frame[0] = (struct call_frame){ .domain = domain, .phase = PHASE_RUN };
	threads[2].state = THREAD_PARKED;
	spaces[1].cr3 = 0x1000;
	domain->desc = &desc;
	domain->txn = &txn;
	domain->home_live = now.live;
	domain->home_committed = now.committed;
	domain->home_bytes = HOME_BYTES;
	domain->home_valid = valid, domain->rule_map = domain->home_look = rule_map;
	domain->event = now.event;
	syscall(SYS_arch_prctl, ARCH_SET_GS, cpu); /* what cpu_current() reads */
}

/* The two legal ends of the transaction that WRITE makes. */
NO_HOOK static void transaction_prepare(void (*write)(void))
{
	world_begin();
	before = now;
	machine_setup();
	write();
	txn_before = txn;
	is_armed = 0;
	core_call(THE_CPU, ZOG_CORE_REPLY);
	after = now;
	memcpy(now.live, before.live, sizeof(now.live));
}

NO_HOOK static void transaction_again(void)
{
	struct world written = after;

	now = before;
	memcpy(now.live, written.live, sizeof(now.live));
	txn = txn_before;
	machine_setup();
	stores = 0;
}

enum outcome { OUTCOME_WHOLE, OUTCOME_NOTHING, OUTCOME_COMMITTED, OUTCOME_QUARANTINED };
static volatile uint64_t cut_next; /* when the exception has struck: the next one, counted from there */
static volatile uint32_t exceptions;
static volatile uint32_t phase_at_cut[3];

/* Runs BODY to its end, through at most two exceptions. */
NO_HOOK static void run_cut(void (*body)(void), uint64_t first, uint64_t second)
{
	exceptions = 0;
	transaction_again();
	cut_at = first;
	cut_next = second;
	if (setjmp(after_exception) == 0) {
		is_armed = 1;
		body();
	} else {
		is_armed = 0;
		phase_at_cut[exceptions++ % 3] = THE_DOMAIN->commit_phase;
		cuts++;
		stores = 0;
		cut_at = cut_next;
		cut_next = 0;
		/* The interrupted store may not have been made; nothing else of that CPU's work is kept. */
		is_armed = cut_at != 0;
		core_recover(THE_CPU);
	}
	is_armed = 0;
}

static void body_reply(void) { core_call(THE_CPU, ZOG_CORE_REPLY); }

NO_HOOK static int same(const void *a, const void *b, size_t size) { return memcmp(a, b, size) == 0; }

NO_HOOK static int tables_are(const struct world *world)
{
	return same(now.committed, world->committed, HOME_BYTES) && same(now.live, world->live, HOME_BYTES) && same(now.entry, world->entry, sizeof(now.entry));
}

NO_HOOK static int nothing_is_changed(void)
{
	return tables_are(&before) && same(now.frame, before.frame, sizeof(now.frame)) && same(now.event, before.event, sizeof(now.event)) && now.wakes == 0;
}

/* Every event moved at least as far as it should, and at most once more for each exception. */
NO_HOOK static int effects_are_made(uint32_t again)
{
	uint64_t extra = now.wakes - after.wakes;

	for (uint32_t i = 0; i < EVENTS; i++) {
		if (now.event[i].count < after.event[i].count || (after.event[i].count == 0 && now.event[i].count != 0))
			return 0;
		extra += now.event[i].count - after.event[i].count;
	}
	return same(now.frame, after.frame, sizeof(now.frame)) && now.wakes >= after.wakes && extra <= 2 * again;
}

NO_HOOK static const char *judge(enum outcome *outcome)
{
	if (txn.range_count | txn.op_count | txn.is_page_mode)
		return "the log is not empty";
	if (THE_DOMAIN->commit_phase != COMMIT_NONE || THE_CPU->in_recovery)
		return "the commit is still open";
	if (now.give_ups) {
		*outcome = OUTCOME_QUARANTINED;
		return now.replies || now.restarts ? "given up, and gone on" : NULL;
	}
	if (now.replies + (now.restarts != 0) != 1 || now.restarts > exceptions) /* one that is cut at its end is made again */
		return "the call was not ended once";
	if (now.restarts) {
		*outcome = OUTCOME_NOTHING;
		return nothing_is_changed() ? NULL : "issued again, but not all is taken back";
	}
	*outcome = OUTCOME_COMMITTED;
	if (!tables_are(&after))
		return "answered, but not all is committed";
	if (!effects_are_made(exceptions)) {
		/* Cut twice, in the effects: that one is given up. */
		if (exceptions < 2 || phase_at_cut[0] != COMMIT_EFFECTS || phase_at_cut[1] != COMMIT_EFFECTS)
			return "answered, but an effect is missing";
		skipped_effects++;
	}
	return NULL;
}

static uint64_t seen[4];

NO_HOOK static int check_cut(void (*body)(void), uint64_t first, uint64_t second)
{
	enum outcome outcome = OUTCOME_WHOLE;

	run_cut(body, first, second);
	const char *wrong = judge(&outcome);
	if (wrong != NULL)
		fail_msg("exceptions before stores %lu and %lu: %s", (unsigned long)first, (unsigned long)second, wrong);
	if (outcome == OUTCOME_QUARANTINED) {
		quarantines++;
		if (exceptions != 2 || phase_at_cut[0] != COMMIT_RANGES || phase_at_cut[1] != COMMIT_RANGES)
			fail_msg("given up after stores %lu and %lu", (unsigned long)first, (unsigned long)second);
	}
	seen[outcome]++;
	return exceptions != 0;
}

static void every_store(void (*write)(void))
{
	uint64_t first = 1;

	memset(seen, 0, sizeof(seen));
	transaction_prepare(write);
	while (check_cut(body_reply, first, 0))
		first++;
	assert_true(seen[OUTCOME_NOTHING] > 0 && seen[OUTCOME_COMMITTED] > 1);
	assert_int_equal(seen[OUTCOME_QUARANTINED], 0);
}

static void every_pair_of_stores(void (*write)(void), uint64_t step)
{
	transaction_prepare(write);
	for (uint64_t first = 1; check_cut(body_reply, first, 0); first += step)
		for (uint64_t second = 1; check_cut(body_reply, first, second) && exceptions == 2; second += step)
			;
}

/* --- tests -------------------------------------------------------------------------------------------------------------------------- */

static void a_commit_of_ranges_is_whole_at_every_store(void **state) { (void)state; every_store(write_ranges); }
static void a_commit_of_pages_is_whole_at_every_store(void **state) { (void)state; every_store(write_pages); }
static void a_commit_of_operations_is_whole_at_every_store(void **state) { (void)state; every_store(stage_operations); }
static void a_commit_of_both_is_whole_at_every_store(void **state) { (void)state; every_store(write_and_stage); }

static void a_second_exception_in_the_recovery_is_survived(void **state)
{
	(void)state;
	every_pair_of_stores(write_ranges, 1);
	every_pair_of_stores(stage_operations, 1);
	every_pair_of_stores(write_and_stage, 1);
	every_pair_of_stores(write_pages_and_stage, 13);
	assert_true(quarantines > 0);
	assert_true(skipped_effects > 0);
}

static void body_abort(void)
{
	transaction_abort(THE_DOMAIN);
	now.replies++;
}

/* A cut abort ends in a restart, a whole one leaves the live image as it was; the committed one is never touched. */
static void an_abort_never_changes_what_is_committed(void **state)
{
	void (*const writes[])(void) = { write_ranges, write_pages, write_and_stage };

	(void)state;
	for (uint32_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		transaction_prepare(writes[i]);
		for (uint64_t first = 1;; first++) {
			run_cut(body_abort, first, 0);
			assert_true(nothing_is_changed());
			assert_int_equal(now.replies + now.restarts, 1);
			if (exceptions == 0)
				break;
			assert_int_equal(now.restarts, 1);
		}
	}
}

static void a_transaction_that_does_not_pass_changes_nothing(void **state)
{
	(void)state;
	world_begin();
	before = now;
	machine_setup();
	write_and_stage();
	stage(ZOG_OP_NOTIFY, EVENTS, 0, 0, 0); /* no such event */
	is_armed = 0;
	assert_false(transaction_commit(THE_CPU, THE_DOMAIN));
	memcpy(now.live, before.live, sizeof(now.live));
	assert_true(nothing_is_changed());
}

/* The control: a recovery that restarts the domain whatever the commit's phase tears the image, and is caught. */
static volatile uint64_t torn;
NO_HOOK static void recover_without_finishing(uint64_t first)
{
	enum outcome outcome;

	exceptions = 0;
	transaction_again();
	cut_at = first;
	if (setjmp(after_exception) == 0) {
		is_armed = 1;
		body_reply();
	} else {
		is_armed = 0;
		exceptions = 1;
		THE_DOMAIN->commit_phase = COMMIT_NONE;
		core_recover(THE_CPU);
	}
	is_armed = 0;
	torn += exceptions && judge(&outcome) != NULL;
}

static void without_the_phase_the_test_finds_torn_images(void **state)
{
	(void)state;
	transaction_prepare(write_and_stage);
	exceptions = 1;
	for (uint64_t first = 1; exceptions != 0; first++)
		recover_without_finishing(first);
	assert_true(torn > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_of_ranges_is_whole_at_every_store),
		cmocka_unit_test(a_commit_of_pages_is_whole_at_every_store),
		cmocka_unit_test(a_commit_of_operations_is_whole_at_every_store),
		cmocka_unit_test(a_commit_of_both_is_whole_at_every_store),
		cmocka_unit_test(a_second_exception_in_the_recovery_is_survived),
		cmocka_unit_test(an_abort_never_changes_what_is_committed),
		cmocka_unit_test(a_transaction_that_does_not_pass_changes_nothing),
		cmocka_unit_test(without_the_phase_the_test_finds_torn_images),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	print_message("%lu crash points, %lu images given up after two, %lu effects given up after two, %lu torn without the phase\n",
		      (unsigned long)cuts, (unsigned long)quarantines, (unsigned long)skipped_effects, (unsigned long)torn);
	return failed;
}
