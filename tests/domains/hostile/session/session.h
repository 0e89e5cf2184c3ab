/* What the parts of `session` share. */
#ifndef SESSION_H
#define SESSION_H

#include "domain.h"
#include "rt/rt.h"
#include "stream/stream.h"

struct drain { /* what came of two streams with a hostile peer */
	struct stream_home flood, ebb;
	uint64_t used, refused, corrupt; /* records taken: good, not what they must be, no records */
	uint64_t put, put_corrupt;
	uint64_t changed_in_place, changed_in_copy; /* after the check */
	uint64_t broken; /* what must not be */
	uint64_t is_told;
};
struct drain *session_drain(void); /* in the home region */

#endif
