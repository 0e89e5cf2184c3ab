/* System calls about the machine and limits: uname, sysinfo, prlimit, prctl, arch_prctl, getrandom, reboot … */
#include "task.h"
#include "contracts/entropy_client.h"
#include "contracts/scheduler.h"
#include "rt/region.h"

#define LIMIT_INFINITY UINT64_MAX
enum {
	RLIMIT_STACK = 3, RLIMIT_CORE = 4, RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, RLIMIT_SIGPENDING = 11,
	RLIMIT_MSGQUEUE = 12, RLIMIT_NICE = 13, RLIMIT_RTPRIO = 14, RLIMIT_COUNT = 16,
};
#define NS_PER_S 1000000000ul

struct linux_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

int64_t sys_uname(struct zog_call *call, const uint64_t arg[6])
{
	static const struct linux_utsname name = {
		"Linux", "zog", "6.1.0-zog", "#1 SMP Zog", "x86_64", "(none)",
	};

	return user_write(call, arg[0], &name, sizeof(name));
}

struct linux_sysinfo {
	uint64_t uptime, loads[3], total, free, shared, buffers, swap_total, swap_free;
	uint16_t processes, pad[3];
	uint64_t high_total, high_free;
	uint32_t unit, pad2;
};

int64_t sys_sysinfo(struct zog_call *call, const uint64_t arg[6])
{
	struct linux_sysinfo info = { .uptime = rt_now_ns() / NS_PER_S, .unit = 1 };

	info.total = frame_total_count() * ZOG_PAGE_SIZE;
	info.free = frame_free_count() * ZOG_PAGE_SIZE;
	info.processes = home_a()->thread_count;
	return user_write(call, arg[0], &info, sizeof(info));
}

int64_t sys_getrandom(struct zog_call *call, const uint64_t arg[6])
{
	enum { CHUNK = 1024, TOTAL_MAX = 65536 };
	uint64_t wanted = arg[1] < TOTAL_MAX ? arg[1] : TOTAL_MAX;
	uint8_t bytes[CHUNK];

	if (arg[2] & ~7ul)
		return -EINVAL;
	for (uint64_t done = 0; done < wanted; done += CHUNK) {
		uint64_t size = wanted - done < CHUNK ? wanted - done : CHUNK;
		size_t length = 0;
		int64_t error;

		if (entropy_random(size, bytes, size, &length) != ZOG_OK || length != size)
			return -EIO;
		error = user_write(call, arg[0] + done, bytes, size);
		if (error)
			return error;
	}
	return wanted;
}

/* --- limits: kept for each process; those that are enforced follow from the sizes of tables ----------------------- */

void limits_init(struct process *process)
{
	for (uint32_t i = 0; i < RLIMIT_COUNT; i++)
		process->limit[i][0] = process->limit[i][1] = LIMIT_INFINITY;
	process->limit[RLIMIT_STACK][0] = STACK_SIZE_MAX;
	process->limit[RLIMIT_CORE][0] = process->limit[RLIMIT_CORE][1] = 0;
	process->limit[RLIMIT_NPROC][0] = process->limit[RLIMIT_NPROC][1] = PROCESS_MAX;
	process->limit[RLIMIT_NOFILE][0] = process->limit[RLIMIT_NOFILE][1] = FD_MAX;
	process->limit[RLIMIT_NICE][0] = process->limit[RLIMIT_NICE][1] = 0;
	process->limit[RLIMIT_RTPRIO][0] = process->limit[RLIMIT_RTPRIO][1] = 0;
}

static int64_t limit_set(const struct process *caller, struct process *process, uint32_t resource, const uint64_t new[2])
{
	if (new[0] > new[1])
		return -EINVAL;
	if (new[1] > process->limit[resource][1] && caller->euid)
		return -EPERM;
	if (resource == RLIMIT_NOFILE && new[1] > FD_MAX)
		return -EPERM;
	process->limit[resource][0] = new[0];
	process->limit[resource][1] = new[1];
	return 0;
}

static int64_t limit_call(struct zog_call *call, uint32_t pid, uint64_t resource, uint64_t new_address, uint64_t old_address)
{
	struct process *caller = process_current(call), *process = pid ? process_find(pid) : caller;
	uint64_t new[2];
	int64_t error = 0;

	if (resource >= RLIMIT_COUNT)
		return -EINVAL;
	if (!process)
		return -ESRCH;
	if (process != caller && caller->euid && caller->uid != process->uid)
		return -EPERM;
	if (new_address)
		error = user_read(call, new, new_address, sizeof(new));
	if (!error && old_address)
		error = user_write(call, old_address, process->limit[resource], sizeof(new));
	return error || !new_address ? error : limit_set(caller, process, resource, new);
}

int64_t sys_prlimit64(struct zog_call *call, const uint64_t arg[6])
{
	return limit_call(call, arg[0], arg[1], arg[2], arg[3]);
}

int64_t sys_getrlimit(struct zog_call *call, const uint64_t arg[6]) { return limit_call(call, 0, arg[0], 0, arg[1]); }
int64_t sys_setrlimit(struct zog_call *call, const uint64_t arg[6]) { return limit_call(call, 0, arg[0], arg[1], 0); }

int64_t sys_getrusage(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t usage[18] = { 0 }; /* times and faults are not accounted */

	if ((int32_t)arg[0] < -1 || (int32_t)arg[0] > 1)
		return -EINVAL;
	usage[4] = page_count(space_index(space_current(call))) * (ZOG_PAGE_SIZE / 1024);
	return user_write(call, arg[1], usage, sizeof(usage));
}

/* --- processors ------------------------------------------------------------------------------------------------------ */

int64_t sys_sched_yield(struct zog_call *call, const uint64_t arg[6])
{
	(void)call, (void)arg;
	return 0;
}

int64_t sys_sched_getaffinity(struct zog_call *call, const uint64_t arg[6])
{
	uint64_t mask = (1ul << rt_info()->cpu_count) - 1;
	int64_t error;

	if (arg[1] < sizeof(mask) || arg[1] % sizeof(mask))
		return -EINVAL;
	if (arg[0] && !thread_find(arg[0]))
		return -ESRCH;
	error = user_write(call, arg[2], &mask, sizeof(mask));
	return error ? error : (int64_t)sizeof(mask);
}

/* All threads are scheduled alike, round robin. */
int64_t sys_sched_rr_get_interval(struct zog_call *call, const uint64_t arg[6])
{
	static const uint64_t second_ns = 1000000000, boot_slice_ns = 10000000; /* the core's until the first decision */
	struct scheduler_policy_slice slice;
	struct { int64_t seconds, ns; } interval;

	if ((int32_t)arg[0] < 0)
		return -EINVAL;
	if (arg[0] && !thread_find((uint32_t)arg[0]))
		return -ESRCH;
	if (region_read(REGION_POLICY, SCHEDULER_POLICY_SLICE, 0, &slice) != ZOG_OK || slice.slice_ns == 0)
		slice.slice_ns = boot_slice_ns;
	interval.seconds = (int64_t)(slice.slice_ns / second_ns);
	interval.ns = (int64_t)(slice.slice_ns % second_ns);
	return user_write(call, arg[1], &interval, sizeof(interval));
}

int64_t sys_getcpu(struct zog_call *call, const uint64_t arg[6])
{
	uint32_t cpu = call->cpu, node = 0;
	int64_t error = 0;

	if (arg[0])
		error = user_write(call, arg[0], &cpu, sizeof(cpu));
	if (!error && arg[1])
		error = user_write(call, arg[1], &node, sizeof(node));
	return error;
}

/* --- threads --------------------------------------------------------------------------------------------------------- */

int64_t sys_set_tid_address(struct zog_call *call, const uint64_t arg[6])
{
	struct thread *thread = thread_current(call);

	thread->clear_child_tid = arg[0];
	return thread->tid;
}

int64_t sys_arch_prctl(struct zog_call *call, const uint64_t arg[6])
{
	enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };
	static struct zog_regs regs; /* staged: must live until the commit */

	rt_assert(rt_thread_regs(ZOG_SELF, &regs) == ZOG_OK);
	if (arg[0] == GET_FS || arg[0] == GET_GS)
		return user_write(call, arg[1], arg[0] == GET_FS ? &regs.fs_base : &regs.gs_base, 8);
	if (arg[0] != SET_FS && arg[0] != SET_GS)
		return -EINVAL;
	if (arg[1] >= USER_END)
		return -EPERM;
	*(arg[0] == SET_FS ? &regs.fs_base : &regs.gs_base) = arg[1];
	regs.rax = 0;
	rt_stage(ZOG_OP_THREAD_REGS, ZOG_SELF, (uintptr_t)&regs, 0, 0, 0, 0);
	return SYS_NO_RESULT;
}

int64_t sys_prctl(struct zog_call *call, const uint64_t arg[6])
{
	enum { GET_DUMPABLE = 3, SET_NAME = 15, GET_NAME = 16 };
	struct thread *thread = thread_current(call);
	char name[NAME_SIZE] = { 0 };
	int64_t error;

	switch (arg[0]) {
	case SET_NAME:
		error = user_string(call, name, arg[1], sizeof(name) - 1);
		if (error < 0 && error != -ENAMETOOLONG)
			return error;
		name[NAME_SIZE - 1] = 0; /* a longer name is cut */
		memcpy(thread->name, name, sizeof(name));
		if (thread->slot == process_of(thread)->leader)
			memcpy(process_of(thread)->name, name, sizeof(name));
		return 0;
	case GET_NAME:
		return user_write(call, arg[1], thread->name, sizeof(thread->name));
	case GET_DUMPABLE:
		return 1;
	default:
		return -EINVAL;
	}
}

/* --- the end ----------------------------------------------------------------------------------------------------------- */

int64_t sys_reboot(struct zog_call *call, const uint64_t arg[6])
{
	enum { MAGIC2 = 672274793, MAGIC2A = 85072278, MAGIC2B = 369367448, MAGIC2C = 537993216 };
	const uint32_t magic1 = 0xfee1dead, halt = 0xcdef0123, power_off = 0x4321fedc, keys_on = 0x89abcdef, keys_off = 0;
	uint32_t event = EVENT_THREAD + thread_current(call)->slot, magic2 = arg[1], command = arg[2];

	if (process_current(call)->euid)
		return -EPERM;
	if ((uint32_t)arg[0] != magic1 ||
	    (magic2 != MAGIC2 && magic2 != MAGIC2A && magic2 != MAGIC2B && magic2 != MAGIC2C))
		return -EINVAL;
	if (command == keys_on || command == keys_off)
		return 0; /* no key combination restarts the machine either way */
	if (command != halt && command != power_off)
		return -EINVAL;
	if (!home_a()->shutdown.is_active)
		system_shut_down(0);
	return wait_on(call, event, rt_event_count(event), RT_NO_DEADLINE);
}
