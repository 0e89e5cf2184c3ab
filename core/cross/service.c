/* Services, and what becomes of domains that fault again and again: see service.h. */
#include "cross/service.h"
#include "cross/control.h"
#include "cross/schedule.h"
#include "arch/x86_64/apic.h"

#define HEALTHY_INVOCATIONS 64u
#define FAULTS_MAX 16u       /* in a row */
#define REST_NS 1000000ull   /* of an activity; doubled with every second fault, REST_DOUBLED times at most */
#define REST_DOUBLED 9u

void service_tell(void)
{
	for (uint32_t i = 0; i < domain_total; i++)
		if (domain_table[i].desc->service_event < domain_table[i].desc->event_count)
			event_notify(&domain_table[i].event[domain_table[i].desc->service_event], 0);
}

static void rest(struct domain *domain, uint32_t state, uint32_t end)
{
	domain->stats.end = end;
	domain->state = state;
	service_tell();
}

void service_start(struct domain *from, struct domain *domain, const struct zog_op *op)
{
	if (domain->state < DOMAIN_QUARANTINED)
		return;
	if (op->word[2] & ZOG_START_EMPTY) /* the reset that ended it has taken the live image away */
		memset(domain->home_committed, 0, domain->home_bytes);
	memset(domain->info->arguments, 0, sizeof(domain->info->arguments));
	domain_read(from, domain->info->arguments, op->word[3], op->word[4]);
	domain->is_restarted = (op->word[2] & ZOG_START_RESTARTED) != 0;
	if (op->word[2] & ZOG_START_FRESH)
		domain->stats.faults_in_a_row = 0, domain->start_failures = 0;
	domain->stats.end = ZOG_END_NONE;
	domain->state = DOMAIN_DOWN;
	thread_wake_waiters_of(domain->id);
}

void service_stop(struct cpu *cpu, struct domain *domain, uint32_t state)
{
	if (domain->state >= DOMAIN_QUARANTINED) {
		rest(domain, state, ZOG_END_STOPPED);
		return;
	}
	domain->stats.end = ZOG_END_STOPPED;
	domain->state_to_rest = state;
	control_reset(cpu, domain);
}

void service_exit(struct domain *domain, uint32_t status)
{
	domain->stats.exit_status = status;
	domain->stats.end = ZOG_END_EXITED;
	domain->state_to_rest = DOMAIN_STOPPED;
	if (domain->request != REQUEST_KILL)
		domain->request = REQUEST_UPDATE; /* carried out when the domain is left */
}

void service_reset_begin(struct domain *domain)
{
	if (domain->desc->is_service && domain->state >= DOMAIN_QUARANTINED && domain->state_to_rest == DOMAIN_DOWN)
		domain->state_to_rest = domain->state;
}

void service_reset(struct domain *domain)
{
	uint32_t state = domain->state_to_rest;

	domain->state_to_rest = DOMAIN_DOWN;
	if (state != DOMAIN_DOWN)
		rest(domain, state, domain->stats.end);
}

void service_faulted(struct domain *domain, bool is_own, bool is_poison)
{
	uint32_t *row = &domain->stats.faults_in_a_row;
	bool goes_on = domain->invocations - domain->fault_invocations < HEALTHY_INVOCATIONS;

	domain->fault_invocations = domain->invocations;
	if (is_poison && !is_own) {
		*row -= *row != 0; /* its first fault did not look like poison yet */
		return;
	}
	*row = goes_on ? *row + 1 : 1;
	if (domain->state != DOMAIN_DOWN)
		return;
	if (domain->desc->is_service && (*row > 1 || !domain->is_restarted))
		rest(domain, DOMAIN_STOPPED, ZOG_END_FAULTED);
	else if (domain->desc->on_faults == ON_FAULTS_QUARANTINE && *row >= FAULTS_MAX)
		domain_quarantine(domain, "it faults again and again");
}

void service_activity_rest(struct cpu *cpu, struct thread *thread, zog_status_t status)
{
	struct domain *domain = thread->root_domain;
	uint64_t seen = domain->started.count; /* read before the state: a start in between is not missed */
	uint32_t row = domain->stats.faults_in_a_row;

	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the lock that thread_wake_waiters_of takes behind the state */
	if (domain->state >= DOMAIN_QUARANTINED)
		thread_park(cpu, &domain->started, domain->id, seen, UINT64_MAX);
	else if (status == ZOG_ERR_POISON && domain->desc->on_faults != ON_FAULTS_RESTART)
		thread_park(cpu, &domain->started, domain->id, seen, time_now_ns() + (REST_NS << (row / 2 < REST_DOUBLED ? row / 2 : REST_DOUBLED)));
}
