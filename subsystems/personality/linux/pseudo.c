/* What /dev, /proc and /zog have in common: mounting, nodes by number, reading generated text. */
#include "pseudo.h"
#include "file.h"

enum { TEXT_CHUNK = 8192 };

const struct pseudo *pseudo_of(const struct node *node)
{
	switch (node->kind) {
	case NODE_DEV:
		return &dev_pseudo;
	case NODE_PROC:
		return &proc_pseudo;
	case NODE_ZOG:
		return &zog_pseudo;
	default:
		return NULL;
	}
}

struct node *pseudo_node(enum node_kind kind, uint64_t number, uint32_t mode, uint32_t device)
{
	struct node *node = node_find(kind, number);
	struct moment now;

	if (node)
		return node;
	node = node_add(kind, number);
	if (!node)
		return NULL;
	node->mode = mode;
	node->device = device;
	node->links = (mode & S_IFMT) == S_IFDIR ? 2 : 1;
	now = wall_time();
	node->atime_s = node->mtime_s = node->ctime_s = now.s;
	node->atime_ns = node->mtime_ns = node->ctime_ns = now.ns;
	return node;
}

bool pseudo_is_root(const struct node *node)
{
	return node->number == PSEUDO_ROOT && pseudo_of(node);
}

struct node *pseudo_mount(const char *name, uint32_t length)
{
	if (length == 3 && memcmp(name, "dev", 3) == 0)
		return pseudo_node(NODE_DEV, PSEUDO_ROOT, S_IFDIR | 0755, 0);
	if (length == 4 && memcmp(name, "proc", 4) == 0)
		return pseudo_node(NODE_PROC, PSEUDO_ROOT, S_IFDIR | 0555, 0);
	if (length == 3 && memcmp(name, "zog", 3) == 0)
		return pseudo_node(NODE_ZOG, PSEUDO_ROOT, S_IFDIR | 0500, 0);
	return NULL;
}

int64_t text_read(struct transfer *t, struct file *file, uint64_t *position)
{
	static char text[TEXT_CHUNK]; /* scratch */
	struct node *node = file_node(file);
	uint64_t moved = 0;

	while (transfer_left(t) > moved) {
		uint64_t want = transfer_left(t) - moved;
		int64_t length = pseudo_of(node)->text(t->call, node, *position + moved, text, want < sizeof text ? want : sizeof text);
		int64_t result;

		if (length < 0)
			return moved ? (int64_t)moved : length;
		if (length == 0)
			break;
		result = transfer_out(t, moved, text, (uint32_t)length);
		if (result)
			return result;
		moved += (uint64_t)length;
	}
	*position += moved;
	return (int64_t)moved;
}
