/* Local and I/O interrupt controllers, time base. */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "object/cpu.h"
#include "object/lock.h"

enum { APIC_ID = 0x20, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0, APIC_COMMAND_LOW = 0x300, APIC_COMMAND_HIGH = 0x310,
	APIC_TIMER = 0x320, APIC_TIMER_INITIAL = 0x380, APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0 };

uint64_t time_tsc_khz, time_tsc_boot;
static uint64_t timer_khz;
static uint64_t ns_per_tick_shifted; /* ns = ticks * this >> 32 */

static volatile uint32_t *apic_register(uint32_t offset) { return (volatile uint32_t *)(APIC_BASE + offset); }

/* The legacy controllers would deliver on the vectors of exceptions (8259A data sheet: OCW1 masks all). */
void apic_legacy_mask(void)
{
	port_write8(0x21, 0xff);
	port_write8(0xa1, 0xff);
}

void apic_setup(void)
{
	*apic_register(APIC_SPURIOUS) = 0x100 | VECTOR_SPURIOUS;
	*apic_register(APIC_TIMER_DIVIDE) = 3; /* by 16 */
	*apic_register(APIC_TIMER) = VECTOR_TIMER;
}

void apic_acknowledge(void) { *apic_register(APIC_EOI) = 0; }

void apic_send(uint32_t apic_id, uint32_t command)
{
	*apic_register(APIC_COMMAND_HIGH) = apic_id << 24;
	*apic_register(APIC_COMMAND_LOW) = command;
	while (*apic_register(APIC_COMMAND_LOW) & 1u << 12)
		cpu_pause();
}

void apic_timer(uint64_t ns)
{
	uint64_t count = ns / 1000 * timer_khz / 1000;

	if (ns != 0 && count == 0)
		count = 1;
	if (count > 0xffffffffu)
		count = 0xffffffffu;
	*apic_register(APIC_TIMER_INITIAL) = (uint32_t)count;
}

static CORE_LOCK struct lock ioapic_lock = LOCK_INIT; /* the register that selects, then the one that answers */

static void ioapic_entry_set(uint32_t line, uint32_t low, uint32_t high)
{
	volatile uint32_t *select = (volatile uint32_t *)IOAPIC_BASE;
	volatile uint32_t *window = (volatile uint32_t *)(IOAPIC_BASE + 0x10);

	lock_take(&ioapic_lock, cpu_current()->id);
	*select = 0x10 + 2 * line + 1;
	*window = high;
	*select = 0x10 + 2 * line;
	*window = low;
	lock_release(&ioapic_lock);
}

/* To APIC id 0, fixed, edge, active high, not masked. */
void ioapic_route(uint32_t line, uint32_t vector) { ioapic_entry_set(line, vector, 0); }

void ioapic_route_remapped(uint32_t line, uint32_t vector, uint32_t handle)
{
	ioapic_entry_set(line, vector, 1u << 16 | handle << 17);
}

/* Lines are routed at boot only, so nobody else selects registers now but another reader. */
uint64_t ioapic_line(uint32_t vector)
{
	volatile uint32_t *select = (volatile uint32_t *)IOAPIC_BASE;
	volatile uint32_t *window = (volatile uint32_t *)(IOAPIC_BASE + 0x10);
	uint64_t found = UINT64_MAX;

	lock_take(&ioapic_lock, cpu_current()->id);
	for (uint32_t line = 0; line < 24; line++) {
		*select = 0x10 + 2 * line;
		uint32_t entry = *window;
		if ((entry & 0xff) == vector && !(entry & 1u << 16))
			found = line;
	}
	lock_release(&ioapic_lock);
	return found;
}

#define CALIBRATION_MS 10u
#define CALIBRATION_TRIES 4u

/* One measurement: TSC and timer counts over 10 ms of PIT channel 2 (8254 data sheet; port 0x61 gates it). */
static uint64_t calibration_try(uint32_t *timer_count)
{
	const uint32_t pit_hz = 1193182;
	uint32_t count = pit_hz * CALIBRATION_MS / 1000;

	port_write8(0x61, (uint8_t)(port_read8(0x61) & ~3u));
	port_write8(0x61, (uint8_t)(port_read8(0x61) | 1u));
	port_write8(0x43, 0xb0);
	port_write8(0x42, (uint8_t)count);
	port_write8(0x42, (uint8_t)(count >> 8));
	*apic_register(APIC_TIMER_INITIAL) = 0xffffffffu;
	uint64_t start = tsc_read();
	while (!(port_read8(0x61) & 0x20))
		cpu_pause();
	uint64_t end = tsc_read();
	*timer_count = 0xffffffffu - *apic_register(APIC_TIMER_CURRENT);
	*apic_register(APIC_TIMER_INITIAL) = 0;
	return end - start;
}

/* A host that stalls the machine makes a measurement too long, never too short: the shortest of a few counts. */
void time_calibrate(void)
{
	uint64_t best = UINT64_MAX;
	uint32_t best_timer = 0;

	time_tsc_boot = tsc_read();
	for (uint32_t i = 0; i < CALIBRATION_TRIES; i++) {
		uint32_t timer;
		uint64_t cycles = calibration_try(&timer);
		if (cycles >= best)
			continue;
		best = cycles;
		best_timer = timer;
	}
	time_tsc_khz = best / CALIBRATION_MS;
	timer_khz = best_timer / CALIBRATION_MS;
	ns_per_tick_shifted = (1000000ul << 32) / time_tsc_khz;
}

uint64_t time_now_ns(void)
{
	return (uint64_t)((unsigned __int128)(tsc_read() - time_tsc_boot) * ns_per_tick_shifted >> 32);
}
