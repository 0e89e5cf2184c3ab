/* A tally that knows when it is broken: `sum` is that of all counts so far. Pure, so that it can be tested on the host. */
#ifndef @UPPER@_TALLY_H
#define @UPPER@_TALLY_H

#include <stdbool.h>
#include <stdint.h>

struct tally {
	uint64_t count, sum; /* sum = 1 + 2 + ... + count, modulo 2^64 */
};

static inline void tally_add(struct tally *tally)
{
	tally->count++;
	tally->sum += tally->count;
}

static inline bool tally_is_sound(const struct tally *tally)
{
	uint64_t even = tally->count % 2 == 0 ? tally->count : tally->count + 1;
	uint64_t other = tally->count % 2 == 0 ? tally->count + 1 : tally->count;

	return tally->sum == even / 2 * other;
}

#endif
