/* Detection of damage before use. The invariant of a home region: within an invocation the live image differs from
 * the committed one only where this transaction's log says so. Whoever is about to rely on a record asks for that; a
 * difference that the log does not name is damage that no store of the domain's own code made. */
#include "rt/rt.h"

static bool is_logged(const struct zog_txn *txn, uint64_t offset)
{
	if (txn->is_page_mode && txn->dirty_page[offset / ZOG_PAGE_SIZE / 8] & 1u << offset / ZOG_PAGE_SIZE % 8)
		return true;
	for (uint32_t i = 0; i < txn->range_count && i < ZOG_TXN_RANGE_MAX; i++)
		if (offset - txn->range[i].offset < txn->range[i].length)
			return true;
	return false;
}

static void word_check(const uint8_t *live, const uint8_t *committed, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (live[i] != committed[i] && !is_logged((const struct zog_txn *)ZOG_TXN_BASE, (uint64_t)(live + i) - ZOG_HOME_BASE))
			rt_fail(ZOG_CAUSE_SCRUB, (uint64_t)(live + i), size);
}

void rt_home_verify(const void *start, size_t size)
{
	const uint8_t *live = start, *committed = rt_committed(start);

	while (size >= 32) {
		const uint64_t *a = (const void *)live, *b = (const void *)committed;
		if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))
			word_check(live, committed, 32);
		live += 32, committed += 32, size -= 32;
	}
	word_check(live, committed, size);
}
