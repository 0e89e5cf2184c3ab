/* SHA-256 (FIPS 180-4) of eight pages side by side: lane i of every vector belongs to page i. This file alone of the
 * core is compiled for AVX2. */
#include "fault/measure.h"

#define PAGE_BYTES 4096u
typedef uint32_t lanes __attribute__((vector_size(32)));

static const uint32_t round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

static inline __attribute__((always_inline)) lanes schedule(const lanes w[16], uint32_t i)
{
	lanes a = w[(i + 1) & 15], b = w[(i + 14) & 15];

	return w[i & 15] + w[(i + 9) & 15] + (ROTATE(a, 7) ^ ROTATE(a, 18) ^ a >> 3) + (ROTATE(b, 17) ^ ROTATE(b, 19) ^ b >> 10);
}

/* One round with the state's names already turned: d and h are written, the rest only read. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		if ((i) >= 16) \
			w[(i) & 15] = schedule(w, i); \
		lanes t = h + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + (g ^ (e & (f ^ g))) + w[(i) & 15] + round_constant[i]; \
		d += t; \
		h = t + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + ((a & b) | (c & (a | b))); \
	} while (0)

static void block_add(lanes s[8], lanes w[16])
{
	lanes a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];

#pragma GCC unroll 8
	for (uint32_t i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}
	s[0] += a, s[1] += b, s[2] += c, s[3] += d, s[4] += e, s[5] += f, s[6] += g, s[7] += h;
}

static void block_load(lanes w[16], const uint8_t *const page[8], uint32_t offset)
{
	for (uint32_t i = 0; i < 16; i++)
		for (uint32_t lane = 0; lane < 8; lane++)
			w[i][lane] = __builtin_bswap32(*(const uint32_t *)(const void *)(page[lane] + offset + 4 * i));
}

void sha256_lanes(const uint8_t *const page[8], uint8_t digest[8][32])
{
	static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	lanes s[8], w[16];

	for (uint32_t i = 0; i < 8; i++)
		s[i] = (lanes){ 0 } + initial[i];
	for (uint32_t offset = 0; offset < PAGE_BYTES; offset += 64) {
		block_load(w, page, offset);
		block_add(s, w);
	}
	for (uint32_t i = 0; i < 16; i++)
		w[i] = (lanes){ 0 } + (i == 0 ? 0x80000000u : i == 15 ? PAGE_BYTES * 8 : 0);
	block_add(s, w);
	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t lane = 0; lane < 8; lane++)
			*(uint32_t *)(void *)(digest[lane] + 4 * i) = __builtin_bswap32(s[i][lane]);
}
