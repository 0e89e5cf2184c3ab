/* SHA-256 (FIPS 180-4) of the eight parts of a page side by side: lane i of every vector belongs to part i, the page's
 * 32-bit words i, i + 8, i + 16, ... So the vectors are loaded as they lie, and one page takes as long as eight would.
 * This file alone of the core is compiled for AVX2. */
#include <stddef.h>
#include "fault/measure.h"
#include "fault/sha256.h"

#define PART_BITS (4096u) /* 512 bytes */
#define BLOCKS 8u         /* of 64 bytes in a part */
typedef uint32_t lanes __attribute__((vector_size(32)));
typedef uint8_t lane_bytes __attribute__((vector_size(32)));

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

static inline __attribute__((always_inline)) lanes bytes_turn(lanes words)
{
	const lane_bytes order = { 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,
				   19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25, 24, 31, 30, 29, 28 };

	return (lanes)__builtin_shuffle((lane_bytes)words, order);
}

/* The message's next 16 words from the last. */
static inline __attribute__((always_inline)) void schedule(lanes w[16])
{
#pragma GCC unroll 16
	for (uint32_t i = 0; i < 16; i++) {
		lanes a = w[(i + 1) & 15], b = w[(i + 14) & 15];
		w[i] += w[(i + 9) & 15] + (ROTATE(a, 7) ^ ROTATE(a, 18) ^ a >> 3) + (ROTATE(b, 17) ^ ROTATE(b, 19) ^ b >> 10);
	}
}

/* One round with the state's names already turned: d and h are written, the rest only read. bc is b ^ c, and becomes that of
 * the next round: the majority of a, b, c is b where a and b are the same or b and c are, else c. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		lanes t = h + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + (g ^ (e & (f ^ g))) + w[i] + k[i]; \
		lanes ab = a ^ b; \
		d += t; \
		h = t + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + ((ab & bc) ^ b); \
		bc = ab; \
	} while (0)

/* later: the message's words from the 16th on, where they are known; NULL: they are made. */
static inline __attribute__((always_inline)) void block_add(lanes s[8], lanes w[16], const uint32_t *later)
{
	lanes a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7], bc = b ^ c;
	const lanes *first = (const void *)sha256_round;

	for (const lanes *k = first; k < first + 64; k += 16) {
		if (k != first && later == NULL)
			schedule(w);
		for (uint32_t i = 0; i < 16 && k != first && later != NULL; i++)
			w[i] = (lanes){ 0 } + *later++;
#pragma GCC unroll 2
		for (uint32_t i = 0; i < 16; i += 8) {
			ROUND(a, b, c, d, e, f, g, h, i);
			ROUND(h, a, b, c, d, e, f, g, i + 1);
			ROUND(g, h, a, b, c, d, e, f, i + 2);
			ROUND(f, g, h, a, b, c, d, e, i + 3);
			ROUND(e, f, g, h, a, b, c, d, i + 4);
			ROUND(d, e, f, g, h, a, b, c, i + 5);
			ROUND(c, d, e, f, g, h, a, b, i + 6);
			ROUND(b, c, d, e, f, g, h, a, i + 7);
		}
	}
	s[0] += a, s[1] += b, s[2] += c, s[3] += d, s[4] += e, s[5] += f, s[6] += g, s[7] += h;
}

/* The padding is the same for every part: its later words are made once. The caller's lock keeps others out. */
static const uint32_t *padding_later(void)
{
	static uint32_t later[48];

	if (later[47] == 0) {
		lanes w[16] = { (lanes){ 0 } + 0x80000000u, [15] = (lanes){ 0 } + PART_BITS };
		for (uint32_t i = 0; i < 48; i++) {
			if (i % 16 == 0)
				schedule(w);
			later[i] = w[i % 16][0];
		}
	}
	return later;
}

void sha256_lanes(const uint8_t *page, uint8_t sum[8][32])
{
	lanes s[8], w[16];

	for (uint32_t i = 0; i < 8; i++)
		s[i] = (lanes){ 0 } + sha256_initial[i];
	for (uint32_t block = 0; block < BLOCKS; block++) {
#pragma GCC unroll 16
		for (uint32_t i = 0; i < 16; i++)
			w[i] = bytes_turn(((const lanes *)(const void *)page)[block * 16 + i]);
		block_add(s, w, NULL);
	}
	for (uint32_t i = 0; i < 16; i++)
		w[i] = (lanes){ 0 } + (i == 0 ? 0x80000000u : i == 15 ? PART_BITS : 0);
	block_add(s, w, padding_later());
	for (uint32_t i = 0; i < 8; i++) {
		lanes word = bytes_turn(s[i]);
		for (uint32_t lane = 0; lane < 8; lane++)
			*(uint32_t *)(void *)(sum[lane] + 4 * i) = word[lane];
	}
}
