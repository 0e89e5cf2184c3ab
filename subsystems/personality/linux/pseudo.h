/* File systems without a disk: /dev, /proc, /zog. One table of functions each; their nodes are made when looked up and
 * are known by number alone, so they may be forgotten at any time. */
#ifndef LINUX_PSEUDO_H
#define LINUX_PSEUDO_H

#include "node.h"

struct pseudo_entry {
	uint64_t number;
	uint8_t type; /* DT_* */
	char name[64];
};

struct pseudo {
	/* The node NAME of directory; 0, -ENOENT, -errno. ".." never gets here when the directory is the root. */
	int64_t (*lookup)(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out);
	/* Entry INDEX (0: first after "." and ".."): 1, 0 at the end, -errno. */
	int64_t (*entry)(struct zog_call *call, struct node *directory, uint64_t index, struct pseudo_entry *out);
	int64_t (*link)(struct zog_call *call, struct node *link, char *out, size_t size); /* target length, -errno */
	/* Up to SIZE bytes of a text file from OFFSET on. */
	int64_t (*text)(struct zog_call *call, struct node *node, uint64_t offset, char *out, size_t size);
	size_t (*path)(const struct node *node, char *out, size_t size); /* absolute; 0: unknown */
};
const struct pseudo *pseudo_of(const struct node *node); /* NULL for the disk */
extern const struct pseudo dev_pseudo, proc_pseudo, zog_pseudo;

/* The root of the pseudo file system mounted at /NAME, or NULL when there is none of that name. */
struct node *pseudo_mount(const char *name, uint32_t length);
bool pseudo_is_root(const struct node *node);
/* Finds or makes a node. NULL: table full. */
struct node *pseudo_node(enum node_kind kind, uint64_t number, uint32_t mode, uint32_t device);
/* An open file of a process without a name on any file system: what /proc/PID/fd/N stands for. NULL: none. */
struct file *proc_link_file(const struct node *link);
/* The node that a magic link of /proc leads to at once; NULL: follow its text. */
struct node *proc_link_node(const struct node *link);

enum { PSEUDO_ROOT = 1 };

#endif
