/* What the parts of picture_writer share. */
#ifndef PICTURE_H
#define PICTURE_H

#include "rt/object.h"
#include "domain.h"
#include "contracts/picture.h"

/* Committed before each attempt: one that ends the domain is found by the next incarnation, and not made again. */
struct home {
	uint64_t step, serial;
	uint32_t is_running, reserved;
	uint64_t flips;
};

/* Fills the writer's buffer with the picture SERIAL. */
void picture_fill(uint64_t serial, uint32_t kind);
/* The same, submitted with its record, and committed. ZOG_ERR_BUSY, ZOG_ERR_CORRUPT. */
zog_status_t picture_draw(struct home *home, uint32_t kind);
/* attempts.c: one bad input; false: there are no more. */
bool attempt_step(struct home *home);

#endif
