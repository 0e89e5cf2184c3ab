/* The personality's home region: what survives its death. Zero at the first start.
 *
 * The heap (scratch) is divided, too: its first half is part A's (execve's argument strings), the rest part B's. */
#ifndef LINUX_HOME_H
#define LINUX_HOME_H

#include "process.h"
#include "files_home.h"

#define HOME_VERSION 1u
struct home_header {
	uint32_t version; /* 0: first start */
	uint32_t reserved;
};

struct home {
	struct home_header header;
	struct process_home a;
	struct files_home b;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region of the manifest is too small");

static inline struct home *linux_home(void) { return rt_home(); }
static inline struct process_home *home_a(void) { return &linux_home()->a; }

#endif
