/* open and its kin: from a resolved node to an open file and a descriptor. */
#include "path.h"
#include "file.h"
#include "cache.h"
#include "dev.h"
#include "intent.h"
#include "pipe.h"
#include "pseudo.h"
#include "tty.h"
#include "zogfs.h"
#include "syscall.h"

static uint32_t access_wanted(uint32_t flags)
{
	static const uint32_t wanted[4] = { R_OK, W_OK, R_OK | W_OK, R_OK | W_OK };

	return wanted[flags & O_ACCMODE];
}

static struct file *file_make(enum file_kind kind, uint32_t flags, struct node *node, int64_t *error_out)
{
	struct file *file = file_allocate(kind, flags, node);

	if (!file)
		*error_out = -ENFILE;
	return file;
}

static struct file *open_text(struct node *node, uint32_t flags, int64_t *error_out)
{
	bool is_control = zogfs_is_control(node);

	if (is_control != ((flags & O_ACCMODE) == O_WRONLY)) {
		*error_out = -EACCES;
		return NULL;
	}
	return file_make(is_control ? FILE_CONTROL : FILE_TEXT, flags, node, error_out);
}

static struct file *open_device(struct zog_call *call, struct node *node, uint32_t flags, int64_t *error_out)
{
	enum file_kind kind = device_file_kind(node->device);
	struct process *process = process_current(call);
	struct file *file;

	if (!device_is_known(node->device)) {
		*error_out = -ENXIO;
		return NULL;
	}
	file = file_make(kind, flags, node, error_out);
	if (file && kind == FILE_TTY && !(flags & O_NOCTTY) && tty_get()->session == 0 &&
	    process_session(process) == process_pid(process))
		tty_adopt(tty_get(), process);
	return file;
}

static struct file *open_fifo(struct node *node, uint32_t flags, int64_t *error_out)
{
	struct pipe *pipe = pipe_of_fifo(node);
	struct file *file = pipe ? pipe_open(pipe, flags, node) : NULL;

	if (!file)
		*error_out = -ENFILE;
	return file;
}

struct file *file_open_node(struct zog_call *call, struct node *node, uint32_t flags, int64_t *error_out)
{
	if (flags & O_PATH)
		return file_make(FILE_PATH, flags, node, error_out);
	switch (node->mode & S_IFMT) {
	case S_IFDIR:
		if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT))
			return file_make(FILE_DIRECTORY, flags, node, error_out);
		*error_out = -EISDIR;
		return NULL;
	case S_IFREG:
		if (node->kind != NODE_DISK)
			return open_text(node, flags, error_out);
		return file_make(FILE_DISK, flags, node, error_out);
	case S_IFCHR:
		return open_device(call, node, flags, error_out);
	case S_IFIFO:
		return open_fifo(node, flags, error_out);
	case S_IFLNK:
		*error_out = -ELOOP;
		return NULL;
	default:
		*error_out = -ENXIO;
		return NULL;
	}
}

struct open_request {
	uint32_t flags, mode;
	int64_t fd; /* the descriptor that it will be */
};

static int64_t open_create(struct zog_call *call, const struct open_request *request, const struct path *path)
{
	struct process *process = process_current(call);
	struct intent *intent = intent_scratch(INTENT_OPEN);
	struct moment now;
	int64_t result;

	if (path->has_slash)
		return -EISDIR;
	if (path->parent->kind != NODE_DISK)
		return -EACCES;
	result = node_permits(path->parent, process, W_OK | X_OK);
	if (result)
		return result;
	if (path->parent->links == 0)
		return -ENOENT;
	now = wall_time();
	intent->word[WORD_PARENT] = path->parent->number;
	intent->word[WORD_MODE] = S_IFREG | (request->mode & 07777 & ~process_umask(process));
	intent->word[WORD_OWNER] = (uint64_t)process_uid(process) << 32 | process_gid(process);
	intent->word[WORD_TIME_S] = (uint64_t)now.s;
	intent->word[WORD_TIME_NS] = now.ns;
	intent->word[WORD_FLAGS] = request->flags;
	intent_text(intent, path->last, path->length);
	return intent_call(call, intent);
}

static int64_t open_check(struct zog_call *call, const struct open_request *request, const struct node *node)
{
	uint32_t flags = request->flags;

	if (flags & O_DIRECTORY && !node_is_directory(node))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (node_is(node, S_IFLNK))
		return -ELOOP;
	if (node_is_directory(node) && (flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	return node_permits(node, process_current(call), access_wanted(flags));
}

/* A fifo's opener waits for the other end. The descriptor stands meanwhile, so nothing leaks when the program is ended. */
static int64_t fifo_await(struct zog_call *call, int64_t fd)
{
	struct process *process = process_current(call);
	struct progress *progress = thread_progress(thread_current(call));
	struct file *file = file_get(process, (int)fd);
	struct pipe *pipe = file ? pipe_at(file->pipe) : NULL;

	if (!pipe || file->kind == FILE_PIPE_BOTH || file->flags & O_NONBLOCK)
		return fd;
	if (pipe->readers && pipe->writers)
		return fd;
	if (signal_is_pending(thread_current(call))) {
		descriptor_close(process, (int)fd);
		return -EINTR;
	}
	progress->word[0] = (uint64_t)fd + 1;
	pipe->waiting |= PIPE_READER_WAITS;
	return wait_on(call, EVENT_PIPE + pipe_slot(pipe), rt_event_count(EVENT_PIPE + pipe_slot(pipe)), RT_NO_DEADLINE);
}

static bool fifo_has_no_reader(const struct node *node, uint32_t flags)
{
	const struct pipe *pipe = pipe_at(node->pipe);

	return node_is(node, S_IFIFO) && (flags & O_ACCMODE) == O_WRONLY && flags & O_NONBLOCK && (!pipe || !pipe->readers);
}

static int64_t open_node(struct zog_call *call, const struct open_request *request, struct node *node)
{
	int64_t result = open_check(call, request, node);
	struct file *file;

	if (result)
		return result;
	if (fifo_has_no_reader(node, request->flags))
		return -ENXIO;
	if (request->flags & O_TRUNC && node->kind == NODE_DISK && node_is(node, S_IFREG) &&
	    (request->flags & O_ACCMODE) != O_RDONLY && !(request->flags & O_PATH)) {
		result = node_resize(call, node, 0);
		if (result)
			return result;
	}
	file = file_open_node(call, node, request->flags & ~(uint32_t)O_CREAT, &result);
	if (!file)
		return result;
	descriptor_set(process_current(call), (uint32_t)request->fd, file, request->flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	return node_is(node, S_IFIFO) && !(request->flags & O_PATH) ? fifo_await(call, request->fd) : request->fd;
}

/* /proc/PID/fd/N of a pipe: another open file on the same pipe. */
static int64_t open_pipe_again(struct zog_call *call, const struct open_request *request, const struct file *like)
{
	struct file *file = like->pipe ? pipe_open(pipe_at(like->pipe), request->flags, NULL) : NULL;

	if (!file)
		return like->pipe ? -ENFILE : -ENXIO;
	descriptor_set(process_current(call), (uint32_t)request->fd, file, request->flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	return request->fd;
}

static int64_t open_at(struct zog_call *call, int directory, uint64_t user_path, uint64_t flags, uint64_t mode)
{
	struct open_request request = { .flags = (uint32_t)flags, .mode = (uint32_t)mode };
	struct progress *progress = thread_progress(thread_current(call));
	uint32_t want = flags & O_CREAT ? PATH_CREATE : 0;
	struct path path;
	int64_t result;

	if (progress->word[0])
		return fifo_await(call, (int64_t)progress->word[0] - 1);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		want |= PATH_FOLLOW;
	result = path_find(call, directory, user_path, want, &path);
	if (result)
		return result;
	request.fd = descriptor_free(process_current(call), 0);
	if (request.fd < 0)
		return request.fd;
	if (!file_has_room())
		return -ENFILE;
	if (path.file)
		return open_pipe_again(call, &request, path.file);
	if (!path.node)
		return open_create(call, &request, &path);
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	return open_node(call, &request, path.node);
}

int64_t sys_open(struct zog_call *call, const uint64_t arg[6])
{
	return open_at(call, AT_FDCWD, arg[0], arg[1], arg[2]);
}

int64_t sys_openat(struct zog_call *call, const uint64_t arg[6])
{
	return open_at(call, (int)arg[0], arg[1], arg[2], arg[3]);
}

int64_t sys_creat(struct zog_call *call, const uint64_t arg[6])
{
	return open_at(call, AT_FDCWD, arg[0], O_CREAT | O_WRONLY | O_TRUNC, arg[1]);
}

int64_t file_open_exec(struct zog_call *call, const char *path_text, struct file **file_out)
{
	struct path path;
	int64_t result = path_resolve(call, AT_FDCWD, path_text, PATH_FOLLOW, &path);

	if (result)
		return result;
	if (!path.node || path.node->kind != NODE_DISK || !node_is(path.node, S_IFREG))
		return -EACCES;
	result = node_permits(path.node, process_current(call), X_OK);
	if (result)
		return result;
	*file_out = file_allocate(FILE_DISK, O_RDONLY, path.node);
	return *file_out ? 0 : -ENFILE;
}
