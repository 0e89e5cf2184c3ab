/* What of pci survives its death: the functions it found and what it measured of them. */
#ifndef PCI_HOME_H
#define PCI_HOME_H

#include "capability.h"
#include "config.h"
#include "dmar.h"
#include "domain.h"

#define FUNCTION_MAX 16u /* rows of DEVICE_TABLE */

/* FUNCTION_SIZING: the BARs may hold all ones; bar_saved says what belongs there. */
enum function_state { FUNCTION_ABSENT = 0, FUNCTION_SIZING = 1, FUNCTION_KNOWN = 2 };
struct function {
	uint32_t state; /* enum function_state */
	pci_address_t address;
	uint16_t has_msix, is_virtio;
	uint32_t bar_saved[BAR_COUNT];
	uint64_t bar_physical[BAR_COUNT];
	uint64_t bar_bytes[BAR_COUNT]; /* memory BARs that can be handed out whole pages at a time; else 0 */
	struct msix_layout msix;
	struct msi_layout msi;
	uint64_t quiet_ns; /* its owner is dead and the device may still have work under way until then; 0: no */
	struct virtio_layout virtio;
};

struct home {
	struct function function[FUNCTION_MAX]; /* by row of DEVICE_TABLE */
	struct dmar dmar; /* of the IOMMU that is on */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

#endif
