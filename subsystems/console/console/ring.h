/* Byte rings with absolute positions, and what the console accepts into them. See ring.c. */
#ifndef CONSOLE_RING_H
#define CONSOLE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_BYTES 0x10000u
#define INPUT_BYTES 0x1000u

/* All positions count bytes since boot; the byte at position p stands at p modulo the ring's size. */
struct terminal {
	uint64_t output_accepted;
	uint64_t output_sent;    /* advanced by the core as it sends, never by this domain while there is a UART */
	uint64_t input_received; /* advanced by the core as it reads */
	uint64_t input_published; /* up to here it is in the stream */
	uint64_t is_writer_waiting; /* for a good piece of room */
	uint64_t is_drain_waiting;  /* for all to be sent */
	uint8_t output[OUTPUT_BYTES];
	uint8_t input[INPUT_BYTES];
};

/* A stretch of a ring that does not wrap. */
struct ring_piece {
	uint32_t offset, length;
};

bool terminal_is_sound(const struct terminal *terminal);
void output_take(struct terminal *terminal, uint64_t position, const void *data, size_t length,
	uint64_t *accepted_out);
struct ring_piece output_piece(const struct terminal *terminal, uint32_t limit);
uint64_t output_room(const struct terminal *terminal);
uint64_t input_room(const struct terminal *terminal);
struct ring_piece input_piece(const struct terminal *terminal, uint32_t limit);
size_t input_take(struct terminal *terminal, void *data, size_t size);

#endif
