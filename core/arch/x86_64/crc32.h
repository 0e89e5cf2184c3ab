/* The CRC32C instruction (SSE4.2, but no vector register is touched), where the CPU has it. */
#ifndef CORE_ARCH_CRC32_H
#define CORE_ARCH_CRC32_H

#include <stdint.h>
#include <stdbool.h>

static inline bool crc32_is_there(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 20 & 1; /* SDM volume 2, CPUID leaf 1: SSE4.2 */
}
static inline uint32_t crc32_step8(uint32_t crc, uint64_t value)
{
	uint64_t wide = crc;

	__asm__("crc32q %1, %0" : "+r"(wide) : "r"(value));
	return (uint32_t)wide;
}
/* In a loop over words: the upper half stays zero (SDM volume 2, CRC32), so that nothing need be extended between. */
static inline uint64_t crc32_step8_wide(uint64_t crc, uint64_t value)
{
	__asm__("crc32q %1, %0" : "+r"(crc) : "r"(value));
	return crc;
}
static inline uint32_t crc32_step1(uint32_t crc, uint8_t value)
{
	__asm__("crc32b %1, %0" : "+r"(crc) : "r"(value));
	return crc;
}

#endif
