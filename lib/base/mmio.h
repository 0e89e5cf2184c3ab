/* Device registers: one access of exactly the width asked for, in program order.
 *
 * In assembly because a compiler may split, widen or drop accesses to ordinary memory, and because a store to a
 * device window is no store to the domain's memory: the store hook has nothing to log there, and the page tables
 * decide which windows a domain has. */
#ifndef BASE_MMIO_H
#define BASE_MMIO_H

#include <stdint.h>

static inline uint8_t mmio_read8(uintptr_t address)
{
	uint8_t value;
	__asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
	return value;
}

static inline uint16_t mmio_read16(uintptr_t address)
{
	uint16_t value;
	__asm__ volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline uint32_t mmio_read32(uintptr_t address)
{
	uint32_t value;
	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write8(uintptr_t address, uint8_t value)
{
	__asm__ volatile("movb %0, (%1)" : : "q"(value), "r"(address) : "memory");
}

static inline void mmio_write16(uintptr_t address, uint16_t value)
{
	__asm__ volatile("movw %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write32(uintptr_t address, uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

/* Two halves, low first: virtio 1.x section 4.1.3.1 allows it for its 64-bit registers. */
static inline void mmio_write64_halves(uintptr_t address, uint64_t value)
{
	mmio_write32(address, (uint32_t)value);
	mmio_write32(address + 4, (uint32_t)(value >> 32));
}

#endif
