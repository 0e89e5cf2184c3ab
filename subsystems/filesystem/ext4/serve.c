/* The filesystem contract: every method wraps one operation.
 *
 * The wrapper makes sure that the file system is mounted and the cache not too dirty, runs the operation, and on
 * ZOG_RETRY throws its changes away, fetches what it lacked and runs it again, or replies ZOG_WAIT so that the whole
 * call comes again. A negative status throws the changes away as well. What a method may answer is declared in the
 * contract; anything else becomes ERR_IO, or ERR_CORRUPT where that isn't declared either. */
#include "ext4.h"
#include "contracts/filesystem_server.h"

#define HOME_MAGIC 0x34747865676f7a01ull
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml is too small");
_Static_assert(BOUNCE_COUNT >= 8, "dma_kib in manifest.toml is too small");

enum operation_kind { OPERATION_READS, OPERATION_CHANGES };

struct rt_once_table *rt_once_table(void)
{
	return &home()->once;
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *h = home();

	(void)call;
	if (h->magic == HOME_MAGIC) {
		bounce_recover();
		return ZOG_OK;
	}
	cache_init();
	for (uint32_t i = 0; i < SYNC_DONE_COUNT; i++)
		h->sync.done[i] = UINT64_MAX;
	h->magic = HOME_MAGIC;
	return ZOG_OK;
}

/* --- the wrapper --- */

static zog_status_t operation_begin(enum operation_kind kind)
{
	struct mount *mount = &home()->mount;
	zog_status_t status;

	cache_operation_begin();
	if (!mount->is_mounted) {
		status = super_mount();
		if (status == ZOG_OK || mount->error)
			rt_commit();
		if (status != ZOG_OK)
			return status;
		cache_operation_begin();
	}
	if (mount->has_orphans) {
		TRY(orphans_free_all());
		mount->has_orphans = 0;
		rt_commit();
	}
	if (kind == OPERATION_CHANGES && home()->dirty_count > DIRTY_HIGH)
		return ZOG_RETRY; /* no block is wanted, but room */
	return ZOG_OK;
}

static bool operation_again(struct zog_call *call, zog_status_t *status)
{
	uint64_t seen;

	if (*status != ZOG_RETRY) {
		if (*status < 0)
			rt_abort();
		return false;
	}
	rt_abort();
	*status = cache_fetch(&seen);
	if (*status == ZOG_PENDING)
		*status = rt_wait(call, WAIT_BLOCK_DONE, seen, RT_NO_DEADLINE);
	return *status == ZOG_OK;
}

#define OPERATION(call, status, kind, expression) \
	do { \
		(status) = operation_begin(kind); \
		if ((status) == ZOG_OK) \
			(status) = (expression); \
	} while (operation_again((call), &(status)))

/* Sets of statuses that a method declares. */
#define BIT(status) (1ull << -(status))
#define DISK (BIT(ZOG_ERR_CORRUPT) | BIT(ZOG_ERR_IO))
#define NODE (DISK | BIT(ZOG_ERR_NOT_FOUND))
#define NAME (NODE | BIT(ZOG_ERR_NOT_DIRECTORY))
#define NEW_NAME (NAME | BIT(ZOG_ERR_EXISTS) | BIT(ZOG_ERR_SPACE))

static zog_status_t answer(zog_status_t status, uint64_t declared)
{
	if (status >= 0 || status == ZOG_ERR_ARGUMENT)
		return status;
	if (status > -64 && (declared & BIT(status)))
		return status;
	return declared & BIT(ZOG_ERR_IO) ? ZOG_ERR_IO : ZOG_ERR_CORRUPT;
}

/* --- reading --- */

static zog_status_t root_check(uint64_t *node)
{
	struct inode inode;
	zog_status_t status = directory_get(INODE_ROOT, &inode);

	*node = INODE_ROOT;
	return status == ZOG_ERR_NOT_FOUND || status == ZOG_ERR_NOT_DIRECTORY ? ZOG_ERR_CORRUPT : status;
}

zog_status_t filesystem_root_serve(struct zog_call *call, uint64_t *node)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, root_check(node));
	return answer(status, BIT(ZOG_ERR_NO_DEVICE) | BIT(ZOG_ERR_CORRUPT) | BIT(ZOG_ERR_UNSUPPORTED));
}

zog_status_t filesystem_lookup_serve(struct zog_call *call, uint64_t parent, const char *name, size_t name_length,
	uint64_t *node)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, name_lookup(parent, name, name_length, node));
	return answer(status, NAME);
}

zog_status_t filesystem_info_serve(struct zog_call *call, uint64_t node, struct filesystem_node_info *result)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, node_info(node, result));
	return answer(status, NODE);
}

static zog_status_t statistics_fill(struct filesystem_fs_info *result)
{
	const struct disk_super *super = super_get();
	uint64_t reserved = (uint64_t)super->reserved_blocks_hi << 32 | super->reserved_blocks_lo;
	uint64_t free = super_free_blocks();

	*result = (struct filesystem_fs_info){
		.blocks = home()->mount.blocks, .blocks_free = free,
		.blocks_available = free > reserved ? free - reserved : 0,
		.files = super->inodes_count, .files_free = super->free_inodes,
		.block_size = BLOCK_BYTES, .name_max = NAME_MAX_BYTES,
	};
	return ZOG_OK;
}

zog_status_t filesystem_statistics_serve(struct zog_call *call, struct filesystem_fs_info *result)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, statistics_fill(result));
	return answer(status, BIT(ZOG_ERR_IO));
}

static zog_status_t entries_list(uint64_t node, uint64_t position, struct rt_list *found)
{
	struct inode directory;
	zog_status_t status = inode_get(node, &directory);

	rt_list_clear(found); /* the operation may start over */
	if (status == ZOG_ERR_NOT_FOUND)
		return ZOG_ERR_NOT_DIRECTORY;
	TRY(status);
	if (!inode_is_directory(directory.raw))
		return ZOG_ERR_NOT_DIRECTORY;
	if (directory.raw->links == 0)
		return ZOG_OK; /* removed, but still open: nothing in it */
	return directory_entries(&directory, position, found);
}

zog_status_t filesystem_entries_serve(struct zog_call *call, uint64_t node, uint64_t position, struct rt_list *found)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, entries_list(node, position, found));
	return answer(status, DISK | BIT(ZOG_ERR_NOT_DIRECTORY));
}

zog_status_t filesystem_read_link_serve(struct zog_call *call, uint64_t node, void *target, size_t target_size,
	size_t *target_length)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, node_read_link(node, target, target_size, target_length));
	return status == ZOG_ERR_NOT_FOUND ? ZOG_ERR_ARGUMENT : answer(status, DISK);
}

/* --- data --- */

zog_status_t filesystem_read_page_serve(struct zog_call *call, uint64_t node, uint64_t page, uint64_t frame,
	uint64_t *seen)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, page_read(node, page, frame, seen));
	return answer(status, NODE | BIT(ZOG_ERR_BUSY));
}

zog_status_t filesystem_write_page_serve(struct zog_call *call, uint64_t node, uint64_t page, uint64_t frame,
	uint64_t *seen)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, page_write(node, page, frame, seen));
	return answer(status, NODE | BIT(ZOG_ERR_BUSY));
}

/* On a disk that fills up, the pages that find room are prepared all the same. */
zog_status_t filesystem_prepare_serve(struct zog_call *call, uint64_t node, uint64_t page, uint64_t count,
	uint64_t size, uint64_t *prepared)
{
	zog_status_t status;
	uint64_t part, end;

	OPERATION(call, status, OPERATION_CHANGES, page_prepare(node, page, count, size, prepared));
	if (status == ZOG_ERR_SPACE && *prepared) {
		part = *prepared;
		end = (page + part) * BLOCK_BYTES;
		OPERATION(call, status, OPERATION_CHANGES,
			page_prepare(node, page, part, size < end ? size : end, prepared));
		if (status == ZOG_OK)
			return ZOG_ERR_SPACE;
	}
	if (status < 0)
		*prepared = 0;
	return answer(status, NODE | BIT(ZOG_ERR_SPACE) | BIT(ZOG_ERR_TOO_BIG) | BIT(ZOG_ERR_IS_DIRECTORY));
}

/* --- changing --- */

zog_status_t filesystem_set_serve(struct zog_call *call, uint64_t node, const struct filesystem_set_request *request)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES, node_set(node, request));
	return answer(status, NODE | BIT(ZOG_ERR_TOO_BIG) | BIT(ZOG_ERR_SPACE));
}

zog_status_t filesystem_create_serve(struct zog_call *call, const struct filesystem_create_request *request,
	const char *name, size_t name_length, uint64_t *node)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES, name_create(request, name, name_length, node));
	return answer(status, NEW_NAME | BIT(ZOG_ERR_TOO_MANY_LINKS));
}

zog_status_t filesystem_symlink_serve(struct zog_call *call, const struct filesystem_create_request *request,
	const char *name, size_t name_length, const char *target, size_t target_length, uint64_t *node)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES,
		name_symlink(request, name, name_length, target, target_length, node));
	return answer(status, NEW_NAME);
}

zog_status_t filesystem_link_serve(struct zog_call *call, uint64_t node, uint64_t parent, int64_t time_s,
	const char *name, size_t name_length)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES,
		name_link(node, parent, (struct timestamp){ time_s, 0 }, name, name_length));
	return answer(status, NEW_NAME | BIT(ZOG_ERR_TOO_MANY_LINKS) | BIT(ZOG_ERR_DENIED));
}

zog_status_t filesystem_unlink_serve(struct zog_call *call, uint64_t parent, int64_t time_s, const char *name,
	size_t name_length, uint64_t *node, uint64_t *links)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES,
		name_unlink(parent, (struct timestamp){ time_s, 0 }, name, name_length, node, links));
	return answer(status, NAME | BIT(ZOG_ERR_IS_DIRECTORY));
}

zog_status_t filesystem_remove_directory_serve(struct zog_call *call, uint64_t parent, int64_t time_s,
	const char *name, size_t name_length, uint64_t *node)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES,
		name_remove_directory(parent, (struct timestamp){ time_s, 0 }, name, name_length, node));
	return answer(status, NAME | BIT(ZOG_ERR_NOT_EMPTY));
}

zog_status_t filesystem_rename_serve(struct zog_call *call, const struct filesystem_rename_request *request,
	const char *from_name, size_t from_name_length, const char *to_name, size_t to_name_length, uint64_t *node,
	uint64_t *replaced, uint64_t *replaced_links)
{
	struct name from = { from_name, from_name_length }, to = { to_name, to_name_length };
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES, name_rename(request, from, to, node, replaced, replaced_links));
	return answer(status, NAME | BIT(ZOG_ERR_IS_DIRECTORY) | BIT(ZOG_ERR_NOT_EMPTY) | BIT(ZOG_ERR_SPACE));
}

zog_status_t filesystem_forget_serve(struct zog_call *call, uint64_t node, uint64_t generation)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_CHANGES, node_forget(node, generation));
	return answer(status, DISK);
}

zog_status_t filesystem_sync_serve(struct zog_call *call, uint64_t ticket, uint64_t is_final, uint64_t *seen)
{
	zog_status_t status;

	OPERATION(call, status, OPERATION_READS, sync_advance(ticket, is_final != 0, seen));
	return answer(status, BIT(ZOG_ERR_IO));
}
