/* Going back to a kept version, as a staged operation of the committer; and the hooks of those who take part in a region.
 *
 * Hooks. A region's hooks are due when it went back, and when its writer was ended and what that wrote ahead is gone. One
 * thread of the core carries the calls, method ROLLBACK of contract 0, one after the other in the manifest's order, each
 * under the deadline of its domain's contract 0. A hook that was cut by a fault or a kill is called again like any call;
 * one that faults twice, cannot be started, or answers with an error is skipped, counted and told, and the next one has its
 * turn. What is done stands in hook_done, so that a hook may come twice for one rollback, never not at all; a further
 * rollback meanwhile starts the order over for those that have not seen it. */
#include "tsm/region_stage.h"
#include "tsm/region_hook.h"
#include "arch/x86_64/apic.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "object/frame.h"

/* --- back to a version --------------------------------------------------------------------------------------------- */

bool region_decode_rollback(struct domain *domain, const struct zog_op *op)
{
	const struct region *region = region_of_committer(domain, op->slot);

	return region != NULL && region->desc->is_reconstructible && region_has_version(region, op->word[0]);
}

void region_undo_apply(struct region *region, uint32_t slot)
{
	const struct region_version *version = &region->version[slot];

	for (uint32_t i = 0; i < version->run_count && i < REGION_RUN_MAX; i++)
		memcpy(region->data + version->run[i].offset, version->replaced + version->run[i].at, version->run[i].bytes);
}

void region_undo_sums(struct region *region, uint32_t slot)
{
	const struct region_version *version = &region->version[slot];

	for (uint32_t i = 0; i < version->run_count && i < REGION_RUN_MAX; i++) {
		const struct region_undo *run = &version->run[i];
		uint32_t bytes = region->desc->record[run->kind].bytes;
		for (uint32_t r = 0; r < run->count; r++)
			region->sum[run->kind][run->first + r] = schema_crc32c(0, region->data + run->offset + (uint64_t)r * bytes, bytes);
	}
}

static uint64_t version_bytes(const struct region_version *version)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < version->run_count && i < REGION_RUN_MAX; i++)
		bytes += version->run[i].bytes;
	return bytes;
}

/* On file, in the name of who did it: promises that the region made to its readers are broken. */
static void loss_tell(struct domain *domain, const struct region *region, uint64_t to, uint32_t undone, uint64_t bytes)
{
	log_line("zog: rollback domain=%s region=%s to=%lu undone=%u bytes=%lu epoch=%lu", domain->desc->name, region->desc->name, to, undone,
		 bytes, region->head->epoch);
	incident_record_notice(domain, ZOG_CAUSE_ROLLBACK, to, undone | bytes << 32);
}

/* Newest first; the same bytes may go back twice. */
void region_act_rollback(struct domain *domain, const struct zog_op *op)
{
	struct region *region = region_of_committer(domain, op->slot);
	struct zog_region_head *head = region->head;
	uint32_t slot = region->newest, undone = 0;
	uint64_t bytes = 0;

	__atomic_store_n(&head->version, head->version | 1, __ATOMIC_SEQ_CST);
	for (; undone < region->kept && region->version[slot].is.version > op->word[0]; undone++) {
		region_undo_apply(region, slot);
		bytes += version_bytes(&region->version[slot]);
		slot = (slot + region->desc->history - 1) % region->desc->history;
	}
	for (uint32_t i = 0, at = region->newest; i < undone; i++, at = (at + region->desc->history - 1) % region->desc->history)
		region_undo_sums(region, at);
	head->epoch++;
	head->author = domain->id;
	head->time_ns = time_now_ns();
	region->rollbacks++;
	region->versions_undone += undone;
	region->bytes_undone += bytes;
	region->ring = region_ring(slot, region->kept - undone);
	if (region->proposal != NULL && head->proposed != head->decided)
		proposal_decide(region, head->proposed, ZOG_ERR_SEQUENCE); /* made against what is no more */
	__atomic_store_n(&head->version, (head->version | 1) + 1, __ATOMIC_SEQ_CST);
	region_buffer_is_old(region);
	region_discard(domain);
	loss_tell(domain, region, op->word[0], undone, bytes);
	region_hooks_raise(region);
}

/* What has gone back so far no longer has its sum: the scrubber makes it good from the buffer, which was not discarded. */
void region_rollback_skipped(struct domain *domain, const struct zog_op *op)
{
	struct zog_region_head *head = region_of_committer(domain, op->slot)->head;

	if (head->version & 1)
		__atomic_store_n(&head->version, head->version + 1, __ATOMIC_SEQ_CST);
}

/* --- hooks --------------------------------------------------------------------------------------------------------- */

static struct event hook_event; /* its one waiter is the thread of the hooks */
static uint64_t *hook_done[ZOG_DOMAIN_MAX * ZOG_REGION_MAX]; /* by region and place in its order */
/* The call that the thread carries. */
static struct { struct region *region; uint32_t place; uint64_t due; } running;

void region_hooks_raise(struct region *region)
{
	if (region->desc->hook_count == 0)
		return;
	__atomic_add_fetch(&region->hooks_due, 1, __ATOMIC_SEQ_CST);
	event_notify(&hook_event, 0);
}

void region_domain_ended(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->region_count; i++) {
		struct region *region = region_of(domain, i, REGION_WRITER);
		if (region != NULL)
			region_hooks_raise(region);
	}
}

bool region_hooks_are_there(void)
{
	bool is_any = false;

	for (uint32_t i = 0; i < system_region_count; i++) {
		uint32_t count = region_table[i].desc->hook_count;
		is_any |= count != 0;
		hook_done[i] = count ? boot_pointer(count * sizeof(uint64_t)) : NULL;
	}
	return is_any;
}

/* The first in order that has not heard of the last rollback. */
static bool hook_find(void)
{
	for (uint32_t i = 0; i < system_region_count; i++)
		for (uint32_t place = 0; place < region_table[i].desc->hook_count; place++) {
			running.region = &region_table[i];
			running.place = place;
			running.due = __atomic_load_n(&region_table[i].hooks_due, __ATOMIC_SEQ_CST);
			if (hook_done[i][place] != running.due)
				return true;
		}
	return false;
}

bool region_hook_take(struct cpu *cpu, struct thread *thread)
{
	uint64_t seen = hook_event.count;

	while (!hook_find()) {
		if (thread_park(cpu, &hook_event, NO_CPU, seen, UINT64_MAX))
			return false;
		seen = hook_event.count;
	}
	const struct region_hook *hook = &running.region->desc->hook[running.place];
	thread->root_domain = &domain_table[hook->domain];
	thread->root_method = ZOG_METHOD_ROLLBACK;
	memcpy(thread->frame[0].word, (uint64_t[7]){ hook->place, running.region->head->epoch, running.region->head->version >> 1 },
	       sizeof(thread->frame[0].word));
	return true;
}

void region_hook_finish(zog_status_t status)
{
	struct region *region = running.region;

	hook_done[region - region_table][running.place] = running.due;
	region->hooks_run++;
	if (status == ZOG_OK)
		return;
	region->hooks_failed++;
	log_line("zog: hook failed domain=%s region=%s status=%d", domain_table[region->desc->hook[running.place].domain].desc->name,
		 region->desc->name, (int)status);
}
