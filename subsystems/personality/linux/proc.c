/* /proc: what the system and its processes are doing, as text made when it is read.
 *
 * A node's number is pid << 20 | code: code 1 the process's directory, 2.. its files, FD_CODE + n the link for descriptor n.
 * pid 0 stands for /proc itself. A node says nothing about whether the process still lives: that is asked each time. */
#include "pseudo.h"
#include "file.h"
#include "path.h"
#include "proc_text.h"

enum { PID_SHIFT = 20, CODE_MASK = (1 << PID_SHIFT) - 1, FD_CODE = 0x1000, FIRST_CODE = 2, PROC_TEXT = 65536 };

struct proc_file {
	const char *name;
	uint32_t mode;
	size_t (*text)(char *out, size_t size); /* NULL: process_report knows it by name */
};

static const struct proc_file root_files[] = {
	{ "self", S_IFLNK | 0777, NULL },
	{ "meminfo", S_IFREG | 0444, proc_meminfo },
	{ "cpuinfo", S_IFREG | 0444, proc_cpuinfo },
	{ "uptime", S_IFREG | 0444, proc_uptime },
	{ "version", S_IFREG | 0444, proc_version },
	{ "stat", S_IFREG | 0444, proc_stat },
	{ "loadavg", S_IFREG | 0444, proc_loadavg },
	{ "mounts", S_IFREG | 0444, proc_mounts },
	{ "filesystems", S_IFREG | 0444, proc_filesystems },
	{ "cmdline", S_IFREG | 0444, proc_cmdline },
};
static const struct proc_file process_files_table[] = {
	{ "stat", S_IFREG | 0444, NULL },
	{ "status", S_IFREG | 0444, NULL },
	{ "cmdline", S_IFREG | 0444, NULL },
	{ "comm", S_IFREG | 0444, NULL },
	{ "maps", S_IFREG | 0444, NULL },
	{ "exe", S_IFLNK | 0777, NULL },
	{ "cwd", S_IFLNK | 0777, NULL },
	{ "root", S_IFLNK | 0777, NULL },
	{ "fd", S_IFDIR | 0500, NULL },
	{ "mounts", S_IFREG | 0444, proc_mounts },
	{ "mountinfo", S_IFREG | 0444, proc_mountinfo },
};
enum { ROOT_COUNT = sizeof root_files / sizeof root_files[0],
	PROCESS_COUNT = sizeof process_files_table / sizeof process_files_table[0], SELF_CODE = FIRST_CODE };

static uint32_t node_pid(const struct node *node) { return (uint32_t)(node->number >> PID_SHIFT); }
static uint32_t node_code(const struct node *node) { return (uint32_t)(node->number & CODE_MASK); }
static uint64_t proc_number(uint32_t pid, uint32_t code) { return (uint64_t)pid << PID_SHIFT | code; }

static const struct proc_file *node_file(const struct node *node)
{
	uint32_t index = node_code(node) - FIRST_CODE;

	if (node_code(node) < FIRST_CODE || node_code(node) >= FD_CODE)
		return NULL;
	if (node_pid(node) == 0)
		return index < ROOT_COUNT ? &root_files[index] : NULL;
	return index < PROCESS_COUNT ? &process_files_table[index] : NULL;
}

static bool name_is(const char *text, const char *name, uint32_t length)
{
	return strlen(text) == length && memcmp(text, name, length) == 0;
}

static bool name_number(const char *name, uint32_t length, uint32_t *out)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9' || length > 9)
			return false;
		value = value * 10 + (uint32_t)(name[i] - '0');
	}
	*out = value;
	return length > 0;
}

static int64_t proc_make(uint32_t pid, uint32_t code, uint32_t mode, struct node **out)
{
	*out = pseudo_node(NODE_PROC, proc_number(pid, code), mode, 0);
	return *out ? 0 : -ENFILE;
}

static int64_t table_lookup(const struct proc_file *table, uint32_t count, uint32_t pid, const char *name, uint32_t length,
			    struct node **out)
{
	for (uint32_t i = 0; i < count; i++)
		if (name_is(table[i].name, name, length))
			return proc_make(pid, FIRST_CODE + i, table[i].mode, out);
	return -ENOENT;
}

static bool is_fd_directory(const struct node *node)
{
	return node_file(node) && node_is(node, S_IFDIR);
}

static int64_t fd_lookup(uint32_t pid, const char *name, uint32_t length, struct node **out)
{
	struct process *process = process_find(pid);
	uint32_t fd;

	if (!process || !name_number(name, length, &fd) || !file_get(process, (int)fd))
		return -ENOENT;
	return proc_make(pid, FD_CODE + fd, S_IFLNK | 0700, out);
}

static int64_t proc_lookup(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out)
{
	uint32_t pid = node_pid(directory);

	(void)call;
	if (length == 2 && name[0] == '.' && name[1] == '.')
		return is_fd_directory(directory) ? proc_make(pid, 1, S_IFDIR | 0555, out) : proc_make(0, 1, S_IFDIR | 0555, out);
	if (is_fd_directory(directory))
		return fd_lookup(pid, name, length, out);
	if (pid != 0)
		return process_find(pid) ? table_lookup(process_files_table, PROCESS_COUNT, pid, name, length, out) : -ENOENT;
	if (name_number(name, length, &pid) && pid && process_find(pid))
		return proc_make(pid, 1, S_IFDIR | 0555, out);
	return table_lookup(root_files, ROOT_COUNT, 0, name, length, out);
}

static uint8_t mode_type(uint32_t mode)
{
	return (uint8_t)((mode & S_IFMT) >> 12); /* DT_* are the type bits of the mode */
}

static int64_t table_entry(const struct proc_file *table, uint32_t pid, uint64_t index, struct pseudo_entry *out)
{
	out->number = proc_number(pid, FIRST_CODE + (uint32_t)index);
	out->type = mode_type(table[index].mode);
	rt_format(out->name, sizeof out->name, "%s", table[index].name);
	return 1;
}

/* Entry index -> descriptor number is the identity; free ones have no entry: the caller is told to skip. */
static int64_t fd_entry(uint32_t pid, uint64_t index, struct pseudo_entry *out)
{
	struct process *process = process_find(pid);
	uint32_t fd = 0;

	for (; process && fd < FILES_FD_MAX; fd++)
		if (file_get(process, (int)fd) && index-- == 0)
			break;
	if (!process || fd == FILES_FD_MAX)
		return 0;
	out->number = proc_number(pid, FD_CODE + fd);
	out->type = DT_LNK;
	rt_format(out->name, sizeof out->name, "%u", fd);
	return 1;
}

static int64_t proc_entry(struct zog_call *call, struct node *directory, uint64_t index, struct pseudo_entry *out)
{
	uint32_t pid = node_pid(directory);
	struct process *process;

	(void)call;
	if (is_fd_directory(directory))
		return fd_entry(pid, index, out);
	if (pid)
		return index < PROCESS_COUNT ? table_entry(process_files_table, pid, index, out) : 0;
	if (index < ROOT_COUNT)
		return table_entry(root_files, 0, index, out);
	process = index - ROOT_COUNT < PROCESS_MAX ? process_at((uint32_t)(index - ROOT_COUNT)) : NULL;
	if (!process)
		return 0;
	out->number = proc_number(process_pid(process), 1);
	out->type = DT_DIR;
	rt_format(out->name, sizeof out->name, "%u", process_pid(process));
	return 1;
}

static struct file *link_file(const struct node *link)
{
	struct process *process = process_find(node_pid(link));

	return process && node_code(link) >= FD_CODE ? file_get(process, (int)(node_code(link) - FD_CODE)) : NULL;
}

struct file *proc_link_file(const struct node *link)
{
	struct file *file = link_file(link);

	return file && !file->node ? file : NULL;
}

struct node *proc_link_node(const struct node *link)
{
	struct process *process = process_find(node_pid(link));
	const struct proc_file *entry = node_file(link);
	struct file *file = link_file(link);

	if (file)
		return file_node(file);
	return process && entry && strcmp(entry->name, "cwd") == 0 ? files_directory(process) : NULL;
}

static int64_t fd_link(const struct node *link, char *out, size_t size)
{
	const struct file *file = link_file(link);
	size_t length;

	if (!file)
		return -ENOENT;
	length = file_path(file, out, size);
	if (length == 0)
		length = (size_t)rt_format(out, size, file->node ? "inode:[%u]" : "pipe:[%u]", file->node ? file->node : file->pipe);
	return (int64_t)length;
}

static int64_t proc_link(struct zog_call *call, struct node *link, char *out, size_t size)
{
	const struct proc_file *entry = node_file(link);
	struct process *process = process_find(node_pid(link));

	if (!entry)
		return fd_link(link, out, size);
	if (node_pid(link) == 0)
		return rt_format(out, size, "%u", process_pid(process_current(call)));
	if (!process)
		return -ENOENT;
	if (strcmp(entry->name, "root") == 0)
		return rt_format(out, size, "/");
	if (strcmp(entry->name, "cwd") == 0)
		return (int64_t)node_path(files_directory(process), out, size);
	return (int64_t)process_report(process, entry->name, out, size);
}

static int64_t proc_whole(struct node *node, char *out, size_t size)
{
	const struct proc_file *entry = node_file(node);
	struct process *process = process_find(node_pid(node));

	if (!entry)
		return -EISDIR;
	if (entry->text)
		return (int64_t)entry->text(out, size);
	return process ? (int64_t)process_report(process, entry->name, out, size) : -ESRCH;
}

static int64_t proc_text(struct zog_call *call, struct node *node, uint64_t offset, char *out, size_t size)
{
	static char whole[PROC_TEXT]; /* scratch */
	int64_t length = proc_whole(node, whole, sizeof whole);

	(void)call;
	if (length < 0 || offset >= (uint64_t)length)
		return length < 0 ? length : 0;
	if (size > (uint64_t)length - offset)
		size = (uint64_t)length - offset;
	memcpy(out, whole + offset, size);
	return (int64_t)size;
}

static size_t proc_path(const struct node *node, char *out, size_t size)
{
	const struct proc_file *entry = node_file(node);

	if (node->number == PSEUDO_ROOT)
		return (size_t)rt_format(out, size, "/proc");
	if (node_code(node) == 1)
		return (size_t)rt_format(out, size, "/proc/%u", node_pid(node));
	if (!entry)
		return (size_t)rt_format(out, size, "/proc/%u/fd/%u", node_pid(node), node_code(node) - FD_CODE);
	if (node_pid(node) == 0)
		return (size_t)rt_format(out, size, "/proc/%s", entry->name);
	return (size_t)rt_format(out, size, "/proc/%u/%s", node_pid(node), entry->name);
}

const struct pseudo proc_pseudo = { proc_lookup, proc_entry, proc_link, proc_text, proc_path };
