/* Directories, reading. A directory is a file of blocks; each is a chain of records that covers it to its end.
 *
 * Under metadata_csum the last 12 bytes look like an unused record and hold the checksum. The blocks of an htree (hash
 * index) look like blocks with few or no names, so all directories are read linearly. */
#include "ext4.h"

uint32_t directory_blocks(const struct inode *directory)
{
	uint64_t blocks = inode_size(directory->raw) / BLOCK_BYTES;

	return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

zog_status_t directory_block(const struct inode *directory, uint32_t index, struct slot **out)
{
	struct run run;

	TRY(extent_map(directory, index, &run));
	if (run.kind != RUN_WRITTEN)
		return ZOG_ERR_CORRUPT;
	return block_get(run.start, BLOCK_DIRECTORY, directory->seed, out);
}

uint32_t directory_end(void)
{
	return home()->mount.has_checksums ? BLOCK_BYTES - sizeof(struct disk_entry_tail) : BLOCK_BYTES;
}

struct disk_entry *directory_entry(const struct slot *slot, uint32_t offset)
{
	struct disk_entry *entry = (struct disk_entry *)((uintptr_t)slot_data(slot) + offset);

	if (entry->length < ENTRY_HEADER || entry->length % 4 || entry->length > BLOCK_BYTES - offset
		|| (entry->inode && entry->name_length + ENTRY_HEADER > entry->length))
		return NULL;
	return entry;
}

/* OK, NOT_FOUND, CORRUPT. */
static zog_status_t block_find(struct slot *slot, const char *name, size_t length, struct entry_place *place)
{
	struct disk_entry *entry, *previous = NULL;

	for (uint32_t at = 0; at < BLOCK_BYTES; at += entry->length, previous = entry) {
		entry = directory_entry(slot, at);
		if (!entry)
			return ZOG_ERR_CORRUPT;
		if (entry->inode && entry->name_length == length && memcmp(entry->name, name, length) == 0) {
			*place = (struct entry_place){ slot, entry, previous };
			return ZOG_OK;
		}
	}
	return ZOG_ERR_NOT_FOUND;
}

zog_status_t directory_find(const struct inode *directory, const char *name, size_t length, struct entry_place *place)
{
	uint32_t blocks = directory_blocks(directory);

	for (uint32_t i = 0; i < blocks; i++) {
		struct slot *slot;
		zog_status_t status;

		TRY(directory_block(directory, i, &slot));
		status = block_find(slot, name, length, place);
		if (status != ZOG_ERR_NOT_FOUND)
			return status;
	}
	return ZOG_ERR_NOT_FOUND;
}

static bool entry_is_dots(const struct disk_entry *entry)
{
	return entry->name[0] == '.'
		&& (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

zog_status_t directory_is_empty(const struct inode *directory)
{
	uint32_t blocks = directory_blocks(directory);

	for (uint32_t i = 0; i < blocks; i++) {
		struct disk_entry *entry;
		struct slot *slot;

		TRY(directory_block(directory, i, &slot));
		for (uint32_t at = 0; at < BLOCK_BYTES; at += entry->length) {
			entry = directory_entry(slot, at);
			if (!entry)
				return ZOG_ERR_CORRUPT;
			if (entry->inode && !entry_is_dots(entry))
				return ZOG_ERR_NOT_EMPTY;
		}
	}
	return ZOG_OK;
}

/* --- listing --- */

/* By the type byte of directory entries: DT_* of the Linux ABI. */
static const uint8_t entry_type[] = { 0, 8, 4, 2, 6, 1, 12, 10 };

/* LIMIT: full; CORRUPT: no name that a directory may have. */
static zog_status_t entry_list(const struct disk_entry *entry, uint64_t next, struct rt_list *found)
{
	struct filesystem_directory_entry out = {
		.node = entry->inode, .next = next, .name = entry->name, .name_length = entry->name_length,
	};
	zog_status_t status;

	if (home()->mount.has_file_types && entry->type < sizeof(entry_type))
		out.type = entry_type[entry->type];
	status = filesystem_directory_entry_append(found, &out);
	return status == ZOG_ERR_ARGUMENT ? ZOG_ERR_CORRUPT : status;
}

/* Positions are byte offsets. One may have come to lie inside a record since it was handed out (records join when one
 * between them is removed): the listing goes on with the first record that begins at or after it. */
zog_status_t directory_entries(const struct inode *directory, uint64_t position, struct rt_list *found)
{
	uint32_t blocks = directory_blocks(directory);

	for (uint64_t i = position / BLOCK_BYTES; i < blocks; i++) {
		uint64_t base = i * BLOCK_BYTES;
		struct disk_entry *entry;
		struct slot *slot;

		TRY(directory_block(directory, (uint32_t)i, &slot));
		for (uint32_t at = 0; at < BLOCK_BYTES; at += entry->length) {
			entry = directory_entry(slot, at);
			if (!entry)
				return ZOG_ERR_CORRUPT;
			if (entry->inode == 0 || base + at < position)
				continue;
			zog_status_t status = entry_list(entry, base + at + entry->length, found);
			if (status == ZOG_ERR_LIMIT)
				return ZOG_OK;
			TRY(status);
		}
	}
	return ZOG_OK;
}
