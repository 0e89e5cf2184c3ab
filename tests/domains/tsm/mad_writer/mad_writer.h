/* What the parts of mad_writer share. */
#ifndef MAD_WRITER_H
#define MAD_WRITER_H

#include "rt/region.h"
#include "domain.h"
#include "contracts/ledger.h"

/* Committed before each step: a step that ends the domain is found by the next incarnation, and not made again. */
struct home {
	uint64_t step, random;
	uint32_t is_running, is_told;
	uint64_t passed, refused, ended, honest, honest_refused; /* what came of corruptions, and of honest commits */
};

uint64_t draw(struct home *home, uint64_t limit);
/* attempts.c: one bad input; false: there are no more. */
bool attempt_step(struct home *home);
/* lines.c: the next line of the sheet. */
void lines_step(struct home *home);

#endif
