/* The two ways of a reply (core/cross/fast.c, core/cross/crossing.c) against a kill from another CPU.
 *
 * A domain serves the calls of one thread: each adds one to its committed state, and is answered. The straight way looks
 * at the request, commits last, and delivers; the general way commits, notes in the frame that it has, and carries out
 * what is asked for before it delivers. A kill is asked for at any moment; it is carried out by whoever holds the lock, or
 * gets it: the asker, the interrupt in the domain's code, the general way, the release. What a kill cuts is issued again.
 * What the release's second look is for shows only with store buffers: kill.pml.
 * Guaranteed: each call is applied once and answered once; a kill that is asked for is carried out, with nobody inside. */
#include "mutant.pml"
#define MUTANT_STRAIGHT_COMMITS_FIRST 1    /* and then looks whether it may deliver */
#define MUTANT_GENERAL_FORGETS_COMMIT 2    /* a kill behind the commit has the call issued again */
#define MUTANT_KILL_KEEPS_UNCOMMITTED 3
#define MUTANT_DELIVER_BEFORE_COMMIT 4

#ifndef CALLS
#define CALLS 3
#define REQUESTS 2
#endif
#define FREE 255
#define SERVER 0
#define ASKER 1

byte lock = FREE;
bool request, interrupted;
byte live, committed, answered, asked, ended, requested;
bool inside;

inline domain_end(id)
{
	atomic {
		assert(lock == id);
		assert(!inside || id == SERVER);
		request = 0;
		ended++;
		if :: mutant != MUTANT_KILL_KEEPS_UNCOMMITTED -> live = committed :: else fi
	}
}
/* Carries out what is asked for, gives the lock up, and looks once more: who asked in between found it taken. */
inline release(id)
{
	do
	:: if :: request -> domain_end(id) :: else fi;
		lock = FREE;
		if
		:: request ->
			if :: atomic { lock == FREE -> lock = id } :: else -> break fi
		:: else -> break
		fi
	od
}

proctype server()
{
	byte calls = CALLS;
	bool has_committed;

	do
	:: calls == 0 -> break
	:: else ->
		atomic { lock == FREE -> lock = SERVER };
issue:
		if :: request -> domain_end(SERVER) :: else fi;
		inside = 1;
		live = live + 1;
		if :: atomic { interrupted -> interrupted = 0 }; if :: request -> inside = 0; domain_end(SERVER); goto issue :: else fi :: true fi;
		inside = 0; /* the reply: from here on in the core, interrupts off */
		if :: goto straight :: goto general fi;

straight:
		if
		:: mutant == MUTANT_STRAIGHT_COMMITS_FIRST ->
			committed = live;
			if :: request -> goto general :: else fi
		:: mutant == MUTANT_DELIVER_BEFORE_COMMIT ->
			if :: request -> goto general :: else fi;
			answered++;
			release(SERVER);
			committed = live;
			goto next
		:: else ->
			if :: request -> goto general :: else fi;
			committed = live
		fi;
		answered++; /* same entry: nothing can come between */
		release(SERVER);
		goto next;

general:
		/* A kill that is known before the commit cuts the call. */
		if :: request -> domain_end(SERVER); goto issue :: else fi;
		committed = live;
		has_committed = (mutant != MUTANT_GENERAL_FORGETS_COMMIT);
		if
		:: request && !has_committed -> domain_end(SERVER); goto issue
		:: else
		fi;
		answered++;
		has_committed = 0;
		release(SERVER);
next:
		calls--;
		/* The caller takes up its answer when it may: the next call begins with what is committed. */
		assert(answered == CALLS - calls);
		atomic { lock == FREE -> assert(live == committed && committed == answered) }
	od;
	/* This CPU goes on with something else, and still takes interrupts. */
end:
	do
	:: atomic { interrupted -> interrupted = 0 };
		if :: atomic { request && lock == FREE -> lock = SERVER }; release(SERVER) :: else fi
	:: asked == REQUESTS && !interrupted -> break
	od;
	assert(!request && ended == requested)
}

proctype asker()
{
	do
	:: asked == REQUESTS -> break
	:: asked < REQUESTS && !request ->
		d_step { request = 1; requested++ };
		if
		:: atomic { lock == FREE -> lock = ASKER }; release(ASKER)
		:: lock != FREE -> interrupted = 1
		fi;
		asked++
	od
}

init { atomic { mutant_choose(); run server(); run asker() } }
