/* Event counts (Reed and Kanodia): a count that only grows, and the threads that wait for it to move. */
#ifndef CORE_OBJECT_EVENT_H
#define CORE_OBJECT_EVENT_H

#include <stdint.h>
struct thread;
struct event {
	volatile uint64_t count;
	struct thread *waiter; /* list by thread->wait_next, oldest first */
};
#endif
