/* Threads of one process: they share memory, exclude one another, wake one another (futex), and can be waited for. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define THREADS 4
#define ROUNDS 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static long counter, turn;
static __thread long own;

static void *count_up(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		own++;
	}
	CHECK(own == ROUNDS);
	return argument;
}

static void mutual_exclusion(void)
{
	pthread_t thread[THREADS];

	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, count_up, (void *)i) == 0);
	for (long i = 0; i < THREADS; i++) {
		void *result;

		CHECK(pthread_join(thread[i], &result) == 0);
		CHECK(result == (void *)i);
	}
	CHECK(counter == (long)THREADS * ROUNDS);
	ok("threads_exclude_one_another");
}

static void *take_turns(void *argument)
{
	long me = (long)argument;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (turn % 2 != me)
			pthread_cond_wait(&turn_changed, &lock);
		turn++;
		pthread_cond_broadcast(&turn_changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void ping_pong(void)
{
	pthread_t thread[2];

	for (long i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, take_turns, (void *)i) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	CHECK(turn == 1000);
	ok("threads_wake_one_another");
}

static long futex(_Atomic int *word, int operation, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void futex_answers(void)
{
	_Atomic int word = 1;
	struct timespec shortly = { .tv_nsec = 20000000 }, before, after;

	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL), EAGAIN);
	CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL) == 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &shortly), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 20000000);
	CHECK_ERRNO(futex((_Atomic int *)((char *)&word + 1), FUTEX_WAIT_PRIVATE, 1, NULL), EINVAL);
	ok("futex_answers");
}

static void *name_self(void *argument)
{
	*(long *)argument = syscall(SYS_gettid);
	return NULL;
}

static void thread_ids(void)
{
	pthread_t thread;
	long id = 0;

	CHECK(pthread_create(&thread, NULL, name_self, &id) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(id != 0 && id != getpid());
	CHECK(syscall(SYS_gettid) == getpid());
	ok("threads_have_ids");
}

int main(void)
{
	mutual_exclusion();
	ping_pong();
	futex_answers();
	thread_ids();
	return 0;
}
