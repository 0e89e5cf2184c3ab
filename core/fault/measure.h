/* The measure of an image: SHA-256 over the SHA-256 digests of its pages, in order (text, constants, data; the last
 * page of the data filled up with zeros). By pages, so that eight can be hashed side by side in vector registers:
 * an image is measured before every restart, and the restart is on the path of whoever waits. */
#ifndef CORE_FAULT_MEASURE_H
#define CORE_FAULT_MEASURE_H

#include <stdint.h>

struct measure_part {
	const uint8_t *content; /* page-aligned or not; bytes need not be a multiple of the page size */
	uint64_t bytes;
};
void measure(const struct measure_part *part, uint32_t count, uint8_t out[32]);

/* fault/sha256_lanes.c: the digests of eight pages of 4096 bytes. The caller has saved the vector registers. */
void sha256_lanes(const uint8_t *const page[8], uint8_t digest[8][32]);

#endif
