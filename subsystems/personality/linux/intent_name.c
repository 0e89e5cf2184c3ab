/* The steps of calls that change names, and of /zog/ctl: what is called, and what the answer does to nodes and dentries. */
#include "intent.h"
#include "file.h"
#include "contracts/supervisor_client.h"

static struct filesystem_create_request create_request(const struct intent *intent)
{
	return (struct filesystem_create_request){
		.parent = intent->word[WORD_PARENT], .mode = (uint32_t)intent->word[WORD_MODE],
		.uid = (uint32_t)(intent->word[WORD_OWNER] >> 32), .gid = (uint32_t)intent->word[WORD_OWNER],
		.device = (uint32_t)intent->word[WORD_DEVICE], .time_s = (int64_t)intent->word[WORD_TIME_S],
		.time_ns = (uint32_t)intent->word[WORD_TIME_NS],
	};
}

/* A directory's own times and size follow its file system's; the cached record is made to ask again. */
static void parent_changed(uint64_t number, const struct intent *intent)
{
	struct node *parent = node_find(NODE_DISK, number);

	files()->is_metadata_dirty = 1;
	if (!parent)
		return;
	parent->mtime_s = parent->ctime_s = (int64_t)intent->word[WORD_TIME_S];
	parent->mtime_ns = parent->ctime_ns = (uint32_t)intent->word[WORD_TIME_NS];
	parent->flags |= NODE_BLOCKS_STALE;
}

/* A fresh regular file is known without asking; of anything else the file system is asked. */
static struct node *node_born(const struct intent *intent, uint64_t number)
{
	struct node *node = node_find(NODE_DISK, number);

	if (node && node->links) /* the step ran before and was cut after it was committed */
		return node;
	if (node || (intent->word[WORD_MODE] & S_IFMT) != S_IFREG)
		return NULL;
	node = node_add(NODE_DISK, number);
	if (!node)
		return NULL;
	node->mode = (uint32_t)intent->word[WORD_MODE];
	node->uid = (uint32_t)(intent->word[WORD_OWNER] >> 32);
	node->gid = (uint32_t)intent->word[WORD_OWNER];
	node->links = 1;
	node->atime_s = node->mtime_s = node->ctime_s = (int64_t)intent->word[WORD_TIME_S];
	node->atime_ns = node->mtime_ns = node->ctime_ns = (uint32_t)intent->word[WORD_TIME_NS];
	return node;
}

/* Its number was given out again while the old record was still to be buried: the file system had freed it already. */
static void number_reborn(uint64_t number)
{
	struct node *node = node_find(NODE_DISK, number);

	if (!node || !(node->flags & NODE_IS_DEAD) || node->page_count)
		return;
	files()->dead_count--;
	files()->attribute_count -= node->dirty_mask != 0;
	node_drop(node);
}

static uint32_t name_born(const struct intent *intent, uint32_t length, uint64_t number)
{
	parent_changed(intent->word[WORD_PARENT], intent);
	return dentry_put((uint32_t)intent->word[WORD_PARENT], (const char *)intent->data, length, (uint32_t)number);
}

static zog_status_t make_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	struct filesystem_create_request request = create_request(intent);

	(void)call;
	return filesystem_create(intent->sequence, &request, intent->data, intent->length, &out[0]);
}

static int64_t make_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	struct node *parent = node_find(NODE_DISK, intent->word[WORD_PARENT]);

	(void)call;
	if (status != ZOG_OK)
		return status_errno(status);
	number_reborn(out[0]);
	name_born(intent, intent->length, out[0]);
	if (parent && (intent->word[WORD_MODE] & S_IFMT) == S_IFDIR)
		parent->links++;
	return 0;
}

static int64_t open_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	uint32_t flags = (uint32_t)intent->word[WORD_FLAGS], dentry;
	struct process *process = process_current(call);
	int64_t fd, error = -ENFILE;
	struct node *node;
	struct file *file;

	if (status == ZOG_ERR_EXISTS && !(flags & O_EXCL)) {
		dentry_forget((uint32_t)intent->word[WORD_PARENT], (const char *)intent->data, intent->length);
		return intent_start_over(intent);
	}
	if (status != ZOG_OK)
		return status_errno(status);
	number_reborn(out[0]);
	node = node_born(intent, out[0]);
	if (!node && (error = node_get(out[0], &node)) != 0)
		return error;
	dentry = name_born(intent, intent->length, out[0]);
	if (dentry != DENTRY_NONE)
		node->dentry = dentry + 1;
	fd = descriptor_free(process, 0);
	if (fd < 0)
		return fd;
	file = file_open_node(call, node, flags, &error);
	if (!file)
		return error;
	descriptor_set(process, (uint32_t)fd, file, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	return fd;
}

static zog_status_t symlink_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	struct filesystem_create_request request = create_request(intent);
	uint32_t length = (uint32_t)intent->word[WORD_LENGTH];

	(void)call;
	return filesystem_symlink(intent->sequence, &request, intent->data, length, intent->data + length,
				  intent->length - length, &out[0]);
}

static int64_t symlink_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	(void)call;
	if (status != ZOG_OK)
		return status_errno(status);
	number_reborn(out[0]);
	name_born(intent, (uint32_t)intent->word[WORD_LENGTH], out[0]);
	return 0;
}

/* link: WORD_DEVICE carries the node's number. */
static zog_status_t link_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	(void)call, (void)out;
	return filesystem_link(intent->sequence, intent->word[WORD_DEVICE], intent->word[WORD_PARENT],
			       (int64_t)intent->word[WORD_TIME_S], intent->data, intent->length);
}

static int64_t link_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	struct node *node = node_find(NODE_DISK, intent->word[WORD_DEVICE]);

	(void)call, (void)out;
	if (status != ZOG_OK)
		return status_errno(status);
	if (node)
		node->links++;
	name_born(intent, intent->length, intent->word[WORD_DEVICE]);
	return 0;
}

static zog_status_t unlink_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	(void)call;
	return filesystem_unlink(intent->sequence, intent->word[WORD_PARENT], (int64_t)intent->word[WORD_TIME_S], intent->data,
				 intent->length, &out[0], &out[1]);
}

/* A node lost a name: LINKS are left. One that nobody has cached gets a record to be forgotten by. */
static void node_unlinked(uint64_t number, uint64_t links)
{
	struct node *node = node_find(NODE_DISK, number);

	if (!node && links == 0)
		node = node_add(NODE_DISK, number);
	if (!node)
		return;
	node->links = (uint32_t)links;
	node_ctime_set(node, wall_time());
	node_check_dead(node);
}

static int64_t unlink_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	uint32_t parent = (uint32_t)intent->word[WORD_PARENT];

	(void)call;
	if (status == ZOG_ERR_NOT_FOUND)
		dentry_forget(parent, (const char *)intent->data, intent->length);
	if (status != ZOG_OK)
		return status_errno(status);
	parent_changed(parent, intent);
	dentry_put(parent, (const char *)intent->data, intent->length, 0);
	node_unlinked(out[0], out[1]);
	return 0;
}

static zog_status_t rmdir_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	(void)call;
	return filesystem_remove_directory(intent->sequence, intent->word[WORD_PARENT], (int64_t)intent->word[WORD_TIME_S],
					   intent->data, intent->length, &out[0]);
}

static int64_t rmdir_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	uint32_t parent_number = (uint32_t)intent->word[WORD_PARENT];
	struct node *parent = node_find(NODE_DISK, parent_number);

	(void)call;
	if (status != ZOG_OK)
		return status_errno(status);
	parent_changed(parent_number, intent);
	if (parent && parent->links > 2)
		parent->links--;
	dentry_forget_directory((uint32_t)out[0]);
	dentry_put(parent_number, (const char *)intent->data, intent->length, 0);
	node_unlinked(out[0], 0);
	return 0;
}

/* rename: WORD_PARENT from, WORD_DEVICE to (directories); WORD_LENGTH of the first name. */
static zog_status_t rename_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	struct filesystem_rename_request request = {
		.from_parent = intent->word[WORD_PARENT], .to_parent = intent->word[WORD_DEVICE],
		.time_s = (int64_t)intent->word[WORD_TIME_S], .time_ns = (uint32_t)intent->word[WORD_TIME_NS],
	};
	uint64_t split = intent->word[WORD_LENGTH];

	(void)call;
	return filesystem_rename(intent->sequence, &request, intent->data, split, intent->data + split, intent->length - split, &out[0],
				 &out[1], &out[2]);
}

static void rename_directory(const struct intent *intent, struct node *node)
{
	struct node *from = node_find(NODE_DISK, intent->word[WORD_PARENT]), *to = node_find(NODE_DISK, intent->word[WORD_DEVICE]);

	dentry_forget((uint32_t)node->number, "..", 2);
	if (from == to)
		return;
	if (from && from->links > 2)
		from->links--;
	if (to)
		to->links++;
}

/* One that is not cached may have been. */
static bool node_was_directory(uint64_t number)
{
	struct node *node = node_find(NODE_DISK, number);

	return !node || node_is(node, S_IFDIR);
}

static int64_t rename_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	const char *from = (const char *)intent->data, *to = from + intent->word[WORD_LENGTH];
	uint32_t from_parent = (uint32_t)intent->word[WORD_PARENT], to_parent = (uint32_t)intent->word[WORD_DEVICE], index;
	uint32_t from_length = (uint32_t)intent->word[WORD_LENGTH], to_length = intent->length - from_length;
	struct node *node;

	(void)call;
	if (status != ZOG_OK)
		return status_errno(status);
	parent_changed(from_parent, intent);
	parent_changed(to_parent, intent);
	if (from_parent == to_parent && from_length == to_length && memcmp(from, to, to_length) == 0)
		return 0;
	if (out[1] != 0 && out[1] == out[0]) /* two names of one file: nothing happens */
		return 0;
	node = node_find(NODE_DISK, out[0]);
	dentry_put(from_parent, from, from_length, 0);
	index = dentry_put(to_parent, to, to_length, (uint32_t)out[0]);
	if (node && index != DENTRY_NONE)
		node->dentry = index + 1;
	if (node && node_is(node, S_IFDIR))
		rename_directory(intent, node);
	if (out[1]) {
		if (node_was_directory(out[1]))
			dentry_forget_directory((uint32_t)out[1]);
		node_unlinked(out[1], out[2]);
	}
	return 0;
}

static zog_status_t control_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	(void)call, (void)out;
	return supervisor_control(intent->sequence, intent->data, intent->length);
}

/* WORD_LENGTH: bytes that the write answers. */
static int64_t control_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	(void)out;
	if (status == ZOG_OK && update_is_asked(intent))
		return update_start(call, intent);
	return status == ZOG_OK ? (int64_t)intent->word[WORD_LENGTH] : status_errno(status);
}

const struct intent_step intent_names[INTENT_COUNT] = {
	[INTENT_OPEN] = { "create and open", make_call, open_finish },
	[INTENT_MAKE] = { "create", make_call, make_finish },
	[INTENT_SYMLINK] = { "symlink", symlink_call, symlink_finish },
	[INTENT_LINK] = { "link", link_call, link_finish },
	[INTENT_UNLINK] = { "unlink", unlink_call, unlink_finish },
	[INTENT_RMDIR] = { "rmdir", rmdir_call, rmdir_finish },
	[INTENT_RENAME] = { "rename", rename_call, rename_finish },
	[INTENT_CONTROL] = { "control", control_call, control_finish },
	[INTENT_UPDATE] = { "update", update_call, update_finish },
};

int64_t control_write(struct transfer *t, struct file *file, uint64_t *position)
{
	struct intent *intent = intent_scratch(INTENT_CONTROL);
	uint64_t size = transfer_left(t);
	int64_t result;

	(void)position, (void)file;
	if (size == 0 || size > 256)
		return -EINVAL;
	result = transfer_in(t, 0, intent->data, (uint32_t)size);
	if (result)
		return result;
	intent->length = (uint32_t)size;
	intent->word[WORD_LENGTH] = size;
	return intent_call(t->call, intent);
}
