/* Allocation of blocks and inodes: bitmaps, group counters and superblock counters move together.
 *
 * Blocks come in runs. The block right at the goal wins (it continues the file's last extent); else the first run of a
 * decent length in the goal's group or the groups after it; else any free block. */
#include "ext4.h"

#define RUN_DECENT 16u

/* Scratch: where the last run in that group ended. A search without a goal inside the group begins there. */
static uint32_t hint_group, hint_bit;

struct bit_run {
	uint32_t first, length;
};

/* First run of at least `minimum` clear bits in [from, end), cut to `want`. Length 0: none. */
static struct bit_run run_find(const void *bitmap, uint32_t from, uint32_t end, uint32_t minimum, uint32_t want)
{
	while (from < end) {
		uint32_t first = bitmap_find_clear(bitmap, from, end);
		uint32_t limit = end - first < want ? end : first + want;
		uint32_t stop = bitmap_find_set(bitmap, first, limit);

		if (stop - first >= minimum && stop > first)
			return (struct bit_run){ first, stop - first };
		from = stop + 1;
	}
	return (struct bit_run){ 0, 0 };
}

/* goal 0: none inside the group. */
static struct bit_run group_run(const void *bitmap, uint32_t group, uint32_t goal, uint32_t minimum, uint32_t want)
{
	uint32_t blocks = group_blocks(group), from = goal == 0 && group == hint_group ? hint_bit : goal;
	struct bit_run run;

	if (goal && goal < blocks && !bitmap_test(bitmap, goal))
		return run_find(bitmap, goal, blocks, 1, want);
	run = run_find(bitmap, from, blocks, minimum, want);
	return run.length || from == 0 ? run : run_find(bitmap, 0, blocks, minimum, want);
}

static void blocks_take(uint32_t group, struct slot *bitmap, struct bit_run run)
{
	bitmap_set(slot_data(bitmap), run.first, run.length);
	block_dirty(bitmap);
	group_add_free_blocks(group, -(int32_t)run.length);
	super_add_free_blocks(-(int64_t)run.length);
	hint_group = group;
	hint_bit = run.first + run.length;
}

/* One pass over all groups from the goal's on. Length 0 in *run: nothing of that size. */
static zog_status_t groups_search(uint64_t goal, uint32_t minimum, uint32_t want, uint64_t *first, uint32_t *got)
{
	const struct mount *mount = &home()->mount;
	uint32_t start = (uint32_t)(goal / mount->blocks_per_group);

	*got = 0;
	for (uint32_t i = 0; i < mount->groups; i++) {
		uint32_t group = (start + i) % mount->groups;
		struct slot *bitmap;
		struct bit_run run;

		if (group_free_blocks(group_get(group)) < minimum)
			continue;
		TRY(group_get_block_bitmap(group, &bitmap));
		run = group_run(slot_data(bitmap), group,
			i == 0 ? (uint32_t)(goal % mount->blocks_per_group) : 0, minimum, want);
		if (run.length == 0)
			continue;
		blocks_take(group, bitmap, run);
		*first = group_first_block(group) + run.first;
		*got = run.length;
		return ZOG_OK;
	}
	return ZOG_OK;
}

zog_status_t blocks_allocate(uint64_t goal, uint32_t want, uint64_t *first, uint32_t *got)
{
	uint32_t decent = want < RUN_DECENT ? want : RUN_DECENT;

	if (super_free_blocks() == 0)
		return ZOG_ERR_SPACE;
	if (goal >= home()->mount.blocks)
		goal = 0;
	TRY(groups_search(goal, decent, want, first, got));
	if (*got == 0)
		TRY(groups_search(goal, 1, want, first, got));
	return *got ? ZOG_OK : ZOG_ERR_SPACE;
}

zog_status_t blocks_free(uint64_t first, uint32_t count)
{
	const struct mount *mount = &home()->mount;

	if (first == 0 || first >= mount->blocks || count > mount->blocks - first
		|| group_owns_any(first, count))
		return ZOG_ERR_CORRUPT;
	while (count) {
		uint32_t group = (uint32_t)(first / mount->blocks_per_group);
		uint32_t bit = (uint32_t)(first % mount->blocks_per_group);
		uint32_t n = group_blocks(group) - bit < count ? group_blocks(group) - bit : count;
		struct slot *bitmap;

		TRY(group_get_block_bitmap(group, &bitmap));
		if (bitmap_find_clear(slot_data(bitmap), bit, bit + n) != bit + n)
			return ZOG_ERR_CORRUPT; /* freed twice */
		bitmap_clear(slot_data(bitmap), bit, n);
		block_dirty(bitmap);
		group_add_free_blocks(group, (int32_t)n);
		super_add_free_blocks(n);
		first += n;
		count -= n;
	}
	return ZOG_OK;
}

/* --- inodes --- */

static void super_add_free_inodes(int32_t count)
{
	super_get()->free_inodes += (uint32_t)count;
	block_dirty(&home()->slot[home()->mount.super_slot]);
}

static void inode_take(uint32_t group, struct slot *bitmap, uint32_t bit, bool is_directory)
{
	uint32_t per_group = home()->mount.inodes_per_group, unused = group_unused_inodes(group_get(group));

	bitmap_set(slot_data(bitmap), bit, 1);
	block_dirty(bitmap);
	if (bit >= per_group - unused)
		group_set_unused_inodes(group, per_group - bit - 1);
	group_add_free_inodes(group, -1);
	if (is_directory)
		group_add_directories(group, 1);
	super_add_free_inodes(-1);
}

zog_status_t inode_allocate(uint32_t parent, uint16_t mode, uint32_t *number)
{
	const struct mount *mount = &home()->mount;
	uint32_t start = (parent - 1) / mount->inodes_per_group;

	for (uint32_t i = 0; i < mount->groups; i++) {
		uint32_t group = (start + i) % mount->groups, bit;
		struct slot *bitmap;

		if (group_free_inodes(group_get(group)) == 0)
			continue;
		TRY(group_get_inode_bitmap(group, &bitmap));
		bit = bitmap_find_clear(slot_data(bitmap), group == 0 ? mount->first_inode - 1 : 0,
			mount->inodes_per_group);
		if (bit == mount->inodes_per_group)
			continue;
		inode_take(group, bitmap, bit, (mode & MODE_TYPE) == MODE_DIRECTORY);
		*number = group * mount->inodes_per_group + bit + 1;
		return ZOG_OK;
	}
	return ZOG_ERR_SPACE;
}

zog_status_t inode_release(uint32_t number, bool is_directory)
{
	uint32_t group = (number - 1) / home()->mount.inodes_per_group;
	uint32_t bit = (number - 1) % home()->mount.inodes_per_group;
	struct slot *bitmap;

	TRY(group_get_inode_bitmap(group, &bitmap));
	if (!bitmap_test(slot_data(bitmap), bit))
		return ZOG_ERR_CORRUPT;
	bitmap_clear(slot_data(bitmap), bit, 1);
	block_dirty(bitmap);
	group_add_free_inodes(group, 1);
	if (is_directory)
		group_add_directories(group, -1);
	super_add_free_inodes(1);
	return ZOG_OK;
}
