/* Commit and abort.
 *
 * The transaction page is the domain's own memory: its counts are copied once and bounded, each range is checked
 * against the region before anything is applied. A range may only name pages whose live frame holds the page
 * (home_valid): otherwise nothing can have been written there, and the frame holds what a dead incarnation left.
 * Committed bytes are written only here.
 *
 * The point of no return is one store, of domain->commit_phase. An exception in ring 0 before it: table changes are
 * taken back, nothing was committed. After it: live image, log and the core's copies of the operations are whole until
 * the commit is done, so the recovery finishes it (fault/recover.c). Copying ranges again changes nothing; the effect
 * that was cut is repeated, those before it are not. Stores that the recovery relies on are kept in order by fences for
 * the compiler alone: it runs on the same CPU. */
#include "tsm/transaction.h"
#include "tsm/region.h"

static __attribute__((noinline)) bool pages_are_valid(const uint8_t *valid, uint64_t first, uint64_t last)
{
	for (uint64_t page = first; page <= last; page++)
		if (!valid[page])
			return false;
	return true;
}

/* The bounds are handed in so that a loop over ranges keeps them in registers. */
static inline __attribute__((always_inline)) bool range_is_good(const uint8_t *valid, uint64_t home_bytes, struct zog_range range)
{
	uint64_t offset = range.offset, last = offset + range.length - 1;

	if (range.length == 0)
		return true;
	if (last >= home_bytes)
		return false;
	if ((offset ^ last) < ZOG_PAGE_SIZE) /* on one page: nearly all of them */
		return valid[offset / ZOG_PAGE_SIZE];
	return pages_are_valid(valid, offset / ZOG_PAGE_SIZE, last / ZOG_PAGE_SIZE);
}

/* 1 to 8 bytes in one word of the home region: nearly all ranges. */
static inline __attribute__((always_inline)) bool range_is_short(struct zog_range range, uint64_t home_bytes)
{
	uint64_t offset = range.offset, last = offset + range.length - 1;

	return range.length != 0 && (offset ^ last) < HOME_MAP_BYTES && offset < home_bytes;
}

/* Is the page valid, and does no rule look there? */
static inline __attribute__((always_inline)) bool range_is_quiet(const uint64_t *look, struct zog_range range)
{
	return !(look[range.offset / HOME_MAP_BYTES / 64] >> range.offset / HOME_MAP_BYTES % 64 & 1);
}

static inline __attribute__((always_inline)) void range_copy(uint8_t *to, const uint8_t *from, struct zog_range range)
{
	to += range.offset;
	from += range.offset;
	if (range.length == 8)
		__builtin_memcpy(to, from, 8); /* one move each: ranges need not be aligned */
	else if (range.length == 4)
		__builtin_memcpy(to, from, 4);
	else
		memcpy(to, from, range.length);
}

/* A store is logged once for each time it is made; more bytes than this no invocation stores within its deadline. It
 * bounds what the core copies in one entry. */
#define LOGGED_BYTES_MAX(domain) (4 * (domain)->home_bytes + (16ul << 20))

/* May the range touch a field with a rule (home_schema.h)? */
static inline __attribute__((always_inline)) bool range_is_ruled(const uint64_t *map, struct zog_range range)
{
	uint64_t bit = range.offset / HOME_MAP_BYTES, last = (range.offset + (uint64_t)range.length - 1) / HOME_MAP_BYTES;

	if (range.length == 0)
		return false; /* it may name any offset */
	return bit == last ? map[bit / 64] >> bit % 64 & 1 : home_map_has(map, bit, last);
}

/* Notes in NOTE the ranges that may touch a field with a rule, COMMIT_ROOM_WORDS of them at most; *ruled: how many there are. */
static bool ranges_are_good(const struct domain *domain, uint32_t count, uint64_t *note, uint64_t *ruled)
{
	const struct zog_range *range = domain->txn->range, *end = range + count;
	const uint8_t *valid = domain->home_valid;
	uint64_t bytes = 0, home_bytes = domain->home_bytes, bytes_max = LOGGED_BYTES_MAX(domain);
	const uint64_t *map = domain->rule_map, *look = domain->home_look;

	*ruled = 0;
	for (; range < end; range++) {
		struct zog_range copy = *range;
		bytes += copy.length;
		bool is_short = range_is_short(copy, home_bytes);
		if (is_short && range_is_quiet(look, copy))
			continue;
		if (copy.length > ZOG_PAGE_SIZE && bytes > bytes_max)
			return false; /* before many large ranges are looked at page by page */
		if (is_short ? !valid[copy.offset / ZOG_PAGE_SIZE] : !range_is_good(valid, home_bytes, copy))
			return false;
		if (note == NULL || (!is_short && !range_is_ruled(map, copy))) /* on a valid page `look` tells rules alone */
			continue;
		if (*ruled < COMMIT_ROOM_WORDS)
			note[*ruled] = copy.offset | (uint64_t)copy.length << 32;
		++*ruled;
	}
	return bytes <= bytes_max;
}

/* Copies what the log names from one image to the other. */
static inline __attribute__((always_inline)) void ranges_copy(struct domain *domain, uint8_t *to, const uint8_t *from, uint32_t count)
{
	struct zog_txn *txn = domain->txn;
	const struct zog_range *range = txn->range, *end = range + count;
	const uint8_t *valid = domain->home_valid;
	uint64_t home_bytes = domain->home_bytes;

	/* Checked again: the log is the domain's memory, and the copy that was checked before is gone. */
	for (; range < end; range++) {
		struct zog_range copy = *range;
		if (range_is_short(copy, home_bytes) ? valid[copy.offset / ZOG_PAGE_SIZE] : range_is_good(valid, home_bytes, copy))
			range_copy(to, from, copy);
	}
	if (!txn->is_page_mode)
		return;
	for (uint64_t page = 0; page < domain->home_bytes / ZOG_PAGE_SIZE; page++) {
		uint8_t dirty = txn->dirty_page[page / 8];
		if (dirty == 0)
			page |= 7; /* none of the eight */
		if (!(dirty & 1u << page % 8) || !domain->home_valid[page])
			continue;
		memcpy(to + page * ZOG_PAGE_SIZE, from + page * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
	}
}

static void phase_set(struct domain *domain, uint32_t phase)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	domain->commit_phase = phase;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void log_clear(struct zog_txn *txn)
{
	txn->range_count = 0;
	txn->op_count = 0;
	txn->is_page_mode = 0;
}

/* From wherever the commit stands to its end. */
static inline __attribute__((always_inline)) void commit_finish(struct cpu *cpu, struct domain *domain)
{
	if (domain->commit_phase == COMMIT_RANGES) {
		ranges_copy(domain, domain->home_committed, domain->home_live, domain->commit_ranges);
		phase_set(domain, COMMIT_EFFECTS);
	}
	log_clear(domain->txn);
	if (domain->commit_ops != 0)
		operations_finish(cpu, domain, domain->commit_ops);
	domain->commit_cut_step = 0; /* the next one may be cut where this one was */
	domain->stats.commits++;
	phase_set(domain, cpu->domain_regs.rax == ZOG_CORE_REPLY ? COMMIT_DELIVER : COMMIT_NONE);
}

bool transaction_commit(struct cpu *cpu, struct domain *domain)
{
	struct zog_txn *txn = domain->txn;
	uint32_t ranges = txn->range_count, ops = txn->op_count;
	uint64_t ruled;

	if ((ranges | ops | txn->is_page_mode) == 0)
		return true;
	if (ranges > ZOG_TXN_RANGE_MAX || ops > ZOG_TXN_OP_MAX || (ops != 0 && !operations_take(cpu, domain, ops)))
		return false;
	if (!ranges_are_good(domain, ranges, cpu->commit_room, &ruled))
		return false;
	if ((ruled | txn->is_page_mode) != 0 && domain->schema != NULL && !home_schema_check(domain, ranges, cpu->commit_room, ruled))
		return false;
	if (ops != 0 && !operations_decode(cpu, domain, ops))
		return false;
	domain->commit_ranges = ranges;
	domain->commit_ops = ops;
	domain->commit_next = 0;
	if (ops != 0)
		operations_apply(cpu, domain, ops);
	phase_set(domain, COMMIT_RANGES);
	cpu->journal_count = 0; /* the table changes stay, whatever else the entry meets */
	commit_finish(cpu, domain);
	return true;
}

/* No operation's number. From here on it counts how often the delivery was cut. */
#define STEP_DELIVER (UINT32_MAX - 3)

bool transaction_goes_on(const struct domain *domain)
{
	return domain->commit_phase != COMMIT_NONE && (domain->commit_phase != COMMIT_DELIVER || domain->commit_cut_step != UINT32_MAX);
}

bool transaction_recover(struct cpu *cpu, struct domain *domain)
{
	uint32_t phase = domain->commit_phase, step = phase == COMMIT_RANGES ? 1 : 2 + (phase == COMMIT_EFFECTS ? domain->commit_next : 0);

	cpu->journal_count = 0;
	if (phase == COMMIT_DELIVER) {
		domain->commit_cut_step = domain->commit_cut_step < STEP_DELIVER ? STEP_DELIVER : domain->commit_cut_step + 1;
		return true;
	}
	if (step == domain->commit_cut_step) {
		if (phase != COMMIT_EFFECTS)
			return false;
		operation_skip(cpu, domain);
	}
	domain->commit_cut_step = step;
	if (phase == COMMIT_RECORD)
		region_straight_resume(cpu, domain);
	commit_finish(cpu, domain);
	return true;
}

void transaction_abort(struct domain *domain)
{
	struct zog_txn *txn = domain->txn;
	uint32_t ranges = txn->range_count;
	uint64_t ruled;

	/* A log that cannot be right: everything goes back, page by page. */
	if (ranges > ZOG_TXN_RANGE_MAX || !ranges_are_good(domain, ranges, NULL, &ruled)) {
		memset(txn->dirty_page, 0xff, sizeof(txn->dirty_page));
		txn->is_page_mode = 1;
		ranges = 0;
	}
	ranges_copy(domain, domain->home_live, domain->home_committed, ranges);
	log_clear(txn);
	domain->stats.aborts++;
}
