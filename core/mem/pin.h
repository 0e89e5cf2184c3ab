/* Pins keep a frame from reuse while a device may write to it. A driver pins what the running chain of calls handed it,
 * and unpins when the device is done. When a driver dies, its device is stopped first; what it had pinned then stays
 * pinned (stale) until its START has named what it still uses: only the rest is free. Behind an IOMMU a pin is also what
 * lets the device reach the frame, at an address that belongs to the pin's place; unpinning waits for the IOMMU. */
#ifndef CORE_MEM_PIN_H
#define CORE_MEM_PIN_H

#include "object/cpu.h"

#define PIN_MAX 1024u

/* For the domain of the CPU's top frame. ZOG_ERR_ARGUMENT: the frame belongs to nobody in the chain; ZOG_ERR_LIMIT: too
 * many pins; ZOG_ERR_NOT_FOUND: was not pinned; ZOG_ERR_IO: the IOMMU does not confirm, it stays pinned. how: enum zog_pin.
 * address_out: what the device is to use, in bytes, set when pinned. */
zog_status_t frame_pin(struct cpu *cpu, uint64_t frame, uint64_t how, uint64_t *address_out);
/* The domain's device is quiet. */
void pins_mark_stale(uint32_t domain);
/* The domain has started. */
void pins_drop_stale(uint32_t domain);

#endif
