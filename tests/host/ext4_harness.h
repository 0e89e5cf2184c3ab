/* Runs the ext4 domain on the host, on an image file, and kills it.
 *
 * The domain lives in a child process; its home region (both images), DMA memory, the disk and all that the test itself
 * remembers are shared memory. A kill ends the child: globals, heap and stack are gone, as in a real restart. The
 * parent then gives the home region its committed contents back and starts the next child, which goes on with the task
 * that was under way by issuing its call again.
 *
 * Two ways to know what was stored in the home region: under the address sanitizer, write protection of its pages; with
 * the store hook (HARNESS_STORES), the ranges that the hook reports, as in the real runtime: what it misses is not
 * committed, and the test fails. With the hook a kill can strike at every store, else at every call of the runtime
 * (nothing but those calls is visible outside).
 *
 * The block server answers PENDING first, finishes requests in any order, at times says BUSY, and insists that a
 * frame's request is the same as long as it is in flight. */
#ifndef EXT4_HARNESS_H
#define EXT4_HARNESS_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "ext4.h"
#include "contracts/block.h"
#include "contracts/filesystem_server.h"

#define DMA_FRAME 0x8000u     /* frame number of the first bounce frame */
#define PAYLOAD_FRAME 0x100u  /* ... of the first payload frame */
#define PAYLOADS 8u
#define REQUESTS 96u
#define IDLE_MAX 100000u
enum { EXIT_KILLED = 42, EXIT_FAILED = 43 };

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: ERROR not true: %s\n", __FILE__, __LINE__, #condition); \
			_exit(EXIT_FAILED); \
		} \
	} while (0)

struct request {
	uint64_t frame, block;
	uint32_t direction;
	bool is_used, is_done;
};
static struct harness {
	uint64_t random_state, done_count, kill_countdown;
	uint64_t kills, commits, aborts, transfers, flushes, waits, error_block;
	uint64_t flush_ticket;
	bool is_flush_pending, is_broken; /* is_broken: error_block answers ERR_IO */
	struct request request[REQUESTS];
	uint32_t dirty_count;
	uint32_t dirty[HOME_BYTES / 4096];
	uint8_t is_dirty[HOME_BYTES / 4096];
	uint8_t payload[PAYLOADS][BLOCK_BYTES];
	uint64_t disk_blocks;
	char log[256]; /* the last line */
} *harness;
static uint8_t *disk;
static volatile int is_inside;

static uint32_t chance(uint32_t limit)
{
	harness->random_state = harness->random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(harness->random_state >> 33) % limit;
}

__attribute__((no_sanitize("kernel-address")))
static void kill_point(void)
{
	if (is_inside && harness->kill_countdown && --harness->kill_countdown == 0)
		_exit(EXIT_KILLED);
}

/* --- the home region --- */

/* Nothing but the domain's own code stores in this harness: there is no damage to detect, and no log to ask. */
void rt_home_verify(const void *start, size_t size)
{
	(void)start;
	(void)size;
}

static uint8_t *home_live(void) { return (uint8_t *)ZOG_HOME_BASE; }
static uint8_t *home_committed(void) { return (uint8_t *)(ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET); }

__attribute__((no_sanitize("kernel-address")))
static void page_touch(uint64_t page)
{
	if (!harness->is_dirty[page]) {
		harness->is_dirty[page] = 1;
		harness->dirty[harness->dirty_count++] = (uint32_t)page;
	}
}

/* Copies what was stored from one image to the other. */
static void images_copy(uint8_t *to, const uint8_t *from);

#ifndef HARNESS_STORES
static void protection_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	if (number != SIGSEGV || at < ZOG_HOME_BASE || at >= ZOG_HOME_BASE + HOME_BYTES) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	at &= ~4095ul;
	page_touch((at - ZOG_HOME_BASE) / 4096);
	mprotect((void *)at, 4096, PROT_READ | PROT_WRITE);
}

static void home_watch(void)
{
	struct sigaction action = { .sa_sigaction = protection_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	mprotect(home_live(), HOME_BYTES, PROT_READ);
}

void rt_store(uint64_t address, uint64_t size);
void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size; } /* the pages' protection tells */

static void images_copy(uint8_t *to, const uint8_t *from)
{
	for (uint32_t i = 0; i < harness->dirty_count; i++) {
		uint64_t at = harness->dirty[i] * 4096ul;

		memcpy(to + at, from + at, 4096);
		harness->is_dirty[harness->dirty[i]] = 0;
		mprotect(home_live() + at, 4096, PROT_READ);
	}
	harness->dirty_count = 0;
}
#else
#define RANGES 65536u
static struct { uint32_t offset, length; } range[RANGES];
static uint32_t range_count;

__attribute__((no_sanitize("kernel-address")))
static void store_hook(uintptr_t address, size_t size)
{
	if (!is_inside)
		return;
	kill_point();
	if (address < ZOG_HOME_BASE || address >= ZOG_HOME_BASE + HOME_BYTES)
		return;
	CHECK(range_count < RANGES);
	range[range_count].offset = (uint32_t)(address - ZOG_HOME_BASE);
	range[range_count++].length = (uint32_t)size;
	for (uint64_t at = address & ~4095ul; at < address + size; at += 4096)
		page_touch((at - ZOG_HOME_BASE) / 4096);
}

#include "ext4_hook.h"

static void home_watch(void) { range_count = 0; }

/* Only the reported ranges move; then both images must be the same wherever anything was stored, and now and then
 * everywhere. */
static void images_copy(uint8_t *to, const uint8_t *from)
{
	static uint32_t turn;

	for (uint32_t i = 0; i < range_count; i++)
		memcpy(to + range[i].offset, from + range[i].offset, range[i].length);
	range_count = 0;
	for (uint32_t i = 0; i < harness->dirty_count; i++) {
		harness->is_dirty[harness->dirty[i]] = 0;
		CHECK(memcmp(to + harness->dirty[i] * 4096ul, from + harness->dirty[i] * 4096ul, 4096) == 0);
	}
	harness->dirty_count = 0;
	if (turn++ % 4096 == 0)
		CHECK(memcmp(to, from, HOME_BYTES) == 0);
}
#endif

static void home_rollback(void)
{
	for (uint32_t i = 0; i < harness->dirty_count; i++) {
		memcpy(home_live() + harness->dirty[i] * 4096ul, home_committed() + harness->dirty[i] * 4096ul, 4096);
		harness->is_dirty[harness->dirty[i]] = 0;
	}
	harness->dirty_count = 0;
}

/* --- the block server --- */

static uint8_t *frame_data(uint64_t frame)
{
	if (frame >= DMA_FRAME && frame < DMA_FRAME + BOUNCE_COUNT)
		return (uint8_t *)ZOG_DMA_BASE + (frame - DMA_FRAME) * 4096;
	CHECK(frame >= PAYLOAD_FRAME && frame < PAYLOAD_FRAME + PAYLOADS);
	return harness->payload[frame - PAYLOAD_FRAME];
}

static void request_finish(struct request *request)
{
	uint8_t *block = disk + request->block * BLOCK_BYTES;

	if (request->direction == BLOCK_DIRECTION_READ)
		memcpy(frame_data(request->frame), block, BLOCK_BYTES);
	else
		memcpy(block, frame_data(request->frame), BLOCK_BYTES);
	request->is_done = true;
	harness->done_count++;
	harness->transfers++;
}

/* Some requests finish. False: there was none. */
static bool world_move(uint32_t odds)
{
	bool is_any = harness->is_flush_pending;

	if (harness->is_flush_pending && chance(odds) == 0) {
		harness->is_flush_pending = false;
		harness->done_count++;
	}
	for (uint32_t i = 0; i < REQUESTS; i++) {
		struct request *request = &harness->request[i];

		if (!request->is_used || request->is_done)
			continue;
		is_any = true;
		if (chance(odds) == 0)
			request_finish(request);
	}
	return is_any;
}

static struct request *request_find(uint64_t frame, bool is_used)
{
	for (uint32_t i = 0; i < REQUESTS; i++) {
		struct request *request = &harness->request[i];

		if (request->is_used == is_used && (!is_used || request->frame == frame))
			return request;
	}
	return NULL;
}

static bool is_any_in_flight(void)
{
	for (uint32_t i = 0; i < REQUESTS; i++) {
		if (harness->request[i].is_used && !harness->request[i].is_done)
			return true;
	}
	return false;
}

static zog_status_t serve_transfer(uint64_t frame, uint64_t block, uint32_t direction)
{
	struct request *request = request_find(frame, true);

	if (block >= harness->disk_blocks)
		return ZOG_ERR_ARGUMENT;
	if (request) {
		CHECK(request->block == block && request->direction == direction);
		if (!request->is_done)
			return ZOG_PENDING;
		request->is_used = false;
		return harness->is_broken && block == harness->error_block ? ZOG_ERR_IO : ZOG_OK;
	}
	for (uint32_t i = 0; i < REQUESTS; i++) { /* two transfers of one block at once have no defined outcome */
		request = &harness->request[i];
		CHECK(!request->is_used || request->is_done || request->block != block
			|| (direction == BLOCK_DIRECTION_READ && request->direction == BLOCK_DIRECTION_READ));
	}
	request = request_find(0, false);
	CHECK(request);
	if (is_any_in_flight() && chance(40) == 0)
		return ZOG_ERR_BUSY;
	*request = (struct request){ .frame = frame, .block = block, .direction = direction, .is_used = true };
	return ZOG_PENDING;
}

static zog_status_t serve_flush(uint64_t ticket)
{
	if (ticket != harness->flush_ticket) {
		harness->flush_ticket = ticket;
		harness->is_flush_pending = true;
		harness->flushes++;
	}
	return harness->is_flush_pending ? ZOG_PENDING : ZOG_OK;
}

/* --- the runtime, as the domain sees it --- */

#define CORE(...) \
	do { \
		int was_inside = is_inside; \
		kill_point(); \
		is_inside = 0; \
		__VA_ARGS__; \
		is_inside = was_inside; \
		kill_point(); \
	} while (0)

void rt_commit(void)
{
	CORE(images_copy(home_committed(), home_live()); harness->commits++);
}

void rt_abort(void)
{
	CORE(images_copy(home_live(), home_committed()); harness->aborts++);
}

zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	zog_status_t status;

	CHECK(cap == CAP_BLOCK);
	CORE({
		out[0] = harness->done_count;
		if (method == BLOCK_METHOD_TRANSFER)
			status = serve_transfer(in[0], in[1], (uint32_t)in[2]);
		else if (method == BLOCK_METHOD_FLUSH)
			status = serve_flush(in[0]);
		else
			status = (out[0] = harness->disk_blocks, out[1] = 0, ZOG_OK);
		world_move(6);
	});
	return status;
}

static uint64_t wait_seen;
zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call;
	CHECK(event == WAIT_BLOCK_DONE && deadline_ns == RT_NO_DEADLINE);
	wait_seen = seen;
	return ZOG_WAIT;
}

uint64_t rt_event_count(uint32_t event)
{
	CHECK(event == WAIT_BLOCK_DONE);
	return harness->done_count;
}

void rt_log(enum rt_log_level level, const char *format, ...)
{
	va_list list;
	int was_inside = is_inside;

	is_inside = 0;
	va_start(list, format);
	vsnprintf(harness->log, sizeof(harness->log), format, list);
	va_end(list);
	if (getenv("EXT4_LOG"))
		fprintf(stderr, "log %d: %s\n", level, harness->log);
	is_inside = was_inside;
}

_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	fprintf(stderr, "ERROR the domain ended itself: cause %u, 0x%lx, 0x%lx\n", cause, detail1, detail2);
	_exit(EXIT_FAILED);
}

/* --- calls --- */

/* Until the event moves past what was seen. With nothing in flight it never would. */
static void event_wait(uint64_t seen)
{
	harness->waits++;
	for (uint32_t turn = 0; harness->done_count == seen; turn++) {
		bool is_any = world_move(3);

		CHECK(is_any && turn < IDLE_MAX);
	}
}

/* Issues a call until it is answered; its reply commits. EXPRESSION may use `call`. */
#define CALL(status, expression) \
	do { \
		struct zog_call call_record = { 0 }, *call = &call_record; \
		is_inside = 1; \
		kill_point(); \
		(status) = (expression); \
		kill_point(); \
		is_inside = 0; \
		CHECK((status) != ZOG_RETRY); \
		images_copy(home_committed(), home_live()); \
		if ((status) == ZOG_WAIT) \
			event_wait(wait_seen); \
	} while ((status) == ZOG_WAIT)

/* The same for methods that answer PENDING or BUSY and hand out what to wait with. */
#define CALL_PENDING(status, seen, expression) \
	do { \
		CALL(status, expression); \
		if ((status) == ZOG_PENDING || (status) == ZOG_ERR_BUSY) { \
			if (harness->done_count == (seen) && world_move(1000000)) \
				event_wait(seen); \
		} \
	} while ((status) == ZOG_PENDING || (status) == ZOG_ERR_BUSY)

/* --- lives --- */

static void *shared_map(uintptr_t address, size_t bytes)
{
	void *place = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (place == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILED);
	}
	return place;
}

static void harness_create(void)
{
	struct zog_domain_info *self;

	harness = shared_map(0, sizeof(*harness));
	shared_map(ZOG_HOME_BASE, HOME_BYTES);
	shared_map(ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET, HOME_BYTES);
	shared_map(ZOG_DMA_BASE, DMA_BYTES);
	self = shared_map(ZOG_DOMAIN_INFO_BASE, 4096);
	self->dma_physical = (uint64_t)DMA_FRAME << 12;
	self->dma_bytes = DMA_BYTES;
}

/* A cold boot with this image as the disk. */
static void harness_boot(const char *image, uint64_t seed)
{
	struct stat facts;
	int file = open(image, O_RDWR);

	if (disk)
		munmap(disk, harness->disk_blocks * BLOCK_BYTES);
	memset(harness, 0, sizeof(*harness));
	harness->random_state = seed + (getenv("EXT4_SEED") ? strtoull(getenv("EXT4_SEED"), NULL, 0) << 20 : 0);
	assert_true(file >= 0 && fstat(file, &facts) == 0);
	harness->disk_blocks = (uint64_t)facts.st_size / BLOCK_BYTES;
	disk = mmap(NULL, harness->disk_blocks * BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(disk != MAP_FAILED);
	close(file);
	assert_int_equal(madvise(home_live(), HOME_BYTES, MADV_REMOVE), 0);
	assert_int_equal(madvise(home_committed(), HOME_BYTES, MADV_REMOVE), 0);
}

static void life_run(void (*life)(void))
{
	zog_status_t status;

	alarm(120); /* a hang ends the child: the test fails */
	home_watch();
	/* What a restart may leave in scratch memory that devices see: anything. */
	memset((void *)ZOG_DMA_BASE, 0xa5, harness->kills ? DMA_BYTES : 0);
	CALL(status, domain_start(call));
	CHECK(status == ZOG_OK);
	life();
	_exit(0);
}

/* Lives, one after another, until one comes to its end. kill_within: upper limit of each one's points before its kill;
 * 0: nobody is killed. */
static void harness_live(void (*life)(void), uint32_t kill_within)
{
	for (;;) {
		int status = 0;
		pid_t child;

		/* Now and then a long life: some steps take more than the usual one offers. */
		harness->kill_countdown = kill_within ? 1 + chance(chance(6) ? kill_within : kill_within * 30) : 0;
		child = fork();
		if (child == 0)
			life_run(life);
		assert_true(child > 0 && waitpid(child, &status, 0) == child);
		home_rollback();
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_KILLED)
			fail_msg("the life ended with status 0x%x", status);
		harness->kills++;
	}
}

/* Tools of the host; true when they end well. */
__attribute__((format(printf, 1, 2)))
static bool tool(const char *format, ...)
{
	char command[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	return system(command) == 0;
}

/* Everything on disk lies in a folder of this run's own. */
static void folder_enter(void)
{
	char folder[] = "build/tests/host/ext4.XXXXXX";

	assert_true(tool("mkdir -p build/tests/host"));
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
}

static int folder_leave(int failed)
{
	if (failed == 0 && !tool("rm -rf \"$PWD\""))
		perror("rm");
	return failed;
}

#endif
