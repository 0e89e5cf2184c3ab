/* From nodes back to path names: for getcwd, /proc/PID/exe and maps. */
#include "path.h"
#include "file.h"
#include "pseudo.h"

enum { DEPTH_LIMIT = 64 };

static size_t text_end(char *out, size_t size, const char *text, size_t start, size_t buffer_size)
{
	size_t length = buffer_size - start;

	if (length == 0 || length + 1 > size)
		return 0;
	memcpy(out, text + start, length);
	out[length] = '\0';
	return length;
}

/* The dentry under which the node was last found, if it still says so. */
static const struct dentry *node_dentry(const struct node *node)
{
	const struct dentry *dentry = node->dentry ? &files()->dentry[node->dentry - 1] : NULL;

	return dentry && dentry_is_valid(dentry) && dentry->child == node->number ? dentry : NULL;
}

size_t node_path(const struct node *node, char *out, size_t size)
{
	static char text[PATH_SIZE]; /* scratch */
	size_t start = sizeof text;

	if (node->kind != NODE_DISK)
		return pseudo_of(node) ? pseudo_of(node)->path(node, out, size) : 0;
	for (uint32_t depth = 0; node->number != files()->root; depth++) {
		const struct dentry *dentry = node_dentry(node);

		if (!dentry || depth > DEPTH_LIMIT || !path_prepend(text, &start, dentry->name, dentry_length(dentry)))
			return 0;
		node = node_find(NODE_DISK, dentry->parent);
		if (!node)
			return 0;
	}
	if (start == sizeof text)
		text[--start] = '/';
	return text_end(out, size, text, start, sizeof text);
}

static bool entry_is_dots(const struct filesystem_directory_entry *entry)
{
	return entry->name[0] == '.' && (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

/* The name of CHILD in DIRECTORY, by reading it. Length or -errno. */
static int64_t entry_search(const struct node *directory, uint64_t child, char *name_out)
{
	static struct filesystem_entries_found_list found; /* scratch */
	struct filesystem_directory_entry entry = { 0 };

	for (;;) {
		uint64_t position = entry.next;
		zog_status_t status = filesystem_entries(directory->number, position, &found);

		if (status != ZOG_OK)
			return status_errno(status);
		while (filesystem_directory_entry_next(&found.list, &entry))
			if (entry.node == child && !entry_is_dots(&entry)) {
				memcpy(name_out, entry.name, entry.name_length);
				return (int64_t)entry.name_length;
			}
		if (entry.next <= position)
			return -ENOENT; /* nothing came, or nothing new */
	}
}

int64_t path_name(struct zog_call *call, struct node *directory, char *out, size_t size)
{
	static char text[PATH_SIZE]; /* scratch */
	size_t start = sizeof text, known = node_path(directory, out, size);
	char name[NAME_BYTES];

	if (known)
		return (int64_t)known;
	for (uint32_t depth = 0; directory->number != files()->root; depth++) {
		struct node *parent;
		int64_t result = path_lookup(call, directory, "..", 2, &parent);

		if (result == 0)
			result = entry_search(parent, directory->number, name);
		if (result < 0)
			return result;
		if (depth > DEPTH_LIMIT || !path_prepend(text, &start, name, (size_t)result))
			return -ENAMETOOLONG;
		directory = parent;
	}
	return (int64_t)text_end(out, size, text, start, sizeof text);
}

size_t file_path(const struct file *file, char *out, size_t size)
{
	const struct node *node = node_at(file->node);

	return node ? node_path(node, out, size) : 0;
}
