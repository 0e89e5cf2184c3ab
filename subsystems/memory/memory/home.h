/* What of memory survives its death: who was given which frames. */
#ifndef MEMORY_HOME_H
#define MEMORY_HOME_H

#include "domain.h"

struct run {
	uint64_t first_frame, count; /* count 0: not decided yet */
	uint64_t given;              /* of them, from the first on */
};
struct home {
	uint64_t is_known; /* first_frame and total are set */
	uint64_t first_frame, total;
	uint64_t granted;  /* from first_frame on */
	struct run run[ZOG_DOMAIN_MAX]; /* by domain */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#endif
