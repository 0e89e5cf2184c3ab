/* sources: subsystems/block/virtio_blk/vring.c */
/* The split virtqueue: what the device sees of a request, and that nothing it writes is believed unchecked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "block/virtio_blk/vring.h"

#define SIZE 64u

struct queue {
	struct vring_descriptor descriptor[VRING_SIZE_MAX];
	struct vring_available available;
	struct vring_used used;
	struct vring vring;
};

static struct queue *queue_make(void)
{
	struct queue *queue = malloc(sizeof(*queue));

	assert_non_null(queue);
	memset(queue, 0xa5, sizeof(*queue));
	queue->vring.descriptor = queue->descriptor;
	queue->vring.available = &queue->available;
	queue->vring.used = &queue->used;
	vring_reset(&queue->vring, SIZE);
	return queue;
}

static const struct vring_request read_request = {
	.header = 0x1000, .header_length = 16, .data = 0x2000, .data_length = 4096, .status = 0x3000,
	.is_data_from_device = true,
};

/* What a device does with one finished chain. */
static void device_finish(struct queue *queue, uint32_t id, uint32_t length)
{
	uint16_t index = queue->used.index;

	queue->used.ring[index % SIZE] = (struct vring_used_element){ .id = id, .length = length };
	queue->used.index = (uint16_t)(index + 1);
}

static void a_published_read_is_header_data_status(void **state)
{
	struct queue *queue = queue_make();
	const struct vring_descriptor *chain = &queue->descriptor[2 * VRING_CHAIN];

	(void)state;
	vring_publish(&queue->vring, 2, &read_request);
	assert_int_equal(queue->available.index, 1);
	assert_int_equal(queue->available.ring[0], 2 * VRING_CHAIN);
	assert_int_equal(chain[0].address, 0x1000);
	assert_int_equal(chain[0].length, 16);
	assert_int_equal(chain[0].flags, VRING_NEXT);
	assert_int_equal(chain[0].next, 2 * VRING_CHAIN + 1);
	assert_int_equal(chain[1].address, 0x2000);
	assert_int_equal(chain[1].length, 4096);
	assert_int_equal(chain[1].flags, VRING_NEXT | VRING_DEVICE_WRITES);
	assert_int_equal(chain[1].next, 2 * VRING_CHAIN + 2);
	assert_int_equal(chain[2].address, 0x3000);
	assert_int_equal(chain[2].length, 1);
	assert_int_equal(chain[2].flags, VRING_DEVICE_WRITES);
	free(queue);
}

static void a_written_block_is_not_the_device_s_to_write(void **state)
{
	struct queue *queue = queue_make();
	struct vring_request request = read_request;

	(void)state;
	request.is_data_from_device = false;
	vring_publish(&queue->vring, 0, &request);
	assert_int_equal(queue->descriptor[1].flags, VRING_NEXT);
	free(queue);
}

static void a_flush_has_no_data(void **state)
{
	struct queue *queue = queue_make();
	struct vring_request request = read_request;

	(void)state;
	request.data_length = 0;
	vring_publish(&queue->vring, 0, &request);
	assert_int_equal(queue->descriptor[0].next, 1);
	assert_int_equal(queue->descriptor[1].address, 0x3000);
	assert_int_equal(queue->descriptor[1].flags, VRING_DEVICE_WRITES);
	free(queue);
}

static void chains_come_back_in_the_device_s_order_past_the_index_wrap(void **state)
{
	struct queue *queue = queue_make();
	uint16_t chain;
	uint32_t length;

	(void)state;
	for (uint32_t turn = 0; turn < 40000; turn++) {
		uint16_t first = (uint16_t)(turn % 7), second = (uint16_t)(7 + turn % 11);

		vring_publish(&queue->vring, first, &read_request);
		vring_publish(&queue->vring, second, &read_request);
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_EMPTY);
		device_finish(queue, second * VRING_CHAIN, 4097);
		device_finish(queue, first * VRING_CHAIN, turn);
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_TAKEN);
		assert_int_equal(chain, second);
		assert_int_equal(length, 4097);
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_TAKEN);
		assert_int_equal(chain, first);
		assert_int_equal(length, turn);
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_EMPTY);
	}
	assert_int_equal(queue->available.index, (uint16_t)80000);
	free(queue);
}

static void more_used_than_published_is_bogus(void **state)
{
	struct queue *queue = queue_make();
	uint16_t chain;
	uint32_t length;

	(void)state;
	vring_publish(&queue->vring, 0, &read_request);
	for (uint32_t index = 2; index <= 0xffff; index++) {
		queue->used.index = (uint16_t)index;
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_BOGUS);
	}
	free(queue);
}

static void ids_that_are_no_chain_are_bogus(void **state)
{
	static const uint32_t ids[] = { 1, 2, 4, 61, 62, 63, 64, 66, 0xffff, 0x10000, 0x80000000u, 0xffffffffu };
	uint16_t chain;
	uint32_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct queue *queue = queue_make();

		vring_publish(&queue->vring, 0, &read_request);
		device_finish(queue, ids[i], 1);
		assert_int_equal(vring_take(&queue->vring, &chain, &length), VRING_BOGUS);
		free(queue);
	}
}

static void random_device_writes_never_give_a_chain_out_of_range(void **state)
{
	struct queue *queue = queue_make();
	uint16_t chain;
	uint32_t length, taken = 0;

	(void)state;
	srandom(7);
	for (uint32_t turn = 0; turn < 200000; turn++) {
		if (random() % 4 == 0)
			vring_publish(&queue->vring, (uint16_t)(random() % vring_chain_count(&queue->vring)), &read_request);
		queue->used.ring[random() % VRING_SIZE_MAX].id = (uint32_t)random() % 70;
		queue->used.index = (uint16_t)(queue->vring.used_index + random() % 3);
		if (vring_take(&queue->vring, &chain, &length) == VRING_TAKEN) {
			assert_true(chain < SIZE / VRING_CHAIN);
			taken++;
		}
	}
	assert_true(taken > 100);
	free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_read_is_header_data_status),
		cmocka_unit_test(a_written_block_is_not_the_device_s_to_write),
		cmocka_unit_test(a_flush_has_no_data),
		cmocka_unit_test(chains_come_back_in_the_device_s_order_past_the_index_wrap),
		cmocka_unit_test(more_used_than_published_is_bogus),
		cmocka_unit_test(ids_that_are_no_chain_are_bogus),
		cmocka_unit_test(random_device_writes_never_give_a_chain_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
