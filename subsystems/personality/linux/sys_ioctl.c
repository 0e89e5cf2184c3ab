/* ioctl: the terminal's requests, and the few that any file knows. */
#include "file.h"
#include "pipe.h"
#include "tty.h"
#include "syscall.h"

#define FIOCLEX 0x5451
#define FIONCLEX 0x5450

static int64_t nonblock_set(struct zog_call *call, struct file *file, uint64_t user_value)
{
	int32_t value;
	int64_t result = user_read(call, &value, user_value, sizeof value);

	if (result == 0)
		file->flags = value ? file->flags | O_NONBLOCK : file->flags & ~(uint32_t)O_NONBLOCK;
	return result;
}

static int64_t readable_count(struct zog_call *call, struct file *file, uint64_t user_value)
{
	int32_t value;

	if (file->pipe)
		value = (int32_t)ring_filled(pipe_at(file->pipe));
	else if (file->kind == FILE_DISK && file_node(file)->size > file->position)
		value = (int32_t)(file_node(file)->size - file->position);
	else if (file->kind == FILE_DISK)
		value = 0;
	else
		return -ENOTTY;
	return user_write(call, user_value, &value, sizeof value);
}

int64_t sys_ioctl(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	struct file *file = file_get(process, (int)arg[0]);
	uint32_t request = (uint32_t)arg[1];

	if (!file || file->kind == FILE_PATH)
		return -EBADF;
	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		descriptor_get(process, (int)arg[0])->flags = request == FIOCLEX ? FD_CLOEXEC : 0;
		return 0;
	case FIONBIO:
		return nonblock_set(call, file, arg[2]);
	default:
		break;
	}
	if (file->kind == FILE_TTY)
		return tty_ioctl(call, request, arg[2]);
	return request == FIONREAD ? readable_count(call, file, arg[2]) : -ENOTTY;
}
