/* groups: tsm */
/* flags: -DPHYSMAP_BASE=0x200000000000ul -fno-sanitize=alignment */
/* sources: core/tsm/operation.c core/tsm/operation_work.c core/tsm/operation_port.c core/cross/control_decode.c core/object/space.c */
/* Staged operations of a personality that means harm: each decoder must see the objects as the operations before its
 * own will have left them. Sequences with their verdict, then random ones over real address spaces, after which no
 * frame that was given away is mapped and every page table is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "tsm/object.h"
#include "tsm/operation_work.h"
#include "iommu/iommu.h"
#include "tsm/region.h"
#include "tsm/transaction.h"
#include "cross/control.h"
#include "cross/schedule.h"
#include "fault/log.h"
#include "object/frame.h"
#include "arch/x86_64/apic.h"

#define FRAMES 2048u
#define POOL_FIRST 64u
#define POOL_PAGES 1400u
#define PAYLOAD_FIRST 1600u
#define PAYLOADS 16u
#define SPACES 6u
#define THREADS 6u
#define A 0x400000ul

enum { PERSONALITY = 0, OTHER = 1 };
static const struct cap_desc no_caps[] = { { 0, 0, 0 } };
const struct domain_desc system_domain[] = {
	{ .name = "personality", .cap = no_caps, .cap_count = 1, .is_personality = 1, .event_count = 4 },
	{ .name = "other", .cap = no_caps, .cap_count = 1 },
};
const uint32_t system_domain_count = 2;
struct domain domain_table[ZOG_DOMAIN_MAX];
struct cpu cpu_table[ZOG_CPU_MAX];
uint32_t cpu_count = 1;
uint64_t cpu_cr4_vectors, cpu_cr4_no_vectors;
static struct frame frames[FRAMES];
struct frame *frame_table = frames;
uint64_t frame_count = FRAMES, core_pml4_physical = 8 * ZOG_PAGE_SIZE;
static struct space spaces[SPACES];
static struct thread threads[THREADS + 1];
struct thread *thread_table = threads;
uint32_t thread_total = THREADS, thread_slots = THREADS;
uint64_t schedule_slice_ns;
uint32_t schedule_ready_count;
static struct cpu *const cpu = &cpu_table[0];
static struct domain *const personality = &domain_table[PERSONALITY];
static struct zog_regs program; /* what the personality's memory holds, whatever the address */
static uint32_t ready_twice;

#include "operation_devices.h"
bool region_decode_commit(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op; return is_first; }
bool region_decode_rollback(struct domain *domain, const struct zog_op *op) { (void)domain, (void)op; return false; }
bool region_decode_propose(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op; return is_first; }
bool region_decode_verdict(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op; return is_first; }
void region_act_skipped(struct cpu *of) { (void)of; }
void region_rollback_skipped(struct domain *domain, const struct zog_op *op) { (void)domain, (void)op; }
bool region_check(struct cpu *of, struct domain *domain) { (void)of, (void)domain; return true; }
void region_act_commit(struct cpu *of, struct domain *domain) { (void)of, (void)domain; }
void region_act_rollback(struct domain *domain, const struct zog_op *op) { (void)domain, (void)op; }
bool object_decode_commit(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op; return is_first; }
bool object_decode_rollback(struct cpu *of, struct domain *domain, const struct zog_op *op, bool is_first) { (void)of, (void)domain, (void)op, (void)is_first; return false; }
bool object_check(struct cpu *of, struct domain *domain, bool is_joined) { (void)of, (void)domain, (void)is_joined; return true; }
void object_act_skipped(struct cpu *of) { (void)of; }
void object_act_open(struct cpu *of) { (void)of; }
void object_act_publish(struct cpu *of, struct domain *domain) { (void)of, (void)domain; }
void core_set64(uint64_t *at, uint64_t value) { *at = value; }
void journal_begin(struct cpu *of) { of->journal_count = 0; }
void space_flush(struct space *space) { (void)space; }
void log_line(const char *format, ...) { (void)format; }
void authority_tell_used(void) { }
void power_off(uint32_t status) { exit((int)status + 100); }
void event_notify(struct event *event, uint32_t wake) { (void)wake, event->count++; }
void vector_save(struct cpu *of) { (void)of; }
void vector_close(struct cpu *of) { (void)of; }
void cpu_interrupt_other(uint32_t id) { (void)id; }
bool thread_wake(struct thread *thread, uint8_t reason) { (void)thread, (void)reason; return true; }
void control_act(struct cpu *of, struct domain *domain, const struct zog_op *op) { (void)of, (void)domain, (void)op; }
void service_exit(struct domain *domain, uint32_t status) { (void)domain, (void)status; }
bool update_is_checked(const struct domain *domain) { (void)domain; return false; }
void update_act(struct cpu *of, struct domain *domain) { (void)of, (void)domain; }
void domain_attach_window(struct domain *domain, uint32_t window, uint64_t physical, uint64_t bytes) { (void)domain, (void)window, (void)physical, (void)bytes; }
bool domain_touch(struct domain *domain, uint64_t address, bool is_write) { (void)domain, (void)address, (void)is_write; return true; }
bool domain_read(struct domain *domain, void *to, uint64_t address, uint64_t bytes)
{
	(void)domain;
	if (bytes == 0)
		return true;
	assert_int_equal(bytes, sizeof(program));
	memcpy(to, &program, bytes);
	return address != 0;
}
void thread_make_ready(struct thread *thread)
{
	ready_twice += thread->state == THREAD_READY;
	thread->state = THREAD_READY;
}
void thread_end(struct cpu *of, struct thread *thread)
{
	thread->is_dying = 1;
	if (thread != of->thread)
		thread->state = THREAD_FREE;
}

static int setup(void **state)
{
	static bool is_mapped;

	(void)state;
	if (!is_mapped) {
		assert_ptr_equal(mmap((void *)PHYSMAP_BASE, FRAMES * ZOG_PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), (void *)PHYSMAP_BASE);
		table_pool_init(POOL_FIRST * ZOG_PAGE_SIZE, POOL_PAGES);
	}
	is_mapped = true;
	for (uint32_t i = 0; i < SPACES; i++)
		if (spaces[i].cr3)
			space_destroy(&spaces[i]);
	assert_int_equal(table_pool_free(), POOL_PAGES);
	space_table = spaces;
	space_total = SPACES;
	memset(frames, 0, sizeof(frames));
	for (uint32_t i = 0; i < PAYLOADS; i++)
		frames[PAYLOAD_FIRST + i] = (struct frame){ .type = FRAME_PAYLOAD, .owner = PERSONALITY };
	memset(threads, 0, sizeof(threads));
	memset(personality, 0, sizeof(*personality));
	personality->desc = &system_domain[PERSONALITY];
	personality->event = calloc(4, sizeof(struct event));
	personality->txn = calloc(1, sizeof(struct zog_txn));
	space_create(&spaces[0]);
	threads[0].state = THREAD_RUNNING;
	threads[0].space = &spaces[0];
	cpu->thread = &threads[0];
	cpu->cr3 = 1; /* the personality's own */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(personality->txn);
	free(personality->event);
	return 0;
}

static uint32_t repeats; /* how often the last transaction had to be asked for again */

/* Makes the core call as often as the core wants it. */
static bool decode(const struct zog_op *op, uint32_t count)
{
	bool is_good;

	memcpy(personality->txn->op, op, count * sizeof(*op));
	for (repeats = 0;; repeats++) {
		uint64_t free = table_pool_free();
		is_good = operations_take(cpu, personality, count) && operations_decode(cpu, personality, count);
		if (!cpu->must_repeat)
			return is_good;
		assert_false(is_good);
		assert_in_range(table_pool_free() - free, 1, SPACE_TRIM_MAX);
		cpu->must_repeat = 0;
	}
}

#define F PAYLOAD_FIRST
#define GOOD(...) assert_true(decode((struct zog_op[]){ __VA_ARGS__ }, sizeof((struct zog_op[]){ __VA_ARGS__ }) / sizeof(struct zog_op)))
#define BAD(...) assert_false(decode((struct zog_op[]){ __VA_ARGS__ }, sizeof((struct zog_op[]){ __VA_ARGS__ }) / sizeof(struct zog_op)))
#define CREATE(s) { ZOG_OP_SPACE_CREATE, s, { 0 } }
#define DESTROY(s) { ZOG_OP_SPACE_DESTROY, s, { 0 } }
#define MAP(s, frame) { ZOG_OP_MAP, s, { A, frame, ZOG_MAP_READ } }
#define CLONE(s, to) { ZOG_OP_CLONE_RANGE, s, { to, A, 1 } }
#define GRANT(frame, count) { ZOG_OP_FRAME_GRANT, 0, { frame, count, OTHER } }
#define ZERO(frame) { ZOG_OP_FRAME_ZERO, 0, { frame } }
#define THREAD(slot, s) { ZOG_OP_THREAD_CREATE, slot, { s, 0x1000, ZOG_SELF } }

static void spaces_as_they_will_be(void **state)
{
	(void)state;
	GOOD(CREATE(1));
	BAD(CREATE(0));
	BAD(CREATE(1), CREATE(1));
	GOOD(CREATE(1), MAP(1, F), DESTROY(1));
	BAD(CREATE(1), DESTROY(1), MAP(1, F));
	BAD(DESTROY(0), MAP(0, F));
	BAD(DESTROY(0), MAP(ZOG_SELF, F));
	BAD(DESTROY(0), DESTROY(0));
	GOOD(DESTROY(0), CREATE(0), MAP(0, F));
	BAD(DESTROY(0), CREATE(0), DESTROY(0), CLONE(0, 0));
	BAD(MAP(1, F), CREATE(1));
	BAD(CLONE(0, 1));
	GOOD(CREATE(1), CLONE(0, 1));
	BAD(CREATE(1), DESTROY(1), THREAD(1, 1));
	BAD(CREATE(SPACES));
	BAD(MAP(0xfffffffe, F));
}

static void frames_as_they_will_be(void **state)
{
	(void)state;
	GOOD(MAP(0, F), GRANT(F + 1, 2));
	BAD(MAP(0, F), GRANT(F, 1));
	BAD(MAP(0, F + 2), GRANT(F, 3));
	BAD(GRANT(F, 1), MAP(0, F));
	BAD(GRANT(F, 2), ZERO(F + 1));
	BAD(GRANT(F, 1), GRANT(F, 1));
	BAD(GRANT(F + 1, 2), GRANT(F, 2));
	GOOD(GRANT(F, 2), GRANT(F + 2, 2), ZERO(F + 4));
	BAD(GRANT(F, UINT64_MAX));
	BAD(GRANT(UINT64_MAX, 1));
	BAD(GRANT(F, PAYLOADS + 1));
	BAD(ZERO(POOL_FIRST));
	BAD(MAP(0, FRAMES));
	frames[F].map_count = 1;
	BAD(GRANT(F, 1));
	frames[F].map_count = 0;
	frames[F].pin_count = 1;
	BAD(GRANT(F, 1));
}

static void threads_as_they_will_be(void **state)
{
	(void)state;
	GOOD(THREAD(1, 0));
	BAD(THREAD(1, 0), THREAD(1, 0));
	GOOD(THREAD(1, 0), THREAD(2, 0));
	BAD(THREAD(0, 0));
	BAD(THREAD(THREADS, 0));
	BAD({ ZOG_OP_THREAD_CREATE, 1, { 0, 0, ZOG_SELF } });
	BAD({ ZOG_OP_THREAD_SPACE, 0, { 0 } });
	GOOD({ ZOG_OP_THREAD_SPACE, ZOG_SELF, { 0 } });
	GOOD(CREATE(1), { ZOG_OP_THREAD_SPACE, ZOG_SELF, { 1 } });
	BAD({ ZOG_OP_THREAD_WAKE, 3, { 0 } });
	cpu->thread->is_activity = 1;
	BAD({ ZOG_OP_THREAD_SPACE, ZOG_SELF, { 0 } });
	BAD({ ZOG_OP_THREAD_DESTROY, ZOG_SELF, { 0 } });
}

/* Whatever a program has in its registers, its personality may write back; ring 0 can load the result. */
static void registers_of_a_wild_program(void **state)
{
	(void)state;
	memset(&program, 0xff, sizeof(program));
	program.rip = 0x0000800000000000ul;
	program.fs_base = 0xffff800000000000ul;
	program.gs_base = 0x1234567812345678ul;
	GOOD({ ZOG_OP_THREAD_REGS, ZOG_SELF, { 0x1000 } });
	assert_int_equal(cpu->op_regs[0].rip, 0xffff800000000000ul);
	assert_int_equal(cpu->op_regs[0].fs_base, 0xffff800000000000ul);
	assert_int_equal(cpu->op_regs[0].gs_base, 0x0000567812345678ul);
	assert_int_equal(cpu->op_regs[0].rflags & 0x3000, 0);                 /* no port privilege */
	assert_int_equal(cpu->op_regs[0].rflags & RFLAGS_INTERRUPT, RFLAGS_INTERRUPT);
	assert_int_equal(cpu->op_regs[0].rflags & 0x4000, 0);                 /* no nested task */
}

#include "operation_work_cases.h"

static void addresses_outside(void **state)
{
	(void)state;
	BAD({ ZOG_OP_MAP, 0, { ZOG_USER_END, F, 1 } });
	BAD({ ZOG_OP_MAP, 0, { A + 1, F, 1 } });
	BAD({ ZOG_OP_MAP, 0, { 0xffff800000000000ul, F, 1 } });
	BAD({ ZOG_OP_UNMAP, 0, { ZOG_USER_END - ZOG_PAGE_SIZE, 2 } });
	BAD({ ZOG_OP_UNMAP, 0, { A, UINT64_MAX } });
	BAD({ ZOG_OP_UNMAP, 0, { A, 1ul << 52 } });
	GOOD({ ZOG_OP_UNMAP, 0, { 0, ZOG_USER_END / ZOG_PAGE_SIZE } });
	BAD({ ZOG_OP_CLONE_RANGE, 0, { 0, A, 513 } });
}

/* The verdict on lengths comes before any loop over them. */
static void windows_without_right(void **state)
{
	(void)state;
	BAD({ ZOG_OP_DEVICE_ATTACH, 0, { 0, 0, 1ul << 46, 1ul << 62 } });
	BAD({ ZOG_OP_DEVICE_ATTACH, 0, { 0, 0, 0, UINT64_MAX } });
	BAD({ ZOG_OP_POWER_OFF, 0, { 0 } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 0, { 1, ZOG_CONTROL_KILL } });
	BAD({ ZOG_OP_SCHEDULE, 0, { 2000000 } });
	BAD({ ZOG_OP_PORT_OUT, 0, { 0x3f8, 0, 8, 0 } });
}

/* --- random sequences over real address spaces -------------------------------------------------------------------- */

static uint32_t mapped_count[FRAMES];
static void tables_count(uint64_t physical, uint32_t level)
{
	const pte_t *table = physical_pointer(physical);

	for (uint32_t i = 0; i < (level == 3 ? 256u : 512u); i++) {
		if (!(table[i] & PTE_ADDRESS))
			continue;
		if (level == 0)
			mapped_count[(table[i] & PTE_ADDRESS) >> 12]++;
		else
			tables_count(table[i] & PTE_ADDRESS, level - 1);
	}
}

static void invariants_check(void)
{
	memset(mapped_count, 0, sizeof(mapped_count));
	for (uint32_t i = 0; i < SPACES; i++)
		if (spaces[i].cr3)
			tables_count(spaces[i].cr3, 3);
	for (uint32_t i = 0; i < FRAMES; i++) {
		assert_int_equal(frames[i].map_count, mapped_count[i]);
		if (frames[i].type != FRAME_PAYLOAD || frames[i].owner != PERSONALITY)
			assert_int_equal(mapped_count[i], 0);
	}
	for (uint32_t i = 1; i < THREADS; i++)
		if (threads[i].state != THREAD_FREE)
			assert_true(threads[i].space->cr3 != 0);
	assert_int_equal(ready_twice, 0);
}

static uint64_t frame_random(void) { return rand() % 8 ? PAYLOAD_FIRST + (uint64_t)rand() % PAYLOADS : (uint64_t)rand() % (2 * FRAMES); }

static struct zog_op operation_random(void)
{
	static const uint32_t code[] = { ZOG_OP_NOTIFY, ZOG_OP_SPACE_CREATE, ZOG_OP_SPACE_DESTROY, ZOG_OP_MAP, ZOG_OP_MAP, ZOG_OP_MAP, ZOG_OP_UNMAP,
					 ZOG_OP_PROTECT, ZOG_OP_CLONE_RANGE, ZOG_OP_THREAD_CREATE, ZOG_OP_THREAD_DESTROY, ZOG_OP_THREAD_SPACE,
					 ZOG_OP_FRAME_GRANT, ZOG_OP_FRAME_ZERO, ZOG_OP_THREAD_WAKE };
	struct zog_op op = { .code = code[rand() % 15], .slot = (uint32_t)rand() % (SPACES + 1) };

	op.word[0] = A + (uint64_t)rand() % 600 * ZOG_PAGE_SIZE;
	op.word[1] = (uint64_t)rand() % 600;
	op.word[2] = (uint64_t)rand() % 8;
	if (op.code == ZOG_OP_MAP)
		op.word[1] = frame_random();
	if (op.code == ZOG_OP_CLONE_RANGE)
		op.word[0] = (uint64_t)rand() % SPACES, op.word[1] = A, op.word[2] = (uint64_t)rand() % 512;
	if (op.code == ZOG_OP_THREAD_CREATE)
		op.word[0] = (uint64_t)rand() % SPACES, op.word[1] = 0x1000, op.word[2] = ZOG_SELF;
	if (op.code == ZOG_OP_THREAD_SPACE)
		op.slot = ZOG_SELF, op.word[0] = (uint64_t)rand() % SPACES;
	if (op.code == ZOG_OP_FRAME_GRANT)
		op.word[0] = frame_random(), op.word[1] = 1, op.word[2] = PERSONALITY;
	if (op.code == ZOG_OP_FRAME_GRANT && rand() % 4 == 0)
		op.word[2] = OTHER;
	if (op.code == ZOG_OP_FRAME_ZERO)
		op.word[0] = frame_random();
	return op;
}

static void random_sequences(void **state)
{
	uint32_t passed = 0;

	(void)state;
	memset(&program, 0, sizeof(program));
	for (uint32_t round = 0; round < 20000; round++) {
		struct zog_op op[6];
		uint32_t count = 1 + (uint32_t)rand() % 6;
		for (uint32_t i = 0; i < count; i++)
			op[i] = operation_random();
		if (decode(op, count)) {
			operations_apply(cpu, personality, count);
			personality->commit_next = 0;
			operations_finish(cpu, personality, count);
			passed++;
		}
		threads[0].is_dying = 0;
		if (round % 8 == 0)
			invariants_check();
		/* Frames that went away come back, or there would soon be none. */
		for (uint32_t i = 0; round % 64 == 0 && i < PAYLOADS; i++)
			frames[PAYLOAD_FIRST + i].owner = PERSONALITY;
	}
	assert_true(passed > 2000);
	for (uint32_t i = 0; i < SPACES; i++)
		if (spaces[i].cr3)
			space_destroy(&spaces[i]);
	memset(mapped_count, 0, sizeof(mapped_count));
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(frames[i].map_count, 0);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

/* Recovery policy, fault injection, power, scheduling: each command passes with its own capability and with no other, and
 * only what was asked for counts as used. */
static void each_right_carries_its_own_commands_only(void **state)
{
	static const struct cap_desc caps[] = { { CAP_NONE, 0, 0 }, { CAP_CONTROL, 0, 0 }, { CAP_INJECT, 0, 0 }, { CAP_POWER, 0, 0 },
						{ CAP_SCHEDULE, 0, 0 }, { CAP_INSPECT, 0, 0 }, { CAP_STATS, 0, 0 } };
	static const struct domain_desc desc = { .name = "holder", .cap = caps, .cap_count = 7 };
	static const struct { uint32_t code; uint64_t word[3]; uint32_t needs; } command[] = {
		{ ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_KILL, 0 }, 1 },    { ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_KILL, 5 }, 2 },
		{ ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_HANG, 0 }, 2 },    { ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_CORRUPT, 5 }, 2 },
		{ ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_CORRUPT, 0 }, 2 }, { ZOG_OP_POWER_OFF, { 0 }, 3 }, { ZOG_OP_SCHEDULE, { 5000000 }, 4 },
		{ ZOG_OP_DOMAIN_CONTROL, { 1, ZOG_CONTROL_TRACE, 1 }, 5 },
	};
	struct fast_cap used[7];

	(void)state;
	personality->desc = &desc;
	personality->fast_cap = used;
	for (uint32_t i = 0; i < sizeof(command) / sizeof(command[0]); i++) {
		for (uint32_t slot = 0; slot < 9; slot++) {
			struct zog_op op = { command[i].code, slot, { command[i].word[0], command[i].word[1], command[i].word[2] } };
			memset(used, 0, sizeof(used));
			assert_int_equal(decode(&op, 1), slot == command[i].needs);
			for (uint32_t row = 0; row < 7; row++)
				assert_int_equal(used[row].is_used, row == slot && slot == command[i].needs);
		}
	}
	BAD({ ZOG_OP_DOMAIN_CONTROL, 1, { system_domain_count, ZOG_CONTROL_KILL } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 2, { 1, ZOG_CONTROL_COUNT } });
}

/* Only services are started and stopped, with arguments that end; only a service ends by itself. */
static void commands_of_services(void **state)
{
	static const struct cap_desc caps[] = { { CAP_NONE, 0, 0 }, { CAP_CONTROL, 0, 0 }, { CAP_INJECT, 0, 0 } };
	static const struct domain_desc holder = { .name = "holder", .cap = caps, .cap_count = 3 };
	static const struct domain_desc service = { .name = "service", .cap = caps, .cap_count = 3, .is_service = 1 };
	struct fast_cap used[3] = { 0 };

	(void)state;
	personality->desc = &holder;
	personality->fast_cap = used;
	domain_table[1].desc = &service;
	GOOD({ ZOG_OP_DOMAIN_CONTROL, 1, { 1, ZOG_CONTROL_STOP } });
	GOOD({ ZOG_OP_DOMAIN_CONTROL, 1, { 1, ZOG_CONTROL_START } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 2, { 1, ZOG_CONTROL_START } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 2, { 1, ZOG_CONTROL_STOP } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 1, { system_domain_count, ZOG_CONTROL_STOP } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 1, { 1, ZOG_CONTROL_START, 0, 0, ZOG_ARGUMENTS_MAX } });
	BAD({ ZOG_OP_EXIT, 0, { 0 } });
	domain_table[1].desc = &holder;
	BAD({ ZOG_OP_DOMAIN_CONTROL, 1, { 1, ZOG_CONTROL_START } });
	BAD({ ZOG_OP_DOMAIN_CONTROL, 1, { 1, ZOG_CONTROL_STOP } });
	personality->desc = &service;
	GOOD({ ZOG_OP_EXIT, 0, { 255 } });
	BAD({ ZOG_OP_EXIT, 0, { 256 } });
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(spaces_as_they_will_be), CASE(frames_as_they_will_be), CASE(threads_as_they_will_be), CASE(registers_of_a_wild_program),
		CASE(a_transaction_asks_for_so_much_and_no_more), CASE(much_is_taken_in_pieces), CASE(little_is_not_taken_before),
		CASE(tables_run_short), CASE(the_core_half_is_never_taken), CASE(addresses_outside), CASE(windows_without_right),
		CASE(each_right_carries_its_own_commands_only), CASE(commands_of_services), CASE(random_sequences),
	};

	srand(5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
