/* DMA remapping and interrupt remapping by one VT-d unit (Intel Virtualization Technology for Directed I/O).
 *
 * From the moment the unit is on, a device reaches nothing but what stands in the second-level table of the domain it
 * is assigned to: that domain's DMA memory for good, and the frames it has pinned for the time of the pin. A device that
 * is assigned to nobody reaches nothing. Bus addresses are small numbers of this file's choice, the same in every domain:
 * a device with few address lines reaches them all, and a driver does not learn where its frames lie.
 *
 * Protocol. `pci` names the unit (iommu_enable) and assigns devices (iommu_assign) when their drivers claim them. A
 * domain's end closes it at once (iommu_close): context entry, frames and interrupts are taken away, and the call returns
 * after the unit has confirmed that no translation of them is left. The next claim opens it again.
 *
 * Without a unit the same calls succeed and give physical addresses: devices then reach all memory, which the log says.
 *
 * Lock order: pin_lock > iommu_lock. Tables are changed under the lock of the domain they belong to. */
#ifndef CORE_IOMMU_IOMMU_H
#define CORE_IOMMU_IOMMU_H

#include <stdbool.h>
#include <stdint.h>
#include "object/cpu.h"
#include "object/domain.h"

#define IOMMU_DMA_ADDRESS 0x01000000ul /* where a device sees its domain's DMA memory */
#define IOMMU_PIN_ADDRESS 0x08000000ul /* and the pinned frames, a page for each place of the pin table */
#define IOMMU_NO_SOURCE 0x10000u

enum iommu_right { IOMMU_READ = 1, IOMMU_WRITE = 2 };

/* Boot: tables for a domain that owns a device. */
void iommu_build(struct domain *domain, uint64_t dma_physical);
/* The unit whose registers stand at BASE (0: there is none) is switched on; ioapic_source: requester id of the I/O
 * interrupt controller, IOMMU_NO_SOURCE: not known, interrupts are not remapped. Again with the same base: nothing. */
void iommu_enable(uint64_t base, uint32_t ioapic_source);
bool iommu_base_is_good(uint64_t base);
/* [physical, physical + bytes) touches the unit's registers. */
bool iommu_is_at(uint64_t physical, uint64_t bytes);
/* The device with this requester id (bus << 8 | device << 3 | function) is the domain's. */
bool iommu_may_assign(const struct domain *domain, uint64_t source);
void iommu_assign(struct domain *domain, uint32_t source);
/* The domain's device reaches nothing any more. */
void iommu_close(struct domain *domain);
/* Whether the unit has confirmed that; asks once more where it had not. */
bool iommu_is_closed(struct domain *domain);
/* FRAME for the domain's device, at the place of its pin; rights: enum iommu_right. Returns the address on the bus. */
uint64_t iommu_map(struct domain *domain, uint32_t place, uint64_t frame, uint64_t rights);
/* False: the unit does not confirm; the frame must not be used again. */
bool iommu_unmap(struct domain *domain, uint32_t place);
/* Fault event of the unit. */
void iommu_interrupt(struct cpu *cpu);

/* unit.c, for table.c */
struct iommu_unit {
	volatile uint8_t *registers; /* NULL: no unit */
	uint64_t base;
	uint64_t capability, extended;
	uint64_t *root;       /* 256 entries of two words: a context table for each bus */
	uint64_t *interrupts; /* 256 entries of two words, by CPU vector; used when does_remap_interrupts */
	uint32_t levels;      /* of second-level tables: 3 or 4 */
	bool does_remap_interrupts;
};
extern struct iommu_unit iommu_unit;
void iommu_store(uint64_t *entry, uint64_t value); /* visible to a unit that does not look into caches */
enum iommu_scope { SCOPE_ALL, SCOPE_DOMAIN, SCOPE_DEVICE, SCOPE_PAGE };
/* Throws cached entries away and waits for the unit's word. SCOPE_DOMAIN, SCOPE_PAGE: translations of number `domain`;
 * SCOPE_DEVICE: all of a device: context, translations of its domain, interrupt entries. */
bool iommu_invalidate(enum iommu_scope scope, uint32_t number, uint32_t source, uint64_t address);
/* table.c, for unit.c: interrupts of the I/O interrupt controller through the table. */
void iommu_lines_route(uint32_t ioapic_source);
/* unit.c, for table.c: boot: the tables of the unit. */
void iommu_unit_build(void);

#endif
