/* How long a transaction's operations may keep the core: what they ask for has a price in steps, some tens of instructions
 * each, and a transaction that asks for more than ZOG_TXN_WORK_MAX is a violation, seen before any is decoded. The prices
 * stand with the operations in abi/zog/core.h.
 *
 * Taking page tables away needs no price, since it may be done ahead of the transaction that asks for it, whatever becomes of
 * that: page tables are a cache. A core call with much to take takes some, and is made again. Between, interrupts come in. */
#ifndef CORE_TSM_OPERATION_WORK_H
#define CORE_TSM_OPERATION_WORK_H

#include "object/cpu.h"

/* The sum over COUNT operations, as far as it matters: above the bound it may be any number above. */
uint64_t operations_work(const struct zog_op *op, uint32_t count);
/* Takes page tables that cpu->op[0..COUNT), not yet decoded, would unmap. true: there may be more (cpu->must_repeat). */
bool operations_trim(struct cpu *cpu, uint32_t count);

#endif
