/* A crossing in the middle of a function, for generated stubs: words and results stay in registers, and the compiler
 * saves only what it needs (the core keeps rip, rsp and rbp of a caller). Tests on the host have a stand-in of this file
 * in tests/host/stand_in. */
#ifndef ZOG_RT_CROSS_H
#define ZOG_RT_CROSS_H

#include <stdint.h>
#include "zog/core.h"

static inline __attribute__((always_inline)) zog_status_t rt_cross(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	register uint64_t word1 __asm__("r10") = in[1];
	register uint64_t word2 __asm__("r8") = in[2];
	register uint64_t word3 __asm__("r9") = in[3];
	register uint64_t word4 __asm__("r12") = in[4];
	register uint64_t word5 __asm__("r13") = in[5];
	uint64_t word0 = in[0], destination = cap, selector = method;
	zog_status_t status = ZOG_CORE_CALL;

	__asm__ volatile("syscall"
			 : "+a"(status), "+d"(word0), "+r"(word1), "+r"(word2), "+r"(word3), "+r"(word4), "+r"(word5), "+D"(destination), "+S"(selector)
			 :
			 : "rcx", "r11", "rbx", "r14", "r15", "memory", "cc");
	out[0] = word0, out[1] = word1, out[2] = word2, out[3] = word3;
	return status;
}

#endif
