/* fsync, fdatasync, sync, syncfs. All write everything dirty and flush: one transaction of the file system holds all. */
#include "file.h"
#include "cache.h"
#include "syscall.h"

static int64_t sync_all(struct zog_call *call)
{
	return files_sync(call, &thread_progress(thread_current(call))->word[0], false);
}

int64_t sys_fsync(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);
	struct node *node;
	int64_t result;

	if (!file || file->kind == FILE_PATH)
		return -EBADF;
	if (file->kind != FILE_DISK && file->kind != FILE_DIRECTORY)
		return -EINVAL;
	node = file_node(file);
	if (node->kind != NODE_DISK)
		return -EINVAL;
	result = sync_all(call);
	if (result == 0 && node->flags & NODE_HAS_WRITE_ERROR) {
		node->flags &= (uint8_t)~NODE_HAS_WRITE_ERROR;
		return -EIO;
	}
	return result;
}

int64_t sys_fdatasync(struct zog_call *call, const uint64_t arg[6])
{
	return sys_fsync(call, arg);
}

int64_t sys_sync(struct zog_call *call, const uint64_t arg[6])
{
	int64_t result = sync_all(call);

	(void)arg;
	return result == SYS_WAIT ? result : 0;
}

int64_t sys_syncfs(struct zog_call *call, const uint64_t arg[6])
{
	return file_get(process_current(call), (int)arg[0]) ? sync_all(call) : -EBADF;
}
