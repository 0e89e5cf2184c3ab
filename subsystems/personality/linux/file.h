/* Open files and descriptors, and what each kind of open file can do. See file.c. */
#ifndef LINUX_FILE_INTERNAL_H
#define LINUX_FILE_INTERNAL_H

#include "node.h"
#include "transfer.h"

/* What a kind of file does. read and write move at t->done, advance *position where the file has one, and answer
 * bytes moved by this issue, -errno or SYS_WAIT; before SYS_WAIT they may have moved t->done on (progress). */
struct file_type {
	int64_t (*read)(struct transfer *t, struct file *file, uint64_t *position);
	int64_t (*write)(struct transfer *t, struct file *file, uint64_t *position);
	uint32_t (*poll)(const struct file *file); /* POLL* that hold now */
	bool has_position;
};
extern const struct file_type file_types[FILE_KIND_COUNT];
static inline const struct file_type *file_type(const struct file *file) { return &file_types[file->kind]; }

static inline bool file_can_read(const struct file *file) { return (file->flags & O_ACCMODE) != O_WRONLY; }
static inline bool file_can_write(const struct file *file) { return (file->flags & O_ACCMODE) != O_RDONLY; }
static inline uint32_t file_slot(const struct file *file) { return (uint32_t)(file - files()->file); }

static inline struct process_files *process_files(const struct process *process)
{
	return &files()->process[process_slot(process)];
}
/* NULL: a process that has ended. */
static inline struct descriptor_table *table_of(const struct process *process)
{
	uint32_t table = process_files(process)->table;

	return table == 0 ? NULL : &files()->table[table - 1];
}
/* Descriptor and open file; NULL: -EBADF. */
static inline struct descriptor *descriptor_get(const struct process *process, int fd)
{
	struct descriptor_table *table = table_of(process);

	if (!table || fd < 0 || (uint32_t)fd >= table->top || table->entry[fd].file == 0)
		return NULL;
	return &table->entry[fd];
}
static inline struct file *file_get(const struct process *process, int fd)
{
	struct descriptor *descriptor = descriptor_get(process, fd);

	return descriptor ? &files()->file[descriptor->file - 1] : NULL;
}

/* A new open file with one reference, holding a reference of its node (may be NULL); NULL: table full. */
struct file *file_allocate(enum file_kind kind, uint32_t flags, struct node *node);
bool file_has_room(void);
/* Lowest free descriptor >= from, or -EMFILE. */
int64_t descriptor_free(const struct process *process, uint32_t from);
void descriptor_set(struct process *process, uint32_t fd, struct file *file, uint32_t flags); /* takes the reference */
void descriptor_close(struct process *process, int fd);
struct node *files_directory(const struct process *process); /* working directory */
void files_set_directory(struct process *process, struct node *node);
void files_poll_wake(void); /* readiness of something changed */

void file_unlock(struct file *file);  /* its flock, if it holds one (sys_descriptor.c) */

/* Opens a resolved node. Answers the open file or NULL with *error_out. */
struct file *file_open_node(struct zog_call *call, struct node *node, uint32_t flags, int64_t *error_out);

int64_t disk_read(struct transfer *t, struct file *file, uint64_t *position);
int64_t disk_write(struct transfer *t, struct file *file, uint64_t *position);
int64_t pipe_read(struct transfer *t, struct file *file, uint64_t *position);
int64_t pipe_write(struct transfer *t, struct file *file, uint64_t *position);
uint32_t pipe_poll(const struct file *file);
int64_t tty_read(struct transfer *t, struct file *file, uint64_t *position);
int64_t tty_write(struct transfer *t, struct file *file, uint64_t *position);
uint32_t tty_poll(const struct file *file);
int64_t device_read(struct transfer *t, struct file *file, uint64_t *position);
int64_t device_write(struct transfer *t, struct file *file, uint64_t *position);
int64_t text_read(struct transfer *t, struct file *file, uint64_t *position);
int64_t control_write(struct transfer *t, struct file *file, uint64_t *position);
int64_t tty_drain(struct zog_call *call); /* 0, SYS_WAIT: output still in the ring */

#endif
