/* Requests between CPUs. A CPU that spins in the core answers them in cpu_poll; one in ring 3 or idle is
 * interrupted (VECTOR_REQUEST) and answers there. */
#include "object/cpu.h"
#include "object/domain.h"
#include "arch/x86_64/apic.h"

void cpu_interrupt_other(uint32_t cpu_id)
{
	apic_send(cpu_table[cpu_id].apic_id, 0x4000 | VECTOR_REQUEST);
}

void cpu_poll(void)
{
	struct cpu *cpu = cpu_current();
	uint32_t request = __atomic_load_n(&cpu->flush_request, __ATOMIC_ACQUIRE);

	if (request == cpu->flush_done)
		return;
	cpu->table_flushes++;
	cr3_write(cpu->cr3);
	__atomic_store_n(&cpu->flush_done, request, __ATOMIC_RELEASE);
}

void cpu_kick_idle(void)
{
	uint32_t self = cpu_current()->id;

	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the fence in idle(): is_idle, then the queue */
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (i == self || !cpu_table[i].is_idle)
			continue;
		cpu_table[i].is_idle = 0;
		cpu_interrupt_other(i);
		return;
	}
}

/* The CPUs of the set drop their cached translations before this returns. */
static void others_flush(uint32_t set)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (!(set & 1u << i))
			continue;
		__atomic_add_fetch(&cpu_table[i].flush_request, 1, __ATOMIC_SEQ_CST);
		cpu_interrupt_other(i);
	}
	for (uint32_t i = 0; i < cpu_count; i++) {
		uint32_t request = cpu_table[i].flush_request;
		while ((set & 1u << i) && cpu_table[i].is_online && (int32_t)(cpu_table[i].flush_done - request) < 0) {
			cpu_pause();
			cpu_poll();
		}
	}
}

void space_flush(struct space *space)
{
	struct cpu *cpu = cpu_current();
	uint32_t others = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* page-table stores before the look at who runs there */
	if (cpu->cr3 == space->cr3) {
		cpu->table_flushes++;
		cr3_write(cpu->cr3);
	}
	for (uint32_t i = 0; i < cpu_count; i++)
		if (i != cpu->id && cpu_table[i].is_online && cpu_table[i].cr3 == space->cr3)
			others |= 1u << i;
	others_flush(others);
}

/* Whoever enters the domain from here on loads its tables anew (resets); only the CPU that holds its lock can be inside. */
void domain_flush(struct domain *domain)
{
	struct cpu *cpu = cpu_current();

	__atomic_add_fetch(&domain->resets, 1, __ATOMIC_SEQ_CST); /* a barrier: page-table stores before the look at the holder */
	if (cpu->cr3 == domain->cr3) {
		cpu->table_flushes++;
		cr3_write(cpu->cr3);
	}
	uint32_t holder = domain->lock.holder;
	if (holder != LOCK_FREE && holder != cpu->id && cpu_table[holder].is_online)
		others_flush(1u << holder);
}
