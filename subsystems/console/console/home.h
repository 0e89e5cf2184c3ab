/* What of the console survives its death: the rings, their positions, and the stream's. */
#ifndef CONSOLE_HOME_H
#define CONSOLE_HOME_H

#include "domain.h"
#include "ring.h"
#include "stream/stream.h"

struct home {
	struct terminal terminal;
	struct stream_home input;
	uint64_t is_programmed; /* the UART was set up since power-on */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

#endif
