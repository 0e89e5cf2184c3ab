/* Byte rings with absolute positions, and what the console accepts into them.
 *
 * Protocol: a client names the position of every byte. Output before `output_accepted` was taken already and is
 * skipped, so a call that is issued again adds nothing twice. Input stays until it is taken for the stream. */
#include "ring.h"
#include "rt/rt.h"

/* The invariants that hold between invocations, whatever clients do. */
bool terminal_is_sound(const struct terminal *terminal)
{
	return terminal->output_sent <= terminal->output_accepted
		&& terminal->output_accepted - terminal->output_sent <= OUTPUT_BYTES
		&& terminal->input_published <= terminal->input_received
		&& terminal->input_received - terminal->input_published <= INPUT_BYTES;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct ring_piece ring_piece(uint64_t position, uint64_t length, uint32_t size)
{
	uint32_t offset = (uint32_t)(position % size);

	return (struct ring_piece){ .offset = offset, .length = (uint32_t)smaller(length, size - offset) };
}

static void ring_put(uint8_t *ring, uint32_t size, uint64_t position, const uint8_t *data, uint64_t length)
{
	struct ring_piece first = ring_piece(position, length, size);

	memcpy(ring + first.offset, data, first.length);
	memcpy(ring, data + first.length, length - first.length);
}

static void ring_get(const uint8_t *ring, uint32_t size, uint64_t position, uint8_t *data, uint64_t length)
{
	struct ring_piece first = ring_piece(position, length, size);

	memcpy(data, ring + first.offset, first.length);
	memcpy(data + first.length, ring, length - first.length);
}

uint64_t output_room(const struct terminal *terminal)
{
	return OUTPUT_BYTES - (terminal->output_accepted - terminal->output_sent);
}

/* Takes what is new of `data`, as far as there is room. accepted_out: up to where the caller's bytes are taken, within
 * [position, position + length]; below `position` where bytes between are missing: nothing is taken then. */
void output_take(struct terminal *terminal, uint64_t position, const void *data, size_t length,
	uint64_t *accepted_out)
{
	if (position > terminal->output_accepted) {
		*accepted_out = terminal->output_accepted;
		return;
	}
	uint64_t skip = smaller(terminal->output_accepted - position, length);
	uint64_t count = smaller(length - skip, output_room(terminal));

	if (count) {
		ring_put(terminal->output, OUTPUT_BYTES, terminal->output_accepted, (const uint8_t *)data + skip, count);
		terminal->output_accepted += count;
	}
	*accepted_out = position + skip + count;
}

/* The next bytes to send. */
struct ring_piece output_piece(const struct terminal *terminal, uint32_t limit)
{
	uint64_t pending = terminal->output_accepted - terminal->output_sent;

	return ring_piece(terminal->output_sent, smaller(pending, limit), OUTPUT_BYTES);
}

uint64_t input_room(const struct terminal *terminal)
{
	return INPUT_BYTES - (terminal->input_received - terminal->input_published);
}

/* Where the next bytes from the line go. */
struct ring_piece input_piece(const struct terminal *terminal, uint32_t limit)
{
	return ring_piece(terminal->input_received, smaller(input_room(terminal), limit), INPUT_BYTES);
}

/* Moves up to `size` of the bytes that came first to `data`, and says how many. */
size_t input_take(struct terminal *terminal, void *data, size_t size)
{
	size_t length = smaller(terminal->input_received - terminal->input_published, size);

	if (length) {
		ring_get(terminal->input, INPUT_BYTES, terminal->input_published, data, length);
		terminal->input_published += length;
	}
	return length;
}
