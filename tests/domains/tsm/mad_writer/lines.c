/* One line of the sheet at a time, each commit by itself, so that it goes the straight way (core/tsm/region_straight.c). The number of
 * the commit stands in the home region before it is made: whatever cuts it, the sheet is one commit behind that number, or
 * has it. Line N % 4 holds N and its multiples; sane_reader checks all of them. */
#include "mad_writer.h"

#define TOLD_EACH 256u

static void bad_tell(const struct home *home, const char *what)
{
	rt_log(RT_ERROR, "bad: line %lu of version %lu: %s", home->honest, region_version(REGION_SHEET), what);
}

void lines_step(struct home *home)
{
	uint64_t version = region_version(REGION_SHEET);
	struct ledger_sheet_line line, seen;

	if (home->honest == version) {
		home->honest++;
		rt_commit();
	} else if (home->honest != version + 1) {
		bad_tell(home, "commits were lost, or made twice");
	}
	uint32_t index = (uint32_t)(home->honest % LEDGER_SHEET_LINE_COUNT);
	uint64_t count = home->honest;
	line = (struct ledger_sheet_line){ count, count * 3, count * 5, count * 7, count * 9, count * 11, count * 13, count * 15 };
	region_write(REGION_SHEET, LEDGER_SHEET_LINE, index, &line);
	region_submit(REGION_SHEET, LEDGER_SHEET_LINE, index, 1);
	if (region_commit() != ZOG_OK)
		bad_tell(home, "refused");
	if (region_version(REGION_SHEET) != home->honest)
		bad_tell(home, "another version than this commit's");
	region_read(REGION_SHEET, LEDGER_SHEET_LINE, index, &seen);
	if (memcmp(&seen, &line, sizeof(line)) != 0)
		bad_tell(home, "not what was committed");
	if (home->honest % TOLD_EACH == 0)
		rt_log(RT_INFO, "lines %lu", home->honest);
}
