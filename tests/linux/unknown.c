/* A system call that does not exist answers ENOSYS; on Zog one that is known but not built is counted by name. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#include "check.h"

/* The count in the line of `name`: the first number behind the name, or else the first of the line; or 0. */
static long count_of(FILE *counts, const char *name)
{
	char line[200], *found, *digits;

	rewind(counts);
	while (fgets(line, sizeof(line), counts)) {
		found = strstr(line, name);
		digits = found ? strpbrk(found, "123456789") : NULL;
		if (found)
			return strtol(digits ? digits : line, NULL, 10);
	}
	return 0;
}

int main(void)
{
	CHECK_ERRNO(syscall(1000, 1, 2, 3), ENOSYS);
	CHECK_ERRNO(syscall(-5), ENOSYS);
	ok("unknown_calls_answer_enosys");
	if (access("/zog/linux/unsupported", R_OK) != 0)
		return getenv("ZOG_NATIVE") ? 0 : 1;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
	FILE *counts = fopen("/zog/linux/unsupported", "r");
	CHECK(counts && count_of(counts, "io_uring_setup") >= 2);
	ok("they_are_counted_by_name");
	return 0;
}
