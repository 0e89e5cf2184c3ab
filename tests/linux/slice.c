/* Prints how long a thread may run before another gets the processor, in ns. With an argument: does so again until it is,
 * or with `not` before it, is not, that many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <time.h>

static long slice_ns(void)
{
	struct timespec slice;

	if (sched_rr_get_interval(0, &slice) != 0)
		exit(1);
	return slice.tv_sec * 1000000000l + slice.tv_nsec;
}

int main(int argc, char **argv)
{
	int is_not = argc == 3 && strcmp(argv[1], "not") == 0;
	long wanted = argc > 1 ? atol(argv[argc - 1]) : 0, found;

	do
		found = slice_ns();
	while (argc > 1 && (found == wanted) == is_not && sched_yield() == 0);
	printf("%ld\n", found);
	return 0;
}
