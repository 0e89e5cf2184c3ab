/* Random operations on the ext4 domain beside a model of what they mean.
 *
 * The model is a table of nodes and a table of names in shared memory, so it outlives the domain. A task is one
 * operation with its arguments; it stays the same until it was answered, whatever is killed meanwhile, and the model
 * changes with the answer. */
#ifndef EXT4_MODEL_H
#define EXT4_MODEL_H

#include "ext4_harness.h"

#define NODES 300
#define NAMES 900
#define PAGES 1024
#define NAME_BYTES 256
#define STAMP_UNKNOWN 0xffffffffu /* prepared, not yet written */

enum task_kind {
	TASK_NONE, TASK_CREATE, TASK_SYMLINK, TASK_LINK, TASK_UNLINK, TASK_RENAME, TASK_WRITE, TASK_TRUNCATE, TASK_SET,
	TASK_CHECK, TASK_LIST, TASK_FORGET, TASK_SYNC, TASK_LOOKUP, TASK_COUNT,
};
/* How often each is chosen. */
static const uint32_t task_weight[TASK_COUNT] = { 0, 16, 4, 5, 16, 10, 24, 8, 6, 14, 3, 6, 2, 6 };

struct model_node {
	bool is_used;
	uint64_t node, size;
	uint32_t generation, mode, uid, gid, links, device; /* links: names; "." and ".." apart */
	int64_t mtime_s;
	char target[1100];
	uint32_t stamp[PAGES]; /* 0: hole */
};
struct model_name {
	bool is_used;
	int directory, node; /* places in the node table; 0 is the root */
	char text[NAME_BYTES];
};
struct task {
	enum task_kind kind;
	uint32_t step, page, count, stamp, mode;
	int directory, to_directory, node, name;
	uint64_t size;
	char text[NAME_BYTES], target[1100];
};
static struct world {
	struct model_node node[NODES];
	struct model_name name[NAMES];
	struct task task;
	uint32_t tasks_left, stamp;
	uint64_t ticket;
	int64_t clock;
	bool may_fill; /* the disk may run full */
	bool has_short_times; /* inodes of 128 bytes: 32 bits of seconds */
	uint64_t done[TASK_COUNT], spaces;
} *world;

/* --- the model --- */

static int pick_node(uint32_t type)
{
	for (uint32_t turn = 0; turn < 200; turn++) {
		int i = (int)chance(NODES);

		if (world->node[i].is_used && (!type || (world->node[i].mode & MODE_TYPE) == type)
			&& (world->node[i].links || i == 0))
			return i;
	}
	return type == MODE_REGULAR ? -1 : 0;
}

static int free_node(void)
{
	for (int i = 1; i < NODES; i++) {
		if (!world->node[i].is_used)
			return i;
	}
	return -1;
}

static int find_name(int directory, const char *text)
{
	for (int i = 0; i < NAMES; i++) {
		if (world->name[i].is_used && world->name[i].directory == directory
			&& strcmp(world->name[i].text, text) == 0)
			return i;
	}
	return -1;
}

static int pick_name(void)
{
	for (uint32_t turn = 0; turn < 300; turn++) {
		int i = (int)chance(NAMES);

		if (world->name[i].is_used)
			return i;
	}
	return -1;
}

static void add_name(int directory, const char *text, int node)
{
	for (int i = 0; i < NAMES; i++) {
		if (!world->name[i].is_used) {
			world->name[i] = (struct model_name){ .is_used = true, .directory = directory, .node = node };
			snprintf(world->name[i].text, NAME_BYTES, "%s", text);
			world->node[node].links++;
			return;
		}
	}
	CHECK(false);
}

static bool is_directory(int node) { return (world->node[node].mode & MODE_TYPE) == MODE_DIRECTORY; }

static uint32_t count_in(int directory, bool only_directories)
{
	uint32_t count = 0;

	for (int i = 0; i < NAMES; i++)
		count += world->name[i].is_used && world->name[i].directory == directory
			&& (!only_directories || is_directory(world->name[i].node));
	return count;
}

static bool is_below(int node, int top)
{
	while (node != top && node != 0) {
		int i = 0;

		while (i < NAMES && !(world->name[i].is_used && world->name[i].node == node))
			i++;
		CHECK(i < NAMES);
		node = world->name[i].directory;
	}
	return node == top;
}

static uint32_t used_names(void)
{
	uint32_t count = 0;

	for (int i = 0; i < NAMES; i++)
		count += world->name[i].is_used;
	return count;
}

static void random_text(char *text)
{
	uint32_t length = chance(12) == 0 ? 1 + chance(255) : 0, number = chance(90);

	snprintf(text, NAME_BYTES, "n%u", number);
	for (uint32_t i = (uint32_t)strlen(text); i < length; i++) {
		text[i] = (char)('a' + (number + i) % 26);
		text[i + 1] = 0;
	}
}

/* --- choosing a task --- */

static void task_choose(void)
{
	struct task *t = &world->task;
	uint32_t sum = 0, at;

	for (uint32_t i = 0; i < TASK_COUNT; i++)
		sum += task_weight[i];
	at = chance(sum);
	memset(t, 0, sizeof(*t));
	t->kind = TASK_NONE;
	while (at >= task_weight[t->kind])
		at -= task_weight[t->kind++];
	world->clock += chance(3);
	t->directory = pick_node(MODE_DIRECTORY);
	t->to_directory = pick_node(MODE_DIRECTORY);
	t->node = pick_node(t->kind == TASK_WRITE || t->kind == TASK_TRUNCATE ? MODE_REGULAR : 0);
	t->name = pick_name();
	random_text(t->text);
	t->page = chance(4) ? chance(24) : chance(PAGES - 40);
	t->count = 1 + chance(chance(5) ? 4 : 24);
	t->stamp = ++world->stamp;
	t->size = chance(3) ? (uint64_t)chance(40 * BLOCK_BYTES) : (uint64_t)chance(PAGES) * BLOCK_BYTES;
	t->mode = chance(0x1000);
	switch (chance(8)) {
	case 0: t->mode |= MODE_FIFO; break;
	case 1: t->mode |= chance(2) ? MODE_CHAR : MODE_BLOCK; break;
	case 2: case 3: t->mode |= MODE_DIRECTORY; break;
	default: t->mode |= MODE_REGULAR; break;
	}
	for (uint32_t i = 0, length = 1 + chance(chance(2) ? 59 : 1090); i < length; i++)
		t->target[i] = (char)('A' + (i + t->stamp) % 26);
}

/* --- carrying it out --- */

static bool is_space(zog_status_t status)
{
	if (status != ZOG_ERR_SPACE || !world->may_fill)
		return false;
	world->spaces++;
	return true;
}

static void node_learn(int node)
{
	struct filesystem_node_info info;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, world->node[node].node, &info));
	CHECK(status == ZOG_OK);
	world->node[node].generation = info.generation;
}

/* Two steps: the node is created; its generation is asked for. */
static void task_create(struct task *t)
{
	struct filesystem_create_request request = { .parent = world->node[t->directory].node, .mode = t->mode,
		.uid = t->stamp * 7919, .gid = t->stamp * 104729, .device = t->stamp % 3000, .time_s = world->clock,
		.time_ns = t->stamp };
	bool is_symlink = t->kind == TASK_SYMLINK;
	int place = free_node();
	uint64_t node = 0;
	zog_status_t status;

	if (t->step == 1) {
		node_learn(t->node);
		t->kind = TASK_NONE;
		return;
	}
	if (place < 0 || used_names() >= NAMES - 2) {
		t->kind = TASK_NONE;
		return;
	}
	if (is_symlink)
		CALL(status, filesystem_symlink_serve(call, &request, t->text, strlen(t->text), t->target,
			strlen(t->target), &node));
	else
		CALL(status, filesystem_create_serve(call, &request, t->text, strlen(t->text), &node));
	if (find_name(t->directory, t->text) >= 0 || is_space(status)) {
		CHECK(status == ZOG_ERR_EXISTS || status == ZOG_ERR_SPACE);
		t->kind = TASK_NONE;
		return;
	}
	CHECK(status == ZOG_OK);
	memset(&world->node[place], 0, sizeof(world->node[place]));
	world->node[place] = (struct model_node){ .is_used = true, .node = node, .uid = request.uid, .gid = request.gid,
		.mode = is_symlink ? MODE_SYMLINK | 0777 : t->mode, .mtime_s = request.time_s };
	if ((t->mode & MODE_TYPE) == MODE_CHAR || (t->mode & MODE_TYPE) == MODE_BLOCK)
		world->node[place].device = is_symlink ? 0 : request.device;
	if (is_symlink)
		snprintf(world->node[place].target, sizeof(t->target), "%s", t->target);
	world->node[place].size = is_symlink ? strlen(t->target) : 0;
	add_name(t->directory, t->text, place);
	world->node[t->directory].mtime_s = request.time_s;
	t->node = place;
	t->step = 1;
}

static void task_link(struct task *t)
{
	zog_status_t status, expected = ZOG_OK;

	if (is_directory(t->node))
		expected = ZOG_ERR_DENIED;
	else if (find_name(t->directory, t->text) >= 0)
		expected = ZOG_ERR_EXISTS;
	CALL(status, filesystem_link_serve(call, world->node[t->node].node, world->node[t->directory].node, world->clock,
		t->text, strlen(t->text)));
	t->kind = TASK_NONE;
	if (is_space(status))
		return;
	CHECK(status == expected);
	if (status == ZOG_OK) {
		add_name(t->directory, t->text, t->node);
		world->node[t->directory].mtime_s = world->clock;
	}
}

static void task_unlink(struct task *t)
{
	struct model_name *name = &world->name[t->name < 0 ? 0 : t->name];
	uint64_t parent, node = 0, links = 0;
	zog_status_t status;

	if (t->name < 0) {
		t->kind = TASK_NONE;
		return;
	}
	parent = world->node[name->directory].node;
	if (is_directory(name->node)) {
		CALL(status, filesystem_unlink_serve(call, parent, world->clock, name->text, strlen(name->text), &node,
			&links));
		CHECK(status == ZOG_ERR_IS_DIRECTORY);
		CALL(status, filesystem_remove_directory_serve(call, parent, world->clock, name->text,
			strlen(name->text), &node));
		CHECK(status == (count_in(name->node, false) ? ZOG_ERR_NOT_EMPTY : ZOG_OK));
		t->kind = TASK_NONE;
		if (status != ZOG_OK)
			return;
	} else {
		CALL(status, filesystem_unlink_serve(call, parent, world->clock, name->text, strlen(name->text), &node,
			&links));
		CHECK(status == ZOG_OK);
		CHECK(links == world->node[name->node].links - 1);
	}
	t->kind = TASK_NONE;
	CHECK(node == world->node[name->node].node);
	world->node[name->node].links--;
	world->node[name->directory].mtime_s = world->clock;
	name->is_used = false;
}

static zog_status_t rename_expected(const struct task *t, int target)
{
	const struct model_name *name = &world->name[t->name];

	if (target >= 0 && world->name[target].node == name->node)
		return ZOG_OK;
	if (is_directory(name->node) && is_below(t->to_directory, name->node))
		return ZOG_ERR_ARGUMENT;
	if (target < 0)
		return ZOG_OK;
	if (is_directory(name->node) && !is_directory(world->name[target].node))
		return ZOG_ERR_NOT_DIRECTORY;
	if (!is_directory(name->node) && is_directory(world->name[target].node))
		return ZOG_ERR_IS_DIRECTORY;
	return is_directory(name->node) && count_in(world->name[target].node, false) ? ZOG_ERR_NOT_EMPTY : ZOG_OK;
}

static void task_rename(struct task *t)
{
	struct model_name *name = &world->name[t->name < 0 ? 0 : t->name];
	int target = find_name(t->to_directory, t->text);
	uint64_t node, replaced, replaced_links;
	zog_status_t status;

	if (t->name < 0) {
		t->kind = TASK_NONE;
		return;
	}
	struct filesystem_rename_request request = { .from_parent = world->node[name->directory].node,
		.to_parent = world->node[t->to_directory].node, .time_s = world->clock };
	CALL(status, filesystem_rename_serve(call, &request, name->text, strlen(name->text), t->text, strlen(t->text), &node, &replaced,
		&replaced_links));
	t->kind = TASK_NONE;
	if (is_space(status))
		return;
	CHECK(status == rename_expected(t, target));
	if (status != ZOG_OK)
		return;
	CHECK(node == world->node[name->node].node);
	if (target >= 0 && world->name[target].node == name->node)
		return;
	CHECK(replaced == (target >= 0 ? world->node[world->name[target].node].node : 0));
	if (target >= 0) {
		world->name[target].is_used = false;
		CHECK(replaced_links == --world->node[world->name[target].node].links);
	}
	world->node[name->directory].mtime_s = world->clock;
	world->node[t->to_directory].mtime_s = world->clock;
	name->directory = t->to_directory;
	snprintf(name->text, NAME_BYTES, "%s", t->text);
}

static void payload_fill(uint32_t frame, uint32_t stamp)
{
	for (uint32_t i = 0; i < BLOCK_BYTES / 4; i++)
		((uint32_t *)harness->payload[frame])[i] = stamp;
}

/* Step 0 prepares, each further one writes a page. */
static void task_write(struct task *t)
{
	struct model_node *node = &world->node[t->node < 0 ? 0 : t->node];
	uint64_t prepared = 0, seen = 0, size = (uint64_t)(t->page + t->count) * BLOCK_BYTES - t->stamp % BLOCK_BYTES;
	zog_status_t status;
	uint32_t page = t->page + t->step - 1;

	if (t->node < 0) {
		t->kind = TASK_NONE;
	} else if (t->step == 0) {
		CALL(status, filesystem_prepare_serve(call, node->node, t->page, t->count, size, &prepared));
		if (is_space(status)) {
			CHECK(prepared < t->count);
			t->count = (uint32_t)prepared;
			size = size > (t->page + prepared) * BLOCK_BYTES ? (t->page + prepared) * BLOCK_BYTES : size;
			if (prepared == 0) {
				t->kind = TASK_NONE;
				return;
			}
		} else {
			CHECK(status == ZOG_OK && prepared == t->count);
		}
		node->size = node->size > size ? node->size : size;
		for (uint32_t i = 0; i < t->count; i++) {
			if (node->stamp[t->page + i] == 0)
				node->stamp[t->page + i] = STAMP_UNKNOWN;
		}
		t->step = 1;
	} else {
		payload_fill(0, t->stamp);
		CALL_PENDING(status, seen, filesystem_write_page_serve(call, node->node, page, PAYLOAD_FRAME, &seen));
		CHECK(status == ZOG_OK);
		node->stamp[page] = t->stamp;
		if (t->step++ == t->count)
			t->kind = TASK_NONE;
	}
}

static void task_truncate(struct task *t)
{
	struct filesystem_set_request request = { .mask = FILESYSTEM_SET_MASK_SIZE, .size = t->size };
	struct model_node *node = &world->node[t->node < 0 ? 0 : t->node];
	zog_status_t status;

	if (t->node < 0) {
		t->kind = TASK_NONE;
		return;
	}
	CALL(status, filesystem_set_serve(call, node->node, &request));
	CHECK(status == ZOG_OK);
	t->kind = TASK_NONE;
	if (t->size < node->size) /* blocks beyond the end may exist and stay when the size grows */
		for (uint64_t i = (t->size + BLOCK_BYTES - 1) / BLOCK_BYTES; i < PAGES; i++)
			node->stamp[i] = 0;
	node->size = t->size;
}

static void task_set(struct task *t)
{
	struct filesystem_set_request request = { .mask = FILESYSTEM_SET_MASK_MODE | FILESYSTEM_SET_MASK_OWNER
		| FILESYSTEM_SET_MASK_MTIME, .mode = t->mode & 0xfff, .uid = t->stamp * 31, .gid = t->stamp * 37,
		.mtime_s = (int64_t)t->stamp * 1000003 - 5000000, .mtime_ns = 999999999 };
	struct model_node *node = &world->node[t->node < 0 ? 0 : t->node];
	zog_status_t status;

	CALL(status, filesystem_set_serve(call, node->node, &request));
	CHECK(status == ZOG_OK);
	t->kind = TASK_NONE;
	node->mode = (node->mode & MODE_TYPE) | (t->mode & 0xfff);
	node->uid = request.uid;
	node->gid = request.gid;
	node->mtime_s = request.mtime_s;
}

/* --- looking --- */

static void check_info(int place)
{
	const struct model_node *node = &world->node[place];
	struct filesystem_node_info info;
	uint32_t links = is_directory(place) ? 2 + count_in(place, true) : node->links;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, node->node, &info));
	CHECK(status == ZOG_OK && info.node == node->node);
	CHECK(info.mode == node->mode && info.uid == node->uid && info.gid == node->gid && info.device == node->device);
	CHECK(info.links == (place && !node->links ? 0 : links) && info.generation == node->generation);
	CHECK(info.mtime_s == (world->has_short_times && node->mtime_s > INT32_MAX ? INT32_MAX : node->mtime_s));
	if (!is_directory(place))
		CHECK(info.size == node->size);
}

static void check_page(int place, uint32_t page)
{
	const struct model_node *node = &world->node[place];
	uint64_t seen = 0;
	zog_status_t status;

	if (node->stamp[page] == STAMP_UNKNOWN)
		return;
	payload_fill(1, 0x5a5a5a5a);
	CALL_PENDING(status, seen, filesystem_read_page_serve(call, node->node, page, PAYLOAD_FRAME + 1, &seen));
	CHECK(status == ZOG_OK);
	if (page * (uint64_t)BLOCK_BYTES >= node->size || node->stamp[page] == 0) {
		CHECK(seen == 1);
		return;
	}
	CHECK(seen == 0);
	for (uint32_t i = 0; i < BLOCK_BYTES / 4; i++)
		CHECK(((uint32_t *)harness->payload[1])[i] == node->stamp[page]);
}

static void check_link(int place)
{
	char target[BLOCK_BYTES];
	size_t length = 0;
	zog_status_t status;

	CALL(status, filesystem_read_link_serve(call, world->node[place].node, target, sizeof(target), &length));
	CHECK(status == ZOG_OK && length == strlen(world->node[place].target));
	CHECK(memcmp(target, world->node[place].target, length) == 0);
}

static void check_node(int place, bool is_thorough)
{
	check_info(place);
	if ((world->node[place].mode & MODE_TYPE) == MODE_SYMLINK)
		check_link(place);
	if ((world->node[place].mode & MODE_TYPE) != MODE_REGULAR)
		return;
	for (uint32_t i = 0; i < PAGES; i++) {
		if (is_thorough ? world->node[place].stamp[i] != 0 || i % 97 == 0 : chance(300) == 0)
			check_page(place, i);
	}
}

/* Every name once, nothing else; the type agrees. */
static void check_list(int directory)
{
	static const uint8_t types[16] = { [1] = 1, [2] = 2, [4] = 4, [6] = 6, [8] = 8, [10] = 10, [12] = 12 };
	struct filesystem_directory_entry entry = { 0 };
	struct filesystem_entries_found_list found;
	uint32_t names = 0, dots = 0, count;
	zog_status_t status;

	do {
		uint64_t position = entry.next;

		filesystem_entries_found_list_clear(&found);
		found.list.size = chance(2) ? sizeof(found.room) : 600;
		CALL(status, filesystem_entries_serve(call, world->node[directory].node, position, &found.list));
		CHECK(status == ZOG_OK && filesystem_directory_entry_list_is_valid(found.list.bytes, found.list.length));
		for (count = 0; filesystem_directory_entry_next(&found.list, &entry); count++) {
			char text[NAME_BYTES] = { 0 };
			int name;

			memcpy(text, entry.name, entry.name_length);
			name = find_name(directory, text);
			if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
				dots++;
			} else {
				CHECK(name >= 0 && world->node[world->name[name].node].node == entry.node);
				CHECK(entry.type == types[world->node[world->name[name].node].mode >> 12]);
				names++;
			}
		}
	} while (count);
	CHECK(dots == 2 && names == count_in(directory, false));
}

static void task_lookup(struct task *t)
{
	int name = find_name(t->directory, t->text);
	zog_status_t status;
	uint64_t node = 0;

	CALL(status, filesystem_lookup_serve(call, world->node[t->directory].node, t->text, strlen(t->text), &node));
	CHECK(status == (name >= 0 ? ZOG_OK : ZOG_ERR_NOT_FOUND));
	CHECK(name < 0 || node == world->node[world->name[name].node].node);
	t->kind = TASK_NONE;
}

/* Some node without names; sometimes one that has names, for which it must change nothing. */
static void task_forget(struct task *t)
{
	int place = -1;
	zog_status_t status;

	for (int i = 1; i < NODES && place < 0; i++) {
		if (world->node[i].is_used && world->node[i].links == 0)
			place = i;
	}
	if (place < 0 || t->stamp % 8 == 0)
		place = t->node;
	CALL(status, filesystem_forget_serve(call, world->node[place].node, world->node[place].generation));
	CHECK(status == ZOG_OK);
	t->kind = TASK_NONE;
	if (place && world->node[place].links == 0)
		world->node[place].is_used = false;
}

static void sync_all(bool is_final)
{
	uint64_t seen = 0, ticket = ++world->ticket;
	zog_status_t status;

	CALL_PENDING(status, seen, filesystem_sync_serve(call, ticket, is_final, &seen));
	CHECK(status == ZOG_OK);
}

static void task_run(struct task *t)
{
	enum task_kind kind = t->kind;

	switch (kind) {
	case TASK_CREATE: case TASK_SYMLINK: task_create(t); break;
	case TASK_LINK: task_link(t); break;
	case TASK_UNLINK: task_unlink(t); break;
	case TASK_RENAME: task_rename(t); break;
	case TASK_WRITE: task_write(t); break;
	case TASK_TRUNCATE: task_truncate(t); break;
	case TASK_SET: task_set(t); break;
	case TASK_CHECK: check_node(t->node, false); t->kind = TASK_NONE; break;
	case TASK_LIST: check_list(t->directory); t->kind = TASK_NONE; break;
	case TASK_FORGET: task_forget(t); break;
	case TASK_SYNC: sync_all(false); t->kind = TASK_NONE; break;
	case TASK_LOOKUP: task_lookup(t); break;
	default: t->kind = TASK_NONE; break;
	}
	if (t->kind == TASK_NONE)
		world->done[kind]++;
}

/* --- lives --- */

static void life_random(void)
{
	uint64_t node;
	zog_status_t status;

	CALL(status, filesystem_root_serve(call, &node));
	CHECK(status == ZOG_OK && node == world->node[0].node);
	while (world->tasks_left || world->task.kind) {
		if (world->task.kind == TASK_NONE) {
			world->tasks_left--;
			task_choose();
		}
		task_run(&world->task);
	}
}

static void life_check(void)
{
	for (int i = 0; i < NODES; i++) {
		if (!world->node[i].is_used || (i && world->node[i].links == 0))
			continue;
		check_node(i, true);
		if (is_directory(i))
			check_list(i);
	}
}

static void life_sync_final(void)
{
	sync_all(true);
}

/* What mke2fs put there: the root, and lost+found in it. */
static void life_adopt(void)
{
	struct filesystem_node_info info;
	zog_status_t status;
	uint64_t node;

	CALL(status, filesystem_lookup_serve(call, INODE_ROOT, "lost+found", 10, &node));
	CHECK(status == ZOG_OK);
	for (int i = 0; i < 2; i++) {
		world->node[i] = (struct model_node){ .is_used = true, .node = i ? node : INODE_ROOT };
		CALL(status, filesystem_info_serve(call, world->node[i].node, &info));
		CHECK(status == ZOG_OK);
		world->node[i].mode = info.mode;
		world->node[i].uid = info.uid;
		world->node[i].gid = info.gid;
		world->node[i].generation = info.generation;
		world->node[i].mtime_s = info.mtime_s;
	}
	add_name(0, "lost+found", 1);
	world->clock = 1700000000;
}

static void orphans_drop(void)
{
	for (int i = 1; i < NODES; i++) {
		if (world->node[i].links == 0)
			world->node[i].is_used = false;
	}
}

#endif
