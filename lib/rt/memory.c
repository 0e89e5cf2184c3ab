/* memcpy and its kin for domains. The whole range is reported to the store hook at once, before the copy. */
#include "rt/rt.h"
#include "rt/hook.h"

void *memcpy(void *to, const void *from, size_t size)
{
	uint8_t *out = to;
	const uint8_t *in = from;
	size_t words = size / 8;
	uint64_t last;

	rt_store((uint64_t)to, size);
	if (size < 8) {
		for (size_t i = 0; i < size; i++)
			out[i] = in[i];
		return to;
	}
	/* The last word overlaps the one before it. It is read first: memmove lets TO lie before FROM. */
	last = *(const uint64_t *)(const void *)(in + size - 8);
	if (size <= 64) /* short ones: string instructions cost more to start than they save */
		for (size_t i = 0; i < words; i++)
			((uint64_t *)to)[i] = ((const uint64_t *)from)[i];
	else
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	*(uint64_t *)(void *)(out + size - 8) = last;
	return out;
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
	uint8_t *out = to;
	size_t words = size / 8;
	uint64_t fill = (uint8_t)byte * 0x0101010101010101ul;

	rt_store((uint64_t)to, size);
	if (size < 8) {
		for (size_t i = 0; i < size; i++)
			out[i] = (uint8_t)byte;
		return to;
	}
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(fill) : "memory");
	*(uint64_t *)(void *)(out + size - 8) = fill;
	return out;
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
