/* Once-calls: intent, sequence and kept reply (lib/rt/once.c, subsystems/personality/linux/intent.c).
 *
 * Two threads of a client each make calls that must not happen twice: the client commits its intent (sequence, argument),
 * calls, turns the answer into its own records and clears the intent with its reply. The server counts what it does and
 * keeps the last reply of each thread, in one transaction. Either is killed at every step of its own, and the client
 * while its callee runs; then it starts over when the callee is done. Either may have to wait, and lets others in. A client's domain lets one invocation in at a time.
 * Guaranteed: each call of each program is done once, answered with its own result, and never refused. */
#include "mutant.pml"
#define MUTANT_INTENT_NOT_COMMITTED 1
#define MUTANT_REPLY_NOT_KEPT 2
#define MUTANT_REPLY_KEPT_APART 3       /* in a transaction of its own, after the work's */
#define MUTANT_NEW_SEQUENCE_ON_RETRY 4
#define MUTANT_INTENT_CLEARED_EARLY 5   /* committed clear before the result is recorded */
#define MUTANT_ONE_RECORD_FOR_ALL 6
#define MUTANT_SEQUENCE_IN_SCRATCH 7    /* a restart begins the numbers anew */

#ifndef CALLS
#define CALLS 2
#define KILLS 2
#define WAITS 2
#endif
#define THREADS 2
#define FREE 255

typedef record { byte sequence; byte argument; byte result };
typedef intent { bool is_open; byte sequence; byte argument };

/* Client: committed images, and the scratch of the invocation that is inside. */
intent client_intent[THREADS];
byte client_sequence, scratch_sequence;
byte client_results[THREADS]; /* how many results each program has got */
byte client_lock = FREE;

/* Server: committed. */
record server_record[THREADS];
byte server_done[THREADS];    /* per thread: number of calls done; argument k must be the k-th */
byte kills, waits;
byte finished;

#define RECORD_OF(id) (mutant == MUTANT_ONE_RECORD_FOR_ALL -> 0 : id)

inline client_kill_point() { if :: atomic { kills > 0 -> kills-- }; scratch_sequence = 0; goto issue :: true fi }
inline server_kill_point() { if :: atomic { kills > 0 -> kills-- }; goto serve :: true fi }

/* The server, or the client itself, has to wait: the chain unwinds, others get in, the syscall is entered again. */
inline wait_point() { if :: atomic { waits > 0 -> waits-- }; client_lock = FREE; goto again :: true fi }

inline sequence_next()
{
	if
	:: mutant == MUTANT_SEQUENCE_IN_SCRATCH -> scratch_sequence++; sequence = scratch_sequence
	:: else -> sequence = client_sequence + 1
	fi
}

proctype thread(byte id)
{
	byte call, sequence, argument, result;
	bool is_new;

	do
	:: call == CALLS -> break
	:: else ->
again:		atomic { client_lock == FREE -> client_lock = id };
issue:
		/* The syscall from its start: an open intent is gone on with. */
		client_kill_point();
		argument = call + 1;
		if
		:: client_intent[id].is_open && mutant != MUTANT_NEW_SEQUENCE_ON_RETRY ->
			sequence = client_intent[id].sequence;
			assert(client_intent[id].argument == argument)
		:: else ->
			sequence_next();
			client_kill_point();
			if
			:: mutant != MUTANT_INTENT_NOT_COMMITTED ->
				d_step { /* rt_commit */
					client_intent[id].is_open = 1;
					client_intent[id].sequence = sequence;
					client_intent[id].argument = argument;
					client_sequence = sequence
				}
			:: else -> client_sequence = sequence
			fi
		fi;
		client_kill_point();

serve:		/* The crossing; a server that dies is issued the same again. */
		server_kill_point();
		wait_point();
		is_new = 0;
		if
		:: sequence < server_record[RECORD_OF(id)].sequence -> assert(false)
		:: sequence == server_record[RECORD_OF(id)].sequence ->
			assert(server_record[RECORD_OF(id)].argument == argument);
			result = server_record[RECORD_OF(id)].result
		:: else -> is_new = 1
		fi;
		server_kill_point();
		if
		:: is_new && mutant == MUTANT_REPLY_KEPT_APART ->
			server_done[id]++;
			result = server_done[id];
			server_kill_point();
			d_step { server_record[RECORD_OF(id)].sequence = sequence; server_record[RECORD_OF(id)].argument = argument; server_record[RECORD_OF(id)].result = result }
		:: is_new && mutant != MUTANT_REPLY_KEPT_APART ->
			d_step { /* work and kept reply in one commit */
				server_done[id]++;
				result = server_done[id];
				if
				:: mutant != MUTANT_REPLY_NOT_KEPT ->
					server_record[RECORD_OF(id)].sequence = sequence;
					server_record[RECORD_OF(id)].argument = argument;
					server_record[RECORD_OF(id)].result = result
				:: else
				fi
			}
		:: else
		fi;

		/* The client may have been killed meanwhile: its frame starts over. */
		client_kill_point();
		wait_point();
		assert(server_done[id] == call + 1);
		assert(result == call + 1);
		if :: mutant == MUTANT_INTENT_CLEARED_EARLY -> client_intent[id].is_open = 0; client_kill_point() :: else fi;
		client_kill_point();
		d_step { /* records, cleared intent and reply in one commit */
			client_intent[id].is_open = 0;
			client_results[id]++
		};
		call++;
		client_lock = FREE
	od;
	skip;
	d_step {
		finished++;
		assert(server_done[id] == CALLS && client_results[id] == CALLS)
	}
}

init { atomic { mutant_choose(); kills = KILLS; waits = WAITS; run thread(0); run thread(1) } }

ltl ends { <> (finished == THREADS) }
