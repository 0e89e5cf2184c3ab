/* sources: subsystems/supervisor/supervisor/supervisor.c subsystems/supervisor/supervisor/command.c
 * subsystems/supervisor/supervisor/path.c subsystems/supervisor/supervisor/text.c
 * subsystems/supervisor/supervisor/symbols.c subsystems/supervisor/supervisor/system_report.c
 * subsystems/supervisor/supervisor/incident_report.c subsystems/supervisor/supervisor/method_name.c
 * subsystems/supervisor/supervisor/update.c subsystems/supervisor/supervisor/update_check.c
 * subsystems/supervisor/supervisor/authority_report.c */
/* flags: -Ibuild/gen/domains/supervisor */
/* The supervisor's handlers on a core that is acted out here: four domains, incidents 45..300 still on file, and a
 * symbols module at its real address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "contracts/supervisor_server.h"
#define DOMAIN_WANT_NAMES
#include "domain.h"
#include "rt/rt.h"
#include "supervisor_parts.h"
#include "zog/symbols.h"

#define INCIDENT_OLDEST 45u
#define INCIDENT_NEWEST 300u
#define IMAGE_BASE 0x400000ull
#define CORE_BASE 0xffffffff80000000ull

static const char *const names[DOMAINS] = { "memory", "ext4", "linux", "supervisor" };

/* --- the core and the runtime, acted out ---------------------------------------------------------------------- */

static struct zog_op staged[4];
static uint32_t staged_count;

void rt_stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4)
{
	assert_true(staged_count < 4);
	staged[staged_count++] = (struct zog_op){ code, slot, { w0, w1, w2, w3, w4 } };
}

zog_status_t rt_stats(uint32_t cap, uint32_t domain, struct zog_domain_stats *out)
{
	assert_int_equal(cap, CAP_STATS);
	if (domain >= DOMAINS)
		return ZOG_ERR_NOT_FOUND;
	*out = (struct zog_domain_stats){ .id = domain, .state = 1, .starts = 3, .invocations = 1234567,
					  .incident_count = INCIDENT_NEWEST, .corruptions = 5, .table_flushes = 17, .corruptions_detected = domain };
	strcpy(out->name, names[domain]);
	return ZOG_OK;
}

void rt_log(enum rt_log_level level, const char *format, ...) { (void)level, (void)format; }

zog_status_t rt_image(uint32_t cap, uint32_t domain, enum zog_image_step step, uint32_t number, void *page)
{
	(void)domain, (void)step, (void)number, (void)page;
	assert_int_equal(cap, CAP_UPDATE);
	return ZOG_ERR_BUSY;
}

zog_status_t rt_region_stats(uint32_t cap, uint32_t region, struct zog_region_stats *out)
{
	assert_int_equal(cap, CAP_STATS);
	*out = (struct zog_region_stats){ .head = { .version = 84, .epoch = 2, .time_ns = 5, .checksum = 0xabcd }, .bytes = 4096, .refused = 7 };
	memset(out->name, 'r', sizeof(out->name)); /* not even closed */
	return region == 0 ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}

/* Domain 1 (ext4 here): a crossing to domain 0 that the straight way has for domain 2 (everything unexpected must show), a
 * run of two own pages, and one of another's. */
zog_status_t rt_authority(uint32_t cap, uint32_t domain, uint32_t kind, uint64_t place, struct zog_authority *out)
{
	static const struct zog_authority run[] = {
		{ .next = 0x1000, .b = 0 }, { .a = ZOG_HOME_BASE, .b = 2, .c = 3, .type = ZOG_AUTHORITY_DOMAIN, .owner = 1, .next = 0x2000 },
		{ .a = ZOG_HEAP_BASE, .b = 3, .c = 3, .d = 0x7000, .type = ZOG_AUTHORITY_DOMAIN, .owner = 2, .next = 0x3000 },
	};

	assert_int_equal(cap, CAP_INSPECT);
	*out = (struct zog_authority){ .next = place + 1, .c = UINT64_MAX, .d = UINT64_MAX };
	if (domain != 1)
		return ZOG_ERR_NOT_FOUND;
	if (kind == ZOG_AUTHORITY_CAP && place < 2) {
		out->type = place;
		out->is_used = place;
		out->b = place;
		out->methods = 5;
		if (place)
			out->c = 2, out->d = 1;
		return ZOG_OK;
	}
	if (kind != ZOG_AUTHORITY_PAGES || place > 0x2000)
		return ZOG_ERR_NOT_FOUND;
	*out = run[place / 0x1000];
	return ZOG_OK;
}


static uint32_t composed_count;
zog_status_t rt_object_stats(uint32_t cap, uint32_t object, struct zog_object_stats *out)
{
	assert_int_equal(cap, CAP_STATS);
	*out = (struct zog_object_stats){ .head = { .word = 9ul << 8 | 3, .epoch = 4 }, .bytes = 8192, .busy = 6 };
	for (uint32_t i = 0; i < ZOG_OBJECT_BUFFER_MAX; i++)
		out->head.buffer[i].version = i == 3 ? 9 : i == 1 ? 7 : ZOG_OBJECT_NONE;
	out->head.buffer[3].checksum = 0xfeed;
	memset(out->name, 'o', sizeof(out->name)); /* not even closed */
	return object == 0 ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}

zog_status_t rt_incident(uint32_t cap, uint32_t number, struct zog_incident *out)
{
	assert_int_equal(cap, CAP_INSPECT);
	composed_count++;
	if (number < INCIDENT_OLDEST || number > INCIDENT_NEWEST)
		return ZOG_ERR_NOT_FOUND;
	*out = (struct zog_incident){
		.number = number, .domain = 1, .cause = ZOG_CAUSE_PAGE_FAULT, .vector = 14, .time_ns = 3000001000,
		.address = 0xdead, .is_running = 1, .method = number == INCIDENT_NEWEST ? 0xfe03 : 0, .client = 2ull << 32 | (number == INCIDENT_NEWEST ? 0x8002 : 7), .ranges_undone = 4,
		.regs = { .rip = IMAGE_BASE + 0x15 }, .trace_count = 3,
		.trace = { IMAGE_BASE + 0x15, IMAGE_BASE + 0x30, CORE_BASE + 0x10 },
		.tsc_fault = 5, .tsc_reply = number == 48 ? 5 : number % 2 ? 77782 : 0,
	};
	return ZOG_OK;
}

uint64_t rt_now_ns(void)
{
	return 12345678901;
}

void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	fail_msg("the supervisor failed: cause %u, %lu, %lu", cause, detail1, detail2);
	__builtin_unreachable();
}

int rt_vformat(char *out, size_t size, const char *format, __builtin_va_list args)
{
	return vsnprintf(out, size, format, args);
}

int rt_format(char *out, size_t size, const char *format, ...)
{
	__builtin_va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(out, size, format, args);
	va_end(args);
	return length;
}

static void *map_at(uint64_t address, size_t bytes)
{
	void *place = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	assert_ptr_equal(place, (void *)address);
	return place;
}

struct module {
	struct zog_symbols header;
	struct zog_symbols_image image[3];
	struct zog_symbols_function function[3];
	struct zog_symbols_line line[1];
	char strings[32];
};

static void module_write(struct module *module)
{
	module->header = (struct zog_symbols){ ZOG_SYMBOLS_MAGIC, ZOG_SYMBOLS_VERSION, 3, offsetof(struct module, image),
					       offsetof(struct module, strings), 32, sizeof(*module) };
	module->function[0] = (struct zog_symbols_function){ 0x10, 0x20, 1 };
	module->function[1] = (struct zog_symbols_function){ 0x30, 0x20, 7 };
	module->function[2] = (struct zog_symbols_function){ 0, 0x40, 14 };
	module->line[0] = (struct zog_symbols_line){ 0x10, 20, 42 };
	module->image[0] = (struct zog_symbols_image){ "core", CORE_BASE, CORE_BASE + 0x1000,
						       offsetof(struct module, function[2]), 1, 0, 0 };
	module->image[2] = (struct zog_symbols_image){ "ext4", IMAGE_BASE, IMAGE_BASE + 0x1000,
						       offsetof(struct module, function), 2, offsetof(struct module, line), 1 };
	memcpy(module->strings, "\0first\0second\0enter\0fs/a.c", 27);
}

static int machine_make(void **state)
{
	struct zog_info *info = map_at(ZOG_INFO_BASE, ZOG_PAGE_SIZE);
	struct zog_domain_info *self = map_at(ZOG_DOMAIN_INFO_BASE, ZOG_PAGE_SIZE);

	(void)state;
	map_at(ZOG_HEAP_BASE, HEAP_BYTES);
	map_at(ZOG_HOME_BASE, HOME_BYTES);
	info->domain_count = DOMAINS;
	info->cpu_count = 2;
	self->id = 3;
	self->module_bytes = sizeof(struct module);
	module_write(map_at(ZOG_MODULE_BASE, ZOG_PAGE_SIZE));
	return 0;
}

/* --- helpers ---------------------------------------------------------------------------------------------------- */

/* Reads a file in windows of `window` bytes; returns the status of the last read. */
static zog_status_t read_all(const char *path, size_t window, char *out, size_t out_size)
{
	struct zog_call call = { 0 };
	uint64_t length = 0;
	size_t at = 0, got;

	do {
		zog_status_t status;

		got = 0;
		assert_true(at + window < out_size);
		status = supervisor_read_serve(&call, at, path, strlen(path), &length, out + at, window, &got);
		if (status != ZOG_OK)
			return status;
		assert_true(got <= window);
		at += got;
	} while (got > 0);
	out[at] = '\0';
	assert_int_equal(at, length);
	return ZOG_OK;
}

static char text[65536], text_again[65536];

static const char *read_text(const char *path)
{
	assert_int_equal(read_all(path, 8192, text, sizeof(text)), ZOG_OK);
	return text;
}

static zog_status_t list(const char *path, uint64_t index, char name[65], uint64_t *is_directory)
{
	struct zog_call call = { 0 };
	size_t length = 0;
	zog_status_t status = supervisor_list_serve(&call, index, path, strlen(path), is_directory, name, 64, &length);

	assert_true(length <= 64);
	name[length] = '\0';
	return status;
}

static zog_status_t control(const char *command)
{
	struct zog_call call = { 0 };

	staged_count = 0;
	return supervisor_control_serve(&call, command, strlen(command));
}

/* --- tests ------------------------------------------------------------------------------------------------------ */

static void every_listed_file_can_be_read(void **state)
{
	char name[65], path[128];
	uint64_t is_directory, index = 0;
	uint32_t directories = 0;

	(void)state;
	for (; list("", index, name, &is_directory) == ZOG_OK; index++) {
		directories += is_directory;
		assert_int_equal(read_all(name, 8192, text, sizeof(text)), is_directory ? ZOG_ERR_IS_DIRECTORY : ZOG_OK);
	}
	assert_int_equal(index, 11);
	assert_int_equal(directories, 1);
	for (index = 0; list("incidents/46", index, name, &is_directory) == ZOG_OK; index++) {
		snprintf(path, sizeof(path), "incidents/46/%s", name);
		assert_int_equal(is_directory, 0);
		assert_true(strlen(read_text(path)) > 0);
	}
	assert_int_equal(index, 5);
}

static void shared_regions_have_a_line_each(void **state)
{
	const char *row;

	(void)state;
	row = strstr(read_text("tsm"), "\nrrr");
	assert_non_null(row);
	assert_non_null(strstr(row, " 42 "));      /* the version: odd and even ones make one */
	assert_non_null(strstr(row, " 0000abcd "));
	assert_null(strstr(row + 1, "\nrrr"));
}

static void authority_shows_what_one_table_has_and_the_other_has_not(void **state)
{
	char row[96];

	(void)state;
	read_text("authority");
	snprintf(row, sizeof(row), "1:%s@%s:0x5 ", contract_names[1], domain_names[0]);
	assert_non_null(strstr(text, row));
	snprintf(row, sizeof(row), "straight  1:%s@%s ", contract_names[1], domain_names[2]);
	assert_non_null(strstr(text, row));
	assert_non_null(strstr(text, "home:rw-:own "));
	snprintf(row, sizeof(row), "heap:rw-:%s@0x200000000000=0x7000 ", domain_names[2]);
	assert_non_null(strstr(text, row));
	snprintf(row, sizeof(row), "%-32s   1     1        2       3      0        0\n", domain_names[1]);
	assert_non_null(strstr(text, row));
}

/* Windows in a row are of one text, even where a reader goes back a little; from the start it is a new one. */
static void a_file_read_in_a_row_is_composed_once(void **state)
{
	struct zog_call call = { 0 };
	uint64_t length;
	size_t got;

	(void)state;
	composed_count = 0;
	assert_int_equal(read_all("incidents/46/stack", 100, text, sizeof(text)), ZOG_OK);
	assert_int_equal(composed_count, 1);
	assert_int_equal(supervisor_read_serve(&call, 50, "incidents/46/stack", 18, &length, text, 10, &got), ZOG_OK);
	assert_int_equal(composed_count, 1);
	assert_int_equal(supervisor_read_serve(&call, 0, "incidents/46/stack", 18, &length, text, 10, &got), ZOG_OK);
	assert_int_equal(composed_count, 2);
	assert_int_equal(supervisor_read_serve(&call, 5, "incidents/47/stack", 18, &length, text, 10, &got), ZOG_OK);
	assert_int_equal(composed_count, 3);
	assert_int_equal(supervisor_read_serve(&call, 60, "incidents/47/stack", 18, &length, text, 10, &got), ZOG_OK);
	assert_int_equal(composed_count, 4); /* behind what was handed out: nobody reads so */
}

static void large_objects_have_a_line_each(void **state)
{
	const char *row;

	(void)state;
	row = strstr(read_text("tsm"), "\nooo");
	assert_non_null(row);
	assert_non_null(strstr(row, "0000feed"));
	assert_non_null(strstr(row, " 9,7\n")); /* the published version and the one that is kept; not the writer's buffer */
	assert_null(strstr(row + 1, "\nooo"));
}

static void incidents_are_listed_from_the_oldest_on_file(void **state)
{
	char name[65], expected[16];
	uint64_t is_directory;

	(void)state;
	for (uint32_t number = INCIDENT_OLDEST; number <= INCIDENT_NEWEST; number++) {
		assert_int_equal(list("incidents", number - INCIDENT_OLDEST, name, &is_directory), ZOG_OK);
		snprintf(expected, sizeof(expected), "%u", number);
		assert_string_equal(name, expected);
		assert_int_equal(is_directory, 1);
	}
	assert_int_equal(list("incidents", INCIDENT_NEWEST - INCIDENT_OLDEST + 1, name, &is_directory), ZOG_ERR_NOT_FOUND);
	assert_int_equal(list("incidents", UINT64_MAX, name, &is_directory), ZOG_ERR_NOT_FOUND);
}

static void what_is_not_on_file_is_not_found(void **state)
{
	char name[65];
	uint64_t is_directory;

	(void)state;
	assert_int_equal(read_all("incidents/44/trace", 64, text, sizeof(text)), ZOG_ERR_NOT_FOUND);
	assert_int_equal(read_all("incidents/301", 64, text, sizeof(text)), ZOG_ERR_NOT_FOUND);
	assert_int_equal(read_all("incidents/45", 64, text, sizeof(text)), ZOG_ERR_IS_DIRECTORY);
	assert_int_equal(list("incidents/44", 0, name, &is_directory), ZOG_ERR_NOT_FOUND);
	assert_int_equal(list("domains", 0, name, &is_directory), ZOG_ERR_NOT_DIRECTORY);
	assert_int_equal(list("nothing", 0, name, &is_directory), ZOG_ERR_NOT_FOUND);
}

static void a_look_composes_nothing(void **state)
{
	static const struct { const char *path; zog_status_t status; uint64_t is_directory; } row[] = {
		{ "tsm", ZOG_OK, 0 }, { "incidents", ZOG_OK, 1 }, { "incidents/46", ZOG_OK, 1 }, { "incidents/46/stack", ZOG_OK, 0 },
		{ "incidents/44", ZOG_ERR_NOT_FOUND, 9 }, { "incidents/46/nothing", ZOG_ERR_NOT_FOUND, 9 }, { "nothing", ZOG_ERR_NOT_FOUND, 9 },
	};
	uint32_t before = composed_count;
	struct zog_call call = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t is_directory = 9;
		assert_int_equal(supervisor_look_serve(&call, row[i].path, strlen(row[i].path), &is_directory), row[i].status);
		assert_int_equal(is_directory, row[i].is_directory);
		if (strncmp(row[i].path, "incidents/", 10) != 0) /* whether an incident is there has to be read */
			assert_int_equal(composed_count, before);
		before = composed_count;
	}
}

static void small_windows_give_the_same_text(void **state)
{
	(void)state;
	read_text("incidents/46/stack");
	assert_int_equal(read_all("incidents/46/stack", 7, text_again, sizeof(text_again)), ZOG_OK);
	assert_string_equal(text, text_again);
	assert_true(strlen(text) > 8192);
}

static void a_trace_names_function_file_and_line(void **state)
{
	(void)state;
	/* The second is a return address at the end of first(), so it belongs there; the third is the core's. */
	assert_string_equal(read_text("incidents/46/trace"), "#0 first fs/a.c:42\n#1 first fs/a.c:42\n#2 enter+0x10\n");
}

static void a_summary_says_who_why_where_and_what_was_undone(void **state)
{
	(void)state;
	read_text("incidents/47/summary");
	assert_non_null(strstr(text, "incident 47: domain ext4 ended at 3.000001 s\n"));
	assert_non_null(strstr(text, "cause: page_fault: "));
	assert_non_null(strstr(text, "address: 0x000000000000dead"));
	assert_non_null(strstr(text, "instruction: 0x0000000000400015 first fs/a.c:42\n"));
	assert_non_null(strstr(text, "method: start, client: linux, thread 7\n"));
	assert_non_null(strstr(read_text("incidents/300/summary"), "method: 3 of contract 254, client: linux, activity 2\n"));
	read_text("incidents/47/summary");
	assert_non_null(strstr(text, "rolled back: 4 ranges of the home region, 0 staged operations\n"));
	assert_non_null(strstr(text, "first reply 77777 ticks"));
	assert_non_null(strstr(read_text("incidents/46/summary"), "recovery: pending"));
	assert_string_equal(read_text("incidents/46/cause"), "page_fault\n");
	assert_non_null(strstr(read_text("incidents/48/summary"), "domain ext4 went on, this is a notice, at 3.000001 s\n"));
	assert_non_null(strstr(text, "recovery: none was needed\n"));
}

static void domains_have_one_row_each(void **state)
{
	uint32_t lines = 0;

	struct zog_info *info = (struct zog_info *)ZOG_INFO_BASE;

	(void)state;
	for (const char *at = read_text("domains"); (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 2 + DOMAINS);
	assert_non_null(strstr(text, "NO IOMMU: domains with ALL-MEMORY"));
	info->iommu = ZOG_IOMMU_ASKED | ZOG_IOMMU_DMA;
	assert_null(strstr(read_text("domains"), "NO IOMMU"));
	info->iommu = 0;
	assert_non_null(strstr(text, "1   ext4            ready        3       "));
	assert_non_null(strstr(read_text("corruptions"), "linux           5       2\n"));
	assert_non_null(strstr(read_text("counters"), "table_flushes 17\n"));
	assert_string_equal(read_text("uptime"), "12.34\n");
}

static void control_stages_exactly_one_operation_or_none(void **state)
{
	(void)state;
	assert_int_equal(control("corrupt linux 9\n"), ZOG_OK);
	assert_int_equal(staged_count, 1);
	assert_int_equal(staged[0].code, ZOG_OP_DOMAIN_CONTROL);
	assert_int_equal(staged[0].slot, CAP_INJECT);
	assert_int_equal(staged[0].word[0], 2);
	assert_int_equal(staged[0].word[1], ZOG_CONTROL_CORRUPT);
	assert_int_equal(staged[0].word[2], 9);
	assert_int_equal(control("kill linux 9"), ZOG_OK);
	assert_int_equal(staged[0].slot, CAP_INJECT); /* a fault at a chosen place */
	assert_int_equal(control("kill linux"), ZOG_OK);
	assert_int_equal(staged[0].slot, CAP_CONTROL);
	assert_int_equal(control("kill nobody"), ZOG_ERR_NOT_FOUND);
	assert_int_equal(staged_count, 0);
	assert_int_equal(control("kill ext"), ZOG_ERR_NOT_FOUND);
	assert_int_equal(control("kill"), ZOG_ERR_ARGUMENT);
	assert_int_equal(staged_count, 0);
}

static void power_off_passes_the_status_on(void **state)
{
	struct zog_call call = { 0 };

	(void)state;
	staged_count = 0;
	assert_int_equal(supervisor_power_off_serve(&call, 7), ZOG_OK);
	assert_int_equal(staged_count, 1);
	assert_int_equal(staged[0].code, ZOG_OP_POWER_OFF);
	assert_int_equal(staged[0].slot, CAP_POWER);
	assert_int_equal(staged[0].word[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_listed_file_can_be_read),
		cmocka_unit_test(shared_regions_have_a_line_each),
		cmocka_unit_test(authority_shows_what_one_table_has_and_the_other_has_not),
		cmocka_unit_test(a_file_read_in_a_row_is_composed_once),
		cmocka_unit_test(large_objects_have_a_line_each),
		cmocka_unit_test(incidents_are_listed_from_the_oldest_on_file),
		cmocka_unit_test(what_is_not_on_file_is_not_found),
		cmocka_unit_test(a_look_composes_nothing),
		cmocka_unit_test(small_windows_give_the_same_text),
		cmocka_unit_test(a_trace_names_function_file_and_line),
		cmocka_unit_test(a_summary_says_who_why_where_and_what_was_undone),
		cmocka_unit_test(domains_have_one_row_each),
		cmocka_unit_test(control_stages_exactly_one_operation_or_none),
		cmocka_unit_test(power_off_passes_the_status_on),
	};

	return cmocka_run_group_tests(tests, machine_make, NULL);
}
