/* Directories, changing: insert, remove and replace names.
 *
 * An htree's index says nothing about names that are added linearly, so the first insertion into such a directory
 * takes its index away: the index blocks become blocks without names, and the flag is cleared. That is a legal linear
 * directory for every implementation (e2fsck -D makes a new index). */
#include "ext4.h"

/* Scratch: no block before this one of that directory has room for a name of middling length. */
static uint32_t hint_directory, hint_block;

static uint32_t entry_bytes(size_t name_length)
{
	return (uint32_t)(ENTRY_HEADER + name_length + 3) & ~3u;
}

static uint8_t mode_type(uint16_t mode)
{
	switch (mode & MODE_TYPE) {
	case MODE_REGULAR:
		return 1;
	case MODE_DIRECTORY:
		return 2;
	case MODE_CHAR:
		return 3;
	case MODE_BLOCK:
		return 4;
	case MODE_FIFO:
		return 5;
	case MODE_SOCKET:
		return 6;
	case MODE_SYMLINK:
		return 7;
	default:
		return 0;
	}
}

static void entry_fill(struct disk_entry *entry, uint32_t length, uint32_t inode, uint16_t mode, const char *name,
	size_t name_length)
{
	entry->inode = inode;
	entry->length = (uint16_t)length;
	entry->name_length = (uint8_t)name_length;
	entry->type = home()->mount.has_file_types ? mode_type(mode) : 0;
	memcpy(entry->name, name, name_length);
}

/* An unused record over the whole block; the checksum follows when it is sealed. */
static void block_clear(struct slot *slot)
{
	struct disk_entry *entry = slot_data(slot);
	struct disk_entry_tail *tail = (struct disk_entry_tail *)((uintptr_t)slot_data(slot) + directory_end());

	memset(entry, 0, BLOCK_BYTES);
	entry->length = (uint16_t)directory_end();
	if (home()->mount.has_checksums) {
		tail->length = sizeof(*tail);
		tail->type = ENTRY_TAIL_TYPE;
	}
}

static void dots_fill(struct slot *slot, uint32_t self, uint32_t parent)
{
	struct disk_entry *dot = slot_data(slot), *dots = (struct disk_entry *)((uintptr_t)dot + 12);

	entry_fill(dot, 12, self, MODE_DIRECTORY, ".", 1);
	entry_fill(dots, directory_end() - 12, parent, MODE_DIRECTORY, "..", 2);
}

static void index_block_clear(struct slot *slot)
{
	struct disk_entry *dot = slot_data(slot), *dots = (struct disk_entry *)((uintptr_t)dot + 12);
	uint32_t self = dot->inode, parent = dots->inode;

	block_clear(slot);
	if (self)
		dots_fill(slot, self, parent);
	block_dirty(slot);
}

static zog_status_t index_drop(struct inode *directory)
{
	uint32_t blocks = directory_blocks(directory);

	if (!(directory->raw->flags & INODE_INDEX))
		return ZOG_OK;
	for (uint32_t i = 0; i < blocks; i++) {
		struct slot *slot;

		TRY(directory_block(directory, i, &slot));
		if (directory_is_index(slot_data(slot)))
			index_block_clear(slot);
	}
	directory->raw->flags &= ~(uint32_t)INODE_INDEX;
	inode_dirty(directory);
	return ZOG_OK;
}

/* Puts the name into free space of the block. NOT_FOUND: there is not enough. */
static zog_status_t block_insert(struct slot *slot, const char *name, size_t length, const struct inode *node)
{
	uint32_t need = entry_bytes(length), end = directory_end();
	struct disk_entry *entry;

	for (uint32_t at = 0; at < end; at += entry->length) {
		uint32_t used, whole;

		entry = directory_entry(slot, at);
		if (!entry)
			return ZOG_ERR_CORRUPT;
		used = entry->inode ? entry_bytes(entry->name_length) : 0;
		whole = entry->length;
		if (whole < used + need || at + whole > end)
			continue;
		if (used) {
			entry->length = (uint16_t)used;
			entry = (struct disk_entry *)((uintptr_t)entry + used);
		}
		entry_fill(entry, whole - used, node->number, node->raw->mode, name, length);
		block_dirty(slot);
		return ZOG_OK;
	}
	return ZOG_ERR_NOT_FOUND;
}

static zog_status_t directory_append(struct inode *directory, struct slot **out)
{
	uint32_t blocks = directory_blocks(directory), got;
	struct run last = { .start = inode_goal(directory) }, run = { .length = 1, .kind = RUN_WRITTEN };

	if (!(directory->raw->flags & INODE_EXTENTS))
		return ZOG_ERR_UNSUPPORTED;
	if (blocks)
		TRY(extent_map(directory, blocks - 1, &last));
	TRY(blocks_allocate(last.start + 1, 1, &run.start, &got));
	TRY(extent_insert(directory, blocks, run));
	TRY(block_new(run.start, BLOCK_DIRECTORY, directory->seed, out));
	block_clear(*out);
	inode_add_blocks(directory, 1);
	inode_set_size(directory, inode_size(directory->raw) + BLOCK_BYTES);
	inode_dirty(directory);
	return ZOG_OK;
}

zog_status_t directory_insert(struct inode *directory, const char *name, size_t length, const struct inode *node)
{
	uint32_t blocks = directory_blocks(directory);
	struct slot *slot;

	TRY(index_drop(directory));
	if (hint_directory != directory->number || hint_block >= blocks) {
		hint_directory = directory->number;
		hint_block = 0;
	}
	for (uint32_t i = hint_block; i < blocks; i++) {
		zog_status_t status;

		TRY(directory_block(directory, i, &slot));
		status = block_insert(slot, name, length, node);
		if (status == ZOG_OK)
			hint_block = i;
		if (status != ZOG_ERR_NOT_FOUND)
			return status;
	}
	TRY(directory_append(directory, &slot));
	return block_insert(slot, name, length, node);
}

void directory_remove(struct entry_place *place)
{
	if (place->previous)
		place->previous->length = (uint16_t)(place->previous->length + place->entry->length);
	else
		place->entry->inode = 0;
	block_dirty(place->slot);
	hint_directory = 0;
}

void directory_replace(struct entry_place *place, const struct inode *node)
{
	place->entry->inode = node->number;
	if (home()->mount.has_file_types)
		place->entry->type = mode_type(node->raw->mode);
	block_dirty(place->slot);
}

zog_status_t directory_init(struct inode *directory, uint32_t parent)
{
	struct slot *slot;

	TRY(directory_append(directory, &slot));
	dots_fill(slot, directory->number, parent);
	return ZOG_OK;
}

zog_status_t directory_set_parent(struct inode *directory, const struct inode *parent)
{
	struct entry_place place;

	TRY(index_drop(directory));
	TRY(directory_find(directory, "..", 2, &place));
	directory_replace(&place, parent);
	return ZOG_OK;
}
