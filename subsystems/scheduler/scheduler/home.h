/* What of the scheduler survives its death. */
#ifndef SCHEDULER_HOME_H
#define SCHEDULER_HOME_H

#include "domain.h"

#define ROUND_NS 10000000ull
struct home {
	uint64_t slice_ns; /* what the core was told last; 0: nothing yet */
	uint64_t asked_ns; /* what was proposed last: what is refused is not proposed again */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the record");

#endif
