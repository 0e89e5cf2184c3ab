/* What of virtio_blk survives its death: the requests that clients were told of. The device's queue does not: it is
 * set up anew at every start and filled from this table. */
#ifndef VIRTIO_BLK_HOME_H
#define VIRTIO_BLK_HOME_H

#include "domain.h"
#include "request.h"

struct home {
	struct request_table table;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

#endif
