/* Live image against committed image, page by page: what the scrubber does for idle domains, and the checking mode of the lab
 * image after every commit. */
#ifndef CORE_TSM_COMPARE_H
#define CORE_TSM_COMPARE_H

#include "object/domain.h"
#include "tsm/region_control.h"

static inline bool page_is_equal(const uint8_t *a, const uint8_t *b)
{
	const uint64_t *x = (const void *)a, *y = (const void *)b;
	uint64_t difference = 0;

	for (uint32_t i = 0; i < ZOG_PAGE_SIZE / 8; i += 4)
		difference |= (x[i] ^ y[i]) | (x[i + 1] ^ y[i + 1]) | (x[i + 2] ^ y[i + 2]) | (x[i + 3] ^ y[i + 3]);
	return difference == 0;
}

#endif
