/* The store hook's inside: for the runtime's own memory functions, and numbers that hook.c and hook.S share. */
#ifndef ZOG_RT_HOOK_H
#define ZOG_RT_HOOK_H

#define HOOK_HOME_BASE 0x60000000
#define HOOK_RANGE_COUNT 0x78000000 /* in struct zog_txn at ZOG_TXN_BASE */
#define HOOK_RANGE 0x78000018
#define HOOK_RANGE_MAX 4096
#define HOOK_STACKS_SHIFT 23 /* the stacks of all CPUs: one range of this many address bits */
#define HOOK_STACKS 0x600000

#ifndef __ASSEMBLER__
#include <stdint.h>
/* Checks and logs a store of SIZE bytes at ADDRESS that is about to happen. */
void rt_store(uint64_t address, uint64_t size);
/* The same, step by step: where rt_store goes when its straight way does not apply. */
void rt_store_general(uint64_t address, uint64_t size);
#endif
#endif
