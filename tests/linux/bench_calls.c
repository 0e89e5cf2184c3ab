/* What operations cost: bench_calls FOLDER [NAME...] runs each in 25 batches, in FOLDER, and prints for each
 *
 *   bench NAME instructions=I switches=S flushes=F
 *
 * per operation: I is the median of the batches' means, by the TSC, which under QEMU's -icount shift=0 counts
 * instructions. Batches of short operations are short beside the time between two timer ticks, so that most batches see
 * no tick, and the median is one that saw none. S and F are what /zog/counters gained over all batches, where there is
 * such a file (else 0). All lines come at the end, so that the console's work falls into no row. The same binary runs on
 * Zog and on Linux.
 *
 * bench_calls FOLDER restart DOMAIN N kills DOMAIN N times, each time with file data on its way to the disk.
 * bench_calls FOLDER loop NAME N runs one operation N times: for counting by function from outside (docs/benchmarks.md).
 * bench_calls alone runs each operation ten times in the working folder and prints `ok NAME` after each. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES 25
#define PAGE 4096
#define FILE_NAME "bench.file"

static char buffer[PAGE];
static int file, to_child[2], from_child[2];
static pid_t child;
static const char *self;

static void must(int is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	exit(1);
}

/* --- operations: each does its work `count` times ------------------------------------------------------------- */

static void getppid_run(int count)
{
	while (count-- > 0)
		syscall(SYS_getppid);
}

static void read_run(int count)
{
	while (count-- > 0)
		must(pread(file, buffer, PAGE, 0) == PAGE, "pread");
}

static void write_run(int count)
{
	while (count-- > 0)
		must(pwrite(file, buffer, PAGE, 0) == PAGE, "pwrite");
}

static void open_run(int count)
{
	while (count-- > 0) {
		int fd = open(FILE_NAME, O_RDONLY);
		must(fd >= 0 && close(fd) == 0, "open, close");
	}
}

static void stat_run(int count)
{
	struct stat status;

	while (count-- > 0)
		must(stat(FILE_NAME, &status) == 0, "stat");
}

/* Sends every byte back until the pipe ends. */
static void echo_child(void)
{
	char byte;

	close(to_child[1]);
	close(from_child[0]);
	while (read(to_child[0], &byte, 1) == 1)
		if (write(from_child[1], &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static void pipe_start(void)
{
	must(pipe(to_child) == 0 && pipe(from_child) == 0, "pipe");
	child = fork();
	must(child >= 0, "fork");
	if (child == 0)
		echo_child();
	close(to_child[0]);
	close(from_child[1]);
}

static void pipe_run(int count)
{
	char byte = 'x';

	while (count-- > 0)
		must(write(to_child[1], &byte, 1) == 1 && read(from_child[0], &byte, 1) == 1, "pipe");
}

static void pipe_end(void)
{
	close(to_child[1]);
	close(from_child[0]);
	must(waitpid(child, NULL, 0) == child, "waitpid");
}

static void fork_run(int count)
{
	while (count-- > 0) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
	}
}

static void exec_run(int count)
{
	while (count-- > 0) {
		int status = 1;
		pid_t pid = fork();
		if (pid == 0) {
			execl(self, self, "exit", (char *)NULL);
			_exit(1);
		}
		must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "fork, exec");
	}
}

static char *pages;
static int pages_count;

static void pages_start(void)
{
	pages_count = 0;
	pages = mmap(NULL, 4096 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED && madvise(pages, 4096 * PAGE, MADV_NOHUGEPAGE) <= 0, "mmap");
}

static void pages_run(int count)
{
	while (count-- > 0)
		pages[pages_count++ * PAGE] = 1;
}

static void pages_end(void) { munmap(pages, 4096 * PAGE); }

static void create_run(int count)
{
	while (count-- > 0) {
		int fd = open("bench.new", O_WRONLY | O_CREAT | O_EXCL, 0644);
		must(fd >= 0 && close(fd) == 0 && unlink("bench.new") == 0, "create, unlink");
	}
}

/* A folder of 64 names. */
static int folder;

static void list_start(void)
{
	char name[40];

	must(mkdir("bench.list", 0755) == 0, "mkdir");
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "bench.list/file-number-%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0644);
		must(fd >= 0 && close(fd) == 0, "create");
	}
	folder = open("bench.list", O_RDONLY | O_DIRECTORY);
	must(folder >= 0, "open");
}

static void list_run(int count)
{
	while (count-- > 0) {
		long bytes = 0, got;
		while ((got = syscall(SYS_getdents64, folder, buffer, sizeof(buffer))) > 0)
			bytes += got;
		must(got == 0 && bytes > 64 * 32 && lseek(folder, 0, SEEK_SET) == 0, "getdents64");
	}
}

static void list_end(void)
{
	char name[40];

	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "bench.list/file-number-%d", i);
		must(unlink(name) == 0, "unlink");
	}
	must(close(folder) == 0 && rmdir("bench.list") == 0, "rmdir");
}

static void nothing(void) { }

static const struct operation {
	const char *name;
	void (*start)(void);
	void (*run)(int count);
	void (*end)(void);
	int count; /* in one batch */
} operations[] = {
	{ "getppid", nothing, getppid_run, nothing, 200 },
	{ "read_4k", nothing, read_run, nothing, 50 },
	{ "write_4k", nothing, write_run, nothing, 50 },
	{ "open_close", nothing, open_run, nothing, 25 },
	{ "stat", nothing, stat_run, nothing, 40 },
	{ "pipe_round_trip", pipe_start, pipe_run, pipe_end, 20 },
	{ "fork_exit", nothing, fork_run, nothing, 6 },
	{ "fork_exec", nothing, exec_run, nothing, 4 },
	{ "page_fault", pages_start, pages_run, pages_end, 64 },
	{ "create_unlink", nothing, create_run, nothing, 10 },
	{ "list_64", list_start, list_run, list_end, 4 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* --- measuring ----------------------------------------------------------------------------------------------------- */

struct counters {
	uint64_t switches, flushes;
};

static uint64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static struct counters counters_read(void)
{
	struct counters counters = { 0, 0 };
	char text[512];
	int fd = open("/zog/counters", O_RDONLY);

	if (fd < 0)
		return counters;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	counters.switches = field(text, "address_space_switches ");
	counters.flushes = field(text, "table_flushes ");
	return counters;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct result {
	double instructions, switches, flushes;
	int is_measured;
} results[OPERATIONS];

/* What the two looks at the counters themselves add. */
static struct counters counters_cost(void)
{
	struct counters first = counters_read(), second = counters_read();

	return (struct counters){ second.switches - first.switches, second.flushes - first.flushes };
}

static void operation_measure(const struct operation *operation, struct result *result)
{
	uint64_t batch[BATCHES];
	struct counters cost, before, after;

	operation->start();
	operation->run(operation->count); /* warm */
	cost = counters_cost();
	before = counters_read();
	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = __rdtsc();
		operation->run(operation->count);
		batch[i] = __rdtsc() - start;
	}
	after = counters_read();
	operation->end();
	qsort(batch, BATCHES, sizeof(batch[0]), by_size);
	double all = (double)operation->count * BATCHES;
	result->instructions = (double)batch[BATCHES / 2] / operation->count;
	result->switches = ((double)(after.switches - before.switches) - (double)cost.switches) / all;
	result->flushes = ((double)(after.flushes - before.flushes) - (double)cost.flushes) / all;
	result->is_measured = 1;
}

static void restart(const char *domain, int count)
{
	char command[64];
	int length = snprintf(command, sizeof(command), "kill %s", domain);

	while (count-- > 0) {
		int fd = open("/zog/ctl", O_WRONLY);
		must(fd >= 0 && pwrite(file, buffer, PAGE, 0) == PAGE, "/zog/ctl");
		must(write(fd, command, (size_t)length) == length, "kill");
		must(fsync(file) == 0 && close(fd) == 0, "fsync");
	}
}

static void operations_try(void)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		operations[i].start();
		operations[i].run(10);
		operations[i].end();
		printf("ok %s\n", operations[i].name);
		fflush(stdout);
	}
}

static int loop(const char *name, int count)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		operations[i].start();
		operations[i].run(count);
		operations[i].end();
		return 0;
	}
	return 1;
}

static int is_wanted(const char *name, char **names)
{
	if (*names == NULL)
		return 1;
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		_exit(0);
	self = argv[0];
	must(argc < 2 || chdir(argv[1]) == 0, "FOLDER");
	file = open(FILE_NAME, O_RDWR | O_CREAT, 0644);
	must(file >= 0 && pwrite(file, buffer, PAGE, 0) == PAGE, FILE_NAME);
	if (argc == 5 && strcmp(argv[2], "restart") == 0) {
		restart(argv[3], atoi(argv[4]));
		return 0;
	}
	if (argc == 5 && strcmp(argv[2], "loop") == 0)
		return loop(argv[3], atoi(argv[4]));
	if (argc < 2) {
		operations_try();
		return 0;
	}
	for (size_t i = 0; i < OPERATIONS; i++)
		if (is_wanted(operations[i].name, argv + 2))
			operation_measure(&operations[i], &results[i]);
	for (size_t i = 0; i < OPERATIONS; i++)
		if (results[i].is_measured)
			printf("bench %s instructions=%.2f switches=%.2f flushes=%.2f\n", operations[i].name, results[i].instructions,
			       results[i].switches, results[i].flushes);
	return 0;
}
