/* sources: subsystems/supervisor/supervisor/command.c subsystems/supervisor/supervisor/path.c */
/* What people write to /zog/ctl, and names under /zog: what is accepted, and that all else is refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/supervisor/command.h"
#include "supervisor/supervisor/path.h"

/* Parses from a heap copy of exactly the text's size, so that the address sanitizer sees a read past its end. */
static zog_status_t parse(const char *text, struct command *out)
{
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	zog_status_t status;

	assert_non_null(copy);
	memcpy(copy, text, length);
	status = command_parse(copy, length, out);
	free(copy);
	return status;
}

static void expect_command(const char *text, enum zog_control control, const char *name, uint64_t argument)
{
	struct command command;

	assert_int_equal(parse(text, &command), ZOG_OK);
	assert_int_equal(command.control, control);
	assert_string_equal(command.name, name);
	assert_int_equal(command.argument, argument);
}

static void every_command_is_understood(void **state)
{
	(void)state;
	expect_command("kill ext4", ZOG_CONTROL_KILL, "ext4", 0);
	expect_command("kill virtio_blk 1234", ZOG_CONTROL_KILL, "virtio_blk", 1234);
	expect_command("hang linux", ZOG_CONTROL_HANG, "linux", 0);
	expect_command("corrupt ext4 18446744073709551615", ZOG_CONTROL_CORRUPT, "ext4", UINT64_MAX);
}

static void a_rollback_names_domain_and_version(void **state)
{
	struct command command;

	(void)state;
	assert_int_equal(parse("rollback scheduler 12", &command), ZOG_OK);
	assert_int_equal(command.control, COMMAND_ROLLBACK);
	assert_string_equal(command.name, "scheduler");
	assert_int_equal(command.argument, 12);
	assert_int_equal(parse("rollback scheduler", &command), ZOG_ERR_ARGUMENT);
	assert_int_equal(parse("rollback scheduler x", &command), ZOG_ERR_ARGUMENT);
	assert_int_equal(parse("rollback scheduler 1 2", &command), ZOG_ERR_ARGUMENT);
}

static void a_start_passes_on_what_follows(void **state)
{
	struct command command;
	const char *text = "start abacus 3 4\n";

	(void)state;
	assert_int_equal(command_parse(text, strlen(text), &command), ZOG_OK);
	assert_int_equal(command.control, ZOG_CONTROL_START);
	assert_int_equal(command.text_length, 3);
	assert_memory_equal(command.text, "3 4", 3);
	assert_int_equal(command_parse("start abacus", 12, &command), ZOG_OK);
	assert_int_equal(command.text_length, 0);
	expect_command("stop abacus", ZOG_CONTROL_STOP, "abacus", 0);
	expect_command("update abacus /root/abacus", COMMAND_UPDATE, "abacus", 0);
	expect_command("launch abacus /root/abacus", COMMAND_LAUNCH, "abacus", 0);
	assert_int_equal(parse("fresh abacus 3", &command), ZOG_OK);
	assert_int_equal(command.control, COMMAND_FRESH);
	assert_int_equal(command.text_length, 1);
}

static void a_trace_is_on_or_off(void **state)
{
	(void)state;
	expect_command("trace virtio_blk", ZOG_CONTROL_TRACE, "virtio_blk", 1);
	expect_command("trace virtio_blk off\n", ZOG_CONTROL_TRACE, "virtio_blk", 0);
}

static void one_newline_may_end_a_command(void **state)
{
	struct command command;

	(void)state;
	expect_command("kill ext4\n", ZOG_CONTROL_KILL, "ext4", 0);
	expect_command("corrupt ext4 7\n", ZOG_CONTROL_CORRUPT, "ext4", 7);
	assert_int_equal(parse("kill ext4\n\n", &command), ZOG_ERR_ARGUMENT);
	assert_int_equal(parse("kill\next4", &command), ZOG_ERR_ARGUMENT);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n", " ", "kill", "kill ", "kill  ext4", " kill ext4", "kill ext4 ", "kill ext4 1 ", "kill ext4 1 2",
		"kill ext4 -1", "kill ext4 0x10", "kill ext4 1a", "kill ext4 18446744073709551616",
		"kill ext4 99999999999999999999999", "kill Ext4", "kill ../ext4", "kill ext4\t1", "killext4", "kil ext4",
		"kills ext4", "KILL ext4", "hang linux 1", "hang linux ", "hang", "corrupt ext4", "corrupt ext4 ",
		"corrupt ext4 seed", "start", "start ", "start abacus ", "start abacus 3\t4", "stop", "stop abacus 1", "trace",
		"trace ext4 ", "trace ext4 on", "trace ext4 off ", "trace ext4 of", "trace ext4 off 1",
		"update abacus", "launch abacus", "launch", "fresh", "fresh abacus ", "corrupt", "reboot", "corruptx ext4 1", "kill abcdefghijklmnopqrstuvwxyz012345",
	};
	struct command command;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&command, 0x5a, sizeof(command));
		assert_int_equal(parse(bad[i], &command), ZOG_ERR_ARGUMENT);
		for (size_t byte = 0; byte < sizeof(command); byte++)
			assert_int_equal(((const uint8_t *)&command)[byte], 0x5a);
	}
}

static void a_nul_is_no_part_of_a_command(void **state)
{
	struct command command;

	(void)state;
	assert_int_equal(command_parse("kill\0ext4", 9, &command), ZOG_ERR_ARGUMENT);
	assert_int_equal(command_parse("kill ext4\0", 10, &command), ZOG_ERR_ARGUMENT);
	assert_int_equal(command_parse("kill ext4 1\0", 12, &command), ZOG_ERR_ARGUMENT);
}

static void the_longest_name_fits(void **state)
{
	(void)state;
	expect_command("kill abcdefghijklmnopqrstuvwxyz01234", ZOG_CONTROL_KILL, "abcdefghijklmnopqrstuvwxyz01234", 0);
}

static struct node_path path(const char *text)
{
	struct node_path node;

	assert_int_equal(path_parse(text, strlen(text), &node), ZOG_OK);
	return node;
}

static void paths_name_the_files_of_the_tree(void **state)
{
	(void)state;
	assert_int_equal(path("").kind, NODE_ROOT);
	assert_int_equal(path("/").kind, NODE_ROOT);
	assert_int_equal(path("domains").kind, NODE_SYSTEM_FILE);
	assert_int_equal(path("/uptime/").file, SYSTEM_UPTIME);
	assert_int_equal(path("incidents").kind, NODE_INCIDENTS);
	assert_int_equal(path("incidents/4294967295").kind, NODE_INCIDENT);
	assert_int_equal(path("incidents/4294967295").incident, UINT32_MAX);
	assert_int_equal(path("incidents//3/trace").kind, NODE_INCIDENT_FILE);
	assert_int_equal(path("incidents/3/trace").incident, 3);
	assert_int_equal(path("incidents/3/trace").file, INCIDENT_TRACE);
}

static void other_paths_are_not_found(void **state)
{
	static const char *const bad[] = {
		"domain", "domainsx", "domains/x", "incidents/0", "incidents/03", "incidents/x", "incidents/-1",
		"incidents/4294967296", "incidents/99999999999", "incidents/3/x", "incidents/3/trace/x", "..", "incidents/3/trace/x/y",
	};
	struct node_path node;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(path_parse(bad[i], strlen(bad[i]), &node), ZOG_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_understood),
		cmocka_unit_test(a_rollback_names_domain_and_version),
		cmocka_unit_test(a_start_passes_on_what_follows),
		cmocka_unit_test(a_trace_is_on_or_off),
		cmocka_unit_test(one_newline_may_end_a_command),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_nul_is_no_part_of_a_command),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(paths_name_the_files_of_the_tree),
		cmocka_unit_test(other_paths_are_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
