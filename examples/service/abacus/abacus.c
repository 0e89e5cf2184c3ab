/* A native program: asks a device for factorials and echoes in turn, checks each answer, and tells it.
 *
 * Ordering: one call to the device in each invocation. A call that waits unwinds this domain, too, and the activity is
 * issued again from its start; so what must not be lost (the step) is committed before the next call. */
#include "contracts/device_client.h"
#include "domain.h"
#include "rt/rt.h"

#define ECHO_BYTES 512u
#define FACTORIAL_COUNT 13u

struct home {
	uint64_t steps, wrong;
};

static uint32_t factorial(uint32_t n)
{
	uint32_t value = 1;

	while (n > 1)
		value *= n--;
	return value;
}

static zog_status_t step_factorial(struct home *home)
{
	uint32_t n = (uint32_t)(home->steps / 2 % FACTORIAL_COUNT), value = 0;
	zog_status_t status = device_factorial(n, &value);

	if (status != ZOG_OK)
		return status;
	home->wrong += value != factorial(n);
	rt_log(RT_INFO, "step %lu: factorial %u = %u", home->steps, n, value);
	return ZOG_OK;
}

static zog_status_t step_echo(struct home *home)
{
	uint8_t data[ECHO_BYTES], back[DEVICE_ECHO_BACK_MAX];
	size_t length = 0;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < ECHO_BYTES; i++)
		data[i] = (uint8_t)(home->steps * 31 + i * 7);
	zog_status_t status = device_echo(data, sizeof(data), back, sizeof(back), &length);

	if (status != ZOG_OK)
		return status;
	home->wrong += length != sizeof(data) || memcmp(data, back, sizeof(data)) != 0;
	for (uint32_t i = 0; i < length; i++)
		sum = sum * 33 + back[i];
	rt_log(RT_INFO, "step %lu: echo %lu bytes, sum %u", home->steps, length, sum);
	return ZOG_OK;
}

/* Issued again and again by the core. Without a device there is nothing to do any more. */
zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t factorials = 0, echoes = 0;
	zog_status_t status = home->steps % 2 == 0 ? step_factorial(home) : step_echo(home);

	if (status == ZOG_ERR_NO_DEVICE)
		return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), RT_NO_DEADLINE);
	if (status != ZOG_OK)
		return status;
	home->steps++;
	rt_commit();
	if (device_tally(&factorials, &echoes) == ZOG_OK)
		rt_log(RT_INFO, "tally %lu + %lu after %lu steps, %lu wrong", factorials, echoes, home->steps, home->wrong);
	return ZOG_OK;
}
