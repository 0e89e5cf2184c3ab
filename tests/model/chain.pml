/* A chain of crossings whose middle is killed while its callee runs (core/cross/crossing.c).
 *
 * A program's call enters A, which calls B, which calls C; another thread calls C alone, on the other CPU. Each domain counts
 * the call in its home region before it crosses; C may have to wait once, in the middle of its work. Kills strike A and B at
 * their own steps and while their callees run, and C at its steps. The callee of a domain that was killed finishes
 * first; then the killed frame starts over, and its caller notices nothing. B and C are idempotent: they note the number of the
 * call. Guaranteed: what is committed in A counts the call once, every frame holds its domain's lock while it runs, a
 * dead domain's frame is never resumed, WAIT leaves nothing of the outer frames behind, and all locks are free at the end. */
#include "mutant.pml"
#define MUTANT_DEAD_FRAME_RESUMED 1
#define MUTANT_WAIT_KEEPS_OUTER_WORK 2
#define MUTANT_RESTART_GIVES_LOCK_BACK 3
#define MUTANT_WAIT_KEEPS_OUTER_LOCKS 4
#define MUTANT_RETURN_COMMITS_CALLER 5 /* the callee's reply commits its caller's work, too */

#ifndef KILLS
#define KILLS 2
#define OTHER_CALLS 1
#endif
#define FREE 255
#define A 0
#define B 1
#define C 2

byte live[3], committed[3]; /* A: calls counted; B, C: the highest number of a call seen */
byte lock[3] = FREE;
bool is_killed[3];          /* asked for while its callee ran */
byte inside[3];             /* invocations whose code runs, or that wait for their callee */
bool is_fresh[3];           /* reset since the invocation began: nothing of it may go on */
byte kills, waits, finished, answered;

inline domain_reset(d) { d_step { live[d] = committed[d]; is_killed[d] = 0; is_fresh[d] = 1 } }
inline domain_enter(me, d) { atomic { lock[d] == FREE -> lock[d] = me; assert(inside[d] == 0); inside[d]++ } }
inline domain_leave(d) { d_step { if :: is_killed[d] -> live[d] = committed[d]; is_killed[d] = 0 :: else fi; inside[d]--; lock[d] = FREE } }
inline domain_commit(me, d) { d_step { assert(lock[d] == me); assert(!is_fresh[d]); committed[d] = live[d] } }
inline domain_write(me, d, value) { d_step { assert(lock[d] == me); assert(!is_fresh[d]); live[d] = value } }

/* At a domain's own step, it ends at once and its frame is issued again; while its callee runs, it is asked for. */
inline kill_point(d, again)
{
	if
	:: atomic { kills > 0 -> kills-- };
		domain_reset(d);
		if :: mutant == MUTANT_RESTART_GIVES_LOCK_BACK -> lock[d] = FREE :: else fi;
		goto again
	:: true
	fi
}
inline kill_asked(d) { if :: atomic { kills > 0 -> kills--; is_killed[d] = 1 } :: true fi }
/* WAIT: the top frame has committed; the outer ones are undone and left. */
inline outer_undo(d)
{
	d_step {
		if :: mutant != MUTANT_WAIT_KEEPS_OUTER_WORK -> live[d] = committed[d] :: else fi;
		is_killed[d] = 0;
		inside[d]--;
		if :: mutant != MUTANT_WAIT_KEEPS_OUTER_LOCKS -> lock[d] = FREE :: else fi
	}
}

proctype program(byte me)
{
root:
	domain_enter(me, A);
issue_a:
	is_fresh[A] = 0;
	kill_point(A, issue_a);
	domain_write(me, A, live[A] + 1);
	kill_point(A, issue_a);

	domain_enter(me, B);
issue_b:
	is_fresh[B] = 0;
	kill_point(B, issue_b);
	domain_write(me, B, 1);
	kill_point(B, issue_b);

	domain_enter(me, C);
issue_c:
	is_fresh[C] = 0;
	kill_asked(A);
	kill_asked(B);
	kill_point(C, issue_c);
	if
	:: waits > 0 ->
		waits--;
		domain_commit(me, C);
		domain_leave(C);
		outer_undo(B);
		outer_undo(A);
		goto root
	:: true
	fi;
	domain_write(me, C, (live[C] < 1 -> 1 : live[C]));
	kill_point(C, issue_c);
	domain_commit(me, C);
	if :: mutant == MUTANT_RETURN_COMMITS_CALLER -> committed[A] = live[A]; committed[B] = live[B] :: else fi;
	domain_leave(C);

	/* C has replied; was B killed meanwhile? */
	if
	:: is_killed[B] -> domain_reset(B); if :: mutant != MUTANT_DEAD_FRAME_RESUMED -> goto issue_b :: else fi
	:: else
	fi;
	kill_point(B, issue_b);
	domain_commit(me, B);
	domain_leave(B);
	if
	:: is_killed[A] -> domain_reset(A); if :: mutant != MUTANT_DEAD_FRAME_RESUMED -> goto issue_a :: else fi
	:: else
	fi;
	kill_point(A, issue_a);
	domain_commit(me, A);
	answered++;
	domain_leave(A);
	assert(committed[A] == 1 && live[A] == 1 && committed[B] == 1 && committed[C] >= 1);
	finished++
}

proctype other(byte me)
{
	byte calls = OTHER_CALLS;

	do
	:: calls > 0 ->
		domain_enter(me, C);
issue_c:	is_fresh[C] = 0;
		kill_point(C, issue_c);
		domain_write(me, C, (live[C] < 2 -> 2 : live[C]));
		kill_point(C, issue_c);
		domain_commit(me, C);
		domain_leave(C);
		calls--
	:: else -> break
	od;
	finished++
}

init
{
	atomic { mutant_choose(); kills = KILLS; waits = 1; lock[A] = FREE; lock[B] = FREE; lock[C] = FREE; run program(0); run other(1) };
	finished == 2;
	assert(lock[A] == FREE && lock[B] == FREE && lock[C] == FREE);
	assert(committed[C] == 2 && answered == 1)
}
