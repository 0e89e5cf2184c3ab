/* A few records to break. */
#ifndef HOME_BREAKER_HOME_H
#define HOME_BREAKER_HOME_H

#include "domain.h"

enum { ITEMS = 4, KIND_LAST = 5 };
struct item {
	uint32_t is_used, kind;
	uint32_t next; /* index + 1; 0: none */
	uint32_t note; /* no rule */
	uint64_t count; /* only rises */
};
struct home {
	uint64_t step;
	struct item item[ITEMS];
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#endif
