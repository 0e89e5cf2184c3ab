/* Shared regions: their memory, what is discarded, reading what was. Commit and rollback: region_commit.c. */
#include "tsm/region.h"
#include "tsm/region_control.h"
#include "fault/log.h"
#include "object/frame.h"

struct region *region_table;
#define READ_ATTEMPTS 64u

/* --- boot ------------------------------------------------------------------------------------------------------------ */

static uint64_t history_bytes(const struct region_desc *desc)
{
	return desc->history * (desc->bytes + sizeof(struct region_version));
}

static void sums_build(struct region *region)
{
	const struct region_desc *desc = region->desc;

	region->sum = boot_pointer(desc->record_count * sizeof(uint32_t *));
	for (uint32_t kind = 0; kind < desc->record_count; kind++) {
		uint32_t zeros = schema_crc32c(0, region->data + desc->record[kind].offset, desc->record[kind].bytes);
		region->sum[kind] = boot_pointer(desc->record[kind].count * sizeof(uint32_t));
		for (uint32_t i = 0; i < desc->record[kind].count; i++)
			region->sum[kind][i] = zeros;
	}
}

static void region_build(struct region *region, const struct region_desc *desc)
{
	if (!schema_is_good(desc))
		log_fatal("the schema of a shared region refers outside of it");
	region->desc = desc;
	region->head_physical = boot_memory(ZOG_PAGE_SIZE + desc->bytes, FRAME_DOMAIN, desc->writer);
	region->buffer_physical = boot_memory(desc->bytes, FRAME_DOMAIN, desc->writer);
	region->head = physical_pointer(region->head_physical);
	region->data = physical_pointer(region->head_physical + ZOG_PAGE_SIZE);
	region->buffer = physical_pointer(region->buffer_physical);
	sums_build(region);
	region_straight_build(region);
	if (desc->has_validator) {
		region->proposal_physical = boot_memory(REGION_PROPOSAL_PAGES * ZOG_PAGE_SIZE, FRAME_DOMAIN, desc->validator);
		region->proposal = physical_pointer(region->proposal_physical);
	}
	if (desc->history == 0)
		return;
	region->version = boot_pointer(desc->history * sizeof(struct region_version));
	for (uint32_t slot = 0; slot < desc->history; slot++)
		region->version[slot].replaced = boot_pointer(desc->bytes);
	region->newest = desc->history - 1;
}

void region_setup(const char *cmdline)
{
	region_control_setup(cmdline);
	if (system_region_count == 0)
		return;
	region_table = boot_pointer(system_region_count * sizeof(struct region));
	for (uint32_t i = 0; i < system_region_count; i++)
		region_build(&region_table[i], &system_region[i]);
}

void region_attach_writer(struct domain *domain, uint64_t place, pte_t *entry, uint64_t address)
{
	struct region *region = domain->writes[place] = region_of(domain, place, REGION_WRITER);

	region->buffer_entry = entry;
	region->buffer_address = address;
}

struct region *region_of(const struct domain *domain, uint64_t place, enum region_role role)
{
	if (place >= domain->desc->region_count || domain->desc->region[place].role != role)
		return NULL;
	return &region_table[domain->desc->region[place].region];
}

struct region *region_of_committer(const struct domain *domain, uint64_t place)
{
	struct region *region = region_of(domain, place, REGION_WRITER);

	if (region != NULL)
		return region->desc->has_validator ? NULL : region;
	return region_of(domain, place, REGION_VALIDATOR);
}

/* --- back to what is committed --------------------------------------------------------------------------------------- */

/* A validator may commit meanwhile: a page half old and half new would be no copy. Changed too often: the page stays as it
 * is for its writer, and is checked like anything that it writes. */
static void page_discard(const struct region *region, uint32_t page)
{
	for (uint32_t i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t seen = __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST);
		memcpy(region->buffer + page * ZOG_PAGE_SIZE, region->data + page * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with head_open */
		if (!(seen & 1) && __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST) == seen)
			return;
	}
}

/* The pages stay, but the next store to one is noticed: until then there is nothing to discard. */
static bool buffer_discard(const struct region *region)
{
	uint64_t open = 0;

	for (uint32_t page = 0; page < region->desc->bytes / ZOG_PAGE_SIZE; page++) {
		if (!(region->buffer_entry[page] & PTE_PRESENT))
			continue;
		page_discard(region, page);
		open |= region->buffer_entry[page] & PTE_WRITE;
		region->buffer_entry[page] &= ~PTE_WRITE;
	}
	return open != 0;
}

void region_discard(struct domain *domain)
{
	bool is_changed = false;

	for (uint32_t i = 0; i < domain->desc->region_count && region_control_discards(); i++) {
		const struct region *region = region_of(domain, i, REGION_WRITER);
		if (region != NULL && buffer_discard(region))
			is_changed = true;
	}
	if (is_changed)
		domain_flush(domain);
}

/* --- history --------------------------------------------------------------------------------------------------------- */

static uint32_t slot_before(const struct region *region, uint32_t slot)
{
	return (slot + region->desc->history - 1) % region->desc->history;
}

bool region_has_version(const struct region *region, uint64_t version)
{
	uint32_t slot = region->newest;

	if (version == region->head->version >> 1)
		return true;
	for (uint32_t i = 0; i < region->kept; i++, slot = slot_before(region, slot))
		if (region->version[slot].is.version == version || region->version[slot].was.version == version)
			return true;
	return false;
}

/* The bytes of a record in VERSION: what the oldest later version that changed it replaced; unchanged since: what is
 * committed. */
static const uint8_t *record_in(const struct region *region, uint64_t version, uint32_t kind, uint32_t index)
{
	const struct record_desc *desc = &region->desc->record[kind];
	const uint8_t *found = region->data + desc->offset + (uint64_t)index * desc->bytes;
	uint32_t slot = region->newest;

	for (uint32_t i = 0; i < region->kept && region->version[slot].is.version > version; i++, slot = slot_before(region, slot))
		for (uint32_t r = 0; r < region->version[slot].run_count && r < REGION_RUN_MAX; r++) {
			const struct region_undo *run = &region->version[slot].run[r];
			if (run->kind == kind && index - run->first < run->count)
				found = region->version[slot].replaced + run->at + (uint64_t)(index - run->first) * desc->bytes;
		}
	return found;
}

zog_status_t region_read_version(struct domain *domain, uint64_t place, uint64_t version, uint64_t which, uint64_t to)
{
	uint32_t kind = (uint32_t)(which >> 32), index = (uint32_t)which;
	uint8_t copy[SCHEMA_RECORD_MAX];

	if (place >= domain->desc->region_count)
		return ZOG_ERR_CAP;
	const struct region *region = &region_table[domain->desc->region[place].region];
	if (kind >= region->desc->record_count || index >= region->desc->record[kind].count)
		return ZOG_ERR_ARGUMENT;
	uint32_t bytes = region->desc->record[kind].bytes;
	for (uint32_t i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t seen = __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST);
		bool is_kept = region_has_version(region, version);
		if (is_kept)
			memcpy(copy, record_in(region, version, kind, index), bytes);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with head_open: a change since then shows in the version */
		if ((seen & 1) || __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST) != seen)
			continue;
		if (!is_kept)
			return ZOG_ERR_NOT_FOUND;
		return domain_write(domain, to, copy, bytes) ? ZOG_OK : ZOG_ERR_ARGUMENT;
	}
	return ZOG_ERR_BUSY;
}

/* false: not kept. */
static bool account_find(const struct region *region, uint64_t version, struct zog_region_version *info)
{
	const struct zog_region_head *head = region->head;
	uint32_t slot = region->newest;

	*info = (struct zog_region_version){ version, head->time_ns, head->author, head->checksum };
	if (version == head->version >> 1)
		return true;
	for (uint32_t i = 0; i < region->kept; i++, slot = slot_before(region, slot)) {
		const struct region_version *kept = &region->version[slot];
		if (kept->is.version == version || kept->was.version == version) {
			*info = kept->is.version == version ? kept->is : kept->was;
			return true;
		}
	}
	return false;
}

zog_status_t region_version_info(struct domain *domain, uint64_t place, uint64_t version, struct zog_region_version *info)
{
	if (place >= domain->desc->region_count)
		return ZOG_ERR_CAP;
	const struct region *region = &region_table[domain->desc->region[place].region];
	for (uint32_t i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t seen = __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST);
		bool is_kept = account_find(region, version, info);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with head_open */
		if (!(seen & 1) && __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST) == seen)
			return is_kept ? ZOG_OK : ZOG_ERR_NOT_FOUND;
	}
	return ZOG_ERR_BUSY;
}

static uint64_t memory_bytes(const struct region_desc *desc)
{
	uint64_t bytes = ZOG_PAGE_SIZE + 2ul * desc->bytes + history_bytes(desc);

	for (uint32_t kind = 0; kind < desc->record_count; kind++)
		bytes += desc->record[kind].count * sizeof(uint32_t);
	return bytes + (desc->has_validator ? REGION_PROPOSAL_PAGES * ZOG_PAGE_SIZE : 0);
}

static void stats_read(const struct region *region, struct zog_region_stats *stats)
{
	const struct region_desc *desc = region->desc;

	*stats = (struct zog_region_stats){
		.head = *region->head, .writer = desc->writer, .history = desc->history, .kept = region->kept, .reader_count = desc->reader_count,
		.bytes = desc->bytes, .memory_bytes = memory_bytes(desc), .commits = region->commits,
		.bytes_committed = region->bytes_committed, .refused = region->refused, .rollbacks = region->rollbacks,
		.rejected = region->rejected, .versions_undone = region->versions_undone, .bytes_undone = region->bytes_undone,
		.hooks_run = region->hooks_run, .hooks_failed = region->hooks_failed, .scrubbed = region->scrubbed,
		.damaged = region->damaged, .repaired = region->repaired, .validator = desc->validator, .has_validator = desc->has_validator,
	};
	memcpy(stats->damage, region->damage, sizeof(stats->damage) - 1);
	for (uint32_t i = 0; i < sizeof(stats->name) - 1 && desc->name[i]; i++)
		stats->name[i] = desc->name[i];
}

/* Of one version, unless the region changes all the time: then the last look stands, whose counts may be one apart. */
zog_status_t region_stats(uint64_t number, struct zog_region_stats *stats)
{
	if (number >= system_region_count)
		return ZOG_ERR_NOT_FOUND;
	const struct region *region = &region_table[number];
	for (uint32_t i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t seen = __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST);
		stats_read(region, stats);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with head_open */
		if (!(seen & 1) && __atomic_load_n(&region->head->version, __ATOMIC_SEQ_CST) == seen)
			break;
	}
	return ZOG_OK;
}
