/* Interrupt delivery: a device's interrupt adds one to the event that the manifest names. */
#ifndef CORE_IRQ_IRQ_H
#define CORE_IRQ_IRQ_H
#include "object/cpu.h"
#include "object/domain.h"
void irq_setup(struct domain *domain);
/* tsm/scrub.c: compares some pages of an idle domain's live and committed image. */
void scrub_step(struct cpu *cpu);
#endif
