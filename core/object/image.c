/* The image of a domain: where its parts stand, and their measure. Its pages enter the page tables when they are first touched, and
 * are measured then (fault/measure.h). */
#include "object/domain.h"
#include "object/frame.h"
#include "fault/measure.h"

/* The image's three areas stand first in the table, empty ones too: an update finds them there. */
enum { PLACE_TEXT = 0, PLACE_CONSTANTS = 1, PLACE_DATA = 2 };

static uint8_t *image_sums(const struct domain *domain, const struct image_desc *image)
{
	const struct update *update = &domain->update;

	return update->sum[image == &update->slot[0] ? 1 : image == &update->slot[1] ? 2 : 0];
}

static void area_set(struct domain *domain, uint32_t place, uint64_t address, uint64_t pages, const void *content)
{
	struct area *area = &domain->area[place];

	area->address = address;
	area->pages = pages;
	area->entry = domain->image_entry + (pages ? (address - ZOG_IMAGE_BASE) / ZOG_PAGE_SIZE : 0);
	if (place != PLACE_DATA && pages)
		area->physical = content_physical(content);
	area->content = content;
}

void domain_image_map(struct domain *domain, const struct image_desc *image)
{
	memset(domain->image_entry, 0, domain->update.window_pages * sizeof(pte_t));
	area_set(domain, PLACE_TEXT, image->text.address, image->text.pages, image->text.content);
	area_set(domain, PLACE_CONSTANTS, image->constants.address, image->constants.pages, image->constants.content);
	area_set(domain, PLACE_DATA, image->data.address, pages_of(image->data.memory_bytes), image->data.content);
	domain->area[PLACE_DATA].content_bytes = image->data.bytes;
	domain->area[PLACE_TEXT].sum = image_sums(domain, image);
	domain->area[PLACE_CONSTANTS].sum = domain->area[PLACE_TEXT].sum + image->text.pages * MEASURE_SUM_BYTES;
	domain->area[PLACE_DATA].sum = domain->area[PLACE_CONSTANTS].sum + image->constants.pages * MEASURE_SUM_BYTES;
	domain->is_image_damaged = 0;
	domain->image = image;
	domain->entry = image->entry;
}

bool image_is_measured(struct domain *domain, const struct image_desc *image)
{
	struct measure_part part[3] = {
		{ image->text.content, image->text.pages * ZOG_PAGE_SIZE },
		{ image->constants.content, image->constants.pages * ZOG_PAGE_SIZE },
		{ image->data.content, image->data.bytes },
	};
	uint8_t found[32];

	measure(part, 3, image_sums(domain, image), found);
	return memcmp(found, image->sha256, sizeof(found)) == 0;
}

bool image_page_is_good(struct domain *domain, const struct area *area, uint64_t page, const uint8_t *bytes)
{
	if (area->sum == NULL || measure_page(bytes, area->sum + page * MEASURE_SUM_BYTES))
		return true;
	domain->is_image_damaged = 1;
	return false;
}

bool image_touch(struct domain *domain, struct area *area, uint64_t page)
{
	uint64_t physical = area->physical + page * ZOG_PAGE_SIZE;

	if (!(area->entry[page] & PTE_PRESENT) && !image_page_is_good(domain, area, page, physical_pointer(physical)))
		return false;
	area->entry[page] = physical | PTE_PRESENT | PTE_USER | (area->kind == AREA_TEXT ? 0 : PTE_NO_EXECUTE);
	return true;
}

bool domain_executes(const struct domain *domain, uint64_t address)
{
	const struct area *text = &domain->area[PLACE_TEXT];

	return address - text->address < text->pages * ZOG_PAGE_SIZE;
}
