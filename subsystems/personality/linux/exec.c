/* execve: a new image in a fresh space; the old one is left behind whole until the new one stands.
 *
 * Order: argument strings to scratch memory; the empty space (committed, remembered in thread->building); everything
 * that is read from files; ends of the other threads; then, in the transaction of the reply: mappings, stack, records,
 * the thread's new space and registers. A failure or a death before that leaves the old image untouched. */
#include "exec.h"

enum { EXEC_FRAMES = 128 }; /* the largest stack block, and the tails of segments */

static struct zog_regs exec_regs; /* staged: must live until the commit */

char *exec_scratch(void) { return (char *)ZOG_HEAP_BASE; }

bool exec_text_add(struct exec_text *text, const char *string)
{
	uint32_t length = strlen(string) + 1;

	if (text->size + length > EXEC_TEXT_MAX)
		return false;
	memcpy(text->text + text->size, string, length);
	text->size += length;
	return true;
}

/* --- strings of the caller ------------------------------------------------------------------------------------------ */

static int64_t string_copy(struct zog_call *call, struct exec_text *text, uint64_t address)
{
	int64_t length = user_string(call, text->text + text->size, address, EXEC_TEXT_MAX - text->size);

	if (length < 0)
		return length == -ENAMETOOLONG ? -E2BIG : length;
	text->size += length + 1;
	return 0;
}

/* Pointers are read up to the end of their page at most: what follows the zero may be absent. */
static int64_t strings_copy(struct zog_call *call, struct exec_text *text, uint64_t array, uint32_t *count)
{
	uint64_t pointer[32], number;
	int64_t error;

	for (*count = 0; array; array += number * 8) {
		number = (ZOG_PAGE_SIZE - (array & (ZOG_PAGE_SIZE - 1))) / 8;
		number = number > 32 ? 32 : number ? number : 1;
		error = user_read(call, pointer, array, number * 8);
		for (uint64_t i = 0; !error && i < number; i++, ++*count) {
			if (!pointer[i])
				return 0;
			error = string_copy(call, text, pointer[i]);
		}
		if (error)
			return error;
	}
	return 0;
}

static int64_t text_copy(struct zog_call *call, struct exec_text *text, uint64_t arguments, uint64_t environment)
{
	int64_t error = strings_copy(call, text, arguments, &text->argument_count);

	if (error)
		return error;
	if (text->argument_count == 0) { /* a program may rely on argv[0] */
		text->text[text->size++] = 0;
		text->argument_count = 1;
	}
	text->argument_size = text->size;
	return strings_copy(call, text, environment, &text->environment_count);
}

/* --- the new image ---------------------------------------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void process_rename(struct process *process, struct thread *thread, const char *path)
{
	memset(process->name, 0, sizeof(process->name));
	rt_format(process->name, sizeof(process->name), "%s", name_of(path));
	memcpy(thread->name, process->name, sizeof(thread->name));
}

static void thread_exec(struct thread *thread)
{
	thread->clear_child_tid = thread->robust_list = thread->robust_size = 0;
	thread->altstack = (struct linux_stack){ .flags = SS_DISABLE };
	thread->tid = process_of(thread)->pid;
}

static void process_exec(struct process *process, struct thread *thread, const struct exec_plan *plan)
{
	process_rename(process, thread, plan->path);
	thread_exec(thread);
	process->leader = thread->slot;
	process->has_execed = 1;
	process->argument_start = plan->argument_start;
	process->argument_end = process->environment_start = plan->argument_end;
	process->environment_end = plan->environment_end;
	if (process->executable)
		file_release(process->executable);
	process->executable = thread->exec_file;
	thread->exec_file = NULL;
	exec_release(thread); /* the interpreter's: mappings hold its node */
	signal_exec(process);
	files_exec(process);
	if (process->vfork_thread)
		rt_notify(EVENT_THREAD + process->vfork_thread - 1, 0);
	process->vfork_thread = 0;
}

static int64_t space_fill(struct space *space, const struct exec_plan *plan)
{
	int64_t error = exec_part_map(space, &plan->main);

	if (!error && plan->interpreter.node)
		error = exec_part_map(space, &plan->interpreter);
	if (!error)
		error = exec_stack_map(space, plan);
	space->brk_start = space->brk = plan->main.image.high + plan->main.bias;
	space->mmap_top = MMAP_TOP;
	return error;
}

static void exec_stage(const struct thread *thread, const struct space *space, const struct exec_plan *plan, bool is_new)
{
	memset(&exec_regs, 0, sizeof(exec_regs));
	exec_regs.rip = plan->entry;
	exec_regs.rsp = plan->stack_pointer;
	exec_regs.rflags = 0x202;
	if (is_new) {
		rt_stage(ZOG_OP_THREAD_CREATE, thread->slot, space_index(space), (uintptr_t)&exec_regs, ZOG_SELF, 0, 0);
		return;
	}
	rt_stage(ZOG_OP_THREAD_SPACE, ZOG_SELF, space_index(space), 0, 0, 0, 0);
	rt_stage(ZOG_OP_THREAD_REGS, ZOG_SELF, (uintptr_t)&exec_regs, 0, 0, 0, 0);
	rt_stage(ZOG_OP_THREAD_XSTATE_RESET, ZOG_SELF, 0, 0, 0, 0, 0);
}

/* The other threads end; SYS_WAIT until those with a once-call under way are gone. */
static int64_t exec_alone(struct zog_call *call, struct thread *thread)
{
	struct process *process = process_of(thread);
	uint32_t event = EVENT_THREAD + thread->slot;
	struct thread *other, *next;

	if (process->thread_count == 1)
		return 0;
	for (other = thread_of(process, NULL); other; other = next) {
		next = thread_of(process, other);
		if (other != thread)
			thread_end(other);
	}
	return process->thread_count == 1 ? 0 : wait_on(call, event, rt_event_count(event), RT_NO_DEADLINE);
}

static int64_t exec_commit(struct thread *thread, struct space *space, const struct exec_plan *plan, bool is_new)
{
	struct process *process = process_of(thread);
	int64_t error = space_fill(space, plan);

	if (error) {
		rt_abort();
		return error;
	}
	process_exec(process, thread, plan);
	if (!is_new)
		space_leave(space_at(process->space));
	space->state = STATE_LIVE;
	space->users = 1;
	process->space = space_index(space);
	thread->building = 0;
	exec_stage(thread, space, plan, is_new);
	return SYS_NO_RESULT;
}

static int64_t exec_try(struct zog_call *call, struct thread *thread, struct exec_plan *plan, struct exec_text *text,
			struct space *space, bool is_new)
{
	int64_t error = exec_plan_make(call, thread, plan, text);

	if (!error)
		error = exec_stack_build(plan, text, process_of(thread));
	if (!error)
		error = exec_alone(call, thread);
	return error ? error : exec_commit(thread, space, plan, is_new);
}

int64_t exec_image(struct zog_call *call, struct thread *thread, const char *path, struct exec_text *text, bool is_new)
{
	struct exec_plan plan;
	struct space *space;
	int64_t result;

	memset(&plan, 0, sizeof(plan));
	if (strlen(path) >= sizeof(plan.path))
		return -ENAMETOOLONG;
	memcpy(plan.path, path, strlen(path) + 1);
	frame_reserve(EXEC_FRAMES);
	space = space_begin(thread);
	if (!space)
		return -ENOMEM;
	result = exec_try(call, thread, &plan, text, space, is_new);
	if (result != SYS_NO_RESULT && result != SYS_WAIT && result != SYS_RETRY) {
		exec_release(thread);
		space_discard(thread);
	}
	return result;
}

int64_t sys_execve(struct zog_call *call, const uint64_t arg[6])
{
	struct exec_text text = { .text = exec_scratch() };
	char path[PATH_SIZE];
	int64_t error;

	records_check(thread_current(call));
	error = user_string(call, path, arg[0], sizeof(path));

	if (error >= 0)
		error = text_copy(call, &text, arg[1], arg[2]);
	return error < 0 ? error : exec_image(call, thread_current(call), path, &text, false);
}

/* Only what the path alone says: relative to the working directory, or absolute. */
int64_t sys_execveat(struct zog_call *call, const uint64_t arg[6])
{
	enum { DIRECTORY_WORKING = -100 };
	const uint64_t plain[6] = { arg[1], arg[2], arg[3] };
	char first;
	int64_t error = user_read(call, &first, arg[1], 1);

	if (error)
		return error;
	if (arg[4] || (first != '/' && (int32_t)arg[0] != DIRECTORY_WORKING))
		return -ENOSYS;
	return sys_execve(call, plain);
}
