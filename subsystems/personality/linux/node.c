/* Nodes: one record per file that was looked at lately or is in use.
 *
 * The cached attributes are authoritative while the record lives: size, times and mode are changed here and go to the
 * file system later (dirty_mask). A record with references (open files, mappings, working directories), dirty state or
 * transfers in flight stays; others are taken by the clock when a slot is wanted.
 * A file without a name lives until its last reference goes; then it is DEAD, and write-back calls node_bury: pages
 * dropped, filesystem_forget. Nothing waits in the middle of an unlink or a close. */
#include "node.h"
#include "cache.h"
#include "zogfs.h"

/* A slot is not taken while its record was touched within so many touches: handlers hold plain pointers. */
enum { TOUCH_DISTANCE = 512 };
static uint32_t touch_count;                /* scratch */
static uint32_t touched[FILES_NODE_MAX];    /* scratch: touch_count at the last touch */

static uint32_t node_hash(enum node_kind kind, uint64_t number)
{
	uint64_t hash = (number + ((uint64_t)kind << 56)) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(hash >> 40) % NODE_HASH_SIZE;
}

static void node_touch(const struct node *node)
{
	if (touched[node_slot(node)] == 0 || touch_count - touched[node_slot(node)] > TOUCH_DISTANCE / 4)
		touched[node_slot(node)] = ++touch_count; /* a store costs: not at each touch */
}

struct node *node_find(enum node_kind kind, uint64_t number)
{
	struct node *node = node_at(files()->node_hash[node_hash(kind, number)]);

	while (node && (node->number != number || node->kind != kind))
		node = node_at(node->hash_next);
	if (node)
		node_touch(node);
	return node;
}

static void node_unhash(struct node *node)
{
	uint32_t *link = &files()->node_hash[node_hash(node->kind, node->number)];

	while (*link != node_slot(node) + 1)
		link = &node_at(*link)->hash_next;
	*link = node->hash_next;
}

void node_drop(struct node *node)
{
	rt_assert(node->references == 0 && node->page_count == 0);
	if (node->kind == NODE_ZOG)
		zogfs_node_gone(node);
	node_unhash(node);
	memset(node, 0, sizeof *node);
}

static bool node_can_go(struct node *node)
{
	bool is_recent = touched[node_slot(node)] != 0 && touch_count - touched[node_slot(node)] < TOUCH_DISTANCE;

	if (node->kind == NODE_FREE)
		return true;
	if (node->references != 0 || node->dirty_mask != 0 || node->flags & (NODE_IS_DEAD | NODE_HAS_WRITE_ERROR | NODE_HAS_SURPLUS) || is_recent)
		return false;
	return node->page_count == 0 || cache_drop_node(node);
}

static struct node *node_take(void)
{
	for (uint32_t i = 0; i < FILES_NODE_MAX; i++) {
		uint32_t slot = (files()->node_hand + i) % FILES_NODE_MAX;
		struct node *node = &files()->node[slot];

		if (!node_can_go(node))
			continue;
		files()->node_hand = (slot + 1) % FILES_NODE_MAX;
		if (node->kind != NODE_FREE)
			node_drop(node);
		return node;
	}
	return NULL;
}

struct node *node_add(enum node_kind kind, uint64_t number)
{
	struct node *node = node_take();
	uint32_t *head = &files()->node_hash[node_hash(kind, number)];

	if (!node)
		return NULL;
	node->kind = kind;
	node->number = number;
	node->hash_next = *head;
	*head = node_slot(node) + 1;
	node_touch(node);
	return node;
}

static void node_fill(struct node *node, const struct filesystem_node_info *info)
{
	node->size = info->size;
	node->blocks_512 = info->blocks_512;
	node->mode = info->mode;
	node->links = info->links;
	node->uid = info->uid;
	node->gid = info->gid;
	node->atime_s = info->atime_s;
	node->mtime_s = info->mtime_s;
	node->ctime_s = info->ctime_s;
	node->atime_ns = info->atime_ns;
	node->mtime_ns = info->mtime_ns;
	node->ctime_ns = info->ctime_ns;
	node->device = info->device;
	node->generation = info->generation;
	node->flags |= NODE_KNOWS_GENERATION;
}

int64_t node_load(uint64_t number, struct node **node_out)
{
	struct filesystem_node_info info;
	zog_status_t status = filesystem_info(number, &info);
	struct node *node;

	if (status != ZOG_OK)
		return status_errno(status);
	node = node_add(NODE_DISK, number);
	if (!node)
		return -ENFILE;
	node_fill(node, &info);
	*node_out = node;
	return 0;
}

void node_mark(struct node *node, uint32_t mask)
{
	if (node->kind != NODE_DISK || (node->dirty_mask & mask) == mask)
		return;
	if (node->dirty_mask == 0)
		files()->attribute_count++;
	node->dirty_mask |= (uint8_t)mask;
}

void node_time_change(struct node *node)
{
	node_ctime_set(node, wall_time());
	node_mark(node, FILESYSTEM_SET_MASK_CTIME);
}

/* Times move in steps of 4 ms, as on Linux: a busy writer changes no record for its time. */
void node_time_modify(struct node *node)
{
	struct moment now = wall_time();
	uint32_t mask = FILESYSTEM_SET_MASK_MTIME | FILESYSTEM_SET_MASK_CTIME;

	if ((node->dirty_mask & mask) == mask && now.s == node->mtime_s && now.ns - node->mtime_ns < 4000000)
		return;
	node->mtime_s = now.s;
	node->mtime_ns = now.ns;
	node_ctime_set(node, now);
	node_mark(node, mask);
}

int64_t node_write_attributes(struct node *node)
{
	struct filesystem_set_request request = {
		.mask = node->dirty_mask, .mode = node->mode, .uid = node->uid, .gid = node->gid, .size = node->size,
		.atime_s = node->atime_s, .mtime_s = node->mtime_s, .ctime_s = node->ctime_s,
		.atime_ns = node->atime_ns, .mtime_ns = node->mtime_ns, .ctime_ns = node->ctime_ns,
	};
	zog_status_t status;

	if (node->dirty_mask == 0)
		return 0;
	status = filesystem_set(node->number, &request);
	if (status != ZOG_OK)
		rt_log(RT_WARN, "attributes of node %lu: status %ld", node->number, (long)status);
	node->dirty_mask = 0;
	files()->attribute_count--;
	return status_errno(status);
}

void node_reference(struct node *node)
{
	node->references++;
}

void node_check_dead(struct node *node)
{
	if (node->kind != NODE_DISK || node->references != 0 || node->links != 0 || node->flags & NODE_IS_DEAD)
		return;
	node->flags |= NODE_IS_DEAD;
	files()->dead_count++;
	if (node->page_count > 1024 || files()->dead_count > 256)
		cache_ask_write_back();
}

void node_release(struct node *node)
{
	rt_assert(node->references > 0);
	node->references--;
	node_check_dead(node);
}

/* The generation that forget must name is asked for late: creating a file need not know it. */
static int64_t node_learn_generation(struct node *node)
{
	struct filesystem_node_info info;
	zog_status_t status = filesystem_info(node->number, &info);

	if (status != ZOG_OK)
		return status_errno(status);
	node->generation = info.generation;
	node->flags |= NODE_KNOWS_GENERATION;
	return 0;
}

int64_t node_bury(struct zog_call *call, struct node *node)
{
	int64_t result = cache_drop_pages(call, node, 0);
	zog_status_t status;

	if (result)
		return result;
	rt_commit(); /* a dead record has no pages when its number may be given out again (intent_name.c) */
	result = node->flags & NODE_KNOWS_GENERATION ? 0 : node_learn_generation(node);
	if (result == 0) {
		status = filesystem_forget(node->number, node->generation);
		if (status != ZOG_OK)
			rt_log(RT_WARN, "node %lu not freed: status %ld", node->number, (long)status);
	}
	if (node->dirty_mask)
		files()->attribute_count--;
	files()->dead_count--;
	files()->is_metadata_dirty = 1;
	node_drop(node);
	return 0;
}

/* Pages behind the end that a cut left: nobody sees them, but a file that grows again must not find them. */
int64_t node_trim(struct zog_call *call, struct node *node)
{
	int64_t result;

	if (!(node->flags & NODE_HAS_SURPLUS))
		return 0;
	result = cache_drop_pages(call, node, (node->size + PAGE_BYTES - 1) / PAGE_BYTES);
	if (result == 0)
		node->flags &= (uint8_t)~NODE_HAS_SURPLUS;
	return result;
}

/* The new size first, then the pages behind it, in as many issues as it takes. */
int64_t node_resize(struct zog_call *call, struct node *node, uint64_t size)
{
	struct filesystem_set_request request = { .mask = FILESYSTEM_SET_MASK_SIZE, .size = size };
	int64_t result = node_trim(call, node);
	zog_status_t status;

	if (result || node->size == size)
		return result;
	if (size < node->size)
		result = cache_cut(call, node, size);
	else
		result = cache_clear_tail(call, node);
	if (result)
		return result;
	status = filesystem_set(node->number, &request);
	if (status != ZOG_OK)
		return status_errno(status);
	if (size < node->size && node->page_count)
		node->flags |= NODE_HAS_SURPLUS;
	node->size = size;
	node->flags |= NODE_BLOCKS_STALE;
	files()->is_metadata_dirty = 1;
	node_time_modify(node);
	return node_trim(call, node);
}

int64_t node_permits(const struct node *node, const struct process *process, uint32_t want)
{
	uint32_t bits = node->mode & 7;

	if (process_uid(process) == 0) {
		bool is_executable = node->mode & 0111 || node_is(node, S_IFDIR);

		return want & X_OK && !is_executable ? -EACCES : 0;
	}
	if (process_uid(process) == node->uid)
		bits = node->mode >> 6 & 7;
	else if (process_is_in_group(process, node->gid))
		bits = node->mode >> 3 & 7;
	return (bits & want) == want ? 0 : -EACCES;
}

uint32_t node_device(const struct node *node)
{
	return node->kind == NODE_DISK ? 0xfe00 : node->kind; /* 254:0, as Linux names its first virtio disk */
}

/* What only the file system knows after it allocated. */
static void node_refresh(struct node *node)
{
	struct filesystem_node_info info;

	if (filesystem_info(node->number, &info) != ZOG_OK)
		return;
	node->blocks_512 = info.blocks_512;
	if (node_is(node, S_IFDIR))
		node->size = info.size;
	node->flags &= (uint8_t)~NODE_BLOCKS_STALE;
}

struct linux_stat node_stat(struct node *node)
{
	uint64_t kind = node->kind == NODE_ZOG || node->kind == NODE_PROC ? node->kind : 0;

	if (node->flags & NODE_BLOCKS_STALE)
		node_refresh(node);
	return (struct linux_stat){
		.st_dev = node_device(node), .st_ino = node->number | kind << 40, .st_nlink = node->links, .st_mode = node->mode,
		.st_uid = node->uid, .st_gid = node->gid, .st_rdev = node->device, .st_size = (int64_t)node->size,
		.st_blksize = PAGE_BYTES, .st_blocks = (int64_t)node->blocks_512,
		.st_atime_s = node->atime_s, .st_atime_ns = node->atime_ns, .st_mtime_s = node->mtime_s,
		.st_mtime_ns = node->mtime_ns, .st_ctime_s = node->ctime_s, .st_ctime_ns = node->ctime_ns,
	};
}

uint64_t node_size(const struct node *node) { return node->size; }
uint64_t node_number(const struct node *node) { return node->number; }
