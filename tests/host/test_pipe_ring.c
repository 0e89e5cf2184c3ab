/* flags: -Iabi -Isubsystems/personality/linux */
/* A pipe's ring against a plain queue: random writes and reads, each cut into pieces as the personality cuts them; what
 * comes out is what went in, in order, and small writes go in whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pipe_ring.h"

#define ROUNDS 20000

static uint8_t frames[PIPE_FRAMES][4096];

static void ring_put(struct pipe *pipe, uint64_t size, uint8_t *next)
{
	for (uint64_t moved = 0; moved < size;) {
		struct ring_piece piece = ring_piece_at(pipe->head + moved, size - moved);

		assert_true(piece.size > 0 && piece.offset + piece.size <= 4096 && piece.frame < PIPE_FRAMES);
		for (uint32_t i = 0; i < piece.size; i++)
			frames[piece.frame][piece.offset + i] = (*next)++;
		moved += piece.size;
	}
	pipe->head += size;
}

static void ring_get(struct pipe *pipe, uint64_t size, uint8_t *next)
{
	for (uint64_t moved = 0; moved < size;) {
		struct ring_piece piece = ring_piece_at(pipe->tail + moved, size - moved);

		for (uint32_t i = 0; i < piece.size; i++)
			assert_int_equal(frames[piece.frame][piece.offset + i], (*next)++);
		moved += piece.size;
	}
	pipe->tail += size;
}

static void bytes_come_out_in_order(void **state)
{
	struct pipe pipe = { .head = UINT64_MAX - 100000, .tail = UINT64_MAX - 100000 }; /* positions may wrap */
	uint8_t in = 0, out = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t size = 1 + (uint64_t)rand() % (rand() % 4 ? 5000 : 200000);
		uint64_t put = ring_write_size(&pipe, size, size), filled;

		assert_true(put <= ring_room(&pipe));
		ring_put(&pipe, put, &in);
		filled = ring_filled(&pipe);
		assert_true(filled <= PIPE_BYTES);
		ring_get(&pipe, filled ? (uint64_t)rand() % (filled + 1) : 0, &out);
	}
	assert_int_equal((uint8_t)(in - out), (uint8_t)ring_filled(&pipe));
}

static void small_writes_are_whole(void **state)
{
	struct pipe pipe = { .head = PIPE_BYTES - 4095, .tail = 0 };

	(void)state;
	assert_int_equal(ring_write_size(&pipe, 4095, 4095), 4095);
	assert_int_equal(ring_write_size(&pipe, 4096, 4096), 0);
	assert_int_equal(ring_write_size(&pipe, 4097, 4097), 4095);
	assert_int_equal(ring_write_size(&pipe, 10, 100000), 10); /* the end of a long one */
	pipe.head = PIPE_BYTES;
	assert_int_equal(ring_write_size(&pipe, 1, 1), 0);
	assert_int_equal(ring_write_size(&pipe, 1, 100000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_order),
		cmocka_unit_test(small_writes_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
