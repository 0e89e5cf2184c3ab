/* What a thread changes while another's system call reads it: each call does what one of the two states says, no third thing.
 * A path, a vector of buffers, a time, and the bytes that are written, all changed as fast as a CPU can. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define ROUNDS 1500

static atomic_int is_over;
static volatile char path[] = "flip-a";
static volatile struct iovec vector;
static volatile struct timespec pause_time;
static volatile unsigned long word;
static char buffer[64];

static void *flip(void *argument)
{
	for (unsigned long turn = 0; !atomic_load_explicit(&is_over, memory_order_relaxed); turn++) {
		path[5] = turn & 1 ? 'a' : 'b';
		vector.iov_len = turn & 1 ? 3 : 7;
		pause_time.tv_nsec = turn & 1 ? 1 : 1000000000; /* good, and no number of nanoseconds */
		word = turn & 1 ? 0 : ~0ul;
	}
	return argument;
}

static ino_t file_make(const char *name)
{
	struct stat info;
	int file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);

	CHECK(file >= 0 && fstat(file, &info) == 0 && close(file) == 0);
	return info.st_ino;
}

static void a_path_is_one_of_two(ino_t a, ino_t b)
{
	struct stat info;

	for (int i = 0; i < ROUNDS; i++) {
		int file = open((const char *)path, O_RDONLY);
		CHECK(file >= 0 && fstat(file, &info) == 0);
		CHECK(info.st_ino == a || info.st_ino == b);
		CHECK(close(file) == 0);
	}
	ok("a path that changes is one of two");
}

static void a_vector_is_one_of_two(void)
{
	int ends[2];
	char told[16];

	CHECK(pipe(ends) == 0);
	memcpy(buffer, "0123456789", 10);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t written = writev(ends[1], (const struct iovec *)&vector, 1);
		CHECK(written == 3 || written == 7);
		CHECK(read(ends[0], told, sizeof(told)) == written && memcmp(told, buffer, (size_t)written) == 0);
	}
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
	ok("a vector that changes is one of two");
}

static void a_time_is_one_of_two(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		errno = 0;
		int result = nanosleep((const struct timespec *)&pause_time, NULL);
		CHECK(result == 0 || (result == -1 && errno == EINVAL));
	}
	ok("a time that changes is one of two");
}

/* The file holds what one copy took, byte by byte: each is of one state, and none is from elsewhere. */
static void bytes_are_of_either(void)
{
	unsigned char told[sizeof(word)];
	int file = open("flip-c", O_CREAT | O_RDWR | O_TRUNC, 0600);

	CHECK(file >= 0);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(pwrite(file, (const void *)&word, sizeof(word), 0) == sizeof(word));
		CHECK(pread(file, told, sizeof(told), 0) == sizeof(told));
		for (size_t at = 0; at < sizeof(told); at++)
			CHECK(told[at] == 0 || told[at] == 0xff);
	}
	CHECK(close(file) == 0);
	ok("bytes that change are of either state");
}

int main(void)
{
	pthread_t thread;
	ino_t a = file_make("flip-a"), b = file_make("flip-b");

	CHECK(a != b);
	vector.iov_base = buffer;
	vector.iov_len = 3;
	CHECK(pthread_create(&thread, NULL, flip, NULL) == 0);
	a_path_is_one_of_two(a, b);
	a_vector_is_one_of_two();
	a_time_is_one_of_two();
	bytes_are_of_either();
	atomic_store(&is_over, 1);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
