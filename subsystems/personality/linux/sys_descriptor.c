/* Descriptors: close, dup, fcntl, flock, pipe. */
#include "file.h"
#include "pipe.h"
#include "lock.h"
#include "syscall.h"

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#define FL_CHANGEABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

int64_t sys_close(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	struct file *file = file_get(process, (int)arg[0]);

	if (!file)
		return -EBADF;
	if (file->node)
		lock_release_process(node_at(file->node), process);
	descriptor_close(process, (int)arg[0]);
	return 0;
}

static int64_t dup_from(struct process *process, struct file *file, uint64_t from, uint32_t flags)
{
	int64_t fd;

	if (!file)
		return -EBADF;
	if (from >= FILES_FD_MAX)
		return -EINVAL;
	fd = descriptor_free(process, (uint32_t)from);
	if (fd < 0)
		return fd;
	file_reference(file);
	descriptor_set(process, (uint32_t)fd, file, flags);
	return fd;
}

int64_t sys_dup(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);

	return dup_from(process, file_get(process, (int)arg[0]), 0, 0);
}

static int64_t dup_to(struct process *process, uint64_t from, uint64_t to, uint32_t flags)
{
	struct file *file = file_get(process, (int)from);

	if (!file || to >= FILES_FD_MAX)
		return -EBADF;
	file_reference(file);
	if (file_get(process, (int)to))
		descriptor_close(process, (int)to);
	descriptor_set(process, (uint32_t)to, file, flags);
	return (int64_t)to;
}

int64_t sys_dup2(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);

	if (arg[0] == arg[1])
		return file_get(process, (int)arg[0]) ? (int64_t)arg[1] : -EBADF;
	return dup_to(process, arg[0], (uint32_t)arg[1], 0);
}

int64_t sys_dup3(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[0] == arg[1] || arg[2] & ~(uint64_t)O_CLOEXEC)
		return -EINVAL;
	return dup_to(process_current(call), arg[0], (uint32_t)arg[1], arg[2] & O_CLOEXEC ? FD_CLOEXEC : 0);
}

static int64_t flags_set(struct file *file, uint64_t flags)
{
	file->flags = (file->flags & ~(uint32_t)FL_CHANGEABLE) | ((uint32_t)flags & FL_CHANGEABLE);
	return 0;
}

int64_t sys_fcntl(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	struct descriptor *descriptor = descriptor_get(process, (int)arg[0]);
	struct file *file = file_get(process, (int)arg[0]);

	if (!file)
		return -EBADF;
	switch (arg[1]) {
	case F_DUPFD:
		return dup_from(process, file, arg[2], 0);
	case F_DUPFD_CLOEXEC:
		return dup_from(process, file, arg[2], FD_CLOEXEC);
	case F_GETFD:
		return descriptor->flags;
	case F_SETFD:
		descriptor->flags = arg[2] & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return file->flags | O_LARGEFILE;
	case F_SETFL:
		return flags_set(file, arg[2]);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return lock_control(call, file, (uint32_t)arg[1], arg[2]);
	case F_GETPIPE_SZ:
		return file->pipe ? PIPE_BYTES : -EBADF;
	default:
		return -EINVAL;
	}
}

/* --- flock: a lock belongs to the open file --- */

static bool flock_conflicts(const struct file *file, uint32_t want)
{
	for (uint32_t i = 0; i < files()->file_top; i++) {
		const struct file *other = &files()->file[i];

		if (other->kind != FILE_FREE && other != file && other->node == file->node && other->lock &&
		    (want == LOCK_EX || other->lock == LOCK_EX))
			return true;
	}
	return false;
}

void file_unlock(struct file *file)
{
	file->lock = 0;
	lock_wake();
}

int64_t sys_flock(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);
	uint32_t want = (uint32_t)arg[1] & ~(uint32_t)LOCK_NB;

	if (!file || !file->node)
		return -EBADF;
	if (want == LOCK_UN) {
		if (file->lock)
			file_unlock(file);
		return 0;
	}
	if (want != LOCK_SH && want != LOCK_EX)
		return -EINVAL;
	if (!flock_conflicts(file, want)) {
		if (file->lock == LOCK_EX && want == LOCK_SH)
			lock_wake();
		file->lock = (uint8_t)want;
		return 0;
	}
	return arg[1] & LOCK_NB ? -EAGAIN : lock_wait(call);
}

/* --- pipe --- */

static int64_t pipe_make(struct zog_call *call, uint64_t user_fds, uint32_t flags)
{
	struct process *process = process_current(call);
	uint32_t descriptor_flags = flags & O_CLOEXEC ? FD_CLOEXEC : 0;
	struct file *read_end, *write_end;
	int64_t first = descriptor_free(process, 0), second, result;
	int32_t fds[2];

	second = first < 0 ? first : descriptor_free(process, (uint32_t)first + 1);
	if (second < 0)
		return -EMFILE;
	fds[0] = (int32_t)first;
	fds[1] = (int32_t)second;
	result = user_write(call, user_fds, fds, sizeof fds);
	if (result == 0)
		result = pipe_create(flags & O_NONBLOCK, &read_end, &write_end);
	if (result)
		return result;
	descriptor_set(process, (uint32_t)first, read_end, descriptor_flags);
	descriptor_set(process, (uint32_t)second, write_end, descriptor_flags);
	return 0;
}

int64_t sys_pipe(struct zog_call *call, const uint64_t arg[6])
{
	return pipe_make(call, arg[0], 0);
}

int64_t sys_pipe2(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[1] & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	if (arg[1] & O_DIRECT) /* packet mode */
		return -EINVAL;
	return pipe_make(call, arg[0], (uint32_t)arg[1]);
}
