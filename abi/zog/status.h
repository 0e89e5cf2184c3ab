/* Status codes: one flat type, 0 is success, grouped by cause. The same numbers are used by the core, by
 * every contract and in incidents. Linux errnos exist only inside the Linux personality. */
#ifndef ZOG_STATUS_H
#define ZOG_STATUS_H

#include <stdint.h>

typedef int64_t zog_status_t;

enum zog_status {
	ZOG_OK = 0,
	/* Control flow of an invocation: never seen by a program. */
	ZOG_RETRY = 1,   /* abort this invocation's transaction and issue the same call again */
	ZOG_WAIT = 2,    /* commit, unwind the whole chain, park the thread on an event, issue the root call again */
	ZOG_PENDING = 3, /* the work is under way; the out words name the event and the count seen */

	/* The caller's arguments. */
	ZOG_ERR_ARGUMENT = -1,  /* a value outside its range */
	ZOG_ERR_CAP = -2,       /* no such capability, or it lacks the right */
	ZOG_ERR_METHOD = -3,    /* no such method */
	ZOG_ERR_FAULT = -4,     /* an address of a program that the program may not use so */
	ZOG_ERR_NEED_PAGE = -5, /* an address of a program whose page is absent for now */
	ZOG_ERR_SEQUENCE = -6,  /* a sequence number that is stale, or reused with other arguments */
	ZOG_ERR_VERSION = -7,   /* caller and callee were built with different states of the contract (zog/image.h) */
	ZOG_ERR_HANDLE = -8,    /* no open handle of this client */
	ZOG_ERR_STATE = -9,     /* the handle is in a state in which this method may not be called */

	/* State of the object. */
	ZOG_ERR_NOT_FOUND = -20,
	ZOG_ERR_EXISTS = -21,
	ZOG_ERR_NOT_DIRECTORY = -22,
	ZOG_ERR_IS_DIRECTORY = -23,
	ZOG_ERR_NOT_EMPTY = -24,
	ZOG_ERR_BUSY = -25,
	ZOG_ERR_READ_ONLY = -26,
	ZOG_ERR_NAME_TOO_LONG = -27,
	ZOG_ERR_TOO_BIG = -28,
	ZOG_ERR_TOO_MANY_LINKS = -29,
	ZOG_ERR_UNSUPPORTED = -30,
	ZOG_ERR_DENIED = -31,
	ZOG_ERR_CORRUPT = -32, /* the medium's own data failed its check */

	/* Resources. */
	ZOG_ERR_MEMORY = -40,
	ZOG_ERR_SPACE = -41, /* the medium is full */
	ZOG_ERR_LIMIT = -42, /* a table of the callee is full */

	/* The world. */
	ZOG_ERR_IO = -60,
	ZOG_ERR_NO_DEVICE = -61,
	ZOG_ERR_TIMEOUT = -62,

	/* Recovery. */
	ZOG_ERR_POISON = -80,      /* this very call faulted its server twice and is refused */
	ZOG_ERR_QUARANTINED = -81, /* the server could not be brought back */
	ZOG_ERR_STOPPED = -82,     /* the server is a service that does not run */
};

#endif
