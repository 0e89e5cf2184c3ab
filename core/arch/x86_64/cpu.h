/* Instructions of the processor that C has no words for. Section numbers: Intel SDM volume 3. */
#ifndef CORE_ARCH_CPU_H
#define CORE_ARCH_CPU_H

#include <stdint.h>

#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EFER_SCE 1u
#define EFER_LME (1u << 8)
#define EFER_NXE (1u << 11)

#define CR0_VALUE 0x80010033ul    /* PG WP NE ET MP PE */
#define CR0_TASK_SWITCHED 8ul     /* vector instructions fault (#NM): set while a domain runs */
#define CR4_PAE (1ul << 5)
#define CR4_PGE (1ul << 7)
#define CR4_OSFXSR (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP (1ul << 11)
#define CR4_FSGSBASE (1ul << 16)
#define CR4_OSXSAVE (1ul << 18)
#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)

#define RFLAGS_FIXED 2ul
#define RFLAGS_TRAP (1ul << 8)
#define RFLAGS_INTERRUPT (1ul << 9)

#define SELECTOR_CORE_CODE 0x08
#define SELECTOR_CORE_DATA 0x10
#define SELECTOR_TSS 0x30

static inline void msr_write(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline uint64_t tsc_read(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}
static inline void cpu_pause(void) { __asm__ volatile("pause" : : : "memory"); }
static inline void cr3_write(uint64_t value) { __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
/* A function that reads what one instruction gives. */
#define READ(name, instruction) \
	static inline uint64_t name(void) \
	{ \
		uint64_t value; \
		__asm__ volatile(instruction : "=r"(value)); \
		return value; \
	}
READ(cr2_read, "mov %%cr2, %0")
READ(fs_base_read, "rdfsbase %0")
READ(user_gs_base_read, "swapgs; rdgsbase %0; swapgs") /* the program's GS base while the core runs: swapped away by swapgs */
#undef READ
static inline void cr0_write(uint64_t value) { __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }
static inline void cr4_write(uint64_t value) { __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }
static inline void page_invalidate(uint64_t address) { __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory"); }
static inline void port_write8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void port_write16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline void port_write32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
#define PORT_READ(bits, instruction) \
	static inline uint##bits##_t port_read##bits(uint16_t port) \
	{ \
		uint##bits##_t value; \
		__asm__ volatile(instruction " %1, %0" : "=a"(value) : "Nd"(port)); \
		return value; \
	}
PORT_READ(8, "inb")
PORT_READ(16, "inw")
PORT_READ(32, "inl")
#undef PORT_READ
static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}
static inline void xsave(void *area)
{
	__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
}
static inline void xrstor(const void *area)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
}
static inline void fs_base_write(uint64_t value) { __asm__ volatile("wrfsbase %0" : : "r"(value)); }
/* Vector instructions of ring 3, for programs only. A domain must not reach the registers of the program it works for:
 * CR0.TS makes every vector instruction fault (#NM). QEMU's emulation forgets that for XSAVE and XRSTOR, which read
 * and write all of them; there, and only there, OSXSAVE goes off with it (both values are equal elsewhere). */
extern uint64_t cpu_cr4_vectors, cpu_cr4_no_vectors;
static inline void vectors_allow(void)
{
	cr0_write(CR0_VALUE);
	if (cpu_cr4_vectors != cpu_cr4_no_vectors)
		cr4_write(cpu_cr4_vectors);
}
static inline void vectors_forbid(void)
{
	cr0_write(CR0_VALUE | CR0_TASK_SWITCHED);
	if (cpu_cr4_vectors != cpu_cr4_no_vectors)
		cr4_write(cpu_cr4_no_vectors);
}

static inline void user_gs_base_write(uint64_t value) { __asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(value)); }

#endif
