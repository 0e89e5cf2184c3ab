/* Processes: fork, exec, wait, statuses, orphans, what a new program inherits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static int status_of(pid_t child)
{
	int status;

	CHECK(child >= 0);
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

static void exit_statuses(void)
{
	for (int code = 0; code < 256; code += 51) {
		pid_t child = fork();

		if (child == 0)
			_exit(code);
		int status = status_of(child);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
	}
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	ok("exit_statuses_arrive");
}

static void waiting(void)
{
	int pipes[2];
	char byte;

	CHECK(pipe(pipes) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(read(pipes[0], &byte, 1) == 1 ? 3 : 4);
	CHECK(waitpid(child, NULL, WNOHANG) == 0);
	CHECK(write(pipes[1], "x", 1) == 1);
	CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
	int status = status_of(child);
	CHECK(WEXITSTATUS(status) == 3);
	pid_t children[20];
	for (int i = 0; i < 20; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0)
			_exit(i);
	}
	for (int i = 19; i >= 0; i--)
		CHECK(WEXITSTATUS(status_of(children[i])) == i);
	ok("a_parent_waits_for_the_one_it_names");
}

static void program_changes(char *self)
{
	int passed[2];
	char text[8] = "";
	pid_t child;

	CHECK(pipe(passed) == 0);
	child = fork();
	if (child == 0) {
		char number[12];
		char *arguments[] = { "called", "child", number, "two words", NULL }, *environment[] = { "COLOUR=green", NULL };

		snprintf(number, sizeof(number), "%d", passed[1]);
		fcntl(passed[0], F_SETFD, FD_CLOEXEC);
		execve(self, arguments, environment);
		_exit(99);
	}
	CHECK(WEXITSTATUS(status_of(child)) == 42);
	CHECK(read(passed[0], text, sizeof(text)) == 5 && memcmp(text, "green", 5) == 0);
	child = fork();
	if (child == 0) {
		execl("/nonexistent/program", "x", NULL);
		_exit(errno == ENOENT ? 0 : 1);
	}
	CHECK(status_of(child) == 0);
	ok("exec_passes_arguments_environment_and_open_files");
}

/* What program_changes starts. */
static int as_child(int count, char **words)
{
	int output = atoi(words[2]);
	const char *colour = getenv("COLOUR");

	if (count != 4 || strcmp(words[0], "called") || strcmp(words[3], "two words") || !colour)
		return 1;
	if (fcntl(output - 1, F_GETFD) != -1) /* the reading end had FD_CLOEXEC */
		return 2;
	return write(output, colour, strlen(colour)) == 5 ? 42 : 3;
}

static void damaged_programs(const char *self)
{
	const char *path = "/tmp/processes.damaged";
	char head[64];
	int source = open(self, O_RDONLY), target;

	CHECK(source >= 0 && read(source, head, sizeof(head)) == sizeof(head));
	close(source);
	for (int variant = 0; variant < 4; variant++) {
		char copy[64];
		size_t size = variant == 0 ? 20 : sizeof(copy);

		memcpy(copy, head, sizeof(copy));
		if (variant == 1)
			copy[1] = 'X'; /* no ELF */
		if (variant == 2)
			copy[18] = 40; /* another machine's */
		if (variant == 3)
			copy[54] = 1; /* size of program headers */
		target = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
		CHECK(target >= 0 && write(target, copy, size) == (ssize_t)size && close(target) == 0);
		CHECK_ERRNO(execl(path, path, NULL), ENOEXEC);
	}
	CHECK(chmod(path, 0644) == 0);
	CHECK(unlink(path) == 0);
	ok("damaged_programs_are_refused");
}

static void orphans(void)
{
	int ends[2];
	pid_t parent;

	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (fork() == 0) {
			while (getppid() != 1)
				usleep(5000);
			parent = getppid();
			_exit(write(ends[1], &parent, sizeof(parent)) != sizeof(parent));
		}
		_exit(0);
	}
	CHECK(status_of(child) == 0);
	CHECK(read(ends[0], &parent, sizeof(parent)) == sizeof(parent) && parent == 1);
	ok("orphans_go_to_process_1");
}

static void groups(void)
{
	pid_t child = fork();

	if (child == 0) {
		if (setsid() != getpid() || getpgrp() != getpid())
			_exit(1);
		_exit(getsid(0) == getpid() ? 0 : 2);
	}
	CHECK(status_of(child) == 0);
	ok("sessions_and_groups");
}

int main(int count, char **words)
{
	if (count > 1 && !strcmp(words[1], "child"))
		return as_child(count, words);
	exit_statuses();
	waiting();
	program_changes(words[0]);
	damaged_programs(words[0]);
	if (getenv("ZOG_NATIVE") == NULL) /* on another system a subreaper may stand in for process 1 */
		orphans();
	groups();
	return 0;
}
