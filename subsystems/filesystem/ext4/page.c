/* File data: whole pages between the device and the caller's payload frames.
 *
 * Data never enters this domain: the block server moves it between the device and the frame that the caller names, and
 * its answers (PENDING, BUSY) go to the caller as they are. `seen` of an OK read says 1 for a hole, which the caller
 * zeroes itself: this domain has no right to the frame.
 *
 * A block that was metadata a moment ago may still be on its way to the device: data for it waits for that. */
#include "ext4.h"
#include "contracts/block_client.h"

#define PREPARE_MAX 256u

zog_status_t page_read(uint64_t node, uint64_t page, uint64_t frame, uint64_t *seen)
{
	struct inode inode;
	struct run run = { .kind = RUN_HOLE };
	zog_status_t status;

	TRY(inode_get(node, &inode));
	if (!inode_is_regular(inode.raw))
		return ZOG_ERR_ARGUMENT;
	if (page < UINT32_MAX && page * BLOCK_BYTES < inode_size(inode.raw))
		TRY(extent_map(&inode, (uint32_t)page, &run));
	*seen = 1;
	if (run.kind != RUN_WRITTEN)
		return ZOG_OK;
	status = block_transfer(frame, run.start, BLOCK_DIRECTION_READ, seen);
	if (status == ZOG_OK)
		*seen = 0;
	return status;
}

zog_status_t page_write(uint64_t node, uint64_t page, uint64_t frame, uint64_t *seen)
{
	struct inode inode;
	struct run run;

	TRY(inode_get(node, &inode));
	if (!inode_is_regular(inode.raw))
		return ZOG_ERR_ARGUMENT;
	if (page >= UINT32_MAX)
		return ZOG_ERR_NOT_FOUND;
	TRY(extent_map(&inode, (uint32_t)page, &run));
	if (run.kind != RUN_WRITTEN)
		return ZOG_ERR_NOT_FOUND;
	/* A damaged map that checksums would have caught must not lead to the file system's own blocks. */
	if (!home()->mount.has_checksums && group_owns_any(run.start, 1))
		return ZOG_ERR_CORRUPT;
	if (bounce_is_writing(run.start, seen))
		return ZOG_PENDING;
	return block_transfer(frame, run.start, BLOCK_DIRECTION_WRITE, seen);
}

/* Block after the file's block before `page`: the best place to go on. */
static zog_status_t prepare_goal(const struct inode *inode, uint32_t page, uint64_t *goal)
{
	struct run run;

	*goal = inode_goal(inode);
	if (page == 0)
		return ZOG_OK;
	TRY(extent_map(inode, page - 1, &run));
	if (run.kind != RUN_HOLE)
		*goal = run.start + 1;
	return ZOG_OK;
}

static zog_status_t hole_fill(struct inode *inode, uint32_t page, uint32_t count, uint32_t *done)
{
	struct run run = { .kind = RUN_WRITTEN };
	uint64_t goal;

	TRY(prepare_goal(inode, page, &goal));
	TRY(blocks_allocate(goal, count, &run.start, &run.length));
	TRY(extent_insert(inode, page, run));
	inode_add_blocks(inode, run.length);
	inode_dirty(inode);
	*done = run.length;
	return ZOG_OK;
}

/* The next run of the pages; *done of `count` have blocks then. */
static zog_status_t prepare_step(struct inode *inode, uint32_t page, uint32_t count, uint32_t *done)
{
	struct run run;

	TRY(extent_map(inode, page, &run));
	*done = run.length < count ? run.length : count;
	switch (run.kind) {
	case RUN_WRITTEN:
		return ZOG_OK;
	case RUN_UNWRITTEN:
		return extent_set_written(inode, page, *done);
	default:
		return hole_fill(inode, page, *done, done);
	}
}

/* No block of a file may stand behind its end: a check of the disk would take the file for longer than it is. */
static bool pages_are_inside(const struct inode *inode, uint64_t end, uint64_t size)
{
	uint64_t old = inode_size(inode->raw);

	return (end - 1) * BLOCK_BYTES < (size > old ? size : old);
}

zog_status_t page_prepare(uint64_t node, uint64_t page, uint64_t count, uint64_t size, uint64_t *prepared)
{
	zog_status_t status = ZOG_OK;
	struct inode inode;
	uint32_t done, step;

	*prepared = 0;
	if (count == 0 || count > PREPARE_MAX)
		return ZOG_ERR_ARGUMENT;
	if (page >= UINT32_MAX - count || size > (uint64_t)UINT32_MAX * BLOCK_BYTES)
		return ZOG_ERR_TOO_BIG;
	TRY(inode_get(node, &inode));
	if (!inode_is_regular(inode.raw))
		return ZOG_ERR_IS_DIRECTORY;
	if (!(inode.raw->flags & INODE_EXTENTS))
		return ZOG_ERR_UNSUPPORTED;
	if (!pages_are_inside(&inode, page + count, size))
		return ZOG_ERR_ARGUMENT;
	for (done = 0; done < count && status == ZOG_OK; done += step) {
		status = prepare_step(&inode, (uint32_t)page + done, (uint32_t)count - done, &step);
		if (status != ZOG_OK)
			step = 0;
	}
	*prepared = done;
	if (status != ZOG_OK)
		return status; /* ERR_SPACE: aborted, but so many would have found room */
	if (size > inode_size(inode.raw)) {
		inode_set_size(&inode, size);
		inode_dirty(&inode);
	}
	return ZOG_OK;
}
