/* sources: subsystems/block/virtio_blk/virtio_blk.c subsystems/block/virtio_blk/device.c
 * subsystems/block/virtio_blk/request.c subsystems/block/virtio_blk/vring.c */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0 --param asan-globals=0
 * --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -Ibuild/gen/domains/virtio_blk -Isubsystems/block/virtio_blk */
/* The virtio block driver on a model of a disk, killed at any store: every block that was acknowledged is there, no
 * read brings other bytes, nobody waits for ever, and the device touches only frames that are pinned.
 *
 * The clients behave as contract and core ask: a call whose reply did not come is issued again with the same arguments;
 * PENDING waits until `done` moves past what was seen, or the driver restarted. The disk finishes requests in any
 * order, at any call of the driver to the core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "domain_harness.h"
#include "contracts/block_server.h"
#include "contracts/bus.h"
#include "device.h"
#include "home.h"
#include "vring.h"

#define CLIENT 9u
#define WINDOW 4u
#define WINDOW_BYTES 0x4000u
#define NOTIFY_OFFSET 0x3000u
#define DEVICE_OFFSET 0x2000u
#define BLOCKS 32u
#define BLOCK_BAD 31u /* the disk answers an error for it */
#define FRAMES 24u
#define FRAME_FIRST 0x100u
#define DMA_PHYSICAL 0x8000000ull
#define FRAME_BYTES 4096u

/* Offsets of struct virtio_pci_common_cfg that the model looks at. */
enum { FEATURE = 4, STATUS = 20, QUEUE_SIZE = 24, QUEUE_ENABLE = 28, DESCRIPTORS = 32, DRIVER = 40, DEVICE = 48 };

struct client_frame {
	bool is_busy, is_write, has_waited;
	uint64_t block, stamp, seen;
	uint32_t life; /* of the driver, when PENDING was answered */
};
static struct world {
	uint64_t disk[BLOCKS];  /* a stamp for each block */
	uint64_t acknowledged[BLOCKS];
	bool is_block_busy[BLOCKS];
	uint8_t frame[FRAMES][FRAME_BYTES];
	bool is_pinned[FRAMES];
	struct client_frame client[FRAMES];
	uint64_t next_stamp, ticket, flush_seen;
	bool is_flush_busy;
	uint32_t flush_life, life;
	/* the device */
	uint16_t available_index;
	uint32_t held_count;
	uint16_t held[VRING_SIZE_MAX];
	/* what happened */
	uint64_t writes, reads, flushes, errors, device_steps;
	uint64_t activity_seen;
	bool is_activity_parked;
	uint32_t idle_turns;
} *world;

static uint8_t *registers(void) { return (uint8_t *)(ZOG_MMIO_BASE + WINDOW * ZOG_MMIO_STRIDE); }

/* --- the device --- */

static void device_power_on(void)
{
	memset(registers(), 0, WINDOW_BYTES);
	/* The model shows the same register for both halves of the features: bit 0 gives VERSION_1, bit 9 FLUSH. */
	*(uint32_t *)(registers() + FEATURE) = 1u | 1u << 9;
	*(uint16_t *)(registers() + QUEUE_SIZE) = VRING_SIZE_MAX;
	*(uint64_t *)(registers() + DEVICE_OFFSET) = BLOCKS * 8;
	world->available_index = 0;
	world->held_count = 0;
}

static void *device_memory(uint64_t physical, uint32_t length, bool is_write)
{
	if (physical >= DMA_PHYSICAL && physical + length <= DMA_PHYSICAL + DMA_BYTES)
		return (void *)(ZOG_DMA_BASE + physical - DMA_PHYSICAL);
	uint64_t frame = (physical >> 12) - FRAME_FIRST;

	CHECK(frame < FRAMES && physical % FRAME_BYTES == 0 && length == FRAME_BYTES);
	CHECK(world->is_pinned[frame]);
	(void)is_write;
	return world->frame[frame];
}

static uint64_t device_register64(uint32_t offset)
{
	return *(uint64_t *)(registers() + offset);
}

/* Carries out the chain; returns the bytes it wrote. */
static uint32_t device_request(const struct vring_descriptor *chain)
{
	const struct { uint32_t type, reserved; uint64_t sector; } *header = device_memory(chain[0].address, 16, false);
	const struct vring_descriptor *status = &chain[header->type == 4 ? 1 : 2];
	uint8_t *answer = device_memory(status->address, 1, true);
	uint64_t block = header->sector / 8;

	CHECK(chain[0].length == 16 && status->length == 1 && !(status->flags & VRING_NEXT));
	*answer = 0;
	if (header->type == 4)
		return 1;
	CHECK(block < BLOCKS && header->sector % 8 == 0 && header->type <= 1);
	bool is_write = header->type == 1;
	uint64_t *data = device_memory(chain[1].address, chain[1].length, !is_write);

	CHECK(is_write == !(chain[1].flags & VRING_DEVICE_WRITES));
	if (block == BLOCK_BAD)
		*answer = 1;
	else if (is_write)
		world->disk[block] = data[0];
	else
		data[0] = world->disk[block], data[511] = ~world->disk[block];
	return is_write ? 1 : 1 + FRAME_BYTES;
}

/* Takes what is published, finishes one of what it holds, in any order, and interrupts. */
static void harness_world(void)
{
	if (!(registers()[STATUS] & 4) || !*(uint16_t *)(registers() + QUEUE_ENABLE) || harness_random(3))
		return;
	struct vring_available *available = device_memory(device_register64(DRIVER), 1024, false);
	struct vring_used *used = device_memory(device_register64(DEVICE), 4096, true);
	struct vring_descriptor *descriptor = device_memory(device_register64(DESCRIPTORS), 4096, false);

	while (world->available_index != available->index)
		world->held[world->held_count++] = available->ring[world->available_index++ % VRING_SIZE_MAX];
	if (!world->held_count)
		return;
	uint32_t which = harness_random(world->held_count);
	uint16_t head = world->held[which];

	world->held[which] = world->held[--world->held_count];
	used->ring[used->index % VRING_SIZE_MAX].length = device_request(&descriptor[head]);
	used->ring[used->index % VRING_SIZE_MAX].id = head;
	used->index++;
	harness->event[EVENT_IRQ]++;
	world->device_steps++;
}

/* --- the core --- */

static void harness_operation(const struct zog_op *op)
{
	CHECK(op->code == ZOG_OP_NOTIFY);
}

zog_status_t rt_frame_pin(uint64_t frame, uint32_t is_pinned, uint64_t *physical_out)
{
	zog_status_t status = ZOG_ERR_ARGUMENT;

	CORE({
		if (frame - FRAME_FIRST < FRAMES) {
			world->is_pinned[frame - FRAME_FIRST] = is_pinned;
			if (is_pinned)
				*physical_out = frame << 12;
			status = ZOG_OK;
		}
	});
	return status;
}

zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	(void)in;
	CORE({
		CHECK(cap == CAP_BUS);
		if (method == BUS_METHOD_CLAIM) {
			out[0] = 1u << WINDOW;
		} else {
			out[0] = (uint64_t)WINDOW << 32;
			out[1] = (uint64_t)WINDOW << 32 | NOTIFY_OFFSET;
			out[2] = (uint64_t)WINDOW << 32 | DEVICE_OFFSET;
			out[3] = 4;
		}
	});
	return ZOG_OK;
}

/* --- the clients --- */

static void frame_begin(struct client_frame *client, uint8_t *frame)
{
	uint64_t block = harness_random(BLOCKS);

	if (world->is_block_busy[block])
		return;
	*client = (struct client_frame){ .is_busy = true, .is_write = harness_random(2), .block = block };
	world->is_block_busy[block] = true;
	if (client->is_write) {
		client->stamp = ++world->next_stamp;
		*(uint64_t *)frame = client->stamp;
	}
}

static void frame_finish(struct client_frame *client, const uint64_t *data, zog_status_t status)
{
	if (client->block == BLOCK_BAD) {
		CHECK(status == ZOG_ERR_IO);
		world->errors++;
	} else if (client->is_write) {
		CHECK(status == ZOG_OK);
		CHECK(world->disk[client->block] == client->stamp);
		world->acknowledged[client->block] = client->stamp;
		world->writes++;
	} else {
		CHECK(status == ZOG_OK);
		CHECK(data[0] == world->acknowledged[client->block]);
		CHECK(data[511] == ~data[0]);
		world->reads++;
	}
	world->is_block_busy[client->block] = false;
	client->is_busy = false;
	world->idle_turns = 0;
}

static bool frame_may_run(const struct client_frame *client)
{
	return !client->has_waited || harness->event[EVENT_DONE] != client->seen || client->life != world->life;
}

static void frame_step(uint32_t index)
{
	struct client_frame *client = &world->client[index];
	struct zog_call call = { .client_domain = CLIENT };
	uint64_t seen = 0;
	zog_status_t status;

	if (!client->is_busy)
		frame_begin(client, world->frame[index]);
	if (!client->is_busy || !frame_may_run(client))
		return;
	INVOKE(status, block_transfer_serve(&call, FRAME_FIRST + index, client->block,
		client->is_write ? BLOCK_DIRECTION_WRITE : BLOCK_DIRECTION_READ, &seen));
	if (status == ZOG_PENDING) {
		client->has_waited = true;
		client->seen = seen;
		client->life = world->life;
		return;
	}
	frame_finish(client, (const uint64_t *)world->frame[index], status);
}

static void flush_step(void)
{
	struct zog_call call = { .client_domain = CLIENT };
	uint64_t seen = 0;
	zog_status_t status;

	if (world->is_flush_busy && harness->event[EVENT_DONE] == world->flush_seen && world->flush_life == world->life)
		return;
	if (!world->is_flush_busy)
		world->ticket++;
	INVOKE(status, block_flush_serve(&call, world->ticket, &seen));
	CHECK(status == ZOG_PENDING || status == ZOG_OK);
	world->is_flush_busy = status == ZOG_PENDING;
	world->flush_seen = seen;
	world->flush_life = world->life;
	world->flushes += status == ZOG_OK;
}

/* The deadlines of the activity are not modelled, so that a lost wake-up shows. */
static void activity_step(void)
{
	struct zog_call call = { .client_domain = ZOG_CLIENT_CORE, .word = { ACTIVITY_INTERRUPTS } };
	zog_status_t status;

	if (world->is_activity_parked && harness->event[EVENT_IRQ] == world->activity_seen)
		return;
	INVOKE(status, domain_activity(&call));
	CHECK(status == ZOG_WAIT && harness->wait_event == EVENT_IRQ);
	world->activity_seen = harness->wait_seen;
	world->is_activity_parked = true;
}

#define TURNS 4000u
static uint64_t transfers_wanted;

static void life(void)
{
	struct zog_call call = { .client_domain = ZOG_CLIENT_CORE };
	zog_status_t status;

	INVOKE(status, domain_start(&call));
	CHECK(status == ZOG_OK);
	while (world->writes + world->reads < transfers_wanted) {
		frame_step(harness_random(FRAMES));
		if (harness_random(4) == 0)
			activity_step();
		if (harness_random(50) == 0)
			flush_step();
		harness_world();
		CHECK(++world->idle_turns < TURNS); /* somebody waits for ever */
	}
}

static void world_make(uint64_t seed)
{
	struct zog_domain_info *info = harness_start(HOME_BYTES, seed);

	world = harness_map(0, sizeof(*world));
	harness_map(ZOG_DMA_BASE, DMA_BYTES);
	harness_map((uintptr_t)registers(), WINDOW_BYTES);
	info->dma_physical = DMA_PHYSICAL;
	info->dma_bytes = DMA_BYTES;
	info->window[WINDOW].bytes = WINDOW_BYTES;
}

static void world_drop(void)
{
	munmap((void *)ZOG_HOME_BASE, HOME_BYTES);
	munmap((void *)rt_committed((void *)ZOG_HOME_BASE), HOME_BYTES);
	munmap((void *)ZOG_DMA_BASE, DMA_BYTES);
	munmap(registers(), WINDOW_BYTES);
	munmap((void *)ZOG_DOMAIN_INFO_BASE, 4096);
}

/* What the core and the bus domain do between two lives. */
static void world_recover(void)
{
	device_power_on();
	memset(world->is_pinned, 0, sizeof(world->is_pinned));
	memset((void *)ZOG_DMA_BASE, 0xee, DMA_BYTES);
	world->is_activity_parked = false;
	world->idle_turns = 0;
	world->life++;
}

static void run_until_done(uint64_t kill_limit)
{
	int status;

	do {
		world_recover();
		status = harness_live(life, kill_limit ? 1 + harness_random((uint32_t)kill_limit) : 0);
		assert_true(status == HARNESS_FINISHED || status == HARNESS_KILLED);
	} while (status != HARNESS_FINISHED);
}

static void blocks_come_and_go_without_any_kill(void **state)
{
	(void)state;
	world_make(1);
	transfers_wanted = 20000;
	run_until_done(0);
	assert_int_equal(harness->kills, 0);
	assert_true(world->errors > 100 && world->flushes > 100);
	world_drop();
}

static void no_kill_loses_an_acknowledged_block_or_a_waiter(void **state)
{
	(void)state;
	for (uint64_t seed = 2; seed < 6; seed++) {
		world_make(seed);
		transfers_wanted = 3000;
		run_until_done(3000);
		assert_true(harness->kills > 20);
		assert_true(world->errors > 10 && world->flushes > 10 && world->reads > 500 && world->writes > 500);
		world_drop();
	}
}

/* Kills so dense that most strike within start and the first calls. */
static void kills_during_recovery_only_cost_time(void **state)
{
	(void)state;
	world_make(99);
	transfers_wanted = 200;
	run_until_done(250);
	assert_true(harness->kills > 20);
	world_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_and_go_without_any_kill),
		cmocka_unit_test(no_kill_loses_an_acknowledged_block_or_a_waiter),
		cmocka_unit_test(kills_during_recovery_only_cost_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
