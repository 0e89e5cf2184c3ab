/* Local and I/O interrupt controllers (SDM volume 3 chapter 10; 82093AA data sheet), and the time base. */
#ifndef CORE_ARCH_APIC_H
#define CORE_ARCH_APIC_H

#include <stdint.h>

#define VECTOR_TIMER 0xe0u
#define VECTOR_REQUEST 0xe1u  /* another CPU wants something: see cpu_poll */
#define VECTOR_IOMMU 0xe2u    /* the remapping unit has refused something */
#define VECTOR_SPURIOUS 0xefu
#define VECTOR_DEVICE 0x40u   /* first of the manifests' interrupts */

#define APIC_BASE 0xffffffffc0200000ul   /* maps 0xfee00000, uncached */
#define IOAPIC_BASE 0xffffffffc0000000ul /* maps 0xfec00000, uncached */
#define IOMMU_BASE 0xffffffffc0400000ul  /* maps the 2 MiB round the remapping unit's registers, once it is known */

void apic_legacy_mask(void); /* once, before interrupts are on */
void apic_setup(void);
void apic_acknowledge(void);
void apic_send(uint32_t apic_id, uint32_t command);
/* Next timer interrupt of this CPU after `ns`; 0 stops it. */
void apic_timer(uint64_t ns);
void ioapic_route(uint32_t line, uint32_t vector);
/* The line that is routed to VECTOR and not masked; all ones: none. */
uint64_t ioapic_line(uint32_t vector);
/* The same by an entry of the remapping unit's table (VT-d specification 5.1.2.1). */
void ioapic_route_remapped(uint32_t line, uint32_t vector, uint32_t handle);
/* Measures the TSC and the timer against the PIT (10 ms). Once, at boot. */
void time_calibrate(void);

extern uint64_t time_tsc_khz, time_tsc_boot;
uint64_t time_now_ns(void);

#endif
