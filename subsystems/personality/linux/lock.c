/* Advisory record locks of fcntl: byte ranges of a node, owned by a process (POSIX, fcntl).
 *
 * A process's locks never overlap: setting a range first cuts it out of its older ones. Closing any descriptor of the
 * file drops them all, as POSIX says. Waiters, of flock too, wait on EVENT_POLL and look again. No deadlock detection. */
#include "lock.h"

#define LOCK_READ 0
#define LOCK_WRITE 1
#define LOCK_NONE 2
#define LOCK_END INT64_MAX

struct linux_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, length;
	int32_t pid, pad2;
};
_Static_assert(sizeof(struct linux_flock) == 32, "struct flock of x86_64");

struct range {
	int64_t start, end; /* inclusive */
};

void lock_wake(void)
{
	files_poll_wake();
}

int64_t lock_wait(struct zog_call *call)
{
	if (signal_is_pending(thread_current(call)))
		return -EINTR;
	files()->has_poll_waiter = 1;
	return wait_on(call, EVENT_POLL, rt_event_count(EVENT_POLL), RT_NO_DEADLINE);
}

static struct record_lock *lock_free_slot(void)
{
	for (uint32_t i = 0; i < FILES_LOCK_MAX; i++)
		if (files()->lock[i].node == 0)
			return &files()->lock[i];
	return NULL;
}

static bool overlaps(const struct record_lock *lock, const struct range *range)
{
	return lock->start <= range->end && range->start <= lock->end;
}

static struct record_lock *lock_conflict(const struct node *node, uint32_t pid, uint32_t type, const struct range *range)
{
	for (uint32_t i = 0; i < FILES_LOCK_MAX; i++) {
		struct record_lock *lock = &files()->lock[i];

		if (lock->node == node_slot(node) + 1 && lock->pid != pid && overlaps(lock, range) &&
		    (type == LOCK_WRITE || lock->type == LOCK_WRITE))
			return lock;
	}
	return NULL;
}

static uint32_t free_count(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < FILES_LOCK_MAX; i++)
		count += files()->lock[i].node == 0;
	return count;
}

/* Takes the range out of the process's own locks; at most one of them is split in two. */
static void lock_cut(const struct node *node, uint32_t pid, const struct range *range)
{
	for (uint32_t i = 0; i < FILES_LOCK_MAX; i++) {
		struct record_lock *lock = &files()->lock[i], *rest;

		if (lock->node != node_slot(node) + 1 || lock->pid != pid || !overlaps(lock, range))
			continue;
		if (lock->start < range->start && lock->end > range->end) {
			rest = lock_free_slot();
			*rest = *lock;
			rest->start = range->end + 1;
			lock->end = range->start - 1;
		} else if (lock->start < range->start) {
			lock->end = range->start - 1;
		} else if (lock->end > range->end) {
			lock->start = range->end + 1;
		} else {
			lock->node = 0;
		}
	}
}

void lock_release_process(const struct node *node, const struct process *process)
{
	bool is_any = false;

	if (files()->lock_count == 0)
		return;
	for (uint32_t i = 0; i < FILES_LOCK_MAX; i++) {
		struct record_lock *lock = &files()->lock[i];

		if (lock->node == 0 || lock->pid != process_pid(process) || (node && lock->node != node_slot(node) + 1))
			continue;
		lock->node = 0;
		is_any = true;
	}
	files()->lock_count = FILES_LOCK_MAX - free_count();
	if (is_any)
		lock_wake();
}

static int64_t range_decode(const struct file *file, const struct linux_flock *request, struct range *range)
{
	int64_t base = 0, start;

	if (request->whence == SEEK_CUR)
		base = (int64_t)file->position;
	else if (request->whence == SEEK_END)
		base = (int64_t)node_at(file->node)->size;
	else if (request->whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, request->start, &start) || start < 0)
		return -EINVAL;
	range->start = start;
	range->end = LOCK_END;
	if (request->length > 0 && __builtin_add_overflow(start, request->length - 1, &range->end))
		return -EOVERFLOW;
	if (request->length < 0) {
		range->start = start + request->length;
		range->end = start - 1;
	}
	return range->start < 0 ? -EINVAL : 0;
}

static int64_t lock_query(struct zog_call *call, struct file *file, struct linux_flock *request, const struct range *range,
			  uint64_t user_lock)
{
	const struct record_lock *lock = lock_conflict(node_at(file->node), process_pid(process_current(call)),
						       (uint32_t)request->type, range);

	request->type = LOCK_NONE;
	if (lock) {
		request->type = (int16_t)lock->type;
		request->whence = SEEK_SET;
		request->start = lock->start;
		request->length = lock->end == LOCK_END ? 0 : lock->end - lock->start + 1;
		request->pid = (int32_t)lock->pid;
	}
	return user_write(call, user_lock, request, sizeof *request);
}

static int64_t lock_set(struct file *file, uint32_t pid, uint32_t type, const struct range *range)
{
	struct node *node = node_at(file->node);

	if (free_count() < 2)
		return -ENOLCK;
	lock_cut(node, pid, range);
	if (type != LOCK_NONE)
		*lock_free_slot() = (struct record_lock){ .node = node_slot(node) + 1, .pid = pid, .type = type,
							  .start = range->start, .end = range->end };
	files()->lock_count = FILES_LOCK_MAX - free_count();
	if (type != LOCK_WRITE)
		lock_wake();
	return 0;
}

int64_t lock_control(struct zog_call *call, struct file *file, uint32_t command, uint64_t user_lock)
{
	uint32_t pid = process_pid(process_current(call));
	struct linux_flock request;
	struct range range;
	int64_t result = user_read(call, &request, user_lock, sizeof request);

	if (result)
		return result;
	if (!file->node || request.type < LOCK_READ || request.type > LOCK_NONE)
		return file->node ? -EINVAL : -EBADF;
	result = range_decode(file, &request, &range);
	if (result)
		return result;
	if (command == F_GETLK)
		return lock_query(call, file, &request, &range, user_lock);
	if ((request.type == LOCK_READ && !file_can_read(file)) || (request.type == LOCK_WRITE && !file_can_write(file)))
		return -EBADF;
	if (request.type != LOCK_NONE && lock_conflict(node_at(file->node), pid, (uint32_t)request.type, &range))
		return command == F_SETLK ? -EAGAIN : lock_wait(call);
	return lock_set(file, pid, (uint32_t)request.type, &range);
}
