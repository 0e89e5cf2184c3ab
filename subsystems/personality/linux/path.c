/* Path names to nodes: walks components, follows symbolic links, crosses into /dev, /proc and /zog.
 *
 * A name of the disk that is not in the dentry table is asked of the file system, which may have to wait for a block:
 * the whole call unwinds and starts over. So what was learned is committed at once; handlers walk before they
 * change anything. Paths under expansion live in scratch buffers: one walk runs at a time. */
#include "path.h"
#include "file.h"
#include "pseudo.h"

enum { WALK_BYTES = 2 * PATH_SIZE, LINK_CACHE = 64, LINK_TEXT = 112 };

static char walk_text[WALK_BYTES]; /* scratch: what is left to walk */

/* Scratch: targets of symbolic links of the disk. A link never changes; its number and ctime together name it. */
struct link_target {
	uint64_t number;
	int64_t ctime_s;
	uint32_t ctime_ns, length;
	char text[LINK_TEXT];
};
static struct link_target link_cache[LINK_CACHE];

int64_t path_root(struct node **out)
{
	uint64_t root = 0;
	zog_status_t status;

	if (files()->root == 0) {
		status = filesystem_root(&root);
		if (status != ZOG_OK)
			return status_errno(status);
		files()->root = (uint32_t)root;
	}
	return node_get(files()->root, out);
}

static int64_t disk_number(struct node *directory, const char *name, uint32_t length, uint32_t *index_out, uint64_t *child_out)
{
	uint32_t parent = (uint32_t)directory->number, index = dentry_find(parent, name, length);
	zog_status_t status;

	if (index == DENTRY_NONE) {
		*child_out = 0;
		status = filesystem_lookup(parent, name, length, child_out);
		if (status != ZOG_OK && status != ZOG_ERR_NOT_FOUND)
			return status_errno(status);
		index = dentry_put(parent, name, length, status == ZOG_OK ? (uint32_t)*child_out : 0);
		rt_commit();
	} else {
		*child_out = files()->dentry[index].child;
	}
	*index_out = index;
	return *child_out == 0 ? -ENOENT : 0;
}

static bool is_dotdot(const char *name, uint32_t length)
{
	return length == 2 && name[0] == '.' && name[1] == '.';
}

static int64_t disk_lookup(struct node *directory, const char *name, uint32_t length, struct node **out)
{
	uint64_t child;
	uint32_t index = DENTRY_NONE;
	int64_t result;

	if (directory->number == files()->root) {
		*out = is_dotdot(name, length) ? directory : pseudo_mount(name, length);
		if (*out)
			return 0;
	}
	result = disk_number(directory, name, length, &index, &child);
	if (result == 0)
		result = node_get(child, out);
	if (result == 0 && !is_dotdot(name, length) && index != DENTRY_NONE && (*out)->dentry != index + 1)
		(*out)->dentry = index + 1;
	return result;
}

int64_t path_lookup(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out)
{
	if (!node_is_directory(directory))
		return -ENOTDIR;
	if (length >= NAME_BYTES)
		return -ENAMETOOLONG;
	if (length == 1 && name[0] == '.') {
		*out = directory;
		return 0;
	}
	if (directory->kind == NODE_DISK)
		return disk_lookup(directory, name, length, out);
	if (is_dotdot(name, length) && pseudo_is_root(directory))
		return path_root(out);
	return pseudo_of(directory)->lookup(call, directory, name, length, out);
}

static int64_t disk_link_target(struct node *link, char *out, size_t size)
{
	struct link_target *cached = &link_cache[link->number % LINK_CACHE];
	size_t length;
	zog_status_t status;

	if (cached->number == link->number && cached->ctime_s == link->ctime_s && cached->ctime_ns == link->ctime_ns &&
	    cached->length <= size) {
		memcpy(out, cached->text, cached->length);
		return cached->length;
	}
	status = filesystem_read_link(link->number, out, size, &length);
	if (status != ZOG_OK)
		return status_errno(status);
	if (length <= LINK_TEXT) {
		*cached = (struct link_target){ .number = link->number, .ctime_s = link->ctime_s, .ctime_ns = link->ctime_ns,
						.length = (uint32_t)length };
		memcpy(cached->text, out, length);
	}
	return (int64_t)length;
}

int64_t path_link_target(struct zog_call *call, struct node *link, char *out, size_t size)
{
	if (!node_is(link, S_IFLNK))
		return -EINVAL;
	if (link->kind == NODE_DISK)
		return disk_link_target(link, out, size);
	return pseudo_of(link)->link(call, link, out, size);
}

struct walk {
	struct zog_call *call;
	struct process *process;
	struct path *path;
	struct node *at;      /* where the walk is */
	struct node *parent;  /* directory of the name last walked; NULL after "." and ".." */
	const char *rest;     /* what is left */
	const char *name;     /* the name last walked, in the walk's text */
	uint32_t length, want, links;
	bool has_slash, is_missing;
};

/* The link's text takes the place of its name. A magic link of /proc leads on directly. */
static int64_t walk_link(struct walk *walk, struct node *link)
{
	static char target[PATH_SIZE]; /* scratch */
	struct node *direct = link->kind == NODE_PROC ? proc_link_node(link) : NULL;
	int64_t length;

	if (++walk->links > LINK_LIMIT)
		return -ELOOP;
	if (direct) {
		walk->at = direct;
		return 0;
	}
	walk->path->file = link->kind == NODE_PROC ? proc_link_file(link) : NULL;
	if (walk->path->file) {
		walk->at = link;
		return *walk->rest == '\0' ? 0 : -ENOTDIR;
	}
	length = path_link_target(walk->call, link, target, sizeof target);
	if (length < 0)
		return length;
	if (path_splice(walk_text, sizeof walk_text, target, (size_t)length, walk->rest) == 0)
		return length == 0 ? -ENOENT : -ENAMETOOLONG;
	walk->rest = walk_text;
	walk->length = 0; /* the link's own name is gone from the text */
	walk->parent = NULL;
	return walk_text[0] == '/' ? path_root(&walk->at) : 0;
}

static bool rest_is_empty(const char *rest)
{
	while (*rest == '/')
		rest++;
	return *rest == '\0';
}

static bool is_dot_name(const char *name, uint32_t length)
{
	return (length == 1 && name[0] == '.') || is_dotdot(name, length);
}

static bool walk_follows(const struct walk *walk, const struct node *node, bool is_last)
{
	return node_is(node, S_IFLNK) && (!is_last || walk->want & PATH_FOLLOW || walk->has_slash);
}

/* One component. */
static int64_t walk_step(struct walk *walk)
{
	struct node *node = NULL;
	bool is_last = rest_is_empty(walk->rest);
	int64_t result;

	if (!node_is_directory(walk->at))
		return -ENOTDIR;
	if (walk->length >= NAME_BYTES)
		return -ENAMETOOLONG;
	result = node_permits(walk->at, walk->process, X_OK);
	if (result)
		return result;
	if (is_last) {
		walk->parent = is_dot_name(walk->name, walk->length) ? NULL : walk->at;
		walk->has_slash = *walk->rest == '/';
	}
	result = path_lookup(walk->call, walk->at, walk->name, walk->length, &node);
	if (result == -ENOENT && is_last && walk->want & PATH_CREATE) {
		walk->is_missing = true;
		return 0;
	}
	if (result)
		return result;
	if (walk_follows(walk, node, is_last))
		return walk_link(walk, node);
	walk->at = node;
	return 0;
}

static int64_t walk_run(struct walk *walk)
{
	const char *name;
	uint32_t length;

	while (!walk->is_missing && (length = path_component(&walk->rest, &name)) != 0) {
		int64_t result;

		walk->name = name;
		walk->length = length;
		result = walk_step(walk);
		if (result)
			return result;
	}
	if (!walk->path->file && !walk->is_missing && walk->has_slash && !node_is_directory(walk->at))
		return -ENOTDIR;
	return 0;
}

/* Where the walk begins. */
static int64_t walk_begin(struct walk *walk, int directory)
{
	struct file *file;

	if (walk->rest[0] == '/')
		return path_root(&walk->at);
	if (directory == AT_FDCWD) {
		walk->at = files_directory(walk->process);
		return walk->at ? 0 : path_root(&walk->at);
	}
	file = file_get(walk->process, directory);
	if (!file)
		return -EBADF;
	walk->at = file_node(file);
	if (!walk->at && walk->rest[0] == '\0' && walk->want & PATH_EMPTY) {
		walk->path->file = file;
		return 0;
	}
	if (!walk->at || (walk->rest[0] != '\0' && !node_is_directory(walk->at)))
		return -ENOTDIR;
	return 0;
}

/* The last name is copied out for those who change names: the walk's text is the next walk's. */
static void walk_end(const struct walk *walk, struct path *out)
{
	out->node = walk->is_missing ? NULL : walk->at;
	if (!(walk->want & (PATH_LAST | PATH_CREATE)))
		return;
	out->parent = walk->parent;
	out->length = walk->length;
	out->has_slash = walk->has_slash;
	memcpy(out->last, walk->name, walk->length);
	out->last[walk->length] = '\0';
}

static int64_t walk_all(struct zog_call *call, int directory, uint32_t want, struct path *out)
{
	struct walk walk = { .call = call, .process = process_current(call), .path = out, .rest = walk_text, .want = want,
			     .name = walk_text };
	int64_t result;

	out->file = NULL;
	if (walk_text[0] == '\0' && !(want & PATH_EMPTY))
		return -ENOENT;
	result = walk_begin(&walk, directory);
	if (result == 0)
		result = walk_run(&walk);
	if (result == 0)
		walk_end(&walk, out);
	return result;
}

int64_t path_find(struct zog_call *call, int directory, uint64_t user_path, uint32_t want, struct path *out)
{
	int64_t result = user_string(call, walk_text, user_path, PATH_SIZE);

	return result < 0 ? result : walk_all(call, directory, want, out);
}

int64_t path_resolve(struct zog_call *call, int directory, const char *text, uint32_t want, struct path *out)
{
	size_t length = strlen(text);

	if (length >= PATH_SIZE)
		return -ENAMETOOLONG;
	memmove(walk_text, text, length + 1);
	return walk_all(call, directory, want, out);
}
