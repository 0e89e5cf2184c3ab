/* Commit, abort and rollback of a home region (core/tsm/transaction.c, core/fault/recover.c, lib/rt/hook.c).
 *
 * Two CPUs call one domain. An invocation raises a record of two ranges by one, stages a table change and a notify, and
 * replies. A kill may come before every step of the domain; an exception in ring 0 before every step of the commit, of
 * the abort and of the recovery. Guaranteed whenever the domain's lock is free: both images are equal and whole, the
 * table fits them, each answered call is in them once, each was notified; and nobody else ever was inside. */
#include "mutant.pml"
#define MUTANT_STORE_NOT_LOGGED 1
#define MUTANT_FAULT_KEEPS_LIVE 2
#define MUTANT_COMMIT_IN_PLACE 3       /* the recovery knows no phase: it always gives up */
#define MUTANT_UNDO_AFTER_COMMIT 4     /* the journal outlives the point of no return */
#define MUTANT_NO_UNDO 5
#define MUTANT_EFFECTS_FIRST 6
#define MUTANT_NO_LOCK 7
#define MUTANT_ABORT_KEEPS_LIVE 8
#define MUTANT_PHASE_ENDS_EARLY 9
#define MUTANT_EFFECTS_NOT_RESUMED 10

#ifndef CALLS
#define CALLS 1
#define KILLS 2
#define EXCEPTIONS 2
#endif
#define FREE 255
#define PHASE_NONE 0
#define PHASE_RANGES 1
#define PHASE_EFFECTS 2

byte live[2], committed[2];
bool logged[2];
byte table, table_old;
bool is_staged, is_journalled;
byte events, events_extra;
byte phase, next, cut_step;
byte lock = FREE, inside;
byte kills, exceptions, aborts, answered, finished;
bool is_quarantined;

inline log_clear() { d_step { logged[0] = 0; logged[1] = 0; is_staged = 0 } }
inline reset()
{
	d_step {
		if :: mutant != MUTANT_FAULT_KEEPS_LIVE -> live[0] = committed[0]; live[1] = committed[1] :: else fi;
		logged[0] = 0; logged[1] = 0; is_staged = 0
	}
}
/* Before each step of the domain, and of the core. */
inline kill_point() { if :: atomic { kills > 0 -> kills-- }; reset(); goto issue :: true fi }
inline exception_point() { if :: atomic { exceptions > 0 -> exceptions-- }; goto recover :: true fi }
inline range_copy(i) { if :: logged[i] -> committed[i] = live[i] :: else fi }
inline range_copy_back(i) { if :: logged[i] && mutant != MUTANT_ABORT_KEEPS_LIVE -> live[i] = committed[i] :: else fi }

inline range_write(i)
{
	if :: mutant == MUTANT_STORE_NOT_LOGGED && i == 1 :: else -> logged[i] = 1 fi;
	kill_point();
	live[i] = value;
	kill_point()
}

inline release_checked()
{
	d_step {
		assert(live[0] == committed[0] && live[1] == committed[1]);
		assert(committed[0] == committed[1]);
		assert(table == committed[0]);
		assert(answered == committed[0]);
		assert(events >= answered && events <= answered + events_extra);
		assert(inside == 1);
		inside--;
		lock = FREE
	}
}

proctype cpu(byte id)
{
	byte calls = CALLS, value, step;

	do
	:: calls == 0 || is_quarantined -> break
	:: else ->
		atomic { (lock == FREE || mutant == MUTANT_NO_LOCK || is_quarantined) ->
			if :: is_quarantined -> break :: else -> lock = id; inside++ fi }
issue:
		value = live[0] + 1;
		kill_point();
		range_write(0);
		range_write(1);
		is_staged = 1;
		kill_point();
		if :: aborts > 0 -> goto abort :: true fi;

		/* Decoded: nothing is changed yet. */
		exception_point();
		if :: mutant == MUTANT_EFFECTS_FIRST -> events++ :: else fi;
		exception_point();
		d_step { table_old = table; is_journalled = 1 };
		exception_point();
		table = value;
		exception_point();
		d_step { next = 0; cut_step = 0 };
		phase = PHASE_RANGES;
		exception_point();
		is_journalled = (mutant == MUTANT_UNDO_AFTER_COMMIT);
finish:
		exception_point();
		if
		:: phase == PHASE_RANGES ->
			range_copy(0);
			exception_point();
			range_copy(1);
			exception_point();
			phase = (mutant == MUTANT_PHASE_ENDS_EARLY -> PHASE_NONE : PHASE_EFFECTS)
		:: else
		fi;
		exception_point();
		log_clear();
		exception_point();
		if
		:: next == 0 && mutant != MUTANT_EFFECTS_FIRST ->
			events++;
			if :: atomic { exceptions > 0 -> exceptions-- }; events_extra++; goto recover :: true fi;
			next = 1
		:: else
		fi;
		exception_point();
		/* The commit ends and the reply is delivered in one entry without further exceptions: see CAVEATS. */
		d_step { phase = PHASE_NONE; is_journalled = 0; answered++ };
		release_checked();
		calls--
	od;
	goto done;

abort:
	aborts--;
	exception_point();
	range_copy_back(0);
	exception_point();
	range_copy_back(1);
	exception_point();
	log_clear();
	d_step { assert(mutant != 0 || (live[0] == committed[0] && live[1] == committed[1])) };
	goto issue;

recover:
	if
	:: phase == PHASE_NONE || mutant == MUTANT_COMMIT_IN_PLACE ->
		d_step {
			if :: is_journalled && mutant != MUTANT_NO_UNDO -> table = table_old :: else fi;
			is_journalled = 0;
			phase = PHASE_NONE;
			assert(table == committed[0] && events <= answered + events_extra)
		};
		reset();
		goto issue
	:: else ->
		if :: is_journalled && mutant == MUTANT_UNDO_AFTER_COMMIT -> table = table_old :: else fi;
		is_journalled = 0;
		step = (phase == PHASE_RANGES -> 1 : 2 + next);
		if
		:: step == cut_step && phase == PHASE_RANGES -> is_quarantined = 1; goto done
		:: step == cut_step && phase == PHASE_EFFECTS && next == 0 -> next = 1; events++ /* skipped, and said so: counts as made */
		:: else
		fi;
		if :: mutant == MUTANT_EFFECTS_NOT_RESUMED -> next = 1 :: else fi;
		cut_step = step;
		goto finish
	fi;

done:
	skip;
	d_step {
		finished++;
		if :: finished == 2 && !is_quarantined -> assert(committed[0] == 2 * CALLS) :: else fi
	}
}

init
{
	atomic {
		mutant_choose();
		kills = KILLS;
		exceptions = EXCEPTIONS;
		aborts = 1;
		run cpu(0);
		run cpu(1)
	}
}
