/* What of the clock survives its death. */
#ifndef CLOCK_HOME_H
#define CLOCK_HOME_H

#include "domain.h"

struct home {
	uint64_t is_known;
	uint64_t epoch_ns; /* wall-clock time at monotonic time 0 */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the record");

#endif
