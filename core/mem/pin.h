/* Pins keep a frame from reuse while a device may write to it. A driver pins what the running chain of calls handed it,
 * and unpins when the device is done. When a driver dies, its device is stopped first; what it had pinned then stays
 * pinned (stale) until its START has named what it still uses: only the rest is free. */
#ifndef CORE_MEM_PIN_H
#define CORE_MEM_PIN_H

#include "object/cpu.h"

/* For the domain of the CPU's top frame. ZOG_ERR_ARGUMENT: the frame belongs to nobody in the chain; ZOG_ERR_LIMIT: too
 * many pins; ZOG_ERR_NOT_FOUND: was not pinned. physical_out: address in bytes, set when pinned. */
zog_status_t frame_pin(struct cpu *cpu, uint64_t frame, uint64_t is_pinned, uint64_t *physical_out);
/* The domain's device is quiet. */
void pins_mark_stale(uint32_t domain);
/* The domain has started. */
void pins_drop_stale(uint32_t domain);
/* After an exception in the core. */
void pin_lock_release_if_held(uint32_t cpu);

#endif
