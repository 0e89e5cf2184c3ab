/* Kill, hang, corrupt, trace. */
#include "cross/control.h"
#include "cross/schedule.h"
#include "cross/service.h"
#include "fault/fault.h"
#include "object/frame.h"
#include "tsm/region.h"

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A quarter of the pages that the domain can write get a run of 64..1087 random bytes, whether it runs or not. */
static void domain_corrupt(struct domain *domain, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ul + 1;

	for (uint32_t i = 0; i < domain->area_count; i++) {
		const struct area *area = &domain->area[i];
		for (uint64_t page = 0; area_is_own(area) && page < area->pages; page++) {
			if ((area->entry[page] & (PTE_PRESENT | PTE_WRITE)) != (PTE_PRESENT | PTE_WRITE) || random_next(&state) % 4 != 0)
				continue;
			uint8_t *bytes = physical_pointer(area->entry[page] & PTE_ADDRESS);
			uint64_t length = 64 + random_next(&state) % 1024, start = random_next(&state) % (ZOG_PAGE_SIZE - length);
			for (uint64_t at = start; at < start + length; at++)
				bytes[at] = (uint8_t)random_next(&state);
		}
	}
	domain->stats.corruptions++;
	domain->corrupt_open = 1;
}

void domain_end_idle(struct domain *domain, uint32_t cause, uint64_t detail)
{
	incident_record_idle(domain, cause, detail);
	if (cause != ZOG_CAUSE_KILLED)
		incident_update_undone(domain, update_undo(domain));
	domain_reset(domain);
	incident_idle_reset_done(domain);
	region_domain_ended(domain);
	thread_wake_waiters_of(domain->id);
}

/* What waits for the moment at which nothing runs in the domain. */
static bool is_to_end(const struct domain *domain)
{
	uint32_t request = domain->request;

	return request == REQUEST_KILL || request == REQUEST_UPDATE;
}

static void domain_end_asked(struct domain *domain)
{
	if (domain->request == REQUEST_KILL) {
		domain_end_idle(domain, domain->dma_fault_error ? ZOG_CAUSE_IOMMU : ZOG_CAUSE_KILLED, 0);
	} else {
		domain_reset(domain); /* switches to the new image: no incident, nothing broke */
		thread_wake_waiters_of(domain->id);
	}
}

void domain_release(struct cpu *cpu, struct domain *domain)
{
	/* Whoever asks while the lock is held cannot do it: each release is followed by a look (tests/model/kill.pml). */
	do {
		if (is_to_end(domain))
			domain_end_asked(domain);
		lock_release(&domain->lock);
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the one in request_carry_out */
	} while (is_to_end(domain) && lock_try(&domain->lock, cpu->id));
}

void control_requested(struct cpu *cpu)
{
	for (uint32_t i = 0; i < domain_total; i++)
		if (is_to_end(&domain_table[i]) && lock_try(&domain_table[i].lock, cpu->id))
			domain_release(cpu, &domain_table[i]);
}

/* Its contracts' servers tell their calls (lib/rt/trace.h) from now on, or no longer. */
static void domain_trace(struct domain *domain, bool is_on)
{
	domain->info->trace = is_on ? ZOG_TRACE_ON : ZOG_TRACE_OFF;
	domain->stats.is_traced = is_on;
	domain->txn->is_traced = 1; /* either way it looks there, at its next call */
}

static void request_carry_out(struct cpu *cpu, struct domain *domain)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (lock_try(&domain->lock, cpu->id)) {
		domain_release(cpu, domain);
		return;
	}
	uint32_t holder = domain->lock.holder;
	if (holder != LOCK_FREE && holder != cpu->id)
		cpu_interrupt_other(holder);
}

void control_reset(struct cpu *cpu, struct domain *domain)
{
	if (domain->request != REQUEST_KILL)
		domain->request = REQUEST_UPDATE;
	request_carry_out(cpu, domain);
}

void control_update(struct cpu *cpu, struct domain *domain)
{
	uint32_t none = REQUEST_NONE;

	/* Any other request ends the domain just as well. */
	if (__atomic_compare_exchange_n(&domain->request, &none, REQUEST_UPDATE, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		request_carry_out(cpu, domain);
}

void control_end(struct cpu *cpu, struct domain *domain)
{
	domain->request = REQUEST_KILL;
	request_carry_out(cpu, domain);
}

static void control_request(struct cpu *cpu, struct domain *domain, uint32_t what, uint64_t argument)
{
	if (what == ZOG_CONTROL_TRACE) {
		domain_trace(domain, argument != 0);
	} else if (domain->state == DOMAIN_STOPPED) {
		return; /* there is nothing that could break */
	} else if (what == ZOG_CONTROL_CORRUPT) {
		domain_corrupt(domain, argument);
	} else if (what == ZOG_CONTROL_KILL && argument != 0) {
		domain->step_kill = argument;
	} else {
		domain->request = what == ZOG_CONTROL_KILL ? REQUEST_KILL : REQUEST_HANG;
		request_carry_out(cpu, domain);
	}
}

void control_act(struct cpu *cpu, struct domain *domain, const struct zog_op *op)
{
	struct domain *other = &domain_table[op->word[0]];

	if (op->word[1] == ZOG_CONTROL_START)
		service_start(domain, other, op);
	else if (op->word[1] == ZOG_CONTROL_STOP)
		service_stop(cpu, other, op->word[2] ? DOMAIN_QUARANTINED : DOMAIN_STOPPED);
	else
		control_request(cpu, other, (uint32_t)op->word[1], op->word[2]);
}
