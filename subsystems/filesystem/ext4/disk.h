/* ext4 as it stands on the disk: structures, flags and magic numbers, with 4 KiB blocks.
 *
 * Field names and offsets follow the kernel's Documentation/filesystems/ext4 ("Data Structures and Algorithms").
 * All fields are little-endian, as is the only machine this is built for, so they are used in place. */
#ifndef EXT4_DISK_H
#define EXT4_DISK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES 4096u
#define SUPER_OFFSET 1024u /* in block 0 */
#define SUPER_MAGIC 0xef53u
#define SUPER_STATE_VALID 1u

enum feature_compat {
	COMPAT_HAS_JOURNAL = 0x4,
};
enum feature_incompat {
	INCOMPAT_FILETYPE = 0x2,
	INCOMPAT_RECOVER = 0x4,
	INCOMPAT_EXTENTS = 0x40,
	INCOMPAT_64BIT = 0x80,
	INCOMPAT_FLEX_BG = 0x200,
	INCOMPAT_CSUM_SEED = 0x2000,
};
enum feature_ro_compat {
	RO_COMPAT_SPARSE_SUPER = 0x1,
	RO_COMPAT_LARGE_FILE = 0x2,
	RO_COMPAT_HUGE_FILE = 0x8,
	RO_COMPAT_DIR_NLINK = 0x20,
	RO_COMPAT_EXTRA_ISIZE = 0x40,
	RO_COMPAT_METADATA_CSUM = 0x400,
};

struct disk_super {
	uint32_t inodes_count, blocks_count_lo, reserved_blocks_lo, free_blocks_lo;
	uint32_t free_inodes, first_data_block, log_block_size, log_cluster_size;
	uint32_t blocks_per_group, clusters_per_group, inodes_per_group, mount_time;
	uint32_t write_time;
	uint16_t mount_count, mount_count_max, magic, state, errors, minor_revision;
	uint32_t check_time, check_interval, creator_os, revision;
	uint16_t reserved_uid, reserved_gid;
	uint32_t first_inode;
	uint16_t inode_size, group_number;
	uint32_t compat, incompat, ro_compat;
	uint8_t uuid[16], volume_name[16], last_mounted[64];
	uint32_t algorithm_bitmap;
	uint8_t preallocate_blocks, preallocate_dir_blocks;
	uint16_t reserved_gdt_blocks;
	uint8_t journal_uuid[16];
	uint32_t journal_inode, journal_device, last_orphan, hash_seed[4];
	uint8_t hash_version, journal_backup_type;
	uint16_t descriptor_size;
	uint32_t mount_options, first_meta_group, mkfs_time, journal_blocks[17];
	uint32_t blocks_count_hi, reserved_blocks_hi, free_blocks_hi;
	uint16_t extra_isize_min, extra_isize_want;
	uint8_t rest1[0x270 - 0x160];
	uint32_t checksum_seed;
	uint8_t rest2[0x3fc - 0x274];
	uint32_t checksum;
};
_Static_assert(sizeof(struct disk_super) == 1024, "superblock is 1 KiB");
_Static_assert(offsetof(struct disk_super, magic) == 0x38, "s_magic");
_Static_assert(offsetof(struct disk_super, last_orphan) == 0xe8, "s_last_orphan");
_Static_assert(offsetof(struct disk_super, blocks_count_hi) == 0x150, "s_blocks_count_hi");

enum group_flag { GROUP_INODE_UNINIT = 1, GROUP_BLOCK_UNINIT = 2, GROUP_INODE_ZEROED = 4 };
#define DESCRIPTOR_BYTES_SHORT 32u /* without the 64bit feature the structure ends before the *_hi fields */
struct disk_group {
	uint32_t block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
	uint16_t free_blocks_lo, free_inodes_lo, directories_lo, flags;
	uint32_t exclude_bitmap_lo;
	uint16_t block_bitmap_csum_lo, inode_bitmap_csum_lo, unused_inodes_lo, checksum;
	uint32_t block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
	uint16_t free_blocks_hi, free_inodes_hi, directories_hi, unused_inodes_hi;
	uint32_t exclude_bitmap_hi;
	uint16_t block_bitmap_csum_hi, inode_bitmap_csum_hi;
	uint32_t reserved;
};
_Static_assert(sizeof(struct disk_group) == 64, "group descriptor");

enum inode_mode {
	MODE_TYPE = 0xf000, MODE_FIFO = 0x1000, MODE_CHAR = 0x2000, MODE_DIRECTORY = 0x4000, MODE_BLOCK = 0x6000,
	MODE_REGULAR = 0x8000, MODE_SYMLINK = 0xa000, MODE_SOCKET = 0xc000,
};
enum inode_flag {
	INODE_INDEX = 0x1000, INODE_HUGE_FILE = 0x40000, INODE_EXTENTS = 0x80000, INODE_INLINE_DATA = 0x10000000,
};
#define INODE_ROOT 2u
#define INODE_BYTES_SHORT 128u
#define INODE_EXTRA_BYTES 32u /* what this driver writes of the part after the first 128 bytes */
#define LINKS_MAX 65000u
#define FAST_SYMLINK_MAX 60u

struct disk_inode {
	uint16_t mode, uid_lo;
	uint32_t size_lo, atime, ctime, mtime, dtime;
	uint16_t gid_lo, links;
	uint32_t blocks_lo, flags, version_lo;
	union {
		uint32_t block[15];
		uint8_t bytes[60];
	};
	uint32_t generation, xattr_block_lo, size_hi, fragment;
	uint16_t blocks_hi, xattr_block_hi, uid_hi, gid_hi, checksum_lo, reserved;
	/* from here on only when inodes are larger than 128 bytes */
	uint16_t extra_isize, checksum_hi;
	uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_hi, project;
};
_Static_assert(sizeof(struct disk_inode) == 160, "inode");
_Static_assert(offsetof(struct disk_inode, checksum_lo) == 0x7c, "i_checksum_lo");
_Static_assert(offsetof(struct disk_inode, extra_isize) == 0x80, "i_extra_isize");

#define EXTENT_MAGIC 0xf30au
#define EXTENT_DEPTH_MAX 5u
#define EXTENT_LENGTH_MAX 32768u /* a longer `length` says: unwritten, length - this */
#define EXTENT_ROOT_ENTRIES 4u
#define EXTENT_BLOCK_ENTRIES ((BLOCK_BYTES - 12) / 12)
struct disk_extent_header {
	uint16_t magic, entries, max, depth;
	uint32_t generation;
};
struct disk_extent { /* leaf entry */
	uint32_t logical;
	uint16_t length, start_hi;
	uint32_t start_lo;
};
struct disk_extent_index { /* inner entry */
	uint32_t logical, child_lo;
	uint16_t child_hi, unused;
};
_Static_assert(sizeof(struct disk_extent_header) == 12 && sizeof(struct disk_extent) == 12
	&& sizeof(struct disk_extent_index) == 12, "extent tree entries are 12 bytes");

#define NAME_MAX_BYTES 255u
struct disk_entry { /* directory entry */
	uint32_t inode;
	uint16_t length; /* of the whole record */
	uint8_t name_length, type;
	char name[];
};
#define ENTRY_HEADER 8u
struct disk_entry_tail { /* last 12 bytes of a directory block under metadata_csum: looks like an unused entry */
	uint32_t zero;
	uint16_t length; /* 12 */
	uint8_t zero_name_length, type; /* 0, 0xde */
	uint32_t checksum;
};
#define ENTRY_TAIL_TYPE 0xdeu
struct disk_index_limit { /* where the first hash of an htree block would stand */
	uint16_t limit, count;
};
struct disk_index_tail {
	uint32_t reserved, checksum;
};

#define XATTR_MAGIC 0xea020000u
struct disk_xattr_header {
	uint32_t magic, references, blocks, hash, checksum, reserved[3];
};

#endif
