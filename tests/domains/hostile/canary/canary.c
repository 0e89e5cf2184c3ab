/* The tables of steps, and what each finds. A step's number is committed when it is over: a step is made again as the same
 * transfer, which the driver makes once. */
#include "contracts/aim_client.h"
#include "domain.h"
#include "rt/rt.h"

#define START_DELAY_NS 1500000000ul /* programs are to be running by then */
#define WORDS (ZOG_PAGE_SIZE / sizeof(uint64_t))
#define TRANSFER_WORDS 128u
#define SONG 0x43414e4100000000ul    /* and the word's number: what stands in both pages */
#define PATTERN 0x4d41524b00000000ul /* what marksman has its device bring */
#define NOWHERE 0x30000000ul         /* on the bus; in small machines no memory either */
#define CORE_IMAGE 0x110000ul         /* its text: core/arch/x86_64/core.ld */
#define LATER_NS 500000000ul        /* the device needs a fifth of it for a transfer */

enum target { TARGET_OWN, TARGET_LENT, TARGET_NOWHERE, TARGET_SONGS, TARGET_CORE, TARGET_LAST, TARGET_NONE };
struct step {
	const char *name;
	enum target target;
	enum aim_direction direction;
	bool needs_iommu;
};
#define IN AIM_DIRECTION_TO_DEVICE
#define OUT AIM_DIRECTION_FROM_DEVICE
#define HONEST(where) { "load_" where, TARGET_OWN, IN, false }, { "own_" where, TARGET_OWN, OUT, false }, { "lent_" where, TARGET_LENT, OUT, false }

static const struct step rogue_steps[] = {
	HONEST("at_first"),
	{ "write_nowhere", TARGET_NOWHERE, OUT, true },
	HONEST("after_write_nowhere"),
	{ "read_nowhere", TARGET_NOWHERE, IN, true },
	HONEST("after_read_nowhere"),
	{ "write_core", TARGET_CORE, OUT, true },
	{ "read_core", TARGET_CORE, IN, true },
	HONEST("after_core"),
	{ "read_songs", TARGET_SONGS, IN, false },
	{ "lent_after_read_songs", TARGET_LENT, OUT, false }, /* what the device brings back shows what it got */
	{ "load_after_read_songs", TARGET_OWN, IN, false },
	{ "write_songs", TARGET_SONGS, OUT, false },
	HONEST("at_last"),
};
#define STEPS (sizeof(rogue_steps) / sizeof(rogue_steps[0]))
#define FLIGHT { "flight", TARGET_LAST, OUT, false }, { "later", TARGET_NONE, OUT, false }
static const struct step flight_steps[] = { HONEST("before"), FLIGHT, FLIGHT, FLIGHT, FLIGHT, FLIGHT, HONEST("after") };
#define FLIGHT_STEPS (sizeof(flight_steps) / sizeof(flight_steps[0]))

struct home {
	uint64_t step, number, cuts, has_begun; /* number: of the transfer */
	uint64_t later_ns;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

static volatile uint64_t *songs(void) { return (volatile uint64_t *)ZOG_DMA_BASE; }
static volatile uint64_t *lent(void) { return (volatile uint64_t *)(ZOG_DMA_BASE + ZOG_PAGE_SIZE); }

static void page_fill(volatile uint64_t *page)
{
	for (uint64_t i = 0; i < WORDS; i++)
		page[i] = SONG | i;
}

/* Words that are not the page's own, and how many of the first that the device was to bring are the driver's pattern. */
static uint64_t page_changed(const volatile uint64_t *page, uint64_t *brought)
{
	uint64_t changed = 0;

	*brought = 0;
	for (uint64_t i = 0; i < WORDS; i++) {
		changed += page[i] != (SONG | i);
		*brought += page[i] == (PATTERN | i);
	}
	return changed;
}

static zog_status_t step_transfer(const struct step *step, uint64_t number, enum aim_outcome *outcome, uint64_t *equal)
{
	uint64_t physical = rt_self()->dma_physical;

	if (step->target == TARGET_OWN)
		return aim_transfer(number, AIM_PLACE_OWN, step->direction == IN ? 0 : 2048, step->direction, outcome, equal);
	if (step->target == TARGET_LENT || step->target == TARGET_LAST)
		return aim_transfer(number, step->target == TARGET_LENT ? AIM_PLACE_FRAME : AIM_PLACE_LAST, (physical + ZOG_PAGE_SIZE) / ZOG_PAGE_SIZE, step->direction, outcome, equal);
	uint64_t address = step->target == TARGET_SONGS ? physical : step->target == TARGET_CORE ? CORE_IMAGE : NOWHERE;

	return aim_transfer(number, AIM_PLACE_RAW, address, step->direction, outcome, equal);
}

static void step_tell(const struct step *step, enum aim_outcome outcome, uint64_t equal)
{
	uint64_t brought, lent_brought;
	uint64_t changed = page_changed(songs(), &brought), lent_changed = page_changed(lent(), &lent_brought);

	rt_log(RT_INFO, "step %s %s equal=%lu songs_changed=%lu songs_brought=%lu lent_changed=%lu lent_brought=%lu", step->name,
	       outcome == AIM_OUTCOME_DONE ? "done" : "cut", equal, changed, brought, lent_changed, lent_brought);
}

static zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns)
{
	return rt_wait(call, EVENT_NEVER, rt_event_count(EVENT_NEVER), deadline_ns);
}

/* One transfer, told when it is over. */
static zog_status_t step_make(struct zog_call *call, struct home *home, const struct step *step)
{
	enum aim_outcome outcome = AIM_OUTCOME_DONE;
	uint64_t equal = 0;

	if (!home->has_begun) {
		page_fill(songs());
		page_fill(lent());
		home->number++;
		home->has_begun = 1;
		home->later_ns = rt_now_ns() + LATER_NS;
		rt_log(RT_INFO, "step %s begins", step->name);
		rt_commit();
	}
	if (step->target == TARGET_NONE && rt_now_ns() < home->later_ns)
		return again_at(call, home->later_ns);
	zog_status_t status = step->target == TARGET_NONE ? ZOG_OK : step_transfer(step, home->number, &outcome, &equal);

	if (status == ZOG_WAIT)
		return status;
	if (status != ZOG_OK) {
		rt_log(RT_ERROR, "step %s fails with status %ld", step->name, (long)status);
		return again_at(call, RT_NO_DEADLINE);
	}
	step_tell(step, outcome, equal);
	home->has_begun = 0;
	home->cuts += outcome == AIM_OUTCOME_CUT;
	home->step++;
	return again_at(call, rt_now_ns());
}

static zog_status_t done(struct zog_call *call, struct home *home)
{
	rt_log(RT_INFO, "done %lu steps, %lu cut", home->number, home->cuts);
	return again_at(call, RT_NO_DEADLINE);
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	char mode[16] = "";

	if (!rt_option("dma", mode, sizeof(mode)))
		return again_at(call, RT_NO_DEADLINE);
	if (rt_now_ns() < START_DELAY_NS)
		return again_at(call, START_DELAY_NS);
	if (home->number == 0)
		rt_log(RT_INFO, "songs at 0x%lx", rt_self()->dma_physical);
	if (strcmp(mode, "flight") == 0)
		return home->step < FLIGHT_STEPS ? step_make(call, home, &flight_steps[home->step]) : done(call, home);
	while (home->step < STEPS && rogue_steps[home->step].needs_iommu && !(rt_info()->iommu & ZOG_IOMMU_DMA))
		home->step++;
	return home->step < STEPS ? step_make(call, home, &rogue_steps[home->step]) : done(call, home);
}
