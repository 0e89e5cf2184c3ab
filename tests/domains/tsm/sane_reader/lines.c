/* The sheet in version V: line I holds the greatest number up to V whose remainder by the number of lines is I, and its
 * multiples. So every look says what every byte must be, of the version before, too, while the history has it. */
#include "lines.h"
#include "rt/region.h"
#include "domain.h"
#include "contracts/ledger.h"

#define LINES LEDGER_SHEET_LINE_COUNT
#define LOOKS 100u

static uint64_t changes, last;

static uint64_t count_in(uint64_t version, uint32_t index)
{
	uint64_t back = (version + LINES - index) % LINES;

	return version > back ? version - back : 0;
}

static bool line_is(const struct ledger_sheet_line *line, uint64_t count)
{
	return line->count == count && line->twin_1 == count * 3 && line->twin_2 == count * 5 && line->twin_3 == count * 7 &&
	       line->twin_4 == count * 9 && line->twin_5 == count * 11 && line->twin_6 == count * 13 && line->twin_7 == count * 15;
}

static void past_check(uint64_t version)
{
	struct ledger_sheet_line line;
	uint32_t index = (uint32_t)(version % LINES); /* what that version changed */

	for (uint64_t of = version - 1; of + 2 >= version; of--)
		if (region_read_version(REGION_SHEET, LEDGER_SHEET_LINE, index, of, &line) == ZOG_OK && !line_is(&line, count_in(of, index)))
			rt_log(RT_ERROR, "bad: line %u of version %lu read as history: %lu", index, of, line.count);
}

static void look(void)
{
	struct ledger_sheet_line line[LINES];
	uint64_t version = region_read_begin(REGION_SHEET);

	for (uint32_t i = 0; i < LINES; i++)
		region_copy(REGION_SHEET, LEDGER_SHEET_LINE, i, &line[i]);
	if (!region_read_end(REGION_SHEET, version))
		return;
	version /= 2;
	for (uint32_t i = 0; i < LINES; i++)
		if (!line_is(&line[i], count_in(version, i)))
			rt_log(RT_ERROR, "bad: line %u in version %lu: %lu", i, version, line[i].count);
	if (version < last)
		rt_log(RT_ERROR, "bad: version %lu after %lu", version, last);
	if (version > last && version > 2)
		past_check(version);
	changes += version > last;
	if (version / 128 != last / 128)
		rt_log(RT_INFO, "changes %lu", changes);
	last = version;
}

bool lines_are_asked_for(void)
{
	char option[4];

	return rt_option("tsm_lines", option, sizeof(option));
}

void lines_look(void)
{
	for (uint32_t i = 0; i < LOOKS; i++)
		look();
}
