/* Interrupt delivery: a device's interrupt adds one to the event that the manifest names. */
#ifndef CORE_IRQ_IRQ_H
#define CORE_IRQ_IRQ_H
#include "object/cpu.h"
#include "object/domain.h"
void irq_setup(struct domain *domain);
/* The first vector from the PLACE'th on that raises an event of the domain (object/authority.h). */
bool irq_read(const struct domain *domain, uint64_t place, struct zog_authority *out);
/* tsm/scrub.c: compares some pages of an idle domain's live and committed image. */
void scrub_step(struct cpu *cpu);
#endif
