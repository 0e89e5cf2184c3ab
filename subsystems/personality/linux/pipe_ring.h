/* Arithmetic of a pipe's ring: which bytes of which frame come next. Pure; tested on the host. */
#ifndef LINUX_PIPE_RING_H
#define LINUX_PIPE_RING_H

#include <stdint.h>
#include "files_home.h"

enum { PIPE_BYTES = PIPE_FRAMES * 4096 };

struct ring_piece {
	uint32_t frame;  /* index into pipe->frame */
	uint32_t offset; /* in it */
	uint32_t size;
};

static inline uint64_t ring_filled(const struct pipe *pipe) { return pipe->head - pipe->tail; }
static inline uint64_t ring_room(const struct pipe *pipe) { return PIPE_BYTES - ring_filled(pipe); }
/* The piece that begins at absolute byte AT, at most SIZE long, within one frame. */
static inline struct ring_piece ring_piece_at(uint64_t at, uint64_t size)
{
	struct ring_piece piece = { .frame = (uint32_t)(at / 4096 % PIPE_FRAMES), .offset = (uint32_t)(at % 4096) };

	piece.size = 4096 - piece.offset;
	if (size < piece.size)
		piece.size = (uint32_t)size;
	return piece;
}
/* Bytes that a write of LEFT out of TOTAL may put in now: 0 means wait. Up to PIPE_BUF goes in whole or not at all. */
static inline uint64_t ring_write_size(const struct pipe *pipe, uint64_t left, uint64_t total)
{
	uint64_t room = ring_room(pipe);

	if (total <= 4096)
		return left <= room ? left : 0;
	return left < room ? left : room;
}

#endif
