/* Streams (lib/stream/stream.h, stream.c): publish tied to the commit, sleep and wake, either side killed at any step.
 *
 * Producer and consumer run on a CPU each. A record's contents depend on when it is made, so that one which is made again
 * after a rollback is another one. A side has its position in scratch, in its home region (live and committed), and shown
 * to the peer in its own pages, which outlive it. A store may sit in the CPU's store buffer until a fence. Guaranteed:
 * what the consumer commits is what the producer committed, each record once and in order; no position is ever
 * impossible to the peer; and both get to their end, however often they sleep. */
#include "mutant.pml"
#define MUTANT_SHOW_BEFORE_COMMIT 1
#define MUTANT_FREE_BEFORE_COMMIT 2    /* the consumer shows its position before the commit of what it took */
#define MUTANT_ATTACH_DOES_NOT_SHOW 3
#define MUTANT_ATTACH_FORGETS_POSITION 4
#define MUTANT_NO_FENCE_IN_SHOW 5
#define MUTANT_NO_FENCE_IN_WAIT 6
#define MUTANT_NO_SECOND_LOOK 7        /* sleeps without reading the position after the flag */
#define MUTANT_SEEN_AFTER_FLAG 8
#define MUTANT_NOT_SEALED 9            /* the consumer's position is not part of the transaction */
#define MUTANT_POSITION_FIRST 10       /* moves the shown position before the record is written */

#ifndef RECORDS
#define RECORDS 2
#define SLOTS 1
#define KILLS 1
#endif
#define P 0
#define C 1

byte sequence[SLOTS], data[SLOTS];   /* the producer's pages */
byte shown[2], buffered[2];          /* as memory has it; in the store buffer */
bool is_buffered[2];
bool asleep[2], flag_is_buffered[2];
byte live[2], committed[2];
byte count[2];                       /* each side's event */
bool is_parked[2], is_staged[2];
byte made[RECORDS], taken;           /* committed by the producer; committed by the consumer */
byte kills;
bool is_done;

inline drain(me)
{
	d_step {
		if :: is_buffered[me] -> shown[me] = buffered[me]; is_buffered[me] = 0 :: else fi;
		if :: flag_is_buffered[me] -> asleep[me] = 1; flag_is_buffered[me] = 0 :: else fi
	}
}
/* A fault: home and scratch go back, staged operations are dropped; whoever waits for this domain is woken. */
inline killed(me) { drain(me); d_step { live[me] = committed[me]; is_staged[me] = 0; count[me]++; is_parked[1 - me] = 0 } }
inline kill_point(me) { if :: atomic { kills > 0 -> kills-- }; killed(me); goto start :: true fi }
inline staged_carry_out(me)
{
	d_step { if :: is_staged[me] -> count[me]++; is_parked[1 - me] = 0; is_staged[me] = 0 :: else fi }
}
inline position_show(me, value)
{
	d_step { assert(!is_buffered[me]); buffered[me] = value; is_buffered[me] = 1 };
	if :: me == P && mutant == MUTANT_NO_FENCE_IN_SHOW :: else -> drain(me) fi;
	kill_point(me);
	if :: asleep[1 - me] -> is_staged[me] = 1 :: else fi;
	kill_point(me)
}
inline attach(me)
{
	position = (mutant == MUTANT_ATTACH_FORGETS_POSITION -> live[me] * 0 : committed[me]);
	if :: mutant != MUTANT_ATTACH_DOES_NOT_SHOW -> position_show(me, committed[me]) :: else fi;
	asleep[me] = 0;
	staged_carry_out(me)
}
inline seal(me) { if :: me == C && mutant == MUTANT_NOT_SEALED :: else -> live[me] = position fi; kill_point(me) }
/* Until the peer may have moved. */
inline peer_await(me)
{
	d_step { if :: count[1 - me] == seen -> is_parked[me] = 1 :: else fi };
	!is_parked[me]
}
inline sleep_begin(me)
{
	if :: mutant != MUTANT_SEEN_AFTER_FLAG -> seen = count[1 - me] :: else fi;
	kill_point(me);
	flag_is_buffered[me] = 1;
	if :: me == C && mutant == MUTANT_NO_FENCE_IN_WAIT :: else -> drain(me) fi;
	kill_point(me)
}

proctype producer()
{
	byte position, peer, seen;

start:
	attach(P);
	do
	:: committed[P] == RECORDS -> break
	:: else ->
		peer = shown[C];
		assert(peer <= committed[P]);
		if
		:: position < RECORDS && position - peer < SLOTS ->
			if :: mutant == MUTANT_POSITION_FIRST -> shown[P] = position + 1 :: else fi;
			kill_point(P);
			data[position % SLOTS] = 10 + kills; /* differs when it is made again */
			kill_point(P);
			sequence[position % SLOTS] = position + 1;
			position++;
			/* More to the batch, or publish. */
			if :: position < RECORDS && position - peer < SLOTS -> goto more :: true fi;
publish:
			if :: mutant == MUTANT_SHOW_BEFORE_COMMIT -> position_show(P, position) :: else fi;
			seal(P);
			d_step {
				do
				:: committed[P] < live[P] -> made[committed[P]] = data[committed[P] % SLOTS]; committed[P]++
				:: else -> break
				od
			};
			staged_carry_out(P);
			kill_point(P);
			if :: mutant != MUTANT_SHOW_BEFORE_COMMIT -> position_show(P, committed[P]) :: else fi;
			staged_carry_out(P);
more:			skip
		:: else ->
			if :: position != committed[P] -> goto publish :: else fi;
			sleep_begin(P);
			if :: mutant == MUTANT_SEEN_AFTER_FLAG -> peer = shown[C]; seen = count[C] :: else -> if :: mutant != MUTANT_NO_SECOND_LOOK -> peer = shown[C] :: else fi fi;
			if
			:: position - peer < SLOTS -> drain(P); asleep[P] = 0
			:: else -> peer_await(P)
			fi;
			asleep[P] = 0
		fi
	od;
	/* It stays: a kill brings it back to show what it committed. */
end:
	do
	:: atomic { kills > 0 && !is_done -> kills-- }; killed(P); goto start
	:: is_done -> break
	od
}

proctype consumer()
{
	byte position, peer, seen, got[2], n;

start:
	attach(C);
	n = 0;
	do
	:: committed[C] == RECORDS -> break
	:: else ->
		peer = shown[P];
		assert(peer >= position);
		if
		:: position < peer && n < 2 ->
			assert(sequence[position % SLOTS] == position + 1);
			kill_point(C);
			got[n] = data[position % SLOTS];
			n++;
			position++
		:: n > 0 ->
			if :: mutant == MUTANT_FREE_BEFORE_COMMIT -> position_show(C, position) :: else fi;
			seal(C);
			d_step {
				assert(taken + n <= RECORDS);
				assert(committed[P] >= taken + n);
				assert(made[taken] == got[0]);
				if :: n == 2 -> assert(made[taken + 1] == got[1]) :: else fi;
				taken = taken + n;
				n = 0;
				got[0] = 0;
				got[1] = 0;
				committed[C] = live[C]
			};
			staged_carry_out(C);
			kill_point(C);
			if :: mutant != MUTANT_FREE_BEFORE_COMMIT -> position_show(C, committed[C]) :: else fi;
			staged_carry_out(C)
		:: position == peer && n == 0 ->
			sleep_begin(C);
			if :: mutant == MUTANT_SEEN_AFTER_FLAG -> peer = shown[P]; seen = count[P] :: else -> if :: mutant != MUTANT_NO_SECOND_LOOK -> peer = shown[P] :: else fi fi;
			if
			:: position < peer -> drain(C)
			:: else -> peer_await(C)
			fi;
			drain(C);
			asleep[C] = 0
		fi
	od;
	assert(taken == RECORDS && committed[C] == RECORDS);
	is_done = 1
}

/* The store buffers empty themselves sooner or later. */
proctype buffers()
{
end:
	do
	:: is_buffered[P] || flag_is_buffered[P] -> drain(P)
	:: is_buffered[C] || flag_is_buffered[C] -> drain(C)
	:: is_done -> break
	od
}

init { atomic { mutant_choose(); kills = KILLS; run producer(); run consumer(); run buffers() } }
