/* The superblock: what this driver can mount, and the counters it keeps.
 *
 * Mounting is an ordinary operation: it takes block 0 and the descriptor blocks through the cache, checks them, pins
 * them and fills home->mount. It changes nothing on the disk. A disk that can't be mounted is reported once, with what
 * to do about it. The state word on the disk says "valid" exactly while no metadata is dirty after a final sync. */
#include "ext4.h"
#include "contracts/block_client.h"

#define INCOMPAT_KNOWN \
	(INCOMPAT_FILETYPE | INCOMPAT_EXTENTS | INCOMPAT_64BIT | INCOMPAT_FLEX_BG | INCOMPAT_CSUM_SEED)
#define RO_COMPAT_KNOWN \
	(RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | RO_COMPAT_DIR_NLINK \
		| RO_COMPAT_EXTRA_ISIZE | RO_COMPAT_METADATA_CSUM)

struct disk_super *super_get(void)
{
	return (struct disk_super *)(home()->data[home()->mount.super_slot] + SUPER_OFFSET);
}

void super_touch(void)
{
	struct disk_super *super;

	if (!home()->mount.is_mounted)
		return;
	super = super_get();
	if (!(super->state & SUPER_STATE_VALID))
		return;
	super->state &= (uint16_t)~SUPER_STATE_VALID;
	block_dirty(&home()->slot[home()->mount.super_slot]);
}

uint64_t super_free_blocks(void)
{
	const struct disk_super *super = super_get();

	return (uint64_t)super->free_blocks_hi << 32 | super->free_blocks_lo;
}

void super_add_free_blocks(int64_t count)
{
	struct disk_super *super = super_get();
	uint64_t blocks = super_free_blocks() + (uint64_t)count;

	super->free_blocks_lo = (uint32_t)blocks;
	if (super->incompat & INCOMPAT_64BIT)
		super->free_blocks_hi = (uint32_t)(blocks >> 32);
	block_dirty(&home()->slot[home()->mount.super_slot]);
}

static uint64_t super_blocks(const struct disk_super *super)
{
	uint64_t high = super->incompat & INCOMPAT_64BIT ? super->blocks_count_hi : 0;

	return high << 32 | super->blocks_count_lo;
}

static zog_status_t refuse(zog_status_t status, const char *why, uint32_t detail)
{
	if (home()->mount.error == ZOG_OK)
		rt_log(RT_ERROR, "ext4: %s (0x%x)", why, detail);
	home()->mount.error = status;
	return status;
}

static zog_status_t features_check(const struct disk_super *super)
{
	if (super->incompat & INCOMPAT_RECOVER)
		return refuse(ZOG_ERR_UNSUPPORTED,
			"the journal holds changes that were not applied: run e2fsck on the image first", super->incompat);
	if (super->incompat & ~(uint32_t)INCOMPAT_KNOWN)
		return refuse(ZOG_ERR_UNSUPPORTED,
			"incompatible features this driver doesn't know: make the image with mke2fs -t ext4",
			super->incompat & ~(uint32_t)INCOMPAT_KNOWN);
	if (super->ro_compat & ~(uint32_t)RO_COMPAT_KNOWN)
		return refuse(ZOG_ERR_UNSUPPORTED,
			"read-only features this driver doesn't know: make the image with mke2fs -t ext4",
			super->ro_compat & ~(uint32_t)RO_COMPAT_KNOWN);
	if (super->log_block_size != 2)
		return refuse(ZOG_ERR_UNSUPPORTED,
			"blocks are not 4096 bytes: make the image with mke2fs -t ext4 -b 4096",
			1024u << (super->log_block_size & 15));
	return ZOG_OK;
}

static bool geometry_is_sane(const struct disk_super *super)
{
	uint64_t blocks = super_blocks(super);
	uint32_t desc = super->incompat & INCOMPAT_64BIT ? super->descriptor_size : DESCRIPTOR_BYTES_SHORT;
	uint64_t groups;

	if (super->blocks_per_group == 0 || super->blocks_per_group > BLOCK_BYTES * 8 || super->blocks_per_group % 8
		|| super->inodes_per_group == 0 || super->inodes_per_group > BLOCK_BYTES * 8
		|| super->inodes_per_group % 8 || super->first_data_block != 0 || blocks < 8)
		return false;
	if (super->revision == 0 || super->inode_size < INODE_BYTES_SHORT || super->inode_size > BLOCK_BYTES
		|| (super->inode_size & (super->inode_size - 1)) || super->first_inode < 11)
		return false;
	if (desc < DESCRIPTOR_BYTES_SHORT || desc > 64 || (desc & (desc - 1)))
		return false;
	groups = (blocks + super->blocks_per_group - 1) / super->blocks_per_group;
	return groups * super->inodes_per_group == super->inodes_count && super->free_inodes <= super->inodes_count;
}

static zog_status_t super_check(const struct disk_super *super)
{
	uint64_t device_blocks, read_only;

	if (super->magic != SUPER_MAGIC)
		return refuse(ZOG_ERR_CORRUPT, "no ext4 superblock: make one with mke2fs -t ext4, or run e2fsck -b 32768",
			super->magic);
	TRY(features_check(super));
	if ((super->ro_compat & RO_COMPAT_METADATA_CSUM) && super->checksum != super_checksum(super))
		return refuse(ZOG_ERR_CORRUPT, "the superblock's checksum is wrong: run e2fsck -b 32768 on the image",
			super->checksum);
	if (!geometry_is_sane(super))
		return refuse(ZOG_ERR_CORRUPT, "the superblock's numbers don't fit each other: run e2fsck on the image",
			super->blocks_count_lo);
	TRY(block_capacity(&device_blocks, &read_only));
	if (super_blocks(super) > device_blocks)
		return refuse(ZOG_ERR_CORRUPT, "the disk is shorter than its file system: restore the whole image",
			(uint32_t)device_blocks);
	return ZOG_OK;
}

static void mount_fill(const struct disk_super *super)
{
	struct mount *mount = &home()->mount;

	mount->blocks = super_blocks(super);
	mount->inodes = super->inodes_count;
	mount->blocks_per_group = super->blocks_per_group;
	mount->inodes_per_group = super->inodes_per_group;
	mount->groups = (uint32_t)((mount->blocks + super->blocks_per_group - 1) / super->blocks_per_group);
	mount->inode_bytes = super->inode_size;
	mount->descriptor_bytes = super->incompat & INCOMPAT_64BIT ? super->descriptor_size : DESCRIPTOR_BYTES_SHORT;
	mount->descriptors_per_block = BLOCK_BYTES / mount->descriptor_bytes;
	mount->first_inode = super->first_inode;
	mount->extra_isize = super->inode_size > INODE_BYTES_SHORT ? INODE_EXTRA_BYTES : 0;
	mount->has_checksums = (super->ro_compat & RO_COMPAT_METADATA_CSUM) != 0;
	mount->has_file_types = (super->incompat & INCOMPAT_FILETYPE) != 0;
	mount->has_orphans = super->last_orphan != 0;
	mount->seed = super->incompat & INCOMPAT_CSUM_SEED ? super->checksum_seed
		: crc32c(~0u, super->uuid, sizeof(super->uuid));
	mount->generation = crc32c(mount->seed ^ super->write_time, super, sizeof(*super));
}

static bool descriptor_is_sane(const struct disk_group *g)
{
	const struct mount *mount = &home()->mount;
	uint64_t table = ((uint64_t)mount->inodes_per_group * mount->inode_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;

	return group_block_bitmap(g) < mount->blocks && group_inode_bitmap(g) < mount->blocks
		&& group_block_bitmap(g) != 0 && group_inode_bitmap(g) != 0 && group_inode_table(g) != 0
		&& group_inode_table(g) + table <= mount->blocks && group_free_inodes(g) <= mount->inodes_per_group
		&& group_free_blocks(g) <= mount->blocks_per_group
		&& group_unused_inodes(g) <= mount->inodes_per_group;
}

static zog_status_t descriptors_load(void)
{
	struct mount *mount = &home()->mount;
	uint32_t count = (mount->groups + mount->descriptors_per_block - 1) / mount->descriptors_per_block;

	if (count > DESCRIPTOR_BLOCK_MAX)
		return refuse(ZOG_ERR_UNSUPPORTED, "the file system is too big: use at most 8 TiB", mount->groups);
	for (uint32_t i = 0; i < count; i++) {
		struct slot *slot;
		zog_status_t status = block_get(1 + i, BLOCK_DESCRIPTORS, i * mount->descriptors_per_block, &slot);

		if (status == ZOG_ERR_CORRUPT)
			return refuse(status, "a group descriptor's checksum is wrong: run e2fsck on the image", i);
		TRY(status);
		slot->is_pinned = 1;
		mount->descriptor_slot[i] = (uint16_t)(slot - home()->slot);
	}
	for (uint32_t i = 0; i < mount->groups; i++) {
		if (!descriptor_is_sane(group_get(i)))
			return refuse(ZOG_ERR_CORRUPT, "a group descriptor is damaged: run e2fsck on the image", i);
	}
	return ZOG_OK;
}

zog_status_t super_mount(void)
{
	struct mount *mount = &home()->mount;
	struct disk_super *super;
	struct slot *slot;

	if (mount->error)
		return mount->error;
	TRY(block_get(0, BLOCK_SUPER, 0, &slot));
	slot->is_pinned = 1;
	mount->super_slot = (uint16_t)(slot - home()->slot);
	super = super_get();
	TRY(super_check(super));
	mount_fill(super);
	TRY(descriptors_load());
	if (!(super->state & SUPER_STATE_VALID))
		rt_log(RT_WARN, "ext4: the disk was not cleanly unmounted: run e2fsck on it when convenient");
	home()->sync.is_marked = !(super->state & SUPER_STATE_VALID);
	mount->is_mounted = 1;
	return ZOG_OK;
}
