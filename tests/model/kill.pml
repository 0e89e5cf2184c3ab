/* A kill that is asked for is carried out, by whoever holds the domain's lock (core/cross/control.c, core/irq/interrupt.c,
 * core/object/lock.h).
 *
 * One CPU asks, from inside another domain. Two CPUs enter and leave the domain to be killed; one of them stays in it for
 * ever unless it is ended. Stores that give something up (the lock, the request) are plain ones: they may sit in the
 * CPU's store buffer and be seen by others later, as x86 allows; a fence and a locked instruction wait until the buffer
 * is empty. Interrupts are taken in ring 3 only. Guaranteed: what is asked for is done, and only under the lock, with
 * nobody inside but the CPU that does it. */
#include "mutant.pml"
#define MUTANT_NO_RECHECK 1
#define MUTANT_NO_RELEASE_FENCE 2
#define MUTANT_ASKER_DOES_NOT_TRY 3
#define MUTANT_RING3_IGNORES_REQUEST 4
#define MUTANT_END_WITHOUT_LOCK 5
#define MUTANT_RECHECK_ONCE 6           /* a request that comes during the second look is left lying */

#ifndef VISITS
#define VISITS 2
#define REQUESTS 2
#endif
#define FREE 255
#define ASKER 2

byte lock = FREE;          /* as memory has it */
bool request;
bool release_buffered[3];  /* the CPU has released, memory does not show it yet */
bool request_buffered;
bool interrupted[3];
bool in_ring3[3];          /* runs the domain's code */
bool is_hanging[3];        /* that code never leaves by itself */
byte ended, asked, left;

/* What a CPU sees of its own stores. */
#define LOCK_SEEN(id) (release_buffered[id] -> FREE : lock)
#define REQUEST_SEEN(id) (request || (id == ASKER && request_buffered))

inline buffer_drain(id) { d_step { if :: release_buffered[id] -> release_buffered[id] = 0; lock = FREE :: else fi; if :: id == ASKER && request_buffered -> request_buffered = 0; request = 1 :: else fi } }
/* The end of a domain in which nothing may run: incident, reset. Its stores come before the release that follows. */
inline domain_end(id)
{
	atomic {
		if :: mutant != MUTANT_END_WITHOUT_LOCK -> assert(lock == id) :: else fi;
		assert(!in_ring3[0] || id == 0);
		assert(!in_ring3[1] || id == 1);
		request = 0;
		ended++
	}
}
inline lock_try(id, won) { atomic { buffer_drain(id); won = (lock == FREE); if :: won -> lock = id :: else fi } }

inline domain_release(id, won)
{
	do
	:: if :: REQUEST_SEEN(id) -> domain_end(id) :: else fi;
		release_buffered[id] = 1;
		if :: mutant != MUTANT_NO_RELEASE_FENCE -> buffer_drain(id) :: else fi;
		if
		:: REQUEST_SEEN(id) && mutant != MUTANT_NO_RECHECK && !(mutant == MUTANT_RECHECK_ONCE && won_again) ->
			lock_try(id, won);
			if :: won -> won_again = 1 :: else -> break fi
		:: else -> break
		fi
	od;
	won_again = 0
}

/* VECTOR_REQUEST outside of the domain: control_requested. */
inline interrupt_outside(id, won)
{
	interrupted[id] = 0;
	if
	:: REQUEST_SEEN(id) ->
		lock_try(id, won);
		if :: won -> domain_release(id, won) :: else fi
	:: else
	fi
}

proctype visitor(byte id)
{
	byte visits = VISITS;
	bool won, won_again;

	do
	:: visits > 0 ->
		visits--;
		/* frame_lock: spins, interrupts are off in the core */
		do
		:: lock_try(id, won); if :: won -> break :: else -> LOCK_SEEN(id) == FREE fi
		od;
		in_ring3[id] = 1;
		if :: is_hanging[id] = (visits == 0 && id == 0) :: true fi;
		/* Any interrupt looks at the request, the timer's at the latest; the call is issued again. */
		do
		:: atomic { interrupted[id] -> interrupted[id] = 0 }
		:: atomic { request && mutant != MUTANT_RING3_IGNORES_REQUEST -> domain_end(id); is_hanging[id] = 0 }
		:: atomic { !is_hanging[id] && !interrupted[id] -> in_ring3[id] = 0 }; break
		od;
		if :: mutant == MUTANT_END_WITHOUT_LOCK && request -> release_buffered[id] = 1; buffer_drain(id); domain_end(id) :: else -> domain_release(id, won) fi
	:: interrupted[id] -> interrupt_outside(id, won)
	:: visits == 0 && asked == REQUESTS && !interrupted[id] -> break
	od;
	d_step { buffer_drain(id); left++ };
	/* Other work of this CPU goes on: it still takes interrupts. */
	do
	:: interrupted[id] -> interrupt_outside(id, won); buffer_drain(id)
	:: left == 3 && !interrupted[id] -> break
	od
}

proctype asker()
{
	byte holder;
	bool won, won_again;

	do
	:: asked < REQUESTS && !REQUEST_SEEN(ASKER) ->
		request_buffered = 1;
		buffer_drain(ASKER); /* the fence, and the locked instruction of lock_try */
		if
		:: mutant != MUTANT_ASKER_DOES_NOT_TRY ->
			lock_try(ASKER, won);
			if :: won -> domain_release(ASKER, won); goto next :: else fi
		:: else
		fi;
		holder = lock;
		if :: holder != FREE && holder != ASKER -> interrupted[holder] = 1 :: else fi;
next:
		asked++
	:: asked == REQUESTS -> break
	od;
	buffer_drain(ASKER);
	left++
}

/* The store buffers empty themselves sooner or later. */
active proctype buffers()
{
end:
	do
	:: d_step { release_buffered[0] -> buffer_drain(0) }
	:: d_step { release_buffered[1] -> buffer_drain(1) }
	:: d_step { release_buffered[2] || request_buffered -> buffer_drain(2) }
	od
}

init
{
	atomic {
		mutant_choose();
		run visitor(0);
		run visitor(1);
		run asker()
	}
}

ltl asked_is_done { [] ((request || request_buffered) -> <> !(request || request_buffered)) }
