/* What a device says of itself in its capability list. See capability.c. */
#ifndef PCI_CAPABILITY_H
#define PCI_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#define BAR_COUNT 6u

enum capability_id { CAPABILITY_MSI = 0x05, CAPABILITY_VENDOR = 0x09, CAPABILITY_MSIX = 0x11 };

/* A piece of a device window. */
struct window_place {
	uint32_t window, offset, length;
};
struct msix_layout {
	uint8_t capability;   /* offset in configuration space */
	uint32_t entry_count; /* >= 1 */
	struct window_place table;
};
struct msi_layout {
	uint8_t capability; /* offset in configuration space; 0: none */
	uint8_t is_64;      /* the address has two words */
};
/* virtio 1.x section 4.1.4 */
struct virtio_layout {
	struct window_place common, notify, device;
	uint32_t notify_multiplier;
};

/* config: a copy of the 256 bytes; bar_bytes: size of each memory BAR, 0 where there is none. */
uint8_t capability_next(const uint8_t *config, uint8_t id, uint8_t after);
bool msix_layout_parse(const uint8_t *config, const uint64_t bar_bytes[BAR_COUNT], struct msix_layout *out);
bool msi_layout_parse(const uint8_t *config, struct msi_layout *out);
bool virtio_layout_parse(const uint8_t *config, const uint64_t bar_bytes[BAR_COUNT], struct virtio_layout *out);

#endif
