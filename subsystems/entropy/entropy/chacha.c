/* ChaCha20 block function and fast-key-erasure generator, without vector registers; see chacha.h.
 * The rounds work on a local array at constant places, so that the compiler keeps it in registers and on the stack and
 * no store of theirs passes through the store hook. */
#include "chacha.h"
#include "rt/rt.h"

#define ROUND_PAIRS 10u

/* Wipes through a volatile pointer: the compiler sees no later use and would drop a plain clear. */
static void wipe(uint32_t *words, uint32_t count)
{
	volatile uint32_t *at = words;

	while (count--)
		*at++ = 0;
}

static inline __attribute__((always_inline)) uint32_t rotate_left(uint32_t value, uint32_t bits)
{
	return value << bits | value >> (32 - bits);
}

/* RFC 8439 section 2.1. */
static inline __attribute__((always_inline)) void quarter_round(uint32_t *state, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	state[a] += state[b];
	state[d] = rotate_left(state[d] ^ state[a], 16);
	state[c] += state[d];
	state[b] = rotate_left(state[b] ^ state[c], 12);
	state[a] += state[b];
	state[d] = rotate_left(state[d] ^ state[a], 8);
	state[c] += state[d];
	state[b] = rotate_left(state[b] ^ state[c], 7);
}

/* A column round and a diagonal round (section 2.3). */
static inline __attribute__((always_inline)) void round_pair(uint32_t *state)
{
	quarter_round(state, 0, 4, 8, 12);
	quarter_round(state, 1, 5, 9, 13);
	quarter_round(state, 2, 6, 10, 14);
	quarter_round(state, 3, 7, 11, 15);
	quarter_round(state, 0, 5, 10, 15);
	quarter_round(state, 1, 6, 11, 12);
	quarter_round(state, 2, 7, 8, 13);
	quarter_round(state, 3, 4, 9, 14);
}

void chacha_block(const uint32_t key[CHACHA_KEY_WORDS], uint32_t counter, const uint32_t nonce[CHACHA_NONCE_WORDS],
		  uint32_t out[CHACHA_BLOCK_WORDS])
{
	uint32_t initial[CHACHA_BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t state[CHACHA_BLOCK_WORDS];

	for (uint32_t i = 0; i < CHACHA_KEY_WORDS; i++)
		initial[4 + i] = key[i];
	initial[12] = counter;
	for (uint32_t i = 0; i < CHACHA_NONCE_WORDS; i++)
		initial[13 + i] = nonce[i];
	memcpy(state, initial, sizeof(state));
	for (uint32_t i = 0; i < ROUND_PAIRS; i++)
		round_pair(state);
	for (uint32_t i = 0; i < CHACHA_BLOCK_WORDS; i++)
		state[i] += initial[i];
	memcpy(out, state, sizeof(state));
	wipe(initial, CHACHA_BLOCK_WORDS);
	wipe(state, CHACHA_BLOCK_WORDS);
}

static const uint32_t nonce_take[CHACHA_NONCE_WORDS] = { 0, 0, 0 };
static const uint32_t nonce_mix[CHACHA_NONCE_WORDS] = { 1, 0, 0 };

/* The next key is block 0 of the stream under the key's sum with the input, in a nonce that takes never use:
 * a known input cannot cancel an unknown key, and an unknown input makes a known key unknown. */
void generator_mix(struct generator *generator, const uint32_t input[CHACHA_KEY_WORDS])
{
	uint32_t block[CHACHA_BLOCK_WORDS];

	for (uint32_t i = 0; i < CHACHA_KEY_WORDS; i++)
		generator->key[i] ^= input[i];
	chacha_block(generator->key, 0, nonce_mix, block);
	memcpy(generator->key, block, sizeof(generator->key));
	wipe(block, CHACHA_BLOCK_WORDS);
}

void generator_take(struct generator *generator, void *out, size_t size)
{
	uint32_t key[CHACHA_KEY_WORDS], block[CHACHA_BLOCK_WORDS];
	uint32_t counter = 0, used = sizeof(generator->key);
	uint8_t *at = out;

	memcpy(key, generator->key, sizeof(key));
	chacha_block(key, counter++, nonce_take, block);
	memcpy(generator->key, block, sizeof(generator->key));
	while (size > 0) {
		size_t part = CHACHA_BLOCK_BYTES - used;

		if (part > size)
			part = size;
		memcpy(at, (const uint8_t *)block + used, part);
		at += part;
		size -= part;
		used = 0;
		if (size > 0)
			chacha_block(key, counter++, nonce_take, block);
	}
	wipe(key, CHACHA_KEY_WORDS);
	wipe(block, CHACHA_BLOCK_WORDS);
}
