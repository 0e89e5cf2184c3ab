/* Directories: getdents64, getcwd, chdir, fchdir. */
#include "path.h"
#include "file.h"
#include "pseudo.h"
#include "syscall.h"

enum { LIST_BYTES = 16384, RECORD_HEAD = 19 /* of linux_dirent64 before the name */ };
#define POSITION_MOUNTS (1ull << 62) /* behind the disk's own entries of "/": the mounts that have no name there */

/* What most entries are made by: linux_dirent64 as whole words, zeros after the name. */
struct list_head {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type, name[21];
};
_Static_assert(sizeof(struct list_head) == 40 && offsetof(struct list_head, name) == RECORD_HEAD, "whole words");
static uint8_t list_buffer[LIST_BYTES + sizeof(struct list_head)]; /* scratch */

struct list {
	size_t size, limit;
	uint64_t position; /* of the entry after the last one that fitted */
};

/* false: full. Inline, so that the list is its caller's own variable: storing there takes no hook. */
static inline __attribute__((always_inline)) bool list_add(struct list *list, uint64_t number, uint64_t next, uint8_t type, const char *name, size_t length)
{
	size_t size = (RECORD_HEAD + length + 1 + 7) & ~(size_t)7;
	struct list_head head = { number, (int64_t)next, (uint16_t)size, type, { 0 } };
	struct linux_dirent64 *entry = (struct linux_dirent64 *)(list_buffer + list->size);

	if (list->size + size > list->limit)
		return false;
	*(struct list_head *)(void *)entry = head;
	if (size > sizeof(head))
		*(uint64_t *)(void *)((uint8_t *)entry + size - 8) = 0; /* behind the name */
	memcpy(entry->d_name, name, length);
	list->size += size;
	list->position = next;
	return true;
}

/* One batch of the file system's entries. 1: more may follow, 0: the end, 2: full, -errno. */
static int64_t list_disk(const struct node *directory, struct list *list)
{
	static struct filesystem_entries_found_list found; /* scratch */
	struct filesystem_directory_entry entry;
	zog_status_t status = filesystem_entries(directory->number, list->position, &found);
	int64_t result = 0;

	if (status != ZOG_OK)
		return status_errno(status);
	while (filesystem_directory_entry_next(&found.list, &entry)) {
		if (!list_add(list, entry.node, entry.next, (uint8_t)entry.type, entry.name, entry.name_length))
			return 2;
		result = 1;
	}
	return result;
}

/* "/" shows what is mounted there even when the disk has no such directory. */
static void list_mounts(struct zog_call *call, struct node *root, struct list *list)
{
	static const char *const names[] = { "dev", "proc", "zog" };
	uint64_t first = list->position < POSITION_MOUNTS ? 0 : list->position - POSITION_MOUNTS;

	(void)call;
	for (uint64_t i = first; i < sizeof names / sizeof names[0]; i++) {
		uint64_t child;
		bool is_there = filesystem_lookup(root->number, names[i], strlen(names[i]), &child) == ZOG_OK;

		if (!is_there && !list_add(list, PSEUDO_ROOT, POSITION_MOUNTS + i + 1, DT_DIR, names[i], strlen(names[i])))
			return;
		list->position = POSITION_MOUNTS + i + 1;
	}
}

static int64_t list_from_disk(struct zog_call *call, struct node *directory, struct list *list)
{
	int64_t result = 1;

	while (result == 1 && list->position < POSITION_MOUNTS)
		result = list_disk(directory, list);
	if (result < 0)
		return list->size ? 0 : result;
	if ((result == 0 || list->position >= POSITION_MOUNTS) && directory->number == files()->root)
		list_mounts(call, directory, list);
	return result == 2 && list->size == 0 ? -EINVAL : 0;
}

static int64_t list_from_pseudo(struct zog_call *call, struct node *directory, struct list *list)
{
	const struct pseudo *pseudo = pseudo_of(directory);
	struct pseudo_entry entry;
	int64_t result;

	if (list->position == 0 && !list_add(list, directory->number, 1, DT_DIR, ".", 1))
		return -EINVAL;
	if (list->position == 1 && !list_add(list, directory->number, 2, DT_DIR, "..", 2))
		return 0;
	while ((result = pseudo->entry(call, directory, list->position - 2, &entry)) == 1)
		if (!list_add(list, entry.number, list->position + 1, entry.type, entry.name, strlen(entry.name)))
			break;
	return result < 0 && list->size == 0 ? result : 0;
}

int64_t sys_getdents64(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);
	struct list list = { .limit = arg[2] < LIST_BYTES ? (size_t)arg[2] : LIST_BYTES };
	struct node *node;
	int64_t result;

	if (!file)
		return -EBADF;
	if (file->kind != FILE_DIRECTORY)
		return -ENOTDIR;
	node = file_node(file);
	list.position = file->position;
	if (node->kind == NODE_DISK)
		result = node->links ? list_from_disk(call, node, &list) : -ENOENT;
	else
		result = list_from_pseudo(call, node, &list);
	if (result == 0 && list.size)
		result = user_write(call, arg[1], list_buffer, list.size);
	if (result)
		return result;
	if (file->position != list.position)
		file->position = list.position;
	return (int64_t)list.size;
}

int64_t sys_getcwd(struct zog_call *call, const uint64_t arg[6])
{
	static char text[PATH_SIZE]; /* scratch */
	struct node *directory = files_directory(process_current(call));
	int64_t length = 1, result;

	if (directory && directory->kind == NODE_DISK && directory->links == 0)
		return -ENOENT;
	if (directory)
		length = path_name(call, directory, text, sizeof text);
	else
		memcpy(text, "/", 2);
	if (length < 0)
		return length;
	if ((uint64_t)length + 1 > arg[1])
		return -ERANGE;
	result = user_write(call, arg[0], text, (uint64_t)length + 1);
	return result ? result : length + 1;
}

static int64_t directory_enter(struct zog_call *call, struct node *node)
{
	struct process *process = process_current(call);
	int64_t result;

	if (!node || !node_is_directory(node))
		return -ENOTDIR;
	result = node_permits(node, process, X_OK);
	if (result == 0)
		files_set_directory(process, node);
	return result;
}

int64_t sys_chdir(struct zog_call *call, const uint64_t arg[6])
{
	struct path path;
	int64_t result = path_find(call, AT_FDCWD, arg[0], PATH_FOLLOW, &path);

	return result ? result : directory_enter(call, path.node);
}

int64_t sys_fchdir(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);

	return file ? directory_enter(call, file_node(file)) : -EBADF;
}
