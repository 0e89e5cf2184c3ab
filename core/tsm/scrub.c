/* The scrubber: while no invocation is inside a domain, its live image must equal the committed one. A few pages at
 * each tick, domains in turn; a difference is damage that no store of the domain's own code made. Committed is right, and
 * the domain starts again from there, but where only the live image keeps the schema. A few committed records, too, are held
 * against the schema (home_scrub.c). */
#include <stddef.h>
#include "irq/irq.h"
#include "cross/control.h"
#include "fault/fault.h"
#include "tsm/compare.h"
#include "tsm/region.h"

#define SCRUB_PAGES 4u

static uint32_t next_domain;

void scrub_step(struct cpu *cpu)
{
	struct domain *domain = &domain_table[__atomic_fetch_add(&next_domain, 1, __ATOMIC_RELAXED) % domain_total];
	uint32_t pages = (uint32_t)(domain->home_bytes / ZOG_PAGE_SIZE), compared = 0;

	if (domain->state != DOMAIN_READY || (pages == 0 && domain->desc->region_count == 0) || !lock_try(&domain->lock, cpu->id))
		return;
	region_scrub(domain);
	for (uint32_t looked = 0; looked < pages && looked < 512 && compared < SCRUB_PAGES; looked++) {
		uint32_t page = domain->scrub_page++ % pages;
		if (!domain->home_valid[page])
			continue;
		compared++;
		uint64_t offset = page * ZOG_PAGE_SIZE;
		if (page_is_equal(domain->home_live + offset, domain->home_committed + offset))
			continue;
		if (domain->schema != NULL && home_page_repair(domain, page))
			break;
		while (domain->home_live[offset] == domain->home_committed[offset])
			offset++;
		domain_end_idle(domain, ZOG_CAUSE_SCRUB, ZOG_HOME_BASE + offset);
		break;
	}
	if (domain->schema != NULL && domain->state == DOMAIN_READY)
		home_schema_scrub(domain);
	domain_release(cpu, domain);
}
