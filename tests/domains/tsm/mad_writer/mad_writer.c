/* A writer that goes mad at every step: random bytes into its write-ahead buffer and its own memory, then a commit of
 * random records. After each it does an honest piece of work, which must succeed: it changes one record and commits the
 * whole table. tsm_campaign=N tsm_seed=S on the boot command line: N such steps; tsm_attempts=1: the bad inputs of
 * attempts.c; tsm_lines=1: the sheet of lines.c; tsm_honest=1: honest work only, without end, while somebody kills this domain. sane_reader looks on. */
#include "mad_writer.h"

#define ENTRIES LEDGER_BOOK_ENTRY_COUNT

_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");
extern uint8_t rt_data_start[], rt_data_end[];

uint64_t draw(struct home *home, uint64_t limit)
{
	home->random ^= home->random << 13;
	home->random ^= home->random >> 7;
	home->random ^= home->random << 17;
	return (home->random >> 11) % limit;
}

static uint64_t option_number(const char *key, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	if (!rt_option(key, text, sizeof(text)))
		return otherwise;
	for (const char *at = text; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

/* --- the honest part --------------------------------------------------------------------------------------------------- */

/* The whole table: what the mad part left in the buffer would be in it, so the abort before must have taken it away. */
static bool table_commit(struct home *home, uint32_t mode)
{
	struct ledger_book_control control;

	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	control.steps += control.steps != UINT64_MAX;
	control.mode = mode;
	control.reserved = 0;
	region_write(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	region_submit(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, 1);
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, 0, ENTRIES);
	home->honest++;
	rt_notify(EVENT_CHANGED, 0);
	return region_commit() == ZOG_OK;
}

static void honest_work(struct home *home)
{
	struct ledger_book_entry entry;
	uint32_t index = (uint32_t)draw(home, ENTRIES);

	rt_commit();
	rt_abort(); /* of the write-ahead buffer: nothing else is open */
	region_read(REGION_BOOK, LEDGER_BOOK_ENTRY, index, &entry);
	entry.value += entry.value != UINT64_MAX;
	entry.start = (uint32_t)draw(home, LEDGER_BOOK_BYTES);
	entry.length = (uint32_t)draw(home, LEDGER_BOOK_BYTES - entry.start + 1);
	entry.next = draw(home, 2) ? index : UINT32_MAX;
	entry.share = (uint32_t)draw(home, 101);
	entry.delta = (int32_t)draw(home, 101) - 50;
	entry.mode = LEDGER_MODE_OPEN;
	entry.is_live = 1;
	region_write(REGION_BOOK, LEDGER_BOOK_ENTRY, index, &entry);
	if (!table_commit(home, LEDGER_MODE_OPEN))
		home->honest_refused++;
}

/* --- the mad part ------------------------------------------------------------------------------------------------------ */

static __attribute__((no_sanitize("kernel-address"))) void splat(struct home *home, uint64_t base, uint64_t size)
{
	volatile uint8_t *to = (volatile uint8_t *)(base + draw(home, size));

	*to = (uint8_t)draw(home, 256);
}

static void buffer_damage(struct home *home)
{
	uint64_t base = (uint64_t)region_buffer(REGION_BOOK, LEDGER_BOOK_CONTROL, 0);
	uint64_t runs = 1 + draw(home, 8);

	for (uint64_t i = 0; i < runs; i++) {
		uint64_t at = base + draw(home, LEDGER_BOOK_BYTES - 32), length = 1 + draw(home, 32);
		for (uint64_t byte = 0; byte < length; byte++)
			splat(home, at, 32);
	}
}

/* One field of one record becomes anything, under a right checksum: only the other rules stand in its way. */
static void record_damage(struct home *home)
{
	struct ledger_book_entry entry;
	uint32_t index = (uint32_t)draw(home, ENTRIES);

	region_read(REGION_BOOK, LEDGER_BOOK_ENTRY, index, &entry);
	splat(home, (uint64_t)&entry, sizeof(entry));
	splat(home, (uint64_t)&entry, sizeof(entry));
	region_write(REGION_BOOK, LEDGER_BOOK_ENTRY, index, &entry);
	region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, index, 1);
}

/* Data, heap, the running stack, the transaction page: all that it has but the records of this test in its home region. */
static void self_damage(struct home *home)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	for (uint64_t count = 1 + draw(home, 16), where = draw(home, 4); count > 0; count--) {
		if (where == 0)
			splat(home, (uint64_t)rt_data_start, (uint64_t)(rt_data_end - rt_data_start));
		else if (where == 1)
			splat(home, ZOG_HEAP_BASE, HEAP_BYTES);
		else if (where == 2)
			splat(home, here, 256);
		else
			splat(home, ZOG_TXN_BASE, 16 + draw(home, 2) * sizeof(struct zog_txn) / 2);
	}
}

static void mad_work(struct home *home)
{
	home->is_running = 1;
	home->step++;
	rt_commit();
	if (draw(home, 2)) {
		record_damage(home);
	} else {
		buffer_damage(home);
		uint32_t first = (uint32_t)draw(home, ENTRIES);
		region_submit(REGION_BOOK, LEDGER_BOOK_ENTRY, first, 1 + (uint32_t)draw(home, ENTRIES - first));
		if (draw(home, 2))
			region_submit(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, 1);
	}
	if (draw(home, 4) == 0)
		self_damage(home);
	bool is_passed = region_commit() == ZOG_OK;
	home->is_running = 0;
	if (is_passed)
		home->passed++;
	else
		home->refused++;
	rt_notify(EVENT_CHANGED, 0);
	rt_commit();
}

static void campaign_tell(struct home *home)
{
	if (!home->is_told && !table_commit(home, LEDGER_MODE_DONE))
		home->honest_refused++;
	home->is_told = 1;
	rt_log(RT_INFO, "done steps=%lu passed=%lu refused=%lu ended=%lu honest=%lu honest_refused=%lu", home->step, home->passed,
	       home->refused, home->ended, home->honest, home->honest_refused);
}

/* steps of the table and honest of the home region count the same, in the same transactions. */
static void honest_step(struct home *home)
{
	struct ledger_book_control control;

	region_read(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &control);
	if (control.steps != home->honest || home->honest_refused != 0)
		rt_log(RT_ERROR, "bad: steps=%lu honest=%lu refused=%lu", control.steps, home->honest, home->honest_refused);
	honest_work(home);
}

static zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_CHANGED, rt_event_count(EVENT_CHANGED), deadline_ns);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t steps = option_number("tsm_campaign", 0);

	if (option_number("tsm_attempts", 0))
		return again_at(call, attempt_step(home) ? rt_now_ns() : RT_NO_DEADLINE);
	if (option_number("tsm_lines", 0)) {
		lines_step(home);
		return again_at(call, rt_now_ns() + 100000);
	}
	if (home->random == 0)
		home->random = option_number("tsm_seed", 1) * 0x9e3779b97f4a7c15ul | 1;
	if (option_number("tsm_honest", 0)) {
		honest_step(home);
		return again_at(call, rt_now_ns() + 100000);
	}
	if (steps == 0 || home->is_told)
		return again_at(call, RT_NO_DEADLINE);
	if (home->is_running)
		home->ended++;
	home->is_running = 0;
	rt_commit();
	honest_work(home);
	if (home->step < steps)
		mad_work(home);
	else
		campaign_tell(home);
	return again_at(call, rt_now_ns());
}
