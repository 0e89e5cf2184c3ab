/* Takes snapshots of the ledger whenever it changes, and checks each against the contract by code that shares nothing
 * with the core's interpreter: types, ranges, offsets, references, progress since the last snapshot, checksums. */
#include "rt/region.h"
#include "domain.h"
#include "contracts/ledger.h"
#include "lines.h"

#define ENTRIES LEDGER_BOOK_ENTRY_COUNT
#define LOOKS 24u /* snapshots for each change: some overlap a commit on another CPU */
#define TOLD_MAX 20u

struct home {
	uint64_t snapshots, torn, bad, changes;
	uint32_t is_told;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "the home region holds the counts");

static struct snapshot {
	uint64_t version;
	struct ledger_book_control control;
	struct ledger_book_entry entry[ENTRIES];
} now, last;

static bool snapshot_take(struct snapshot *to)
{
	to->version = region_read_begin(REGION_BOOK);
	region_copy(REGION_BOOK, LEDGER_BOOK_CONTROL, 0, &to->control);
	for (uint32_t i = 0; i < ENTRIES; i++)
		region_copy(REGION_BOOK, LEDGER_BOOK_ENTRY, i, &to->entry[i]);
	return region_read_end(REGION_BOOK, to->version);
}

static const char *entry_fault(uint32_t index)
{
	const struct ledger_book_entry *entry = &now.entry[index];

	if (entry->value < last.entry[index].value)
		return "value went back";
	if (entry->is_live == 0)
		return NULL;
	if (!ledger_book_entry_is_valid(entry))
		return "outside the contract";
	if (region_checksum(entry, sizeof(*entry), LEDGER_BOOK_ENTRY.checksum) != entry->checksum)
		return "checksum";
	if (entry->next != UINT32_MAX && (entry->next >= ENTRIES || now.entry[entry->next].is_live != 1))
		return "reference to nothing";
	return NULL;
}

static void bad_tell(struct home *home, uint32_t index, const char *what)
{
	if (home->bad++ < TOLD_MAX)
		rt_log(RT_ERROR, "bad entry %u: %s", index, what);
}

static void snapshot_check(struct home *home)
{
	if (!ledger_book_control_is_valid(&now.control) || now.control.steps < last.control.steps)
		bad_tell(home, ENTRIES, "control");
	for (uint32_t i = 0; i < ENTRIES; i++) {
		const char *what = entry_fault(i);
		if (what != NULL)
			bad_tell(home, i, what);
	}
}

static void look(struct home *home)
{
	if (!snapshot_take(&now)) {
		home->torn++;
		return;
	}
	home->snapshots++;
	if (now.version == last.version)
		return;
	home->changes++;
	snapshot_check(home);
	last = now;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t seen = rt_event_count(WAIT_LEDGER_CHANGED);

	if (lines_are_asked_for()) {
		lines_look();
		return rt_wait(call, WAIT_LEDGER_CHANGED, seen, rt_now_ns() + 50000);
	}
	for (uint32_t i = 0; i < LOOKS; i++)
		look(home);
	if (last.control.mode == LEDGER_MODE_DONE && !home->is_told) {
		home->is_told = 1;
		rt_log(RT_INFO, "done snapshots=%lu changes=%lu torn=%lu bad=%lu", home->snapshots, home->changes, home->torn, home->bad);
	}
	return rt_wait(call, WAIT_LEDGER_CHANGED, seen, RT_NO_DEADLINE);
}
