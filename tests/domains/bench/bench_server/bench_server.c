/* The called side of the benchmarks; see the contract. */
#include "rt/rt.h"
#include "domain.h"
#include "contracts/bench_server.h"
#include "stream/stream.h"

#define SLOT_BYTES 4096u

struct home {
	struct rt_once_table once;
	uint64_t total;
	struct stream_home stream;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the records");

static struct stream stream;

struct rt_once_table *rt_once_table(void)
{
	struct home *home = rt_home();

	return &home->once;
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = rt_home();
	struct stream_place place = STREAM_PLACE(SMALL, STREAM_END_CONSUMER, SLOT_BYTES, EVENT_USED, &home->stream);

	(void)call;
	return stream_attach(&stream, &place);
}

zog_status_t bench_nothing_serve(struct zog_call *call, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *w, uint64_t *x, uint64_t *y,
				 uint64_t *z)
{
	(void)call;
	*w = a, *x = b, *y = c, *z = d;
	return ZOG_OK;
}

zog_status_t bench_checked_serve(struct zog_call *call, uint64_t a, uint32_t b, uint16_t c, int32_t d, uint64_t *sum)
{
	(void)call;
	*sum = a + b + c + (uint64_t)d;
	return ZOG_OK;
}

zog_status_t bench_add_serve(struct zog_call *call, uint64_t amount, uint64_t *total)
{
	struct home *home = rt_home();

	(void)call;
	home->total += amount;
	*total = home->total;
	return ZOG_OK;
}

zog_status_t bench_drain_serve(struct zog_call *call, uint64_t records, uint64_t bytes, uint64_t *instructions, uint64_t *bad)
{
	uint8_t data[SLOT_BYTES];
	size_t room = sizeof(data) / bytes, length = 0, done = 0; /* records that do not fit take the places of the first ones */
	zog_status_t status = ZOG_OK;

	(void)call;
	stream_rewind(&stream);
	uint64_t start = __builtin_ia32_rdtsc();
	if (records <= room) {
		status = stream_take_many(&stream, data, bytes, records, &done);
		length = done == records ? bytes : 0;
	}
	for (uint64_t i = 0, place = 0; records > room && i < records && status == ZOG_OK; i++, place = place + 1 < room ? place + 1 : 0)
		status = stream_take(&stream, data + place * bytes, bytes, &length);
	stream_seal(&stream);
	*instructions = __builtin_ia32_rdtsc() - start;
	*bad = length != bytes;
	for (size_t i = 0; i < room && i < records; i++)
		*bad += data[i * bytes] != (uint8_t)records || data[(i + 1) * bytes - 1] != (uint8_t)~records;
	if (status != ZOG_OK)
		return status;
	rt_commit();
	start = __builtin_ia32_rdtsc();
	stream_show(&stream);
	*instructions += __builtin_ia32_rdtsc() - start;
	return ZOG_OK;
}
