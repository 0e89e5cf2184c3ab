/* What the lab image can turn off or add by the boot command line: constants here. There tests/core/tsm/region_control.h stands
 * before this file in the compiler's path, and says what each means. */
#ifndef CORE_TSM_REGION_CONTROL_H
#define CORE_TSM_REGION_CONTROL_H

#include <stdbool.h>

#define COMPARE_PATIENCE 1u
struct cpu;
struct domain;
struct region;
enum { region_controls = 0 };
static inline void region_control_setup(const char *cmdline) { (void)cmdline; }
static inline bool region_control_validates(void) { return true; }
static inline bool region_control_discards(void) { return true; }
static inline bool region_control_compares(void) { return false; }
static inline void region_control_damage(struct region *region) { (void)region; }
static inline void compare_after_commit(struct cpu *cpu, struct domain *domain) { (void)cpu, (void)domain; }

#endif
