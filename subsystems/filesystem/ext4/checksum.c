/* Checksums of metadata_csum: CRC-32C, seeded with the file system's, and where needed the inode's, identity.
 *
 * block_seal() writes a block's checksum into it, or into its group's descriptor for bitmaps; it runs just before the
 * block goes to the device. block_verify() checks a block once, when it was read. Without the metadata_csum feature
 * both pass. Layouts: Documentation/filesystems/ext4, "Checksums". */
#include "ext4.h"

/* CRC-32C without the final inversion, as ext4 chains it. The instruction is in every x86-64-v2 CPU. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t wide = crc;

	for (; size >= 8; size -= 8, p += 8)
		__asm__("crc32q %1, %0" : "+r"(wide) : "m"(*(const uint64_t *)p));
	crc = (uint32_t)wide;
	for (; size; size--, p++)
		__asm__("crc32b %1, %0" : "+r"(crc) : "m"(*p));
	return crc;
}

/* Of [data, data + size) with the `length` bytes at `hole` taken as zero; length <= 4. */
static uint32_t crc32c_without(uint32_t crc, const void *data, size_t size, size_t hole, size_t length)
{
	static const uint8_t zero[4];
	const uint8_t *p = data;

	crc = crc32c(crc, p, hole);
	crc = crc32c(crc, zero, length);
	return crc32c(crc, p + hole + length, size - hole - length);
}

uint32_t super_checksum(const struct disk_super *super)
{
	return crc32c(~0u, super, offsetof(struct disk_super, checksum));
}

/* --- inodes --- */

uint32_t inode_seed(const struct disk_inode *inode, uint32_t number)
{
	uint32_t crc = crc32c(home()->mount.seed, &number, sizeof(number));

	return crc32c(crc, &inode->generation, sizeof(inode->generation));
}

static bool inode_has_wide_checksum(const struct disk_inode *inode)
{
	return home()->mount.inode_bytes > INODE_BYTES_SHORT && inode->extra_isize >= 4;
}

static uint32_t inode_checksum(const struct disk_inode *inode, uint32_t number)
{
	const uint8_t *p = (const uint8_t *)inode;
	uint32_t size = home()->mount.inode_bytes;
	uint32_t low = offsetof(struct disk_inode, checksum_lo), crc = inode_seed(inode, number);

	if (!inode_has_wide_checksum(inode))
		return crc32c_without(crc, p, size, low, 2);
	crc = crc32c_without(crc, p, INODE_BYTES_SHORT, low, 2);
	return crc32c_without(crc, p + INODE_BYTES_SHORT, size - INODE_BYTES_SHORT,
		offsetof(struct disk_inode, checksum_hi) - INODE_BYTES_SHORT, 2);
}

void inode_seal(struct disk_inode *inode, uint32_t number)
{
	uint32_t crc;

	if (!home()->mount.has_checksums)
		return;
	crc = inode_checksum(inode, number);
	inode->checksum_lo = (uint16_t)crc;
	if (inode_has_wide_checksum(inode))
		inode->checksum_hi = (uint16_t)(crc >> 16);
}

bool inode_verify(const struct disk_inode *inode, uint32_t number)
{
	uint32_t crc;

	if (!home()->mount.has_checksums)
		return true;
	crc = inode_checksum(inode, number);
	if (inode_has_wide_checksum(inode))
		return crc == ((uint32_t)inode->checksum_hi << 16 | inode->checksum_lo);
	return (uint16_t)crc == inode->checksum_lo;
}

/* --- directory blocks --- */

/* Both shapes of an htree block: the root after "." and "..", or one unused entry over the whole block. */
static uint32_t index_limit_offset(const void *block)
{
	const struct disk_entry *first = block;
	const struct disk_entry *second = (const struct disk_entry *)((const uint8_t *)block + 12);

	if (first->inode == 0 && first->length == BLOCK_BYTES)
		return 8;
	if (first->length == 12 && second->length == BLOCK_BYTES - 12)
		return 32;
	return 0;
}

bool directory_is_index(const void *block)
{
	return index_limit_offset(block) != 0;
}

static bool index_verify(const uint8_t *block, uint32_t key)
{
	static const uint32_t zero;
	uint32_t at = index_limit_offset(block), crc;
	const struct disk_index_limit *limit = (const struct disk_index_limit *)(block + at);
	const struct disk_index_tail *tail;

	if (limit->count > limit->limit || at + limit->limit * 8u + sizeof(*tail) > BLOCK_BYTES)
		return false;
	tail = (const struct disk_index_tail *)(block + at + limit->limit * 8u);
	crc = crc32c(key, block, at + limit->count * 8u);
	crc = crc32c(crc, &tail->reserved, sizeof(tail->reserved));
	return crc32c(crc, &zero, sizeof(zero)) == tail->checksum;
}

static struct disk_entry_tail *directory_tail(const void *block)
{
	return (struct disk_entry_tail *)((uintptr_t)block + BLOCK_BYTES - sizeof(struct disk_entry_tail));
}

static bool directory_verify(const void *block, uint32_t key)
{
	const struct disk_entry_tail *tail = directory_tail(block);

	if (directory_is_index(block))
		return index_verify(block, key);
	return tail->length == sizeof(*tail) && tail->type == ENTRY_TAIL_TYPE
		&& tail->checksum == crc32c(key, block, BLOCK_BYTES - sizeof(*tail));
}

static void directory_seal(void *block, uint32_t key)
{
	struct disk_entry_tail *tail = directory_tail(block);

	*tail = (struct disk_entry_tail){ .length = sizeof(*tail), .type = ENTRY_TAIL_TYPE,
		.checksum = crc32c(key, block, BLOCK_BYTES - sizeof(*tail)) };
}

/* --- extent blocks --- */

#define EXTENT_TAIL (12 + EXTENT_BLOCK_ENTRIES * 12)

static bool extents_verify(const uint8_t *block, uint32_t key)
{
	const struct disk_extent_header *header = (const struct disk_extent_header *)block;

	return header->magic == EXTENT_MAGIC && header->max == EXTENT_BLOCK_ENTRIES
		&& (!home()->mount.has_checksums
			|| *(const uint32_t *)(block + EXTENT_TAIL) == crc32c(key, block, EXTENT_TAIL));
}

/* --- bitmaps, descriptors --- */

static uint32_t bitmap_checksum(const void *bitmap, enum block_kind kind)
{
	const struct mount *mount = &home()->mount;

	return crc32c(mount->seed, bitmap,
		(kind == BLOCK_BLOCK_BITMAP ? mount->blocks_per_group : mount->inodes_per_group) / 8);
}

static bool bitmap_verify(const void *bitmap, enum block_kind kind, uint32_t group)
{
	const struct disk_group *g = group_get(group);
	uint32_t crc = bitmap_checksum(bitmap, kind);
	bool is_blocks = kind == BLOCK_BLOCK_BITMAP;

	if ((uint16_t)crc != (is_blocks ? g->block_bitmap_csum_lo : g->inode_bitmap_csum_lo))
		return false;
	return home()->mount.descriptor_bytes <= DESCRIPTOR_BYTES_SHORT
		|| crc >> 16 == (is_blocks ? g->block_bitmap_csum_hi : g->inode_bitmap_csum_hi);
}

static void bitmap_seal(const void *bitmap, enum block_kind kind, uint32_t group)
{
	struct disk_group *g = group_get(group);
	uint32_t crc = bitmap_checksum(bitmap, kind);
	bool is_blocks = kind == BLOCK_BLOCK_BITMAP, is_wide = home()->mount.descriptor_bytes > DESCRIPTOR_BYTES_SHORT;

	if (bitmap_verify(bitmap, kind, group))
		return;
	if (is_blocks)
		g->block_bitmap_csum_lo = (uint16_t)crc;
	else
		g->inode_bitmap_csum_lo = (uint16_t)crc;
	if (is_wide && is_blocks)
		g->block_bitmap_csum_hi = (uint16_t)(crc >> 16);
	else if (is_wide)
		g->inode_bitmap_csum_hi = (uint16_t)(crc >> 16);
	group_dirty(group);
}

static uint16_t descriptor_checksum(const struct disk_group *g, uint32_t group)
{
	uint32_t crc = crc32c(home()->mount.seed, &group, sizeof(group));

	return (uint16_t)crc32c_without(crc, g, home()->mount.descriptor_bytes,
		offsetof(struct disk_group, checksum), 2);
}

/* How many descriptors of the block that starts with group `first` are in use. */
static uint32_t descriptors_in_block(uint32_t first)
{
	const struct mount *mount = &home()->mount;
	uint32_t left = mount->groups - first;

	return left < mount->descriptors_per_block ? left : mount->descriptors_per_block;
}

static struct disk_group *descriptor_at(const void *block, uint32_t index)
{
	return (struct disk_group *)((uintptr_t)block + index * home()->mount.descriptor_bytes);
}

static void descriptors_seal(void *block, uint32_t first)
{
	for (uint32_t i = 0; i < descriptors_in_block(first); i++) {
		struct disk_group *g = descriptor_at(block, i);
		uint16_t crc = descriptor_checksum(g, first + i);

		if (g->checksum != crc)
			g->checksum = crc;
	}
}

static bool descriptors_verify(const void *block, uint32_t first)
{
	for (uint32_t i = 0; i < descriptors_in_block(first); i++) {
		const struct disk_group *g = descriptor_at(block, i);

		if (g->checksum != descriptor_checksum(g, first + i))
			return false;
	}
	return true;
}

static uint32_t xattr_checksum(const void *block, uint64_t number)
{
	uint32_t crc = crc32c(home()->mount.seed, &number, sizeof(number));

	return crc32c_without(crc, block, BLOCK_BYTES, offsetof(struct disk_xattr_header, checksum), 4);
}

/* --- by kind --- */

void block_seal(struct slot *slot)
{
	void *data = slot_data(slot);

	if (!home()->mount.has_checksums)
		return;
	switch (slot->kind) {
	case BLOCK_SUPER: {
		struct disk_super *super = (struct disk_super *)((uintptr_t)data + SUPER_OFFSET);

		super->checksum = super_checksum(super);
		break;
	}
	case BLOCK_DESCRIPTORS:
		descriptors_seal(data, slot->key);
		break;
	case BLOCK_BLOCK_BITMAP:
	case BLOCK_INODE_BITMAP:
		bitmap_seal(data, slot->kind, slot->key);
		break;
	case BLOCK_DIRECTORY:
		directory_seal(data, slot->key);
		break;
	case BLOCK_EXTENTS:
		*(uint32_t *)((uintptr_t)data + EXTENT_TAIL) = crc32c(slot->key, data, EXTENT_TAIL);
		break;
	case BLOCK_XATTR:
		((struct disk_xattr_header *)data)->checksum = xattr_checksum(data, slot->block);
		break;
	}
}

bool block_verify(const struct slot *slot, enum block_kind kind, uint32_t key)
{
	const void *data = slot_data(slot);

	if (kind == BLOCK_EXTENTS)
		return extents_verify(data, key);
	if (kind == BLOCK_XATTR && ((const struct disk_xattr_header *)data)->magic != XATTR_MAGIC)
		return false;
	if (!home()->mount.has_checksums)
		return true;
	switch (kind) {
	case BLOCK_DESCRIPTORS:
		return descriptors_verify(data, key);
	case BLOCK_BLOCK_BITMAP:
	case BLOCK_INODE_BITMAP:
		return bitmap_verify(data, kind, key);
	case BLOCK_DIRECTORY:
		return directory_verify(data, key);
	case BLOCK_XATTR:
		return ((const struct disk_xattr_header *)data)->checksum == xattr_checksum(data, slot->block);
	default:
		return true; /* the superblock is checked by super_mount */
	}
}
