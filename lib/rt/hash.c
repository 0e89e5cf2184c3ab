/* A 64-bit hash for telling requests apart (kept replies, poison). It keeps nobody from constructing equal hashes. */
#include "rt/rt.h"

uint64_t rt_hash(uint64_t seed, const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint64_t hash = rt_hash_word(seed, size); /* so that fields of other lengths do not run together */

	for (; size >= 8; size -= 8, byte += 8) {
		uint64_t word;

		__builtin_memcpy(&word, byte, sizeof(word)); /* one load, not a call */
		hash = rt_hash_word(hash, word);
	}
	if (size > 0) {
		uint64_t word = 0;

		memcpy(&word, byte, size);
		hash = rt_hash_word(hash, word);
	}
	return rt_hash_word(hash, 0);
}
