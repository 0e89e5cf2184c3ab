/* Who a process is: numbers, groups, sessions, credentials (credentials(7)). */
#include "task.h"

int64_t sys_getpid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->pid; }
int64_t sys_getppid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->parent; }
int64_t sys_gettid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return thread_current(call)->tid; }
int64_t sys_getuid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->uid; }
int64_t sys_geteuid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->euid; }
int64_t sys_getgid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->gid; }
int64_t sys_getegid(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->egid; }
int64_t sys_getpgrp(struct zog_call *call, const uint64_t arg[6]) { (void)arg; return process_current(call)->group; }

/* --- groups and sessions -------------------------------------------------------------------------------------------- */

static struct process *process_named(struct zog_call *call, int32_t pid)
{
	return pid ? process_find(pid) : process_current(call);
}

int64_t sys_getpgid(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *process = process_named(call, arg[0]);

	return process ? (int64_t)process->group : -ESRCH;
}

int64_t sys_getsid(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *process = process_named(call, arg[0]);

	return process ? (int64_t)process->session : -ESRCH;
}

static bool group_exists(uint32_t group, uint32_t session)
{
	const struct process_home *home = home_a();

	for (uint32_t i = 0; i < home->process_top; i++)
		if (home->process[i].state != STATE_FREE && home->process[i].group == group &&
		    home->process[i].session == session)
			return true;
	return false;
}

int64_t sys_setpgid(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *self = process_current(call);
	struct process *process = process_named(call, arg[0]);
	uint32_t group;

	if ((int32_t)arg[1] < 0)
		return -EINVAL;
	if (!process || (process != self && process->parent != self->pid))
		return -ESRCH;
	group = arg[1] ? (uint32_t)arg[1] : process->pid;
	if (process != self && process->has_execed)
		return -EACCES;
	if (process->session != self->session || process->session == process->pid)
		return -EPERM;
	if (group != process->pid && !group_exists(group, self->session))
		return -EPERM;
	process->group = group;
	return 0;
}

int64_t sys_setsid(struct zog_call *call, const uint64_t arg[6])
{
	struct process_home *home = home_a();
	struct process *process = process_current(call);

	(void)arg;
	for (uint32_t i = 0; i < home->process_top; i++)
		if (home->process[i].state != STATE_FREE && home->process[i].group == process->pid)
			return -EPERM;
	process->session = process->group = process->pid;
	return process->pid;
}

/* --- credentials ---------------------------------------------------------------------------------------------------- */

#define KEEP 0xffffffffu

struct identity {
	uint32_t real, effective, saved;
};

static bool identity_allows(const struct identity *old, uint32_t id, bool is_root)
{
	return id == KEEP || is_root || id == old->real || id == old->effective || id == old->saved;
}

/* The rule of setresuid(2) for users and groups alike: any of the three, or anything for root. */
static int64_t identity_change(struct identity *identity, uint32_t real, uint32_t effective, uint32_t saved, bool is_root)
{
	if (!identity_allows(identity, real, is_root) || !identity_allows(identity, effective, is_root) ||
	    !identity_allows(identity, saved, is_root))
		return -EPERM;
	identity->real = real == KEEP ? identity->real : real;
	identity->effective = effective == KEEP ? identity->effective : effective;
	identity->saved = saved == KEEP ? identity->saved : saved;
	return 0;
}

static int64_t user_change(struct zog_call *call, uint32_t real, uint32_t effective, uint32_t saved)
{
	struct process *process = process_current(call);
	struct identity identity = { process->uid, process->euid, process->suid };
	int64_t error = identity_change(&identity, real, effective, saved, process->euid == 0);

	if (error)
		return error;
	process->uid = identity.real;
	process->euid = identity.effective;
	process->suid = identity.saved;
	return 0;
}

static int64_t group_change(struct zog_call *call, uint32_t real, uint32_t effective, uint32_t saved)
{
	struct process *process = process_current(call);
	struct identity identity = { process->gid, process->egid, process->sgid };
	int64_t error = identity_change(&identity, real, effective, saved, process->euid == 0);

	if (error)
		return error;
	process->gid = identity.real;
	process->egid = identity.effective;
	process->sgid = identity.saved;
	return 0;
}

int64_t sys_setuid(struct zog_call *call, const uint64_t arg[6])
{
	bool is_root = process_current(call)->euid == 0;
	uint32_t id = arg[0];

	if (id == KEEP)
		return -EINVAL;
	return is_root ? user_change(call, id, id, id) : user_change(call, KEEP, id, KEEP);
}

int64_t sys_setgid(struct zog_call *call, const uint64_t arg[6])
{
	bool is_root = process_current(call)->euid == 0;
	uint32_t id = arg[0];

	if (id == KEEP)
		return -EINVAL;
	return is_root ? group_change(call, id, id, id) : group_change(call, KEEP, id, KEEP);
}

/* The saved id follows the effective one when either changes (setreuid(2)). */
int64_t sys_setreuid(struct zog_call *call, const uint64_t arg[6])
{
	uint32_t effective = arg[1] == KEEP ? process_current(call)->euid : (uint32_t)arg[1];

	return user_change(call, arg[0], arg[1], effective);
}

int64_t sys_setregid(struct zog_call *call, const uint64_t arg[6])
{
	uint32_t effective = arg[1] == KEEP ? process_current(call)->egid : (uint32_t)arg[1];

	return group_change(call, arg[0], arg[1], effective);
}

int64_t sys_setresuid(struct zog_call *call, const uint64_t arg[6]) { return user_change(call, arg[0], arg[1], arg[2]); }
int64_t sys_setresgid(struct zog_call *call, const uint64_t arg[6]) { return group_change(call, arg[0], arg[1], arg[2]); }

static int64_t identity_write(struct zog_call *call, const uint64_t arg[6], uint32_t real, uint32_t effective, uint32_t saved)
{
	int64_t error = user_write(call, arg[0], &real, sizeof(real));

	if (!error)
		error = user_write(call, arg[1], &effective, sizeof(effective));
	return error ? error : user_write(call, arg[2], &saved, sizeof(saved));
}

int64_t sys_getresuid(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *process = process_current(call);

	return identity_write(call, arg, process->uid, process->euid, process->suid);
}

int64_t sys_getresgid(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *process = process_current(call);

	return identity_write(call, arg, process->gid, process->egid, process->sgid);
}

bool process_is_in_group(const struct process *process, uint32_t gid)
{
	for (uint32_t i = 0; i < process->group_count && i < GROUPS_MAX; i++)
		if (process->group_list[i] == gid)
			return true;
	return process_gid(process) == gid;
}

/* getgroups(2): the list, if there is room for all of it; size 0 asks for their number. */
int64_t sys_getgroups(struct zog_call *call, const uint64_t arg[6])
{
	const struct process *process = process_current(call);
	int32_t room = (int32_t)arg[0];

	if (room < 0 || (room != 0 && (uint32_t)room < process->group_count))
		return -EINVAL;
	int64_t error = room == 0 ? 0 : user_write(call, arg[1], process->group_list, process->group_count * sizeof(process->group_list[0]));
	return error ? error : (int64_t)process->group_count;
}

int64_t sys_setgroups(struct zog_call *call, const uint64_t arg[6])
{
	struct process *process = process_current(call);
	uint32_t list[GROUPS_MAX];
	uint64_t count = (uint32_t)arg[0];

	if (process->euid)
		return -EPERM;
	if (count > GROUPS_MAX)
		return -EINVAL;
	int64_t error = user_read(call, list, arg[1], count * sizeof(list[0]));
	if (error)
		return error;
	memcpy(process->group_list, list, count * sizeof(list[0]));
	process->group_count = (uint32_t)count;
	return 0;
}
