/* What of the supervisor survives its death: the kept replies to its commands, the update under way, and the services. */
#ifndef SUPERVISOR_HOME_H
#define SUPERVISOR_HOME_H

#include "domain.h"
#include "rt/rt.h"
#include "service.h"
#include "update.h"

struct home {
	struct rt_once_table once;
	struct update_home update;
	struct service_home service;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

#endif
