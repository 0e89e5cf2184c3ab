/* The address space of a program: page tables built from frames of the personality's page-table pool. */
#ifndef CORE_OBJECT_SPACE_H
#define CORE_OBJECT_SPACE_H

#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"

struct cpu;
typedef uint64_t pte_t;
#define PTE_PRESENT 1ul
#define PTE_WRITE 2ul
#define PTE_USER 4ul
#define PTE_UNCACHED 0x18ul
#define PTE_DIRTY 0x40ul /* by the processor: stored to */
#define PTE_LARGE 0x80ul
#define PTE_GLOBAL 0x100ul
#define PTE_NO_EXECUTE (1ul << 63)
#define PTE_ADDRESS 0x000ffffffffff000ul

static inline uint64_t pages_of(uint64_t bytes) { return (bytes + ZOG_PAGE_SIZE - 1) / ZOG_PAGE_SIZE; }

struct space {
	uint64_t cr3; /* 0: slot is free */
	uint64_t tables; /* page tables below the top one */
};
#define SPACE_END (1ul << 47)
#define SPACE_TRIM_MAX 32u
extern struct space *space_table;
extern uint32_t space_total;
extern uint64_t core_pml4_physical; /* the tables that a CPU has which runs neither domain nor program */

bool space_create(struct space *space);
void space_destroy(struct space *space);
/* address < ZOG_USER_END, page-aligned. false: no memory for page tables. */
bool space_map(struct space *space, uint64_t address, uint64_t frame, uint32_t flags);
void space_unmap(struct space *space, uint64_t address, uint64_t pages);
void space_protect(struct space *space, uint64_t address, uint64_t pages, uint32_t flags);
bool space_clone(struct space *from, struct space *to, uint64_t address, uint64_t pages);
/* Other CPUs that run in SPACE drop their cached translations before this returns. */
void space_flush(struct space *space);
/* The entry that maps ADDRESS, or NULL. */
pte_t *table_walk(uint64_t cr3, uint64_t address);
/* As table_walk; where a table is absent, moves ADDRESS to the end of what it would have mapped. */
pte_t *table_walk_skip(uint64_t cr3, uint64_t *address);
uint64_t table_pool_free(void);
/* Takes up to SPACE_TRIM_MAX page tables that map nothing outside of START..END; how many it took. What was changed in this
 * entry before can no longer be taken back. */
uint32_t space_trim(struct cpu *cpu, struct space *space, uint64_t start, uint64_t end);
/* Takes as many from the spaces, in turn. false: there is none to take. */
bool table_pool_reclaim(struct cpu *cpu);
void table_pool_init(uint64_t physical, uint64_t pages);

#endif
