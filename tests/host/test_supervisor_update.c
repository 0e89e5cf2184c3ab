/* sources: subsystems/supervisor/supervisor/update.c subsystems/supervisor/supervisor/update_check.c lib/rt/format.c */
/* flags: -Ibuild/gen/domains/supervisor */
/* The supervisor's side of a live update, with the core acted out: pages in order, each once, answers repeated; and page 0
 * from files that mean harm, whose strings must not be followed beyond their fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "contracts/supervisor_server.h"
#include "domain.h"
#include "supervisor/supervisor/update.h"

static struct update_home home;
static struct zog_update_header running;
static uint8_t file[6][4096];
static uint32_t written[8], staged, checks, update_state, services_started;
static zog_status_t may_start; /* what service.c says of a launch */
static zog_status_t write_status, check_status;
static uint64_t now_ns;

struct update_home *update_home(void) { return &home; }
uint64_t rt_now_ns(void) { return now_ns; }
void rt_log(enum rt_log_level level, const char *format, ...) { (void)level, (void)format; }

void rt_stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4)
{
	(void)w1, (void)w2, (void)w3, (void)w4;
	assert_int_equal(code, ZOG_OP_UPDATE);
	assert_int_equal(slot, CAP_UPDATE);
	assert_int_equal(w0, 3);
	staged++;
}

zog_status_t rt_stats(uint32_t cap, uint32_t domain, struct zog_domain_stats *out)
{
	assert_int_equal(cap, CAP_STATS);
	*out = (struct zog_domain_stats){ .id = domain, .name = "disk", .update_state = update_state };
	return ZOG_OK;
}

zog_status_t rt_image(uint32_t cap, uint32_t domain, enum zog_image_step step, uint32_t number, void *page)
{
	assert_int_equal(cap, CAP_UPDATE);
	assert_int_equal(domain, 3);
	if (step == ZOG_IMAGE_READ) {
		memset(page, 0, 4096);
		memcpy(page, &running, sizeof(running));
		return ZOG_OK;
	}
	if (step == ZOG_IMAGE_CHECK) {
		checks++;
		return check_status;
	}
	assert_true(number < 6);
	assert_memory_equal(page, file[number], 4096);
	written[number] += write_status == ZOG_OK;
	return write_status;
}

/* --- service.c, acted out --- */

zog_status_t service_may_start(uint32_t domain)
{
	assert_int_equal(domain, 3);
	return may_start;
}

zog_status_t service_command_start(uint32_t domain, const char *text, size_t length, bool is_empty)
{
	assert_true(domain == 3 && text && length == 0 && !is_empty);
	services_started++;
	return ZOG_OK;
}

static void seal(void)
{
	struct zog_update_header *header = (void *)file[0];

	header->checksum = zog_update_checksum(file[0]);
}

static int setup(void **state)
{
	struct zog_update_header header = { .magic = ZOG_UPDATE_MAGIC, .layout = ZOG_UPDATE_LAYOUT, .contract_count = 2, .name = "disk", .text_pages = 2,
		.constants_pages = 2, .data_bytes = 5, .interface = 11, .authority = 12, .home = 13, .home_version = 1,
		.contract = { { "block", 1, ZOG_IMAGE_SERVES, 1, 77, 0 }, { "bus", 2, ZOG_IMAGE_USES, 2, 78, 0 } } };

	(void)state;
	memset(&home, 0, sizeof(home));
	memset(written, 0, sizeof(written));
	for (uint32_t i = 0; i < 6; i++)
		memset(file[i], (int)i, 4096);
	memset(file[0], 0, 4096);
	memcpy(file[0], &header, sizeof(header));
	running = header;
	seal();
	staged = checks = update_state = services_started = 0;
	may_start = ZOG_OK;
	write_status = check_status = ZOG_OK;
	now_ns = 1000;
	return 0;
}

static struct zog_call call_of(uint32_t thread) { return (struct zog_call){ .client_domain = 9, .client_thread = thread }; }
static zog_status_t begin(uint32_t thread)
{
	struct zog_call call = call_of(thread);
	return update_begin(&call, 3, false);
}
static zog_status_t launch(uint32_t thread)
{
	struct zog_call call = call_of(thread);
	return update_begin(&call, 3, true);
}
static zog_status_t page(uint32_t thread, uint32_t number)
{
	struct zog_call call = call_of(thread);
	return supervisor_update_page_serve(&call, number * 4096ul, file[number], 4096);
}
static zog_status_t end(uint32_t thread, uint64_t is_whole)
{
	struct zog_call call = call_of(thread);
	return supervisor_update_end_serve(&call, is_whole);
}
static void note_is(const char *text) { assert_string_equal(home.note[3].text, text); }

/* --- tests --------------------------------------------------------------------------------------------------------- */

static void a_file_is_taken_page_by_page_and_once(void **state)
{
	(void)state;
	assert_int_equal(begin(1), ZOG_OK);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(page(1, i), ZOG_OK);
		assert_int_equal(page(1, i), ZOG_OK); /* it comes again */
		assert_int_equal(written[i], 1);
	}
	assert_int_equal(end(1, 1), ZOG_OK);
	assert_int_equal(end(1, 1), ZOG_OK);
	assert_int_equal(staged, 1);
	assert_int_equal(checks, 1);
	note_is("in place");
}

static void only_the_thread_that_asked_may_go_on(void **state)
{
	(void)state;
	assert_int_equal(page(1, 0), ZOG_ERR_NOT_FOUND);
	assert_int_equal(end(1, 1), ZOG_ERR_NOT_FOUND);
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(page(2, 0), ZOG_ERR_NOT_FOUND);
	assert_int_equal(end(2, 0), ZOG_ERR_NOT_FOUND);
	assert_int_equal(begin(2), ZOG_ERR_BUSY);
	note_is("refused: another update is being loaded");
	now_ns += 11000000000ul; /* nothing came for so long: its client is gone */
	assert_int_equal(begin(2), ZOG_OK);
	assert_int_equal(page(1, 0), ZOG_ERR_NOT_FOUND);
	assert_int_equal(page(2, 0), ZOG_OK);
}

static void a_launch_starts_what_it_put_in_place(void **state)
{
	(void)state;
	assert_int_equal(launch(1), ZOG_OK);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(page(1, i), ZOG_OK);
	assert_int_equal(services_started, 0);
	assert_int_equal(end(1, 1), ZOG_OK);
	assert_int_equal(end(1, 1), ZOG_OK); /* it comes again */
	assert_int_equal(staged, 1);
	assert_int_equal(services_started, 1);
	assert_int_equal(begin(1), ZOG_OK); /* an update after it starts nothing */
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(page(1, i), ZOG_OK);
	assert_int_equal(end(1, 1), ZOG_OK);
	assert_int_equal(services_started, 1);
}

static void a_launch_is_refused_where_nothing_can_be_started(void **state)
{
	(void)state;
	may_start = ZOG_ERR_ARGUMENT;
	assert_int_equal(launch(1), ZOG_ERR_ARGUMENT);
	note_is("refused: it is no service: `update` replaces its program");
	may_start = ZOG_ERR_BUSY;
	assert_int_equal(launch(1), ZOG_ERR_BUSY);
	note_is("refused: the service runs: stop it first");
	may_start = ZOG_OK;
	assert_int_equal(launch(1), ZOG_OK);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(page(1, i), ZOG_OK);
	may_start = ZOG_ERR_BUSY; /* meanwhile it was started */
	assert_int_equal(end(1, 1), ZOG_ERR_BUSY);
	assert_int_equal(staged + checks + services_started, 0);
}

static void probation_refuses_the_next(void **state)
{
	(void)state;
	update_state = ZOG_UPDATE_PROBATION;
	assert_int_equal(begin(1), ZOG_ERR_BUSY);
	update_state = ZOG_UPDATE_CHECKED;
	assert_int_equal(begin(1), ZOG_OK);
	write_status = ZOG_ERR_BUSY; /* meanwhile */
	assert_int_equal(page(1, 0), ZOG_ERR_BUSY);
	assert_int_equal(page(1, 1), ZOG_ERR_BUSY);
	assert_int_equal(end(1, 1), ZOG_ERR_BUSY);
	assert_int_equal(staged + checks, 0);
}

static void what_is_not_whole_is_not_staged(void **state)
{
	struct zog_call call = call_of(1);

	(void)state;
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(end(1, 1), ZOG_ERR_CORRUPT);
	note_is("refused: it is cut short: 0 of 0 bytes");
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(page(1, 0), ZOG_OK);
	assert_int_equal(end(1, 1), ZOG_ERR_CORRUPT);
	note_is("refused: it is cut short: 4096 of 24576 bytes");
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(page(1, 1), ZOG_ERR_ARGUMENT); /* out of order */
	assert_int_equal(page(1, 0), ZOG_ERR_ARGUMENT); /* it is over */
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(supervisor_update_page_serve(&call, 0, file[0], 4095), ZOG_ERR_ARGUMENT);
	assert_int_equal(begin(1), ZOG_OK);
	assert_int_equal(end(1, 0), ZOG_ERR_IO);
	note_is("refused: the file cannot be read");
	assert_int_equal(begin(1), ZOG_OK);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(page(1, i), ZOG_OK);
	assert_int_equal(supervisor_update_page_serve(&call, 6 * 4096, file[5], 4096), ZOG_ERR_TOO_BIG);
	assert_int_equal(end(1, 1), ZOG_ERR_TOO_BIG);
	assert_int_equal(begin(1), ZOG_OK);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(page(1, i), ZOG_OK);
	check_status = ZOG_ERR_CORRUPT;
	assert_int_equal(end(1, 1), ZOG_ERR_CORRUPT);
	note_is("refused: it is damaged: its pages do not have their measure");
	assert_int_equal(staged, 0);
}

#define MISFIT(status, change, reason) \
	do { \
		char told[UPDATE_REASON_SIZE] = ""; \
		setup(NULL); \
		struct zog_update_header *header = (void *)file[0]; \
		header->change; \
		seal(); \
		assert_int_equal(update_check(file[0], &running, "disk", told), status); \
		assert_string_equal(told, reason); \
	} while (0)

static void each_difference_is_told(void **state)
{
	(void)state;
	MISFIT(ZOG_OK, magic = ZOG_UPDATE_MAGIC, "");
	MISFIT(ZOG_ERR_ARGUMENT, magic = 1, "it is no update file");
	MISFIT(ZOG_ERR_UNSUPPORTED, layout = 9, "update files of layout 1 are read here, this one has layout 9");
	MISFIT(ZOG_ERR_ARGUMENT, name[0] = 'r', "it is a program for risk, not for disk");
	MISFIT(ZOG_ERR_UNSUPPORTED, interface = 1, "interface to the core: running is 000000000000000b, the file has 0000000000000001");
	MISFIT(ZOG_ERR_UNSUPPORTED, authority = 1, "authority (the system's manifests): running is 000000000000000c, the file has 0000000000000001");
	MISFIT(ZOG_ERR_UNSUPPORTED, home = 1, "layout of the home region: running is 000000000000000d, the file has 0000000000000001");
	MISFIT(ZOG_ERR_UNSUPPORTED, home_version = 4, "home region: running is version 1, the file has version 4");
	MISFIT(ZOG_ERR_UNSUPPORTED, contract_count = 1, "the running program uses bus, the file does not");
	MISFIT(ZOG_ERR_UNSUPPORTED, contract[1].role = ZOG_IMAGE_READS, "the running program uses bus, the file does not");
	MISFIT(ZOG_ERR_UNSUPPORTED, contract[0].version = 3,
	       "contract block: running is version 1 (number 1, fingerprint 000000000000004d), the file has version 3 (number 1, fingerprint 000000000000004d)");
	MISFIT(ZOG_ERR_UNSUPPORTED, contract[1].fingerprint = 1,
	       "contract bus: running is version 2 (number 2, fingerprint 000000000000004e), the file has version 2 (number 2, fingerprint 0000000000000001)");
	MISFIT(ZOG_ERR_CORRUPT, contract_count = ZOG_UPDATE_CONTRACT_MAX + 1, "it is damaged: a name without end");
	MISFIT(ZOG_ERR_CORRUPT, name[31] = 'x', "it is damaged: a name without end");
	MISFIT(ZOG_ERR_CORRUPT, contract[0].name[39] = 'x', "it is damaged: a name without end");
}

/* Every bit of page 0 is under its checksum. */
static void one_flipped_bit_is_noticed(void **state)
{
	char told[UPDATE_REASON_SIZE];

	(void)state;
	for (uint32_t bit = 0; bit < 4096 * 8; bit++) {
		file[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(update_check(file[0], &running, "disk", told), ZOG_OK);
		file[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static uint64_t random_state = 4;
static uint64_t random_next(void)
{
	random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
	return random_state;
}

/* What passes has what must be equal; whatever else it says, nothing is read or written out of bounds (ASan). */
static void random_pages_are_read_in_bounds(void **state)
{
	char told[UPDATE_REASON_SIZE];
	uint32_t passed = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct zog_update_header *header = (void *)file[0];
		setup(NULL);
		for (uint64_t n = random_next() % 6; n > 0; n--)
			file[0][random_next() % (random_next() % 2 ? 400 : 4096)] = (uint8_t)(random_next() % 3 ? random_next() : 0xff);
		header->magic = ZOG_UPDATE_MAGIC;
		seal();
		if (update_check(file[0], &running, "disk", told) != ZOG_OK) {
			assert_true(strnlen(told, sizeof(told)) < sizeof(told));
			continue;
		}
		passed++;
		assert_int_equal(header->interface, running.interface);
		assert_int_equal(header->authority, running.authority);
		assert_int_equal(header->home, running.home);
		assert_int_equal(header->home_version, running.home_version);
		assert_true(update_file_bytes(file[0]) % 4096 == 0 && update_file_bytes(file[0]) > 0);
	}
	assert_true(passed > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_is_taken_page_by_page_and_once, setup),
		cmocka_unit_test_setup(only_the_thread_that_asked_may_go_on, setup),
		cmocka_unit_test_setup(probation_refuses_the_next, setup),
		cmocka_unit_test_setup(a_launch_starts_what_it_put_in_place, setup),
		cmocka_unit_test_setup(a_launch_is_refused_where_nothing_can_be_started, setup),
		cmocka_unit_test_setup(what_is_not_whole_is_not_staged, setup),
		cmocka_unit_test_setup(each_difference_is_told, setup),
		cmocka_unit_test_setup(one_flipped_bit_is_noticed, setup),
		cmocka_unit_test_setup(random_pages_are_read_in_bounds, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
