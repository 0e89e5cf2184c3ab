/* A 64-bit hash for telling requests apart (kept replies, poison). It keeps nobody from constructing equal hashes. */
#include "rt/rt.h"

#define HASH_STEP 0x9e3779b97f4a7c15ull /* 2^64 / golden ratio: odd, bits evenly spread */

static uint64_t hash_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_STEP;
	return hash ^ hash >> 29;
}

uint64_t rt_hash(uint64_t seed, const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint64_t hash = hash_mix(seed, size); /* so that fields of other lengths do not run together */

	for (; size >= 8; size -= 8, byte += 8) {
		uint64_t word;

		__builtin_memcpy(&word, byte, sizeof(word)); /* one load, not a call */
		hash = hash_mix(hash, word);
	}
	if (size > 0) {
		uint64_t word = 0;

		memcpy(&word, byte, size);
		hash = hash_mix(hash, word);
	}
	return hash_mix(hash, 0);
}
