/* Rename: the one operation on two names. POSIX: an existing target is replaced in the same step. */
#include "ext4.h"

struct rename {
	struct inode from, to;       /* directories */
	struct inode node, target;
	struct entry_place from_place, to_place;
	const char *from_name, *to_name;
	size_t from_length, to_length;
	struct timestamp now;
	bool is_replacing, is_directory;
};

static bool name_is_dots(const char *name, size_t length)
{
	return length <= 2 && memcmp(name, "..", length) == 0;
}

/* ARGUMENT when `node` is `directory` or one above it. */
static zog_status_t ancestors_check(const struct inode *node, struct inode directory)
{
	for (uint32_t depth = 0; directory.number != INODE_ROOT; depth++) {
		struct entry_place place;

		if (directory.number == node->number)
			return ZOG_ERR_ARGUMENT;
		if (depth > home()->mount.inodes)
			return ZOG_ERR_CORRUPT; /* a ring */
		TRY(directory_find(&directory, "..", 2, &place));
		TRY(inode_get(place.entry->inode, &directory));
		if (!inode_is_directory(directory.raw))
			return ZOG_ERR_CORRUPT;
	}
	return ZOG_OK;
}

static zog_status_t target_find(struct rename *r)
{
	zog_status_t status = directory_find(&r->to, r->to_name, r->to_length, &r->to_place);

	if (status == ZOG_ERR_NOT_FOUND)
		return ZOG_OK;
	TRY(status);
	r->is_replacing = true;
	return inode_get(r->to_place.entry->inode, &r->target);
}

static zog_status_t target_check(const struct rename *r)
{
	bool is_target_directory = inode_is_directory(r->target.raw);

	if (r->is_directory && !is_target_directory)
		return ZOG_ERR_NOT_DIRECTORY;
	if (!r->is_directory && is_target_directory)
		return ZOG_ERR_IS_DIRECTORY;
	return is_target_directory ? directory_is_empty(&r->target) : ZOG_OK;
}

/* Decodes and checks everything; changes nothing. */
static zog_status_t rename_decode(const struct filesystem_rename_request *request, struct name from, struct name to, struct rename *r)
{
	*r = (struct rename){ .from_name = from.text, .from_length = from.length, .to_name = to.text, .to_length = to.length,
		.now = { request->time_s, request->time_ns } };
	if (!name_is_valid(r->from_name, r->from_length) || !name_is_valid(r->to_name, r->to_length)
		|| name_is_dots(r->from_name, r->from_length) || name_is_dots(r->to_name, r->to_length))
		return ZOG_ERR_ARGUMENT;
	TRY(directory_get(request->from_parent, &r->from));
	TRY(directory_get(request->to_parent, &r->to));
	TRY(directory_find(&r->from, r->from_name, r->from_length, &r->from_place));
	TRY(inode_get(r->from_place.entry->inode, &r->node));
	r->is_directory = inode_is_directory(r->node.raw);
	TRY(target_find(r));
	if (r->is_replacing && r->target.number == r->node.number)
		return ZOG_OK;
	if (r->is_directory && r->from.number != r->to.number)
		TRY(ancestors_check(&r->node, r->to));
	if (r->is_replacing)
		TRY(target_check(r));
	if (r->is_directory && r->from.number != r->to.number && !r->is_replacing && r->to.raw->links >= LINKS_MAX)
		return ZOG_ERR_SPACE;
	return ZOG_OK;
}

/* Links of the two directories, and the moved directory's "..". */
static zog_status_t parents_change(struct rename *r)
{
	if (!r->is_directory)
		return ZOG_OK;
	if (r->is_replacing)
		name_drop_directory_link(&r->to);
	if (r->from.number == r->to.number)
		return ZOG_OK;
	name_drop_directory_link(&r->from);
	name_add_directory_link(&r->to);
	return directory_set_parent(&r->node, &r->to);
}

static zog_status_t rename_carry_out(struct rename *r)
{
	struct inode *inodes[] = { &r->from, &r->to };

	if (r->is_replacing)
		directory_replace(&r->to_place, &r->node);
	else
		TRY(directory_insert(&r->to, r->to_name, r->to_length, &r->node));
	/* The insertion may have moved what stands around the old name. */
	TRY(directory_find(&r->from, r->from_name, r->from_length, &r->from_place));
	directory_remove(&r->from_place);
	TRY(parents_change(r));
	if (r->is_replacing)
		name_drop_link(&r->target, r->now);
	for (uint32_t i = 0; i < 2; i++) {
		inode_set_time(inodes[i], TIME_MODIFY, r->now);
		inode_set_time(inodes[i], TIME_CHANGE, r->now);
		inode_dirty(inodes[i]);
	}
	inode_set_time(&r->node, TIME_CHANGE, r->now);
	inode_dirty(&r->node);
	return ZOG_OK;
}

zog_status_t name_rename(const struct filesystem_rename_request *request, struct name from, struct name to, uint64_t *node,
	uint64_t *replaced, uint64_t *replaced_links)
{
	struct rename r;

	TRY(rename_decode(request, from, to, &r));
	*node = r.node.number;
	*replaced = 0;
	*replaced_links = 0;
	if (r.is_replacing && r.target.number == r.node.number)
		return ZOG_OK; /* two names of one node: both stay */
	TRY(rename_carry_out(&r));
	if (r.is_replacing) {
		*replaced = r.target.number;
		*replaced_links = r.target.raw->links;
	}
	return ZOG_OK;
}
