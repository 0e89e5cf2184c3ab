/* poll, ppoll, select, pselect6.
 *
 * What is ready is worked out from the files' state each time. Who waits sets has_poll_waiter; whoever changes the
 * readiness of anything clears it and notifies EVENT_POLL once, and all waiters look again. The absolute deadline stands in
 * the progress record. */
#include "file.h"
#include "syscall.h"

enum { POLL_MAX = 1024, SELECT_BITS = 1024, SELECT_WORDS = SELECT_BITS / 64 };

static struct linux_pollfd poll_buffer[POLL_MAX]; /* scratch */

static uint32_t fd_ready(struct process *process, int fd, uint32_t events)
{
	struct file *file = file_get(process, fd);

	if (!file || file->kind == FILE_PATH)
		return POLLNVAL;
	return file_type(file)->poll(file) & (events | POLLERR | POLLHUP);
}

/* 0: the deadline passed; SYS_WAIT, -EINTR. timeout_ns: relative, of the first issue; negative: none. */
static int64_t poll_wait(struct zog_call *call, int64_t timeout_ns)
{
	struct thread *thread = thread_current(call);
	struct progress *progress = thread_progress(thread);
	uint64_t now = rt_now_ns();

	if (timeout_ns == 0)
		return 0;
	if (progress->deadline_ns == 0)
		progress->deadline_ns = timeout_ns < 0 ? RT_NO_DEADLINE : now + (uint64_t)timeout_ns;
	if (now >= progress->deadline_ns)
		return 0;
	if (signal_is_pending(thread))
		return -EINTR;
	files()->has_poll_waiter = 1;
	return wait_on(call, EVENT_POLL, rt_event_count(EVENT_POLL), progress->deadline_ns);
}

static int64_t poll_run(struct zog_call *call, uint64_t user_fds, uint64_t count, int64_t timeout_ns)
{
	struct process *process = process_current(call);
	int64_t result, ready = 0;

	if (count > POLL_MAX)
		return -EINVAL;
	result = user_read(call, poll_buffer, user_fds, count * sizeof poll_buffer[0]);
	if (result)
		return result;
	for (uint64_t i = 0; i < count; i++) {
		struct linux_pollfd *entry = &poll_buffer[i];

		entry->revents = entry->fd < 0 ? 0 : (int16_t)fd_ready(process, entry->fd, (uint16_t)entry->events);
		ready += entry->revents != 0;
	}
	if (ready == 0 && (result = poll_wait(call, timeout_ns)) != 0)
		return result;
	result = user_write(call, user_fds, poll_buffer, count * sizeof poll_buffer[0]);
	return result ? result : ready;
}

int64_t sys_poll(struct zog_call *call, const uint64_t arg[6])
{
	int32_t timeout_ms = (int32_t)arg[2];

	return poll_run(call, arg[0], (uint32_t)arg[1], timeout_ms < 0 ? -1 : timeout_ms * 1000000ll);
}

/* A relative time of the program in units of 1/UNIT s; -1 for none. 0, -EFAULT, -EINVAL, SYS_WAIT. */
static int64_t timeout_read(struct zog_call *call, uint64_t user_time, int64_t unit, int64_t *timeout_ns)
{
	struct linux_timespec64 time;
	int64_t result;

	*timeout_ns = -1;
	if (user_time == 0)
		return 0;
	result = user_read(call, &time, user_time, sizeof time);
	if (result)
		return result;
	if (time.s < 0 || time.ns < 0 || time.ns >= unit)
		return -EINVAL;
	if (time.s < INT64_MAX / 1000000000 / 2)
		*timeout_ns = time.s * 1000000000 + time.ns * (1000000000 / unit);
	return 0;
}

static int64_t mask_read(struct zog_call *call, uint64_t user_mask, uint64_t size)
{
	uint64_t mask;
	int64_t result;

	if (user_mask == 0)
		return 0;
	if (size != sizeof mask)
		return -EINVAL;
	result = user_read(call, &mask, user_mask, sizeof mask);
	if (result == 0)
		signal_mask_push(thread_current(call), mask);
	return result;
}

int64_t sys_ppoll(struct zog_call *call, const uint64_t arg[6])
{
	int64_t timeout_ns, result = timeout_read(call, arg[2], 1000000000, &timeout_ns);

	if (result == 0)
		result = mask_read(call, arg[3], arg[4]);
	return result ? result : poll_run(call, arg[0], (uint32_t)arg[1], timeout_ns);
}

/* --- select --- */

struct select {
	uint64_t user[3]; /* read, write, exceptional: may be 0 */
	uint64_t set[3][SELECT_WORDS], ready[3][SELECT_WORDS];
	uint32_t count, bytes;
};
static struct select select_state; /* scratch */

static int64_t select_read(struct zog_call *call, struct select *select, const uint64_t arg[6])
{
	memset(select, 0, sizeof *select);
	if ((int32_t)arg[0] < 0)
		return -EINVAL;
	select->count = (uint32_t)arg[0] < SELECT_BITS ? (uint32_t)arg[0] : SELECT_BITS;
	select->bytes = (select->count + 63) / 64 * 8;
	for (uint32_t kind = 0; kind < 3; kind++) {
		int64_t result = 0;

		select->user[kind] = arg[1 + kind];
		if (select->user[kind])
			result = user_read(call, select->set[kind], select->user[kind], select->bytes);
		if (result)
			return result;
	}
	return 0;
}

/* How many bits are ready, or -EBADF. */
static int64_t select_check(struct process *process, struct select *select)
{
	static const uint32_t events[3] = { POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI };
	int64_t total = 0;

	for (uint32_t fd = 0; fd < select->count; fd++) {
		uint64_t bit = 1ull << fd % 64;
		uint32_t word = fd / 64, ready;

		if (!((select->set[0][word] | select->set[1][word] | select->set[2][word]) & bit))
			continue;
		ready = fd_ready(process, (int)fd, POLLIN | POLLOUT | POLLPRI);
		if (ready & POLLNVAL)
			return -EBADF;
		for (uint32_t kind = 0; kind < 3; kind++)
			if (select->set[kind][word] & bit && ready & events[kind]) {
				select->ready[kind][word] |= bit;
				total++;
			}
	}
	return total;
}

static int64_t select_run(struct zog_call *call, const uint64_t arg[6], int64_t timeout_ns)
{
	struct select *select = &select_state;
	int64_t result = select_read(call, select, arg), ready;

	if (result)
		return result;
	ready = select_check(process_current(call), select);
	if (ready < 0)
		return ready;
	if (ready == 0 && (result = poll_wait(call, timeout_ns)) != 0)
		return result;
	for (uint32_t kind = 0; kind < 3; kind++) {
		result = select->user[kind] ? user_write(call, select->user[kind], select->ready[kind], select->bytes) : 0;
		if (result)
			return result;
	}
	return ready;
}

int64_t sys_select(struct zog_call *call, const uint64_t arg[6])
{
	int64_t timeout_ns, result = timeout_read(call, arg[4], 1000000, &timeout_ns);

	return result ? result : select_run(call, arg, timeout_ns);
}

int64_t sys_pselect6(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t mask[2] = { 0, 0 }; /* address, size */
	int64_t timeout_ns, result = timeout_read(call, arg[4], 1000000000, &timeout_ns);

	if (result == 0 && arg[5])
		result = user_read(call, mask, arg[5], sizeof mask);
	if (result == 0)
		result = mask_read(call, mask[0], mask[1]);
	return result ? result : select_run(call, arg, timeout_ns);
}
