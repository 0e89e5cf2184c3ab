/* SHA-256 (FIPS 180-4): what images are measured with. */
#ifndef CORE_FAULT_SHA256_H
#define CORE_FAULT_SHA256_H
#include <stdint.h>
struct sha256 {
	uint32_t state[8];
	uint64_t length;
	uint8_t block[64];
};
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, uint64_t bytes);
void sha256_end(struct sha256 *hash, uint8_t out[32]);
#endif
