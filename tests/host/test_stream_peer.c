/* groups: tsm */
/* A stream whose peer writes what it likes into its pages: positions that jump, records with lies in their heads. The
 * honest side refuses, moves nothing and touches no memory that is not its own (the pages stand between poisoned ones). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stream/stream.c"

#define SLOT_BYTES 128u
#define CAPACITY (SLOT_BYTES - 16)
#define PAGE 4096u
#define SLOTS (PAGE / SLOT_BYTES)

static struct stream stream;
static struct stream_home home, committed;
static uint8_t *own, *peer;
static uint32_t notifies;
static uint8_t data[CAPACITY];

void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size; }
void rt_commit(void) { committed = home; }
void rt_notify(uint32_t event, uint32_t wake) { (void)wake, notifies += event == 3; }
uint64_t rt_event_count(uint32_t event) { return event; }
zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call, (void)event, (void)seen, (void)deadline_ns;
	return ZOG_WAIT;
}

static int pages_make(void **state)
{
	(void)state;
	own = calloc(2, PAGE), peer = calloc(2, PAGE); /* the address sanitizer guards both ends */
	memset(&stream, 0, sizeof(stream));
	home.position = committed.position = notifies = 0;
	return own == NULL || peer == NULL;
}

static int pages_free(void **state)
{
	(void)state;
	free(own), free(peer);
	return 0;
}

static zog_status_t attach(enum stream_end end)
{
	struct stream_place place = { .end = end, .own = own, .peer = peer, .own_pages = 2, .peer_pages = 2, .slot_bytes = SLOT_BYTES,
				      .event = 3, .home = &home, .committed = &committed };

	return stream_attach(&stream, &place);
}

static struct stream_head *peer_head(void) { return (struct stream_head *)(void *)peer; }
static struct stream_record *peer_record(uint32_t slot) { return (struct stream_record *)(void *)(peer + PAGE + slot * SLOT_BYTES); }

static zog_status_t take(void)
{
	size_t length;

	return stream_take(&stream, data, sizeof(data), &length);
}

/* What an honest producer would have in slot 0. */
static void record_set(uint64_t sequence, uint32_t length)
{
	*peer_record(0) = (struct stream_record){ .sequence = sequence, .length = length };
}

static void test_index_jump(void **state)
{
	static const uint64_t bad[] = { SLOTS + 1, 1u << 20, UINT64_MAX, UINT64_MAX / 2, 1ull << 63 };

	(void)state;
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		peer_head()->position = bad[i];
		assert_int_equal(take(), ZOG_ERR_CORRUPT);
		assert_int_equal(stream_wait(&stream, NULL, 0), ZOG_ERR_CORRUPT);
		assert_int_equal(stream.position, 0);
	}
}

static void test_position_that_goes_back(void **state)
{
	(void)state;
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_OK);
	peer_head()->position = 1;
	record_set(1, 8);
	assert_int_equal(take(), ZOG_OK);
	peer_head()->position = 0;
	assert_int_equal(take(), ZOG_ERR_CORRUPT);
	stream_publish(&stream);
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_ERR_CORRUPT);
}

static void test_partial_record(void **state)
{
	static const uint32_t bad[] = { CAPACITY + 1, SLOT_BYTES, PAGE, INT32_MAX, UINT32_MAX };

	(void)state;
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_OK);
	peer_head()->position = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		record_set(1, bad[i]);
		assert_int_equal(take(), ZOG_ERR_CORRUPT);
		assert_int_equal(stream.position, 0);
	}
	size_t length = 77;
	record_set(1, 9);
	assert_int_equal(stream_take(&stream, data, 8, &length), ZOG_ERR_TOO_BIG);
	assert_true(length == 77 && stream.position == 0);
	record_set(1, CAPACITY);
	assert_int_equal(take(), ZOG_OK);
}

static void test_replayed_record(void **state)
{
	static const uint64_t bad[] = { 0, 2, SLOTS + 1, UINT64_MAX };

	(void)state;
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_OK);
	peer_head()->position = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		record_set(bad[i], 8);
		assert_int_equal(take(), ZOG_ERR_CORRUPT);
	}
}

static void test_consumer_that_frees_too_much(void **state)
{
	(void)state;
	assert_int_equal(attach(STREAM_END_PRODUCER), ZOG_OK);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(stream_put(&stream, data, CAPACITY), ZOG_OK);
	assert_int_equal(stream_put(&stream, data, 1), ZOG_ERR_LIMIT);
	peer_head()->position = 1; /* more than was ever visible */
	assert_int_equal(stream_put(&stream, data, 1), ZOG_ERR_CORRUPT);
	stream_publish(&stream);
	assert_int_equal(stream_put(&stream, data, 1), ZOG_OK);
	peer_head()->position = SLOTS + 1;
	assert_int_equal(stream_put(&stream, data, 1), ZOG_ERR_CORRUPT);
	assert_int_equal(stream_put(&stream, data, CAPACITY + 1), ZOG_ERR_TOO_BIG);
	assert_int_equal(stream.position, SLOTS + 1);
}

/* It fills up, and stays as it is: nothing that was published is overwritten, and the producer is told each time. */
static void test_never_consuming_peer(void **state)
{
	uint8_t before[PAGE];

	(void)state;
	assert_int_equal(attach(STREAM_END_PRODUCER), ZOG_OK);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(stream_put(&stream, data, CAPACITY), ZOG_OK);
	stream_publish(&stream);
	memcpy(before, own + PAGE, PAGE);
	memset(data, 0x5a, sizeof(data));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(stream_put(&stream, data, CAPACITY), ZOG_ERR_LIMIT);
	assert_memory_equal(before, own + PAGE, PAGE);
	assert_int_equal(stream.position, SLOTS);
	peer_head()->position = 1; /* at last */
	assert_int_equal(stream_put(&stream, data, CAPACITY), ZOG_OK);
}

/* Batches stop at a record that is not what it should be, and give what came before it. */
static void test_batch_with_a_lie_in_it(void **state)
{
	static uint8_t batch[8 * 16];
	size_t done = 99;

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		*peer_record(i) = (struct stream_record){ .sequence = i + 1, .length = 16 };
	peer_record(4)->length = CAPACITY + 1;
	peer_head()->position = 6;
	assert_int_equal(attach(STREAM_END_CONSUMER), ZOG_OK);
	assert_int_equal(stream_take_many(&stream, batch, 16, 8, &done), ZOG_OK);
	assert_int_equal(done, 4);
	assert_int_equal(stream.position, 4);
	assert_int_equal(stream_take_many(&stream, batch, 16, 8, &done), ZOG_ERR_CORRUPT);
	assert_int_equal(done, 0);
	peer_record(4)->length = 17;
	assert_int_equal(stream_take_many(&stream, batch, 16, 8, &done), ZOG_ERR_ARGUMENT);
	peer_record(4)->length = 16, peer_record(5)->sequence = 5;
	assert_int_equal(stream_take_many(&stream, batch, 16, 8, &done), ZOG_OK);
	assert_int_equal(done, 1);
	assert_int_equal(stream_take_many(&stream, batch, 16, 8, &done), ZOG_ERR_CORRUPT);
	assert_int_equal(stream_take_many(&stream, batch, CAPACITY + 1, 1, &done), ZOG_ERR_ARGUMENT);
	assert_int_equal(stream_take_many(&stream, batch, 16, SIZE_MAX / 8, &done), ZOG_ERR_ARGUMENT);
	assert_int_equal(stream.position, 5);
}

/* The ring's end inside a batch, and no room. */
static void test_batch_fills_the_ring(void **state)
{
	static uint8_t batch[2 * SLOTS * 16];
	size_t done = 99;

	(void)state;
	committed.position = home.position = SLOTS - 3;
	peer_head()->position = SLOTS - 3;
	assert_int_equal(attach(STREAM_END_PRODUCER), ZOG_OK);
	assert_int_equal(stream_put_many(&stream, batch, CAPACITY + 1, 1, &done), ZOG_ERR_TOO_BIG);
	assert_int_equal(stream_put_many(&stream, batch, 16, 2 * SLOTS, &done), ZOG_OK);
	assert_int_equal(done, SLOTS);
	assert_int_equal(stream_put_many(&stream, batch, 16, 1, &done), ZOG_ERR_LIMIT);
	assert_int_equal(done, 0);
	assert_null(stream_slot(&stream));
	assert_int_equal(stream_push(&stream, 16), ZOG_ERR_LIMIT);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(((struct stream_record *)(void *)(own + PAGE + (SLOTS - 3 + i) % SLOTS * SLOT_BYTES))->sequence, SLOTS - 2 + i);
}

/* Random bytes over the peer's pages, again and again: only statuses of the contract, no step outside. */
static void test_random_flips(void **state)
{
	uint32_t taken = 0, refused = 0;

	(void)state;
	srandom(5);
	for (uint32_t round = 0; round < 20000; round++) {
		enum stream_end end = random() % 2 ? STREAM_END_PRODUCER : STREAM_END_CONSUMER;
		zog_status_t status = attach(end);
		if (end == STREAM_END_CONSUMER && random() % 2) {
			peer_head()->position = stream.position + (uint64_t)random() % (SLOTS + 3);
			*peer_record(stream.position % SLOTS) =
				(struct stream_record){ .sequence = stream.position + (uint64_t)random() % 2, .length = (uint32_t)random() % 256 };
		}
		for (uint32_t i = 0; i < 3; i++)
			peer[(uint32_t)random() % (2 * PAGE)] ^= (uint8_t)(1u << random() % 8);
		status = end == STREAM_END_PRODUCER ? stream_put(&stream, data, (size_t)random() % 256) : take();
		taken += status == ZOG_OK;
		refused += status == ZOG_ERR_CORRUPT;
		assert_true(status == ZOG_OK || status == ZOG_ERR_CORRUPT || status == ZOG_ERR_LIMIT || status == ZOG_ERR_NOT_FOUND ||
			    status == ZOG_ERR_TOO_BIG);
		if (random() % 8 == 0)
			stream_publish(&stream);
		stream_rewind(&stream);
	}
	assert_true(taken > 500 && refused > 500);
}

static void test_sizes_that_do_not_fit(void **state)
{
	struct stream_place good = { .end = STREAM_END_CONSUMER, .own = own, .peer = peer, .own_pages = 1, .peer_pages = 2,
				     .slot_bytes = 64, .home = &home, .committed = &committed };
	struct stream_place bad;

	(void)state;
	assert_int_equal(stream_attach(&stream, &good), ZOG_OK);
	bad = good, bad.slot_bytes = 48;
	assert_int_equal(stream_attach(&stream, &bad), ZOG_ERR_ARGUMENT);
	bad = good, bad.slot_bytes = 16;
	assert_int_equal(stream_attach(&stream, &bad), ZOG_ERR_ARGUMENT);
	bad = good, bad.slot_bytes = 8192;
	assert_int_equal(stream_attach(&stream, &bad), ZOG_ERR_ARGUMENT);
	bad = good, bad.peer_pages = 1;
	assert_int_equal(stream_attach(&stream, &bad), ZOG_ERR_ARGUMENT);
}

static void test_sleeper_is_woken_at_attach(void **state)
{
	(void)state;
	peer_head()->is_asleep = 1;
	committed.position = home.position = 1;
	assert_int_equal(attach(STREAM_END_PRODUCER), ZOG_OK);
	assert_int_equal(notifies, 1);
	assert_int_equal(((struct stream_head *)(void *)own)->position, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pages_make, pages_free)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_index_jump), CASE(test_position_that_goes_back), CASE(test_partial_record),
		CASE(test_replayed_record), CASE(test_consumer_that_frees_too_much), CASE(test_never_consuming_peer), CASE(test_random_flips),
		CASE(test_sizes_that_do_not_fit), CASE(test_batch_with_a_lie_in_it), CASE(test_batch_fills_the_ring), CASE(test_sleeper_is_woken_at_attach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
