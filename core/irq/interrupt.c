/* Interrupts and exceptions from ring 3, and interrupts that end the idle loop. */
#include <stddef.h>
#include "arch/x86_64/apic.h"
#include "cross/crossing.h"
#include "cross/control.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "iommu/iommu.h"
#include "irq/irq.h"
#include "tsm/object.h"

enum { EXCEPTION_DEBUG = 1, EXCEPTION_NMI = 2, EXCEPTION_PAGE_FAULT = 14 };
#define TICK_NS 1000000u

static struct { struct domain *domain; uint32_t event, is_used; } irq_table[256 - VECTOR_DEVICE];

void irq_setup(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->irq_count; i++) {
		const struct irq_desc *irq = &domain->desc->irq[i];
		irq_table[irq->vector - VECTOR_DEVICE].domain = domain;
		irq_table[irq->vector - VECTOR_DEVICE].event = irq->event;
		if (irq->kind == IRQ_ISA)
			ioapic_route(irq->line, irq->vector);
	}
}

bool irq_read(const struct domain *domain, uint64_t place, struct zog_authority *out)
{
	while (place < 256 - VECTOR_DEVICE && irq_table[place].domain != domain)
		place++;
	if (place >= 256 - VECTOR_DEVICE)
		return false;
	*out = (struct zog_authority){ .a = place + VECTOR_DEVICE, .b = irq_table[place].event, .c = ioapic_line((uint32_t)place + VECTOR_DEVICE),
				       .is_used = irq_table[place].is_used, .next = place + 1 };
	return true;
}

static void device_interrupt(struct cpu *cpu, uint32_t vector)
{
	struct domain *domain = irq_table[vector - VECTOR_DEVICE].domain;

	apic_acknowledge();
	if (domain == NULL)
		return;
	irq_table[vector - VECTOR_DEVICE].is_used = 1;
	event_notify(&domain->event[irq_table[vector - VECTOR_DEVICE].event], 0);
	cpu->must_reschedule = 1;
}

/* What every interrupt means, wherever it hits. true: it was an interrupt. */
static bool interrupt_common_part(struct cpu *cpu, uint32_t vector)
{
	if (vector < 32)
		return false;
	if (vector == VECTOR_TIMER || vector == VECTOR_REQUEST) {
		apic_acknowledge();
		cpu_poll();
		if (vector == VECTOR_REQUEST)
			control_requested(cpu);
		if (vector == VECTOR_TIMER) {
			cpu->ticks++;
			cpu->retried_rip = cpu->recoveries = 0;
			apic_timer(TICK_NS); /* here, whatever else becomes of the entry: it fires once only */
			deadline_check();
			object_tick();
		}
	} else if (vector < VECTOR_TIMER && vector >= VECTOR_DEVICE) {
		device_interrupt(cpu, vector);
	} else if (vector == VECTOR_IOMMU) {
		iommu_interrupt(cpu);
	}
	return true;
}

/* --- a domain was running ------------------------------------------------------------------------------------------ */

/* A tick in which the core stepped the domain or brought it a page is not its own; there is an end to both. */
static void domain_tick(struct cpu *cpu, struct call_frame *frame)
{
	bool is_own = !cpu->has_served;

	cpu->has_served = 0;
	if (is_own && --frame->ticks_left == 0)
		domain_fault(cpu, ZOG_CAUSE_DEADLINE, 0, frame->method, 0);
}

static void domain_requested(struct cpu *cpu, struct domain *domain)
{
	if (domain->request == REQUEST_KILL) {
		domain_fault(cpu, ZOG_CAUSE_KILLED, 0, 0, 0);
	} else if (domain->request == REQUEST_HANG) {
		domain->request = REQUEST_NONE;
		domain->is_hanging = 1;
		cpu->domain_regs.rip = domain->image->entry - 16;
	}
}

static void domain_stepped(struct cpu *cpu, struct domain *domain)
{
	cpu->has_served = 1;
	if (--domain->step_kill != 0)
		return;
	cpu->domain_regs.rflags &= ~RFLAGS_TRAP;
	domain_fault(cpu, ZOG_CAUSE_KILLED, 0, 0, 0);
}

/* A page comes once in a life, but those written ahead lose their right to be written with each abort: they would put off the
 * deadline of whoever writes and aborts for ever. */
static bool is_brought_once(uint64_t address) { return address < ZOG_REGION_BASE || address >= ZOG_MODULE_BASE; }

static void domain_exception(struct cpu *cpu, struct domain *domain, uint32_t vector, uint64_t error)
{
	if (vector == EXCEPTION_DEBUG && domain->step_kill) {
		domain_stepped(cpu, domain);
	} else if (vector == EXCEPTION_PAGE_FAULT) {
		uint64_t address = cr2_read();
		cpu->has_served |= is_brought_once(address);
		/* Absent, or the live page still shows the committed one: a fetch from text only, no reserved bits, and the domain's
		 * own access (one that the processor makes for an instruction of it, as iret's, is not, and would fault again). */
		if (((error & PF_EXECUTE) && !domain_executes(domain, address)) || (error & 8) || !(error & PF_USER) ||
		    !domain_touch(domain, address, error & PF_WRITE))
			domain_fault(cpu, domain->is_image_damaged ? ZOG_CAUSE_MEASURE : ZOG_CAUSE_PAGE_FAULT, vector, address, error);
	} else if (vector != EXCEPTION_NMI) {
		domain_fault(cpu, ZOG_CAUSE_EXCEPTION, vector, cpu->domain_regs.rip, error);
	}
}

static void domain_interrupted(struct cpu *cpu, uint32_t vector, uint64_t error)
{
	struct call_frame *frame = &cpu->thread->frame[cpu->thread->depth - 1];

	if (!interrupt_common_part(cpu, vector))
		domain_exception(cpu, frame->domain, vector, error);
	else if (frame->domain->request == REQUEST_KILL || frame->domain->request == REQUEST_HANG)
		domain_requested(cpu, frame->domain);
	else if (vector == VECTOR_TIMER)
		domain_tick(cpu, frame);
}

/* --- a program was running -------------------------------------------------------------------------------------------- */

static void program_exception(struct thread *thread, uint32_t vector, uint64_t error)
{
	if (vector == EXCEPTION_NMI)
		return;
	if (vector == EXCEPTION_PAGE_FAULT) {
		uint64_t word[7] = { cr2_read(), error };
		root_call(thread, ZOG_METHOD_PAGE_FAULT, word);
	} else {
		uint64_t word[7] = { vector, error, thread->regs.rip };
		root_call(thread, ZOG_METHOD_EXCEPTION, word);
	}
}

static void program_interrupted(struct cpu *cpu, uint32_t vector, uint64_t error)
{
	struct thread *thread = cpu->thread;

	thread->must_load_all = 1;
	thread->regs.fs_base = fs_base_read();
	thread->regs.gs_base = user_gs_base_read();
	if (!interrupt_common_part(cpu, vector)) {
		program_exception(thread, vector, error);
	} else if (vector == VECTOR_TIMER) {
		scrub_step(cpu);
		if (--thread->slice_ticks <= 0)
			cpu->must_reschedule = 1;
	}
}

void core_interrupt(struct cpu *cpu, struct zog_regs *regs, uint64_t vector, uint64_t error);
void core_interrupt(struct cpu *cpu, struct zog_regs *regs, uint64_t vector, uint64_t error)
{
	(void)regs;
	journal_begin(cpu);
	if (cpu->thread->depth > 0)
		domain_interrupted(cpu, (uint32_t)vector, error);
	else
		program_interrupted(cpu, (uint32_t)vector, error);
	core_leave(cpu);
	/* Whoever is entered or resumed by way of an interrupt may have live registers that sysret would lose. */
	if (cpu->save == &cpu->domain_regs)
		cpu->exit_full = 1;
}

void core_interrupted(uint64_t *saved);
void core_interrupted(uint64_t *saved)
{
	/* saved: r15 … rax (15 words), vector, error code, rip, cs, rflags, rsp, ss */
	uint64_t vector = saved[15];

	if (!interrupt_common_part(cpu_current(), (uint32_t)vector) && vector != EXCEPTION_NMI && !core_retry(vector, saved[17], saved[20]))
		core_exception(vector, saved[16], saved[17], saved[20], saved[4]);
}
