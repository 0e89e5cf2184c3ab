/* What a file is: stat, access, readlink, statfs. */
#include "path.h"
#include "file.h"
#include "pipe.h"
#include "syscall.h"

/* An open file without a name: a pipe. */
static struct linux_stat pipe_stat(const struct file *file)
{
	return (struct linux_stat){ .st_dev = NODE_PIPE, .st_ino = file->pipe, .st_nlink = 1, .st_mode = S_IFIFO | 0600,
				    .st_blksize = PAGE_BYTES };
}

static struct linux_stat file_stat(struct file *file)
{
	return file_node(file) ? node_stat(file_node(file)) : pipe_stat(file);
}

static struct linux_stat path_stat(const struct path *path)
{
	return path->file ? file_stat(path->file) : node_stat(path->node);
}

static int64_t stat_answer(struct zog_call *call, int directory, uint64_t user_path, uint32_t want, uint64_t user_stat)
{
	struct path path;
	struct linux_stat stat;
	int64_t result = path_find(call, directory, user_path, want, &path);

	if (result)
		return result;
	stat = path_stat(&path);
	return user_write(call, user_stat, &stat, sizeof stat);
}

int64_t sys_stat(struct zog_call *call, const uint64_t arg[6])
{
	return stat_answer(call, AT_FDCWD, arg[0], PATH_FOLLOW, arg[1]);
}

int64_t sys_lstat(struct zog_call *call, const uint64_t arg[6])
{
	return stat_answer(call, AT_FDCWD, arg[0], 0, arg[1]);
}

int64_t sys_fstat(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);
	struct linux_stat stat;

	if (!file)
		return -EBADF;
	stat = file_stat(file);
	return user_write(call, arg[1], &stat, sizeof stat);
}

static uint32_t want_of(uint64_t flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW) | (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
}

int64_t sys_newfstatat(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return stat_answer(call, (int)arg[0], arg[1], want_of(arg[3]), arg[2]);
}

static struct linux_statx_time statx_time(int64_t s, int64_t ns)
{
	return (struct linux_statx_time){ .s = s, .ns = (uint32_t)ns };
}

int64_t sys_statx(struct zog_call *call, const uint64_t arg[6])
{
	struct path path;
	struct linux_stat stat;
	struct linux_statx out = { .stx_mask = STATX_BASIC_STATS, .stx_blksize = PAGE_BYTES };
	int64_t result;

	if (arg[2] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	result = path_find(call, (int)arg[0], arg[1], want_of(arg[2]), &path);
	if (result)
		return result;
	stat = path_stat(&path);
	out.stx_nlink = (uint32_t)stat.st_nlink;
	out.stx_uid = stat.st_uid;
	out.stx_gid = stat.st_gid;
	out.stx_mode = (uint16_t)stat.st_mode;
	out.stx_ino = stat.st_ino;
	out.stx_size = (uint64_t)stat.st_size;
	out.stx_blocks = (uint64_t)stat.st_blocks;
	out.stx_atime = statx_time(stat.st_atime_s, stat.st_atime_ns);
	out.stx_mtime = statx_time(stat.st_mtime_s, stat.st_mtime_ns);
	out.stx_ctime = statx_time(stat.st_ctime_s, stat.st_ctime_ns);
	out.stx_rdev_major = (uint32_t)(stat.st_rdev >> 8);
	out.stx_rdev_minor = stat.st_rdev & 0xff;
	out.stx_dev_major = (uint32_t)(stat.st_dev >> 8);
	out.stx_dev_minor = stat.st_dev & 0xff;
	return user_write(call, arg[4], &out, sizeof out);
}

static int64_t access_at(struct zog_call *call, int directory, uint64_t user_path, uint64_t mode, uint64_t flags)
{
	struct path path;
	int64_t result;

	if (mode & ~(uint64_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	result = path_find(call, directory, user_path, want_of(flags), &path);
	if (result || !path.node)
		return result;
	return node_permits(path.node, process_current(call), (uint32_t)mode);
}

int64_t sys_access(struct zog_call *call, const uint64_t arg[6])
{
	return access_at(call, AT_FDCWD, arg[0], arg[1], 0);
}

int64_t sys_faccessat(struct zog_call *call, const uint64_t arg[6])
{
	return access_at(call, (int)arg[0], arg[1], arg[2], 0);
}

int64_t sys_faccessat2(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[3] & ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return access_at(call, (int)arg[0], arg[1], arg[2], arg[3]);
}

static int64_t readlink_at(struct zog_call *call, int directory, uint64_t user_path, uint64_t user_buffer, uint64_t size)
{
	static char target[PATH_SIZE]; /* scratch */
	struct path path;
	int64_t result, length;

	if ((int64_t)size <= 0)
		return -EINVAL;
	result = path_find(call, directory, user_path, PATH_EMPTY, &path);
	if (result)
		return result;
	if (!path.node)
		return -EINVAL;
	length = path_link_target(call, path.node, target, sizeof target);
	if (length < 0)
		return length;
	length = (uint64_t)length < size ? length : (int64_t)size;
	result = user_write(call, user_buffer, target, (uint64_t)length);
	return result ? result : length;
}

int64_t sys_readlink(struct zog_call *call, const uint64_t arg[6])
{
	return readlink_at(call, AT_FDCWD, arg[0], arg[1], arg[2]);
}

int64_t sys_readlinkat(struct zog_call *call, const uint64_t arg[6])
{
	return readlink_at(call, (int)arg[0], arg[1], arg[2], arg[3]);
}

static int64_t statfs_answer(struct zog_call *call, const struct node *node, uint64_t user_statfs)
{
	struct linux_statfs out = { .f_type = 0x9fa0, .f_bsize = PAGE_BYTES, .f_frsize = PAGE_BYTES, .f_namelen = 255 };
	struct filesystem_fs_info info;
	zog_status_t status;

	if (node && node->kind == NODE_DISK) {
		status = filesystem_statistics(&info);
		if (status != ZOG_OK)
			return status_errno(status);
		out.f_type = 0xef53;
		out.f_bsize = out.f_frsize = info.block_size;
		out.f_blocks = (int64_t)info.blocks;
		out.f_bfree = (int64_t)info.blocks_free;
		out.f_bavail = (int64_t)info.blocks_available;
		out.f_files = (int64_t)info.files;
		out.f_ffree = (int64_t)info.files_free;
		out.f_namelen = info.name_max;
	}
	return user_write(call, user_statfs, &out, sizeof out);
}

int64_t sys_statfs(struct zog_call *call, const uint64_t arg[6])
{
	struct path path;
	int64_t result = path_find(call, AT_FDCWD, arg[0], PATH_FOLLOW, &path);

	return result ? result : statfs_answer(call, path.node, arg[1]);
}

int64_t sys_fstatfs(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);

	return file ? statfs_answer(call, file_node(file), arg[1]) : -EBADF;
}
