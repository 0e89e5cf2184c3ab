/* Moving bytes between a program's buffers and payload frames or own memory. See transfer.h. */
#include "transfer.h"

enum move { MOVE_TO_FRAME, MOVE_FROM_FRAME, MOVE_IN, MOVE_OUT };

struct piece {
	enum move move;
	uint64_t frame;
	uint32_t offset; /* in the frame */
	uint8_t *own;
};

static int64_t piece_move_kernel(const struct piece *piece, uint64_t address, uint32_t size)
{
	struct zog_copy copy = { .own = address, .frame = piece->frame, .offset = piece->offset, .length = size };

	switch (piece->move) {
	case MOVE_IN:
		memcpy(piece->own, (const void *)address, size);
		return 0;
	case MOVE_OUT:
		memcpy((void *)address, piece->own, size);
		return 0;
	case MOVE_TO_FRAME:
		copy.kind = ZOG_COPY_TO_FRAME;
		break;
	case MOVE_FROM_FRAME:
		copy.kind = ZOG_COPY_FROM_FRAME;
		break;
	}
	return status_errno(rt_copy(&copy));
}

static int64_t piece_move(struct transfer *t, const struct piece *piece, uint64_t address, uint32_t size)
{
	if (t->is_kernel)
		return piece_move_kernel(piece, address, size);
	switch (piece->move) {
	case MOVE_TO_FRAME:
		return user_to_frame(t->call, piece->frame, piece->offset, address, size);
	case MOVE_FROM_FRAME:
		return user_from_frame(t->call, piece->frame, piece->offset, address, size);
	case MOVE_IN:
		return user_read(t->call, piece->own, address, size);
	case MOVE_OUT:
		return user_write(t->call, address, piece->own, size);
	}
	return -EINVAL;
}

/* Walks the buffers from byte SKIP on and moves SIZE bytes. */
static int64_t transfer_move(struct transfer *t, uint64_t skip, struct piece *piece, uint32_t size)
{
	for (uint32_t i = 0; i < t->count && size; i++) {
		uint64_t length = t->iov[i].length;
		uint32_t part;
		int64_t result;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		part = length - skip < size ? (uint32_t)(length - skip) : size;
		result = piece_move(t, piece, t->iov[i].base + skip, part);
		if (result)
			return result;
		size -= part;
		if (size == 0)
			break;
		piece->offset += part;
		piece->own = piece->own ? piece->own + part : NULL;
		skip = 0;
	}
	return 0;
}

int64_t transfer_to_frame(struct transfer *t, uint64_t ahead, uint64_t frame, uint32_t offset, uint32_t size)
{
	struct piece piece = { .move = MOVE_TO_FRAME, .frame = frame, .offset = offset };

	return transfer_move(t, t->done + ahead, &piece, size);
}

int64_t transfer_from_frame(struct transfer *t, uint64_t ahead, uint64_t frame, uint32_t offset, uint32_t size)
{
	struct piece piece = { .move = MOVE_FROM_FRAME, .frame = frame, .offset = offset };

	return transfer_move(t, t->done + ahead, &piece, size);
}

int64_t transfer_in(struct transfer *t, uint64_t ahead, void *to, uint32_t size)
{
	struct piece piece = { .move = MOVE_IN, .own = to };

	return transfer_move(t, t->done + ahead, &piece, size);
}

int64_t transfer_out(struct transfer *t, uint64_t ahead, const void *from, uint32_t size)
{
	struct piece piece = { .move = MOVE_OUT, .own = (uint8_t *)(uintptr_t)from };

	return transfer_move(t, t->done + ahead, &piece, size);
}

/* One byte of each page of each buffer. */
static int64_t buffer_probe(struct transfer *t, uint64_t address, uint64_t size)
{
	uint64_t at = address, end = address + size;
	uint8_t byte;

	while (at < end) {
		int64_t result = user_read(t->call, &byte, at, 1);

		if (result == -EFAULT && at > address)
			return (int64_t)(at - address);
		if (result)
			return result;
		at = (at | 4095) + 1;
	}
	return (int64_t)size;
}

int64_t transfer_probe(struct transfer *t, uint64_t size)
{
	uint64_t skip = t->done, good = 0;

	if (t->is_kernel)
		return (int64_t)size;
	for (uint32_t i = 0; i < t->count && good < size; i++) {
		uint64_t length = t->iov[i].length, part;
		int64_t result;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		part = length - skip < size - good ? length - skip : size - good;
		result = buffer_probe(t, t->iov[i].base + skip, part);
		if (result < 0)
			return result == -EFAULT && good ? (int64_t)good : result;
		good += (uint64_t)result;
		if ((uint64_t)result < part)
			break;
		skip = 0;
	}
	return (int64_t)good;
}
