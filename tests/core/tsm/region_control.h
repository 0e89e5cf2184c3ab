/* Negative controls of the lab image (make lab), by the boot command line: what keeps readers safe is turned off, and the
 * campaign of tests/system/tsm_campaign.py must notice. The product has constants instead: core/tsm/region_control.h.
 *
 * tsm_control=unchecked  no schema is looked at
 * tsm_control=keeps      what was written ahead outlives its writer
 * tsm_control=damage     a bit of a committed record, and later of a kept version, changes under the scrubber's eyes
 * tsm_control=compare    the checking mode: no commit goes a straight way, and each is followed by a comparison of both images,
 *                        the empty ones too: whatever differs then was stored past the hook. It is on file with the method that
 *                        stored it, and the live image becomes what is committed. */
#ifndef CORE_TSM_REGION_CONTROL_H
#define CORE_TSM_REGION_CONTROL_H

#include <stdint.h>
#include <stdbool.h>
#include "tsm/region.h"

enum region_control { REGION_CONTROL_UNCHECKED = 1, REGION_CONTROL_KEEPS = 2, REGION_CONTROL_DAMAGE = 4, REGION_CONTROL_COMPARE = 8 };
extern uint32_t region_controls;
void region_control_setup(const char *cmdline);

static inline bool region_control_validates(void) { return !(region_controls & REGION_CONTROL_UNCHECKED); }
static inline bool region_control_discards(void) { return !(region_controls & REGION_CONTROL_KEEPS); }
static inline bool region_control_compares(void) { return region_controls & REGION_CONTROL_COMPARE; }
static inline void region_control_damage(struct region *region)
{
	if (!(region_controls & REGION_CONTROL_DAMAGE) || region->commits < 4)
		return;
	if (region->damaged == 0)
		region->data[region->desc->record[0].offset + 8] ^= 0x80;
	else if (region->damaged == 1 && region->kept >= 2 && region->scrub_slot == 0) /* the newest is the one looked at next */
		region->version[region->newest].replaced[0] ^= 1;
}

#define COMPARE_PATIENCE 32u /* times a deadline: in this mode an invocation waits for the comparisons of all that it calls */
struct cpu;
void compare_images(struct cpu *cpu, struct domain *domain);
/* The invocation on top of the CPU's thread has just committed. */
static inline void compare_after_commit(struct cpu *cpu, struct domain *domain)
{
	if (region_control_compares())
		compare_images(cpu, domain);
}

#endif
