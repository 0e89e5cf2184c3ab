/* SHA-256 (FIPS 180-4). */
#include "fault/sha256.h"

#define ALL(x) { x, x, x, x, x, x, x, x }
const uint32_t sha256_round[64][8] __attribute__((aligned(32))) = {
	ALL(0x428a2f98), ALL(0x71374491), ALL(0xb5c0fbcf), ALL(0xe9b5dba5), ALL(0x3956c25b), ALL(0x59f111f1), ALL(0x923f82a4), ALL(0xab1c5ed5),
	ALL(0xd807aa98), ALL(0x12835b01), ALL(0x243185be), ALL(0x550c7dc3), ALL(0x72be5d74), ALL(0x80deb1fe), ALL(0x9bdc06a7), ALL(0xc19bf174),
	ALL(0xe49b69c1), ALL(0xefbe4786), ALL(0x0fc19dc6), ALL(0x240ca1cc), ALL(0x2de92c6f), ALL(0x4a7484aa), ALL(0x5cb0a9dc), ALL(0x76f988da),
	ALL(0x983e5152), ALL(0xa831c66d), ALL(0xb00327c8), ALL(0xbf597fc7), ALL(0xc6e00bf3), ALL(0xd5a79147), ALL(0x06ca6351), ALL(0x14292967),
	ALL(0x27b70a85), ALL(0x2e1b2138), ALL(0x4d2c6dfc), ALL(0x53380d13), ALL(0x650a7354), ALL(0x766a0abb), ALL(0x81c2c92e), ALL(0x92722c85),
	ALL(0xa2bfe8a1), ALL(0xa81a664b), ALL(0xc24b8b70), ALL(0xc76c51a3), ALL(0xd192e819), ALL(0xd6990624), ALL(0xf40e3585), ALL(0x106aa070),
	ALL(0x19a4c116), ALL(0x1e376c08), ALL(0x2748774c), ALL(0x34b0bcb5), ALL(0x391c0cb3), ALL(0x4ed8aa4a), ALL(0x5b9cca4f), ALL(0x682e6ff3),
	ALL(0x748f82ee), ALL(0x78a5636f), ALL(0x84c87814), ALL(0x8cc70208), ALL(0x90befffa), ALL(0xa4506ceb), ALL(0xbef9a3f7), ALL(0xc67178f2),
};
const uint32_t sha256_initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static uint32_t rotate(uint32_t x, uint32_t n) { return x >> n | x << (32 - n); }

static void block_add(struct sha256 *hash, const uint8_t *data)
{
	uint32_t w[64], s[8];

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t big;
		__builtin_memcpy(&big, data + 4 * i, 4);
		w[i] = __builtin_bswap32(big);
	}
	for (uint32_t i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	for (uint32_t i = 0; i < 8; i++)
		s[i] = hash->state[i];
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t e = s[4], a = s[0];
		uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + sha256_round[i][0] + w[i];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
		s[7] = s[6], s[6] = s[5], s[5] = e, s[4] = s[3] + t1;
		s[3] = s[2], s[2] = s[1], s[1] = a, s[0] = t1 + t2;
	}
	for (uint32_t i = 0; i < 8; i++)
		hash->state[i] += s[i];
}

void sha256_begin(struct sha256 *hash)
{
	for (uint32_t i = 0; i < 8; i++)
		hash->state[i] = sha256_initial[i];
	hash->length = 0;
}

void sha256_add(struct sha256 *hash, const void *data, uint64_t bytes)
{
	const uint8_t *from = data;

	while (bytes > 0) {
		uint64_t fill = hash->length % 64;
		if (fill == 0 && bytes >= 64) {
			block_add(hash, from);
			hash->length += 64, from += 64, bytes -= 64;
			continue;
		}
		hash->block[fill] = *from++;
		hash->length++, bytes--;
		if (fill == 63)
			block_add(hash, hash->block);
	}
}

void sha256_end(struct sha256 *hash, uint8_t out[32])
{
	uint64_t bits = __builtin_bswap64(hash->length * 8);
	static const uint8_t padding[64] = { 0x80 };

	sha256_add(hash, padding, 1 + (119 - hash->length % 64) % 64);
	sha256_add(hash, &bits, 8);
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t big = __builtin_bswap32(hash->state[i]);
		__builtin_memcpy(out + 4 * i, &big, 4);
	}
}
