/* Negative controls of the lab image (make lab), by the boot command line: what keeps readers safe is turned off, and the
 * campaign of tests/system/tsm_campaign.py must notice. In the product the answers are constants. */
#ifndef CORE_TSM_REGION_CONTROL_H
#define CORE_TSM_REGION_CONTROL_H

#include <stdint.h>
#include <stdbool.h>
#include "tsm/region.h"

#ifndef CORE_LAB
#define CORE_LAB 0
#endif
enum region_control { REGION_CONTROL_UNCHECKED = 1, REGION_CONTROL_KEEPS = 2, REGION_CONTROL_DAMAGE = 4, REGION_CONTROL_COMPARE = 8 };
extern uint32_t region_controls;

static inline bool region_control_validates(void) { return !CORE_LAB || !(region_controls & REGION_CONTROL_UNCHECKED); }
/* tsm_control=damage: a bit of a committed record, and later of a kept version, changes under the scrubber's eyes. */
static inline void region_control_damage(struct region *region)
{
	if (!CORE_LAB || !(region_controls & REGION_CONTROL_DAMAGE) || region->commits < 4)
		return;
	if (region->damaged == 0)
		region->data[region->desc->record[0].offset + 8] ^= 0x80;
	else if (region->damaged == 1 && region->kept >= 2 && region->scrub_slot == 0) /* the newest is the one looked at next */
		region->version[region->newest].replaced[0] ^= 1;
}
/* tsm_control=compare: no commit goes a straight way, and each is followed by a comparison of both images (tsm/compare.h). */
static inline bool region_control_compares(void) { return CORE_LAB && (region_controls & REGION_CONTROL_COMPARE); }
static inline bool region_control_discards(void) { return !CORE_LAB || !(region_controls & REGION_CONTROL_KEEPS); }

#endif
