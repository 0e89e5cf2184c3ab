/* Extent trees, reading: the way from an inode to the extent of a logical block.
 *
 * The root (4 entries) stands in the inode, other nodes are blocks of 340 entries. All entries of a node are sorted by
 * logical block; the key of an inner entry equals the first key below it. Nodes are checked before their entries are
 * used: a damaged tree answers ERR_CORRUPT and is never followed. */
#include "ext4.h"

uint64_t extent_start(const struct disk_extent *extent)
{
	return (uint64_t)extent->start_hi << 32 | extent->start_lo;
}

bool extent_is_unwritten(const struct disk_extent *extent)
{
	return extent->length > EXTENT_LENGTH_MAX;
}

uint32_t extent_length(const struct disk_extent *extent)
{
	return extent->length > EXTENT_LENGTH_MAX ? extent->length - EXTENT_LENGTH_MAX : extent->length;
}

uint64_t extent_child(const struct disk_extent_index *index)
{
	return (uint64_t)index->child_hi << 32 | index->child_lo;
}

struct disk_extent *extent_entry(const struct extent_step *step, uint32_t index)
{
	return (struct disk_extent *)(step->header + 1) + index;
}

struct disk_extent_index *extent_index(const struct extent_step *step, uint32_t index)
{
	return (struct disk_extent_index *)(step->header + 1) + index;
}

void extent_init(struct inode *inode)
{
	struct disk_extent_header *header = (struct disk_extent_header *)inode->raw->bytes;

	inode->raw->flags |= INODE_EXTENTS;
	memset(inode->raw->bytes, 0, sizeof(inode->raw->bytes));
	header->magic = EXTENT_MAGIC;
	header->max = EXTENT_ROOT_ENTRIES;
}

void extent_step_dirty(struct inode *inode, struct extent_step *step)
{
	if (step->slot)
		block_dirty(step->slot);
	else
		inode_dirty(inode);
}

static bool node_is_sane(const struct disk_extent_header *header, uint32_t depth, uint32_t max)
{
	return header->magic == EXTENT_MAGIC && header->depth == depth && header->max == max
		&& header->entries <= max && (depth == 0 || header->entries > 0);
}

/* Leaf and inner entries both begin with their logical block, and are 12 bytes long. */
static uint32_t entry_key(const struct extent_step *step, uint32_t index)
{
	return extent_entry(step, index)->logical;
}

/* Last entry whose key is at most `logical`; -1: none. */
static int32_t node_search(const struct extent_step *step, uint32_t logical)
{
	int32_t low = 0, high = (int32_t)step->header->entries;

	while (low < high) {
		int32_t middle = (low + high) / 2;

		if (entry_key(step, (uint32_t)middle) <= logical)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

zog_status_t extent_walk(const struct inode *inode, uint32_t logical, struct extent_path *path)
{
	struct disk_extent_header *header = (struct disk_extent_header *)inode->raw->bytes;
	uint32_t depth = header->depth, max = EXTENT_ROOT_ENTRIES;
	struct slot *slot = NULL;

	if (depth > EXTENT_DEPTH_MAX)
		return ZOG_ERR_CORRUPT;
	path->depth = depth;
	for (uint32_t level = 0;; level++) {
		struct extent_step *step = &path->step[level];

		if (!node_is_sane(header, depth - level, max))
			return ZOG_ERR_CORRUPT;
		step->header = header;
		step->slot = slot;
		step->index = node_search(step, logical);
		if (level == depth)
			return ZOG_OK;
		if (step->index < 0)
			step->index = 0;
		TRY(block_get(extent_child(extent_index(step, (uint32_t)step->index)), BLOCK_EXTENTS, inode->seed,
			&slot));
		header = slot_data(slot);
		max = EXTENT_BLOCK_ENTRIES;
	}
}

/* Logical block at which the hole after the path's place ends. */
static uint64_t hole_end(const struct extent_path *path)
{
	for (int32_t level = (int32_t)path->depth; level >= 0; level--) {
		const struct extent_step *step = &path->step[level];

		if (step->index + 1 < (int32_t)step->header->entries)
			return entry_key(step, (uint32_t)(step->index + 1));
	}
	return UINT32_MAX;
}

zog_status_t extent_map(const struct inode *inode, uint32_t logical, struct run *run)
{
	struct extent_path path;
	struct extent_step *leaf;

	if (!(inode->raw->flags & INODE_EXTENTS))
		return blockmap_map(inode, logical, run);
	TRY(extent_walk(inode, logical, &path));
	leaf = &path.step[path.depth];
	if (leaf->index >= 0) {
		const struct disk_extent *extent = extent_entry(leaf, (uint32_t)leaf->index);
		uint32_t at = logical - extent->logical;

		if (at < extent_length(extent)) {
			run->start = extent_start(extent) + at;
			run->length = extent_length(extent) - at;
			run->kind = extent_is_unwritten(extent) ? RUN_UNWRITTEN : RUN_WRITTEN;
			if (extent_start(extent) == 0
				|| extent_start(extent) + extent_length(extent) > home()->mount.blocks)
				return ZOG_ERR_CORRUPT;
			return ZOG_OK;
		}
	}
	*run = (struct run){ .length = (uint32_t)(hole_end(&path) - logical), .kind = RUN_HOLE };
	return run->length ? ZOG_OK : ZOG_ERR_CORRUPT;
}
