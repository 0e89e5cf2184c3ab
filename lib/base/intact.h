/* A home region that checks itself: at the start of every invocation the live image must equal the committed one,
 * since whatever was stored before was committed or taken back. A difference is damage that no store of this domain's
 * own code made; the domain ends before it acts on it, and starts again from the committed image.
 *
 * For small homes and rare calls: the comparison is paid each time. Others are left to the core's scrubber. */
#ifndef BASE_INTACT_H
#define BASE_INTACT_H

#include "rt/rt.h"

/* The home region, whose first `size` bytes hold the records. Call it before the invocation's first store there. */
static inline void *home_intact(size_t size)
{
	void *home = rt_home();

	if (memcmp(home, rt_committed(home), size) != 0)
		rt_fail(ZOG_CAUSE_SCRUB, (uint64_t)home, size);
	return home;
}

#endif
