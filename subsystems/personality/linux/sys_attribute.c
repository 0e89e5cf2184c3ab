/* Calls that change attributes: mode, owner, times, size, the mask of new files. Cached records change; write-back tells
 * the file system. */
#include "path.h"
#include "file.h"
#include "syscall.h"

/* Finds what a path or, with an empty path, a descriptor names; checks that it can be changed by its owner. */
static int64_t own_node(struct zog_call *call, struct node *node, struct node **out)
{
	uint32_t uid = process_uid(process_current(call));

	if (!node || node->kind != NODE_DISK)
		return -EPERM;
	if (uid != 0 && uid != node->uid)
		return -EPERM;
	*out = node;
	return 0;
}

static int64_t own_path(struct zog_call *call, int directory, uint64_t user_path, uint32_t want, struct node **out)
{
	struct path path;
	int64_t result = path_find(call, directory, user_path, want, &path);

	return result ? result : own_node(call, path.node, out);
}

static int64_t own_descriptor(struct zog_call *call, uint64_t fd, struct node **out)
{
	struct file *file = file_get(process_current(call), (int)fd);

	return file ? own_node(call, file_node(file), out) : -EBADF;
}

static int64_t mode_set(struct node *node, uint64_t mode)
{
	node->mode = (node->mode & S_IFMT) | (mode & 07777);
	node_mark(node, FILESYSTEM_SET_MASK_MODE);
	node_time_change(node);
	return 0;
}

int64_t sys_chmod(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_path(call, AT_FDCWD, arg[0], PATH_FOLLOW, &node);

	return result ? result : mode_set(node, arg[1]);
}

int64_t sys_fchmod(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_descriptor(call, arg[0], &node);

	return result ? result : mode_set(node, arg[1]);
}

int64_t sys_fchmodat(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_path(call, (int)arg[0], arg[1], PATH_FOLLOW, &node);

	return result ? result : mode_set(node, arg[2]);
}

static int64_t owner_set(struct zog_call *call, struct node *node, uint64_t uid, uint64_t gid)
{
	bool is_root = process_uid(process_current(call)) == 0;

	if (!is_root && (uint32_t)uid != UINT32_MAX && (uint32_t)uid != node->uid)
		return -EPERM;
	if (!is_root && (uint32_t)gid != UINT32_MAX && !process_is_in_group(process_current(call), (uint32_t)gid))
		return -EPERM;
	if ((uint32_t)uid != UINT32_MAX)
		node->uid = (uint32_t)uid;
	if ((uint32_t)gid != UINT32_MAX)
		node->gid = (uint32_t)gid;
	if (node_is(node, S_IFREG) && node->mode & (S_ISUID | S_ISGID)) {
		node->mode &= ~(uint32_t)(S_ISUID | S_ISGID);
		node_mark(node, FILESYSTEM_SET_MASK_MODE);
	}
	node_mark(node, FILESYSTEM_SET_MASK_OWNER);
	node_time_change(node);
	return 0;
}

int64_t sys_chown(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_path(call, AT_FDCWD, arg[0], PATH_FOLLOW, &node);

	return result ? result : owner_set(call, node, arg[1], arg[2]);
}

int64_t sys_lchown(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_path(call, AT_FDCWD, arg[0], 0, &node);

	return result ? result : owner_set(call, node, arg[1], arg[2]);
}

int64_t sys_fchown(struct zog_call *call, const uint64_t arg[6])
{
	struct node *node;
	int64_t result = own_descriptor(call, arg[0], &node);

	return result ? result : owner_set(call, node, arg[1], arg[2]);
}

int64_t sys_fchownat(struct zog_call *call, const uint64_t arg[6])
{
	uint32_t want = (arg[4] & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW) | (arg[4] & AT_EMPTY_PATH ? PATH_EMPTY : 0);
	struct node *node;
	int64_t result;

	if (arg[4] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = own_path(call, (int)arg[0], arg[1], want, &node);
	return result ? result : owner_set(call, node, arg[2], arg[3]);
}

/* --- times --- */

struct times {
	struct linux_timespec64 access, modify;
};

static void times_apply(struct node *node, const struct times *times)
{
	struct moment now = wall_time();
	uint32_t mask = 0;

	if (times->access.ns != UTIME_OMIT) {
		node->atime_s = times->access.ns == UTIME_NOW ? now.s : times->access.s;
		node->atime_ns = times->access.ns == UTIME_NOW ? now.ns : (uint32_t)times->access.ns;
		mask |= FILESYSTEM_SET_MASK_ATIME;
	}
	if (times->modify.ns != UTIME_OMIT) {
		node->mtime_s = times->modify.ns == UTIME_NOW ? now.s : times->modify.s;
		node->mtime_ns = times->modify.ns == UTIME_NOW ? now.ns : (uint32_t)times->modify.ns;
		mask |= FILESYSTEM_SET_MASK_MTIME;
	}
	if (mask) {
		node_mark(node, mask);
		node_time_change(node);
	}
}

static bool time_is_valid(const struct linux_timespec64 *time)
{
	return (time->ns >= 0 && time->ns < 1000000000) || time->ns == UTIME_NOW || time->ns == UTIME_OMIT;
}

static int64_t times_set(struct zog_call *call, int directory, uint64_t user_path, uint32_t want, const struct times *times)
{
	struct node *node;
	int64_t result;

	if (!time_is_valid(&times->access) || !time_is_valid(&times->modify))
		return -EINVAL;
	if (user_path == 0)
		result = own_descriptor(call, (uint64_t)directory, &node);
	else
		result = own_path(call, directory, user_path, want, &node);
	if (result == 0)
		times_apply(node, times);
	return result;
}

static const struct times times_now = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

int64_t sys_utimensat(struct zog_call *call, const uint64_t arg[6])
{
	struct times times = times_now;
	uint32_t want = (arg[3] & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW) | (arg[3] & AT_EMPTY_PATH ? PATH_EMPTY : 0);
	int64_t result = arg[2] ? user_read(call, &times, arg[2], sizeof times) : 0;

	if (result)
		return result;
	if (arg[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return times_set(call, (int)arg[0], arg[1], want, &times);
}

/* The older calls give microseconds. */
static int64_t times_from_micros(struct zog_call *call, int directory, uint64_t user_path, uint64_t user_times)
{
	struct times times = times_now;
	int64_t result = user_times ? user_read(call, &times, user_times, sizeof times) : 0;

	if (result)
		return result;
	if (user_times) {
		if (times.access.ns < 0 || times.access.ns >= 1000000 || times.modify.ns < 0 || times.modify.ns >= 1000000)
			return -EINVAL;
		times.access.ns *= 1000;
		times.modify.ns *= 1000;
	}
	return times_set(call, directory, user_path, PATH_FOLLOW, &times);
}

int64_t sys_utimes(struct zog_call *call, const uint64_t arg[6])
{
	return times_from_micros(call, AT_FDCWD, arg[0], arg[1]);
}

int64_t sys_futimesat(struct zog_call *call, const uint64_t arg[6])
{
	return times_from_micros(call, (int)arg[0], arg[1], arg[2]);
}

int64_t sys_utime(struct zog_call *call, const uint64_t arg[6])
{
	struct times times = times_now;
	int64_t seconds[2];
	int64_t result = arg[1] ? user_read(call, seconds, arg[1], sizeof seconds) : 0;

	if (result)
		return result;
	if (arg[1])
		times = (struct times){ { seconds[0], 0 }, { seconds[1], 0 } };
	return times_set(call, AT_FDCWD, arg[0], PATH_FOLLOW, &times);
}

/* --- size --- */

static int64_t size_set(struct zog_call *call, struct node *node, uint64_t size)
{
	if (node_is_directory(node))
		return -EISDIR;
	if (node->kind != NODE_DISK || !node_is(node, S_IFREG) || (int64_t)size < 0)
		return -EINVAL;
	if (size > 1ull << 43)
		return -EFBIG;
	return node_resize(call, node, size);
}

int64_t sys_truncate(struct zog_call *call, const uint64_t arg[6])
{
	struct path path;
	int64_t result = path_find(call, AT_FDCWD, arg[0], PATH_FOLLOW, &path);

	if (result)
		return result;
	if (!path.node)
		return -EINVAL;
	result = node_permits(path.node, process_current(call), W_OK);
	return result ? result : size_set(call, path.node, arg[1]);
}

int64_t sys_ftruncate(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);

	if (!file)
		return -EBADF;
	if (!file_can_write(file) || file->kind != FILE_DISK)
		return -EINVAL;
	return size_set(call, file_node(file), arg[1]);
}

int64_t sys_fallocate(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);

	return file ? -EOPNOTSUPP : -EBADF;
}

int64_t sys_fadvise64(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);

	if (!file)
		return -EBADF;
	if (file->pipe)
		return -ESPIPE;
	return arg[3] <= 5 ? 0 : -EINVAL; /* advice: read-ahead watches the reads themselves */
}

int64_t sys_umask(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	uint32_t old = process_umask(process);

	process_set_umask(process, arg[0] & 0777);
	return old;
}
