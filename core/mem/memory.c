/* memcpy and its kin for the core: by string instructions, a word a turn. */
#include <stdint.h>
#include "mem/memory.h"

void *memcpy(void *to, const void *from, size_t size)
{
	void *result = to;
	size_t words = size / 8, rest = size % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
	return result;
}

void *memset(void *to, int byte, size_t size)
{
	void *result = to;
	size_t words = size / 8, rest = size % 8;
	uint64_t fill = (uint8_t)byte * 0x0101010101010101ul;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(fill) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(fill) : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	for (size_t i = size; i > 0; i--)
		((uint8_t *)to)[i - 1] = ((const uint8_t *)from)[i - 1];
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < size; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
