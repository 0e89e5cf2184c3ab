/* Futexes (futex(2)): waiting on a word of program memory.
 *
 * A waiter stands in a queue in the home region and waits on its own thread's event. The word is read and the waiter
 * queued in one invocation, and a waker's call is an invocation of its own, so no wake-up falls in between. A waiter
 * that comes back finds out from its record whether it was woken, not from the reason of the re-issue. */
#include "task.h"

enum {
	FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5,
	FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10, FUTEX_PRIVATE = 128, FUTEX_CLOCK_REALTIME = 256,
};
#define BITSET_ANY 0xffffffffu
#define NS_PER_S 1000000000ul

/* Words in shared mappings are named by what is mapped, so that other processes mean the same. */
static struct futex_key futex_key(struct zog_call *call, uint64_t address, bool is_private)
{
	struct space *space = space_current(call);
	const struct vma *vma = is_private ? NULL : vma_find(space, address);
	struct futex_key key = { space_index(space) + 1, address };

	if (!vma || !(vma->flags & VMA_SHARED))
		return key;
	key.object = vma->node ? (uintptr_t)vma->node : SPACE_MAX + vma->object;
	key.offset = (vma->node_page << ZOG_PAGE_SHIFT) + (address - vma->start);
	return key;
}

static uint32_t *futex_bucket(const struct futex_key *key)
{
	uint64_t hash = (key->object * 0x9e3779b97f4a7c15ul) ^ (key->offset * 0xff51afd7ed558ccdul);

	return &home_a()->futex_bucket[hash >> 40 & (FUTEX_BUCKETS - 1)];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* At the end: first come, first woken. */
static void futex_enqueue(struct thread *thread, const struct futex_key *key, uint32_t bitset)
{
	uint32_t *link = futex_bucket(key);

	while (*link)
		link = &thread_at(*link - 1)->futex_next;
	thread->futex = *key;
	thread->futex_bitset = bitset;
	thread->futex_state = FUTEX_QUEUED;
	thread->futex_next = 0;
	*link = thread->slot + 1;
}

static void futex_unlink(struct thread *thread)
{
	uint32_t *link = futex_bucket(&thread->futex);

	while (*link != thread->slot + 1)
		link = &thread_at(*link - 1)->futex_next;
	*link = thread->futex_next;
	thread->futex_next = 0;
}

void futex_leave(struct thread *thread)
{
	if (thread->futex_state == FUTEX_QUEUED)
		futex_unlink(thread);
	if (thread->futex_state != FUTEX_NONE)
		thread->futex_state = FUTEX_NONE;
}

static uint32_t futex_wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
	uint32_t woken = 0, next;

	for (uint32_t slot = *futex_bucket(key); slot && woken < count; slot = next) {
		struct thread *thread = thread_at(slot - 1);

		next = thread->futex_next;
		if (!key_equal(&thread->futex, key) || !(thread->futex_bitset & bitset))
			continue;
		futex_unlink(thread);
		thread->futex_state = FUTEX_WOKEN;
		rt_notify(EVENT_THREAD + thread->slot, 0);
		woken++;
	}
	return woken;
}

/* A word in a shared mapping may have waiters under either name. */
int64_t futex_wake_address(struct zog_call *call, uint64_t address, uint32_t count)
{
	struct futex_key key = futex_key(call, address, false);

	return futex_wake_key(&key, count, BITSET_ANY);
}

static uint32_t futex_requeue(const struct futex_key *from, const struct futex_key *to, uint32_t count)
{
	uint32_t moved = 0, next;

	for (uint32_t slot = *futex_bucket(from); slot && moved < count; slot = next) {
		struct thread *thread = thread_at(slot - 1);

		next = thread->futex_next;
		if (!key_equal(&thread->futex, from))
			continue;
		futex_unlink(thread);
		futex_enqueue(thread, to, thread->futex_bitset);
		moved++;
	}
	return moved;
}

/* --- waiting ---------------------------------------------------------------------------------------------------------- */

static int64_t futex_sleep(struct zog_call *call, const struct thread *thread)
{
	uint32_t event = EVENT_THREAD + thread->slot;

	return wait_on(call, event, rt_event_count(event), thread->progress.deadline_ns);
}

/* A call that was in the queue before. */
static int64_t futex_resume(struct zog_call *call, struct thread *thread)
{
	int64_t result = 0;

	if (thread->futex_state == FUTEX_WOKEN)
		result = 0;
	else if (rt_now_ns() >= thread->progress.deadline_ns)
		result = -ETIMEDOUT;
	else if (signal_is_pending(thread))
		result = -EINTR;
	else
		return futex_sleep(call, thread);
	futex_leave(thread);
	return result;
}

/* Absolute deadline: FUTEX_WAIT's is relative, FUTEX_WAIT_BITSET's absolute on the monotonic or the real clock. */
static int64_t futex_deadline(struct zog_call *call, uint64_t address, uint32_t operation, uint64_t *deadline_ns)
{
	bool is_absolute = (operation & 127) == FUTEX_WAIT_BITSET;
	uint64_t time[2], ns, now = rt_now_ns();
	int64_t error;

	*deadline_ns = RT_NO_DEADLINE;
	if (!address)
		return 0;
	error = user_read(call, time, address, sizeof(time));
	if (error)
		return error;
	if (time[0] > INT64_MAX || time[1] >= NS_PER_S)
		return -EINVAL;
	if (time[0] > INT64_MAX / NS_PER_S)
		return 0;
	ns = time[0] * NS_PER_S + time[1];
	if (!is_absolute)
		ns += now;
	else if (operation & FUTEX_CLOCK_REALTIME)
		ns = ns > time_realtime_ns() - now ? ns - (time_realtime_ns() - now) : 1;
	*deadline_ns = ns ? ns : 1;
	return 0;
}

static int64_t futex_wait(struct zog_call *call, const uint64_t arg[6], uint32_t bitset)
{
	struct thread *thread = thread_current(call);
	uint64_t deadline_ns;
	struct futex_key key;
	uint32_t word;
	int64_t error;

	if (thread->futex_state != FUTEX_NONE)
		return futex_resume(call, thread);
	if (!bitset)
		return -EINVAL;
	error = futex_deadline(call, arg[3], arg[1], &deadline_ns);
	if (!error)
		error = user_read(call, &word, arg[0], sizeof(word));
	if (error)
		return error;
	if (word != (uint32_t)arg[2])
		return -EAGAIN;
	if (signal_is_pending(thread))
		return -EINTR;
	key = futex_key(call, arg[0], arg[1] & FUTEX_PRIVATE);
	futex_enqueue(thread, &key, bitset);
	thread->progress.deadline_ns = deadline_ns;
	return futex_sleep(call, thread);
}

/* --- waking ------------------------------------------------------------------------------------------------------------ */

static int64_t futex_move(struct zog_call *call, const uint64_t arg[6], bool is_compared)
{
	struct futex_key from = futex_key(call, arg[0], arg[1] & FUTEX_PRIVATE);
	struct futex_key to = futex_key(call, arg[4], arg[1] & FUTEX_PRIVATE);
	uint32_t word, woken, moved;
	int64_t error;

	if ((int32_t)arg[2] < 0 || (int32_t)arg[3] < 0)
		return -EINVAL;
	if (is_compared) {
		error = user_read(call, &word, arg[0], sizeof(word));
		if (error)
			return error;
		if (word != (uint32_t)arg[5])
			return -EAGAIN;
	}
	woken = futex_wake_key(&from, arg[2], BITSET_ANY);
	moved = key_equal(&from, &to) ? 0 : futex_requeue(&from, &to, arg[3]);
	return is_compared ? woken + moved : woken;
}

static bool wake_op_apply(uint32_t code, uint32_t old, uint32_t *new)
{
	uint32_t operation = code >> 28 & 7, operand = code >> 12 & 0xfff;

	if (code & 0x80000000u)
		operand = 1u << (operand & 31);
	switch (operation) {
	case 0: *new = operand; return true;
	case 1: *new = old + operand; return true;
	case 2: *new = old | operand; return true;
	case 3: *new = old & ~operand; return true;
	case 4: *new = old ^ operand; return true;
	default: return false;
	}
}

static bool wake_op_compare(uint32_t code, uint32_t old)
{
	int32_t value = old, operand = (int32_t)(code << 20) >> 20;

	switch (code >> 24 & 15) {
	case 0: return value == operand;
	case 1: return value != operand;
	case 2: return value < operand;
	case 3: return value <= operand;
	case 4: return value > operand;
	default: return value >= operand;
	}
}

/* The word is read and written by two copies: not atomic against the program's other threads. */
static int64_t futex_wake_op(struct zog_call *call, const uint64_t arg[6])
{
	struct futex_key first = futex_key(call, arg[0], arg[1] & FUTEX_PRIVATE);
	struct futex_key second = futex_key(call, arg[4], arg[1] & FUTEX_PRIVATE);
	uint32_t old, new, woken;
	int64_t error = user_read(call, &old, arg[4], sizeof(old));

	if (error)
		return error;
	if (!wake_op_apply(arg[5], old, &new))
		return -ENOSYS;
	error = user_write(call, arg[4], &new, sizeof(new));
	if (error)
		return error;
	woken = futex_wake_key(&first, arg[2], BITSET_ANY);
	if (wake_op_compare(arg[5], old))
		woken += futex_wake_key(&second, arg[3], BITSET_ANY);
	return woken;
}

static int64_t futex_wake(struct zog_call *call, const uint64_t arg[6], uint32_t bitset)
{
	struct futex_key key = futex_key(call, arg[0], arg[1] & FUTEX_PRIVATE);

	return bitset ? (int64_t)futex_wake_key(&key, arg[2], bitset) : -EINVAL;
}

int64_t sys_futex(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[0] % 4)
		return -EINVAL;
	if (arg[0] >= USER_END)
		return -EFAULT;
	switch (arg[1] & 127) {
	case FUTEX_WAIT: return futex_wait(call, arg, BITSET_ANY);
	case FUTEX_WAIT_BITSET: return futex_wait(call, arg, arg[5]);
	case FUTEX_WAKE: return futex_wake(call, arg, BITSET_ANY);
	case FUTEX_WAKE_BITSET: return futex_wake(call, arg, arg[5]);
	case FUTEX_REQUEUE: return futex_move(call, arg, false);
	case FUTEX_CMP_REQUEUE: return futex_move(call, arg, true);
	case FUTEX_WAKE_OP: return futex_wake_op(call, arg);
	default: return -ENOSYS;
	}
}

int64_t sys_set_robust_list(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);

	if (arg[1] != 24)
		return -EINVAL;
	thread->robust_list = arg[0];
	thread->robust_size = arg[1];
	return 0;
}

int64_t sys_get_robust_list(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = arg[0] ? thread_find(arg[0]) : thread_current(call);
	int64_t error;

	if (!thread)
		return -ESRCH;
	error = user_write(call, arg[1], &thread->robust_list, 8);
	return error ? error : user_write(call, arg[2], &thread->robust_size, 8);
}
