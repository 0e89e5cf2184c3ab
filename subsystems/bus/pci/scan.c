/* Finds a function on the bus: walks bus 0 and what lies behind bridges (PCI Local Bus 3.0 section 6.1).
 *
 * Bus numbers come from the bridges' registers and may be nonsense: each bus is visited once at most, so the walk
 * ends whatever they say. Of several functions that match, the first found counts. */
#include "function.h"

#define BUS_COUNT 256u
#define SLOT_COUNT 32u
#define FUNCTION_COUNT 8u
#define HEADER_TYPE_MASK 0x7fu
#define HEADER_TYPE_BRIDGE 1u

struct walk {
	const struct device_row *row;
	uint8_t is_seen[BUS_COUNT];
	uint8_t pending[BUS_COUNT]; /* each bus at most once, so it always fits */
	uint32_t pending_count;
};

static void walk_push(struct walk *walk, uint8_t bus)
{
	if (walk->is_seen[bus])
		return;
	walk->is_seen[bus] = 1;
	walk->pending[walk->pending_count++] = bus;
}

bool function_is_present(const struct device_row *row, pci_address_t address)
{
	if (config_read(address, CONFIG_VENDOR, 2) != row->vendor)
		return false;
	uint32_t id = config_read(address, CONFIG_DEVICE, 2);

	for (uint32_t i = 0; i < DEVICE_IDS_MAX && row->ids[i]; i++) {
		if (row->ids[i] == id)
			return true;
	}
	return false;
}

/* True when the function matches; a bridge's other side is noted on the way. */
static bool walk_function(struct walk *walk, pci_address_t address)
{
	uint32_t type = config_read(address, CONFIG_HEADER_TYPE, 1) & HEADER_TYPE_MASK;

	if (type == HEADER_TYPE_BRIDGE) {
		walk_push(walk, (uint8_t)config_read(address, CONFIG_SECONDARY_BUS, 1));
		return false;
	}
	return function_is_present(walk->row, address);
}

static bool walk_slot(struct walk *walk, pci_address_t slot, pci_address_t *address_out)
{
	if (config_read(slot, CONFIG_VENDOR, 2) == CONFIG_VENDOR_NONE)
		return false;
	uint32_t type = config_read(slot, CONFIG_HEADER_TYPE, 1);
	uint32_t count = (type & CONFIG_HEADER_MULTIFUNCTION) ? FUNCTION_COUNT : 1;

	for (uint32_t number = 0; number < count; number++) {
		pci_address_t address = (pci_address_t)(slot | number);

		if (config_read(address, CONFIG_VENDOR, 2) == CONFIG_VENDOR_NONE)
			continue;
		if (walk_function(walk, address)) {
			*address_out = address;
			return true;
		}
	}
	return false;
}

bool function_scan(const struct device_row *row, pci_address_t *address_out)
{
	struct walk walk = { .row = row };

	walk_push(&walk, 0);
	while (walk.pending_count) {
		uint8_t bus = walk.pending[--walk.pending_count];

		for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
			if (walk_slot(&walk, (pci_address_t)(bus << 8 | slot << 3), address_out))
				return true;
		}
	}
	return false;
}
