/* Handles of contracts: see contract.h. Records and steps may lie in the home region, whose stores the compiler's hook does
 * not see here. */
#include "rt/contract.h"
#include "rt/rt.h"

static void touch(void *start, size_t size)
{
	if ((uintptr_t)start - ZOG_HOME_BASE < ZOG_HOME_SIZE_MAX)
		rt_home_touch(start, size);
}

void rt_handle_move(struct rt_handle_record *record, uint32_t method, uint64_t hash, uint32_t target)
{
	touch(record, sizeof(*record));
	record->hash = hash;
	record->method = method;
	record->state = target;
}

void rt_handle_note(struct rt_handle *handle, uint32_t method, const uint64_t word[6], uint32_t state)
{
	uint32_t place = 0;

	touch(handle, sizeof(*handle));
	if (state == 0) {
		handle->count = 0;
		return;
	}
	while (place < handle->count && place < RT_HANDLE_STEPS && handle->step[place].state != state)
		place++;
	if (place < handle->count && place < RT_HANDLE_STEPS) { /* been here: how it came here the first time still holds */
		handle->count = place + 1;
		return;
	}
	rt_assert(place < RT_HANDLE_STEPS); /* a contract has no more states */
	handle->step[place].method = method;
	handle->step[place].state = state;
	for (uint32_t i = 0; i < 6; i++)
		handle->step[place].word[i] = word[i];
	handle->count = place + 1;
}

bool rt_handle_restore(struct rt_handle *handle, uint32_t cap)
{
	uint64_t out[4];

	for (uint32_t i = 0, tries = 0; i < handle->count && i < RT_HANDLE_STEPS;) {
		zog_status_t status = rt_call(cap, handle->step[i].method, handle->step[i].word, out);
		if (status == ZOG_OK)
			i++;
		else if (status == ZOG_ERR_HANDLE && i > 0 && tries++ < RT_HANDLE_TRIES)
			i = 0; /* it died again, between two steps */
		else
			return false;
	}
	return handle->count > 0;
}
