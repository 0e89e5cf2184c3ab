/* WAIT, notify, park, deadline, signal and restart (core/cross/crossing.c, core/cross/schedule.c).
 *
 * One thread calls a server that needs two things: a record that a caller on the other CPU will change, and a device that
 * tells by an interrupt. What it lacks it waits for. The server is killed in every step of an invocation and between
 * invocations; its device is reset then and forgets. What ends the waiting is one of three: both come true, a signal, the
 * deadline. Guaranteed: the thread gets to its end however the others interleave, its deadline is never moved, and what
 * the server had not committed is gone. */
#include "mutant.pml"
#define MUTANT_PARK_WITHOUT_LOOK 1
#define MUTANT_LOOK_BEFORE_LOCK 2
#define MUTANT_SEEN_AFTER_LOOK 3
#define MUTANT_RESTART_DOES_NOT_WAKE 4
#define MUTANT_RESTART_DOES_NOT_COUNT 5 /* wakes who is parked, but who is about to park does not notice */
#define MUTANT_PARK_IGNORES_SIGNAL 6
#define MUTANT_DEADLINE_STARTS_OVER 7
#define MUTANT_NOTIFY_WITHOUT_COUNT 8

#ifndef KILLS
#define KILLS 2
#endif
#define FREE 255
#define CPU_THREAD 0
#define CPU_OTHER 1
#define CPU_KILLER 2
#define TIME_END 3

mtype = { RESCUE_NOTIFY, RESCUE_SIGNAL, RESCUE_DEADLINE };
mtype rescue;
byte lock = FREE;
bool live_ready, committed_ready;       /* the record */
byte live_deadline, committed_deadline; /* 0: none yet */
byte first_deadline;
bool device_asked, device_done;
byte count;
bool is_parked, has_attention, is_done;
byte parked_deadline;
byte now;
byte kills;

/* domain_reset and thread_wake_waiters_of. The event's count moves, so that a thread which read it before the fault does
 * not park on it after. */
inline server_reset()
{
	d_step { live_ready = committed_ready; live_deadline = committed_deadline; device_asked = 0; device_done = 0 };
	d_step {
		if :: mutant != MUTANT_RESTART_DOES_NOT_COUNT -> count++ :: else fi;
		if :: mutant != MUTANT_RESTART_DOES_NOT_WAKE -> is_parked = 0 :: else fi
	}
}
inline kill_point() { if :: atomic { kills > 0 -> kills-- }; server_reset(); goto issue :: true fi }
/* Under the schedule lock. */
inline event_notify() { d_step { if :: mutant != MUTANT_NOTIFY_WITHOUT_COUNT -> count++ :: else fi; is_parked = 0 } }

proctype thread()
{
	byte seen;
	bool is_enough;

start:
	atomic { lock == FREE -> lock = CPU_THREAD };
issue:
	kill_point();
	if :: mutant != MUTANT_SEEN_AFTER_LOOK -> seen = count :: else fi;
	kill_point();
	if :: live_deadline == 0 || mutant == MUTANT_DEADLINE_STARTS_OVER -> live_deadline = (now < TIME_END -> now + 1 : TIME_END) :: else fi;
	kill_point();
	device_asked = 1;
	kill_point();
	is_enough = (live_ready && device_done);
	if :: mutant == MUTANT_SEEN_AFTER_LOOK -> kill_point(); seen = count :: else fi;
	kill_point();
	if
	:: is_enough || now >= live_deadline || has_attention -> goto finish
	:: else
	fi;
	/* ZOG_WAIT: the commit, then the chain unwinds. */
	d_step {
		assert(live_ready == committed_ready);
		committed_deadline = live_deadline;
		if :: first_deadline == 0 -> first_deadline = committed_deadline :: else fi
	};
	lock = FREE;
	if
	:: mutant == MUTANT_LOOK_BEFORE_LOCK ->
		if :: count != seen || has_attention -> goto start :: else fi;
		d_step { is_parked = 1; parked_deadline = committed_deadline }
	:: else ->
		d_step {
			if
			:: (count != seen && mutant != MUTANT_PARK_WITHOUT_LOOK) || (has_attention && mutant != MUTANT_PARK_IGNORES_SIGNAL)
			:: else -> is_parked = 1; parked_deadline = committed_deadline
			fi
		}
	fi;
	!is_parked;
	goto start;

finish:
	assert(first_deadline == 0 || live_deadline == first_deadline);
	lock = FREE;
	is_done = 1
}

proctype other()
{
	rescue == RESCUE_NOTIFY;
	atomic { lock == FREE -> lock = CPU_OTHER };
issue:
	kill_point();
	live_ready = 1;
	kill_point();
	committed_ready = live_ready;
	event_notify(); /* after the commit, before the reply: cut there, it is repeated (commit.pml) */
	lock = FREE
}

proctype device()
{
end:
	do
	:: device_asked && !device_done ->
		d_step { if :: device_asked -> device_done = 1 :: else fi };
		event_notify() /* the interrupt: without the server's lock */
	:: is_done -> break
	od
}

proctype killer()
{
end:
	do
	:: atomic { kills > 0 && lock == FREE -> kills--; lock = CPU_KILLER };
		server_reset();
		lock = FREE
	:: is_done -> break
	od
}

proctype signaller()
{
	rescue == RESCUE_SIGNAL;
	has_attention = 1;
	d_step { is_parked = 0 } /* thread_wake */
}

proctype timer()
{
	rescue == RESCUE_DEADLINE;
	do
	:: now < TIME_END -> now++
	:: d_step { is_parked && parked_deadline <= now -> is_parked = 0 } /* deadline_check, at every tick */
	:: is_done -> break
	od
}

init
{
	atomic {
		mutant_choose();
		kills = KILLS;
		if :: rescue = RESCUE_NOTIFY :: rescue = RESCUE_SIGNAL :: rescue = RESCUE_DEADLINE fi;
		run thread(); run other(); run device(); run killer(); run signaller(); run timer()
	}
}

ltl ends { <> is_done }
