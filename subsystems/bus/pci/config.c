/* Configuration space of PCI functions, by mechanism #1 (PCI Local Bus 3.0, section 3.2.2.3.2).
 *
 * An access is two port accesses, address then data. Only one invocation is in the domain at a time and nobody else
 * has these ports, so nothing comes in between; a kill in between is harmless since every access begins anew. */
#include "config.h"
#include "domain.h"
#include "rt/rt.h"

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA 0xcfcu
#define ADDRESS_ENABLE 0x80000000u

static void address_set(pci_address_t address, uint8_t offset)
{
	uint32_t value = ADDRESS_ENABLE | (uint32_t)address << 8 | (offset & 0xfcu);

	rt_assert(rt_port_write(CAP_PORTS_CONFIG, PORT_ADDRESS, 4, value) == ZOG_OK);
}

/* width 1, 2, 4; offset a multiple of it. All ones where there is no function. */
uint32_t config_read(pci_address_t address, uint8_t offset, uint32_t width)
{
	uint32_t value = 0;

	address_set(address, offset);
	rt_assert(rt_port_read(CAP_PORTS_CONFIG, (uint16_t)(PORT_DATA + (offset & 3u)), width, &value) == ZOG_OK);
	return value;
}

void config_write(pci_address_t address, uint8_t offset, uint32_t width, uint32_t value)
{
	address_set(address, offset);
	rt_assert(rt_port_write(CAP_PORTS_CONFIG, (uint16_t)(PORT_DATA + (offset & 3u)), width, value) == ZOG_OK);
}

/* The whole space at one time: what is parsed cannot change under the parser. */
void config_copy(pci_address_t address, uint8_t config[CONFIG_BYTES])
{
	for (uint32_t offset = 0; offset < CONFIG_BYTES; offset += 4) {
		uint32_t value = config_read(address, (uint8_t)offset, 4);

		for (uint32_t i = 0; i < 4; i++)
			config[offset + i] = (uint8_t)(value >> (8 * i));
	}
}
