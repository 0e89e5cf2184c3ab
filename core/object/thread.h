/* A thread: a program's (it has registers, vector state, an address space, and hangs every invocation of the
 * personality on itself), or an activity of a domain (its root is an ACTIVITY call, issued again for ever).
 * Threads have no stack in the core: what they are doing is the list of frames. */
#ifndef CORE_OBJECT_THREAD_H
#define CORE_OBJECT_THREAD_H

#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"

#define FRAME_MAX 8u
#define FRAME_CALL_MAX (FRAME_MAX - 1) /* crossings: the last place is for the bus that quiesces a device */
#define NO_CPU 0xffffffffu

struct domain;
struct space;
struct event;

enum frame_phase {
	PHASE_NEW = 0,     /* not entered yet, the domain's lock is not held */
	PHASE_QUIESCE = 1, /* the bus is stopping the domain's device */
	PHASE_START = 2,   /* the domain's START is running */
	PHASE_RUN = 3,     /* the call itself is running */
};
struct call_frame {
	struct domain *domain;
	uint32_t phase;
	uint16_t method;
	uint8_t reason;
	uint8_t fault_count;    /* of this call, not asked for: two make it poison */
	uint32_t ticks_left;
	uint64_t client;
	uint64_t word[7];
	uint64_t resume_rip, resume_rsp, resume_rbp; /* of this frame's domain while its callee runs */
};

/* What stands between a thread and its program. ROOT_TAKEN: a system call whose words are in the program's registers alone. */
enum root_pending { ROOT_NONE = 0, ROOT_CALL = 1, ROOT_TAKEN = 2 };
enum thread_state { THREAD_FREE = 0, THREAD_READY = 1, THREAD_RUNNING = 2, THREAD_PARKED = 3, THREAD_STOPPED = 4 };
struct thread {
	struct zog_regs regs; /* of the program; first: cpu->save points here */
	uint32_t id;          /* program: slot; activity: 0x8000 | number */
	uint32_t depth;       /* frames in use; offset known to crossing.S */
	volatile uint32_t state;
	volatile uint32_t cpu; /* NO_CPU when on none */
	volatile uint32_t is_dying;
	uint32_t has_attention;
	uint32_t is_activity;
	uint32_t is_hook; /* tsm/region_hook.h: calls the hooks of rollbacks; is_activity as well */
	struct domain *root_domain;
	struct space *space;
	/* the root call; its words stand in frame[0].word for as long as it is pending or runs */
	uint32_t root_pending; /* enum root_pending */
	uint16_t root_method;
	uint8_t root_reason;
	uint8_t keep_rax;       /* the result of the root call is not for rax */
	uint8_t must_load_all;  /* leave by iretq: registers did not come by a system call */
	int32_t slice_ticks;
	struct call_frame frame[FRAME_MAX];
	/* parking */
	struct event *wait_event;
	uint32_t wait_domain;   /* whose event: a restart of that domain wakes, too */
	uint64_t wait_deadline_ns;
	struct thread *wait_next, *run_next;
	uint32_t vector_cpu;    /* CPU whose vector registers hold this thread's state unless changed since */
	uint8_t vector_state[ZOG_XSTATE_SIZE] __attribute__((aligned(64)));
};

extern struct thread *thread_table; /* programs' slots first, then activities */
extern uint32_t thread_total, thread_slots;

#endif
