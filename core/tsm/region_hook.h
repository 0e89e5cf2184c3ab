/* The calls that tell participants of a region's rollback (tsm/region_rollback.c), for the one thread that carries them:
 * it looks like an activity whose root domain changes from call to call. */
#ifndef CORE_TSM_REGION_HOOK_H
#define CORE_TSM_REGION_HOOK_H

#include "tsm/region.h"

struct thread;
/* boot: has any region hooks, so that the thread is needed? */
bool region_hooks_are_there(void);
/* The hooks of REGION are due. */
void region_hooks_raise(struct region *region);
/* Makes the next call the thread's root. false: none is due, the thread is parked. */
bool region_hook_take(struct cpu *cpu, struct thread *thread);
/* That call came to its end. */
void region_hook_finish(zog_status_t status);

#endif
