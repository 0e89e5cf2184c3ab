/* A validator that commits in the writer's place (core/tsm/region_propose.c).
 *
 * A writer proposes: the core copies what it wrote, in two steps, and numbers it, in one transaction with the writer's own
 * records. The validator looks at the copy and commits or rejects that number, in one transaction with its own records.
 * Either is killed at every step, the writer's buffer is changed at any moment, an exception in ring 0 may have the core
 * make a proposal again. A validator that dies twice over one proposal has it refused as poison. Guaranteed: what
 * readers see was looked at as it is, each proposal is decided once, and neither side waits for ever. */
#include "mutant.pml"
#define MUTANT_PENDING_REPLACED 1     /* a second proposal over one that is pending */
#define MUTANT_VERDICT_WITHOUT_NUMBER 2 /* and a verdict on whatever is there */
#define MUTANT_COMMIT_FROM_BUFFER 3   /* the writer's buffer of now, not the copy */
#define MUTANT_DECIDED_APART 4        /* number and records in two transactions */
#define MUTANT_NUMBER_BEFORE_COPY 5
#define MUTANT_DEATH_DROPS 6          /* a dead validator's proposal is forgotten, and the writer not told */
#define MUTANT_SUBMISSION_APART 7     /* the writer's own record of it in a later transaction */

#ifndef PROPOSALS
#define PROPOSALS 3
#define KILLS 2
#define FLIPS 1
#endif
#define BROKEN 99
#define FAULTS_MAX 2

byte buffer;                       /* the writer's */
byte copy0, copy1;                 /* the proposal */
byte proposed, decided, verdicts;  /* numbers; verdicts: how many times something was decided */
byte data0, data1;                 /* what readers see */
byte written;                      /* the writer's committed record: proposals made */
byte accepted, commits;            /* the validator's committed record, and how often the data changed */
byte kills, flips, faults;

#define PENDING (proposed != decided)

proctype writer()
{
	byte value;

start:	skip;
	do
	:: written == PROPOSALS -> break
	:: written < PROPOSALS && (!PENDING || (mutant == MUTANT_PENDING_REPLACED || mutant == MUTANT_VERDICT_WITHOUT_NUMBER) && proposed < PROPOSALS) ->
		buffer = written + 1;
		if :: atomic { flips > 0 -> flips-- }; buffer = BROKEN :: true fi;
		if :: atomic { kills > 0 -> kills-- }; goto start :: true fi;
		/* The entry: made again from the start after an exception, since nothing tells of it before the number. */
again:		value = buffer;
		if :: mutant == MUTANT_NUMBER_BEFORE_COPY -> proposed++ :: else fi;
		copy0 = value;
		if :: atomic { kills > 0 && mutant != MUTANT_NUMBER_BEFORE_COPY -> kills-- }; goto again :: true fi;
		copy1 = value;
		if
		:: mutant == MUTANT_NUMBER_BEFORE_COPY -> written++
		:: mutant == MUTANT_SUBMISSION_APART ->
			d_step { proposed++; faults = 0 };
			if :: atomic { kills > 0 -> kills-- }; goto start :: true fi;
			written++
		:: else -> d_step { proposed++; written++; faults = 0 }
		fi;
		/* Whatever it writes from here on changes nothing. */
		buffer = BROKEN;
		assert(proposed == written)
	od;
	(!PENDING);
	assert(proposed == PROPOSALS && decided == PROPOSALS && verdicts == PROPOSALS)
}

proctype validator()
{
	byte number, seen0, seen1;

start:	skip;
end:	do
	:: decided == PROPOSALS -> break
	:: PENDING ->
		number = proposed;
		seen0 = copy0;
		seen1 = copy1;
		if
		:: atomic { kills > 0 -> kills--; faults++ };
			if
			:: faults >= FAULTS_MAX -> d_step { faults = 0; decided = proposed; verdicts++ } /* poison */
			:: mutant == MUTANT_DEATH_DROPS -> proposed = decided
			:: else
			fi;
			goto start
		:: true
		fi;
		if
		:: number != proposed && mutant != MUTANT_VERDICT_WITHOUT_NUMBER -> goto start
		:: seen0 == BROKEN || seen1 == BROKEN -> d_step { decided = proposed; verdicts++ } /* rejected */
		:: else ->
			atomic {
				if
				:: mutant == MUTANT_COMMIT_FROM_BUFFER -> data0 = buffer; data1 = buffer
				:: else -> data0 = copy0; data1 = copy1
				fi;
				commits++;
				assert(data0 == seen0 && data1 == seen1 && data0 == data1);
				assert(data0 != BROKEN)
			}
			if
			:: mutant == MUTANT_DECIDED_APART ->
				if :: atomic { kills > 0 -> kills-- }; goto start :: true fi;
				d_step { accepted++; decided = proposed; verdicts++ }
			:: else -> d_step { accepted++; decided = proposed; verdicts++ }
			fi;
			assert(accepted == commits)
		fi
	od
}

init
{
	atomic {
		mutant_choose();
		kills = KILLS;
		flips = FLIPS;
		run writer();
		run validator()
	}
}
