/* The driver of `edu` (QEMU, docs/specs/edu.txt): registers in window 0, a buffer of 4 KiB inside the device, one transfer
 * at a time. See README.md. */
#include "base/mmio.h"
#include "contracts/aim_server.h"
#include "contracts/bus_client.h"
#include "domain.h"
#include "rt/rt.h"

enum edu_register { EDU_INTERRUPTS = 0x24, EDU_ACKNOWLEDGE = 0x64, EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98 };
enum edu_command { EDU_RUN = 1, EDU_FROM_DEVICE = 2, EDU_INTERRUPT = 4 };
#define EDU_BUFFER 0x40000u
#define TRANSFER_BYTES 1024u
#define TRANSFER_WORDS (TRANSFER_BYTES / sizeof(uint64_t))
#define PATTERN 0x4d41524b00000000ul /* and the word's number */
#define LOOK_NS 10000000ul

enum transfer_state { TRANSFER_NONE, TRANSFER_FLYING, TRANSFER_DONE, TRANSFER_CUT };
struct home {
	uint64_t number, state; /* enum transfer_state */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

static bool is_present; /* scratch */

static uintptr_t edu(uint32_t place) { return ZOG_MMIO_BASE + place; }
static volatile uint64_t *own(uint64_t offset) { return (volatile uint64_t *)(ZOG_DMA_BASE + offset); }

static void device_aim(uint64_t address, enum aim_direction direction, bool does_interrupt)
{
	bool is_from = direction == AIM_DIRECTION_FROM_DEVICE;

	mmio_write32(edu(EDU_SOURCE), is_from ? EDU_BUFFER : (uint32_t)address);
	mmio_write32(edu(EDU_TARGET), is_from ? (uint32_t)address : EDU_BUFFER);
	mmio_write32(edu(EDU_COUNT), TRANSFER_BYTES);
	mmio_write32(edu(EDU_COMMAND), EDU_RUN | (is_from ? EDU_FROM_DEVICE : 0) | (does_interrupt ? EDU_INTERRUPT : 0));
}

static bool device_is_running(void) { return (mmio_read32(edu(EDU_COMMAND)) & EDU_RUN) != 0; }

/* Where the device finds it. */
static zog_status_t address_find(enum aim_place place, uint64_t address, uint64_t *out)
{
	if (place == AIM_PLACE_FRAME || place == AIM_PLACE_LAST)
		return rt_frame_pin(address, ZOG_PIN_WRITE, out);
	if (place == AIM_PLACE_OWN && (address > DMA_BYTES - TRANSFER_BYTES || address % sizeof(uint64_t)))
		return ZOG_ERR_ARGUMENT;
	*out = place == AIM_PLACE_OWN ? rt_self()->dma_physical + address : address;
	return ZOG_OK;
}

static zog_status_t transfer_begin(struct home *home, uint64_t number, enum aim_place place, uint64_t address, enum aim_direction direction)
{
	uint64_t at;
	zog_status_t status = address_find(place, address, &at);

	if (status != ZOG_OK)
		return status;
	for (uint64_t i = 0; place == AIM_PLACE_OWN && i < TRANSFER_WORDS; i++)
		own(address)[i] = direction == AIM_DIRECTION_TO_DEVICE ? PATTERN | i : 0;
	home->number = number;
	home->state = TRANSFER_FLYING;
	rt_commit();
	device_aim(at, direction, place != AIM_PLACE_RAW);
	if (place == AIM_PLACE_LAST)
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0);
	return ZOG_OK;
}

static uint64_t words_equal(uint64_t offset)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < TRANSFER_WORDS; i++)
		count += own(offset)[i] == (PATTERN | i);
	return count;
}

zog_status_t aim_transfer_serve(struct zog_call *call, uint64_t number, enum aim_place place, uint64_t address, enum aim_direction direction,
	enum aim_outcome *outcome, uint64_t *equal)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(EVENT_FINISHED);
	bool must_look = place == AIM_PLACE_RAW && !(rt_info()->iommu & ZOG_IOMMU_DMA);

	if (!is_present)
		return ZOG_ERR_NO_DEVICE;
	if (home->number != number || home->state == TRANSFER_NONE) {
		zog_status_t status = transfer_begin(home, number, place, address, direction);
		if (status != ZOG_OK)
			return status;
	} else if (must_look && home->state == TRANSFER_FLYING && !device_is_running()) {
		home->state = TRANSFER_DONE;
	}
	if (home->state == TRANSFER_FLYING)
		return rt_wait(call, EVENT_FINISHED, seen, must_look ? rt_now_ns() + LOOK_NS : RT_NO_DEADLINE);
	*outcome = home->state == TRANSFER_DONE ? AIM_OUTCOME_DONE : AIM_OUTCOME_CUT;
	*equal = place == AIM_PLACE_OWN && direction == AIM_DIRECTION_FROM_DEVICE && home->state == TRANSFER_DONE ? words_equal(address) : 0;
	/* After a restart nothing is pinned any more. */
	return place == AIM_PLACE_FRAME && rt_frame_pin(address, ZOG_PIN_NONE, &address) == ZOG_ERR_IO ? ZOG_ERR_IO : ZOG_OK;
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = rt_home();
	char mode[16] = "";
	uint64_t windows;

	(void)call;
	is_present = rt_option("dma", mode, sizeof(mode)) && bus_claim(&windows) == ZOG_OK && (windows & 1);
	if (home->state == TRANSFER_FLYING)
		home->state = TRANSFER_CUT;
	if (is_present)
		rt_log(RT_INFO, "start %u, own memory at 0x%lx, device %s", rt_self()->start_count, rt_self()->dma_physical,
		       device_is_running() ? "busy" : "quiet");
	rt_notify(EVENT_FINISHED, 0);
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(EVENT_IRQ);
	uint32_t interrupts = is_present ? mmio_read32(edu(EDU_INTERRUPTS)) : 0;

	if (interrupts) {
		mmio_write32(edu(EDU_ACKNOWLEDGE), interrupts);
		if (home->state == TRANSFER_FLYING && !device_is_running())
			home->state = TRANSFER_DONE;
		rt_notify(EVENT_FINISHED, 0);
	}
	return rt_wait(call, EVENT_IRQ, seen, RT_NO_DEADLINE);
}
