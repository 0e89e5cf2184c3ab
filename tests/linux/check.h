/* What the guest test programs share: `ok NAME` for each thing that holds; the first that does not ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			int check_errno = errno; \
			printf("FAIL %s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #condition, check_errno, strerror(check_errno)); \
			exit(1); \
		} \
	} while (0)
/* The call fails with just this error. */
#define CHECK_ERRNO(call, expected) \
	do { \
		errno = 0; \
		long check_result = (long)(call); \
		if (check_result != -1 || errno != (expected)) { \
			printf("FAIL %s:%d: %s gave %ld, errno %d, not errno %d\n", __FILE__, __LINE__, #call, check_result, errno, expected); \
			exit(1); \
		} \
	} while (0)

static inline void ok(const char *name)
{
	printf("ok %s\n", name);
	fflush(stdout);
}

#endif
