/* Finds the table "DMAR" among the firmware's tables (ACPI 6.4 section 5.2.5 ff.).
 *
 * The core reads the firmware's memory for this domain, and only that: an address that is anybody's memory is refused.
 * Everything is copied once and then used; how many tables are looked at is bounded. */
#include "dmar.h"
#include "domain.h"
#include "rt/rt.h"

enum { ROOT_BYTES = 20, ROOT_REVISION = 15, ROOT_TABLE_32 = 16, ROOT_TABLE_64 = 24, ROOT_BYTES_2 = 36 };
enum { HEADER_BYTES = 36, HEADER_LENGTH = 4 };
#define TABLES_MAX 64u

static uint8_t table[DMAR_BYTES_MAX]; /* scratch */

static bool read(uint64_t physical, void *to, size_t bytes)
{
	return rt_firmware_read(CAP_BUS, physical, to, bytes) == ZOG_OK;
}

static uint64_t number_read(const uint8_t *from, uint32_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, from, bytes);
	return value;
}

/* The list of tables: its address, and how wide its entries are. */
static bool root_find(uint64_t *list_out, uint32_t *width_out)
{
	uint8_t root[ROOT_BYTES_2] = { 0 };
	uint64_t at = rt_info()->acpi_root;

	if (at == 0 || !read(at, root, ROOT_BYTES) || memcmp(root, "RSD PTR ", 8) != 0)
		return false;
	bool is_wide = root[ROOT_REVISION] >= 2 && read(at, root, ROOT_BYTES_2) && number_read(root + ROOT_TABLE_64, 8) != 0;

	*width_out = is_wide ? 8 : 4;
	*list_out = number_read(root + (is_wide ? ROOT_TABLE_64 : ROOT_TABLE_32), *width_out);
	return true;
}

/* The table at this address, whole and sound, in `table`; its length, 0: it is not that. */
static uint32_t table_read(uint64_t at, const char *signature)
{
	uint8_t header[HEADER_BYTES];

	if (!read(at, header, sizeof(header)) || memcmp(header, signature, 4) != 0)
		return 0;
	uint32_t bytes = (uint32_t)number_read(header + HEADER_LENGTH, 4);

	if (bytes < HEADER_BYTES || bytes > sizeof(table) || !read(at, table, bytes) || !table_is_sound(table, bytes))
		return 0;
	return bytes;
}

bool dmar_find(struct dmar *out)
{
	uint64_t list, entry[TABLES_MAX] = { 0 };
	uint32_t width;

	if (!root_find(&list, &width))
		return false;
	uint32_t bytes = table_read(list, width == 8 ? "XSDT" : "RSDT"), count = 0;

	for (uint32_t at = HEADER_BYTES; at + width <= bytes && count < TABLES_MAX; at += width)
		entry[count++] = number_read(table + at, width);
	for (uint32_t i = 0; i < count; i++) {
		bytes = table_read(entry[i], "DMAR");
		if (bytes)
			return dmar_parse(table, bytes, out);
	}
	return false;
}
