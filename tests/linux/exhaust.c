/* A program that wants more than there is meets its own end, and only its own: stack, processes, memory.
 * Made for a guest of 1 GiB: on a machine of your own the last part would take all of its memory. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

enum { CHILDREN_MAX = 1000, MEBIBYTES_MAX = 4096 };

static int deeper(int depth)
{
	volatile char here[4096];

	here[0] = (char)depth;
	return depth < 0 ? 0 : deeper(depth + 1) + here[0];
}

static int ending_of(void (*body)(void))
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

static void use_stack(void) { deeper(0); }

static void use_memory(void)
{
	for (int i = 0; i < MEBIBYTES_MAX; i++) {
		char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			_exit(1);
		memset(at, i, 1 << 20);
	}
}

static void use_processes(void)
{
	static pid_t children[CHILDREN_MAX];
	int count = 0, ended = 0;
	pid_t child = 0;

	while (count < CHILDREN_MAX && (child = fork()) >= 0) {
		if (child == 0) {
			pause();
			_exit(0);
		}
		children[count++] = child;
	}
	CHECK(child == -1 && errno == EAGAIN);
	for (int i = 0; i < count; i++)
		CHECK(kill(children[i], SIGKILL) == 0);
	while (wait(NULL) > 0)
		ended++;
	CHECK(ended == count);
	child = fork();
	if (child == 0)
		_exit(0);
	CHECK(child > 0 && waitpid(child, NULL, 0) == child);
}

int main(void)
{
	int status;

	status = ending_of(use_stack);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ok("a_stack_that_overruns_ends_in_a_signal");
	use_processes();
	ok("too_many_processes_are_refused");
	status = ending_of(use_memory);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	status = ending_of(use_memory);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ok("too_much_memory_ends_the_one_who_takes_it");
	return 0;
}
