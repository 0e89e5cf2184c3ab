/* Inodes: where they stand, their fields that are split in halves, their life and death.
 *
 * A node is in use exactly while its mode is not 0: a freed inode is zeroed but for generation and deletion time.
 * Every change ends with inode_dirty(), which seals it. */
#include "ext4.h"

static bool inode_is_long(const struct disk_inode *raw)
{
	return home()->mount.inode_bytes > INODE_BYTES_SHORT
		&& raw->extra_isize >= offsetof(struct disk_inode, version_hi) - INODE_BYTES_SHORT;
}

/* Block of the inode table and place in it. False: no such number. */
static bool inode_place(uint64_t number, uint64_t *block, uint32_t *index)
{
	const struct mount *mount = &home()->mount;
	uint32_t per_block = BLOCK_BYTES / mount->inode_bytes, group, at;
	struct disk_group *g;

	if (number == 0 || number > mount->inodes || (number < mount->first_inode && number != INODE_ROOT))
		return false;
	group = (uint32_t)(number - 1) / mount->inodes_per_group;
	at = (uint32_t)(number - 1) % mount->inodes_per_group;
	g = group_get(group);
	if (at >= mount->inodes_per_group - group_unused_inodes(g))
		return false;
	*block = group_inode_table(g) + at / per_block;
	*index = at % per_block;
	return true;
}

static struct disk_inode *inode_at(const struct slot *slot, uint32_t index)
{
	return (struct disk_inode *)((uintptr_t)slot_data(slot) + index * home()->mount.inode_bytes);
}

zog_status_t inode_get(uint64_t number, struct inode *inode)
{
	uint64_t block;
	uint32_t index;

	if (!inode_place(number, &block, &index))
		return ZOG_ERR_NOT_FOUND;
	TRY(block_get(block, BLOCK_INODES, 0, &inode->slot));
	inode->raw = inode_at(inode->slot, index);
	inode->number = (uint32_t)number;
	if (inode->raw->mode == 0)
		return ZOG_ERR_NOT_FOUND;
	if (!inode_is_verified(inode->slot, index)) {
		if (!inode_verify(inode->raw, inode->number))
			return ZOG_ERR_CORRUPT;
		inode_set_verified(inode->slot, index);
	}
	inode->seed = inode_seed(inode->raw, inode->number);
	return ZOG_OK;
}

void inode_dirty(struct inode *inode)
{
	inode_seal(inode->raw, inode->number);
	block_dirty(inode->slot);
}

/* --- fields --- */

uint64_t inode_size(const struct disk_inode *raw)
{
	return (uint64_t)raw->size_hi << 32 | raw->size_lo;
}

void inode_set_size(struct inode *inode, uint64_t size)
{
	inode->raw->size_lo = (uint32_t)size;
	inode->raw->size_hi = (uint32_t)(size >> 32);
}

uint64_t inode_sectors(const struct disk_inode *raw)
{
	uint64_t value = (uint64_t)raw->blocks_hi << 32 | raw->blocks_lo;

	return raw->flags & INODE_HUGE_FILE ? value * (BLOCK_BYTES / 512) : value;
}

void inode_add_blocks(struct inode *inode, int64_t blocks)
{
	uint64_t value = (uint64_t)inode->raw->blocks_hi << 32 | inode->raw->blocks_lo;

	value += (uint64_t)(inode->raw->flags & INODE_HUGE_FILE ? blocks : blocks * (int64_t)(BLOCK_BYTES / 512));
	inode->raw->blocks_lo = (uint32_t)value;
	inode->raw->blocks_hi = (uint16_t)(value >> 32);
}

/* Seconds are signed 32 bits plus two more in the extra word, whose upper 30 bits are nanoseconds. e2fsck takes the last of
 * these times, from 2310-04-04 on, for ones before 1970 that an old kernel stored wrongly, and would change them. */
#define TIME_LAST_SHORT INT32_MAX
#define TIME_LAST_LONG ((3ll << 32) + INT32_MIN - 1)
#define TIME_NS_LAST 999999999u

/* The nearest time that the disk can hold. */
static struct timestamp time_clamp(struct timestamp time, bool is_long)
{
	int64_t last = is_long ? TIME_LAST_LONG : TIME_LAST_SHORT;

	time.s = time.s < INT32_MIN ? INT32_MIN : time.s > last ? last : time.s;
	time.ns = time.ns > TIME_NS_LAST ? TIME_NS_LAST : time.ns;
	return time;
}

static struct timestamp time_decode(uint32_t seconds, uint32_t extra)
{
	return (struct timestamp){ (int64_t)(int32_t)seconds + ((int64_t)(extra & 3) << 32), extra >> 2 };
}

static uint32_t time_extra(struct timestamp time)
{
	return (uint32_t)((time.s - (int32_t)time.s) >> 32 & 3) | time.ns << 2;
}

void inode_set_time(struct inode *inode, enum inode_time which, struct timestamp time)
{
	struct disk_inode *raw = inode->raw;
	bool is_long = inode_is_long(raw);

	time = time_clamp(time, is_long);
	uint32_t seconds = (uint32_t)time.s, extra = time_extra(time);
	switch (which) {
	case TIME_ACCESS:
		raw->atime = seconds;
		if (is_long)
			raw->atime_extra = extra;
		break;
	case TIME_MODIFY:
		raw->mtime = seconds;
		if (is_long)
			raw->mtime_extra = extra;
		break;
	case TIME_CHANGE:
		raw->ctime = seconds;
		if (is_long)
			raw->ctime_extra = extra;
		break;
	case TIME_CREATE:
		if (is_long) {
			raw->crtime = seconds;
			raw->crtime_extra = extra;
		}
		break;
	}
}

struct timestamp inode_time(const struct disk_inode *raw, enum inode_time which)
{
	bool is_long = inode_is_long(raw);

	switch (which) {
	case TIME_ACCESS:
		return time_decode(raw->atime, is_long ? raw->atime_extra : 0);
	case TIME_MODIFY:
		return time_decode(raw->mtime, is_long ? raw->mtime_extra : 0);
	case TIME_CHANGE:
		return time_decode(raw->ctime, is_long ? raw->ctime_extra : 0);
	default:
		return time_decode(is_long ? raw->crtime : 0, is_long ? raw->crtime_extra : 0);
	}
}

bool inode_is_directory(const struct disk_inode *raw)
{
	return (raw->mode & MODE_TYPE) == MODE_DIRECTORY;
}

bool inode_is_regular(const struct disk_inode *raw)
{
	return (raw->mode & MODE_TYPE) == MODE_REGULAR;
}

static uint64_t inode_xattr_block(const struct disk_inode *raw)
{
	return (uint64_t)raw->xattr_block_hi << 32 | raw->xattr_block_lo;
}

bool inode_has_blocks(const struct disk_inode *raw)
{
	uint64_t own = inode_xattr_block(raw) ? BLOCK_BYTES / 512 : 0;

	if ((raw->mode & MODE_TYPE) == MODE_SYMLINK) /* a short one keeps its target in the inode */
		return inode_sectors(raw) > own;
	return inode_is_directory(raw) || inode_is_regular(raw);
}

uint64_t inode_goal(const struct inode *inode)
{
	return group_first_block((inode->number - 1) / home()->mount.inodes_per_group);
}

/* --- creation --- */

/* Whether no other inode of the table block is in use: then its old contents don't matter. */
static bool table_block_is_new(const void *bitmap, uint32_t bit)
{
	uint32_t per_block = BLOCK_BYTES / home()->mount.inode_bytes, first = bit / per_block * per_block;

	return bitmap_find_set(bitmap, first, bit) == bit
		&& bitmap_find_set(bitmap, bit + 1, first + per_block) == first + per_block;
}

/* The table block of a number just allocated. */
static zog_status_t inode_get_new(uint32_t number, struct inode *inode)
{
	uint32_t per_group = home()->mount.inodes_per_group, group = (number - 1) / per_group, index;
	struct slot *bitmap;
	uint64_t block;

	TRY(group_get_inode_bitmap(group, &bitmap));
	if (!inode_place(number, &block, &index))
		return ZOG_ERR_CORRUPT;
	if (table_block_is_new(slot_data(bitmap), (number - 1) % per_group))
		TRY(block_new(block, BLOCK_INODES, 0, &inode->slot));
	else
		TRY(block_get(block, BLOCK_INODES, 0, &inode->slot));
	inode->raw = inode_at(inode->slot, index);
	inode->number = number;
	inode_set_verified(inode->slot, index);
	return ZOG_OK;
}

static void device_set(struct disk_inode *raw, uint32_t device)
{
	if (device < 0x10000)
		raw->block[0] = device; /* 8 bits major, 8 bits minor: both encodings agree */
	else
		raw->block[1] = device;
}

zog_status_t inode_create(uint32_t parent, const struct filesystem_create_request *request, struct inode *inode)
{
	struct timestamp now = { request->time_s, request->time_ns };
	uint32_t type = request->mode & MODE_TYPE, number;
	struct disk_inode *raw;

	TRY(inode_allocate(parent, (uint16_t)request->mode, &number));
	TRY(inode_get_new(number, inode));
	raw = inode->raw;
	memset(raw, 0, home()->mount.inode_bytes);
	raw->mode = (uint16_t)request->mode;
	raw->uid_lo = (uint16_t)request->uid;
	raw->uid_hi = (uint16_t)(request->uid >> 16);
	raw->gid_lo = (uint16_t)request->gid;
	raw->gid_hi = (uint16_t)(request->gid >> 16);
	raw->links = type == MODE_DIRECTORY ? 2 : 1;
	raw->generation = ++home()->mount.generation;
	if (home()->mount.inode_bytes > INODE_BYTES_SHORT)
		raw->extra_isize = INODE_EXTRA_BYTES;
	for (enum inode_time which = TIME_ACCESS; which <= TIME_CREATE; which++)
		inode_set_time(inode, which, now);
	if (type == MODE_DIRECTORY || type == MODE_REGULAR)
		extent_init(inode);
	else if (type == MODE_CHAR || type == MODE_BLOCK)
		device_set(raw, request->device);
	inode->seed = inode_seed(raw, number);
	inode_dirty(inode);
	return ZOG_OK;
}

/* --- death --- */

/* The block of extended attributes may be shared by several inodes. */
static zog_status_t xattr_drop(struct inode *inode)
{
	uint64_t block = inode_xattr_block(inode->raw);
	struct disk_xattr_header *header;
	struct slot *slot;

	if (block == 0)
		return ZOG_OK;
	TRY(block_get(block, BLOCK_XATTR, 0, &slot));
	header = slot_data(slot);
	if (header->references > 1) {
		header->references--;
		block_dirty(slot);
		return ZOG_OK;
	}
	TRY(blocks_free(block, 1));
	block_forget(block);
	return ZOG_OK;
}

zog_status_t inode_free(struct inode *inode)
{
	bool is_directory = inode_is_directory(inode->raw);
	uint32_t generation = inode->raw->generation, time = inode->raw->ctime;

	if (inode_has_blocks(inode->raw)) {
		if (inode->raw->flags & INODE_EXTENTS)
			TRY(extent_truncate(inode, 0));
		else
			TRY(blockmap_free(inode));
	}
	TRY(xattr_drop(inode));
	TRY(inode_release(inode->number, is_directory));
	memset(inode->raw, 0, home()->mount.inode_bytes);
	inode->raw->generation = generation;
	inode->raw->dtime = time >= home()->mount.inodes ? time : 0; /* a small one would look like a link of the orphan list */
	if (home()->mount.inode_bytes > INODE_BYTES_SHORT)
		inode->raw->extra_isize = INODE_EXTRA_BYTES;
	inode_dirty(inode);
	return ZOG_OK;
}
