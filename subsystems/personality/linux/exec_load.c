/* Reading programs: ELF files, their interpreters, #! scripts, and mapping what was checked.
 *
 * Everything that can wait for the disk happens in exec_plan_make(), before any record changes. The frames of cache
 * pages it remembers stay valid until this invocation ends, because nothing in between gives pages back;
 * part_is_current() makes sure of it. */
#include "exec.h"
#include "contracts/entropy_client.h"

enum { SCRIPT_HEAD = 256, SCRIPT_DEPTH = 4 };

/* A short read of a file is a damaged program. */
static int64_t file_read_all(struct zog_call *call, struct file *file, uint64_t offset, void *to, size_t size)
{
	int64_t got = file_read_kernel(call, file, offset, to, size);

	if (got < 0)
		return got;
	return (size_t)got == size ? 0 : -ENOEXEC;
}

static int64_t part_read(struct zog_call *call, struct file *file, struct exec_part *part)
{
	struct elf_program_header program[ELF_HEADER_MAX];
	struct elf_header header;
	uint64_t size = node_size(file_node(file));
	int64_t error = file_read_all(call, file, 0, &header, sizeof(header));

	if (error)
		return error;
	if (!elf_header_check(&header, size))
		return -ENOEXEC;
	error = file_read_all(call, file, header.phoff, program, header.phnum * sizeof(program[0]));
	if (error)
		return error;
	if (!elf_check(&header, program, size, &part->image))
		return -ENOEXEC;
	part->node = file_node(file);
	return 0;
}

/* Pages in which a segment's bytes end and its zeros begin: they are copied, so they must be in the cache. */
static int64_t part_tails(struct zog_call *call, struct exec_part *part)
{
	for (uint32_t i = 0; i < part->image.segment_count; i++) {
		const struct elf_segment *segment = &part->image.segment[i];
		uint64_t file_end = segment->offset + (segment->file_end - segment->start);
		int64_t error;

		part->tail_frame[i] = 0;
		if (segment->end == segment->file_end || segment->file_end == segment->start || file_end % ZOG_PAGE_SIZE == 0)
			continue;
		error = cache_page(call, part->node, file_end / ZOG_PAGE_SIZE, &part->tail_frame[i]);
		if (error)
			return error == SYS_WAIT ? SYS_WAIT : -EIO;
	}
	return 0;
}

static int64_t interpreter_read(struct zog_call *call, struct thread *thread, struct exec_plan *plan)
{
	char path[ZOG_PAGE_SIZE / 4];
	uint64_t length = plan->main.image.interpreter_length;
	int64_t error;

	if (length > sizeof(path))
		return -ENOEXEC;
	error = file_read_all(call, thread->exec_file, plan->main.image.interpreter_offset, path, length);
	if (error)
		return error;
	if (path[length - 1] != 0)
		return -ENOEXEC;
	error = file_open_exec(call, path, &thread->exec_interpreter);
	if (error)
		return error;
	error = part_read(call, thread->exec_interpreter, &plan->interpreter);
	return error == -ENOEXEC ? -ELIBBAD : error; /* the program is sound, its loader is not */
}

/* --- scripts ------------------------------------------------------------------------------------------------------ */

static char *blank_skip(char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static char *word_end(char *at)
{
	while (*at && *at != ' ' && *at != '\t')
		at++;
	return at;
}

/* "#! interpreter [one argument]": the first line, cut at its end (execve(2)). */
static bool script_parse(char *head, char **interpreter, char **argument)
{
	char *end, *line_end = strchr(head, '\n');

	if (head[0] != '#' || head[1] != '!' || !line_end)
		return false;
	while (line_end > head && (line_end[-1] == ' ' || line_end[-1] == '\t'))
		line_end--;
	*line_end = 0;
	*interpreter = blank_skip(head + 2);
	end = word_end(*interpreter);
	if (end == *interpreter)
		return false;
	*argument = blank_skip(end);
	*end = 0;
	if (**argument == 0)
		*argument = NULL;
	return true;
}

/* Puts STRING before the arguments. */
static bool text_prepend(struct exec_text *text, const char *string)
{
	uint32_t length = strlen(string) + 1;

	if (text->size + length > EXEC_TEXT_MAX)
		return false;
	memmove(text->text + length, text->text, text->size);
	memcpy(text->text, string, length);
	text->size += length;
	text->argument_size += length;
	text->argument_count++;
	return true;
}

static void text_drop_first(struct exec_text *text)
{
	uint32_t length = strlen(text->text) + 1;

	memmove(text->text, text->text + length, text->size - length);
	text->size -= length;
	text->argument_size -= length;
	text->argument_count--;
}

/* argv becomes interpreter, argument, path of the script, and what followed argv[0]. */
static bool script_arguments(struct exec_text *text, const char *interpreter, const char *argument, const char *path)
{
	text_drop_first(text);
	return text_prepend(text, path) && (!argument || text_prepend(text, argument)) && text_prepend(text, interpreter);
}

/* Opens PATH and follows scripts to a program: its file is thread->exec_file, plan->main its checked image. */
static int64_t program_find(struct zog_call *call, struct thread *thread, struct exec_plan *plan, struct exec_text *text)
{
	char head[SCRIPT_HEAD + 1], path[PATH_SIZE], *interpreter, *argument;
	int64_t got, error;

	memcpy(path, plan->path, sizeof(path));
	for (uint32_t depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		exec_release(thread);
		error = file_open_exec(call, path, &thread->exec_file);
		if (error)
			return error;
		got = file_read_kernel(call, thread->exec_file, 0, head, SCRIPT_HEAD);
		if (got < 0)
			return got;
		head[got] = 0;
		if (!script_parse(head, &interpreter, &argument))
			return part_read(call, thread->exec_file, &plan->main);
		if (!script_arguments(text, interpreter, argument, path))
			return -E2BIG;
		rt_format(path, sizeof(path), "%s", interpreter);
	}
	return -ELOOP;
}

/* Reading one page may have pushed another out of the cache again. */
static bool part_is_current(const struct exec_part *part)
{
	for (uint32_t i = 0; i < part->image.segment_count; i++) {
		const struct elf_segment *segment = &part->image.segment[i];
		uint64_t file_end = segment->offset + (segment->file_end - segment->start);

		if (part->tail_frame[i] && cache_page_peek(part->node, file_end / ZOG_PAGE_SIZE) != part->tail_frame[i])
			return false;
	}
	return true;
}

static int64_t random_fill(struct exec_plan *plan)
{
	size_t length = 0;

	if (entropy_random(sizeof(plan->random), plan->random, sizeof(plan->random), &length) != ZOG_OK)
		return -EIO;
	return length == sizeof(plan->random) ? 0 : -EIO;
}

static void plan_place(struct exec_plan *plan)
{
	struct exec_part *main = &plan->main, *interpreter = &plan->interpreter;

	main->bias = main->image.is_relocatable ? PIE_BASE - main->image.low : 0;
	plan->entry = main->image.entry + main->bias;
	if (!interpreter->node)
		return;
	if (interpreter->image.is_relocatable)
		interpreter->bias = MMAP_TOP - (interpreter->image.high - interpreter->image.low) - interpreter->image.low;
	plan->entry = interpreter->image.entry + interpreter->bias;
}

static bool plan_fits(const struct exec_plan *plan)
{
	const struct exec_part *main = &plan->main, *interpreter = &plan->interpreter;
	uint64_t end = main->image.high + main->bias, start = interpreter->image.low + interpreter->bias;

	if (end > MMAP_TOP || (main->image.is_relocatable && main->image.high > MMAP_TOP - PIE_BASE))
		return false;
	return !interpreter->node || (interpreter->image.high + interpreter->bias <= MMAP_TOP &&
				      (start >= end || interpreter->image.high + interpreter->bias <= main->image.low + main->bias));
}

int64_t exec_plan_make(struct zog_call *call, struct thread *thread, struct exec_plan *plan, struct exec_text *text)
{
	int64_t error = program_find(call, thread, plan, text);

	if (!error && plan->main.image.interpreter_length)
		error = interpreter_read(call, thread, plan);
	if (!error)
		error = random_fill(plan);
	if (!error)
		error = part_tails(call, &plan->main);
	if (!error && plan->interpreter.node)
		error = part_tails(call, &plan->interpreter);
	if (error)
		return error;
	if (!part_is_current(&plan->main) || !part_is_current(&plan->interpreter))
		return SYS_RETRY;
	plan_place(plan);
	return plan_fits(plan) ? 0 : -ENOEXEC;
}

/* --- mapping ------------------------------------------------------------------------------------------------------- */

/* The page in which file bytes end: a private copy with zeros after them. */
static int64_t tail_map(struct space *space, uint64_t cached, uint64_t address, uint32_t used, uint32_t access)
{
	struct zog_copy copy = { .kind = ZOG_COPY_FRAME_TO_FRAME, .frame = cached, .length = ZOG_PAGE_SIZE };
	uint64_t frame = frame_allocate();
	bool is_writable = access & VMA_WRITE;

	if (!frame)
		return -ENOMEM;
	copy.address = frame;
	rt_assert(rt_copy(&copy) == ZOG_OK);
	copy = (struct zog_copy){ .kind = ZOG_COPY_FRAME_ZERO, .frame = frame, .offset = used, .length = ZOG_PAGE_SIZE - used };
	rt_assert(rt_copy(&copy) == ZOG_OK);
	if (!page_set(space_index(space), address, frame | (is_writable ? PAGE_WRITABLE : 0)))
		return -ENOMEM;
	rt_stage(ZOG_OP_MAP, space_index(space), address, frame, access | ZOG_MAP_READ, 0, 0);
	return 0;
}

static int64_t segment_map(struct space *space, const struct exec_part *part, uint32_t index)
{
	const struct elf_segment *segment = &part->image.segment[index];
	uint64_t start = page_down(segment->start + part->bias), file_end = segment->file_end + part->bias;
	struct vma file = { .start = start, .end = page_up(file_end), .node = part->node,
			    .node_page = segment->offset >> ZOG_PAGE_SHIFT, .flags = segment->access };
	struct vma zero = { .start = page_up(file_end), .end = page_up(segment->end + part->bias), .flags = segment->access };

	if (segment->file_end == segment->start)
		zero.start = start;
	else if (!vma_insert(space, &file))
		return -ENOMEM;
	if (zero.end > zero.start && !vma_insert(space, &zero))
		return -ENOMEM;
	if (!part->tail_frame[index])
		return 0;
	return tail_map(space, part->tail_frame[index], page_down(file_end), file_end & (ZOG_PAGE_SIZE - 1), segment->access);
}

int64_t exec_part_map(struct space *space, const struct exec_part *part)
{
	int64_t error = 0;

	for (uint32_t i = 0; i < part->image.segment_count && !error; i++)
		error = segment_map(space, part, i);
	return error;
}
