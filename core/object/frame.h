/* The frame table: who owns each 4 KiB frame of RAM, what it is used for, and how often it is mapped or pinned.
 * A frame may be given away or zeroed for reuse only when nothing maps or pins it. */
#ifndef CORE_OBJECT_FRAME_H
#define CORE_OBJECT_FRAME_H

#include <stdint.h>
#include <stdbool.h>

#ifndef PHYSMAP_BASE /* host tests map their own */
#define PHYSMAP_BASE 0xffff800000000000ul
#endif
#define CORE_BASE 0xffffffff80000000ul

enum frame_type { FRAME_RESERVED = 0, FRAME_PAYLOAD = 1, FRAME_DOMAIN = 2, FRAME_TABLE = 3, FRAME_DMA = 4 };
struct frame {
	uint8_t owner; /* domain; meaning only for FRAME_PAYLOAD, FRAME_DOMAIN and FRAME_DMA */
	uint8_t type;
	uint16_t pin_count;  /* at most the places of the pin table */
	uint32_t map_count;  /* at most the entries that the page-table pool holds: does not overflow */
};

extern struct frame *frame_table;
extern uint64_t frame_count;

static inline void *physical_pointer(uint64_t physical) { return (void *)(PHYSMAP_BASE + physical); }
static inline void *frame_pointer(uint64_t frame) { return (void *)(PHYSMAP_BASE + (frame << 12)); }
static inline uint64_t pointer_physical(const void *pointer) { return (uint64_t)pointer - PHYSMAP_BASE; }
/* Of something in the core's file or of a boot allocation. */
static inline uint64_t content_physical(const void *content)
{
	return (uint64_t)content >= CORE_BASE ? (uint64_t)content - CORE_BASE : pointer_physical(content);
}

/* May DOMAIN name FRAME as payload of its own? */
static inline bool frame_is_payload_of(uint64_t frame, uint32_t domain)
{
	return frame < frame_count && frame_table[frame].type == FRAME_PAYLOAD && frame_table[frame].owner == domain;
}

/* Boot-time memory: contiguous, zeroed, page-aligned; never given back. The boot ends with a `fatal` line when
 * there is not enough. */
uint64_t boot_memory(uint64_t bytes, enum frame_type type, uint32_t owner);
void *boot_pointer(uint64_t bytes); /* the same, core-owned, as a pointer */

#endif
