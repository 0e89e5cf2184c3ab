/* Many threads at once: a counter under a mutex, turns taken by condition variable, signals to single threads, and
 * processes with threads that exit, are killed, or call execve. storm [ROUNDS]: to be run while the kernel dies under it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

enum { COUNTERS = 8, COUNTS = 200, TURNERS = 4, TURNS = 50, SIGNALLED = 4, NS_PER_S = 1000000000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long count, turn;
static int signals;
static __thread volatile int was_signalled;

static void on_signal(int signal)
{
	(void)signal;
	was_signalled = 1;
	__atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

static void use_memory(long id)
{
	char *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	memset(at, (int)id, 65536);
	for (int i = 0; i < 65536; i++)
		CHECK(at[i] == (char)id);
	CHECK(munmap(at, 65536) == 0);
}

static void *counter(void *argument)
{
	long id = (long)argument;

	while (id < SIGNALLED && !was_signalled)
		usleep(100);
	for (int i = 0; i < COUNTS; i++) {
		pthread_mutex_lock(&mutex);
		count++;
		pthread_mutex_unlock(&mutex);
		if (i % 20 == 0)
			use_memory(id);
	}
	return NULL;
}

static void *turner(void *argument)
{
	long id = (long)argument;

	for (int i = 0; i < TURNS; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % TURNERS != id)
			pthread_cond_wait(&changed, &mutex);
		turn++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *sleeper(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void threads_run(void *(*body)(void *), long number, long signalled)
{
	pthread_t thread[COUNTERS];

	for (long i = 0; i < number; i++)
		CHECK(pthread_create(&thread[i], NULL, body, (void *)i) == 0);
	for (long i = 0; i < signalled; i++)
		CHECK(pthread_kill(thread[i], SIGUSR1) == 0);
	for (long i = 0; i < number; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
}

enum ending { END_EXIT, END_EXEC, END_KILL, END_COUNT };

static void child_run(enum ending ending, int code, char *self)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&thread, NULL, sleeper, NULL) == 0);
	usleep(1000);
	if (ending == END_EXIT)
		exit(code);
	if (ending == END_EXEC)
		execl(self, self, "0", NULL);
	else
		kill(getpid(), SIGKILL);
	_exit(99);
}

static void process_ends(enum ending ending, int code, char *self)
{
	const int expected[END_COUNT] = { code << 8, 0, SIGKILL };
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0)
		child_run(ending, code, self);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == expected[ending]);
}

static void wait_times_out(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= NS_PER_S) {
		until.tv_sec++;
		until.tv_nsec -= NS_PER_S;
	}
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&changed, &mutex, &until) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;

	signal(SIGUSR1, on_signal);
	for (int round = 0; round < rounds; round++) {
		count = turn = 0;
		threads_run(counter, COUNTERS, SIGNALLED);
		CHECK(count == COUNTERS * COUNTS);
		threads_run(turner, TURNERS, 0);
		CHECK(turn == TURNERS * TURNS);
		process_ends((enum ending)(round % END_COUNT), round & 127, argv[0]);
		wait_times_out();
	}
	CHECK(signals == SIGNALLED * rounds);
	if (rounds)
		ok("a_storm_of_threads");
	return 0;
}
