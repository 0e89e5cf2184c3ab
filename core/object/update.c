/* Live update: filling a slot, checking it, switching to it, going back. The protocol is in update.h. */
#include "object/update.h"
#include "cross/control.h"
#include "fault/log.h"
#include "fault/measure.h"
#include "object/cpu.h"
#include "object/domain.h"
#include "object/frame.h"

#define PROBATION_TICKS 1000u /* on each CPU on average: a second */
#define START_WAITS_MAX 64u   /* counted, as ticks are: a machine that stalls is not the program's fault */
#define START_WAIT_NS 50000000ull
#define ENTRY_LEAD 16u        /* the loop of a domain told to hang stands right before its entry (cross/crossing.c) */

void update_build(struct domain *domain)
{
	const struct image_desc *image = domain->image;
	struct update *update = &domain->update;
	uint64_t pages = image->text.pages + image->constants.pages + pages_of(image->data.bytes);

	update->slot_pages = (uint32_t)(pages + pages / 2 + 8);
	for (uint32_t i = 0; i < 2; i++)
		update->slot_content[i] = physical_pointer(boot_memory((1 + update->slot_pages) * ZOG_PAGE_SIZE, FRAME_DOMAIN, domain->id));
	for (uint32_t i = 0; i < 3; i++)
		update->sum[i] = boot_pointer((i == 0 ? pages : update->slot_pages) * MEASURE_SUM_BYTES);
}

/* --- the free slot ---------------------------------------------------------------------------------------------- */

static bool state_change(struct update *update, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&update->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static uint64_t ticks_now(void)
{
	uint64_t ticks = 0;

	for (uint32_t i = 0; i < cpu_count; i++)
		ticks += cpu_table[i].ticks;
	return ticks / cpu_count;
}

static bool probation_ticks_are_over(const struct domain *domain)
{
	return ticks_now() - domain->update.probation_ticks >= PROBATION_TICKS;
}

static uint32_t free_slot(const struct domain *domain) { return domain->image == &domain->update.slot[0]; }

const void *update_header(const struct domain *domain) { return domain->image->header; }

zog_status_t update_write(struct domain *domain, uint64_t page, const void *bytes)
{
	struct update *update = &domain->update;
	uint32_t state = update->state;

	if (page > update->slot_pages)
		return ZOG_ERR_TOO_BIG;
	if (state == ZOG_UPDATE_PROBATION && !probation_ticks_are_over(domain))
		return ZOG_ERR_BUSY;
	if (state == ZOG_UPDATE_ARMED || state == ZOG_UPDATE_SWITCHING || !state_change(update, state, ZOG_UPDATE_LOADING))
		return ZOG_ERR_BUSY;
	memcpy(update->slot_content[free_slot(domain)] + page * ZOG_PAGE_SIZE, bytes, ZOG_PAGE_SIZE);
	return ZOG_OK;
}

/* [address, address + pages) lies in the window, on whole pages, behind *end, which moves behind it. */
static bool part_fits(const struct update *update, uint64_t address, uint64_t pages, uint64_t *end)
{
	uint64_t limit = ZOG_IMAGE_BASE + update->window_pages * ZOG_PAGE_SIZE;

	if (pages == 0)
		return true;
	if (address % ZOG_PAGE_SIZE != 0 || address < *end || address >= limit || pages > (limit - address) / ZOG_PAGE_SIZE)
		return false;
	*end = address + pages * ZOG_PAGE_SIZE;
	return true;
}

/* From page 0, which was copied from a stranger, to a description with every bound checked. */
static zog_status_t image_decode(const struct update *update, const uint8_t *content, struct image_desc *image)
{
	struct zog_update_header header;
	uint64_t end = ZOG_IMAGE_BASE;

	memcpy(&header, content, sizeof(header));
	uint64_t text_end = header.text_address + header.text_pages * ZOG_PAGE_SIZE;
	uint64_t pages = (uint64_t)header.text_pages + header.constants_pages + pages_of(header.data_bytes);
	if (header.magic != ZOG_UPDATE_MAGIC || header.layout != ZOG_UPDATE_LAYOUT || header.data_bytes > header.data_memory_bytes)
		return ZOG_ERR_ARGUMENT;
	if (pages > update->slot_pages || pages_of(header.data_memory_bytes) > update->data_pages)
		return ZOG_ERR_TOO_BIG;
	if (header.text_pages == 0 || !part_fits(update, header.text_address, header.text_pages, &end) ||
	    !part_fits(update, header.constants_address, header.constants_pages, &end) ||
	    !part_fits(update, header.data_address, pages_of(header.data_memory_bytes), &end))
		return ZOG_ERR_ARGUMENT;
	if (header.entry < header.text_address + ENTRY_LEAD || header.entry >= text_end)
		return ZOG_ERR_ARGUMENT;
	const uint8_t *text = content + ZOG_PAGE_SIZE, *constants = text + header.text_pages * ZOG_PAGE_SIZE;
	*image = (struct image_desc){
		.entry = header.entry, .header = content,
		.text = { header.text_address, header.text_pages, text },
		.constants = { header.constants_address, header.constants_pages, constants },
		.data = { header.data_address, header.data_bytes, header.data_memory_bytes, constants + header.constants_pages * ZOG_PAGE_SIZE },
	};
	memcpy(image->sha256, header.sha256, sizeof(image->sha256));
	return ZOG_OK;
}

zog_status_t update_check(struct domain *domain)
{
	struct update *update = &domain->update;
	uint32_t slot = free_slot(domain);

	if (update->state != ZOG_UPDATE_LOADING && update->state != ZOG_UPDATE_CHECKED)
		return ZOG_ERR_BUSY;
	zog_status_t status = image_decode(update, update->slot_content[slot], &update->slot[slot]);
	if (status != ZOG_OK)
		return status;
	if (!image_is_measured(domain, &update->slot[slot]))
		return ZOG_ERR_CORRUPT;
	update->state = ZOG_UPDATE_CHECKED;
	return ZOG_OK;
}

/* --- switching ---------------------------------------------------------------------------------------------------- */

bool update_is_checked(const struct domain *domain) { return domain->update.state == ZOG_UPDATE_CHECKED; }

void update_act(struct cpu *cpu, struct domain *domain)
{
	struct update *update = &domain->update;

	if (update->state == ZOG_UPDATE_CHECKED) {
		update->previous = domain->image;
		update->target = &update->slot[free_slot(domain)];
		update->next_state = ZOG_UPDATE_PROBATION;
		__atomic_store_n(&update->state, ZOG_UPDATE_ARMED, __ATOMIC_SEQ_CST);
	}
	/* An effect that was cut by an exception in ring 0 is carried out again: it may be armed, or done, already. */
	if (update->state == ZOG_UPDATE_ARMED)
		control_update(cpu, domain);
}

bool update_undo(struct domain *domain)
{
	struct update *update = &domain->update;
	bool has_answered = domain->invocations >= update->probation_invocations + 2; /* the one that faults is counted, too */

	if (update->state != ZOG_UPDATE_PROBATION || (has_answered && probation_ticks_are_over(domain)) ||
	    !state_change(update, ZOG_UPDATE_PROBATION, ZOG_UPDATE_SWITCHING))
		return false;
	update->target = update->previous;
	update->next_state = ZOG_UPDATE_NONE;
	update->undone++;
	log_line("zog: update undone domain=%s: the program before it runs again", domain->desc->name);
	return true;
}

bool update_start_may_wait(struct domain *domain, uint64_t now_ns, uint64_t *deadline_ns)
{
	if (domain->update.state != ZOG_UPDATE_PROBATION)
		return true;
	if (*deadline_ns > now_ns + START_WAIT_NS)
		*deadline_ns = now_ns + START_WAIT_NS;
	return ++domain->update.start_waits <= START_WAITS_MAX;
}

/* An exception in ring 0 may cut this: whoever resets the domain next finds SWITCHING, and does it again. */
void update_switch(struct domain *domain)
{
	struct update *update = &domain->update;

	if (state_change(update, ZOG_UPDATE_ARMED, ZOG_UPDATE_SWITCHING)) {
		update->updates++;
		log_line("zog: update domain=%s number=%u", domain->desc->name, update->updates);
	}
	if (update->state != ZOG_UPDATE_SWITCHING)
		return;
	domain_image_map(domain, update->target);
	domain->start_failures = 0;
	update->probation_ticks = ticks_now();
	update->start_waits = 0;
	update->probation_invocations = UINT64_MAX - 2; /* until it is ready */
	__atomic_store_n(&update->state, update->next_state, __ATOMIC_SEQ_CST);
}

void update_stats(const struct domain *domain, struct zog_domain_stats *stats)
{
	const struct update *update = &domain->update;

	stats->update_state = update->state;
	/* Another update may come; one whose program answered nothing yet is still undone by a fault. */
	if (update->state == ZOG_UPDATE_PROBATION && probation_ticks_are_over(domain))
		stats->update_state = ZOG_UPDATE_NONE;
	stats->updates = update->updates;
	stats->updates_undone = update->undone;
	memcpy(&stats->image, domain->image->sha256, sizeof(stats->image));
	memcpy(&stats->image_boot, system_image[domain->id].sha256, sizeof(stats->image_boot));
}
