/* Signals: delivered once, blocked, queued as one, interrupting waits, restarting calls, killing. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static volatile sig_atomic_t caught[65], order[8], order_count;

static void on_signal(int number)
{
	caught[number]++;
	if (order_count < 8)
		order[order_count++] = number;
}

static void catch(int number, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK(sigaction(number, &action, NULL) == 0);
}

static void delivery(void)
{
	catch(SIGUSR1, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(caught[SIGUSR1] == 1);
	CHECK(raise(SIGUSR1) == 0 && caught[SIGUSR1] == 2);
	CHECK(kill(getpid(), 0) == 0);
	CHECK_ERRNO(kill(getpid(), 99), EINVAL);
	CHECK_ERRNO(kill(4000000, SIGUSR1), ESRCH);
	ok("signals_are_delivered");
}

static void blocking(void)
{
	sigset_t set, old, pending;

	catch(SIGUSR2, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(raise(SIGUSR2) == 0);
	CHECK(caught[SIGUSR2] == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(caught[SIGUSR2] == 1);
	ok("blocked_signals_wait_as_one");
}

static void on_first(int number)
{
	(void)number;
	raise(SIGUSR2); /* blocked by sa_mask until this returns */
	order[order_count++] = SIGUSR1;
}

static void nesting(void)
{
	struct sigaction action = { .sa_handler = on_first };

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	order_count = 0;
	raise(SIGUSR1);
	CHECK(order_count == 2 && order[0] == SIGUSR1 && order[1] == SIGUSR2);
	ok("a_handler_runs_with_its_mask");
}

/* Again and again, so that one meets the wait, however late the wait begins. 0: no more. */
static void set_alarm(int milliseconds)
{
	struct timeval time = { .tv_usec = milliseconds * 1000 };
	struct itimerval timer = { .it_value = time, .it_interval = time };

	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void interruption(void)
{
	int pipes[2];
	char byte;
	struct timespec long_time = { .tv_sec = 100 }, rest = { 0 };

	CHECK(pipe(pipes) == 0);
	catch(SIGALRM, 0);
	set_alarm(30);
	CHECK_ERRNO(read(pipes[0], &byte, 1), EINTR);
	CHECK(caught[SIGALRM] >= 1);
	CHECK_ERRNO(nanosleep(&long_time, &rest), EINTR);
	CHECK(rest.tv_sec > 0 && rest.tv_sec < 100);
	CHECK_ERRNO(pause(), EINTR);
	CHECK(caught[SIGALRM] >= 3);
	ok("signals_interrupt_waits");
	set_alarm(0);
	catch(SIGALRM, SA_RESTART);
	int before = caught[SIGALRM];
	set_alarm(30);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		usleep(150000);
		_exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK(read(pipes[0], &byte, 1) == 1 && byte == 'x');
	set_alarm(0);
	CHECK(caught[SIGALRM] > before);
	CHECK(waitpid(child, NULL, 0) == child);
	ok("calls_restart_after_a_signal");
}

static void suspension(void)
{
	sigset_t none, usr1, old;

	catch(SIGUSR1, 0);
	caught[SIGUSR1] = 0;
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &usr1, &old) == 0);
	raise(SIGUSR1);
	CHECK(caught[SIGUSR1] == 0);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK(caught[SIGUSR1] == 1);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	ok("sigsuspend_lets_one_through");
}

static volatile int *volatile nowhere = (volatile int *)8;

static void death(void)
{
	int status;
	pid_t child;

	catch(SIGCHLD, SA_RESTART);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	CHECK(kill(child, SIGTERM) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK(caught[SIGCHLD] == 1);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		signal(SIGTERM, SIG_IGN);
		raise(SIGTERM);
		raise(SIGKILL);
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		*nowhere = 1;
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ok("signals_kill_and_the_parent_knows");
}

static void registers_survive(void)
{
	double sum = 0;
	long count = 0;
	int before = caught[SIGALRM];
	struct itimerval timer = { .it_value = { .tv_usec = 2000 }, .it_interval = { .tv_usec = 2000 } }, off = { 0 };

	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	while (caught[SIGALRM] < before + 10) {
		sum += 0.5;
		count++;
	}
	CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
	CHECK(sum == count * 0.5);
	ok("registers_survive_signals");
}

int main(void)
{
	delivery();
	blocking();
	nesting();
	interruption();
	suspension();
	death();
	registers_survive();
	return 0;
}
