/* Operations on one node: its facts, its attributes and size, a symbolic link's target, its end. */
#include "ext4.h"

zog_status_t node_info(uint64_t node, struct filesystem_node_info *info)
{
	struct timestamp access, modify, change;
	const struct disk_inode *raw;
	struct inode inode;

	TRY(inode_get(node, &inode));
	raw = inode.raw;
	access = inode_time(raw, TIME_ACCESS);
	modify = inode_time(raw, TIME_MODIFY);
	change = inode_time(raw, TIME_CHANGE);
	*info = (struct filesystem_node_info){
		.node = node, .size = inode_size(raw), .blocks_512 = inode_sectors(raw), .mode = raw->mode,
		.links = raw->links, .uid = (uint32_t)raw->uid_hi << 16 | raw->uid_lo,
		.gid = (uint32_t)raw->gid_hi << 16 | raw->gid_lo, .generation = raw->generation,
		.atime_s = access.s, .atime_ns = access.ns, .mtime_s = modify.s, .mtime_ns = modify.ns,
		.ctime_s = change.s, .ctime_ns = change.ns,
	};
	if ((raw->mode & MODE_TYPE) == MODE_CHAR || (raw->mode & MODE_TYPE) == MODE_BLOCK)
		info->device = raw->block[0] ? raw->block[0] : raw->block[1];
	return ZOG_OK;
}

zog_status_t node_read_link(uint64_t node, uint8_t *out, size_t size, size_t *length)
{
	struct inode inode;
	struct slot *slot;
	struct run run;
	uint64_t bytes;

	TRY(inode_get(node, &inode));
	if ((inode.raw->mode & MODE_TYPE) != MODE_SYMLINK)
		return ZOG_ERR_ARGUMENT;
	bytes = inode_size(inode.raw);
	if (bytes >= BLOCK_BYTES || bytes > size)
		return ZOG_ERR_CORRUPT;
	*length = bytes;
	if (!inode_has_blocks(inode.raw)) {
		if (bytes > FAST_SYMLINK_MAX)
			return ZOG_ERR_CORRUPT;
		memcpy(out, inode.raw->bytes, bytes);
		return ZOG_OK;
	}
	TRY(extent_map(&inode, 0, &run));
	if (run.kind != RUN_WRITTEN)
		return ZOG_ERR_CORRUPT;
	TRY(block_get(run.start, BLOCK_PLAIN, 0, &slot));
	memcpy(out, slot_data(slot), bytes);
	return ZOG_OK;
}

/* --- attributes --- */

static zog_status_t size_set(struct inode *inode, uint64_t size)
{
	uint64_t old = inode_size(inode->raw);

	if (!inode_is_regular(inode->raw))
		return ZOG_ERR_ARGUMENT;
	if (size > (uint64_t)UINT32_MAX * BLOCK_BYTES)
		return ZOG_ERR_TOO_BIG;
	inode_set_size(inode, size);
	inode_dirty(inode);
	if (size >= old)
		return ZOG_OK;
	if (inode->raw->flags & INODE_EXTENTS)
		return extent_truncate(inode, (size + BLOCK_BYTES - 1) / BLOCK_BYTES);
	if (size != 0)
		return ZOG_ERR_UNSUPPORTED;
	TRY(blockmap_free(inode));
	extent_init(inode); /* from now on it can be written */
	return ZOG_OK;
}

zog_status_t node_set(uint64_t node, const struct filesystem_set_request *request)
{
	struct inode inode;
	struct disk_inode *raw;

	TRY(inode_get(node, &inode));
	raw = inode.raw;
	if (request->mask & FILESYSTEM_SET_MASK_SIZE)
		TRY(size_set(&inode, request->size));
	if (request->mask & FILESYSTEM_SET_MASK_MODE)
		raw->mode = (uint16_t)((raw->mode & MODE_TYPE) | (request->mode & ~(uint32_t)MODE_TYPE));
	if (request->mask & FILESYSTEM_SET_MASK_OWNER) {
		raw->uid_lo = (uint16_t)request->uid;
		raw->uid_hi = (uint16_t)(request->uid >> 16);
		raw->gid_lo = (uint16_t)request->gid;
		raw->gid_hi = (uint16_t)(request->gid >> 16);
	}
	if (request->mask & FILESYSTEM_SET_MASK_ATIME)
		inode_set_time(&inode, TIME_ACCESS, (struct timestamp){ request->atime_s, request->atime_ns });
	if (request->mask & FILESYSTEM_SET_MASK_MTIME)
		inode_set_time(&inode, TIME_MODIFY, (struct timestamp){ request->mtime_s, request->mtime_ns });
	if (request->mask & FILESYSTEM_SET_MASK_CTIME)
		inode_set_time(&inode, TIME_CHANGE, (struct timestamp){ request->ctime_s, request->ctime_ns });
	inode_dirty(&inode);
	return ZOG_OK;
}

/* Repeats find a freed node, or another one with a new generation in its place, and do nothing. */
zog_status_t node_forget(uint64_t node, uint64_t generation)
{
	struct inode inode;
	zog_status_t status = inode_get(node, &inode);

	if (status == ZOG_ERR_NOT_FOUND)
		return ZOG_OK;
	TRY(status);
	if (inode.raw->links != 0 || inode.raw->generation != generation)
		return ZOG_OK;
	TRY(orphan_remove(&inode));
	return inode_free(&inode);
}
