/* The table "DMAR" (VT-d specification chapter 8): which remapping unit there is, and who it is for.
 *
 * Pure: works on a copy that table_is_sound has passed. Lengths inside the table come from the firmware and are bounded
 * before they are used; an entry that does not fit ends the walk as a failure, since what follows cannot be trusted. */
#include "dmar.h"

enum { TABLE_HEADER = 36, DMAR_FLAGS = 37, DMAR_FIRST = 48, DMAR_ENTRY_MIN = 4 };
#define DMAR_HAS_INTERRUPTS 1u
enum dmar_entry { ENTRY_UNIT = 0 };
enum { UNIT_FLAGS = 4, UNIT_SEGMENT = 6, UNIT_BASE = 8, UNIT_SCOPE = 16 };
#define UNIT_FOR_ALL 1u
enum { SCOPE_TYPE = 0, SCOPE_LENGTH = 1, SCOPE_BUS = 5, SCOPE_PATH = 6, SCOPE_SHORTEST = 8 };
enum scope_type { SCOPE_ENDPOINT = 1, SCOPE_BRIDGE = 2, SCOPE_IOAPIC = 3 };

static uint32_t read16(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8; }
static uint32_t read32(const uint8_t *at) { return read16(at) | read16(at + 2) << 16; }
static uint64_t read64(const uint8_t *at) { return read32(at) | (uint64_t)read32(at + 4) << 32; }

/* ACPI 6.4 section 5.2.6: its own length, and all bytes add up to zero. */
bool table_is_sound(const uint8_t *table, uint32_t bytes)
{
	uint8_t sum = 0;

	if (bytes < TABLE_HEADER || read32(table + 4) != bytes)
		return false;
	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + table[i]);
	return sum == 0;
}

/* A longer path leads through bridges whose bus numbers are not known here: what it names counts as not served. */
static bool scope_take(const uint8_t *scope, struct dmar *out)
{
	uint16_t address = (uint16_t)(scope[SCOPE_BUS] << 8 | (scope[SCOPE_PATH] & 31u) << 3 | (scope[SCOPE_PATH + 1] & 7u));
	uint32_t type = scope[SCOPE_TYPE];

	if (scope[SCOPE_LENGTH] != SCOPE_SHORTEST)
		return true;
	if (type == SCOPE_IOAPIC)
		out->ioapic_source = address;
	if (type != SCOPE_ENDPOINT && type != SCOPE_BRIDGE)
		return true;
	if (out->scope_count == DMAR_SCOPE_MAX)
		return false;
	out->scope[out->scope_count++] = (struct dmar_scope){ address, type == SCOPE_BRIDGE };
	return true;
}

static bool scopes_parse(const uint8_t *scope, uint32_t bytes, struct dmar *out)
{
	while (bytes >= SCOPE_SHORTEST) {
		uint32_t length = scope[SCOPE_LENGTH];

		if (length < SCOPE_SHORTEST || length > bytes || !scope_take(scope, out))
			return false;
		scope += length;
		bytes -= length;
	}
	return bytes == 0;
}

static bool unit_parse(const uint8_t *entry, uint32_t length, struct dmar *out)
{
	if (length < UNIT_SCOPE)
		return false;
	out->unit_count++;
	out->base = read64(entry + UNIT_BASE);
	out->is_for_all = (entry[UNIT_FLAGS] & UNIT_FOR_ALL) != 0;
	return read16(entry + UNIT_SEGMENT) == 0 && scopes_parse(entry + UNIT_SCOPE, length - UNIT_SCOPE, out);
}

/* False: the table contradicts itself, or speaks of more than one segment or more functions than there is room for. */
bool dmar_parse(const uint8_t *table, uint32_t bytes, struct dmar *out)
{
	*out = (struct dmar){ .ioapic_source = DMAR_NO_SOURCE };
	if (bytes < DMAR_FIRST)
		return false;
	for (uint32_t at = DMAR_FIRST; at < bytes;) {
		uint32_t length = bytes - at < DMAR_ENTRY_MIN ? 0 : read16(table + at + 2);

		if (length < DMAR_ENTRY_MIN || length > bytes - at)
			return false;
		if (read16(table + at) == ENTRY_UNIT && !unit_parse(table + at, length, out))
			return false;
		at += length;
	}
	if (!(table[DMAR_FLAGS] & DMAR_HAS_INTERRUPTS))
		out->ioapic_source = DMAR_NO_SOURCE;
	return true;
}
