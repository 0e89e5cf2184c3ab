/* Extent trees, changing: insert, convert, truncate.
 *
 * An insertion joins its neighbours in the leaf where it can, else takes a free entry, else a full node is split: the
 * lowest node on the way that has room gets an entry for the new right half; when there is none, the root's contents
 * move to a new block and the tree grows. After each such step the tree is whole, and the walk starts again.
 * A node's first key is repeated in its parents: keys_fix() keeps that. */
#include "ext4.h"

#define UNWRITTEN_LENGTH_MAX (EXTENT_LENGTH_MAX - 1)

static uint32_t length_max(enum run_kind kind)
{
	return kind == RUN_UNWRITTEN ? UNWRITTEN_LENGTH_MAX : EXTENT_LENGTH_MAX;
}

static void entry_set(struct disk_extent *entry, uint32_t logical, struct run run)
{
	entry->logical = logical;
	entry->length = (uint16_t)(run.kind == RUN_UNWRITTEN ? run.length + EXTENT_LENGTH_MAX : run.length);
	entry->start_hi = (uint16_t)(run.start >> 32);
	entry->start_lo = (uint32_t)run.start;
}

static enum run_kind entry_kind(const struct disk_extent *entry)
{
	return extent_is_unwritten(entry) ? RUN_UNWRITTEN : RUN_WRITTEN;
}

static struct run entry_run(const struct disk_extent *entry)
{
	return (struct run){ extent_start(entry), extent_length(entry), entry_kind(entry) };
}

/* After the first key of the node at `level` changed. */
static void keys_fix(struct inode *inode, struct extent_path *path, uint32_t level)
{
	uint32_t key = extent_entry(&path->step[level], 0)->logical;

	while (level-- > 0) {
		struct extent_step *step = &path->step[level];
		struct disk_extent_index *index = extent_index(step, (uint32_t)step->index);

		if (index->logical == key)
			return;
		index->logical = key;
		extent_step_dirty(inode, step);
		if (step->index > 0)
			return;
	}
}

/* Opens or closes a gap of one entry. */
static void node_open(struct extent_step *step, uint32_t at)
{
	struct disk_extent *entry = extent_entry(step, at);

	memmove(entry + 1, entry, (step->header->entries - at) * sizeof(*entry));
	step->header->entries++;
}

static void node_close(struct extent_step *step, uint32_t at)
{
	struct disk_extent *entry = extent_entry(step, at);

	step->header->entries--;
	memmove(entry, entry + 1, (step->header->entries - at) * sizeof(*entry));
}

/* --- blocks of the tree --- */

static uint64_t node_goal(const struct inode *inode, const struct extent_path *path)
{
	const struct extent_step *leaf = &path->step[path->depth];

	if (leaf->header->entries == 0)
		return inode_goal(inode);
	return extent_start(extent_entry(leaf, leaf->header->entries - 1u));
}

static zog_status_t node_create(struct inode *inode, const struct extent_path *path, uint32_t depth,
	uint64_t *block, struct extent_step *step)
{
	uint32_t got;

	TRY(blocks_allocate(node_goal(inode, path), 1, block, &got));
	TRY(block_new(*block, BLOCK_EXTENTS, inode->seed, &step->slot));
	step->header = slot_data(step->slot);
	step->header->magic = EXTENT_MAGIC;
	step->header->max = EXTENT_BLOCK_ENTRIES;
	step->header->depth = (uint16_t)depth;
	inode_add_blocks(inode, 1);
	inode_dirty(inode);
	return ZOG_OK;
}

static zog_status_t node_destroy(struct inode *inode, uint64_t block)
{
	TRY(blocks_free(block, 1));
	block_forget(block);
	inode_add_blocks(inode, -1);
	inode_dirty(inode);
	return ZOG_OK;
}

static void index_set(struct disk_extent_index *index, uint32_t logical, uint64_t child)
{
	*index = (struct disk_extent_index){ .logical = logical, .child_lo = (uint32_t)child,
		.child_hi = (uint16_t)(child >> 32) };
}

/* The root is full: its entries move to a new block below it. */
static zog_status_t tree_grow(struct inode *inode, struct extent_path *path)
{
	struct extent_step *root = &path->step[0], node;
	uint32_t key = extent_entry(root, 0)->logical;
	uint64_t block;

	if (path->depth >= EXTENT_DEPTH_MAX)
		return ZOG_ERR_SPACE;
	TRY(node_create(inode, path, root->header->depth, &block, &node));
	memcpy(extent_entry(&node, 0), extent_entry(root, 0), root->header->entries * sizeof(struct disk_extent));
	node.header->entries = root->header->entries;
	root->header->entries = 1;
	root->header->depth++;
	memset(extent_entry(root, 0), 0, EXTENT_ROOT_ENTRIES * sizeof(struct disk_extent));
	index_set(extent_index(root, 0), key, block);
	inode_dirty(inode);
	return ZOG_OK;
}

/* The node at `level` is full, its parent has room: the right part moves to a new node. A file that grows at its end
 * leaves its nodes full behind it. */
static zog_status_t node_split(struct inode *inode, struct extent_path *path, uint32_t level)
{
	struct extent_step *left = &path->step[level], *parent = &path->step[level - 1], right;
	uint32_t entries = left->header->entries, keep;
	uint64_t block;

	keep = left->index + 1 >= (int32_t)entries ? entries - 1 : entries / 2;
	TRY(node_create(inode, path, left->header->depth, &block, &right));
	memcpy(extent_entry(&right, 0), extent_entry(left, keep), (entries - keep) * sizeof(struct disk_extent));
	right.header->entries = (uint16_t)(entries - keep);
	left->header->entries = (uint16_t)keep;
	block_dirty(left->slot);
	node_open(parent, (uint32_t)parent->index + 1);
	index_set(extent_index(parent, (uint32_t)parent->index + 1), extent_entry(&right, 0)->logical, block);
	extent_step_dirty(inode, parent);
	return ZOG_OK;
}

/* One step towards room in the leaf. */
static zog_status_t tree_make_room(struct inode *inode, struct extent_path *path)
{
	uint32_t level = path->depth;

	while (level > 0 && path->step[level - 1].header->entries == path->step[level - 1].header->max)
		level--;
	return level == 0 ? tree_grow(inode, path) : node_split(inode, path, level);
}

/* --- insertion --- */

static bool runs_join(struct run a, uint32_t a_logical, struct run b, uint32_t b_logical)
{
	return a.kind == b.kind && a_logical + a.length == b_logical && a.start + a.length == b.start
		&& a.length + b.length <= length_max(a.kind);
}

/* Grows the entry before or after the place; both, when the run closes the gap between them. */
static bool insert_joined(struct inode *inode, struct extent_path *path, uint32_t logical, struct run run)
{
	struct extent_step *leaf = &path->step[path->depth];
	int32_t at = leaf->index;
	struct disk_extent *left = at >= 0 ? extent_entry(leaf, (uint32_t)at) : NULL;
	struct disk_extent *right =
		at + 1 < (int32_t)leaf->header->entries ? extent_entry(leaf, (uint32_t)at + 1) : NULL;

	if (left && runs_join(entry_run(left), left->logical, run, logical)) {
		run.start = extent_start(left);
		run.length += extent_length(left);
		logical = left->logical;
		if (right && runs_join(run, logical, entry_run(right), right->logical)) {
			run.length += extent_length(right);
			node_close(leaf, (uint32_t)at + 1);
		}
		entry_set(left, logical, run);
	} else if (right && runs_join(run, logical, entry_run(right), right->logical)) {
		run.length += extent_length(right);
		entry_set(right, logical, run);
		if (at < 0)
			keys_fix(inode, path, path->depth);
	} else {
		return false;
	}
	extent_step_dirty(inode, leaf);
	return true;
}

zog_status_t extent_insert(struct inode *inode, uint32_t logical, struct run run)
{
	struct extent_path path;
	struct extent_step *leaf;

	for (;;) {
		TRY(extent_walk(inode, logical, &path));
		leaf = &path.step[path.depth];
		if (insert_joined(inode, &path, logical, run))
			return ZOG_OK;
		if (leaf->header->entries < leaf->header->max)
			break;
		TRY(tree_make_room(inode, &path));
	}
	node_open(leaf, (uint32_t)(leaf->index + 1));
	entry_set(extent_entry(leaf, (uint32_t)(leaf->index + 1)), logical, run);
	extent_step_dirty(inode, leaf);
	if (leaf->index < 0)
		keys_fix(inode, &path, path.depth);
	return ZOG_OK;
}

/* --- removal --- */

/* The node at `level` lost its last entry: it goes, and so may its parents. */
static zog_status_t nodes_prune(struct inode *inode, struct extent_path *path)
{
	uint32_t level = path->depth;

	while (level > 0 && path->step[level].header->entries == 0) {
		struct extent_step *parent = &path->step[level - 1];
		uint32_t at = (uint32_t)parent->index;

		TRY(node_destroy(inode, path->step[level].slot->block));
		node_close(parent, at);
		extent_step_dirty(inode, parent);
		level--;
		if (at == 0 && parent->header->entries)
			keys_fix(inode, path, level);
	}
	if (path->step[0].header->entries == 0)
		path->step[0].header->depth = 0;
	return ZOG_OK;
}

static zog_status_t entry_remove(struct inode *inode, struct extent_path *path)
{
	struct extent_step *leaf = &path->step[path->depth];
	uint32_t at = (uint32_t)leaf->index;

	node_close(leaf, at);
	extent_step_dirty(inode, leaf);
	if (leaf->header->entries == 0)
		TRY(nodes_prune(inode, path));
	else if (at == 0)
		keys_fix(inode, path, path->depth);
	inode_dirty(inode);
	return ZOG_OK;
}

/* A tree that fits in its root again moves back there. */
static zog_status_t tree_shrink(struct inode *inode)
{
	for (;;) {
		struct extent_path path;
		struct extent_step *root = &path.step[0], *child = &path.step[1];

		TRY(extent_walk(inode, 0, &path));
		if (path.depth == 0 || root->header->entries != 1 || child->header->entries > EXTENT_ROOT_ENTRIES)
			return ZOG_OK;
		memcpy(extent_entry(root, 0), extent_entry(child, 0),
			child->header->entries * sizeof(struct disk_extent));
		root->header->entries = child->header->entries;
		root->header->depth = child->header->depth;
		TRY(node_destroy(inode, child->slot->block));
	}
}

/* Metadata blocks of the node (directory, long symbolic link) leave the cache with the blocks. */
static zog_status_t data_free(struct inode *inode, uint64_t start, uint32_t length)
{
	TRY(blocks_free(start, length));
	if (!inode_is_regular(inode->raw)) {
		for (uint32_t i = 0; i < length; i++)
			block_forget(start + i);
	}
	inode_add_blocks(inode, -(int64_t)length);
	inode_dirty(inode);
	return ZOG_OK;
}

zog_status_t extent_truncate(struct inode *inode, uint64_t from)
{
	for (;;) {
		struct extent_path path;
		struct extent_step *leaf;
		struct disk_extent *last;
		struct run run;

		TRY(extent_walk(inode, UINT32_MAX, &path));
		leaf = &path.step[path.depth];
		if (leaf->index < 0)
			return ZOG_OK; /* only an empty root has no last entry */
		last = extent_entry(leaf, (uint32_t)leaf->index);
		run = entry_run(last);
		if (last->logical + (uint64_t)run.length <= from)
			return tree_shrink(inode);
		if (last->logical >= from) {
			TRY(data_free(inode, run.start, run.length));
			TRY(entry_remove(inode, &path));
			continue;
		}
		TRY(data_free(inode, run.start + (from - last->logical), last->logical + run.length - (uint32_t)from));
		run.length = (uint32_t)from - last->logical;
		entry_set(last, last->logical, run);
		extent_step_dirty(inode, leaf);
	}
}

/* --- unwritten blocks (made by fallocate on Linux) that are about to be written --- */

/* Cuts [logical, logical + length), which must lie in one unwritten extent, out of it and puts it back written. */
zog_status_t extent_set_written(struct inode *inode, uint32_t logical, uint32_t length)
{
	struct extent_path path;
	struct extent_step *leaf;
	struct disk_extent *entry;
	struct run whole, part;
	uint32_t first, before, after;

	TRY(extent_walk(inode, logical, &path));
	leaf = &path.step[path.depth];
	if (leaf->index < 0)
		return ZOG_ERR_CORRUPT;
	entry = extent_entry(leaf, (uint32_t)leaf->index);
	whole = entry_run(entry);
	first = entry->logical;
	before = logical - first;
	after = whole.length - before - length;
	TRY(entry_remove(inode, &path));
	part = (struct run){ whole.start, before, RUN_UNWRITTEN };
	if (before)
		TRY(extent_insert(inode, first, part));
	part = (struct run){ whole.start + before, length, RUN_WRITTEN };
	TRY(extent_insert(inode, logical, part));
	part = (struct run){ whole.start + before + length, after, RUN_UNWRITTEN };
	return after ? extent_insert(inode, logical + length, part) : ZOG_OK;
}
