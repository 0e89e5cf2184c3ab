/* Commit and rollback of shared regions (core/tsm/region_commit.c, lib/rt/region.h).
 *
 * A writer commits one number, always the same in two regions, and now and then goes back to the version before in the
 * first of them. Somebody else changes its write-ahead buffer at any moment, a kill may come before every step of the
 * writer, an exception in ring 0 before every step of the commit and of the rollback; the recovery does the commit again
 * from its phase. A reader on another CPU reads both regions under their versions. Guaranteed: what it accepts is one
 * commit, whole, that the schema allows; what it accepted and a rollback undid shows in the epoch; the history holds what
 * was committed before; nothing of a writer that died is left in its buffer. */
#include "mutant.pml"
#define MUTANT_CHECK_IN_PLACE 1        /* the buffer is checked, and then copied */
#define MUTANT_HEAD_STAYS_EVEN 2
#define MUTANT_REGIONS_IN_TURN 3       /* the first region is published before the second is opened */
#define MUTANT_RECOVERY_GIVES_UP 4     /* in the middle of the change */
#define MUTANT_NO_PHASES 5             /* the recovery saves the history again, out of changed records */
#define MUTANT_UNCHECKED 6
#define MUTANT_READER_LOOKS_ONCE 7     /* at the versions before the copy only */
#define MUTANT_EPOCH_STAYS 8
#define MUTANT_BUFFER_SURVIVES 9       /* a new start finds what the dead writer left */
#define MUTANT_EVEN_BEFORE_CHANGE 10
#define MUTANT_VERSION_REPEATS 11      /* a rollback gives the old version number out again */

#ifndef COMMITS
#define COMMITS 2
#define READS 1
#define KILLS 1
#define EXCEPTIONS 1
#endif
#define BROKEN 99
#define PHASE_SAVE 0
#define PHASE_CHANGE 1
#define PHASE_PUBLISH 2
#define PHASE_DONE 3
#define SERIALS 8

byte data[2], buffer[2], stage[2], undo[2], version[2];
byte next_version[2];
byte epoch, phase;
bool has_undo;
byte serial, current, before; /* what is committed, and what was before it: not known to the code */
bool undone[SERIALS];
byte kills, exceptions, rollbacks, flips;
bool writer_ended;

inline buffer_fill() { d_step { buffer[0] = data[0]; buffer[1] = data[1] } }
inline kill_point()
{
	if
	:: atomic { kills > 0 -> kills-- };
		if :: mutant != MUTANT_BUFFER_SURVIVES -> buffer_fill() :: else fi;
		goto start
	:: true
	fi
}
inline exception_point() { if :: atomic { exceptions > 0 -> exceptions-- }; goto recover :: true fi }
inline head_open(i)
{
	if :: mutant != MUTANT_HEAD_STAYS_EVEN -> version[i] = version[i] | 1 :: else fi;
	next_version[i] = (version[i] | 1) + 1
}
inline publish(i) { version[i] = next_version[i] }

/* Somebody writes into the buffer whenever he likes: a device, a second thread of a broken writer. */
proctype flipper() { if :: flips > 0 -> flips--; buffer[1] = BROKEN :: true fi }

proctype writer()
{
	byte left = COMMITS;

start:	skip;
	/* A start finds in the buffer what is committed; the second record may have been changed since. */
	d_step { assert(buffer[0] == data[0]) };
	do
	:: left == 0 -> break
	:: left > 0 && has_undo && rollbacks > 0 -> rollbacks--; goto rollback
	:: left > 0 ->
		kill_point();
		if :: buffer[0] = serial + 1 :: buffer[0] = BROKEN fi;
		kill_point();
		buffer[1] = buffer[0];
		kill_point();
		/* Decode: one copy. */
		stage[0] = buffer[0];
		stage[1] = buffer[1];
		phase = PHASE_SAVE;
		exception_point();
		if
		:: mutant == MUTANT_UNCHECKED
		:: mutant == MUTANT_CHECK_IN_PLACE ->
			if :: buffer[0] != serial + 1 || buffer[1] != serial + 1 -> goto refuse :: else fi;
			stage[0] = buffer[0];
			stage[1] = buffer[1]
		:: else -> if :: stage[0] != serial + 1 || stage[1] != serial + 1 -> goto refuse :: else fi
		fi;
act:
		exception_point();
		if
		:: phase == PHASE_SAVE ->
			head_open(0);
			exception_point();
			if :: mutant != MUTANT_REGIONS_IN_TURN -> head_open(1) :: else fi;
			exception_point();
			undo[0] = data[0];
			undo[1] = data[1];
			exception_point();
			if :: mutant == MUTANT_EVEN_BEFORE_CHANGE -> publish(0); publish(1) :: else fi;
			phase = PHASE_CHANGE
		:: else
		fi;
		exception_point();
		if
		:: phase == PHASE_CHANGE ->
			data[0] = stage[0];
			exception_point();
			if :: mutant == MUTANT_REGIONS_IN_TURN -> publish(0); head_open(1) :: else fi;
			data[1] = stage[1];
			exception_point();
			phase = PHASE_PUBLISH
		:: else
		fi;
		exception_point();
		publish(0);
		exception_point();
		publish(1);
		exception_point();
		/* The last exception of a commit finds it done. */
		d_step {
			phase = PHASE_DONE;
			has_undo = 1;
			serial++;
			before = current;
			current = serial;
			assert(data[0] == current && data[1] == current || mutant == MUTANT_UNCHECKED || mutant == MUTANT_CHECK_IN_PLACE);
			assert(undo[0] == before);
			assert(version[0] % 2 == 0 && version[1] % 2 == 0);
			left--
		};
		buffer_fill();
		goto start
	od;
	goto done;

refuse:	skip;
	buffer_fill();
	goto start;

rollback:
	/* Of the first region alone; in one entry, from the start again after an exception. */
	head_open(0);
	if :: exceptions > 0 -> exceptions--; goto rollback :: true fi;
	data[0] = undo[0];
	if :: exceptions > 0 -> exceptions--; goto rollback :: true fi;
	if :: mutant != MUTANT_EPOCH_STAYS -> epoch++ :: else fi;
	if :: exceptions > 0 -> exceptions--; goto rollback :: true fi;
	d_step {
		has_undo = 0;
		undone[current] = 1;
		current = before;
		if :: mutant == MUTANT_VERSION_REPEATS -> version[0] = next_version[0] - 4 :: else -> version[0] = next_version[0] fi
	};
	buffer_fill();
	goto start;

recover:
	if
	:: phase == PHASE_SAVE && stage[0] != serial + 1 -> goto refuse
	:: mutant == MUTANT_RECOVERY_GIVES_UP && phase == PHASE_CHANGE -> version[0] = next_version[0]; version[1] = next_version[1]; goto refuse
	:: mutant == MUTANT_NO_PHASES -> phase = PHASE_SAVE; goto act
	:: phase == PHASE_SAVE && (stage[1] != serial + 1) -> goto refuse
	:: else -> goto act
	fi;
done:
	writer_ended = 1
}

proctype reader()
{
	byte first[2], copy[2], seen_epoch, reads = READS;

	do
	:: reads == 0 -> break
	:: else ->
		first[0] = version[0];
		first[1] = version[1];
		if
		:: first[0] % 2 || first[1] % 2 -> if :: writer_ended -> break :: true fi
		:: else ->
			copy[0] = data[0];
			copy[1] = data[1];
			seen_epoch = epoch;
			if
			:: (version[0] == first[0] && version[1] == first[1]) || mutant == MUTANT_READER_LOOKS_ONCE ->
				assert(copy[0] != BROKEN && copy[1] != BROKEN);
				assert(copy[0] == copy[1] || seen_epoch > 0);
				reads--;
				/* Used later: an undone value is known by its epoch. */
				d_step { assert(!undone[copy[0]] || copy[0] == 0 || epoch != seen_epoch) }
			:: else
			fi
		fi
	od
}

init
{
	atomic {
		mutant_choose();
		kills = KILLS;
		exceptions = EXCEPTIONS;
		rollbacks = 1;
		flips = 1;
		run writer();
		run reader();
		run flipper()
	}
}
