/* Path names to nodes. See path.c. */
#ifndef LINUX_PATH_H
#define LINUX_PATH_H

#include "node.h"
#include "path_text.h"

enum path_want {
	PATH_FOLLOW = 1,  /* a symbolic link at the end is followed */
	PATH_CREATE = 2,  /* the last name may be missing: node NULL then */
	PATH_EMPTY = 4,   /* an empty path names the directory descriptor itself */
	PATH_LAST = 8,    /* the last name is asked for, too; with PATH_CREATE it always is */
};

enum { NAME_BYTES = 256, LINK_LIMIT = 40 };

struct path {
	struct node *node;   /* what it names; NULL: missing (PATH_CREATE) */
	struct file *file;   /* set when the path ended in /proc/PID/fd/N of a file without a name (a pipe) */
	/* From here on: only with PATH_LAST or PATH_CREATE. */
	struct node *parent; /* directory of the last name; NULL when the path is "/" or ends in "." or ".." */
	uint32_t length;     /* of the last name */
	bool has_slash;      /* the path ended in one: only a directory will do */
	char last[NAME_BYTES];
};

/* Resolves the program's path at USER_PATH. 0, -errno, SYS_WAIT. */
int64_t path_find(struct zog_call *call, int directory, uint64_t user_path, uint32_t want, struct path *out);
/* The same for a path in own memory (kept apart: path_find uses it). */
int64_t path_resolve(struct zog_call *call, int directory, const char *text, uint32_t want, struct path *out);
/* One name in a directory of any kind. 0 or -errno. */
int64_t path_lookup(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out);
/* Target of a symbolic link of any kind: length or -errno. */
int64_t path_link_target(struct zog_call *call, struct node *link, char *out, size_t size);
/* The disk's root directory. */
int64_t path_root(struct node **out);
/* Absolute path of a node as last found: length, 0 when not known. path_name asks the disk where it must (directories). */
size_t node_path(const struct node *node, char *out, size_t size);
int64_t path_name(struct zog_call *call, struct node *directory, char *out, size_t size);
/* A node may hold files (is a directory, of whatever kind). */
static inline bool node_is_directory(const struct node *node) { return node_is(node, S_IFDIR); }

#endif
