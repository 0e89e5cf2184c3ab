/* read, write and their kin, lseek, sendfile.
 *
 * All go through one loop over the file's type. What was moved is put on record (progress->done, the file's position)
 * in the same transaction as the move itself; so a re-issued call goes on behind it. */
#include "file.h"
#include "cache.h"
#include "syscall.h"

#define COUNT_MAX 0x7ffff000ull
#define FILE_BYTES_MAX (1ull << 43) /* page numbers have 32 bits, less a margin */
enum { READ_PAGES = 64, SEND_BYTES = 16384, ISSUE_BYTES = 512 << 10 /* moved in one invocation, at most a turn more */ };

static struct linux_iovec iov_buffer[IOV_MAX]; /* scratch */

/* --- files of the disk --- */

static int64_t page_get(struct zog_call *call, struct node *node, uint64_t page, struct cache_record **record)
{
	bool is_sequential;

	*record = cache_find(node, page);
	if (*record && (*record)->state == CACHE_VALID && ((*record)->flags & (CACHE_USED | CACHE_MARK)) == CACHE_USED)
		return 0;
	is_sequential = *record || page == 0 || cache_find(node, page - 1);
	return cache_get(call, node, page, is_sequential ? READ_AHEAD_PAGES : 1, record);
}

int64_t disk_read(struct transfer *t, struct file *file, uint64_t *position)
{
	struct node *node = file_node(file);
	uint64_t moved = 0, at = *position, size;

	if (at >= node->size)
		return 0;
	size = transfer_left(t) < node->size - at ? transfer_left(t) : node->size - at;
	size = size < READ_PAGES * PAGE_BYTES ? size : READ_PAGES * PAGE_BYTES;
	while (moved < size) {
		uint64_t page = (at + moved) / PAGE_BYTES;
		uint32_t inside = (at + moved) % PAGE_BYTES, part = PAGE_BYTES - inside;
		struct cache_record *record;
		int64_t result;

		part = size - moved < part ? (uint32_t)(size - moved) : part;
		cache_keep(node, page, page);
		result = page_get(t->call, node, page, &record);
		if (result == 0)
			result = transfer_from_frame(t, moved, record->frame, inside, part);
		if (result && moved == 0)
			return result;
		if (result)
			break;
		moved += part;
	}
	*position = at + moved;
	return (int64_t)moved;
}

int64_t disk_write(struct transfer *t, struct file *file, uint64_t *position)
{
	struct node *node = file_node(file);
	uint64_t at = file->flags & O_APPEND ? node->size : *position;
	int64_t moved;

	if (at >= FILE_BYTES_MAX || transfer_left(t) > FILE_BYTES_MAX - at)
		return -EFBIG;
	moved = cache_write(t->call, node, at, t);
	if (moved > 0)
		*position = at + (uint64_t)moved;
	return moved;
}

/* --- the loop --- */

enum direction { DIRECTION_READ, DIRECTION_WRITE };
struct io {
	struct file *file;
	enum direction direction;
	bool has_offset; /* pread and pwrite: the file's own position stays */
	uint64_t offset;
};

static inline int64_t io_turn(const struct io *io, struct transfer *t)
{
	const struct file_type *type = file_type(io->file);
	uint64_t position = io->has_offset ? io->offset + t->done : io->file->position;
	int64_t moved = (io->direction == DIRECTION_READ ? type->read : type->write)(t, io->file, &position);

	if (moved <= 0)
		return moved;
	if (type->has_position && !io->has_offset)
		io->file->position = position;
	t->done += (uint64_t)moved;
	return moved;
}

/* What must be true of a write before it is answered. */
static int64_t io_settle(const struct io *io, struct transfer *t, struct progress *progress)
{
	if (io->direction == DIRECTION_READ || t->is_kernel)
		return 0;
	if (io->file->kind != FILE_TTY && !(io->file->kind == FILE_DISK && io->file->flags & O_DSYNC))
		return 0;
	if (progress->done != t->done)
		progress->done = t->done;
	if (io->file->kind == FILE_DISK)
		return files_sync(t->call, &progress->word[0], false);
	return signal_is_pending(thread_current(t->call)) ? 0 : tty_drain(t->call);
}

/* Inline, as io_turn: then T is the caller's own variable, and storing there takes no hook. */
static inline __attribute__((always_inline)) int64_t io_run(const struct io *io, struct transfer *t)
{
	struct progress *progress = thread_progress(thread_current(t->call));
	bool goes_on = io->direction == DIRECTION_WRITE || io->file->kind == FILE_DISK || io->file->kind == FILE_DEVICE;
	uint64_t begun = progress->done;
	int64_t moved = 0, result;

	t->done = begun;
	while (t->done < t->total) {
		moved = io_turn(io, t);
		if (moved <= 0 || t->done == t->total || !goes_on)
			break;
		progress->done = t->done;
		if (t->done - begun >= ISSUE_BYTES)
			return wait_again(t->call);
	}
	if (moved == SYS_WAIT || moved == SYS_RETRY || moved == SYS_NO_RESULT)
		return moved;
	if (moved < 0 && t->done == 0)
		return moved;
	result = io_settle(io, t, progress);
	return result ? result : (int64_t)t->done;
}

static int64_t io_check(const struct io *io)
{
	if (!io->file || io->file->kind == FILE_PATH)
		return -EBADF;
	return (io->direction == DIRECTION_READ ? file_can_read(io->file) : file_can_write(io->file)) ? 0 : -EBADF;
}

static int64_t io_single(struct zog_call *call, struct io io, const uint64_t arg[6])
{
	struct linux_iovec iov = { .base = arg[1], .length = arg[2] < COUNT_MAX ? arg[2] : COUNT_MAX };
	struct transfer t = { .call = call, .iov = &iov, .count = 1, .total = iov.length };
	int64_t result = io_check(&io);

	return result ? result : io_run(&io, &t);
}

static int64_t iov_read(struct zog_call *call, uint64_t address, uint64_t count, struct transfer *t)
{
	int64_t result;

	if (count > IOV_MAX)
		return -EINVAL;
	result = user_read(call, iov_buffer, address, count * sizeof iov_buffer[0]);
	if (result)
		return result;
	for (uint64_t i = 0; i < count; i++) {
		if (iov_buffer[i].length > (uint64_t)INT64_MAX - t->total)
			return -EINVAL;
		t->total += iov_buffer[i].length;
	}
	t->total = t->total < COUNT_MAX ? t->total : COUNT_MAX;
	return 0;
}

static int64_t io_vector(struct zog_call *call, const uint64_t arg[6], enum direction direction)
{
	struct transfer t = { .call = call, .iov = iov_buffer, .count = (uint32_t)arg[2] };
	struct io io = { .file = file_get(process_current(call), (int)arg[0]), .direction = direction };
	int64_t result = io_check(&io);

	if (result == 0)
		result = iov_read(call, arg[1], arg[2], &t);
	return result ? result : io_run(&io, &t);
}

int64_t sys_read(struct zog_call *call, const uint64_t arg[6])
{
	struct io io = { .file = file_get(process_current(call), (int)arg[0]), .direction = DIRECTION_READ };

	return io_single(call, io, arg);
}

int64_t sys_write(struct zog_call *call, const uint64_t arg[6])
{
	struct io io = { .file = file_get(process_current(call), (int)arg[0]), .direction = DIRECTION_WRITE };

	return io_single(call, io, arg);
}

static int64_t io_positioned(struct zog_call *call, const uint64_t arg[6], enum direction direction)
{
	struct io io = { .file = file_get(process_current(call), (int)arg[0]), .direction = direction, .has_offset = true, .offset = arg[3] };

	if ((int64_t)arg[3] < 0)
		return -EINVAL;
	if (io.file && !file_type(io.file)->has_position)
		return -ESPIPE;
	return io_single(call, io, arg);
}

int64_t sys_pread64(struct zog_call *call, const uint64_t arg[6])
{
	return io_positioned(call, arg, DIRECTION_READ);
}

int64_t sys_pwrite64(struct zog_call *call, const uint64_t arg[6])
{
	return io_positioned(call, arg, DIRECTION_WRITE);
}

int64_t sys_readv(struct zog_call *call, const uint64_t arg[6])
{
	return io_vector(call, arg, DIRECTION_READ);
}

int64_t sys_writev(struct zog_call *call, const uint64_t arg[6])
{
	return io_vector(call, arg, DIRECTION_WRITE);
}

int64_t file_read_kernel(struct zog_call *call, struct file *file, uint64_t offset, void *to, size_t size)
{
	struct linux_iovec iov = { .base = (uintptr_t)to, .length = size };
	struct transfer t = { .call = call, .iov = &iov, .count = 1, .is_kernel = true, .total = size };
	int64_t moved = 1;

	while (t.done < t.total && moved > 0) {
		moved = file_type(file)->read(&t, file, &offset);
		if (moved > 0)
			t.done += (uint64_t)moved;
	}
	return moved < 0 ? moved : (int64_t)t.done;
}

/* --- position --- */

static int64_t seek_data(const struct node *node, uint64_t offset, uint64_t whence)
{
	if (offset >= node->size)
		return -ENXIO;
	return whence == 3 ? (int64_t)offset : (int64_t)node->size; /* SEEK_DATA, SEEK_HOLE: holes count as data */
}

int64_t sys_lseek(struct zog_call *call, const uint64_t arg[6])
{
	struct file *file = file_get(process_current(call), (int)arg[0]);
	int64_t offset = (int64_t)arg[1];

	if (!file || file->kind == FILE_PATH)
		return -EBADF;
	if (!file_type(file)->has_position)
		return file->kind == FILE_DEVICE ? 0 : -ESPIPE;
	if (arg[2] == SEEK_CUR)
		offset += (int64_t)file->position;
	else if (arg[2] == SEEK_END)
		offset += (int64_t)file_node(file)->size;
	else if (arg[2] == 3 || arg[2] == 4)
		offset = seek_data(file_node(file), arg[1], arg[2]);
	else if (arg[2] != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return arg[2] >= 3 ? offset : -EINVAL;
	if (file->position != (uint64_t)offset)
		file->position = (uint64_t)offset;
	return offset;
}

/* --- sendfile --- */

struct send {
	struct file *in, *out;
	bool has_offset;
	uint64_t offset; /* where reading began, with has_offset */
};

static int64_t send_turn(struct zog_call *call, const struct send *send, uint64_t done, uint64_t left)
{
	static uint8_t bytes[SEND_BYTES]; /* scratch */
	uint64_t from = send->has_offset ? send->offset + done : send->in->position;
	struct linux_iovec iov = { .base = (uintptr_t)bytes };
	struct transfer t = { .call = call, .iov = &iov, .count = 1, .is_kernel = true };
	struct io io = { .file = send->out, .direction = DIRECTION_WRITE };
	int64_t count = file_read_kernel(call, send->in, from, bytes, left < SEND_BYTES ? left : SEND_BYTES), moved;

	if (count <= 0)
		return count;
	iov.length = t.total = (uint64_t)count;
	moved = io_turn(&io, &t);
	if (moved > 0 && !send->has_offset)
		send->in->position = from + (uint64_t)moved;
	return moved;
}

/* The program's offset is read once: it is changed at the end, and a re-issue must not see that. */
static int64_t send_offset(struct zog_call *call, struct send *send, uint64_t address, struct progress *progress)
{
	int64_t result;

	send->has_offset = address != 0;
	if (!send->has_offset)
		return 0;
	if (progress->word[1] == 0) {
		result = user_read(call, &send->offset, address, sizeof send->offset);
		if (result)
			return result;
		if ((int64_t)send->offset < 0)
			return -EINVAL;
		progress->word[0] = send->offset;
		progress->word[1] = 1;
	}
	send->offset = progress->word[0];
	return 0;
}

int64_t sys_sendfile(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	struct progress *progress = thread_progress(thread_current(call));
	struct send send = { .out = file_get(process, (int)arg[0]), .in = file_get(process, (int)arg[1]) };
	uint64_t count = arg[3] < COUNT_MAX ? arg[3] : COUNT_MAX, begun = progress->done;
	int64_t moved = send_offset(call, &send, arg[2], progress);

	if (!send.in || !send.out || !file_can_read(send.in) || !file_can_write(send.out))
		return -EBADF;
	if ((send.in->kind != FILE_DISK && send.in->kind != FILE_TEXT) || send.out->flags & O_APPEND)
		return -EINVAL;
	if (moved)
		return moved;
	while (progress->done < count) {
		moved = send_turn(call, &send, progress->done, count - progress->done);
		if (moved == SYS_WAIT || moved == SYS_RETRY)
			return moved;
		if (moved <= 0)
			break;
		progress->done += (uint64_t)moved;
		if (progress->done - begun >= ISSUE_BYTES)
			return wait_again(call);
	}
	if (moved < 0 && progress->done == 0)
		return moved;
	if (send.has_offset) {
		uint64_t end = send.offset + progress->done;
		int64_t result = user_write(call, arg[2], &end, sizeof end);

		if (result)
			return result;
	}
	if (send.out->kind == FILE_TTY && (moved = tty_drain(call)) != 0)
		return moved;
	return (int64_t)progress->done;
}
