/* Once-calls, server side: one kept reply for each client thread.
 *
 * Protocol. The client commits its intent (arguments and a sequence number larger than all it used before on that
 * thread), calls, and after any fault calls again with the same. The server's dispatcher hashes method and arguments
 * and asks rt_once_begin: a new sequence is served, a repeat of the last one is answered from the record. The record
 * is a home store of the serving invocation: it commits with the work that it answers for, or not at all, so a fault
 * at any instruction leaves either both or neither. Only the last reply is kept: whoever sends a larger sequence says
 * that the earlier answer has arrived.
 *
 * The table is found by client thread. The manifest compiler lets no thread enter two domains that use a contract with once
 * methods, and bounds threads by the table. */
#include "rt/rt.h"
#include "rt/hook.h"

/* Thread ids, as core/object/thread.h gives them: slots of programs, or this bit and the number of an activity. */
#define THREAD_ACTIVITY 0x8000u
#define ONCE_ACTIVITIES 64u
#define ONCE_PROGRAMS (RT_ONCE_CLIENTS - ONCE_ACTIVITIES)

static struct rt_once_record *once_record(const struct zog_call *call)
{
	uint32_t thread = call->client_thread;

	if (thread < ONCE_PROGRAMS)
		return &rt_once_table()->record[thread];
	thread -= THREAD_ACTIVITY;
	if (thread < ONCE_ACTIVITIES)
		return &rt_once_table()->record[ONCE_PROGRAMS + thread];
	return NULL;
}

static inline bool record_is_intact(const struct rt_once_record *record)
{
	const uint64_t *live = (const void *)record, *committed = rt_committed(record);
	uint64_t difference = 0;

	_Static_assert(sizeof(*record) == 7 * sizeof(*live), "all of the record is compared");
#pragma GCC unroll 7
	for (uint32_t i = 0; i < 7; i++)
		difference |= live[i] ^ committed[i];
	return difference == 0;
}

zog_status_t rt_once_begin(struct zog_call *call, uint64_t sequence, uint64_t hash, zog_status_t *status_out)
{
	const struct rt_once_record *record = once_record(call);

	/* Nothing was stored there in this invocation: a difference is damage, and answering from it would lose or repeat. */
	if (record && !record_is_intact(record))
		rt_fail(ZOG_CAUSE_SCRUB, (uint64_t)record, sizeof(*record));
	if (!record || sequence == 0 || sequence < record->sequence)
		return ZOG_ERR_SEQUENCE;
	if (sequence > record->sequence)
		return ZOG_OK;
	if (hash != record->hash)
		return ZOG_ERR_SEQUENCE;
	for (uint32_t i = 0; i < 4; i++)
		call->out[i] = record->out[i];
	*status_out = record->status;
	return ZOG_ERR_EXISTS;
}

void rt_once_end(struct zog_call *call, uint64_t sequence, uint64_t hash, zog_status_t status)
{
	struct rt_once_record *record = once_record(call);

	rt_assert(record); /* rt_once_begin let this thread in */
	rt_store((uint64_t)record, sizeof(*record)); /* the runtime itself is built without the store hook */
	record->sequence = sequence;
	record->hash = hash;
	record->status = status;
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		record->out[i] = call->out[i];
}
