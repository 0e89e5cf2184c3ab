/* memcpy and its kin for domains. The whole range is reported to the store hook at once, before the copy. */
#include "rt/rt.h"
#include "rt/hook.h"

void *memcpy(void *to, const void *from, size_t size)
{
	void *result = to;
	size_t words = size / 8, rest = size % 8;

	rt_store((uint64_t)to, size);
	if (size <= 64) {
		/* Short ones: string instructions cost more to start than they save. */
		while (words-- > 0) {
			*(uint64_t *)to = *(const uint64_t *)from;
			to = (uint64_t *)to + 1, from = (const uint64_t *)from + 1;
		}
		while (rest-- > 0) {
			*(uint8_t *)to = *(const uint8_t *)from;
			to = (uint8_t *)to + 1, from = (const uint8_t *)from + 1;
		}
		return result;
	}
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	rt_store((uint64_t)to, size);
	for (size_t i = size; i > 0; i--)
		((uint8_t *)to)[i - 1] = ((const uint8_t *)from)[i - 1];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *result = to;
	size_t words = size / 8, rest = size % 8;
	uint64_t fill = (uint8_t)byte * 0x0101010101010101ul;

	rt_store((uint64_t)to, size);
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(fill) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(fill) : "memory");
	return result;
}

void rt_words_add(uint32_t *words, size_t count, uint32_t addend)
{
	rt_store((uint64_t)words, count * sizeof(*words));
	for (size_t i = 0; i < count; i++)
		words[i] += addend;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;
	size_t i = 0;

	while (i + 8 <= size && *(const uint64_t *)(const void *)(x + i) == *(const uint64_t *)(const void *)(y + i))
		i += 8;
	for (; i < size; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
