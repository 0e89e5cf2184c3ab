/* /zog: the supervisor's text tree, passed through; the personality's own corner /zog/linux; the control file /zog/ctl.
 *
 * Paths of the supervisor's tree are kept in slots; a node's number is FIRST_SLOT + slot. A slot belongs to its node and is
 * free when the node record goes. */
#include "zogfs.h"
#include "pseudo.h"
#include "file.h"
#include "contracts/supervisor_client.h"

enum { CONTROL = 2, OWN_DIRECTORY = 3, OWN_UNSUPPORTED = 4, FIRST_SLOT = 16, OWN_ENTRIES = 2 };

static const char *node_text(const struct node *node)
{
	return node->number >= FIRST_SLOT ? files()->zog_path[node->number - FIRST_SLOT].text : "";
}

bool zogfs_is_control(const struct node *node)
{
	return node->kind == NODE_ZOG && node->number == CONTROL;
}

void zogfs_node_gone(const struct node *node)
{
	if (node->number >= FIRST_SLOT)
		files()->zog_path[node->number - FIRST_SLOT].references = 0;
}

static int64_t make(uint64_t number, uint32_t mode, struct node **out)
{
	*out = pseudo_node(NODE_ZOG, number, mode, 0);
	return *out ? 0 : -ENFILE;
}

/* The slot that holds TEXT, or a free one: PATH_SLOTS when all are taken. */
static uint32_t slot_of(const char *text)
{
	uint32_t unused = ZOG_PATH_SLOTS;

	for (uint32_t i = 0; i < ZOG_PATH_SLOTS; i++) {
		struct zog_path *path = &files()->zog_path[i];

		if (path->references && strcmp(path->text, text) == 0)
			return i;
		if (!path->references && unused == ZOG_PATH_SLOTS)
			unused = i;
	}
	return unused;
}

/* Nodes without references give their slots back when the table is full. */
static void slots_sweep(void)
{
	for (uint32_t i = 0; i < ZOG_PATH_SLOTS; i++) {
		struct node *node = node_find(NODE_ZOG, FIRST_SLOT + i);

		if (node && node->references == 0)
			node_drop(node);
	}
}

static int64_t path_node(const char *text, uint32_t mode, struct node **out)
{
	uint32_t slot = slot_of(text);
	struct zog_path *path;

	if (slot == ZOG_PATH_SLOTS) {
		slots_sweep();
		slot = slot_of(text);
	}
	if (slot == ZOG_PATH_SLOTS)
		return -ENFILE;
	path = &files()->zog_path[slot];
	if (!path->references) {
		path->references = 1;
		memcpy(path->text, text, strlen(text) + 1);
	}
	if (make(FIRST_SLOT + slot, mode, out) == 0)
		return 0;
	path->references = 0;
	return -ENFILE;
}

/* Asks the supervisor what TEXT is. */
static int64_t path_ask(const char *text, struct node **out)
{
	uint64_t is_directory = 0;
	zog_status_t status = supervisor_look(text, strlen(text), &is_directory);

	if (status != ZOG_OK)
		return status_errno(status);
	return path_node(text, is_directory ? S_IFDIR | 0500 : S_IFREG | 0400, out);
}

static bool is_name(const char *name, uint32_t length, const char *wanted)
{
	return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

static int64_t zog_parent(struct node *directory, struct node **out)
{
	char text[ZOG_PATH_MAX];
	char *slash;

	rt_format(text, sizeof text, "%s", node_text(directory));
	slash = strrchr(text, '/');
	if (!slash)
		return make(PSEUDO_ROOT, S_IFDIR | 0500, out);
	*slash = '\0';
	return path_node(text, S_IFDIR | 0500, out);
}

static int64_t zog_lookup(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out)
{
	char text[ZOG_PATH_MAX];
	const char *above = node_text(directory);
	size_t above_length;

	(void)call;
	if (is_name(name, length, ".."))
		return zog_parent(directory, out);
	if (directory->number == OWN_DIRECTORY)
		return is_name(name, length, "unsupported") ? make(OWN_UNSUPPORTED, S_IFREG | 0400, out) : -ENOENT;
	if (directory->number == PSEUDO_ROOT && is_name(name, length, "ctl"))
		return make(CONTROL, S_IFREG | 0200, out);
	if (directory->number == PSEUDO_ROOT && is_name(name, length, "linux"))
		return make(OWN_DIRECTORY, S_IFDIR | 0500, out);
	if (strlen(above) + length + 2 > sizeof text)
		return -ENAMETOOLONG;
	above_length = (size_t)rt_format(text, sizeof text, "%s%s", above, *above ? "/" : "");
	memcpy(text + above_length, name, length);
	text[above_length + length] = '\0';
	return path_ask(text, out);
}

static int64_t own_entry(uint64_t number, uint8_t type, const char *name, struct pseudo_entry *out)
{
	out->number = number;
	out->type = type;
	rt_format(out->name, sizeof out->name, "%s", name);
	return 1;
}

static int64_t zog_entry(struct zog_call *call, struct node *directory, uint64_t index, struct pseudo_entry *out)
{
	const char *text = node_text(directory);
	uint64_t is_directory = 0;
	size_t length = 0;
	zog_status_t status;

	(void)call;
	if (directory->number == OWN_DIRECTORY)
		return index == 0 ? own_entry(OWN_UNSUPPORTED, DT_REG, "unsupported", out) : 0;
	if (directory->number == PSEUDO_ROOT) {
		if (index == 0)
			return own_entry(CONTROL, DT_REG, "ctl", out);
		if (index == 1)
			return own_entry(OWN_DIRECTORY, DT_DIR, "linux", out);
		index -= OWN_ENTRIES;
	}
	status = supervisor_list(index, text, strlen(text), &is_directory, out->name, sizeof out->name - 1, &length);
	if (status != ZOG_OK)
		return status == ZOG_ERR_NOT_FOUND ? 0 : status_errno(status);
	out->name[length < sizeof out->name ? length : sizeof out->name - 1] = '\0';
	out->type = is_directory ? DT_DIR : DT_REG;
	out->number = FIRST_SLOT + ZOG_PATH_SLOTS + index; /* its node has no slot before it is looked up */
	return 1;
}

static int64_t zog_link(struct zog_call *call, struct node *link, char *out, size_t size)
{
	(void)call, (void)link, (void)out, (void)size;
	return -EINVAL;
}

static int64_t own_text(uint64_t offset, char *out, size_t size)
{
	static char whole[16384]; /* scratch */
	size_t length = unsupported_report(whole, sizeof whole);

	if (offset >= length)
		return 0;
	size = length - offset < size ? length - offset : size;
	memcpy(out, whole + offset, size);
	return (int64_t)size;
}

static int64_t zog_text(struct zog_call *call, struct node *node, uint64_t offset, char *out, size_t size)
{
	const char *text = node_text(node);
	uint64_t length = 0;
	size_t moved = 0;
	static char data[8192]; /* scratch */
	zog_status_t status;

	(void)call;
	if (node->number == OWN_UNSUPPORTED)
		return own_text(offset, out, size);
	if (node->number < FIRST_SLOT)
		return -EINVAL;
	status = supervisor_read(offset, text, strlen(text), &length, data, sizeof data, &moved);
	if (status != ZOG_OK)
		return status_errno(status);
	moved = moved < size ? moved : size;
	memcpy(out, data, moved);
	return (int64_t)moved;
}

static size_t zog_path_of(const struct node *node, char *out, size_t size)
{
	switch (node->number) {
	case PSEUDO_ROOT:
		return (size_t)rt_format(out, size, "/zog");
	case CONTROL:
		return (size_t)rt_format(out, size, "/zog/ctl");
	case OWN_DIRECTORY:
		return (size_t)rt_format(out, size, "/zog/linux");
	case OWN_UNSUPPORTED:
		return (size_t)rt_format(out, size, "/zog/linux/unsupported");
	default:
		return (size_t)rt_format(out, size, "/zog/%s", node_text(node));
	}
}

const struct pseudo zog_pseudo = { zog_lookup, zog_entry, zog_link, zog_text, zog_path_of };
