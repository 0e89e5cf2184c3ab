/* A few records to store into. */
#ifndef HOME_ESCAPER_HOME_H
#define HOME_ESCAPER_HOME_H

#include "zog/core.h"
#include "domain.h"

enum { ITEMS = 4 };
struct item {
	uint32_t is_used, kind;
	uint64_t count;
};
struct home {
	uint64_t step;
	struct item item[ITEMS];
	uint64_t spare; /* in no table */
	struct zog_copy copy; /* the core writes into it what became of it */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#endif
