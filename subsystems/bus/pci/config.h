/* Configuration space of PCI functions, by the ports 0xcf8 and 0xcfc. See config.c. */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdint.h>

#define CONFIG_BYTES 256u

enum config_register {
	CONFIG_VENDOR = 0x00, CONFIG_DEVICE = 0x02, CONFIG_COMMAND = 0x04, CONFIG_STATUS = 0x06, CONFIG_CLASS = 0x0a,
	CONFIG_HEADER_TYPE = 0x0e, CONFIG_BAR = 0x10, CONFIG_SECONDARY_BUS = 0x19, CONFIG_SUBORDINATE_BUS = 0x1a,
	 CONFIG_CAPABILITIES = 0x34,
};
enum config_command {
	COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_INTX_OFF = 0x400,
};
#define CONFIG_HEADER_MULTIFUNCTION 0x80u
#define CONFIG_VENDOR_NONE 0xffffu

/* bus << 8 | device << 3 | function */
typedef uint16_t pci_address_t;

uint32_t config_read(pci_address_t address, uint8_t offset, uint32_t width);
void config_write(pci_address_t address, uint8_t offset, uint32_t width, uint32_t value);
void config_copy(pci_address_t address, uint8_t config[CONFIG_BYTES]);

#endif
