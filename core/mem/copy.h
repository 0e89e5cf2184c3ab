/* The copy call: bytes between programs, payload frames and the calling domain, without mapping anything. */
#ifndef CORE_MEM_COPY_H
#define CORE_MEM_COPY_H
#include "object/cpu.h"
#include "object/domain.h"
/* REQUEST: address of a struct zog_copy in the domain's own memory. See abi/zog/core.h for each error. */
zog_status_t copy_call(struct cpu *cpu, struct domain *domain, uint64_t request);
#endif
