/* A driver for QEMU's `edu` device (QEMU documentation, "EDU device"): registers, one interrupt, DMA.
 *
 * Protocol: a call that finds no job of its own starts one and waits for `done`, the device's interrupt; issued again,
 * it finds its job over and takes the result. The device does one thing at a time: who finds it busy waits, too.
 *
 * Ordering: the count of `done` is read before the device is looked at, so an interrupt in between makes the wait return
 * at once. The job is scratch: a restart forgets it, the calls are issued again, and a repeated factorial is the same
 * factorial. The tally must be exact, so it lives in the home region and changes with the reply that it counts. */
#include "base/mmio.h"
#include "contracts/bus_client.h"
#include "contracts/device_server.h"
#include "domain.h"
#include "rt/rt.h"

enum edu_register {
	EDU_ID = 0x00, EDU_FACTORIAL = 0x08, EDU_STATUS = 0x20, EDU_INTERRUPTS = 0x24, EDU_ACKNOWLEDGE = 0x64,
	EDU_DMA_FROM = 0x80, EDU_DMA_TO = 0x88, EDU_DMA_BYTES = 0x90, EDU_DMA_COMMAND = 0x98, EDU_REGISTERS = 0xa0,
};
#define EDU_ID_MASK 0x0000ffffu
#define EDU_ID_WANTED 0x00edu
enum edu_status { EDU_COMPUTING = 1, EDU_INTERRUPT_WHEN_DONE = 0x80 };
enum edu_dma { EDU_DMA_RUN = 1, EDU_DMA_FROM_DEVICE = 2, EDU_DMA_INTERRUPT = 4 };
#define EDU_MEMORY 0x40000u   /* where the device has its own 4 KiB */
#define LOST_NS 500000000ull  /* after so long a waiting call looks for itself */

struct home {
	uint64_t factorials, echoes;
};

/* What goes out stands in the first half of the DMA memory, what comes back in the second. */
struct dma {
	uint8_t out[DEVICE_ECHO_DATA_MAX], back[DEVICE_ECHO_DATA_MAX];
};
_Static_assert(sizeof(struct dma) <= DMA_BYTES, "dma_kib in manifest.toml");

enum job_kind { JOB_NONE, JOB_FACTORIAL, JOB_SEND, JOB_FETCH };
static struct job {
	enum job_kind kind;
	uint32_t thread;
	uint64_t argument;
} job;
static bool is_present;

static uint32_t edu_read(enum edu_register place)
{
	return mmio_read32(ZOG_MMIO_BASE + place);
}

static void edu_write(enum edu_register place, uint32_t value)
{
	mmio_write32(ZOG_MMIO_BASE + place, value);
}

static struct dma *dma(void)
{
	return (struct dma *)ZOG_DMA_BASE;
}

/* Without a device the domain starts all the same, and its clients are told. */
zog_status_t domain_start(struct zog_call *call)
{
	uint64_t windows;
	zog_status_t status = bus_claim(&windows);

	(void)call;
	is_present = status == ZOG_OK && rt_self()->window[0].bytes >= EDU_REGISTERS
		&& (edu_read(EDU_ID) & EDU_ID_MASK) == EDU_ID_WANTED;
	if (is_present)
		edu_write(EDU_STATUS, EDU_INTERRUPT_WHEN_DONE);
	rt_log(RT_INFO, "start %u: %s", rt_self()->start_count, is_present ? "device found" : "no device");
	return ZOG_OK;
}

/* Also acknowledges what has been raised: whoever waits looks at the device again. */
static bool is_busy(void)
{
	edu_write(EDU_ACKNOWLEDGE, edu_read(EDU_INTERRUPTS));
	return (edu_read(EDU_STATUS) & EDU_COMPUTING) || (edu_read(EDU_DMA_COMMAND) & EDU_DMA_RUN);
}

static bool job_is(const struct zog_call *call, enum job_kind kind, uint64_t argument)
{
	return job.kind == kind && job.thread == call->client_thread && job.argument == argument;
}

static void job_set(const struct zog_call *call, enum job_kind kind, uint64_t argument)
{
	job = (struct job){ kind, call->client_thread, argument };
}

/* from, to: one of them in the device's memory, the other in ours as the device sees it. */
static void dma_begin(uint64_t from, uint64_t to, size_t bytes, uint32_t direction)
{
	edu_write(EDU_DMA_FROM, (uint32_t)from);
	edu_write(EDU_DMA_TO, (uint32_t)to);
	edu_write(EDU_DMA_BYTES, (uint32_t)bytes);
	edu_write(EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_INTERRUPT | direction);
}

zog_status_t device_factorial_serve(struct zog_call *call, uint32_t n, uint32_t *value)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(EVENT_DONE);

	if (!is_present)
		return ZOG_ERR_NO_DEVICE;
	bool is_idle = !is_busy();

	if (is_idle && job_is(call, JOB_FACTORIAL, n)) {
		*value = edu_read(EDU_FACTORIAL);
		job.kind = JOB_NONE;
		home->factorials++;
		return ZOG_OK;
	}
	if (is_idle) {
		job_set(call, JOB_FACTORIAL, n);
		edu_write(EDU_FACTORIAL, n);
	}
	return rt_wait(call, EVENT_DONE, seen, rt_now_ns() + LOST_NS);
}

zog_status_t device_echo_serve(struct zog_call *call, const void *data, size_t data_length, void *back, size_t back_size, size_t *back_length)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(EVENT_DONE), hash = rt_hash(data_length, data, data_length);

	(void)back_size;
	if (!is_present)
		return ZOG_ERR_NO_DEVICE;
	bool is_idle = !is_busy();

	if (is_idle && job_is(call, JOB_FETCH, hash)) {
		memcpy(back, dma()->back, data_length);
		*back_length = data_length;
		job.kind = JOB_NONE;
		home->echoes++;
		return ZOG_OK;
	}
	if (is_idle && job_is(call, JOB_SEND, hash)) {
		memset(dma()->back, 0, data_length);
		job_set(call, JOB_FETCH, hash);
		dma_begin(EDU_MEMORY, rt_self()->dma_physical + offsetof(struct dma, back), data_length, EDU_DMA_FROM_DEVICE);
	} else if (is_idle) {
		memcpy(dma()->out, data, data_length);
		job_set(call, JOB_SEND, hash);
		dma_begin(rt_self()->dma_physical + offsetof(struct dma, out), EDU_MEMORY, data_length, 0);
	}
	return rt_wait(call, EVENT_DONE, seen, rt_now_ns() + LOST_NS);
}

zog_status_t device_tally_serve(struct zog_call *call, uint64_t *factorials, uint64_t *echoes)
{
	const struct home *home = rt_home();

	(void)call;
	*factorials = home->factorials;
	*echoes = home->echoes;
	return ZOG_OK;
}
