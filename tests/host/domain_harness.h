/* Runs a domain's own code on the host, under a small model of the core, and kills it at its stores.
 *
 * The domain lives in a child process; its home region (both images), device memory and everything the test itself
 * remembers are shared memory. A kill ends the child in the middle: globals and stack are gone, as in a real restart.
 * The parent rolls the home region back to the committed image and starts the next child. Compiled with the store hook,
 * so that a kill can strike before every store the domain makes, and at every call to the runtime.
 *
 * A test includes this once, provides the functions marked below, and has the store hook's options in its flags line in
 * place of the sanitizers: the address sanitizer's shadow lies where the home region belongs. */
#ifndef DOMAIN_HARNESS_H
#define DOMAIN_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rt/rt.h"

#define HARNESS_EVENTS 8u
#define HARNESS_OPS 64u
enum harness_exit { HARNESS_FINISHED = 0, HARNESS_KILLED = 42, HARNESS_FAILED = 43 };

/* What survives the domain: the model of the core. */
static struct harness {
	uint64_t random_state;
	uint64_t now_ns;
	uint64_t kill_countdown; /* stores and runtime calls until the kill; 0: never */
	uint64_t event[HARNESS_EVENTS];
	uint64_t peer_event; /* the one event of somebody else that the domain may wait on */
	uint64_t wait_event, wait_seen, wait_deadline_ns; /* of the last rt_wait */
	uint64_t kills, commits;
	uint32_t op_count;
	struct zog_op op[HARNESS_OPS];
	size_t home_bytes;
} *harness;
static volatile int harness_is_inside; /* the domain runs, not the test or the core */

/* Provided by the test: carries out a staged operation other than NOTIFY; lets the outside world move a little. */
static void harness_operation(const struct zog_op *op);
static void harness_world(void);

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			_exit(HARNESS_FAILED); \
		} \
	} while (0)

static uint32_t harness_random(uint32_t limit)
{
	harness->random_state = harness->random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(harness->random_state >> 33) % limit;
}

static void *harness_map(uintptr_t address, size_t bytes)
{
	void *place = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | (address ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (place == MAP_FAILED) {
		perror("mmap");
		exit(HARNESS_FAILED);
	}
	return place;
}

static struct zog_domain_info *harness_start(size_t home_bytes, uint64_t seed)
{
	harness = harness_map(0, sizeof(*harness));
	harness->random_state = seed;
	harness->home_bytes = home_bytes;
	harness_map(ZOG_HOME_BASE, home_bytes);
	harness_map(ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET, home_bytes);
	return harness_map(ZOG_DOMAIN_INFO_BASE, 4096);
}

/* One life of the domain. */
static int harness_live(void (*life)(void), uint64_t kill_countdown)
{
	harness->kill_countdown = kill_countdown;
	harness->op_count = 0;
	((struct zog_domain_info *)ZOG_DOMAIN_INFO_BASE)->start_count++;
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		life();
		_exit(HARNESS_FINISHED);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return HARNESS_FAILED;
	memcpy((void *)ZOG_HOME_BASE, rt_committed((void *)ZOG_HOME_BASE), harness->home_bytes);
	harness->kills += WIFEXITED(status) && WEXITSTATUS(status) == HARNESS_KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : HARNESS_FAILED;
}

/* A place where the kill may strike. */
__attribute__((no_sanitize("kernel-address"))) /* or it would call itself */
static void harness_point(void)
{
	if (harness_is_inside && harness->kill_countdown && --harness->kill_countdown == 0)
		_exit(HARNESS_KILLED);
}

/* A call from the domain into the core: the world may move meanwhile. */
#define CORE(...) \
	do { \
		int was_inside = harness_is_inside; \
		harness_point(); \
		harness_is_inside = 0; \
		harness_world(); \
		__VA_ARGS__; \
		harness_is_inside = was_inside; \
	} while (0)

static void harness_commit(void)
{
	memcpy((void *)rt_committed((void *)ZOG_HOME_BASE), (void *)ZOG_HOME_BASE, harness->home_bytes);
	for (uint32_t i = 0; i < harness->op_count; i++) {
		const struct zog_op *op = &harness->op[i];

		if (op->code == ZOG_OP_NOTIFY)
			harness->event[op->slot]++;
		else
			harness_operation(op);
	}
	harness->op_count = 0;
	harness->commits++;
}

/* One invocation: `expression` is the domain's function; its reply commits. */
#define INVOKE(result, expression) \
	do { \
		harness_is_inside = 1; \
		harness_point(); \
		result = (expression); \
		harness_point(); \
		harness_is_inside = 0; \
		harness_commit(); \
	} while (0)

/* --- the runtime, as the domain sees it --- */

void rt_commit(void) { CORE(harness_commit()); }

void rt_stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4)
{
	CORE({
		CHECK(harness->op_count < HARNESS_OPS);
		harness->op[harness->op_count++] = (struct zog_op){ code, slot, { w0, w1, w2, w3, w4 } };
	});
}

void rt_notify(uint32_t event, uint32_t wake) { rt_stage(ZOG_OP_NOTIFY, event, wake, 0, 0, 0, 0); }

uint64_t rt_event_count(uint32_t event)
{
	uint64_t count;

	CORE({
		bool is_peers = (event & ZOG_EVENT_CAP) != 0;

		CHECK(is_peers || event < HARNESS_EVENTS);
		count = is_peers ? harness->peer_event : harness->event[event];
	});
	return count;
}

zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call;
	CORE({
		harness->wait_event = event;
		harness->wait_seen = seen;
		harness->wait_deadline_ns = deadline_ns;
	});
	return ZOG_WAIT;
}

uint64_t rt_now_ns(void)
{
	CORE(harness->now_ns += 1000);
	return harness->now_ns;
}

void rt_log(enum rt_log_level level, const char *format, ...) { (void)level, (void)format; }

_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	fprintf(stderr, "the domain ended itself: cause %u, 0x%lx, 0x%lx\n", cause, detail1, detail2);
	_exit(HARNESS_FAILED);
}

/* The compiler's store hook. Only counts: what the store may hit is the real runtime's business. */
void __asan_store1_noabort(void *address);
void __asan_store2_noabort(void *address);
void __asan_store4_noabort(void *address);
void __asan_store8_noabort(void *address);
void __asan_store16_noabort(void *address);
void __asan_storeN_noabort(void *address, long size);
void __asan_handle_no_return(void);
void __asan_store1_noabort(void *address) { (void)address, harness_point(); }
void __asan_store2_noabort(void *address) { (void)address, harness_point(); }
void __asan_store4_noabort(void *address) { (void)address, harness_point(); }
void __asan_store8_noabort(void *address) { (void)address, harness_point(); }
void __asan_store16_noabort(void *address) { (void)address, harness_point(); }
void __asan_storeN_noabort(void *address, long size) { (void)address, (void)size, harness_point(); }
void __asan_handle_no_return(void) { }

#endif
