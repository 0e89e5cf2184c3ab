/* Domains: building their address spaces at boot, filling pages at first touch, going back to the checkpoint.
 *
 * All memory of a domain is set aside at boot. Pages of the restartable kinds are entered into the page tables
 * when first touched; a restart clears the entries, so nothing of the dead incarnation can be reached. The home
 * region's live page is a copy of the committed one, made at the first write. */
#include <stddef.h>
#include "object/capability.h"
#include "object/contract.h"
#include "object/domain.h"
#include "object/frame.h"
#include "cross/service.h"
#include "fault/log.h"
#include "tsm/object.h"
#include "iommu/iommu.h"
#include "tsm/region.h"
#include "tsm/region_control.h"

struct domain domain_table[ZOG_DOMAIN_MAX];

struct module_desc boot_module;

/* --- building ------------------------------------------------------------------------------------------------ */

static pte_t *table_below(pte_t *table, uint32_t index)
{
	if (!(table[index] & PTE_PRESENT))
		table[index] = boot_memory(ZOG_PAGE_SIZE, FRAME_TABLE, 0) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	return physical_pointer(table[index] & PTE_ADDRESS);
}

/* The entry above the page table of ADDRESS. */
static pte_t *directory_entry(struct domain *domain, uint64_t address)
{
	pte_t *table = table_below(physical_pointer(domain->cr3), address >> 39 & 511);

	return &table_below(table, address >> 30 & 511)[address >> 21 & 511];
}

/* Page tables for [start, start + pages), whose start is 2 MiB aligned: entries side by side. */
static pte_t *range_build(struct domain *domain, uint64_t start, uint64_t pages)
{
	uint64_t leaves = (pages + 511) / 512;
	uint64_t leaf = boot_memory(leaves * ZOG_PAGE_SIZE, FRAME_TABLE, 0);

	for (uint64_t i = 0; i < leaves; i++)
		*directory_entry(domain, start + (i << 21)) = (leaf + i * ZOG_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	return physical_pointer(leaf);
}

static struct area *area_add(struct domain *domain, enum area_kind kind, uint64_t address, uint64_t pages, pte_t *entry, uint64_t physical)
{
	if (domain->area_count == AREA_MAX)
		log_fatal("a domain has too many memory areas");
	struct area *area = &domain->area[domain->area_count++];
	*area = (struct area){ .kind = kind, .address = address, .pages = pages, .entry = entry, .physical = physical };
	return area;
}

static void area_map_fixed(struct area *area, uint64_t flags)
{
	for (uint64_t i = 0; i < area->pages; i++)
		area->entry[i] = (area->physical + i * ZOG_PAGE_SIZE) | PTE_PRESENT | PTE_USER | flags;
}

/* Memory at a place of its own, there from boot on. */
static void fixed_build(struct domain *domain, uint64_t start, uint64_t pages, uint64_t physical, uint64_t flags)
{
	area_map_fixed(area_add(domain, AREA_FIXED, start, pages, range_build(domain, start, pages), physical), flags | PTE_NO_EXECUTE);
}

/* Address space and frames for data have room for an update's growth. */
static void image_build(struct domain *domain)
{
	const struct image_desc *image = domain->image;
	uint64_t data_pages = pages_of(image->data.memory_bytes), end = image->text.address + image->text.pages * ZOG_PAGE_SIZE;

	if (image->constants.pages && image->constants.address + image->constants.pages * ZOG_PAGE_SIZE > end)
		end = image->constants.address + image->constants.pages * ZOG_PAGE_SIZE;
	if (data_pages && image->data.address + data_pages * ZOG_PAGE_SIZE > end)
		end = image->data.address + data_pages * ZOG_PAGE_SIZE;
	update_build(domain);
	domain->update.data_pages = (uint32_t)(data_pages + data_pages / 4 + 8);
	domain->update.window_pages = (uint32_t)((end - ZOG_IMAGE_BASE) / ZOG_PAGE_SIZE + domain->update.slot_pages + domain->update.data_pages);
	domain->image_entry = range_build(domain, ZOG_IMAGE_BASE, domain->update.window_pages);
	area_add(domain, AREA_TEXT, 0, 0, NULL, 0);
	area_add(domain, AREA_CONSTANTS, 0, 0, NULL, 0);
	area_add(domain, AREA_DATA, 0, 0, NULL, boot_memory(domain->update.data_pages * ZOG_PAGE_SIZE, FRAME_DOMAIN, domain->id));
	domain_image_map(domain, image);
}

static void home_build(struct domain *domain)
{
	uint64_t bytes = domain->desc->home_bytes, pages = bytes / ZOG_PAGE_SIZE;

	if (bytes == 0)
		return;
	uint64_t live = boot_memory(bytes, FRAME_DOMAIN, domain->id);
	uint64_t committed = boot_memory(bytes, FRAME_DOMAIN, domain->id);
	area_add(domain, AREA_HOME, ZOG_HOME_BASE, pages, range_build(domain, ZOG_HOME_BASE, pages), live);
	fixed_build(domain, ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET, pages, committed, 0);
	domain->home_live = physical_pointer(live);
	domain->home_committed = physical_pointer(committed);
	domain->home_bytes = bytes;
	domain->home_valid = boot_pointer(pages);
}

static void zero_area_build(struct domain *domain, uint64_t address, uint64_t bytes, pte_t *entry)
{
	uint64_t pages = pages_of(bytes);

	area_add(domain, AREA_ZERO, address, pages, entry, boot_memory(pages * ZOG_PAGE_SIZE, FRAME_DOMAIN, domain->id));
}

static uint64_t message_frames[ZOG_DOMAIN_MAX][ZOG_DOMAIN_MAX]; /* from, to */

static void scratch_build(struct domain *domain)
{
	pte_t *stacks = range_build(domain, ZOG_STACK_BASE, ZOG_CPU_MAX * ZOG_STACK_STRIDE / ZOG_PAGE_SIZE);

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		uint64_t bottom = ZOG_STACK_BASE + (cpu + 1) * ZOG_STACK_STRIDE - ZOG_STACK_SIZE;
		zero_area_build(domain, bottom, ZOG_STACK_SIZE, stacks + (bottom - ZOG_STACK_BASE) / ZOG_PAGE_SIZE);
	}
	if (domain->desc->heap_bytes)
		zero_area_build(domain, ZOG_HEAP_BASE, domain->desc->heap_bytes,
				range_build(domain, ZOG_HEAP_BASE, pages_of(domain->desc->heap_bytes)));
	zero_area_build(domain, ZOG_TXN_BASE, sizeof(struct zog_txn), range_build(domain, ZOG_TXN_BASE, pages_of(sizeof(struct zog_txn))));
	domain->txn = physical_pointer(domain->area[domain->area_count - 1].physical);
	for (uint32_t i = 0; i < domain_total; i++)
		if (i != domain->id && domain->desc->peer_mask & 1u << i)
			message_frames[domain->id][i] = boot_memory(ZOG_MESSAGES_OF_PAIR, FRAME_DOMAIN, domain->id);
}

static void information_build(struct domain *domain)
{
	pte_t *entry = range_build(domain, ZOG_INFO_BASE, 512);
	uint64_t own = boot_memory(ZOG_PAGE_SIZE, FRAME_DOMAIN, domain->id);

	area_map_fixed(area_add(domain, AREA_FIXED, ZOG_INFO_BASE, 1, entry, boot_info_page), PTE_NO_EXECUTE);
	area_map_fixed(area_add(domain, AREA_FIXED, ZOG_DOMAIN_INFO_BASE, 1, entry + (ZOG_DOMAIN_INFO_BASE - ZOG_INFO_BASE) / ZOG_PAGE_SIZE, own),
		       PTE_NO_EXECUTE);
	domain->info = physical_pointer(own);
	domain->info->id = domain->id;
	domain->info->home_bytes = domain->home_bytes;
	domain->info->heap_bytes = domain->desc->heap_bytes;
	for (uint32_t i = 0; i < domain->desc->irq_count && i < 4; i++)
		domain->info->irq_vector[i] = domain->desc->irq[i].vector;
	for (uint32_t i = 0; i < sizeof(domain->info->name) - 1 && domain->desc->name[i]; i++)
		domain->info->name[i] = domain->stats.name[i] = domain->desc->name[i];
}

static void device_memory_build(struct domain *domain)
{
	uint64_t bytes = domain->desc->dma_bytes, pages = bytes / ZOG_PAGE_SIZE, physical = 0;

	if (bytes) {
		physical = boot_memory(bytes, FRAME_DMA, domain->id);
		fixed_build(domain, ZOG_DMA_BASE, pages, physical, PTE_WRITE);
		domain->info->dma_physical = physical;
		domain->info->dma_bytes = bytes;
	}
	if (domain->desc->is_device_owner)
		iommu_build(domain, physical);
	for (uint32_t i = 0; i < 6 && (domain->desc->is_device_owner || domain->desc->is_bus); i++)
		area_add(domain, AREA_FIXED, ZOG_MMIO_BASE + i * ZOG_MMIO_STRIDE, 0,
			 range_build(domain, ZOG_MMIO_BASE + i * ZOG_MMIO_STRIDE, 512), 0);
}

static uint64_t stream_frames[ZOG_DOMAIN_MAX][ZOG_STREAM_MAX];

/* Own stream pages outlive restarts: what is published in them stays published. */
static void streams_build(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->stream_count; i++) {
		uint64_t pages = domain->desc->stream[i].pages, start = ZOG_STREAM_BASE + i * ZOG_STREAM_STRIDE;
		stream_frames[domain->id][i] = boot_memory(pages * ZOG_PAGE_SIZE, FRAME_DOMAIN, domain->id);
		fixed_build(domain, start, pages, stream_frames[domain->id][i], PTE_WRITE);
	}
}

static void streams_map_peers(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->stream_count; i++) {
		const struct stream_desc *stream = &domain->desc->stream[i];
		uint64_t pages = system_domain[stream->peer].stream[stream->peer_index].pages;
		uint64_t start = ZOG_STREAM_BASE + i * ZOG_STREAM_STRIDE + ZOG_STREAM_PEER_OFFSET;
		struct area area = { .pages = pages, .entry = range_build(domain, start, pages),
				     .physical = stream_frames[stream->peer][stream->peer_index] };
		area_map_fixed(&area, PTE_NO_EXECUTE);
	}
}

/* The buffer is filled from the committed records at first touch, as data is from the image: a new incarnation finds
 * nothing of what the last one wrote ahead. */
static void regions_map(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->region_count; i++) {
		struct region *region = &region_table[domain->desc->region[i].region];
		uint64_t start = ZOG_REGION_BASE + i * ZOG_REGION_STRIDE, pages = region->desc->bytes / ZOG_PAGE_SIZE;
		if (region->desc->writer != domain->id && !contract_connects(domain->id, region->desc->writer))
			continue; /* its reads end it */
		fixed_build(domain, start, pages + 1, region->head_physical, 0);
		start += ZOG_REGION_BUFFER_OFFSET;
		if (domain->desc->region[i].role == REGION_VALIDATOR)
			fixed_build(domain, start, REGION_PROPOSAL_PAGES, region->proposal_physical, 0);
		if (domain->desc->region[i].role != REGION_WRITER)
			continue;
		struct area *area = area_add(domain, AREA_DATA, start, pages, range_build(domain, start, pages), region->buffer_physical);
		area->content = region->data, area->content_bytes = region->desc->bytes, area->is_ahead = 1;
		region_attach_writer(domain, i, area->entry, start);
		if (!region_control_discards()) { /* what was written ahead outlives its writer: a negative control */
			area->kind = AREA_FIXED;
			area_map_fixed(area, PTE_WRITE | PTE_NO_EXECUTE);
		}
	}
}

/* Buffers have a page table each in every domain, so that one comes and goes by one entry above it (tsm/object.h). */
static void object_map(struct domain *domain, struct object *object, uint64_t start, bool is_writer)
{
	uint64_t bytes = object->desc->schema.bytes, pages = bytes / ZOG_PAGE_SIZE, buffers = object->desc->buffer_count;
	uint64_t slot = start + ZOG_OBJECT_SLOT;

	fixed_build(domain, start, 1, object->head_physical, 0);
	pte_t *entry = range_build(domain, slot, buffers * 512);
	for (uint64_t i = 0; i < buffers; i++) {
		struct area area = { .address = slot + i * ZOG_OBJECT_SLOT, .pages = pages, .entry = entry + i * 512,
				     .physical = object->bytes_physical + i * bytes };
		area_map_fixed(&area, PTE_NO_EXECUTE);
		if (is_writer)
			area_add(domain, AREA_FIXED, area.address, pages, area.entry, area.physical);
	}
	if (!is_writer) {
		object_attach_reader(object, domain, directory_entry(domain, slot), pointer_physical(entry));
		return;
	}
	start += ZOG_OBJECT_WINDOW;
	object_attach_writer(object, domain, area_add(domain, AREA_DATA, start, 0, range_build(domain, start, pages), object->bytes_physical));
}

static void objects_map(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->object_count; i++) {
		struct object *object = &object_table[domain->desc->object[i].object];
		bool is_writer = domain->desc->object[i].is_writer;
		if (is_writer || contract_connects(domain->id, object->desc->schema.writer))
			object_map(domain, object, ZOG_OBJECT_BASE + i * ZOG_OBJECT_STRIDE, is_writer);
	}
}

void domain_build(struct domain *domain, uint32_t id)
{
	domain->id = id;
	domain->desc = &system_domain[id];
	domain->image = &system_image[id];
	domain->lock.holder = LOCK_FREE;
	domain->stats.id = id;
	domain->cr3 = boot_memory(ZOG_PAGE_SIZE, FRAME_TABLE, 0);
	memcpy((uint64_t *)physical_pointer(domain->cr3) + 256, (uint64_t *)physical_pointer(core_pml4_physical) + 256, 2048);
	image_build(domain);
	home_build(domain);
	scratch_build(domain);
	information_build(domain);
	device_memory_build(domain);
	streams_build(domain);
	domain->event = boot_pointer((domain->desc->event_count + 1) * sizeof(struct event));
	domain->stats.home_bytes = domain->home_bytes;
	domain->stats.heap_bytes = domain->desc->heap_bytes;
	caps_build(domain);
	domain->schema = system_home[id];
	if (domain->schema != NULL && !home_schema_is_good(domain->schema, domain->home_bytes))
		log_fatal("the schema of a home region refers outside of it");
	home_schema_build(domain);
}

static bool name_is(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void module_map(struct domain *domain)
{
	const struct module_desc *module = NULL;

	if (domain->desc->module == NULL)
		return;
	if (name_is(domain->desc->module, "initrd"))
		module = &boot_module;
	for (uint32_t i = 0; i < system_module_count; i++)
		if (name_is(domain->desc->module, system_module[i].name))
			module = &system_module[i];
	if (module == NULL || module->bytes == 0)
		return;
	fixed_build(domain, ZOG_MODULE_BASE, pages_of(module->bytes), content_physical(module->content), 0);
	domain->info->module_bytes = module->bytes;
}

/* What is said to a domain stands in one page table for each peer, beside places for what that peer says to others: those
 * are never filled. */
static void messages_map(struct domain *domain)
{
	uint64_t pages = ZOG_MESSAGES_OF_PAIR / ZOG_PAGE_SIZE;
	pte_t *own = range_build(domain, ZOG_MESSAGE(domain->id, 0, 0), ZOG_DOMAIN_MAX * pages);

	for (uint32_t i = 0; i < domain_total; i++) {
		if (message_frames[domain->id][i] == 0)
			continue;
		area_add(domain, AREA_ZERO, ZOG_MESSAGE(domain->id, i, 0), pages, own + i * pages, message_frames[domain->id][i]);
		if (message_frames[i][domain->id] == 0)
			continue;
		pte_t *heard = range_build(domain, ZOG_MESSAGE(i, 0, 0), ZOG_DOMAIN_MAX * pages);
		struct area area = { .pages = pages, .entry = heard + domain->id * pages, .physical = message_frames[i][domain->id] };
		area_map_fixed(&area, PTE_NO_EXECUTE);
	}
}

void domain_build_peers(struct domain *domain)
{
	messages_map(domain);
	streams_map_peers(domain);
	regions_map(domain);
	objects_map(domain);
	module_map(domain);
}

void domain_attach_window(struct domain *domain, uint32_t window, uint64_t physical, uint64_t bytes)
{
	for (uint32_t i = 0; i < domain->area_count; i++) {
		struct area *area = &domain->area[i];
		if (area->address != ZOG_MMIO_BASE + window * ZOG_MMIO_STRIDE)
			continue;
		memset(area->entry, 0, ZOG_PAGE_SIZE);
		area->physical = physical;
		area->pages = pages_of(bytes);
		area_map_fixed(area, PTE_WRITE | PTE_NO_EXECUTE | PTE_UNCACHED);
		domain->info->window[window].address = area->address;
		domain->info->window[window].physical = physical;
		domain->info->window[window].bytes = bytes;
	}
	struct cpu *cpu = cpu_current();
	domain->resets++; /* the other CPUs flush when they next enter */
	if (cpu->cr3 == domain->cr3)
		cr3_write(cpu->cr3);
}

/* --- first touch ---------------------------------------------------------------------------------------------- */

static void home_pages_forget(struct domain *domain)
{
	for (uint64_t page = 0; page < domain->home_bytes / ZOG_PAGE_SIZE; page++) {
		if (!domain->home_valid[page])
			continue;
		domain->home_valid[page] = 0;
		memset(domain->home_look + page * HOME_LOOK_WORDS, 0xff, HOME_LOOK_WORDS * 8);
	}
}

static void home_touch(struct domain *domain, struct area *area, uint64_t page, bool is_write)
{
	uint64_t offset = page * ZOG_PAGE_SIZE;

	if (!is_write && !domain->home_valid[page]) {
		area->entry[page] = pointer_physical(domain->home_committed + offset) | PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE;
		return;
	}
	if (!domain->home_valid[page])
		home_page_fill(domain, page);
	area->entry[page] = (area->physical + offset) | PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE;
}

static bool scratch_touch(struct domain *domain, struct area *area, uint64_t page)
{
	uint64_t offset = page * ZOG_PAGE_SIZE, physical = area->physical + offset;

	if (area->entry[page] & PTE_PRESENT) {
		area->entry[page] |= PTE_WRITE; /* another CPU's stale entry, or a buffer's page since an abort (tsm/region.c) */
		return true;
	}
	uint8_t *to = physical_pointer(physical);
	uint64_t given = 0;
	if (area->kind == AREA_DATA && offset < area->content_bytes) {
		given = area->content_bytes - offset < ZOG_PAGE_SIZE ? area->content_bytes - offset : ZOG_PAGE_SIZE;
		memcpy(to, area->content + offset, given);
	}
	memset(to + given, 0, ZOG_PAGE_SIZE - given);
	if (given != 0 && !image_page_is_good(domain, area, page, to))
		return false;
	area->entry[page] = physical | PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE;
	return true;
}

bool domain_touch(struct domain *domain, uint64_t address, bool is_write)
{
	for (uint32_t i = 0; i < domain->area_count; i++) {
		struct area *area = &domain->area[i];
		if (address - area->address >= area->pages * ZOG_PAGE_SIZE)
			continue;
		uint64_t page = (address - area->address) / ZOG_PAGE_SIZE;
		if (area->is_ahead)
			domain->is_ahead = 1;
		if (area->kind == AREA_FIXED)
			return !is_write || (area->entry[page] & PTE_WRITE);
		bool is_made = true;
		if (area->kind == AREA_HOME)
			home_touch(domain, area, page, is_write);
		else
			is_made = area_is_own(area) ? scratch_touch(domain, area, page) : !is_write && image_touch(domain, area, page);
		page_invalidate(address);
		return is_made;
	}
	return false;
}

/* Where the core finds the domain's byte at ADDRESS. Never in a device window: that is no memory, the physical map has
 * no place for it, and a read there acts on the device. */
static uint8_t *domain_pointer(struct domain *domain, uint64_t address, bool is_write)
{
	uint64_t needed = PTE_PRESENT | (is_write ? PTE_WRITE : 0);

	if (address >= ZOG_USER_END || address - ZOG_MMIO_BASE < 6 * ZOG_MMIO_STRIDE)
		return NULL;
	pte_t *entry = table_walk(domain->cr3, address);
	if ((entry == NULL || (*entry & needed) != needed) && domain_touch(domain, address, is_write))
		entry = table_walk(domain->cr3, address);
	if (entry == NULL || (*entry & needed) != needed)
		return NULL;
	if (is_write && region_control_compares())
		*entry |= PTE_DIRTY; /* the physical map's tables note nothing of it */
	return (uint8_t *)physical_pointer(*entry & PTE_ADDRESS) + address % ZOG_PAGE_SIZE;
}

static bool domain_transfer(struct domain *domain, uint8_t *own, uint64_t address, uint64_t bytes, bool is_write)
{
	while (bytes > 0) {
		uint64_t part = ZOG_PAGE_SIZE - address % ZOG_PAGE_SIZE;
		uint8_t *theirs = domain_pointer(domain, address, is_write);
		if (theirs == NULL)
			return false;
		if (part > bytes)
			part = bytes;
		if (is_write)
			memcpy(theirs, own, part);
		else
			memcpy(own, theirs, part);
		own += part, address += part, bytes -= part;
	}
	return true;
}

void *domain_bytes(struct domain *domain, uint64_t address, uint64_t bytes)
{
	return ZOG_PAGE_SIZE - address % ZOG_PAGE_SIZE < bytes ? NULL : domain_pointer(domain, address, true);
}

bool domain_read(struct domain *domain, void *to, uint64_t address, uint64_t bytes)
{
	return domain_transfer(domain, to, address, bytes, false);
}

bool domain_write(struct domain *domain, uint64_t address, const void *from, uint64_t bytes)
{
	return domain_transfer(domain, (uint8_t *)(uintptr_t)from, address, bytes, true);
}

/* --- back to the checkpoint -------------------------------------------------------------------------------------- */

void domain_reset(struct domain *domain)
{
	struct cpu *cpu = cpu_current();

	service_reset_begin(domain);
	domain->state = DOMAIN_DOWN; /* an exception in here leaves it DOWN and held: it is reset again (fault/recover.c) */
	domain->commit_phase = COMMIT_NONE;
	iommu_close(domain); /* its device first: what it still does must not meet anything new */
	domain->txn->range_count = domain->txn->op_count = domain->txn->is_page_mode = 0;
	update_switch(domain);
	for (uint32_t i = 0; i < domain->area_count; i++)
		if (domain->area[i].kind != AREA_FIXED)
			memset(domain->area[i].entry, 0, domain->area[i].pages * sizeof(pte_t));
	home_pages_forget(domain);
	domain->is_ahead = 0;
	domain->needs_quiesce = domain->desc->is_device_owner && domain->stats.starts != 0;
	domain->step_kill = 0;
	domain->corrupt_open = 0;
	domain->request = REQUEST_NONE;
	domain->resets++;
	service_reset(domain);
	if (cpu->cr3 == domain->cr3)
		cr3_write(cpu->cr3);
}
