/* /zog/authority: what every domain holds and reaches at this moment, as the core tells it (enum zog_authority_kind).
 *
 * First a line for each domain, then a row for each right; tools/zoglib/authority.py reads both and compares them with
 * the map that the manifests compile to. Words of a row: domain, kind, right, pages, used. Kinds:
 *   entry N:CONTRACT@DOMAIN  event N:DOMAIN.EVENT  ports N:FIRST..LAST  control inspect ... N     capability N
 *   straight N:CONTRACT@DOMAIN       what the straight way of a crossing holds where the table has something else
 *   flag NAME   irq VECTOR:EVENT:LINE   region, object NUMBER:writer or reader
 *   area PLACE:RIGHTS@ADDRESS=PHYSICAL     memory that is mapped, or will be at first touch
 *   memory PLACE:RIGHTS:own                pages of its own in its page tables
 *   memory PLACE:RIGHTS:WHOSE@ADDRESS=PHYSICAL      runs of pages that are not its own */
#define DOMAIN_WANT_NAMES
#include "report.h"

#include "domain.h"

#define NAME_BYTES 32u /* a domain's name is shorter */
#define SUMMARY_BYTES (NAME_BYTES + 44u) /* of a line of the table at the top: the name, 6 numbers in columns, the end */
#define CONTRACTS (sizeof(contract_names) / sizeof(contract_names[0]))

static void row_begin(struct text *text, const char *domain, const char *kind)
{
	text_format(text, "%s", domain);
	text_column(text, 20);
	text_format(text, "%s", kind);
	text_column(text, 30);
}

static void row_end(struct text *text, uint64_t pages, const char *used)
{
	text_column(text, 84);
	text_format(text, pages ? "%lu" : "-", pages);
	text_column(text, 92);
	text_format(text, "%s", used);
	text_line_end(text);
}

static const char *name_of(uint64_t domain) { return domain < DOMAIN_COUNT ? domain_names[domain] : "nobody"; }
static const char *contract_of(uint64_t number) { return number < CONTRACTS && contract_names[number] ? contract_names[number] : "unknown"; }
static const char *yes_or_no(uint64_t is_used) { return is_used ? "yes" : "no"; }

/* --- capabilities, flags, interrupts, regions ---------------------------------------------------------------- */

static void cap_right(struct text *text, uint64_t index, const struct zog_authority *row)
{
	text_format(text, "%lu", index);
	if (row->type == ZOG_AUTHORITY_ENTRY)
		text_format(text, ":%s@%s:0x%lx", contract_of(row->b), name_of(row->a), row->methods);
	else if (row->type == ZOG_AUTHORITY_EVENT)
		text_format(text, ":%s.%lu", name_of(row->a), row->b);
	else if (row->type == ZOG_AUTHORITY_PORTS)
		text_format(text, ":0x%lx..0x%lx", row->a, row->b);
}

static bool is_same_both_ways(const struct zog_authority *row)
{
	if (row->d == UINT64_MAX) /* the straight way has nothing: less, never more */
		return true;
	return row->type == ZOG_AUTHORITY_ENTRY && row->a == row->c && row->b == row->d;
}

static void cap_row(struct text *text, const char *domain, uint64_t index, const struct zog_authority *row)
{
	static const char *const kind[ZOG_AUTHORITY_TYPE_COUNT] = { "none", "entry", "event", "ports", "control", "inspect", "power", "bus",
								    "schedule", "stats", "inject", "update" };

	if (row->type != 0) {
		row_begin(text, domain, row->type < ZOG_AUTHORITY_TYPE_COUNT ? kind[row->type] : "unknown");
		cap_right(text, index, row);
		row_end(text, 0, yes_or_no(row->is_used));
	}
	if (is_same_both_ways(row))
		return;
	row_begin(text, domain, "straight");
	text_format(text, "%lu:%s@%s", index, contract_of(row->d), name_of(row->c));
	row_end(text, 0, yes_or_no(row->is_used));
}

static void flag_rows(struct text *text, const char *domain, uint64_t place, const struct zog_authority *row)
{
	static const char *const name[] = { "personality", "frames", "bus", "device" };

	(void)place;
	for (uint32_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (row->a >> i & 1) {
			row_begin(text, domain, "flag");
			text_format(text, "%s", name[i]);
			row_end(text, 0, "-");
		}
	if (row->b) {
		row_begin(text, domain, "flag");
		text_format(text, "core_half");
		row_end(text, row->b, "-");
	}
}

static void irq_row(struct text *text, const char *domain, uint64_t place, const struct zog_authority *row)
{
	(void)place;
	row_begin(text, domain, "irq");
	if (row->c == UINT64_MAX)
		text_format(text, "0x%lx:%lu:message", row->a, row->b);
	else
		text_format(text, "0x%lx:%lu:line%lu", row->a, row->b, row->c);
	row_end(text, 0, yes_or_no(row->is_used));
}

static void region_row(struct text *text, const char *domain, uint64_t place, const struct zog_authority *row)
{
	static const char *const role[] = { "reader", "writer", "validator" };

	(void)place;
	row_begin(text, domain, "region");
	text_format(text, "%lu:%s", row->a, row->b < 3 ? role[row->b] : "unknown");
	row_end(text, 0, "-");
}

static void object_row(struct text *text, const char *domain, uint64_t place, const struct zog_authority *row)
{
	(void)place;
	row_begin(text, domain, "object");
	text_format(text, "%lu:%s", row->a, row->b ? "writer" : "reader");
	row_end(text, 0, "-");
}

/* --- memory -------------------------------------------------------------------------------------------------- */

static const struct { uint64_t first; const char *name; } places[] = { /* abi/zog/layout.h; in any order */
	{ ZOG_STREAM_BASE, "stream" }, { ZOG_MMIO_BASE, "device" }, { ZOG_DMA_BASE, "dma" }, { ZOG_TXN_BASE, "log" },
	{ ZOG_MODULE_BASE, "module" }, { ZOG_REGION_BASE, "region" }, { ZOG_OBJECT_BASE, "object" }, { ZOG_INFO_BASE, "info" }, { ZOG_MESSAGE_BASE, "message" },
	{ ZOG_STACK_BASE, "stack" }, { ZOG_HEAP_BASE, "heap" }, { ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET, "committed" },
	{ ZOG_HOME_BASE, "home" }, { 0, "image" },
};
#define PLACES (sizeof(places) / sizeof(places[0]))
#define RIGHTS_COUNT 8u

static uint32_t place_of(uint64_t address)
{
	uint32_t found = PLACES - 1;

	for (uint32_t i = 0; i < PLACES; i++)
		if (places[i].first <= address && places[i].first >= places[found].first)
			found = i;
	return found;
}

static void place_write(struct text *text, uint32_t place, uint64_t rights)
{
	text_format(text, "%s:%c%c%c", places[place].name, rights & ZOG_MAP_READ ? 'r' : '-', rights & ZOG_MAP_WRITE ? 'w' : '-',
		    rights & ZOG_MAP_EXECUTE ? 'x' : '-');
}

static void area_row(struct text *text, const char *domain, uint64_t place, const struct zog_authority *row)
{
	(void)place;
	if (row->b == 0) /* a device window that nothing is attached to */
		return;
	row_begin(text, domain, "area");
	place_write(text, place_of(row->a), row->c);
	text_format(text, "@0x%lx=0x%lx", row->a, row->d);
	row_end(text, row->b, "-");
}

/* What a domain reaches, counted while the runs are read. */
struct reach {
	uint64_t own[PLACES][RIGHTS_COUNT];
	uint64_t own_pages, foreign, core, device;
};
static struct reach reach; /* scratch */

static const char *whose(const struct zog_authority *run)
{
	if (run->type == ZOG_AUTHORITY_NO_RAM)
		return "device";
	return run->type == ZOG_AUTHORITY_CORE ? "core" : name_of(run->owner);
}

/* Counts a run, and writes a row if it is not the domain's own. */
static void run_count(struct text *text, uint32_t domain, const struct zog_authority *run)
{
	bool is_owned = run->type != ZOG_AUTHORITY_NO_RAM && run->type != ZOG_AUTHORITY_CORE;

	if (is_owned && run->owner == domain) {
		reach.own[place_of(run->a)][run->c % RIGHTS_COUNT] += run->b;
		reach.own_pages += run->b;
		return;
	}
	*(is_owned ? &reach.foreign : run->type == ZOG_AUTHORITY_CORE ? &reach.core : &reach.device) += run->b;
	row_begin(text, name_of(domain), "memory");
	place_write(text, place_of(run->a), run->c);
	text_format(text, ":%s@0x%lx=0x%lx", whose(run), run->a, run->d);
	row_end(text, run->b, "-");
}

static void reach_read(struct text *text, uint32_t domain)
{
	struct zog_authority run = { .next = 0 };

	memset(&reach, 0, sizeof(reach));
	while (rt_authority(CAP_INSPECT, domain, ZOG_AUTHORITY_PAGES, run.next, &run) == ZOG_OK)
		if (run.b != 0)
			run_count(text, domain, &run);
}

static void memory_rows(struct text *text, uint32_t domain)
{
	reach_read(text, domain);
	for (uint32_t place = 0; place < PLACES; place++)
		for (uint64_t rights = 0; rights < RIGHTS_COUNT; rights++) {
			if (reach.own[place][rights] == 0)
				continue;
			row_begin(text, name_of(domain), "memory");
			place_write(text, place, rights);
			text_format(text, ":own");
			row_end(text, reach.own[place][rights], "-");
		}
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static void domain_rows(struct text *text, uint32_t domain)
{
	static void (*const writer[ZOG_AUTHORITY_PAGES])(struct text *, const char *, uint64_t, const struct zog_authority *) = {
		[ZOG_AUTHORITY_CAP] = cap_row, [ZOG_AUTHORITY_FLAGS] = flag_rows, [ZOG_AUTHORITY_IRQ] = irq_row,
		[ZOG_AUTHORITY_REGION] = region_row, [ZOG_AUTHORITY_AREA] = area_row, [ZOG_AUTHORITY_OBJECT] = object_row,
	};
	struct zog_authority row;

	for (uint32_t kind = 0; kind < ZOG_AUTHORITY_PAGES; kind++)
		for (uint64_t place = 0; rt_authority(CAP_INSPECT, domain, kind, place, &row) == ZOG_OK; place = row.next)
			writer[kind](text, name_of(domain), place, &row);
	memory_rows(text, domain);
}

/* Of the domain whose rows were written last. */
static void summary_row(struct text *text, uint32_t domain)
{
	uint64_t held = 0, used = 0;
	struct zog_authority row;

	for (uint64_t place = 0; rt_authority(CAP_INSPECT, domain, ZOG_AUTHORITY_CAP, place, &row) == ZOG_OK; place = row.next)
		if (row.type != 0)
			held++, used += row.is_used != 0;
	text_format(text, "%s", name_of(domain));
	text_column(text, NAME_BYTES);
	text_format(text, "%4lu %5lu %8lu %7lu %6lu %8lu", held, used, reach.own_pages, reach.foreign, reach.core, reach.device);
	text_line_end(text);
}

/* A domain's pages are looked at once: the lines above its rows, all of one length, are filled in from what these counted. */
void authority_report(struct text *text)
{
	uint32_t domains = rt_info()->domain_count;
	struct text summary;

	text_format(text, "domain");
	text_column(text, NAME_BYTES);
	text_format(text, "caps  used pages:own  others   core   device");
	text_line_end(text);
	rt_assert(domains * SUMMARY_BYTES <= text->size - text->used);
	text_open(&summary, text->data + text->used, domains * SUMMARY_BYTES);
	text->used += summary.size;
	text_line_end(text);
	row_begin(text, "domain", "kind");
	text_format(text, "right");
	text_column(text, 84);
	text_format(text, "pages");
	text_column(text, 92);
	text_format(text, "used");
	text_line_end(text);
	for (uint32_t domain = 0; domain < domains; domain++) {
		domain_rows(text, domain);
		summary_row(&summary, domain);
	}
}
