/* groups: tsm */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0 */
/* A stream between two domains that run interleaved at every store and are killed at any store: the consumer's committed
 * work sees every record once and in order, and nobody sleeps for ever. Each domain is a coroutine; before every store
 * the hook may switch to the other one, or end this one: then its home region rolls back and it attaches anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>

#define STORES_ARE_OWN /* hook every store of the library */
#include "stream/stream.c"

#define NO_HOOK __attribute__((no_sanitize("kernel-address")))
#define SLOT_BYTES 512u /* eight slots: the ring is often full */
#define OWN_EVENT 0u
#define PEER_EVENT 1u
#define RECORDS 1500u
#define ALIKE 5u
#define STEPS_MAX 4000000ul
#define STACK_BYTES 65536u

enum side_name { PRODUCER, CONSUMER, SIDE_COUNT };
struct home {
	struct stream_home stream;
	uint64_t next; /* producer: number of the next record; consumer: number it expects */
};
static struct side {
	struct home live, committed;
	uint64_t event;
	uint32_t staged_notifies;
	struct stream stream;
	ucontext_t context;
	int is_parked;
	int is_idle; /* the producer has nothing to send until all is consumed */
	uint64_t seen;
	uint64_t kills;
} side[SIDE_COUNT];
static uint8_t pages[SIDE_COUNT][2 * 4096] __attribute__((aligned(4096)));
static uint8_t stack[SIDE_COUNT][STACK_BYTES];
static ucontext_t scheduler;
static enum side_name running;
static int is_inside;
static uint64_t random_state, steps, kill_one_in;
static const char *broken; /* what a domain found wrong */

NO_HOOK static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % limit;
}

static void life(void);

NO_HOOK static void side_start(struct side *at)
{
	getcontext(&at->context);
	at->context.uc_stack.ss_sp = stack[at - side];
	at->context.uc_stack.ss_size = STACK_BYTES;
	at->context.uc_link = NULL;
	makecontext(&at->context, life, 0);
}

NO_HOOK static void side_kill(struct side *at)
{
	at->kills++;
	at->live = at->committed;
	at->staged_notifies = 0;
	at->is_parked = at->is_idle = 0;
	memset(&at->stream, 0, sizeof(at->stream));
	side_start(at);
}

/* A place where the other domain may run on, or this one may end. */
NO_HOOK static void point(void)
{
	struct side *at = &side[running];

	if (!is_inside)
		return;
	is_inside = 0;
	steps++;
	if (kill_one_in && random_below((uint32_t)kill_one_in) == 0) {
		side_kill(at);
		setcontext(&scheduler);
	}
	if (random_below(4) == 0)
		swapcontext(&at->context, &scheduler);
	is_inside = 1;
}

NO_HOOK static void commit(struct side *at)
{
	at->committed = at->live;
	at->event += at->staged_notifies;
	at->staged_notifies = 0;
}

/* --- the runtime ------------------------------------------------------------------------------------------------- */

NO_HOOK void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size, point(); }
NO_HOOK void rt_commit(void)
{
	point();
	commit(&side[running]);
	point();
}
NO_HOOK void rt_notify(uint32_t event, uint32_t wake)
{
	(void)wake;
	if (event != OWN_EVENT)
		broken = "notifies an event that is not its own";
	side[running].staged_notifies++;
	point();
}
NO_HOOK uint64_t rt_event_count(uint32_t event)
{
	point();
	if (event != PEER_EVENT)
		broken = "looks at its own event";
	return side[!running].event;
}
NO_HOOK zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call, (void)event, (void)deadline_ns;
	point();
	side[running].seen = seen;
	return ZOG_WAIT;
}
void __asan_store1_noabort(void *address);
void __asan_store2_noabort(void *address);
void __asan_store4_noabort(void *address);
void __asan_store8_noabort(void *address);
void __asan_store16_noabort(void *address);
void __asan_storeN_noabort(void *address, long size);
void __asan_handle_no_return(void);
NO_HOOK void __asan_store1_noabort(void *address) { (void)address, point(); }
NO_HOOK void __asan_store2_noabort(void *address) { (void)address, point(); }
NO_HOOK void __asan_store4_noabort(void *address) { (void)address, point(); }
NO_HOOK void __asan_store8_noabort(void *address) { (void)address, point(); }
NO_HOOK void __asan_store16_noabort(void *address) { (void)address, point(); }
NO_HOOK void __asan_storeN_noabort(void *address, long size) { (void)address, (void)size, point(); }
NO_HOOK void __asan_handle_no_return(void) { }

/* --- the domains --------------------------------------------------------------------------------------------------- */

static uint8_t byte_of(uint64_t number, size_t at) { return (uint8_t)(number * 131 + at * 7 + (number >> 8)); }
/* Neighbours are alike, for batches. */
static size_t length_of(uint64_t number) { return number / ALIKE * 37 % 33; }
static size_t alike_from(uint64_t number) { return ALIKE - number % ALIKE; }
static uint64_t batches; /* over all tests */

static void record_make(uint8_t *data, uint64_t number)
{
	for (size_t i = 0; i < length_of(number); i++)
		data[i] = byte_of(number, i);
}

static void record_check(const uint8_t *data, uint64_t number)
{
	for (size_t i = 0; i < length_of(number); i++)
		if (data[i] != byte_of(number, i))
			broken = "a record has the bytes of another";
}

static zog_status_t produce_many(struct side *at)
{
	uint8_t data[ALIKE * SLOT_BYTES];
	size_t count = alike_from(at->live.next), length = length_of(at->live.next), done;

	for (size_t i = 0; i < count; i++)
		record_make(data + i * length, at->live.next + i);
	zog_status_t status = stream_put_many(&at->stream, data, length, count, &done);
	at->live.next += done;
	batches += done > 1;
	return status;
}

static zog_status_t produce_in_place(struct side *at)
{
	uint8_t *slot = stream_slot(&at->stream);

	if (slot == NULL)
		return ZOG_ERR_LIMIT;
	record_make(slot, at->live.next);
	zog_status_t status = stream_push(&at->stream, length_of(at->live.next));
	at->live.next++;
	return status;
}

static zog_status_t produce(struct side *at)
{
	uint8_t data[SLOT_BYTES];
	uint32_t way = random_below(3);

	if (way != 0)
		return way == 1 ? produce_many(at) : produce_in_place(at);
	record_make(data, at->live.next);
	zog_status_t status = stream_put(&at->stream, data, length_of(at->live.next));
	if (status == ZOG_OK)
		at->live.next++;
	return status;
}

static zog_status_t consume_many(struct side *at)
{
	uint8_t data[2 * ALIKE * SLOT_BYTES];
	size_t length = length_of(at->live.next), done;
	zog_status_t status = stream_take_many(&at->stream, data, length, alike_from(at->live.next) + random_below(ALIKE), &done);

	for (size_t i = 0; i < done; i++)
		record_check(data + i * length, at->live.next + i);
	at->live.next += done;
	return status;
}

static zog_status_t consume(struct side *at)
{
	uint8_t data[SLOT_BYTES];
	size_t length = 0;

	if (random_below(2))
		return consume_many(at);
	zog_status_t status = stream_take(&at->stream, data, sizeof(data), &length);
	if (status != ZOG_OK)
		return status;
	if (length != length_of(at->live.next))
		broken = "a record has the length of another";
	record_check(data, at->live.next);
	at->live.next++;
	return ZOG_OK;
}

/* One invocation: some records, then a reply that commits, in one of the orders that a domain may choose. */
static zog_status_t invocation(struct side *at)
{
	zog_status_t status = ZOG_OK;

	for (uint32_t i = random_below(12); i > 0 && status == ZOG_OK && at->live.next < RECORDS; i--)
		status = at == &side[PRODUCER] ? produce(at) : consume(at);
	if (status == ZOG_ERR_LIMIT || status == ZOG_ERR_NOT_FOUND)
		return stream_wait(&at->stream, NULL, PEER_EVENT);
	if (status != ZOG_OK)
		return status;
	if (random_below(2) == 0)
		stream_publish(&at->stream);
	else
		stream_seal(&at->stream); /* shown by the next invocation */
	if (random_below(2) == 0)
		stream_show(&at->stream); /* too early: must show nothing that is not committed */
	return ZOG_OK;
}

static struct stream_place place_of(struct side *at)
{
	enum side_name name = (enum side_name)(at - side);

	return (struct stream_place){ .end = name == PRODUCER ? STREAM_END_PRODUCER : STREAM_END_CONSUMER, .own = pages[name], .peer = pages[!name],
				      .own_pages = 2, .peer_pages = 2, .slot_bytes = SLOT_BYTES, .event = OWN_EVENT,
				      .home = &at->live.stream, .committed = &at->committed.stream };
}

/* From start to kill. A domain that has nothing left to do parks for good. */
static void life(void)
{
	struct side *at = &side[running];
	struct stream_place place = place_of(at);
	zog_status_t status;

	is_inside = 1;
	if (stream_attach(&at->stream, &place) != ZOG_OK)
		broken = "cannot attach";
	is_inside = 0;
	commit(at);
	for (;;) {
		is_inside = 1;
		stream_show(&at->stream);
		status = invocation(at);
		point();
		is_inside = 0;
		commit(at);
		if (status != ZOG_OK && status != ZOG_WAIT)
			broken = "an honest peer's record is refused";
		at->is_parked = status == ZOG_WAIT;
		at->is_idle = at == &side[PRODUCER] && !at->is_parked && at->stream.own->position == at->committed.next && random_below(4) == 0;
		if (at->is_parked || at->is_idle || random_below(2) == 0 || at->live.next >= RECORDS)
			swapcontext(&at->context, &scheduler);
		is_inside = 0;
	}
}

static int side_can_run(const struct side *at)
{
	if (at->is_idle)
		return side[CONSUMER].committed.next == side[PRODUCER].committed.next;
	return !at->is_parked || side[at == &side[0]].event != at->seen;
}

/* Runs both until the consumer has committed all records. */
static void run(uint64_t seed, uint64_t one_in)
{
	memset(side, 0, sizeof(side));
	memset(pages, 0, sizeof(pages));
	random_state = seed, kill_one_in = one_in, steps = 0, broken = NULL;
	for (int i = 0; i < SIDE_COUNT; i++)
		side_start(&side[i]);
	while (side[CONSUMER].committed.next < RECORDS && broken == NULL) {
		running = (enum side_name)random_below(2);
		if (!side_can_run(&side[running]))
			running = (enum side_name)!running;
		if (!side_can_run(&side[running]))
			fail_msg("seed %lu: both sleep at record %lu", seed, side[CONSUMER].committed.next);
		side[running].is_parked = side[running].is_idle = 0;
		swapcontext(&scheduler, &side[running].context);
		if (steps > STEPS_MAX)
			fail_msg("seed %lu: no end", seed);
	}
	if (broken != NULL)
		fail_msg("seed %lu: %s at record %lu", seed, broken, side[CONSUMER].committed.next);
	assert_true(side[PRODUCER].committed.next >= RECORDS);
}

static void test_interleaved(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed, 0);
}

static void test_killed_at_any_store(void **state)
{
	uint64_t kills = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		run(seed, 50 + seed * 10);
		kills += side[PRODUCER].kills + side[CONSUMER].kills;
	}
	assert_true(kills > 5000);
	assert_true(batches > 1000);
	print_message("%lu crash points of streams\n", kills);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_killed_at_any_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
