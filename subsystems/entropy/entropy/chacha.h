/* The ChaCha20 block function (RFC 8439 section 2.3), and a generator with fast key erasure on top of it.
 *
 * The generator's whole state is a key. A request runs the block function under that key with a counter; the first
 * 32 bytes of the stream become the next key at once and are never given out, the rest is the answer. So who reads
 * the state afterwards cannot tell what was given out before. */
#ifndef ENTROPY_CHACHA_H
#define ENTROPY_CHACHA_H

#include <stddef.h>
#include <stdint.h>

#define CHACHA_KEY_WORDS 8u
#define CHACHA_NONCE_WORDS 3u
#define CHACHA_BLOCK_WORDS 16u
#define CHACHA_BLOCK_BYTES 64u

/* One block of key stream, as the 16 words of the final state (little endian in memory). */
void chacha_block(const uint32_t key[CHACHA_KEY_WORDS], uint32_t counter, const uint32_t nonce[CHACHA_NONCE_WORDS],
		  uint32_t out[CHACHA_BLOCK_WORDS]);

struct generator {
	uint32_t key[CHACHA_KEY_WORDS];
};

/* Makes the key depend on 32 more bytes of input as well; entropy already there is kept. */
void generator_mix(struct generator *generator, const uint32_t input[CHACHA_KEY_WORDS]);
/* Writes `size` bytes to out and replaces the key. size < 256 GiB (the block counter has 32 bits). */
void generator_take(struct generator *generator, void *out, size_t size);

#endif
