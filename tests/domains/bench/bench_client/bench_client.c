/* The benchmarks of the core, run once when the command line has zog.bench=1.
 *
 * The activity `rows` measures what one invocation can measure by itself, then plays ping-pong with the activity `echo`
 * for the row wait_wake: it notifies `ping` and waits on `pong`, echo the other way round. An invocation ends with each
 * wait, so the round's state is in globals; a restart of this domain starts the benchmarks over. With bench.apart=KIND there is
 * nothing but many calls of one kind, for counting by function from outside (apart.c). */
#include "rows.h"
#include "contracts/bench_client.h"
#include "rt/object.h"
#include "rt/region.h"
#include "stream/stream.h"

#define SLOT_BYTES 4096u
#define BATCH 64u
#define RECORD_BYTES_MAX 4080u
#define STORES 10u
#define STORE_STRIDE 8u /* words between stores: neighbours would become one range of the log */

struct home {
	uint64_t sequence; /* of the last once-call */
	struct stream_home stream;
	uint64_t value[STORES * STORE_STRIDE];
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

static struct stream stream;
static struct row row;
static uint64_t plain[STORES * STORE_STRIDE];
static uint8_t record[SLOT_BYTES]; /* or a batch of small ones */

/* What the command line asks for, read once: looking through it takes hundreds of instructions, which no row is about. */
static enum { TASK_NONE, TASK_ROWS, TASK_APART } task;

static void task_read(void)
{
	char option[4];

	task = !rt_option("zog.bench", option, sizeof(option)) ? TASK_NONE : apart_is_asked_for() ? TASK_APART : TASK_ROWS;
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = rt_home();
	struct stream_place place = STREAM_PLACE(SMALL, STREAM_END_PRODUCER, SLOT_BYTES, EVENT_FILLED, &home->stream);

	(void)call;
	task_read();
	return stream_attach(&stream, &place);
}

/* --- rows of one invocation -------------------------------------------------------------------------------------- */

/* A loop of two instructions, 500 times: 1,000 on a machine that counts instructions. */
static void calibration_run(void)
{
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t turns = 500, start = instructions_now();
		__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
		row_add(&row, instructions_now() - start);
	}
	row_end(&row, "calibration", 1);
}

static void crossing_pure_run(void)
{
	uint64_t w, x, y, z;

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		zog_status_t status = bench_nothing(i, 2, 3, 4, &w, &x, &y, &z);
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK && w == i && x == 2 && y == 3 && z == 4);
	}
	row_end(&row, "crossing_pure", 1);
}

static void crossing_commit_run(void)
{
	struct home *home = rt_home();
	uint64_t total, before = 0;

	rt_assert(bench_add(++home->sequence, 0, &before) == ZOG_OK);
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		home->sequence++;
		rt_commit(); /* intent before a once-call; not part of the row */
		uint64_t start = instructions_now();
		zog_status_t status = bench_add(home->sequence, 1, &total);
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK && total == before + i + 1);
	}
	row_end(&row, "crossing_commit", 1);
}

static __attribute__((noinline)) void stores_home(struct home *home, uint64_t value)
{
	for (uint32_t i = 0; i < STORES; i++)
		home->value[i * STORE_STRIDE] = value;
	rt_commit();
}

static __attribute__((noinline, no_sanitize("kernel-address"))) void stores_plain(volatile uint64_t *to, uint64_t value)
{
	for (uint32_t i = 0; i < STORES; i++)
		to[i * STORE_STRIDE] = value;
}

static __attribute__((noinline)) void stores_abort(struct home *home, uint64_t value)
{
	for (uint32_t i = 0; i < STORES; i++)
		home->value[i * STORE_STRIDE] = value;
	rt_abort();
}

static void home_abort_run(void)
{
	struct home *home = rt_home();
	uint64_t before = home->value[0];

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		stores_abort(home, ~before);
		uint64_t with = instructions_now() - start;
		start = instructions_now();
		stores_plain(plain, i);
		row_add(&row, with - (instructions_now() - start));
		rt_assert(*(volatile uint64_t *)&home->value[0] == before && *(volatile uint64_t *)&home->value[9 * STORE_STRIDE] == before);
	}
	row_end(&row, "home_abort_10", 1);
}

static void home_tx_run(void)
{
	struct home *home = rt_home();
	uint64_t start;

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		start = instructions_now();
		stores_plain(plain, i);
		row_add(&row, instructions_now() - start);
	}
	row_end(&row, "home_tx_10_plain", 1);
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		start = instructions_now();
		stores_home(home, i);
		uint64_t with = instructions_now() - start;
		start = instructions_now();
		stores_plain(plain, i);
		row_add(&row, with - (instructions_now() - start));
		rt_assert(((const struct home *)rt_committed(home))->value[9 * STORE_STRIDE] == i);
	}
	row_end(&row, "home_tx_10", 1);
}

/* How a batch's records come into the ring: all at once, each from `record`, or each written in its slot. */
enum batch_way { BATCH_MANY, BATCH_COPIED, BATCH_PLACED };

static void record_mark(uint8_t *at, uint64_t bytes)
{
	at[0] = (uint8_t)BATCH;
	at[bytes - 1] = (uint8_t)~BATCH;
}

static void batch_put(uint64_t bytes, enum batch_way way)
{
	size_t done = BATCH;

	if (way == BATCH_MANY)
		rt_assert(stream_put_many(&stream, record, bytes, BATCH, &done) == ZOG_OK && done == BATCH);
	for (uint32_t i = 0; way == BATCH_COPIED && i < BATCH; i++)
		rt_assert(stream_put(&stream, record, bytes) == ZOG_OK);
	for (uint32_t i = 0; way == BATCH_PLACED && i < BATCH; i++) {
		/* Its bytes stand there from BATCH_COPIED: what it takes to make memcpy's source is not counted either. */
		rt_assert(stream_slot(&stream) != NULL);
		rt_assert(stream_push(&stream, bytes) == ZOG_OK);
	}
}

/* A batch from the put to the position shown, without the commit in between. */
static uint64_t stream_batch(uint64_t bytes, enum batch_way way, uint64_t *commit_out)
{
	uint64_t spent, start, instructions, bad;

	for (uint32_t i = 0; i < (way == BATCH_MANY ? BATCH : 1); i++)
		record_mark(record + i * bytes, bytes);
	start = instructions_now();
	batch_put(bytes, way);
	stream_seal(&stream);
	spent = instructions_now() - start;
	start = instructions_now();
	rt_commit();
	*commit_out = instructions_now() - start;
	start = instructions_now();
	stream_show(&stream);
	spent += instructions_now() - start;
	rt_assert(bench_drain(BATCH, bytes, &instructions, &bad) == ZOG_OK && bad == 0);
	return spent + instructions;
}

static void stream_run(uint64_t bytes, enum batch_way way, const char *name, const char *commit_name)
{
	static struct row commits;
	uint64_t commit;

	for (uint32_t i = 0; i < WARM_UP; i++)
		stream_batch(bytes, way, &commit);
	row_begin(&row);
	row_begin(&commits);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		row_add(&row, stream_batch(bytes, way, &commit));
		row_add(&commits, commit);
	}
	row_end(&row, name, BATCH);
	if (commit_name)
		row_end(&commits, commit_name, 1);
}

static uint8_t copy[SLOT_BYTES];

static void memcpy_run(uint64_t bytes, const char *name)
{
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		memcpy(copy, record, bytes);
		row_add(&row, instructions_now() - start);
	}
	row_end(&row, name, 1);
}

/* The same copies through a ring that protects nothing: in one domain, no checks, no commit, no hook. */
#define RAW_SLOTS 64u
static struct {
	volatile uint64_t head, tail;
	uint8_t slot[RAW_SLOTS][64];
} raw;

static inline __attribute__((no_sanitize("kernel-address"))) void raw_copy(uint8_t *to, const uint8_t *from)
{
	uint64_t words = 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static __attribute__((noinline, no_sanitize("kernel-address"))) void raw_batch(void)
{
	for (uint32_t i = 0; i < BATCH && raw.head - raw.tail < RAW_SLOTS; i++)
		raw_copy(raw.slot[raw.head++ % RAW_SLOTS], record + i * 64);
	for (uint32_t i = 0; i < BATCH && raw.head != raw.tail; i++)
		raw_copy(copy + i * 64, raw.slot[raw.tail++ % RAW_SLOTS]);
}

static void ring_raw_run(void)
{
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		raw_batch();
		row_add(&row, instructions_now() - start);
		rt_assert(copy[(BATCH - 1) * 64] == record[(BATCH - 1) * 64]);
	}
	row_end(&row, "ring_raw_64", BATCH);
}

/* A record of 64 bytes with five rules: written ahead, submitted, copied, checked, applied, kept in the history. */
static void region_run(void)
{
	struct bench_table_cell cell = { .share = 3, .length = 64 };
	uint64_t before = region_version(REGION_TABLE);

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint32_t index = i % BENCH_TABLE_CELL_COUNT;
		cell.count = cell.payload_0 = before + i;
		uint64_t start = instructions_now();
		region_write(REGION_TABLE, BENCH_TABLE_CELL, index, &cell);
		region_submit(REGION_TABLE, BENCH_TABLE_CELL, index, 1);
		zog_status_t status = region_commit();
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK && region_version(REGION_TABLE) == before + i + 1);
	}
	row_end(&row, "shared_commit_64", 1);
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		zog_status_t status = region_read(REGION_TABLE, BENCH_TABLE_CELL, i % BENCH_TABLE_CELL_COUNT, &cell);
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK);
	}
	row_end(&row, "shared_read_64", 1);
}

/* 64 KiB that were written ahead are published by the version word; beside it one copy of as many bytes, which is the
 * least that publishing them by copying takes. */
static void object_run(void)
{
	static uint8_t source[BENCH_SCREEN_BYTES];
	struct bench_screen_header *header = object_window(OBJECT_SCREEN);
	uint64_t before = object_version(OBJECT_SCREEN);

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		void *buffer;
		memset(object_window(OBJECT_SCREEN), (int)i, BENCH_SCREEN_BYTES);
		*header = (struct bench_screen_header){ .serial = before + i, .width = 640, .length = BENCH_SCREEN_BYTES };
		uint64_t start = instructions_now();
		zog_status_t status = object_begin(OBJECT_SCREEN, EVENT_NEVER, &buffer);
		object_submit(OBJECT_SCREEN, BENCH_SCREEN, 0);
		zog_status_t committed = region_commit();
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK && committed == ZOG_OK && object_version(OBJECT_SCREEN) == before + i + 1);
	}
	row_end(&row, "object_commit_64k", 1);
	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		memcpy(object_window(OBJECT_SCREEN), source, BENCH_SCREEN_BYTES);
		row_add(&row, instructions_now() - start);
	}
	row_end(&row, "copy_64k", 1);
}

static void object_read_run(void)
{
	const void *bytes;
	uint64_t version;

	row_begin(&row);
	for (uint32_t i = 0; i < REPETITIONS; i++) {
		uint64_t start = instructions_now();
		zog_status_t status = object_read(OBJECT_SCREEN, &bytes, &version);
		row_add(&row, instructions_now() - start);
		rt_assert(status == ZOG_OK && ((const struct bench_screen_header *)bytes)->width == 640);
	}
	row_end(&row, "object_read", 1);
}

static void rows_run(void)
{
	calibration_run();
	crossing_pure_run();
	crossing_commit_run();
	home_tx_run();
	home_abort_run();
	region_run();
	object_run();
	object_read_run();
	stream_run(64, BATCH_MANY, "stream_64", "stream_64_commit");
	memcpy_run(64, "memcpy_64");
	ring_raw_run();
	stream_run(RECORD_BYTES_MAX, BATCH_COPIED, "stream_4080_copied", NULL);
	stream_run(RECORD_BYTES_MAX, BATCH_PLACED, "stream_4080", NULL);
	memcpy_run(RECORD_BYTES_MAX, "memcpy_4080");
}

/* --- WAIT and wake --------------------------------------------------------------------------------------------------- */

static struct {
	bool is_started;
	uint32_t round;
	uint64_t start, pong_seen, ping_seen;
} game;

/* Once a round: takes the time of the last one, starts the next. */
static zog_status_t rows_activity(struct zog_call *call)
{
	if (!game.is_started) {
		rows_run();
		game.is_started = true;
	} else if (game.round == WARM_UP) {
		row_begin(&row);
	} else if (game.round > WARM_UP) {
		row_add(&row, instructions_now() - game.start);
	}
	if (game.round == WARM_UP + REPETITIONS) {
		/* Between the turns other threads may run (the program that boots meanwhile): the undisturbed rounds count. */
		row_end_at(&row, "wait_wake", 2, 5);
		rt_log(RT_INFO, "bench done");
		game.round++;
	}
	if (game.round > WARM_UP + REPETITIONS)
		return rt_wait(call, EVENT_NEVER, 0, RT_NO_DEADLINE);
	game.round++;
	game.pong_seen = rt_event_count(EVENT_PONG);
	game.start = instructions_now();
	rt_notify(EVENT_PING, 0);
	return rt_wait(call, EVENT_PONG, game.pong_seen, RT_NO_DEADLINE);
}

static zog_status_t echo_activity(struct zog_call *call)
{
	uint64_t count = rt_event_count(EVENT_PING);

	if (count != game.ping_seen)
		rt_notify(EVENT_PONG, 0);
	game.ping_seen = count;
	return rt_wait(call, EVENT_PING, count, RT_NO_DEADLINE);
}

zog_status_t domain_activity(struct zog_call *call)
{
	bool is_rows = call->word[0] == ACTIVITY_ROWS;

	if (task == TASK_ROWS)
		return is_rows ? rows_activity(call) : echo_activity(call);
	return task == TASK_APART && is_rows ? apart_activity(call) : rt_wait(call, EVENT_NEVER, 0, RT_NO_DEADLINE);
}
