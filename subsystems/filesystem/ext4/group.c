/* Block groups: their descriptors, split into low and high halves, and their bitmaps.
 *
 * A group whose bitmap was never written (BLOCK_UNINIT, INODE_UNINIT) has only what its descriptor implies: the
 * bitmap is made up from that when it is first needed, and the flag goes away. */
#include "ext4.h"

static struct slot *descriptor_slot(uint32_t group)
{
	struct mount *mount = &home()->mount;

	return &home()->slot[mount->descriptor_slot[group / mount->descriptors_per_block]];
}

struct disk_group *group_get(uint32_t group)
{
	struct mount *mount = &home()->mount;
	uint32_t at = group % mount->descriptors_per_block * mount->descriptor_bytes;

	return (struct disk_group *)((uintptr_t)slot_data(descriptor_slot(group)) + at);
}

void group_dirty(uint32_t group)
{
	block_dirty(descriptor_slot(group));
}

static bool group_is_wide(void)
{
	return home()->mount.descriptor_bytes > DESCRIPTOR_BYTES_SHORT;
}

uint64_t group_first_block(uint32_t group)
{
	return (uint64_t)group * home()->mount.blocks_per_group;
}

uint32_t group_blocks(uint32_t group)
{
	const struct mount *mount = &home()->mount;
	uint64_t left = mount->blocks - group_first_block(group);

	return left < mount->blocks_per_group ? (uint32_t)left : mount->blocks_per_group;
}

uint64_t group_block_bitmap(const struct disk_group *group)
{
	return group->block_bitmap_lo | (group_is_wide() ? (uint64_t)group->block_bitmap_hi << 32 : 0);
}

uint64_t group_inode_bitmap(const struct disk_group *group)
{
	return group->inode_bitmap_lo | (group_is_wide() ? (uint64_t)group->inode_bitmap_hi << 32 : 0);
}

uint64_t group_inode_table(const struct disk_group *group)
{
	return group->inode_table_lo | (group_is_wide() ? (uint64_t)group->inode_table_hi << 32 : 0);
}

uint32_t group_free_blocks(const struct disk_group *group)
{
	return group->free_blocks_lo | (group_is_wide() ? (uint32_t)group->free_blocks_hi << 16 : 0);
}

uint32_t group_free_inodes(const struct disk_group *group)
{
	return group->free_inodes_lo | (group_is_wide() ? (uint32_t)group->free_inodes_hi << 16 : 0);
}

uint32_t group_unused_inodes(const struct disk_group *group)
{
	return group->unused_inodes_lo | (group_is_wide() ? (uint32_t)group->unused_inodes_hi << 16 : 0);
}

void group_add_free_blocks(uint32_t group, int32_t count)
{
	struct disk_group *g = group_get(group);
	uint32_t value = group_free_blocks(g) + (uint32_t)count;

	g->free_blocks_lo = (uint16_t)value;
	if (group_is_wide())
		g->free_blocks_hi = (uint16_t)(value >> 16);
	group_dirty(group);
}

void group_add_free_inodes(uint32_t group, int32_t count)
{
	struct disk_group *g = group_get(group);
	uint32_t value = group_free_inodes(g) + (uint32_t)count;

	g->free_inodes_lo = (uint16_t)value;
	if (group_is_wide())
		g->free_inodes_hi = (uint16_t)(value >> 16);
	group_dirty(group);
}

void group_add_directories(uint32_t group, int32_t count)
{
	struct disk_group *g = group_get(group);
	uint32_t value = g->directories_lo | (group_is_wide() ? (uint32_t)g->directories_hi << 16 : 0);

	value += (uint32_t)count;
	g->directories_lo = (uint16_t)value;
	if (group_is_wide())
		g->directories_hi = (uint16_t)(value >> 16);
	group_dirty(group);
}

void group_set_unused_inodes(uint32_t group, uint32_t count)
{
	struct disk_group *g = group_get(group);

	g->unused_inodes_lo = (uint16_t)count;
	if (group_is_wide())
		g->unused_inodes_hi = (uint16_t)(count >> 16);
	group_dirty(group);
}

/* --- bitmaps that were never written --- */

static bool is_power_of(uint32_t value, uint32_t base)
{
	while (value % base == 0)
		value /= base;
	return value == 1;
}

/* Whether a copy of superblock and descriptors stands at the group's start. */
static bool group_has_super(uint32_t group)
{
	if (group <= 1 || !(super_get()->ro_compat & RO_COMPAT_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

static uint32_t group_super_blocks(uint32_t group)
{
	const struct mount *mount = &home()->mount;

	if (!group_has_super(group))
		return 0;
	return 1 + (mount->groups + mount->descriptors_per_block - 1) / mount->descriptors_per_block
		+ super_get()->reserved_gdt_blocks;
}

/* Marks the part of [start, start + count) that lies in the group. */
static void bitmap_mark(void *bitmap, uint32_t group, uint64_t start, uint64_t count)
{
	uint64_t first = group_first_block(group), end = first + group_blocks(group), stop = start + count;

	start = start < first ? first : start;
	stop = stop > end ? end : stop;
	if (start < stop)
		bitmap_set(bitmap, (uint32_t)(start - first), (uint32_t)(stop - start));
}

static zog_status_t block_bitmap_make(uint32_t group, struct slot **out)
{
	const struct mount *mount = &home()->mount;
	struct disk_group *g = group_get(group);
	uint64_t table = ((uint64_t)mount->inodes_per_group * mount->inode_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
	void *bitmap;

	TRY(block_new(group_block_bitmap(g), BLOCK_BLOCK_BITMAP, group, out));
	bitmap = slot_data(*out);
	bitmap_mark(bitmap, group, group_first_block(group), group_super_blocks(group));
	bitmap_mark(bitmap, group, group_block_bitmap(g), 1);
	bitmap_mark(bitmap, group, group_inode_bitmap(g), 1);
	bitmap_mark(bitmap, group, group_inode_table(g), table);
	bitmap_set(bitmap, group_blocks(group), BLOCK_BYTES * 8 - group_blocks(group));
	g->flags &= (uint16_t)~GROUP_BLOCK_UNINIT;
	group_dirty(group);
	return ZOG_OK;
}

static zog_status_t inode_bitmap_make(uint32_t group, struct slot **out)
{
	uint32_t count = home()->mount.inodes_per_group;
	struct disk_group *g = group_get(group);

	TRY(block_new(group_inode_bitmap(g), BLOCK_INODE_BITMAP, group, out));
	bitmap_set(slot_data(*out), count, BLOCK_BYTES * 8 - count);
	g->flags &= (uint16_t)~GROUP_INODE_UNINIT;
	group_dirty(group);
	return ZOG_OK;
}

/* Uninitialised flags mean something only with descriptor checksums; older file systems leave them 0. */
zog_status_t group_get_block_bitmap(uint32_t group, struct slot **out)
{
	struct disk_group *g = group_get(group);

	if (g->flags & GROUP_BLOCK_UNINIT)
		return block_bitmap_make(group, out);
	return block_get(group_block_bitmap(g), BLOCK_BLOCK_BITMAP, group, out);
}

zog_status_t group_get_inode_bitmap(uint32_t group, struct slot **out)
{
	struct disk_group *g = group_get(group);

	if (g->flags & GROUP_INODE_UNINIT)
		return inode_bitmap_make(group, out);
	return block_get(group_inode_bitmap(g), BLOCK_INODE_BITMAP, group, out);
}

/* --- what no file may own --- */

static bool ranges_overlap(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

bool group_owns_any(uint64_t first, uint64_t count)
{
	const struct mount *mount = &home()->mount;
	uint64_t table = ((uint64_t)mount->inodes_per_group * mount->inode_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;

	for (uint32_t i = 0; i < mount->groups; i++) {
		const struct disk_group *g = group_get(i);

		if (ranges_overlap(first, count, group_first_block(i), group_super_blocks(i))
			|| ranges_overlap(first, count, group_block_bitmap(g), 1)
			|| ranges_overlap(first, count, group_inode_bitmap(g), 1)
			|| ranges_overlap(first, count, group_inode_table(g), table))
			return true;
	}
	return false;
}
