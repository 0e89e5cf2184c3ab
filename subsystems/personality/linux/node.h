/* Nodes: what is known of a file, one record per file, whoever has it open. See node.c. */
#ifndef LINUX_NODE_H
#define LINUX_NODE_H

#include "home.h"
#include "linux/file.h"
#include "contracts/filesystem_client.h"

enum { PAGE_BYTES = 4096, DENTRY_NONE = 0xffffffff };

static inline struct files_home *files(void) { return &linux_home()->b; }
static inline uint32_t node_slot(const struct node *node) { return (uint32_t)(node - files()->node); }
static inline struct node *node_at(uint32_t slot_plus_1)
{
	return slot_plus_1 == 0 ? NULL : &files()->node[slot_plus_1 - 1];
}
static inline bool node_is(const struct node *node, uint32_t type) { return (node->mode & S_IFMT) == type; }

/* The cached node, or NULL. */
struct node *node_find(enum node_kind kind, uint64_t number);
/* A fresh record, all zero but kind and number; NULL when every slot is in use. */
struct node *node_add(enum node_kind kind, uint64_t number);
/* A node of the disk, asking its file system on a miss. 0 or -errno. */
int64_t node_load(uint64_t number, struct node **node_out);
static inline int64_t node_get(uint64_t number, struct node **node_out)
{
	struct node *node = node_find(NODE_DISK, number);

	if (!node)
		return node_load(number, node_out);
	*node_out = node;
	return 0;
}
void node_drop(struct node *node); /* forgets the record: no pages, no references */
/* Attributes changed: bits of filesystem set_mask, written back later. */
void node_mark(struct node *node, uint32_t mask);
static inline void node_ctime_set(struct node *node, struct moment now)
{
	node->ctime_s = now.s;
	node->ctime_ns = now.ns;
}
void node_time_change(struct node *node);  /* ctime := now */
void node_time_modify(struct node *node);  /* mtime, ctime := now */
void node_check_dead(struct node *node);   /* after links or references went down */
/* Writes changed attributes to the file system now. 0 or -errno. */
int64_t node_write_attributes(struct node *node);
/* One dead node is forgotten. 0: done, SYS_WAIT, -errno. */
int64_t node_bury(struct zog_call *call, struct node *node);
/* Regular file to SIZE. 0, SYS_WAIT, -errno. Safe to repeat. */
int64_t node_trim(struct zog_call *call, struct node *node); /* before it grows: 0, SYS_WAIT */
int64_t node_resize(struct zog_call *call, struct node *node, uint64_t size);
/* 0 or -EACCES; want: R_OK | W_OK | X_OK. */
int64_t node_permits(const struct node *node, const struct process *process, uint32_t want);
struct linux_stat node_stat(struct node *node);
uint32_t node_device(const struct node *node); /* st_dev */

/* Names of the disk's directories already looked up (dentry.c). Names longer than DENTRY_NAME_MAX are not kept. */
uint32_t dentry_find(uint32_t parent, const char *name, uint32_t length); /* index or DENTRY_NONE */
uint32_t dentry_put(uint32_t parent, const char *name, uint32_t length, uint32_t child);
void dentry_forget(uint32_t parent, const char *name, uint32_t length);
void dentry_forget_directory(uint32_t parent); /* all names in it: it was removed */
bool dentry_is_valid(const struct dentry *dentry);
static inline uint32_t dentry_length(const struct dentry *dentry) { return dentry->tag & 0xff; }

#endif
