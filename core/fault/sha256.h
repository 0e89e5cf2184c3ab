/* SHA-256 (FIPS 180-4): what images are measured with. */
#ifndef CORE_FAULT_SHA256_H
#define CORE_FAULT_SHA256_H
#include <stdint.h>
struct sha256 {
	uint32_t state[8];
	uint64_t length;
	uint8_t block[64];
};
/* FIPS 180-4, 4.2.2 and 5.3.3: each constant eight times, for eight hashes side by side (sha256_lanes.c). */
extern const uint32_t sha256_round[64][8], sha256_initial[8];
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, uint64_t bytes);
void sha256_end(struct sha256 *hash, uint8_t out[32]);
#endif
