/* Dispatching: which thread a CPU carries, parking on events, waking, deadlines. Mechanism only: the time slice
 * is the scheduler domain's, and stays as last set while that domain is down.
 * One lock (schedule_lock) guards thread states, the run queues and the events' waiter lists. */
#ifndef CORE_CROSS_SCHEDULE_H
#define CORE_CROSS_SCHEDULE_H

#include "object/cpu.h"
#include "object/thread.h"
#include "object/event.h"
#include "object/domain.h"

extern uint64_t schedule_slice_ns;
extern uint32_t schedule_ready_count;

/* Gives the CPU's thread, if any, back; afterwards the CPU carries none. */
void thread_put_back(struct cpu *cpu);
/* Takes the next ready thread, or idles until there is one. */
void thread_take_next(struct cpu *cpu);
void thread_make_ready(struct thread *thread);
/* Parks the CPU's thread unless the event has moved; true: parked. */
bool thread_park(struct cpu *cpu, struct event *event, uint32_t event_domain, uint64_t seen, uint64_t deadline_ns);
/* Parks the CPU's thread until thread_wake; one with attention waiting goes on at once, with ZOG_REASON_WAKE. */
void thread_rest(struct cpu *cpu);
/* Wakes a parked thread; false: it was not parked. */
bool thread_wake(struct thread *thread, uint8_t reason);
void thread_wake_waiters_of(uint32_t domain);
/* Ends a program's thread wherever it is. Returns when no CPU carries it (unless it is this CPU's own). */
void thread_end(struct cpu *cpu, struct thread *thread);
void thread_drop_dying(struct cpu *cpu);
void event_notify(struct event *event, uint32_t wake);
/* Wakes threads whose deadline has passed. */
void deadline_check(void);

/* After an exception in the core: page tables and timer are as noted, and if it came while this CPU changed queues, every
 * thread is put where its state says. */
void schedule_recover(struct cpu *cpu);

/* Vector state: a domain runs with CR0.TS set, so it can neither read nor change a program's. */
void vector_close(struct cpu *cpu);
void vector_save(struct cpu *cpu);            /* of the thread whose state is in the registers */
void vector_open_for(struct cpu *cpu, struct thread *thread);

#endif
