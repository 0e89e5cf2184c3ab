/* Bits of allocation bitmaps: find, set, clear. */
#include "ext4.h"

bool bitmap_test(const void *bitmap, uint32_t bit)
{
	return ((const uint8_t *)bitmap)[bit / 8] >> (bit % 8) & 1;
}

static uint64_t word_mask(uint32_t first, uint32_t count)
{
	uint64_t ones = count == 64 ? ~0ull : (1ull << count) - 1;

	return ones << first;
}

static void bitmap_change(uint64_t *words, uint32_t first, uint32_t count, bool is_set)
{
	while (count) {
		uint32_t at = first % 64, n = 64 - at < count ? 64 - at : count;

		if (is_set)
			words[first / 64] |= word_mask(at, n);
		else
			words[first / 64] &= ~word_mask(at, n);
		first += n;
		count -= n;
	}
}

void bitmap_set(void *bitmap, uint32_t first, uint32_t count)
{
	bitmap_change(bitmap, first, count, true);
}

void bitmap_clear(void *bitmap, uint32_t first, uint32_t count)
{
	bitmap_change(bitmap, first, count, false);
}

/* First bit in [from, end) that is 0 after all words are XORed with `flip`; end when there is none. */
static uint32_t bitmap_find(const uint64_t *words, uint32_t from, uint32_t end, uint64_t flip)
{
	while (from < end) {
		uint64_t rest = (~words[from / 64] ^ flip) >> (from % 64);

		if (rest) {
			from += (uint32_t)__builtin_ctzll(rest);
			return from < end ? from : end;
		}
		from = (from / 64 + 1) * 64;
	}
	return end;
}

uint32_t bitmap_find_clear(const void *bitmap, uint32_t from, uint32_t end)
{
	return bitmap_find(bitmap, from, end, 0);
}

uint32_t bitmap_find_set(const void *bitmap, uint32_t from, uint32_t end)
{
	return bitmap_find(bitmap, from, end, ~0ull);
}
