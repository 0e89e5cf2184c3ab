/* sources: subsystems/console/console/console.c subsystems/console/console/uart.c
 * subsystems/console/console/ring.c lib/stream/stream.c */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -DSTORES_ARE_OWN= -Ibuild/gen/domains/console -Isubsystems/console/console */
/* The console on a model of a 16550, killed at any store: the line carries every accepted byte once and in order, the
 * reader gets every byte that arrived once and in order, and nobody waits for ever. The model's interrupt is a line
 * that must fall before it can raise the event again, as on the ISA bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "domain_harness.h"
#include "contracts/console_server.h"
#include "home.h"

#define FIFO_BYTES 16u

static struct world {
	/* the UART */
	uint8_t fifo[FIFO_BYTES];
	uint32_t fifo_count;
	uint8_t interrupt_enable, line_control, fifo_control, modem_control;
	bool has_transmit_cause, is_line_high, is_transmit_ready;
	uint64_t sent, arrived; /* bytes on the line, each way */
	/* the client */
	uint64_t written, write_seen, read, read_seen;
	uint64_t taken; /* records of the stream */
	uint64_t rest;  /* turns for which the reader does something else, so that the stream becomes full */
	uint64_t rest_turns, full_waits;
	bool is_writer_parked, is_reader_parked, has_write, is_draining;
	uint64_t drain_seen, drains;
	uint32_t drain_life;
	size_t write_length;
	uint32_t life, write_life, read_life;
	struct { bool is_parked; uint64_t event, seen, deadline_ns; } activity[2];
	uint32_t idle_turns;
	uint64_t wanted;
} *world;

static uint8_t out_byte(uint64_t position) { return (uint8_t)(position * 37 + (position >> 8)); }
static uint8_t in_byte(uint64_t position) { return (uint8_t)(position * 91 + (position >> 7)); }

/* --- the UART --- */

static void line_update(void)
{
	bool is_high = (world->modem_control & 8)
		&& (((world->interrupt_enable & 1) && world->fifo_count)
		    || ((world->interrupt_enable & 2) && world->has_transmit_cause));

	if (is_high && !world->is_line_high)
		harness->event[EVENT_IRQ]++;
	world->is_line_high = is_high;
}

static void transmit_empty(void)
{
	if (!world->is_transmit_ready)
		world->has_transmit_cause = true;
	world->is_transmit_ready = true;
}

/* Bytes arrive while there is room in the FIFO; the transmitter becomes empty. */
static void harness_world(void)
{
	if (harness_random(4) == 0 && world->fifo_count < FIFO_BYTES && world->fifo_control)
		world->fifo[world->fifo_count++] = in_byte(world->arrived++);
	if (harness_random(4) == 0)
		transmit_empty();
	line_update();
}

static uint8_t status_read(void)
{
	return (uint8_t)((world->fifo_count ? 1 : 0) | (world->is_transmit_ready ? 0x20 : 0));
}

static uint8_t data_read(void)
{
	uint8_t byte = world->fifo[0];

	CHECK(world->fifo_count > 0 && !(world->line_control & 0x80));
	memmove(world->fifo, world->fifo + 1, --world->fifo_count);
	line_update();
	return byte;
}

static void data_write(uint8_t byte)
{
	CHECK(!(world->line_control & 0x80) && world->line_control == 3 && world->fifo_control == 1);
	CHECK(byte == out_byte(world->sent));
	world->sent++;
	world->idle_turns = 0;
	world->has_transmit_cause = false;
	world->is_transmit_ready = false;
	line_update();
}

/* The core's ZOG_OP_PORT_OUT and _IN. */
static void harness_operation(const struct zog_op *op)
{
	uint8_t *live = (uint8_t *)ZOG_HOME_BASE, *committed = live + ZOG_HOME_COMMITTED_OFFSET;
	uint64_t done = 0;

	CHECK(op->slot == CAP_PORTS_UART && op->word[2] <= 4096 && op->word[1] + op->word[2] <= HOME_BYTES);
	CHECK((uint32_t)op->word[0] == (0x3f8u | 0x3fdu << 16));
	while (done < op->word[2] && (status_read() & op->word[0] >> 32)) {
		for (int turn = 0; turn < 16 && done < op->word[2]; turn++, done++) {
			if (op->code == ZOG_OP_PORT_OUT)
				data_write(committed[op->word[1] + done]);
			else if (turn == 0)
				live[op->word[1] + done] = committed[op->word[1] + done] = data_read();
			else
				break;
		}
		harness_world();
	}
	*(uint64_t *)(committed + op->word[3]) += done;
	*(uint64_t *)(live + op->word[3]) += done;
}

void rt_store(uintptr_t start, size_t size) { (void)start, (void)size, harness_point(); }

zog_status_t rt_port_read(uint32_t cap, uint16_t port, uint32_t width, uint32_t *value_out)
{
	CORE({
		CHECK(cap == CAP_PORTS_UART && width == 1);
		*value_out = 0;
		if (port == 0x3fd)
			*value_out = status_read();
		else if (port == 0x3fa && world->fifo_count && (world->interrupt_enable & 1))
			*value_out = 4;
		else if (port == 0x3fa && world->has_transmit_cause && (world->interrupt_enable & 2))
			*value_out = 2, world->has_transmit_cause = false;
		else if (port == 0x3fa)
			*value_out = 1;
		line_update();
	});
	return ZOG_OK;
}

zog_status_t rt_port_write(uint32_t cap, uint16_t port, uint32_t width, uint32_t value)
{
	CORE({
		CHECK(cap == CAP_PORTS_UART && width == 1);
		bool is_divisor = (world->line_control & 0x80) != 0;

		CHECK(port != 0x3f8 || is_divisor);
		if (port == 0x3f9 && !is_divisor) {
			if ((value & 2) && !(world->interrupt_enable & 2) && world->is_transmit_ready)
				world->has_transmit_cause = true;
			world->interrupt_enable = (uint8_t)value;
		} else if (port == 0x3fa) {
			/* Switching the FIFO on empties it: only ever at the first start. */
			if (world->fifo_control != value)
				world->fifo_count = 0;
			world->fifo_control = (uint8_t)value;
		} else if (port == 0x3fb) {
			world->line_control = (uint8_t)value;
		} else if (port == 0x3fc) {
			world->modem_control = (uint8_t)value;
		}
		line_update();
	});
	return ZOG_OK;
}

/* --- the client --- */

static void write_step(void)
{
	struct zog_call call = { .client_domain = 9 };
	uint8_t data[4096];
	uint64_t accepted = 0, seen = 0;
	zog_status_t status;

	if (world->is_draining)
		return;
	if (world->is_writer_parked && harness->event[EVENT_OUTPUT] == world->write_seen
	    && world->write_life == world->life)
		return;
	if (!world->has_write) {
		world->write_length = 1 + harness_random(harness_random(3) ? 60 : sizeof(data));
		world->has_write = true;
	}
	for (size_t i = 0; i < world->write_length; i++)
		data[i] = out_byte(world->written + i);
	INVOKE(status, console_write_serve(&call, world->written, data, world->write_length, &accepted, &seen));
	CHECK(status == ZOG_OK);
	CHECK(accepted >= world->written && accepted <= world->written + world->write_length);
	world->is_writer_parked = accepted == world->written;
	world->write_seen = seen;
	world->write_life = world->life;
	world->written = accepted;
	world->has_write = world->is_writer_parked;
}

/* The other end of the stream, by the letter of lib/stream/stream.h. */
#define STREAM_OWN (ZOG_STREAM_BASE + STREAM_INPUT * ZOG_STREAM_STRIDE)
#define SLOT_BYTES 256u
#define SLOTS 128u
static struct stream_head *producer_head(void) { return (struct stream_head *)STREAM_OWN; }
static struct stream_head *reader_head(void) { return (struct stream_head *)(STREAM_OWN + ZOG_STREAM_PEER_OFFSET); }

static void record_take(void)
{
	const struct stream_record *record = (const void *)(STREAM_OWN + ZOG_PAGE_SIZE + world->taken % SLOTS * SLOT_BYTES);

	CHECK(record->sequence == world->taken + 1 && record->length > 0 && record->length <= SLOT_BYTES - sizeof(*record));
	for (size_t i = 0; i < record->length; i++)
		CHECK(record->data[i] == in_byte(world->read + i));
	world->read += record->length;
	world->taken++;
	world->idle_turns = 0;
}

static void read_step(void)
{
	if (world->rest > 0) {
		world->rest--;
		return;
	}
	world->rest = harness_random(1000) ? 0 : world->rest_turns;
	if (world->is_reader_parked && harness->event[EVENT_INPUT] == world->read_seen && world->read_life == world->life)
		return;
	world->read_seen = harness->event[EVENT_INPUT];
	world->read_life = world->life;
	reader_head()->is_asleep = 0;
	CHECK(producer_head()->position >= world->taken && producer_head()->position - world->taken <= SLOTS);
	while (world->taken < producer_head()->position && harness_random(8))
		record_take();
	reader_head()->position = world->taken;
	if (producer_head()->is_asleep)
		harness->peer_event++;
	world->is_reader_parked = world->taken == producer_head()->position;
	reader_head()->is_asleep = world->is_reader_parked;
}

/* Writes nothing more until all that was accepted is on the line. */
static void drain_step(void)
{
	struct zog_call call = { .client_domain = 9 };
	uint64_t sent = 0, seen = 0;
	zog_status_t status;

	if (!world->is_draining && (world->has_write || harness_random(50)))
		return;
	if (world->is_draining && harness->event[EVENT_OUTPUT] == world->drain_seen && world->drain_life == world->life)
		return;
	INVOKE(status, console_drain_serve(&call, &sent, &seen));
	CHECK(status == ZOG_OK && sent <= world->sent);
	world->is_draining = sent < world->written;
	world->drain_seen = seen;
	world->drain_life = world->life;
	world->drains += !world->is_draining;
}

static void activity_step(uint32_t number)
{
	struct zog_call call = { .client_domain = ZOG_CLIENT_CORE, .word = { number } };
	uint64_t event = world->activity[number].event;
	zog_status_t status;

	harness->now_ns += 100000;
	uint64_t count = event & ZOG_EVENT_CAP ? harness->peer_event : harness->event[event];
	if (world->activity[number].is_parked && count == world->activity[number].seen
	    && harness->now_ns < world->activity[number].deadline_ns)
		return;
	INVOKE(status, domain_activity(&call));
	CHECK(status == ZOG_WAIT);
	CHECK(harness->wait_event == (number == ACTIVITY_INTERRUPTS ? EVENT_IRQ : EVENT_FULL) || harness->wait_event == WAIT_TERMINAL_TAKEN);
	world->full_waits += harness->wait_event == WAIT_TERMINAL_TAKEN;
	world->activity[number].event = harness->wait_event;
	world->activity[number].seen = harness->wait_seen;
	world->activity[number].deadline_ns = harness->wait_deadline_ns;
	world->activity[number].is_parked = true;
}

static void life(void)
{
	struct zog_call call = { .client_domain = ZOG_CLIENT_CORE };
	zog_status_t status;

	INVOKE(status, domain_start(&call));
	CHECK(status == ZOG_OK);
	while (world->sent < world->wanted || world->read < world->wanted / 8) {
		switch (harness_random(8)) {
		case 0: case 1: write_step(); break;
		case 2: read_step(); break;
		case 3: drain_step(); break;
		case 4: activity_step(ACTIVITY_INPUT); break;
		default: activity_step(ACTIVITY_INTERRUPTS); break;
		}
		harness_world();
		CHECK(++world->idle_turns < 100000); /* somebody waits for ever */
	}
}

static void world_make(uint64_t seed, uint64_t wanted, uint64_t rest_turns)
{
	harness_start(HOME_BYTES, seed);
	world = harness_map(0, sizeof(*world));
	world->wanted = wanted;
	world->rest_turns = rest_turns;
	world->is_transmit_ready = true;
	harness_map(STREAM_OWN, STREAM_INPUT_PAGES * ZOG_PAGE_SIZE);
	harness_map(STREAM_OWN + ZOG_STREAM_PEER_OFFSET, STREAM_INPUT_PEER_PAGES * ZOG_PAGE_SIZE);
}

static void world_drop(void)
{
	munmap((void *)ZOG_HOME_BASE, HOME_BYTES);
	munmap((void *)rt_committed((void *)ZOG_HOME_BASE), HOME_BYTES);
	munmap((void *)ZOG_DOMAIN_INFO_BASE, 4096);
	munmap((void *)STREAM_OWN, STREAM_INPUT_PAGES * ZOG_PAGE_SIZE);
	munmap((void *)(STREAM_OWN + ZOG_STREAM_PEER_OFFSET), STREAM_INPUT_PEER_PAGES * ZOG_PAGE_SIZE);
}

static void run_until_done(uint64_t kill_limit)
{
	int status;

	do {
		world->life++;
		world->activity[0].is_parked = world->activity[1].is_parked = false;
		world->idle_turns = 0;
		status = harness_live(life, kill_limit ? 1 + harness_random((uint32_t)kill_limit) : 0);
		assert_true(status == HARNESS_FINISHED || status == HARNESS_KILLED);
	} while (status != HARNESS_FINISHED);
}

static void bytes_pass_in_order_without_any_kill(void **state)
{
	(void)state;
	world_make(1, 2000000, 3000);
	run_until_done(0);
	assert_int_equal(harness->kills, 0);
	assert_true(world->drains > 10);
	assert_true(world->full_waits > 0);
	world_drop();
}

static void no_kill_loses_or_doubles_a_byte(void **state)
{
	(void)state;
	for (uint64_t seed = 2; seed < 5; seed++) {
		world_make(seed, 300000, 100);
		run_until_done(400);
		assert_true(harness->kills > 20);
		world_drop();
	}
}

static void kills_during_recovery_only_cost_time(void **state)
{
	(void)state;
	world_make(77, 20000, 0);
	run_until_done(120);
	assert_true(harness->kills > 20);
	world_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_in_order_without_any_kill),
		cmocka_unit_test(no_kill_loses_or_doubles_a_byte),
		cmocka_unit_test(kills_during_recovery_only_cost_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
