/* How long a thread may run before another gets the processor: the call is checked. `slice show` prints it, in ns; `slice N`, `slice
 * not N` do so again until it is, or is not, that many. */
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static long slice_ns(void)
{
	struct timespec slice;

	if (sched_rr_get_interval(0, &slice) != 0)
		exit(1);
	return slice.tv_sec * 1000000000l + slice.tv_nsec;
}

static void slice_tests(void)
{
	struct timespec slice = { -1, -1 };

	CHECK(sched_rr_get_interval(getpid(), &slice) == 0);
	CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 2000000 && slice.tv_nsec <= 10000000);
	CHECK(sched_rr_get_interval(-1, &slice) == -1 && errno == EINVAL);
	CHECK(sched_rr_get_interval(32767, &slice) == -1 && errno == ESRCH);
	CHECK(sched_rr_get_interval(0, (struct timespec *)8) == -1 && errno == EFAULT);
	puts("ok slice");
}

int main(int argc, char **argv)
{
	int is_not = argc == 3 && strcmp(argv[1], "not") == 0, is_awaited = argc > 1 && strcmp(argv[1], "show") != 0;
	long wanted = is_awaited ? atol(argv[argc - 1]) : 0, found;

	if (argc == 1) {
		slice_tests();
		return 0;
	}
	do
		found = slice_ns();
	while (is_awaited && (found == wanted) == is_not && sched_yield() == 0);
	printf("%ld\n", found);
	return 0;
}
