/* The measure of an image: SHA-256 over the sums of its pages, in order (text, constants, data; the last page of the data
 * filled up with zeros). The sum of a page is the SHA-256 of each of its eight parts, side by side; part i is made of the
 * page's 32-bit words i, i + 8, i + 16, ..., so that all eight are hashed at once in vector registers.
 *
 * The whole is measured at boot and before an update, and the sums are kept. From then on every page is measured against its
 * sum when a new incarnation of the domain first touches it, before it can execute or read it: a restart, which is on the
 * path of whoever waits, costs what it uses and not what there is. */
#ifndef CORE_FAULT_MEASURE_H
#define CORE_FAULT_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#define MEASURE_SUM_BYTES 256u
struct measure_part {
	const uint8_t *content; /* page-aligned; bytes need not be a multiple of the page size */
	uint64_t bytes;
};
/* The measure of all parts, and at SUM the sums of their pages. */
void measure(const struct measure_part *part, uint32_t count, uint8_t *sum, uint8_t out[32]);
/* Does the page have that sum? */
bool measure_page(const uint8_t *page, const uint8_t *sum);

/* fault/sha256_lanes.c: the sum of a page. The caller has saved the vector registers. */
void sha256_lanes(const uint8_t *page, uint8_t sum[8][32]);

#endif
