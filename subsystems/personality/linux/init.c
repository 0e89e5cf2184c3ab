/* Process 1 and the end of the system: the init activity.
 *
 * The activity is issued again and again. It starts process 1 (in steps that each leave complete records), then is the
 * clock of the personality: it writes dirty pages back, fires interval timers, and when process 1 has ended or a
 * program asked for it, ends all processes, brings the disk up to date and switches the machine off. */
#include "task.h"
#include "contracts/filesystem_client.h"
#include "contracts/memory_client.h"
#include "contracts/supervisor_client.h"

enum init_stage { INIT_NOTHING = 0, INIT_RECORDS = 1, INIT_RUNNING = 2 };
enum { WORD_SIZE = 512, OPS_HIGH = 128 };
#define WRITE_BACK_NS 2000000000ul
#define SHUTDOWN_POLL_NS 10000000ul

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = linux_home();
	uint64_t first, count;
	zog_status_t status;

	if (home->header.version == 0)
		home->header.version = HOME_VERSION;
	if (home->header.version != HOME_VERSION)
		return ZOG_ERR_CORRUPT;
	if (home->a.frames.count == 0) {
		status = memory_share(&first, &count);
		if (status != ZOG_OK)
			return status;
		frame_pool_attach(first, count);
	}
	return files_start(call);
}

/* --- the end ----------------------------------------------------------------------------------------------------------- */

void system_shut_down(uint32_t status)
{
	struct shutdown_record *shutdown = &home_a()->shutdown;

	if (shutdown->is_active)
		return;
	shutdown->is_active = 1;
	shutdown->status = status;
	rt_notify(EVENT_WRITE_BACK, 0);
}

static zog_status_t power_off(struct zog_call *call, uint32_t status)
{
	supervisor_power_off(status);
	return rt_wait(call, EVENT_WRITE_BACK, rt_event_count(EVENT_WRITE_BACK), RT_NO_DEADLINE);
}

/* Nothing runs yet: there is nothing to write back. The words after the colon tell what to do. */
static zog_status_t init_fatal(struct zog_call *call, const char *what, const char *reason)
{
	rt_log(RT_ERROR, "fatal %s: %s", what, reason);
	return power_off(call, 1);
}

static bool processes_end(void)
{
	struct process_home *home = home_a();
	bool is_over = true;

	for (uint32_t i = 0; i < home->process_top; i++) {
		struct process *process = &home->process[i];

		if (process->state != STATE_LIVE)
			continue;
		process_exit_begin(process, SIGKILL, NULL);
		if (process->thread_count == 0)
			process_finish(process, SIGKILL);
		else
			is_over = false;
		if (rt_staged_count() > OPS_HIGH)
			rt_commit();
	}
	return is_over;
}

static zog_status_t shutdown_step(struct zog_call *call)
{
	uint32_t event = EVENT_WRITE_BACK;
	int64_t error;

	if (!processes_end())
		return rt_wait(call, event, rt_event_count(event), rt_now_ns() + SHUTDOWN_POLL_NS);
	rt_commit(); /* spaces are empty only now */
	space_reap();
	error = files_write_back(call, true);
	if (error == SYS_WAIT)
		return wait_reply(call);
	if (error)
		rt_log(RT_ERROR, "the disk could not be brought up to date: error %ld", -error);
	return power_off(call, home_a()->shutdown.status);
}

/* --- the command line: what is not for the kernel is for init (as in Linux) ----------------------------------------- */

/* Next word, with "quoted blanks", into out; NULL at the end. */
static const char *word_next(const char *at, char *out, size_t size)
{
	bool is_quoted = false;
	size_t length = 0;

	while (*at == ' ')
		at++;
	if (!*at)
		return NULL;
	for (; *at && (is_quoted || *at != ' '); at++) {
		if (*at == '"')
			is_quoted = !is_quoted;
		else if (length + 1 < size)
			out[length++] = *at;
	}
	out[length] = 0;
	return at;
}

static bool word_starts(const char *word, const char *start) { return strncmp(word, start, strlen(start)) == 0; }

static bool word_is_for_kernel(const char *word)
{
	static const char *const prefix[] = { "root=", "init=", "zog.", "console=", "rootfstype=", "rootflags=", "panic=" };
	static const char *const whole[] = { "ro", "rw", "quiet", "debug", "rootwait" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (word_starts(word, prefix[i]))
			return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(word, whole[i]) == 0)
			return true;
	return false;
}

enum word_use { WORD_ARGUMENT, WORD_ENVIRONMENT };

/* Calls visit(word, argument) for each word of the command line that has this use; stops when it answers false. */
static bool command_line_walk(enum word_use use, bool (*visit)(const char *word, void *argument), void *argument)
{
	const char *at = rt_info()->cmdline;
	char word[WORD_SIZE];
	bool is_past_dashes = false;

	while ((at = word_next(at, word, sizeof(word)))) {
		bool is_argument = is_past_dashes || !strchr(word, '=');

		if (!is_past_dashes && strcmp(word, "--") == 0) {
			is_past_dashes = true;
			continue;
		}
		if ((!is_past_dashes && word_is_for_kernel(word)) || is_argument != (use == WORD_ARGUMENT))
			continue;
		if (!visit(word, argument))
			return false;
	}
	return true;
}

static bool argument_add(const char *word, void *argument)
{
	struct exec_text *text = argument;

	text->argument_count++;
	return exec_text_add(text, word);
}

static bool environment_add(const char *word, void *argument)
{
	struct exec_text *text = argument;

	text->environment_count++;
	return exec_text_add(text, word);
}

/* False, which ends the walk, when the word sets the same variable as ARGUMENT. */
static bool variable_differs(const char *word, void *argument)
{
	const char *preset = argument;

	return strncmp(word, preset, strchr(preset, '=') - preset + 1) != 0;
}

/* argv of `zog run --exec`: a shell with the text that the host put into the boot module. */
static bool arguments_of_module(struct exec_text *text)
{
	uint64_t length = rt_self()->module_bytes;

	if (!exec_text_add(text, "/bin/sh") || !exec_text_add(text, "-c") || text->size + length + 1 > EXEC_TEXT_MAX)
		return false;
	memcpy(text->text + text->size, (const void *)ZOG_MODULE_BASE, length);
	text->text[text->size + length] = 0;
	text->size += strlen(text->text + text->size) + 1;
	text->argument_count = 3;
	return true;
}

/* Presets that the command line does not set itself, then what it sets. */
static bool environment_make(struct exec_text *text)
{
	static const char *const preset[] = {
		"HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "TERM=linux", "PWD=/",
	};

	for (uint32_t i = 0; i < sizeof(preset) / sizeof(preset[0]); i++)
		if (command_line_walk(WORD_ENVIRONMENT, variable_differs, (void *)preset[i]) && !environment_add(preset[i], text))
			return false;
	return command_line_walk(WORD_ENVIRONMENT, environment_add, text);
}

static bool init_text(struct exec_text *text, const char *path, bool is_command)
{
	if (is_command && !arguments_of_module(text))
		return false;
	if (!is_command && (!argument_add(path, text) || !command_line_walk(WORD_ARGUMENT, argument_add, text)))
		return false;
	text->argument_size = text->size;
	return environment_make(text);
}

/* --- process 1 ------------------------------------------------------------------------------------------------------- */

static int64_t init_records(struct zog_call *call)
{
	struct process *process = process_allocate();
	struct thread *thread;
	int64_t error;

	rt_assert(process && process->pid == 1 && process->slot == 0);
	thread = thread_claim(process, 0);
	rt_assert(thread);
	process->group = process->session = 1;
	process->umask = 022;
	limits_init(process);
	error = files_init_process(call, process);
	if (error)
		rt_abort(); /* all of it again */
	else
		home_a()->init_stage = INIT_RECORDS;
	return error;
}

static const char *root_trouble(zog_status_t status)
{
	switch (status) {
	case ZOG_ERR_NO_DEVICE: return "no disk; give one with --disk IMG (or -drive ...,if=virtio and root=/dev/vda)";
	case ZOG_ERR_CORRUPT: return "the disk's superblock is damaged; run e2fsck on the image, or use another";
	case ZOG_ERR_UNSUPPORTED: return "the disk has ext4 features unknown here; make it with mke2fs -t ext4";
	case ZOG_ERR_IO: return "the disk reports errors; check the image file and try again";
	default: return "the file system does not answer; see the incidents above";
	}
}

static const char *init_trouble(int64_t error)
{
	switch (error) {
	case -ENOENT: return "no such file; put a program there or name another with init=PATH";
	case -EACCES: return "not executable; chmod +x it or name another with init=PATH";
	case -ENOEXEC: return "not a program for this machine, or damaged; name another with init=PATH";
	case -ENOMEM: return "not enough memory; give the machine more with --mem";
	case -E2BIG: return "the command is too long; put it into a file on the disk";
	default: return "it cannot be read; check the disk image with e2fsck, or name another with init=PATH";
	}
}

static zog_status_t init_failed(struct zog_call *call, const char *path, int64_t error)
{
	char what[WORD_SIZE];

	rt_abort();
	rt_format(what, sizeof(what), "cannot start init %s", path);
	return init_fatal(call, what, init_trouble(error));
}

static zog_status_t activity_rest(struct zog_call *call);

static zog_status_t init_exec(struct zog_call *call)
{
	struct exec_text text = { .text = exec_scratch() };
	char path[WORD_SIZE] = "/bin/sh", option[8];
	bool is_command = rt_option("zog.exec", option, sizeof(option)) && option[0] == '1';
	int64_t error;

	if (!is_command && !rt_option("init", path, sizeof(path)))
		rt_format(path, sizeof(path), "/bin/sh");
	if (!init_text(&text, path, is_command))
		return init_failed(call, path, -E2BIG);
	error = exec_image(call, thread_at(0), path, &text, true);
	if (error == SYS_WAIT)
		return wait_reply(call);
	if (error == SYS_RETRY)
		return ZOG_RETRY;
	if (error != SYS_NO_RESULT)
		return init_failed(call, path, error);
	home_a()->init_stage = INIT_RUNNING;
	return activity_rest(call);
}

static zog_status_t init_start(struct zog_call *call)
{
	uint64_t root;
	zog_status_t status = filesystem_root(&root);
	int64_t error;

	if (status != ZOG_OK)
		return init_fatal(call, "cannot mount the root file system", root_trouble(status));
	if (home_a()->init_stage == INIT_NOTHING) {
		error = init_records(call);
		if (error == SYS_WAIT)
			return wait_reply(call);
		if (error)
			return init_failed(call, "(standard files)", error);
		rt_commit();
	}
	return init_exec(call);
}

/* --- the activity ---------------------------------------------------------------------------------------------------- */

static zog_status_t activity_rest(struct zog_call *call)
{
	uint64_t next = timer_next_ns(), deadline_ns = rt_now_ns() + WRITE_BACK_NS;
	uint32_t event = EVENT_WRITE_BACK;

	return rt_wait(call, event, rt_event_count(event), next < deadline_ns ? next : deadline_ns);
}

static zog_status_t init_activity(struct zog_call *call)
{
	struct process_home *home = home_a();

	if (home->reap_count)
		space_reap();
	if (home->shutdown.is_active)
		return shutdown_step(call);
	if (home->init_stage != INIT_RUNNING)
		return init_start(call);
	timer_expire();
	if (files_write_back(call, false) == SYS_WAIT)
		return wait_reply(call);
	return activity_rest(call);
}

zog_status_t domain_activity(struct zog_call *call)
{
	return call->word[0] == ACTIVITY_TERMINAL ? tty_activity(call) : init_activity(call);
}
