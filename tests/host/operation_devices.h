/* For tests of staged operations that have no devices: a remapping unit that refuses nothing, stacks that nothing runs on. */
#ifndef OPERATION_DEVICES_H
#define OPERATION_DEVICES_H

#include "iommu/iommu.h"
#include "object/cpu.h"

struct stack stack_table[ZOG_CPU_MAX][STACK_COUNT];
void exception_stacks_set(struct cpu *of) { (void)of; }
uint64_t exception_stack_move(struct cpu *of, uint32_t vector, uint64_t by) { return (void)of, (void)vector, by; }
bool iommu_base_is_good(uint64_t base) { (void)base; return true; }
bool iommu_is_at(uint64_t physical, uint64_t bytes) { (void)physical, (void)bytes; return false; }
bool iommu_may_assign(const struct domain *domain, uint64_t source) { (void)domain, (void)source; return true; }
void iommu_enable(uint64_t base, uint32_t source) { (void)base, (void)source; }
void iommu_assign(struct domain *domain, uint32_t source) { (void)domain, (void)source; }

#endif
