/* The checking mode; see region_control.h. Looked at are the pages that page tables say were stored to since the last look, by the
 * domain or for it (domain_pointer in object/domain.c): all of them would cost a commit of `linux` its deadline. Damage from
 * elsewhere is the scrubber's to find. One incident for a commit: the first byte that differs, and how many do. */
#include "tsm/compare.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "object/space.h"

void *memcpy(void *to, const void *from, size_t size);

struct escape { /* offset in the home region, how many bytes differ; the first of them */
	uint64_t place, bytes;
	uint32_t live, committed;
};

static void escape_tell(struct cpu *cpu, struct domain *domain, const struct escape *escape)
{
	struct zog_incident *incident = incident_record_going_on(cpu, domain, ZOG_CAUSE_ESCAPE, ZOG_HOME_BASE + escape->place, escape->bytes);

	incident->tsc_reply = incident->tsc_fault;
	home_place_name(domain, (uint32_t)escape->place, incident->subject, sizeof(incident->subject));
	log_line("zog: escape domain=%s region=home %s live=0x%x committed=0x%x method=0x%x", domain->desc->name, incident->subject,
		 escape->live, escape->committed, incident->method);
}

/* How many bytes of the live page differ; what the first is goes to *ESCAPE if none was found before. */
static uint64_t page_differences(const struct domain *domain, uint64_t page, struct escape *escape)
{
	const uint8_t *live = domain->home_live + page * ZOG_PAGE_SIZE, *committed = domain->home_committed + page * ZOG_PAGE_SIZE;
	uint64_t count = 0;

	for (uint32_t i = 0; i < ZOG_PAGE_SIZE; i++) {
		if (live[i] == committed[i])
			continue;
		if (escape->bytes == 0 && count == 0)
			*escape = (struct escape){ .place = page * ZOG_PAGE_SIZE + i, .live = live[i], .committed = committed[i] };
		count++;
	}
	return count;
}

static bool page_was_stored_to(struct domain *domain, uint64_t page)
{
	pte_t *entry = table_walk(domain->cr3, ZOG_HOME_BASE + page * ZOG_PAGE_SIZE);

	return entry != NULL && (__atomic_fetch_and(entry, ~PTE_DIRTY, __ATOMIC_SEQ_CST) & PTE_DIRTY);
}

void compare_images(struct cpu *cpu, struct domain *domain)
{
	struct escape escape = { 0 };
	bool is_stored_to = false;

	for (uint64_t page = 0; page < domain->home_bytes / ZOG_PAGE_SIZE; page++) {
		if (page % 8 == 0 && *(const uint64_t *)(const void *)&domain->home_valid[page] == 0) {
			page += 7; /* most of a large region; boot memory comes in pages, so the table has the last eight */
			continue;
		}
		uint8_t *live = domain->home_live + page * ZOG_PAGE_SIZE;
		const uint8_t *committed = domain->home_committed + page * ZOG_PAGE_SIZE;
		if (!domain->home_valid[page] || !page_was_stored_to(domain, page))
			continue;
		is_stored_to = true;
		if (page_is_equal(live, committed))
			continue;
		escape.bytes += page_differences(domain, page, &escape);
		memcpy(live, committed, ZOG_PAGE_SIZE);
	}
	if (is_stored_to)
		domain_flush(domain); /* or the processor would not note the next stores */
	if (escape.bytes != 0)
		escape_tell(cpu, domain, &escape);
}
