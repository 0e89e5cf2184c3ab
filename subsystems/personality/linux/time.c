/* Clocks, sleeping, interval timers (clock_gettime(2), nanosleep(2), setitimer(2)).
 *
 * The real clock is the monotonic one plus the epoch that the clock domain publishes in a shared region. ITIMER_REAL deadlines
 * stand in the process's record; the init activity sleeps until the earliest and sends SIGALRM. */
#include "task.h"
#include "rt/region.h"
#include "contracts/clock_client.h"

enum {
	CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPU = 2, CLOCK_THREAD_CPU = 3, CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9, CLOCK_TAI = 11, TIMER_ABSTIME = 1, ITIMER_REAL = 0, ITIMER_PROF = 2,
};
#define NS_PER_S 1000000000ul
#define NS_PER_US 1000ul
#define NS_PER_TICK 10000000ul

/* The clock's table; before its first commit the clock itself is asked, which starts it. Read again only when there is a
 * new version. */
static uint64_t epoch_ns_read(void)
{
	static uint64_t epoch_ns, epoch_version;
	struct clock_time_wall wall;
	uint64_t version = region_version(REGION_TIME);

	if (version == epoch_version && version != 0)
		return epoch_ns;
	if (region_read(REGION_TIME, CLOCK_TIME_WALL, 0, &wall) != ZOG_OK || !wall.is_known)
		return clock_epoch(&epoch_ns) == ZOG_OK ? epoch_ns : 0;
	epoch_ns = wall.epoch_ns;
	epoch_version = version;
	return epoch_ns;
}

uint64_t time_realtime_ns(void) { return epoch_ns_read() + rt_now_ns(); }

struct moment wall_time(void)
{
	uint64_t now = time_realtime_ns();

	return (struct moment){ .s = (int64_t)(now / NS_PER_S), .ns = (uint32_t)(now % NS_PER_S) };
}

static bool clock_read(uint64_t clock, uint64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		*ns = time_realtime_ns();
		return true;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		*ns = rt_now_ns();
		return true;
	default:
		return false;
	}
}

/* CPU time is not accounted: the process clocks show the time since the process began, as its upper bound. */
static bool clock_read_any(struct zog_call *call, uint64_t clock, uint64_t *ns)
{
	if (clock == CLOCK_PROCESS_CPU || clock == CLOCK_THREAD_CPU) {
		*ns = rt_now_ns() - process_current(call)->start_ns;
		return true;
	}
	return clock_read(clock, ns);
}

static int64_t time_write(struct zog_call *call, uint64_t address, uint64_t ns, uint64_t fraction)
{
	uint64_t time[2] = { ns / NS_PER_S, ns % NS_PER_S / fraction };

	return user_write(call, address, time, sizeof(time));
}

/* Reads seconds and a fraction of which there are LIMIT in a second. */
static int64_t time_read(struct zog_call *call, uint64_t address, uint64_t limit, uint64_t *ns)
{
	uint64_t time[2];
	int64_t error = user_read(call, time, address, sizeof(time));

	if (error)
		return error;
	if (time[0] > INT64_MAX || time[1] >= limit)
		return -EINVAL;
	*ns = time[0] >= INT64_MAX / NS_PER_S ? INT64_MAX : time[0] * NS_PER_S + time[1] * (NS_PER_S / limit);
	return 0;
}

int64_t sys_clock_gettime(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t ns;

	return clock_read_any(call, arg[0], &ns) ? time_write(call, arg[1], ns, 1) : -EINVAL;
}

int64_t sys_clock_getres(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t ns;

	if (!clock_read_any(call, arg[0], &ns))
		return -EINVAL;
	return arg[1] ? time_write(call, arg[1], 1, 1) : 0;
}

int64_t sys_gettimeofday(struct zog_call *call, const uint64_t arg[6])
{
	uint32_t zone[2] = { 0, 0 };
	int64_t error = 0;

	if (arg[0])
		error = time_write(call, arg[0], time_realtime_ns(), NS_PER_US);
	if (!error && arg[1])
		error = user_write(call, arg[1], zone, sizeof(zone));
	return error;
}

int64_t sys_time(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t seconds = time_realtime_ns() / NS_PER_S;
	int64_t error = arg[0] ? user_write(call, arg[0], &seconds, sizeof(seconds)) : 0;

	return error ? error : (int64_t)seconds;
}

int64_t sys_times(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t usage[4] = { 0 }; /* not accounted */
	int64_t error = arg[0] ? user_write(call, arg[0], usage, sizeof(usage)) : 0;

	return error ? error : (int64_t)(rt_now_ns() / NS_PER_TICK);
}

/* --- sleeping ---------------------------------------------------------------------------------------------------------- */

static int64_t sleep_interrupted(struct zog_call *call, uint64_t deadline_ns, uint64_t remaining)
{
	uint64_t now = rt_now_ns();
	int64_t error = 0;

	if (remaining)
		error = time_write(call, remaining, deadline_ns > now ? deadline_ns - now : 0, 1);
	return error ? error : -EINTR;
}

static int64_t sleep_until(struct zog_call *call, struct thread *thread, uint64_t deadline_ns, uint64_t remaining)
{
	uint32_t event = EVENT_THREAD + thread->slot;

	if (rt_now_ns() >= deadline_ns)
		return 0;
	if (signal_is_pending(thread))
		return sleep_interrupted(call, deadline_ns, remaining);
	if (thread->progress.deadline_ns != deadline_ns)
		thread->progress.deadline_ns = deadline_ns;
	return wait_on(call, event, rt_event_count(event), deadline_ns);
}

static uint64_t deadline_after(uint64_t ns)
{
	uint64_t now = rt_now_ns();

	return ns > (uint64_t)INT64_MAX - now ? INT64_MAX : now + ns;
}

int64_t sys_nanosleep(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	uint64_t ns;
	int64_t error;

	if (thread->progress.deadline_ns)
		return sleep_until(call, thread, thread->progress.deadline_ns, arg[1]);
	error = time_read(call, arg[0], NS_PER_S, &ns);
	return error ? error : sleep_until(call, thread, deadline_after(ns), arg[1]);
}

int64_t sys_clock_nanosleep(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);
	bool is_absolute = arg[1] & TIMER_ABSTIME;
	uint64_t remaining = is_absolute ? 0 : arg[3], ns, now;
	int64_t error;

	if (thread->progress.deadline_ns)
		return sleep_until(call, thread, thread->progress.deadline_ns, remaining);
	if (!clock_read(arg[0], &now))
		return arg[0] == CLOCK_PROCESS_CPU ? -EOPNOTSUPP : -EINVAL;
	error = time_read(call, arg[2], NS_PER_S, &ns);
	if (error)
		return error;
	if (is_absolute)
		ns = ns > now ? ns - now : 0;
	return sleep_until(call, thread, deadline_after(ns), remaining);
}

/* --- interval timers ---------------------------------------------------------------------------------------------------- */

uint64_t timer_next_ns(void)
{
	const struct process_home *home = home_a();
	uint64_t next = RT_NO_DEADLINE;

	for (uint32_t i = 0; i < home->process_top; i++) {
		const struct process *process = &home->process[i];

		if (process->state == STATE_LIVE && process->alarm.deadline_ns && process->alarm.deadline_ns < next)
			next = process->alarm.deadline_ns;
	}
	return next;
}

void timer_expire(void)
{
	struct process_home *home = home_a();
	uint64_t now = rt_now_ns();

	for (uint32_t i = 0; i < home->process_top; i++) {
		struct process *process = &home->process[i];
		struct timer_record *alarm = &process->alarm;

		if (process->state != STATE_LIVE || !alarm->deadline_ns || alarm->deadline_ns > now)
			continue;
		alarm->deadline_ns = alarm->interval_ns ? now + alarm->interval_ns : 0;
		signal_send_process(process, SIGALRM, SI_KERNEL);
	}
}

static void timer_set(struct process *process, uint64_t ns, uint64_t interval_ns)
{
	process->alarm.deadline_ns = ns ? deadline_after(ns) : 0;
	process->alarm.interval_ns = interval_ns;
	if (ns)
		rt_notify(EVENT_WRITE_BACK, 0); /* the activity looks at its deadline again */
}

static uint64_t timer_left(const struct process *process)
{
	uint64_t now = rt_now_ns(), deadline = process->alarm.deadline_ns;

	return !deadline ? 0 : deadline > now ? deadline - now : 1;
}

int64_t sys_alarm(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	uint64_t left = timer_left(process);

	timer_set(process, (uint32_t)arg[0] * NS_PER_S, 0);
	return (left + NS_PER_S - 1) / NS_PER_S;
}

static int64_t timer_write(struct zog_call *call, const struct process *process, uint64_t address)
{
	int64_t error = time_write(call, address, process->alarm.interval_ns, NS_PER_US);

	return error ? error : time_write(call, address + 16, timer_left(process), NS_PER_US);
}

/* Only the real-time one: the others need CPU time. */
int64_t sys_getitimer(struct zog_call *call, const uint64_t arg[6])
{
	if (arg[0] != ITIMER_REAL)
		return arg[0] <= ITIMER_PROF ? -ENOSYS : -EINVAL;
	return timer_write(call, process_current(call), arg[1]);
}

int64_t sys_setitimer(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	uint64_t interval = 0, ns = 0;
	int64_t error = 0;

	if (arg[0] != ITIMER_REAL)
		return arg[0] <= ITIMER_PROF ? -ENOSYS : -EINVAL;
	if (arg[1])
		error = time_read(call, arg[1], NS_PER_S / NS_PER_US, &interval);
	if (!error && arg[1])
		error = time_read(call, arg[1] + 16, NS_PER_S / NS_PER_US, &ns);
	if (!error && arg[2])
		error = timer_write(call, process, arg[2]);
	if (error)
		return error;
	timer_set(process, ns, interval);
	return 0;
}
