/* Operations on names: lookup, create, symbolic and hard links, unlink, remove.
 *
 * Each is one transaction: arguments and the state of the directory are checked first, then blocks change. A node
 * whose last name goes stands on the orphan list until node_forget(). */
#include "ext4.h"

bool name_is_valid(const char *name, size_t length)
{
	if (length == 0 || length > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '/' || name[i] == 0)
			return false;
	}
	return true;
}

zog_status_t directory_get(uint64_t number, struct inode *directory)
{
	TRY(inode_get(number, directory));
	if (!inode_is_directory(directory->raw))
		return ZOG_ERR_NOT_DIRECTORY;
	return directory->raw->links ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}

static void directory_touch(struct inode *directory, struct timestamp now)
{
	inode_set_time(directory, TIME_MODIFY, now);
	inode_set_time(directory, TIME_CHANGE, now);
	inode_dirty(directory);
}

void name_add_directory_link(struct inode *directory)
{
	if (directory->raw->links != 1) /* 1: more than can be counted (dir_nlink) */
		directory->raw->links++;
	inode_dirty(directory);
}

void name_drop_directory_link(struct inode *directory)
{
	if (directory->raw->links > 2)
		directory->raw->links--;
	inode_dirty(directory);
}

void name_drop_link(struct inode *node, struct timestamp now)
{
	node->raw->links = inode_is_directory(node->raw) || node->raw->links == 0 ? 0 : node->raw->links - 1;
	inode_set_time(node, TIME_CHANGE, now);
	if (node->raw->links == 0)
		orphan_add(node);
	else
		inode_dirty(node);
}

zog_status_t name_lookup(uint64_t parent, const char *name, size_t length, uint64_t *node)
{
	struct entry_place place;
	struct inode directory;

	if (!name_is_valid(name, length))
		return ZOG_ERR_NOT_FOUND;
	TRY(directory_get(parent, &directory));
	TRY(directory_find(&directory, name, length, &place));
	*node = place.entry->inode;
	return ZOG_OK;
}

/* The parent directory, in which the name must not exist. */
static zog_status_t parent_get(uint64_t parent, const char *name, size_t length, struct inode *directory)
{
	struct entry_place place;
	zog_status_t status;

	if (!name_is_valid(name, length))
		return ZOG_ERR_ARGUMENT;
	TRY(directory_get(parent, directory));
	status = directory_find(directory, name, length, &place);
	if (status == ZOG_OK)
		return ZOG_ERR_EXISTS;
	return status == ZOG_ERR_NOT_FOUND ? ZOG_OK : status;
}

static bool mode_is_creatable(uint32_t mode)
{
	switch (mode & MODE_TYPE) {
	case MODE_REGULAR:
	case MODE_DIRECTORY:
	case MODE_CHAR:
	case MODE_BLOCK:
	case MODE_FIFO:
	case MODE_SOCKET:
		return mode < 0x10000;
	default:
		return false;
	}
}

zog_status_t name_create(const struct filesystem_create_request *request, const char *name, size_t length,
	uint64_t *node)
{
	struct timestamp now = { request->time_s, request->time_ns };
	bool is_directory = (request->mode & MODE_TYPE) == MODE_DIRECTORY;
	struct inode parent, inode;

	if (!mode_is_creatable(request->mode))
		return ZOG_ERR_ARGUMENT;
	TRY(parent_get(request->parent, name, length, &parent));
	if (is_directory && parent.raw->links >= LINKS_MAX)
		return ZOG_ERR_TOO_MANY_LINKS;
	TRY(inode_create(parent.number, request, &inode));
	if (is_directory) {
		TRY(directory_init(&inode, parent.number));
		name_add_directory_link(&parent);
	}
	TRY(directory_insert(&parent, name, length, &inode));
	directory_touch(&parent, now);
	*node = inode.number;
	return ZOG_OK;
}

static zog_status_t symlink_store(struct inode *inode, const char *target, size_t length)
{
	struct run run = { .length = 1, .kind = RUN_WRITTEN };
	struct slot *slot;
	uint32_t got;

	inode_set_size(inode, length);
	if (length < FAST_SYMLINK_MAX) {
		memcpy(inode->raw->bytes, target, length);
		inode_dirty(inode);
		return ZOG_OK;
	}
	extent_init(inode);
	TRY(blocks_allocate(inode_goal(inode), 1, &run.start, &got));
	TRY(extent_insert(inode, 0, run));
	TRY(block_new(run.start, BLOCK_PLAIN, 0, &slot));
	memcpy(slot_data(slot), target, length);
	inode_add_blocks(inode, 1);
	inode_dirty(inode);
	return ZOG_OK;
}

zog_status_t name_symlink(const struct filesystem_create_request *request, const char *name, size_t length,
	const char *target, size_t target_length, uint64_t *node)
{
	struct filesystem_create_request symlink = *request;
	struct timestamp now = { request->time_s, request->time_ns };
	struct inode parent, inode;

	symlink.mode = MODE_SYMLINK | 0777;
	if (target_length == 0 || target_length >= BLOCK_BYTES || strnlen(target, target_length) != target_length)
		return ZOG_ERR_ARGUMENT;
	TRY(parent_get(request->parent, name, length, &parent));
	TRY(inode_create(parent.number, &symlink, &inode));
	TRY(symlink_store(&inode, target, target_length));
	TRY(directory_insert(&parent, name, length, &inode));
	directory_touch(&parent, now);
	*node = inode.number;
	return ZOG_OK;
}

zog_status_t name_link(uint64_t node, uint64_t parent, struct timestamp now, const char *name, size_t length)
{
	struct inode directory, inode;

	TRY(inode_get(node, &inode));
	if (inode_is_directory(inode.raw))
		return ZOG_ERR_DENIED;
	if (inode.raw->links == 0)
		return ZOG_ERR_NOT_FOUND;
	if (inode.raw->links >= LINKS_MAX)
		return ZOG_ERR_TOO_MANY_LINKS;
	TRY(parent_get(parent, name, length, &directory));
	TRY(directory_insert(&directory, name, length, &inode));
	directory_touch(&directory, now);
	inode.raw->links++;
	inode_set_time(&inode, TIME_CHANGE, now);
	inode_dirty(&inode);
	return ZOG_OK;
}

/* Finds the name and the node that it names. */
static zog_status_t named_get(uint64_t parent, const char *name, size_t length, struct inode *directory,
	struct entry_place *place, struct inode *inode)
{
	zog_status_t status;

	if (!name_is_valid(name, length))
		return ZOG_ERR_NOT_FOUND;
	TRY(directory_get(parent, directory));
	TRY(directory_find(directory, name, length, place));
	status = inode_get(place->entry->inode, inode);
	return status == ZOG_ERR_NOT_FOUND ? ZOG_ERR_CORRUPT : status;
}

zog_status_t name_unlink(uint64_t parent, struct timestamp now, const char *name, size_t length, uint64_t *node,
	uint64_t *links)
{
	struct inode directory, inode;
	struct entry_place place;

	TRY(named_get(parent, name, length, &directory, &place, &inode));
	if (inode_is_directory(inode.raw))
		return ZOG_ERR_IS_DIRECTORY;
	directory_remove(&place);
	directory_touch(&directory, now);
	name_drop_link(&inode, now);
	*node = inode.number;
	*links = inode.raw->links;
	return ZOG_OK;
}

zog_status_t name_remove_directory(uint64_t parent, struct timestamp now, const char *name, size_t length,
	uint64_t *node)
{
	struct inode directory, inode;
	struct entry_place place;

	if (length <= 2 && memcmp(name, "..", length) == 0)
		return ZOG_ERR_ARGUMENT;
	TRY(named_get(parent, name, length, &directory, &place, &inode));
	if (!inode_is_directory(inode.raw))
		return ZOG_ERR_NOT_DIRECTORY;
	TRY(directory_is_empty(&inode));
	directory_remove(&place);
	name_drop_directory_link(&directory);
	directory_touch(&directory, now);
	name_drop_link(&inode, now);
	*node = inode.number;
	return ZOG_OK;
}
