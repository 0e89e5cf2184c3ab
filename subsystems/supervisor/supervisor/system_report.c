/* Reports about the whole system: domains, corruptions asked for and detected, counters, version, uptime. */
#include "report.h"

#include "domain.h"
#include "service.h"
#include "update.h"

#define VERSION_TEXT "Zog 0.1"

struct column {
	const char *title;
	size_t start;
};

static void header_write(struct text *text, const struct column *column, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_column(text, column[i].start);
		text_format(text, "%s", column[i].title);
	}
	text_line_end(text);
}

static void cell_number(struct text *text, const struct column *column, uint64_t value)
{
	text_column(text, column->start);
	text_format(text, "%lu", value);
}

static void cell_string(struct text *text, const struct column *column, const char *value)
{
	text_column(text, column->start);
	text_format(text, "%s", value);
}

static const char *state_name(uint32_t state)
{
	static const char *const name[] = { "starting", "ready", "quarantined", "stopped" };

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "unknown";
}

static bool stats_read(uint32_t domain, struct zog_domain_stats *stats)
{
	if (rt_stats(CAP_STATS, domain, stats) != ZOG_OK)
		return false;
	stats->name[sizeof(stats->name) - 1] = '\0';
	return true;
}

const char *domain_name(uint32_t domain, struct zog_domain_stats *stats)
{
	if (domain == ZOG_CLIENT_CORE)
		return "core";
	return stats_read(domain, stats) ? stats->name : "unknown";
}

static const struct column domain_column[] = {
	{ "id", 0 },     { "name", 4 },     { "state", 20 },  { "starts", 33 }, { "faults", 41 }, { "invocations", 49 },
	{ "commits", 63 }, { "aborts", 77 }, { "home", 87 },  { "heap", 98 },  { "dma", 109 },
};

static const char *dma_name(uint32_t dma)
{
	static const char *const name[] = { "-", "confined", "ALL-MEMORY" };

	return dma < sizeof(name) / sizeof(name[0]) ? name[dma] : "unknown";
}

static void domain_row(struct text *text, const struct zog_domain_stats *stats)
{
	const struct column *column = domain_column;
	char buffer[SERVICE_WORD_SIZE];
	const char *word = service_word(stats, buffer);

	cell_number(text, column++, stats->id);
	cell_string(text, column++, stats->name);
	cell_string(text, column++, word ? word : state_name(stats->state));
	cell_number(text, column++, stats->starts);
	cell_number(text, column++, stats->faults);
	cell_number(text, column++, stats->invocations);
	cell_number(text, column++, stats->commits);
	cell_number(text, column++, stats->aborts);
	cell_number(text, column++, stats->home_bytes);
	cell_number(text, column++, stats->heap_bytes);
	cell_string(text, column++, dma_name(stats->dma));
	text_line_end(text);
}

static void domains_report(struct text *text)
{
	struct zog_domain_stats stats;

	header_write(text, domain_column, sizeof(domain_column) / sizeof(domain_column[0]));
	for (uint32_t domain = 0; domain < rt_info()->domain_count; domain++)
		if (stats_read(domain, &stats))
			domain_row(text, &stats);
	if (rt_info()->iommu & ZOG_IOMMU_DMA)
		return;
	text_format(text, "NO IOMMU: domains with ALL-MEMORY, and their devices, are trusted with everything");
	text_line_end(text);
}

static const struct column corruption_column[] = { { "name", 0 }, { "asked", 16 }, { "detected", 24 } };

/* asked - detected is the number of corruptions that no check has seen so far. */
static void corruptions_report(struct text *text)
{
	struct zog_domain_stats stats;

	header_write(text, corruption_column, sizeof(corruption_column) / sizeof(corruption_column[0]));
	for (uint32_t domain = 0; domain < rt_info()->domain_count; domain++) {
		if (!stats_read(domain, &stats))
			continue;
		cell_string(text, &corruption_column[0], stats.name);
		cell_number(text, &corruption_column[1], stats.corruptions);
		cell_number(text, &corruption_column[2], stats.corruptions_detected);
		text_line_end(text);
	}
}

static void counter_line(struct text *text, const char *name, uint64_t value)
{
	text_format(text, "%s %lu", name, value);
	text_line_end(text);
}

/* Of the whole machine since boot. */
static void counters_report(struct text *text)
{
	struct zog_domain_stats stats;

	if (!stats_read(rt_self()->id, &stats))
		return;
	counter_line(text, "address_space_switches", stats.address_space_switches);
	counter_line(text, "table_flushes", stats.table_flushes);
	counter_line(text, "incidents", stats.incident_count);
	counter_line(text, "threads_ready", stats.thread_count);
}

static void version_report(struct text *text)
{
	text_format(text, VERSION_TEXT " x86_64, %u CPUs, %u domains", rt_info()->cpu_count, rt_info()->domain_count);
	text_line_end(text);
}

static void uptime_report(struct text *text)
{
	uint64_t now_ns = rt_now_ns();

	text_format(text, "%lu.%02lu", now_ns / 1000000000, now_ns / 10000000 % 100);
	text_line_end(text);
}

static const struct column region_column[] = {
	{ "region", 0 },   { "writer", 24 },  { "readers", 40 }, { "version", 48 }, { "epoch", 60 },   { "commits", 68 }, { "refused", 80 },
	{ "rollbacks", 90 }, { "kept", 100 }, { "bytes", 106 },  { "memory", 116 }, { "committed", 126 }, { "author", 140 },
	{ "time_ns", 156 }, { "crc32c", 172 }, { "validator", 182 }, { "rejected", 198 }, { "undone", 208 }, { "bytes_undone", 216 },
	{ "hooks", 230 }, { "failed", 238 }, { "scrubbed", 246 }, { "damaged", 258 }, { "repaired", 267 }, { "last_damage", 277 },
};

static void region_row(struct text *text, const struct zog_region_stats *region)
{
	const struct column *column = region_column;
	struct zog_domain_stats domain;

	cell_string(text, column++, region->name);
	cell_string(text, column++, domain_name(region->writer, &domain));
	cell_number(text, column++, region->reader_count);
	cell_number(text, column++, region->head.version >> 1);
	cell_number(text, column++, region->head.epoch);
	cell_number(text, column++, region->commits);
	cell_number(text, column++, region->refused);
	cell_number(text, column++, region->rollbacks);
	cell_number(text, column++, region->kept);
	cell_number(text, column++, region->bytes);
	cell_number(text, column++, region->memory_bytes);
	cell_number(text, column++, region->bytes_committed);
	cell_string(text, column++, region->head.time_ns ? domain_name(region->head.author, &domain) : "-");
	cell_number(text, column++, region->head.time_ns);
	text_column(text, (column++)->start);
	text_format(text, "%08x", region->head.checksum);
	cell_string(text, column++, region->has_validator ? domain_name(region->validator, &domain) : "-");
	cell_number(text, column++, region->rejected);
	cell_number(text, column++, region->versions_undone);
	cell_number(text, column++, region->bytes_undone);
	cell_number(text, column++, region->hooks_run);
	cell_number(text, column++, region->hooks_failed);
	cell_number(text, column++, region->scrubbed);
	cell_number(text, column++, region->damaged);
	cell_number(text, column++, region->repaired);
	cell_string(text, column++, region->damage[0] ? region->damage : "-");
	text_line_end(text);
}

static const struct column object_column[] = {
	{ "object", 0 },   { "writer", 24 },  { "readers", 40 }, { "version", 48 }, { "epoch", 60 },   { "commits", 68 }, { "refused", 80 },
	{ "rollbacks", 90 }, { "kept", 100 }, { "bytes", 106 },  { "memory", 116 }, { "busy", 126 }, { "author", 140 },
	{ "time_ns", 156 }, { "crc32c", 172 }, { "versions", 182 },
};

/* versions: the published one and those that can be read or gone back to. */
static void object_row(struct text *text, const struct zog_object_stats *object)
{
	const struct column *column = object_column;
	uint32_t published = ZOG_OBJECT_BUFFER(object->head.word);
	const struct zog_object_version *version = &object->head.buffer[published % ZOG_OBJECT_BUFFER_MAX];
	struct zog_domain_stats domain;

	cell_string(text, column++, object->name);
	cell_string(text, column++, domain_name(object->writer, &domain));
	cell_number(text, column++, object->reader_count);
	cell_number(text, column++, version->version);
	cell_number(text, column++, object->head.epoch);
	cell_number(text, column++, object->commits);
	cell_number(text, column++, object->refused);
	cell_number(text, column++, object->rollbacks);
	cell_number(text, column++, object->kept);
	cell_number(text, column++, object->bytes);
	cell_number(text, column++, object->memory_bytes);
	cell_number(text, column++, object->busy);
	cell_string(text, column++, version->time_ns ? domain_name(version->author, &domain) : "-");
	cell_number(text, column++, version->time_ns);
	text_column(text, column++->start);
	text_format(text, "%08x", version->checksum);
	text_column(text, column->start);
	text_format(text, "%lu", version->version);
	for (uint32_t i = 0; i < ZOG_OBJECT_BUFFER_MAX; i++)
		if (i != published && object->head.buffer[i].version != ZOG_OBJECT_NONE)
			text_format(text, ",%lu", object->head.buffer[i].version);
	text_line_end(text);
}

static void objects_report(struct text *text)
{
	struct zog_object_stats object;

	for (uint32_t i = 0; rt_object_stats(CAP_STATS, i, &object) == ZOG_OK; i++) {
		if (i == 0)
			header_write(text, object_column, sizeof(object_column) / sizeof(object_column[0]));
		object.name[sizeof(object.name) - 1] = '\0';
		object_row(text, &object);
	}
}

static const struct column home_column[] = { { "home", 0 }, { "refused", 20 }, { "checked", 32 }, { "findings", 48 }, { "last", 60 } };

/* Commits that broke the schema; committed records that the scrubber looked at, and what is wrong with the last it found. */
static void home_row(struct text *text, const struct zog_domain_stats *stats)
{
	const struct column *column = home_column;

	cell_string(text, column++, stats->name);
	cell_number(text, column++, stats->schema_refused);
	cell_number(text, column++, stats->records_checked);
	cell_number(text, column++, stats->schema_findings);
	cell_string(text, column, stats->finding[0] ? stats->finding : "-");
	text_line_end(text);
}

/* Home regions: one line each in /zog/domains. Here all of them together, the shared ones, and what schemas of homes found. */
static void tsm_report(struct text *text)
{
	uint64_t commits = 0, aborts = 0, bytes = 0;
	struct zog_domain_stats domain;
	struct zog_region_stats region;

	for (uint32_t i = 0; i < rt_info()->domain_count; i++)
		if (stats_read(i, &domain))
			commits += domain.commits, aborts += domain.aborts, bytes += domain.home_bytes;
	counter_line(text, "home_bytes", bytes);
	counter_line(text, "home_commits", commits);
	counter_line(text, "home_aborts", aborts);
	header_write(text, region_column, sizeof(region_column) / sizeof(region_column[0]));
	for (uint32_t i = 0; rt_region_stats(CAP_STATS, i, &region) == ZOG_OK; i++) {
		region.name[sizeof(region.name) - 1] = region.damage[sizeof(region.damage) - 1] = '\0';
		region_row(text, &region);
	}
	objects_report(text);
	header_write(text, home_column, sizeof(home_column) / sizeof(home_column[0]));
	for (uint32_t i = 0; i < rt_info()->domain_count; i++)
		if (stats_read(i, &domain))
			home_row(text, &domain);
}

static const char *update_state_name(uint32_t state)
{
	static const char *const name[] = { "-", "loading", "checked", "switching", "switching", "probation" };

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "unknown";
}

static const struct column update_column[] = {
	{ "name", 0 }, { "image", 16 }, { "state", 34 }, { "updates", 45 }, { "undone", 54 }, { "last", 62 },
};

/* image: the beginning of the running program's measure. undone: how many updates the core took back. */
static void updates_report(struct text *text)
{
	const struct update_home *home = update_home();
	struct zog_domain_stats stats;

	header_write(text, update_column, sizeof(update_column) / sizeof(update_column[0]));
	for (uint32_t domain = 0; domain < rt_info()->domain_count; domain++) {
		if (!stats_read(domain, &stats))
			continue;
		cell_string(text, &update_column[0], stats.name);
		text_column(text, update_column[1].start);
		text_format(text, "%016lx", __builtin_bswap64(stats.image));
		cell_string(text, &update_column[2], update_state_name(stats.update_state));
		cell_number(text, &update_column[3], stats.updates);
		cell_number(text, &update_column[4], stats.updates_undone);
		cell_string(text, &update_column[5], home->note[domain].time_ns ? home->note[domain].text : "-");
		text_line_end(text);
	}
}

static const struct column service_column[] = {
	{ "name", 0 }, { "state", 16 }, { "start", 30 }, { "restart", 38 }, { "starts", 48 }, { "failures", 56 }, { "turns", 66 }, { "arguments", 74 },
};

/* starts: by the supervisor. failures: in a row. turns: until the next start. */
static void services_report(struct text *text)
{
	const struct service_home *home = service_home();
	char buffer[SERVICE_WORD_SIZE];
	struct zog_domain_stats stats;
	bool is_started_at_boot;

	header_write(text, service_column, sizeof(service_column) / sizeof(service_column[0]));
	for (uint32_t domain = 0; domain < rt_info()->domain_count; domain++) {
		const char *restart = service_policy(domain, &is_started_at_boot), *word;
		if (!restart || !stats_read(domain, &stats))
			continue;
		word = service_word(&stats, buffer);
		cell_string(text, &service_column[0], stats.name);
		cell_string(text, &service_column[1], word ? word : state_name(stats.state));
		cell_string(text, &service_column[2], is_started_at_boot ? "boot" : "demand");
		cell_string(text, &service_column[3], restart);
		cell_number(text, &service_column[4], home->record[domain].starts);
		cell_number(text, &service_column[5], home->record[domain].failures);
		cell_number(text, &service_column[6], home->record[domain].phase == SERVICE_BACKS_OFF ? home->record[domain].turns_left : 0);
		cell_string(text, &service_column[7], home->record[domain].arguments[0] ? home->record[domain].arguments : "-");
		text_line_end(text);
	}
}

void system_report(enum system_file file, struct text *text)
{
	static void (*const report[SYSTEM_FILE_COUNT])(struct text *) = {
		[SYSTEM_DOMAINS] = domains_report,
		[SYSTEM_CORRUPTIONS] = corruptions_report,
		[SYSTEM_COUNTERS] = counters_report,
		[SYSTEM_VERSION] = version_report,
		[SYSTEM_UPTIME] = uptime_report,
		[SYSTEM_TSM] = tsm_report,
		[SYSTEM_AUTHORITY] = authority_report,
		[SYSTEM_UPDATES] = updates_report,
		[SYSTEM_SERVICES] = services_report,
		[SYSTEM_TRACE] = traces_report,
	};

	report[file](text);
}
