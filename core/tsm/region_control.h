/* Negative controls of the lab image (make lab), by the boot command line: what keeps readers safe is turned off, and the
 * campaign of tests/system/tsm_campaign.py must notice. In the product the answers are constants. */
#ifndef CORE_TSM_REGION_CONTROL_H
#define CORE_TSM_REGION_CONTROL_H

#include <stdint.h>
#include <stdbool.h>

#ifndef CORE_LAB
#define CORE_LAB 0
#endif
enum region_control { REGION_CONTROL_UNCHECKED = 1, REGION_CONTROL_KEEPS = 2 };
extern uint32_t region_controls;

static inline bool region_control_validates(void) { return !CORE_LAB || !(region_controls & REGION_CONTROL_UNCHECKED); }
static inline bool region_control_discards(void) { return !CORE_LAB || !(region_controls & REGION_CONTROL_KEEPS); }

#endif
