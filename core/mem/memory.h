/* Bytes of the core's own memory; the compiler calls these as well. Sizes are in bytes. */
#ifndef CORE_MEM_MEMORY_H
#define CORE_MEM_MEMORY_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
