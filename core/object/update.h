/* Live update: another program for a domain that goes on with its state.
 *
 * A domain has room for two images besides the one it was booted with, set aside at boot. The holder of CAP_UPDATE fills
 * the one that is not in use page by page (core calls), has it checked and measured, and then stages ZOG_OP_UPDATE. An
 * update is a restart with another image: it happens where nothing runs inside the domain, or with whatever ends it first.
 *
 * On probation the image before it is kept. The first fault that nobody asked for puts that one back, in the same reset
 * that rolls the home region back. Probation is over for the slot after PROBATION_TICKS on each CPU; a program that has
 * answered nothing by then stays on probation until it has, or until the next update takes the slot.
 *
 * Who may change `state`: from ARMED and SWITCHING the holder of the domain's lock (domain_reset), into and out of LOADING
 * and CHECKED the one domain with the capability; PROBATION is left by whoever comes first, by compare and exchange. */
#ifndef CORE_OBJECT_UPDATE_H
#define CORE_OBJECT_UPDATE_H

#include <stdbool.h>
#include <stdint.h>
#include "system.h"
#include "space.h"
#include "zog/update.h"

struct domain;
struct cpu;
struct update {
	volatile uint32_t state; /* enum zog_update_state */
	uint32_t next_state;     /* behind SWITCHING */
	const struct image_desc *target, *previous;
	uint64_t probation_ticks, probation_invocations; /* when it began */
	uint32_t updates, undone;
	uint32_t start_waits;    /* on probation: how often START asked to wait */
	uint32_t slot_pages, data_pages, window_pages;   /* limits: contents, data with what starts as zeros, addresses */
	uint8_t *slot_content[2]; /* page 0 first */
	struct image_desc slot[2];
	uint8_t *sum[3];          /* of the pages of the booted image, and of the slots' (fault/measure.h) */
};

/* Boot: room for images up to half larger than the first one and 8 pages. */
void update_build(struct domain *domain);
/* Core calls. READ: page 0 of the image in use. WRITE: a page into the free slot. CHECK: is what the slot holds an image of
 * which every part lies where it may, with its measure? ZOG_ERR_BUSY: an update is on probation or under way. */
const void *update_header(const struct domain *domain);
zog_status_t update_write(struct domain *domain, uint64_t page, const void *bytes);
zog_status_t update_check(struct domain *domain);
/* ZOG_OP_UPDATE. */
bool update_is_checked(const struct domain *domain);
void update_act(struct cpu *cpu, struct domain *domain);
/* The domain is ended for a fault that nobody asked for: is the program that it runs on probation? Then the reset that
 * follows puts the one before back. */
bool update_undo(struct domain *domain);
/* START asks to wait until *DEADLINE_NS. On probation it may do so START_WAITS_MAX times, each no longer than START_WAIT_NS:
 * false is a fault of the program. */
bool update_start_may_wait(struct domain *domain, uint64_t now_ns, uint64_t *deadline_ns);
/* Part of domain_reset. */
void update_switch(struct domain *domain);
void update_stats(const struct domain *domain, struct zog_domain_stats *stats);

#endif
