/* Once-calls: create, link, unlink, rename, control.
 *
 * The law (design: methods are pure, idempotent or once): first the arguments and a fresh sequence number are committed
 * in the thread's record, then the call is made, then its answer is turned into records, and the record is cleared with
 * the reply. When this domain, or the one called, dies anywhere in between, the syscall is entered again, finds the
 * record, and issues the same call with the same sequence: the callee answers from its own record if it had done it. */
#include "intent.h"

static struct intent scratch;

struct intent *intent_scratch(enum intent_number step)
{
	scratch.step = step;
	scratch.length = 0;
	memset(scratch.word, 0, sizeof scratch.word);
	return &scratch;
}

bool intent_text(struct intent *intent, const void *text, size_t length)
{
	if (length > sizeof intent->data - intent->length)
		return false;
	memcpy(intent->data + intent->length, text, length);
	intent->length += (uint32_t)length;
	return true;
}

int64_t intent_call(struct zog_call *call, const struct intent *intent)
{
	struct intent *own = thread_intent(thread_current(call));

	rt_assert(intent->step > INTENT_NONE && intent->step < INTENT_COUNT);
	own->step = intent->step;
	own->length = intent->length;
	own->sequence = sequence_next();
	memcpy(own->word, intent->word, sizeof own->word);
	memcpy(own->data, intent->data, intent->length);
	rt_commit();
	return intent_resume(call);
}

int64_t intent_resume(struct zog_call *call)
{
	struct intent *own = thread_intent(thread_current(call));
	uint64_t out[4] = { 0 };
	zog_status_t status;
	int64_t result;

	rt_assert(own->step < INTENT_COUNT);
	status = intent_names[own->step].call(call, own, out);
	result = intent_names[own->step].finish(call, own, status, out);
	if (result != SYS_WAIT && result != SYS_RETRY)
		own->step = INTENT_NONE;
	return result;
}

int64_t intent_start_over(struct intent *intent)
{
	intent->step = INTENT_NONE;
	rt_commit();
	return SYS_RETRY;
}
