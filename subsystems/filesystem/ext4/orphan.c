/* The orphan list: unlinked nodes that are still in use, so that their blocks can be freed after a crash.
 *
 * On disk it is a chain from the superblock's last_orphan through the inodes' dtime fields, 0 at the end (Linux reads
 * and writes it the same way). Linux also puts a node there while it is being truncated; such a node has links. */
#include "ext4.h"

static void head_set(uint32_t number)
{
	super_get()->last_orphan = number;
	block_dirty(&home()->slot[home()->mount.super_slot]);
}

void orphan_add(struct inode *inode)
{
	inode->raw->dtime = super_get()->last_orphan;
	inode_dirty(inode);
	head_set(inode->number);
}

zog_status_t orphan_remove(struct inode *inode)
{
	uint32_t number = super_get()->last_orphan, next = inode->raw->dtime;
	struct inode step;

	inode->raw->dtime = 0;
	inode_dirty(inode);
	if (number == inode->number) {
		head_set(next);
		return ZOG_OK;
	}
	for (uint32_t turn = 0; number && turn < home()->mount.inodes; turn++) {
		zog_status_t status = inode_get(number, &step);

		if (status != ZOG_OK)
			return status == ZOG_ERR_NOT_FOUND ? ZOG_ERR_CORRUPT : status;
		number = step.raw->dtime;
		if (number == inode->number) {
			step.raw->dtime = next;
			inode_dirty(&step);
			return ZOG_OK;
		}
	}
	return ZOG_OK; /* it was not on the list: the mount before had freed the list */
}

/* Frees the head of the list; one with links was only being truncated. */
static zog_status_t orphan_process_one(void)
{
	struct inode inode;
	zog_status_t status = inode_get(super_get()->last_orphan, &inode);

	if (status == ZOG_ERR_NOT_FOUND) {
		rt_log(RT_WARN, "ext4: the list of orphans is damaged at node %u: run e2fsck on the disk",
			super_get()->last_orphan);
		head_set(0);
		return ZOG_OK;
	}
	TRY(status);
	TRY(orphan_remove(&inode));
	if (inode.raw->links == 0)
		return inode_free(&inode);
	if (inode_is_regular(inode.raw) && (inode.raw->flags & INODE_EXTENTS))
		return extent_truncate(&inode, (inode_size(inode.raw) + BLOCK_BYTES - 1) / BLOCK_BYTES);
	return ZOG_OK;
}

/* Each is a transaction of its own, so that the work done is kept when a block must be waited for. A damaged list costs
 * space, not service. */
zog_status_t orphans_free_all(void)
{
	while (super_get()->last_orphan) {
		zog_status_t status = orphan_process_one();

		if (status == ZOG_RETRY)
			return status;
		if (status < 0) {
			rt_abort();
			rt_log(RT_WARN, "ext4: node %u, unlinked before, can't be freed: run e2fsck on the disk",
				super_get()->last_orphan);
			return ZOG_OK;
		}
		rt_commit();
		cache_operation_begin();
	}
	return ZOG_OK;
}
