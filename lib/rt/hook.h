/* The store hook's inside, for the runtime's own memory functions. */
#ifndef ZOG_RT_HOOK_H
#define ZOG_RT_HOOK_H
#include <stdint.h>
/* Checks and logs a store of SIZE bytes at ADDRESS that is about to happen. */
void rt_store(uint64_t address, uint64_t size);
#endif
