/* Spin locks of the core. Interrupts are off in the core, so a lock is held by a CPU. Lock order:
 * domain lock (cross/domain_lock) > schedule_lock > event_lock > log_lock. Whoever spins answers other CPUs'
 * requests meanwhile (cpu_poll), or two CPUs that shoot down each other's mappings would wait for ever. */
#ifndef CORE_OBJECT_LOCK_H
#define CORE_OBJECT_LOCK_H

#include <stdint.h>
#include <stdbool.h>
#include "cpu.h"

#define LOCK_FREE 0xffffffffu
struct lock {
	volatile uint32_t holder; /* CPU number, LOCK_FREE */
};
#define LOCK_INIT { LOCK_FREE }

/* All locks but those of domains stand together: the recovery of the core gives back what its CPU holds. */
#define CORE_LOCK __attribute__((section(".data.locks")))
extern struct lock core_locks_start[], core_locks_end[]; /* core.ld */

static inline bool lock_try(struct lock *lock, uint32_t cpu)
{
	uint32_t expected = LOCK_FREE;
	return __atomic_compare_exchange_n(&lock->holder, &expected, cpu, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
void cpu_poll(void); /* object/processor.c */
static inline void lock_take(struct lock *lock, uint32_t cpu)
{
	while (!lock_try(lock, cpu)) {
		cpu_pause();
		cpu_poll();
	}
}
static inline void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->holder, LOCK_FREE, __ATOMIC_RELEASE);
}

#endif
