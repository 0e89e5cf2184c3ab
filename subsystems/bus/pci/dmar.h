/* The firmware's description of the remapping hardware. See dmar.c. */
#ifndef PCI_DMAR_H
#define PCI_DMAR_H

#include <stdbool.h>
#include <stdint.h>

#define DMAR_BYTES_MAX 4096u
#define DMAR_NO_SOURCE 0x10000u
#define DMAR_SCOPE_MAX 64u

/* A function that the unit serves; of a bridge, everything behind it, too. */
struct dmar_scope {
	uint16_t address; /* bus << 8 | device << 3 | function */
	uint16_t is_bridge;
};

struct dmar {
	uint64_t base;          /* of the unit's registers */
	uint32_t unit_count;
	uint32_t ioapic_source; /* requester id of the I/O interrupt controller; DMAR_NO_SOURCE: interrupts cannot be remapped */
	bool is_for_all;        /* the unit serves every device; else those of scope */
	uint32_t scope_count;
	struct dmar_scope scope[DMAR_SCOPE_MAX];
};

bool table_is_sound(const uint8_t *table, uint32_t bytes);
bool dmar_parse(const uint8_t *table, uint32_t bytes, struct dmar *out);
/* firmware.c: reads it from the machine. */
bool dmar_find(struct dmar *out);

#endif
