/* Nodes of older file systems, mapped by direct and indirect blocks: read and freed, never extended.
 *
 * 12 direct blocks, then trees of one, two and three levels of blocks of 1024 numbers; 0 is a hole. */
#include "ext4.h"

enum { DIRECT = 12, PER_BLOCK = BLOCK_BYTES / 4, LEVELS = 3 };

/* Blocks below one entry of a tree of so many levels. */
static uint64_t span(uint32_t levels)
{
	uint64_t blocks = 1;

	while (levels--)
		blocks *= PER_BLOCK;
	return blocks;
}

zog_status_t blockmap_map(const struct inode *inode, uint32_t logical, struct run *run)
{
	uint64_t rest = logical;
	uint32_t level = 0, number;

	if (rest >= DIRECT) {
		for (level = 1, rest -= DIRECT; level <= LEVELS && rest >= span(level); level++)
			rest -= span(level);
		if (level > LEVELS)
			return ZOG_ERR_CORRUPT;
		number = inode->raw->block[DIRECT + level - 1];
	} else {
		number = inode->raw->block[rest];
	}
	for (; level && number; level--) {
		struct slot *slot;

		TRY(block_get(number, BLOCK_PLAIN, 0, &slot));
		number = ((const uint32_t *)slot_data(slot))[rest / span(level - 1)];
		rest %= span(level - 1);
	}
	if (number >= home()->mount.blocks)
		return ZOG_ERR_CORRUPT;
	*run = (struct run){ .start = number, .length = 1, .kind = number ? RUN_WRITTEN : RUN_HOLE };
	return ZOG_OK;
}

static zog_status_t number_free(struct inode *inode, uint32_t number)
{
	if (number == 0)
		return ZOG_OK;
	TRY(blocks_free(number, 1));
	block_forget(number);
	inode_add_blocks(inode, -1);
	return ZOG_OK;
}

static zog_status_t tree_free(struct inode *inode, uint32_t number, uint32_t levels)
{
	struct slot *slot;

	if (number == 0)
		return ZOG_OK;
	if (levels > 0) {
		TRY(block_get(number, BLOCK_PLAIN, 0, &slot));
		for (uint32_t i = 0; i < PER_BLOCK; i++)
			TRY(tree_free(inode, ((const uint32_t *)slot_data(slot))[i], levels - 1));
	}
	return number_free(inode, number);
}

zog_status_t blockmap_free(struct inode *inode)
{
	for (uint32_t i = 0; i < DIRECT + LEVELS; i++) {
		TRY(tree_free(inode, inode->raw->block[i], i < DIRECT ? 0 : i - DIRECT + 1));
		inode->raw->block[i] = 0;
	}
	inode_dirty(inode);
	return ZOG_OK;
}
