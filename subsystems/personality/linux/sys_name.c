/* Calls that change names: mkdir, mknod, rmdir, unlink, rename, link, symlink. Each resolves its paths, checks what can be
 * checked here, and hands a once-call to intent.c. */
#include "path.h"
#include "file.h"
#include "cache.h"
#include "intent.h"
#include "pseudo.h"
#include "syscall.h"

enum { DEAD_MAX = 1024 };

static void intent_stamp(struct intent *intent)
{
	struct moment now = wall_time();

	intent->word[WORD_TIME_S] = (uint64_t)now.s;
	intent->word[WORD_TIME_NS] = now.ns;
}

/* The directory that is to change: of the disk, writable, not removed. */
static int64_t parent_check(struct zog_call *call, const struct path *path)
{
	if (!path->parent)
		return -EBUSY;
	if (path->parent->kind != NODE_DISK)
		return -EPERM;
	if (path->parent->links == 0)
		return -ENOENT;
	return node_permits(path->parent, process_current(call), W_OK | X_OK);
}

/* Resolves a name that must not exist yet. */
static int64_t fresh_name(struct zog_call *call, int directory, uint64_t user_path, struct path *path)
{
	int64_t result = path_find(call, directory, user_path, PATH_CREATE, path);

	if (result)
		return result;
	if (path->node)
		return -EEXIST;
	return parent_check(call, path);
}

/* The same for a name that exists. */
static int64_t old_name(struct zog_call *call, int directory, uint64_t user_path, struct path *path)
{
	int64_t result = path_find(call, directory, user_path, PATH_LAST, path);

	return result ? result : parent_check(call, path);
}

static int64_t make_at(struct zog_call *call, int directory, uint64_t user_path, uint32_t mode, uint64_t device)
{
	struct process *process = process_current(call);
	struct intent *intent;
	struct path path;
	int64_t result = fresh_name(call, directory, user_path, &path);

	if (result)
		return result;
	if (path.has_slash && (mode & S_IFMT) != S_IFDIR)
		return -ENOENT;
	intent = intent_scratch(INTENT_MAKE);
	intent_stamp(intent);
	intent->word[WORD_PARENT] = path.parent->number;
	intent->word[WORD_MODE] = mode & ~process_umask(process);
	intent->word[WORD_OWNER] = (uint64_t)process_uid(process) << 32 | process_gid(process);
	intent->word[WORD_DEVICE] = device;
	intent_text(intent, path.last, path.length);
	return intent_call(call, intent);
}

int64_t sys_mkdir(struct zog_call *call, const uint64_t arg[6])
{
	return make_at(call, AT_FDCWD, arg[0], S_IFDIR | (arg[1] & 01777), 0);
}

int64_t sys_mkdirat(struct zog_call *call, const uint64_t arg[6])
{
	return make_at(call, (int)arg[0], arg[1], S_IFDIR | (arg[2] & 01777), 0);
}

static int64_t mknod_at(struct zog_call *call, int directory, uint64_t user_path, uint64_t mode, uint64_t device)
{
	uint32_t type = mode & S_IFMT;

	if (type == 0)
		type = S_IFREG;
	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK && type != S_IFSOCK)
		return -EINVAL;
	if ((type == S_IFCHR || type == S_IFBLK) && process_uid(process_current(call)) != 0)
		return -EPERM;
	return make_at(call, directory, user_path, type | (mode & 07777), type == S_IFCHR || type == S_IFBLK ? device : 0);
}

int64_t sys_mknod(struct zog_call *call, const uint64_t arg[6])
{
	return mknod_at(call, AT_FDCWD, arg[0], arg[1], arg[2]);
}

int64_t sys_mknodat(struct zog_call *call, const uint64_t arg[6])
{
	return mknod_at(call, (int)arg[0], arg[1], arg[2], arg[3]);
}

static int64_t remove_name(struct zog_call *call, enum intent_number step, const struct path *path)
{
	struct intent *intent = intent_scratch(step);

	intent_stamp(intent);
	intent->word[WORD_PARENT] = path->parent->number;
	intent_text(intent, path->last, path->length);
	return intent_call(call, intent);
}

static int64_t unlink_at(struct zog_call *call, int directory, uint64_t user_path)
{
	struct path path;
	int64_t result;

	if (files()->dead_count > DEAD_MAX) /* each holds a node record until write-back frees it */
		return cache_await_clean(call);
	result = old_name(call, directory, user_path, &path);
	if (result)
		return result == -EBUSY ? -EISDIR : result;
	if (node_is_directory(path.node))
		return -EISDIR;
	return remove_name(call, INTENT_UNLINK, &path);
}

static int64_t rmdir_at(struct zog_call *call, int directory, uint64_t user_path)
{
	struct path path;
	int64_t result = path_find(call, directory, user_path, PATH_LAST, &path);

	if (result)
		return result;
	if (!path.parent && path.length)
		return path.last[1] == '.' ? -ENOTEMPTY : -EINVAL; /* "..", "." */
	if (pseudo_is_root(path.node))
		return -EBUSY;
	result = parent_check(call, &path);
	if (result)
		return result;
	if (!node_is_directory(path.node))
		return -ENOTDIR;
	return remove_name(call, INTENT_RMDIR, &path);
}

int64_t sys_unlink(struct zog_call *call, const uint64_t arg[6])
{
	return unlink_at(call, AT_FDCWD, arg[0]);
}

int64_t sys_rmdir(struct zog_call *call, const uint64_t arg[6])
{
	return rmdir_at(call, AT_FDCWD, arg[0]);
}

int64_t sys_unlinkat(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	if (arg[2] & AT_REMOVEDIR)
		return rmdir_at(call, (int)arg[0], arg[1]);
	return unlink_at(call, (int)arg[0], arg[1]);
}

static int64_t rename_check(struct zog_call *call, const struct path *from, const struct path *to, uint64_t flags)
{
	int64_t result = parent_check(call, to);

	if (result)
		return result == -EPERM ? -EXDEV : result;
	if (to->node && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (to->has_slash && !to->node && !node_is_directory(from->node))
		return -ENOTDIR;
	if (from->node->kind != NODE_DISK || (to->node && to->node->kind != NODE_DISK))
		return -EBUSY;
	return 0;
}

static int64_t rename_at(struct zog_call *call, int from_directory, uint64_t user_from, int to_directory, uint64_t user_to,
			 uint64_t flags)
{
	struct path from, to;
	struct intent *intent;
	int64_t result;

	if (flags & ~(uint64_t)RENAME_NOREPLACE)
		return -EINVAL;
	result = old_name(call, from_directory, user_from, &from);
	if (result == 0)
		result = path_find(call, to_directory, user_to, PATH_CREATE, &to);
	if (result == 0)
		result = rename_check(call, &from, &to, flags);
	if (result)
		return result;
	intent = intent_scratch(INTENT_RENAME);
	intent_stamp(intent);
	intent->word[WORD_PARENT] = from.parent->number;
	intent->word[WORD_DEVICE] = to.parent->number;
	intent->word[WORD_LENGTH] = from.length;
	intent_text(intent, from.last, from.length);
	intent_text(intent, to.last, to.length);
	return intent_call(call, intent);
}

int64_t sys_rename(struct zog_call *call, const uint64_t arg[6])
{
	return rename_at(call, AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0);
}

int64_t sys_renameat(struct zog_call *call, const uint64_t arg[6])
{
	return rename_at(call, (int)arg[0], arg[1], (int)arg[2], arg[3], 0);
}

int64_t sys_renameat2(struct zog_call *call, const uint64_t arg[6])
{
	return rename_at(call, (int)arg[0], arg[1], (int)arg[2], arg[3], arg[4]);
}

static int64_t link_at(struct zog_call *call, int from_directory, uint64_t user_from, int to_directory, uint64_t user_to,
		       uint64_t flags)
{
	uint32_t want = (flags & AT_SYMLINK_FOLLOW ? PATH_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
	struct path from, to;
	struct intent *intent;
	int64_t result;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	result = path_find(call, from_directory, user_from, want, &from);
	if (result == 0)
		result = fresh_name(call, to_directory, user_to, &to);
	if (result)
		return result;
	if (!from.node || from.node->kind != NODE_DISK)
		return -EXDEV;
	if (node_is_directory(from.node))
		return -EPERM;
	if (to.has_slash || from.node->links == 0)
		return -ENOENT;
	intent = intent_scratch(INTENT_LINK);
	intent_stamp(intent);
	intent->word[WORD_PARENT] = to.parent->number;
	intent->word[WORD_DEVICE] = from.node->number;
	intent_text(intent, to.last, to.length);
	return intent_call(call, intent);
}

int64_t sys_link(struct zog_call *call, const uint64_t arg[6])
{
	return link_at(call, AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0);
}

int64_t sys_linkat(struct zog_call *call, const uint64_t arg[6])
{
	return link_at(call, (int)arg[0], arg[1], (int)arg[2], arg[3], arg[4]);
}

static int64_t symlink_at(struct zog_call *call, uint64_t user_target, int directory, uint64_t user_path)
{
	static char target[PATH_SIZE]; /* scratch */
	struct process *process = process_current(call);
	struct intent *intent;
	struct path path;
	int64_t length = user_string(call, target, user_target, sizeof target), result;

	if (length <= 0)
		return length ? length : -ENOENT;
	result = fresh_name(call, directory, user_path, &path);
	if (result)
		return result;
	if (path.has_slash)
		return -ENOENT;
	intent = intent_scratch(INTENT_SYMLINK);
	intent_stamp(intent);
	intent->word[WORD_PARENT] = path.parent->number;
	intent->word[WORD_MODE] = S_IFLNK | 0777;
	intent->word[WORD_OWNER] = (uint64_t)process_uid(process) << 32 | process_gid(process);
	intent->word[WORD_LENGTH] = path.length;
	if (!intent_text(intent, path.last, path.length) || !intent_text(intent, target, (size_t)length))
		return -ENAMETOOLONG;
	return intent_call(call, intent);
}

int64_t sys_symlink(struct zog_call *call, const uint64_t arg[6])
{
	return symlink_at(call, arg[0], AT_FDCWD, arg[1]);
}

int64_t sys_symlinkat(struct zog_call *call, const uint64_t arg[6])
{
	return symlink_at(call, arg[0], (int)arg[1], arg[2]);
}
