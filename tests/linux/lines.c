/* Numbered lines through a pipe: `lines write N | lines read N` shows that each arrives once and in order.
 * Without arguments: the same between two processes of its own, and what pipes answer at their limits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

/* Writes lines 1..count, in pieces of changing size, so that lines are cut anywhere. */
static int write_lines(int output, long count)
{
	char buffer[9000];
	size_t used = 0, piece = 1;

	for (long number = 1; number <= count || used > 0;) {
		while (number <= count && used < sizeof(buffer) - 32)
			used += snprintf(buffer + used, 32, "line %ld\n", number++);
		size_t size = piece < used ? piece : used;
		ssize_t written = write(output, buffer, size);
		if (written <= 0) {
			fprintf(stderr, "lines: write before line %ld: %s\n", number, strerror(errno));
			return 1;
		}
		memmove(buffer, buffer + written, used - written);
		used -= written;
		piece = piece * 7 % 8191 + 1;
	}
	return 0;
}

/* Reads to the end; whatever is not the expected next line is told, and ends it. */
static int read_lines(int input, long count)
{
	FILE *stream = fdopen(input, "r");
	char line[64], expected[64];
	long number = 0;

	while (fgets(line, sizeof(line), stream)) {
		snprintf(expected, sizeof(expected), "line %ld\n", ++number);
		if (strcmp(line, expected) != 0) {
			fprintf(stderr, "lines: %s comes where %s should\n", strtok(line, "\n"), strtok(expected, "\n"));
			return 1;
		}
	}
	if (ferror(stream)) {
		fprintf(stderr, "lines: read after line %ld: %s\n", number, strerror(errno));
		return 1;
	}
	if (number != count) {
		fprintf(stderr, "lines: %ld lines, not %ld\n", number, count);
		return 1;
	}
	return 0;
}

static void two_processes(void)
{
	int ends[2], status;

	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(ends[0]);
		_exit(write_lines(ends[1], 20000));
	}
	close(ends[1]);
	CHECK(read_lines(ends[0], 20000) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	ok("lines_arrive_once_and_in_order");
}

static void limits(void)
{
	int ends[2], waiting = 0;
	char block[4096] = { 0 };
	long total = 0;

	CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK_ERRNO(read(ends[0], block, 1), EAGAIN);
	while (write(ends[1], block, sizeof(block)) == sizeof(block))
		total += sizeof(block);
	CHECK(errno == EAGAIN && total >= 65536);
	CHECK(ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == total);
	struct pollfd poll_set[2] = { { .fd = ends[0], .events = POLLIN }, { .fd = ends[1], .events = POLLOUT } };
	CHECK(poll(poll_set, 2, 0) == 1 && poll_set[0].revents == POLLIN);
	CHECK(close(ends[1]) == 0);
	while (read(ends[0], block, sizeof(block)) > 0)
		total -= sizeof(block);
	CHECK(total == 0 && read(ends[0], block, 1) == 0);
	CHECK(close(ends[0]) == 0);
	CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(ends[1], block, 1), EPIPE);
	CHECK_ERRNO(lseek(ends[1], 0, SEEK_SET), ESPIPE);
	CHECK(close(ends[1]) == 0);
	CHECK_ERRNO(close(ends[1]), EBADF);
	ok("pipes_answer_at_their_limits");
}

int main(int count, char **words)
{
	if (count == 3 && !strcmp(words[1], "write"))
		return write_lines(1, atol(words[2]));
	if (count == 3 && !strcmp(words[1], "read"))
		return read_lines(0, atol(words[2]));
	if (count != 1) {
		fprintf(stderr, "usage: lines [write N | read N]\n");
		return 2;
	}
	two_processes();
	limits();
	return 0;
}
