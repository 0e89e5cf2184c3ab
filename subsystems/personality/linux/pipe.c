/* Pipes: up to 16 payload frames as a ring, positions in the home region.
 *
 * Bytes are copied first (program to frame and back; a cut copy is repeated), then the position moves, and with it the
 * writer's progress: both are in one transaction, and nothing commits between them. So after a death at any
 * instruction a byte is in the pipe exactly when the writer's record says it is written.
 * Who waits sets a bit of waiting, who changes the state clears it and notifies EVENT_PIPE + slot. */
#include "pipe.h"
#include "cache.h"
#include "linux/signal.h"

struct pipe *pipe_at(uint32_t slot_plus_1)
{
	return slot_plus_1 == 0 ? NULL : &files()->pipe[slot_plus_1 - 1];
}

uint32_t pipe_slot(const struct pipe *pipe)
{
	return (uint32_t)(pipe - files()->pipe);
}

static struct pipe *pipe_take(void)
{
	for (uint32_t i = 0; i < FILES_PIPE_MAX; i++) {
		struct pipe *pipe = &files()->pipe[i];

		if (!pipe->is_used) {
			pipe->head = pipe->tail = 0;
			pipe->readers = pipe->writers = 0;
			pipe->waiting = 0;
			pipe->is_used = 1;
			return pipe;
		}
	}
	return NULL;
}

static void pipe_free(struct pipe *pipe)
{
	for (uint32_t i = 0; i < PIPE_FRAMES; i++)
		if (pipe->frame[i]) {
			frame_release(pipe->frame[i]);
			pipe->frame[i] = 0;
		}
	pipe->is_used = 0;
}

static void pipe_notify(struct pipe *pipe)
{
	pipe->waiting = 0;
	rt_notify(EVENT_PIPE + pipe_slot(pipe), 0);
}

static bool end_reads(const struct file *file) { return file->kind != FILE_PIPE_WRITE; }
static bool end_writes(const struct file *file) { return file->kind != FILE_PIPE_READ; }

struct file *pipe_open(struct pipe *pipe, uint32_t flags, struct node *node)
{
	static const uint8_t kinds[4] = { FILE_PIPE_READ, FILE_PIPE_WRITE, FILE_PIPE_BOTH, FILE_PIPE_BOTH };
	struct file *file = file_allocate(kinds[flags & O_ACCMODE], flags, node);

	if (!file)
		return NULL;
	file->pipe = pipe_slot(pipe) + 1;
	pipe->readers += end_reads(file);
	pipe->writers += end_writes(file);
	pipe->openings++;
	if (pipe->waiting)
		pipe_notify(pipe);
	return file;
}

int64_t pipe_create(uint32_t flags, struct file **read_end, struct file **write_end)
{
	struct pipe *pipe = pipe_take();

	if (!pipe)
		return -ENFILE;
	*read_end = pipe_open(pipe, flags | O_RDONLY, NULL);
	*write_end = *read_end ? pipe_open(pipe, flags | O_WRONLY, NULL) : NULL;
	if (*write_end)
		return 0;
	if (*read_end)
		file_release(*read_end);
	else
		pipe->is_used = 0;
	return -ENFILE;
}

struct pipe *pipe_of_fifo(struct node *node)
{
	struct pipe *pipe = pipe_at(node->pipe);

	if (!pipe) {
		pipe = pipe_take();
		node->pipe = pipe ? pipe_slot(pipe) + 1 : 0;
	}
	return pipe;
}

void pipe_close(struct file *file)
{
	struct pipe *pipe = pipe_at(file->pipe);

	pipe->readers -= end_reads(file);
	pipe->writers -= end_writes(file);
	if (pipe->readers == 0 && pipe->writers == 0) {
		if (file->node)
			node_at(file->node)->pipe = 0;
		pipe_free(pipe);
		return;
	}
	if (pipe->waiting)
		pipe_notify(pipe);
	files_poll_wake();
}

static int64_t pipe_wait(struct transfer *t, struct file *file, struct pipe *pipe)
{
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	if (signal_is_pending(thread_current(t->call)))
		return -EINTR;
	return wait_on(t->call, EVENT_PIPE + pipe_slot(pipe), rt_event_count(EVENT_PIPE + pipe_slot(pipe)), RT_NO_DEADLINE);
}

/* Moves SIZE bytes at absolute position AT of the ring; bytes moved, or an error when none was. */
static int64_t pipe_move(struct transfer *t, struct pipe *pipe, uint64_t at, uint64_t size, bool is_write)
{
	uint64_t moved = 0;

	while (moved < size) {
		struct ring_piece piece = ring_piece_at(at + moved, size - moved);
		uint32_t *frame = &pipe->frame[piece.frame];
		int64_t result;

		if (*frame == 0)
			*frame = (uint32_t)cache_frame();
		if (*frame == 0)
			return moved ? (int64_t)moved : -ENOMEM;
		if (is_write)
			result = transfer_to_frame(t, moved, *frame, piece.offset, piece.size);
		else
			result = transfer_from_frame(t, moved, *frame, piece.offset, piece.size);
		if (result == SYS_WAIT || (result && moved == 0))
			return result;
		if (result)
			break;
		moved += piece.size;
	}
	return (int64_t)moved;
}

int64_t pipe_read(struct transfer *t, struct file *file, uint64_t *position)
{
	struct pipe *pipe = pipe_at(file->pipe);
	uint64_t filled = ring_filled(pipe);
	int64_t moved;

	(void)position;
	if (filled == 0) {
		if (pipe->writers == 0)
			return 0;
		if (!(file->flags & O_NONBLOCK))
			pipe->waiting |= PIPE_READER_WAITS;
		return pipe_wait(t, file, pipe);
	}
	moved = pipe_move(t, pipe, pipe->tail, transfer_left(t) < filled ? transfer_left(t) : filled, false);
	if (moved <= 0)
		return moved;
	pipe->tail += (uint64_t)moved;
	if (pipe->waiting & PIPE_WRITER_WAITS)
		pipe_notify(pipe);
	files_poll_wake();
	return moved;
}

int64_t pipe_write(struct transfer *t, struct file *file, uint64_t *position)
{
	struct pipe *pipe = pipe_at(file->pipe);
	uint64_t size;
	int64_t moved;

	(void)position;
	if (pipe->readers == 0) {
		if (t->done == 0)
			signal_send_process(process_current(t->call), SIGPIPE, 0);
		return -EPIPE;
	}
	size = ring_write_size(pipe, transfer_left(t), t->total);
	if (size == 0) {
		if (!(file->flags & O_NONBLOCK))
			pipe->waiting |= PIPE_WRITER_WAITS;
		return pipe_wait(t, file, pipe);
	}
	moved = pipe_move(t, pipe, pipe->head, size, true);
	if (moved <= 0)
		return moved;
	pipe->head += (uint64_t)moved;
	if (pipe->waiting & PIPE_READER_WAITS)
		pipe_notify(pipe);
	files_poll_wake();
	return moved;
}

uint32_t pipe_poll(const struct file *file)
{
	const struct pipe *pipe = pipe_at(file->pipe);
	uint32_t ready = 0;

	if (end_reads(file)) {
		if (ring_filled(pipe))
			ready |= POLLIN | POLLRDNORM;
		if (pipe->writers == 0)
			ready |= POLLHUP;
	}
	if (end_writes(file)) {
		if (ring_room(pipe) >= PIPE_BUF)
			ready |= POLLOUT | POLLWRNORM;
		if (pipe->readers == 0)
			ready |= POLLERR;
	}
	return ready;
}
