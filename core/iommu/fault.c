/* What the unit refused: fault records (VT-d specification section 7.2, 10.4.14). The owner of the device is ended, as
 * for any fault of its own. A device that nobody owns just now is the one of a driver that has died meanwhile, with work
 * still under way: that is told, not counted against the next life. */
#include <stddef.h>
#include "arch/x86_64/apic.h"
#include "cross/control.h"
#include "fault/log.h"
#include "iommu/iommu.h"

#define REGISTER_FAULT_STATUS 0x34u
#define STATUS_OVERFLOW 1u
#define RECORD_OFFSET (16 * (iommu_unit.capability >> 24 & 0x3ff))
#define RECORD_COUNT ((iommu_unit.capability >> 40 & 0xff) + 1)
#define RECORD_BYTES 16u
#define RECORD_FAULT (1ull << 63) /* of the upper half */
#define RECORD_IS_READ (1ull << 62)
#define REASON_INTERRUPT 0x20u /* from here on: a request to interrupt */
#define ROUNDS_MAX 8u
#define TELL_NS 100000000ull /* a device that goes on and on is told of ten times a second */

static struct domain *owner_find(uint32_t source)
{
	for (uint32_t i = 0; i < domain_total; i++)
		if (domain_table[i].desc->is_device_owner && domain_table[i].dma_is_open && domain_table[i].dma_source == source)
			return &domain_table[i];
	return NULL;
}

static void fault_tell(uint32_t source, uint32_t reason, uint64_t address, bool is_read)
{
	static uint64_t next_ns;

	if (time_now_ns() < next_ns)
		return;
	next_ns = time_now_ns() + TELL_NS;
	log_line("zog: iommu refused device=%x reason=0x%x address=0x%lx %s", source, reason, address,
		 reason >= REASON_INTERRUPT ? "interrupt" : is_read ? "read" : "write");
}

static void fault_handle(struct cpu *cpu, uint64_t low, uint64_t high)
{
	uint32_t source = (uint32_t)high & 0xffff, reason = (uint32_t)(high >> 32) & 0xff;
	uint64_t address = reason >= REASON_INTERRUPT ? low >> 48 : low & ~0xffful;
	bool is_read = (high & RECORD_IS_READ) != 0;
	struct domain *domain = owner_find(source);

	fault_tell(source, reason, address, is_read);
	if (domain == NULL)
		return;
	domain->dma_fault_address = address;
	domain->dma_fault_error = source | (uint64_t)reason << 16 | (uint64_t)!is_read << 24 | 1ull << 32;
	control_end(cpu, domain);
}

void iommu_interrupt(struct cpu *cpu)
{
	volatile uint8_t *records = iommu_unit.registers + RECORD_OFFSET;

	apic_acknowledge();
	if (iommu_unit.registers == NULL)
		return;
	for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
		bool is_any = false;
		for (uint32_t i = 0; i < RECORD_COUNT; i++) {
			volatile uint64_t *record = (volatile uint64_t *)(records + i * RECORD_BYTES);
			uint64_t low = record[0], high = record[1];
			if (!(high & RECORD_FAULT))
				continue;
			is_any = true;
			*(volatile uint32_t *)(records + i * RECORD_BYTES + 12) = 1u << 31; /* free again */
			fault_handle(cpu, low, high);
		}
		*(volatile uint32_t *)(iommu_unit.registers + REGISTER_FAULT_STATUS) = STATUS_OVERFLOW;
		if (!is_any)
			return;
	}
}
