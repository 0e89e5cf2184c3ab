/* The functions that manifests name: finding, measuring, stopping and enabling them. See function.c. */
#ifndef PCI_FUNCTION_H
#define PCI_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>
#include "home.h"

#define DEVICE_IDS_MAX 8u
/* One row of DEVICE_TABLE: which domain owns which device. ids end with 0. */
struct device_row {
	uint32_t domain;
	uint16_t vendor;
	uint16_t ids[DEVICE_IDS_MAX];
	uint32_t vector;
	uint32_t settle_ms; /* without a reset: what was under way is over so long after bus mastering went off */
};

bool function_scan(const struct device_row *row, pci_address_t *address_out);
bool function_is_present(const struct device_row *row, pci_address_t address);
void function_measure(struct function *function, pci_address_t address);
void function_bars_restore(const struct function *function);
bool function_master_off(pci_address_t address);
void function_reset(const struct function *function);
bool function_interrupts(const struct function *function);
void function_interrupt_program(const struct function *function, uint32_t vector);
uint32_t function_windows(const struct function *function);

#endif
