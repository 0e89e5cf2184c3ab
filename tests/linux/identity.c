/* Who a process is and what it may: ids, groups, sessions, limits, names, processors, clocks, vfork, waitid, mremap. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static int child_of(void (*body)(void))
{
	int status;
	pid_t child = syscall(SYS_fork);

	CHECK(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

/* Groups that are set are told, are inherited, and open what belongs to them; only root sets them. */
static void supplementary(void)
{
	unsigned list[40] = { 5, 70000, 7 }, told[3] = { 0 };
	const char *path = "/tmp/of_a_group";
	int file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

	CHECK(file >= 0 && fchown(file, 1, 70000) == 0 && fchmod(file, 0040) == 0);
	CHECK_ERRNO(syscall(SYS_setgroups, 70000, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgroups, 1, (void *)8), EFAULT);
	CHECK(syscall(SYS_setgroups, 3, list) == 0);
	CHECK(syscall(SYS_getgroups, 0, NULL) == 3);
	CHECK_ERRNO(syscall(SYS_getgroups, 2, told), EINVAL);
	CHECK_ERRNO(syscall(SYS_getgroups, 3, (void *)8), EFAULT);
	CHECK_ERRNO(syscall(SYS_getgroups, -1, told), EINVAL);
	CHECK(syscall(SYS_getgroups, 3, told) == 3 && memcmp(told, list, sizeof(told)) == 0);
	if (syscall(SYS_fork) == 0) {
		CHECK(syscall(SYS_getgroups, 3, told) == 3 && told[1] == 70000);
		CHECK(syscall(SYS_setresuid, 10, 10, 10) == 0);
		CHECK(open(path, O_RDONLY) >= 0);
		CHECK_ERRNO(open(path, O_WRONLY), EACCES);
		CHECK_ERRNO(syscall(SYS_setgroups, 3, list), EPERM);
		_exit(0);
	}
	int status;
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_getgroups, 3, told) == 0);
	if (syscall(SYS_fork) == 0) {
		CHECK(syscall(SYS_setresuid, 10, 10, 10) == 0);
		CHECK_ERRNO(open(path, O_RDONLY), EACCES);
		_exit(0);
	}
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(close(file) == 0 && unlink(path) == 0);
}

static void drop_root(void)
{
	unsigned real, effective, saved;

	CHECK(syscall(SYS_setgroups, 0, NULL) == 0);
	CHECK(syscall(SYS_getgroups, 0, NULL) == 0);
	supplementary();
	CHECK(syscall(SYS_setresgid, 20, 21, 22) == 0);
	CHECK(syscall(SYS_getresgid, &real, &effective, &saved) == 0 && real == 20 && effective == 21 && saved == 22);
	CHECK(syscall(SYS_getgid) == 20 && syscall(SYS_getegid) == 21);
	CHECK(syscall(SYS_setregid, 30, 31) == 0 && getegid() == 31);
	CHECK(syscall(SYS_setgid, 33) == 0 && getgid() == 33 && getegid() == 33);
	CHECK(syscall(SYS_setresuid, 10, 11, 12) == 0);
	CHECK(syscall(SYS_getresuid, &real, &effective, &saved) == 0 && real == 10 && effective == 11 && saved == 12);
	CHECK(syscall(SYS_getuid) == 10 && syscall(SYS_geteuid) == 11);
	CHECK_ERRNO(syscall(SYS_setresuid, 0, -1, -1), EPERM);
	CHECK(syscall(SYS_setreuid, -1, 12) == 0 && geteuid() == 12);
	CHECK(syscall(SYS_setuid, 10) == 0 && geteuid() == 10);
	CHECK_ERRNO(syscall(SYS_setuid, 0), EPERM);
	CHECK_ERRNO(kill(1, SIGTERM), EPERM);
	CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
}

static void groups(void)
{
	CHECK(syscall(SYS_setpgid, 0, 0) == 0);
	CHECK(syscall(SYS_getpgrp) == getpid() && syscall(SYS_getpgid, 0) == getpid());
	CHECK_ERRNO(syscall(SYS_setsid), EPERM);
	CHECK_ERRNO(syscall(SYS_setpgid, 0, 999999), EPERM);
	CHECK_ERRNO(syscall(SYS_getpgid, 999999), ESRCH);
	CHECK(getsid(0) == syscall(SYS_getsid, getpid()));
}

static void new_session(void)
{
	CHECK(syscall(SYS_setsid) == getpid());
	CHECK(getsid(0) == getpid() && getpgrp() == getpid());
	CHECK_ERRNO(syscall(SYS_setpgid, 0, 0), EPERM);
}

static void limits(void)
{
	struct rlimit old, new;

	CHECK(syscall(SYS_getrlimit, RLIMIT_STACK, &old) == 0 && old.rlim_cur >= 65536);
	new = old;
	new.rlim_cur = 65536;
	CHECK(syscall(SYS_setrlimit, RLIMIT_STACK, &new) == 0);
	CHECK(syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &new) == 0 && new.rlim_cur == 65536);
	new.rlim_cur = 2, new.rlim_max = 1;
	CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_STACK, &new), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, 99, &new), EINVAL);
	CHECK(syscall(SYS_setrlimit, RLIMIT_STACK, &old) == 0);
	ok("limits_are_kept");
}

static void machine(void)
{
	struct sysinfo info;
	struct rusage usage;
	struct tms tms;
	struct timespec slice = { 0 };
	unsigned long mask[16] = { 0 };
	unsigned cpu = 99, node = 99;
	char name[17] = { 0 };

	CHECK(syscall(SYS_sysinfo, &info) == 0 && info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit > 0);
	CHECK(syscall(SYS_getrusage, RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
	CHECK_ERRNO(syscall(SYS_getrusage, 7, &usage), EINVAL);
	CHECK(syscall(SYS_times, &tms) > 0);
	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) >= 8 && (mask[0] & 1));
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 1, mask), EINVAL);
	CHECK(syscall(SYS_sched_rr_get_interval, 0, &slice) == 0 && slice.tv_sec == 0 && slice.tv_nsec >= 2000000 && slice.tv_nsec <= 10000000);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 999999, &slice), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, -1, &slice), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 0, (void *)8), EFAULT);
	CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < 64 && node == 0);
	CHECK(syscall(SYS_sched_yield) == 0);
	CHECK(syscall(SYS_prctl, PR_SET_NAME, "a-name-too-long-for-it") == 0);
	CHECK(syscall(SYS_prctl, PR_GET_NAME, name) == 0 && strcmp(name, "a-name-too-long") == 0);
	CHECK_ERRNO(syscall(SYS_reboot, 1, 2, 3), EINVAL);
	ok("the_machine_tells_of_itself");
}

static void clocks(void)
{
	struct timespec resolution, now;
	struct timeval day;
	struct itimerval timer = { { 0, 0 }, { 100, 0 } }, old;
	time_t seconds;

	CHECK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
	CHECK_ERRNO(syscall(SYS_clock_getres, 99, &resolution), EINVAL);
	CHECK(syscall(SYS_gettimeofday, &day, NULL) == 0 && syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0);
	CHECK(syscall(SYS_time, &seconds) == seconds && seconds - day.tv_sec < 5 && now.tv_sec - day.tv_sec < 5);
	CHECK(syscall(SYS_setitimer, ITIMER_REAL, &timer, NULL) == 0);
	CHECK(syscall(SYS_getitimer, ITIMER_REAL, &old) == 0 && old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	CHECK(syscall(SYS_alarm, 0) >= 99);
	CHECK(syscall(SYS_alarm, 0) == 0);
	ok("clocks_and_timers_agree");
}

static void waiting(void)
{
	siginfo_t info;
	pid_t child;
	sigset_t set;
	struct timespec brief = { 0, 10000000 };
	int status;

	child = vfork();
	if (child == 0)
		_exit(9);
	CHECK(child > 0);
	memset(&info, 0, sizeof(info));
	CHECK(syscall(SYS_waitid, P_PID, child, &info, WEXITED | WNOWAIT, NULL) == 0);
	CHECK(info.si_pid == child && info.si_code == CLD_EXITED && info.si_status == 9 && info.si_signo == SIGCHLD);
	CHECK(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL) == 0 && info.si_pid == child);
	CHECK_ERRNO(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL), ECHILD);
	CHECK_ERRNO(syscall(SYS_waitid, P_ALL, 0, &info, 0, NULL), EINVAL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, &info, &brief, 8), EAGAIN);
	CHECK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR2) == 0);
	CHECK(syscall(SYS_rt_sigtimedwait, &set, &info, &brief, 8) == SIGUSR2 && info.si_pid == getpid());
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *arguments[] = { "true", NULL };
		syscall(SYS_execveat, -100, "/bin/true", arguments, arguments + 1, 0);
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	ok("children_and_signals_are_waited_for");
}

static volatile char *handler_stack;
static void on_stack(int signal)
{
	char here;

	(void)signal;
	__asm__ volatile("" : "=r"(handler_stack) : "0"(&here));
}

static void alternate_stack(void)
{
	static char stack[65536];
	stack_t new = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
	struct sigaction action = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };

	CHECK(syscall(SYS_sigaltstack, &new, NULL) == 0);
	CHECK(syscall(SYS_sigaltstack, NULL, &old) == 0 && old.ss_sp == stack && old.ss_flags == 0);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	CHECK(handler_stack >= stack && handler_stack < stack + sizeof(stack));
	new.ss_size = 100;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &new, NULL), ENOMEM);
	ok("handlers_run_on_their_stack");
}

static void moving_memory(void)
{
	char *at = mmap(NULL, 65536 + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *moved;

	CHECK(at != MAP_FAILED);
	for (int i = 0; i < 65536; i++)
		at[i] = (char)(i * 7);
	CHECK(mprotect(at + 65536, 4096, PROT_NONE) == 0); /* in the way */
	CHECK_ERRNO(syscall(SYS_mremap, at, 65536, 131072, 0), ENOMEM);
	moved = mremap(at, 65536, 131072, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved != at);
	for (int i = 0; i < 65536; i++)
		CHECK(moved[i] == (char)(i * 7));
	CHECK(moved[131071] == 0);
	moved = mremap(moved, 131072, 4096, 0);
	CHECK(moved != MAP_FAILED && moved[4095] == (char)(4095 * 7));
	CHECK_ERRNO(syscall(SYS_mremap, moved, 8192, 4096, 8), EINVAL);
	ok("memory_moves_with_its_contents");
}

static void robust(void)
{
	void *head;
	size_t size;

	CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && size == 24);
	ok("the_robust_list_is_told");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	CHECK(child_of(drop_root) == 0);
	ok("root_can_be_dropped_for_good");
	CHECK(child_of(groups) == 0 && child_of(new_session) == 0);
	ok("groups_and_sessions");
	limits();
	machine();
	clocks();
	waiting();
	alternate_stack();
	moving_memory();
	robust();
	return 0;
}
