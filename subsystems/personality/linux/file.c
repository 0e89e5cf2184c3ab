/* Open files (POSIX "open file descriptions") and the descriptors that name them.
 *
 * A file counts its references: descriptors in tables, and whoever holds one for a while (execve, mappings). A table
 * counts the processes that share it. All of it are home records: closing is plain stores, committed with the reply. */
#include "file.h"
#include "lock.h"
#include "pipe.h"

static int64_t no_read(struct transfer *t, struct file *file, uint64_t *position)
{
	(void)t, (void)position;
	return file->kind == FILE_DIRECTORY ? -EISDIR : -EINVAL;
}

static int64_t no_write(struct transfer *t, struct file *file, uint64_t *position)
{
	(void)t, (void)file, (void)position;
	return -EINVAL;
}

static uint32_t always_ready(const struct file *file)
{
	(void)file;
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

const struct file_type file_types[FILE_KIND_COUNT] = {
	[FILE_FREE] = { no_read, no_write, always_ready, false },
	[FILE_DISK] = { disk_read, disk_write, always_ready, true },
	[FILE_DIRECTORY] = { no_read, no_write, always_ready, true },
	[FILE_PIPE_READ] = { pipe_read, no_write, pipe_poll, false },
	[FILE_PIPE_WRITE] = { no_read, pipe_write, pipe_poll, false },
	[FILE_PIPE_BOTH] = { pipe_read, pipe_write, pipe_poll, false },
	[FILE_TTY] = { tty_read, tty_write, tty_poll, false },
	[FILE_DEVICE] = { device_read, device_write, always_ready, false },
	[FILE_TEXT] = { text_read, no_write, always_ready, true },
	[FILE_CONTROL] = { no_read, control_write, always_ready, true },
	[FILE_PATH] = { no_read, no_write, always_ready, false },
};

bool file_has_room(void)
{
	return files()->file_free || files()->file_top < FILES_FILE_MAX;
}

/* kind, no lock, and the link of a free slot, by one store. */
static void file_kind_set(struct file *file, enum file_kind kind, uint32_t next_free)
{
	rt_pair_set((uint32_t *)(void *)&file->kind, kind, next_free);
}
_Static_assert(offsetof(struct file, references) % 8 == 0 && offsetof(struct file, flags) == offsetof(struct file, references) + 4 &&
	       offsetof(struct file, kind) % 8 == 0 && offsetof(struct file, next_free) == offsetof(struct file, kind) + 4, "pairs");

struct file *file_allocate(enum file_kind kind, uint32_t flags, struct node *node)
{
	struct files_home *home = files();
	struct file *file;

	if (!file_has_room())
		return NULL;
	if (home->file_free) {
		file = &home->file[home->file_free - 1];
		home->file_free = file->next_free;
	} else {
		file = &home->file[home->file_top++];
	}
	/* a free slot's other fields are zero: file_release leaves them so */
	rt_pair_set(&file->references, 1, flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC));
	file_kind_set(file, kind, 0);
	if (node) {
		file->node = node_slot(node) + 1;
		node_reference(node);
	}
	return file;
}

void file_reference(struct file *file)
{
	file->references++;
}

void file_release(struct file *file)
{
	rt_assert(file->references > 0);
	if (--file->references)
		return;
	if (file->lock)
		file_unlock(file);
	if (file->pipe) {
		pipe_close(file);
		file->pipe = 0;
	}
	if (file->node) {
		node_release(node_at(file->node));
		file->node = 0;
	}
	if (file->position)
		file->position = 0;
	file_kind_set(file, FILE_FREE, files()->file_free);
	files()->file_free = file_slot(file) + 1;
}

struct node *file_node(struct file *file) { return node_at(file->node); }
uint32_t file_mode_flags(const struct file *file) { return file->flags; }

int64_t descriptor_free(const struct process *process, uint32_t from)
{
	struct descriptor_table *table = table_of(process);

	for (uint32_t fd = from; table && fd < FILES_FD_MAX; fd++)
		if (fd >= table->top || table->entry[fd].file == 0)
			return fd;
	return -EMFILE;
}

void descriptor_set(struct process *process, uint32_t fd, struct file *file, uint32_t flags)
{
	struct descriptor_table *table = table_of(process);

	struct descriptor none = { 0, 0 }, descriptor = { (uint16_t)(file_slot(file) + 1), (uint16_t)flags };

	while (table->top < fd) /* entries above the top may hold what an earlier user of the table left */
		table->entry[table->top++] = none;
	if (table->top == fd)
		table->top = fd + 1;
	table->entry[fd] = descriptor;
}

static void table_close(struct descriptor_table *table, uint32_t fd)
{
	struct file *file = &files()->file[table->entry[fd].file - 1];

	table->entry[fd].file = 0; /* the top stays: the next open may well want this place */
	file_release(file);
}

static uint32_t table_used(const struct descriptor_table *table)
{
	uint32_t top = table->top;

	while (top && table->entry[top - 1].file == 0)
		top--;
	return top;
}

/* A reference of each file for the copy. */
static void table_copy(struct descriptor_table *to, const struct descriptor_table *from)
{
	uint32_t top = table_used(from);

	memcpy(to->entry, from->entry, top * sizeof from->entry[0]);
	to->top = top;
	for (uint32_t fd = 0; fd < top; fd++)
		if (from->entry[fd].file)
			file_reference(&files()->file[from->entry[fd].file - 1]);
}

void descriptor_close(struct process *process, int fd)
{
	table_close(table_of(process), (uint32_t)fd);
}

static uint32_t table_take(void)
{
	for (uint32_t i = 0; i < FILES_PROCESS_MAX; i++)
		if (files()->table[i].references == 0) {
			files()->table[i].references = 1;
			files()->table[i].top = 0;
			return i + 1;
		}
	rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0); /* as many tables as processes */
}

static void directory_inherit(struct process *child, const struct process *parent)
{
	uint32_t directory = process_files(parent)->directory;

	process_files(child)->directory = directory;
	if (directory)
		node_reference(node_at(directory));
}

void files_fork(struct process *child, const struct process *parent)
{
	struct descriptor_table *from = table_of(parent), *to;

	process_files(child)->table = table_take();
	to = table_of(child);
	directory_inherit(child, parent);
	if (from)
		table_copy(to, from);
}

void files_share(struct process *child, const struct process *parent)
{
	process_files(child)->table = process_files(parent)->table;
	if (table_of(child))
		table_of(child)->references++;
	directory_inherit(child, parent);
}

/* execve: a table shared with another process is no longer shared. */
static void table_unshare(struct process *process)
{
	struct descriptor_table *table = table_of(process), *own;

	if (!table || table->references == 1)
		return;
	process_files(process)->table = table_take();
	own = table_of(process);
	table_copy(own, table);
	table->references--;
}

void files_exec(struct process *process)
{
	struct descriptor_table *table;

	table_unshare(process);
	table = table_of(process);
	for (uint32_t fd = 0; table && fd < table->top; fd++)
		if (table->entry[fd].file && table->entry[fd].flags & FD_CLOEXEC)
			table_close(table, fd);
}

void files_exit(struct process *process)
{
	struct process_files *own = process_files(process);
	struct descriptor_table *table = table_of(process);

	lock_release_process(NULL, process);
	if (table && --table->references == 0)
		for (uint32_t fd = table->top; fd-- > 0;)
			if (table->entry[fd].file)
				table_close(table, fd);
	own->table = 0;
	if (own->directory)
		node_release(node_at(own->directory));
	own->directory = 0;
}

struct node *files_directory(const struct process *process)
{
	return node_at(process_files(process)->directory);
}

void files_set_directory(struct process *process, struct node *node)
{
	struct process_files *own = process_files(process);

	node_reference(node);
	if (own->directory)
		node_release(node_at(own->directory));
	own->directory = node_slot(node) + 1;
}

void files_poll_wake(void)
{
	if (!files()->has_poll_waiter)
		return;
	files()->has_poll_waiter = 0;
	rt_notify(EVENT_POLL, 0);
}
