/* Incidents: what is kept about each contained fault, and the line in the system log (abi/zog/trace.h). */
#include "fault/fault.h"
#include "fault/log.h"
#include "cross/crossing.h"
#include "cross/schedule.h"
#include "object/frame.h"
#include "tsm/region.h"
#include "arch/x86_64/apic.h"

static struct zog_incident *incident_table;
static volatile uint32_t incident_total;
static const char *const cause_name[ZOG_CAUSE_COUNT] = {
	"none", "killed", "page_fault", "exception", "deadline", "store", "capability", "violation",
	"contract", "assert", "scrub", "measure", "core", "start", "validation", "rollback", "iommu", "escape", "damage",
};

void incident_setup(void) { incident_table = boot_pointer(INCIDENT_MAX * sizeof(struct zog_incident)); }
uint32_t incident_count(void) { return incident_total; }

const struct zog_incident *incident_find(uint32_t number)
{
	uint32_t total = incident_total;

	if (number == 0 || number > total || total - number >= INCIDENT_MAX)
		return NULL;
	return &incident_table[number % INCIDENT_MAX];
}

/* Return addresses by the frame pointers on the domain's own stack: each step checked, since it can hold anything. */
static void trace_take(struct domain *domain, struct zog_incident *incident)
{
	uint64_t at = incident->regs.rbp;

	incident->trace[incident->trace_count++] = incident->regs.rip;
	while (incident->trace_count < ZOG_TRACE_MAX && at % 8 == 0) {
		uint64_t pair[2];
		if (!domain_read(domain, pair, at, sizeof(pair)) || pair[1] == 0)
			return;
		incident->trace[incident->trace_count++] = pair[1];
		if (pair[0] <= at)
			return;
		at = pair[0];
	}
}

/* The log's budget: once a domain has faulted as often as the table has places, one in so many of its own faults is told in full. */
static bool incident_is_short(const struct zog_incident *incident)
{
	uint64_t faults = domain_table[incident->domain].stats.faults;

	return !incident->is_asked_for && faults > INCIDENT_MAX && faults % INCIDENT_MAX != 0;
}

static void incident_log(const struct zog_incident *incident)
{
	const struct zog_regs *r = &incident->regs;
	static const char digits[] = "0123456789abcdef";
	char trace[ZOG_TRACE_MAX * 19 + 1];
	uint32_t n = 0;

	if (incident_is_short(incident)) {
		log_line("zog: incident %u domain=%s cause=%s vector=%u asked=0", incident->number, domain_table[incident->domain].desc->name,
			 cause_name[incident->cause], incident->vector);
		return;
	}
	for (uint32_t i = 0; i < incident->trace_count; i++) {
		if (i)
			trace[n++] = ',';
		trace[n++] = '0', trace[n++] = 'x';
		int shift = 60;
		while (shift > 0 && incident->trace[i] >> shift == 0)
			shift -= 4;
		for (; shift >= 0; shift -= 4)
			trace[n++] = digits[incident->trace[i] >> shift & 15];
	}
	trace[n] = 0;
	log_line("zog: incident %u domain=%s cause=%s vector=%u address=0x%lx error=0x%lx time_ns=%lu method=0x%x client=0x%lx running=%u"
		 " notice=%u asked=%u undone_ranges=%u undone_ops=%u rip=0x%lx rsp=0x%lx rbp=0x%lx rax=0x%lx rbx=0x%lx rcx=0x%lx rdx=0x%lx rsi=0x%lx"
		 " rdi=0x%lx r8=0x%lx r9=0x%lx r10=0x%lx r11=0x%lx r12=0x%lx r13=0x%lx r14=0x%lx r15=0x%lx rflags=0x%lx image=0x%lx trace=%s",
		 incident->number, domain_table[incident->domain].desc->name, cause_name[incident->cause], incident->vector,
		 incident->address, incident->error, incident->time_ns, incident->method, incident->client, incident->is_running,
		 incident->tsc_reply != 0, incident->is_asked_for, incident->ranges_undone, incident->ops_undone, r->rip, r->rsp, r->rbp, r->rax, r->rbx, r->rcx,
		 r->rdx, r->rsi, r->rdi, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rflags, incident->image, trace);
}

/* A commit of the home region was refused: field, value and rule. */
static void finding_take(struct domain *domain, struct zog_incident *incident)
{
	domain->stats.schema_refused++;
	home_finding_name(&domain->finding, incident->subject, sizeof(incident->subject));
	log_line("zog: validation domain=%s region=home %s value=0x%lx", domain->desc->name, incident->subject, domain->finding.value);
}

static struct zog_incident *incident_take(struct domain *domain, uint32_t cause)
{
	uint32_t number = __atomic_add_fetch(&incident_total, 1, __ATOMIC_SEQ_CST);
	struct zog_incident *incident = &incident_table[number % INCIDENT_MAX];

	memset(incident, 0, sizeof(*incident));
	incident->number = number;
	incident->domain = domain->id;
	incident->cause = cause;
	memcpy(&incident->image, domain->image->sha256, sizeof(incident->image));
	incident->time_ns = time_now_ns();
	incident->tsc_fault = tsc_read();
	return incident;
}

static struct zog_incident *notice_take(struct domain *domain, uint32_t cause, uint64_t address, uint64_t error)
{
	struct zog_incident *incident = incident_take(domain, cause);

	incident->address = address;
	incident->error = error;
	incident->tsc_reply = incident->tsc_fault;
	incident->trace[incident->trace_count++] = incident->regs.rip = domain->image->entry;
	incident_log(incident);
	return incident;
}

void incident_record_notice(struct domain *domain, uint32_t cause, uint64_t address, uint64_t error) { notice_take(domain, cause, address, error); }

static void corruption_noticed(struct domain *domain)
{
	domain->stats.corruptions_detected += domain->corrupt_open != 0;
	domain->corrupt_open = 0;
}

static uint32_t text_add(struct zog_incident *incident, uint32_t at, const char *text)
{
	while (*text && at + 1 < sizeof(incident->subject))
		incident->subject[at++] = *text++;
	incident->subject[at] = 0;
	return at;
}

void incident_record_damage(struct domain *domain, const struct home_finding *finding, const char *outcome)
{
	struct zog_incident *incident = notice_take(domain, ZOG_CAUSE_DAMAGE, finding->value, home_finding_detail(finding));

	text_add(incident, text_add(incident, text_add(incident, 0, outcome), ": "), domain->stats.finding);
	corruption_noticed(domain);
}

static struct zog_incident *incident_new(struct domain *domain, uint32_t cause)
{
	struct zog_incident *incident = incident_take(domain, cause);

	incident->is_asked_for = cause == ZOG_CAUSE_KILLED || (cause == ZOG_CAUSE_DEADLINE && domain->is_hanging);
	domain->is_hanging = 0;
	incident->ranges_undone = domain->txn->range_count;
	incident->ops_undone = domain->txn->op_count;
	domain->stats.faults++;
	if (cause == ZOG_CAUSE_VALIDATION && domain->finding.rule != NULL)
		finding_take(domain, incident);
	domain->finding.rule = NULL;
	if (!incident->is_asked_for)
		corruption_noticed(domain);
	domain->open_incident = incident;
	return incident;
}

/* A domain that ends because of what its device did ends by a request, as one that is to be killed. */
static uint32_t cause_find(struct domain *domain, uint32_t cause, uint64_t *address, uint64_t *error)
{
	if ((cause != ZOG_CAUSE_KILLED && cause != ZOG_CAUSE_IOMMU) || domain->dma_fault_error == 0)
		return cause;
	*address = domain->dma_fault_address;
	*error = (uint32_t)domain->dma_fault_error;
	domain->dma_fault_error = 0;
	return ZOG_CAUSE_IOMMU;
}

void incident_record_idle(struct domain *domain, uint32_t cause, uint64_t detail)
{
	uint64_t error = 0;
	struct zog_incident *incident = incident_new(domain, cause_find(domain, cause, &detail, &error));

	incident->address = detail;
	incident->error = error;
	if (cause == ZOG_CAUSE_SCRUB)
		home_place_name(domain, (uint32_t)(detail - ZOG_HOME_BASE), incident->subject, sizeof(incident->subject));
	/* It was not running: its last invocation left at its reply. The trace says where it will start again. */
	incident->regs.rip = domain->image->entry;
	incident->trace[incident->trace_count++] = domain->image->entry;
	incident_log(incident);
}

static struct zog_incident *incident_record_running(struct cpu *cpu, struct domain *domain, uint32_t cause, uint32_t vector)
{
	struct zog_incident *incident = incident_new(domain, cause);
	const struct call_frame *frame = &cpu->thread->frame[cpu->thread->depth - 1];

	incident->vector = vector;
	incident->regs = cpu->domain_regs;
	incident->is_running = 1;
	incident->method = frame->method;
	incident->client = frame->client;
	trace_take(domain, incident);
	incident->stack_address = incident->regs.rsp & ~7ul;
	for (uint32_t i = 0; i < ZOG_STACK_SNAPSHOT; i += 512)
		if (!domain_read(domain, incident->stack + i, incident->stack_address + i, 512))
			break;
	return incident;
}

struct zog_incident *incident_record_going_on(struct cpu *cpu, struct domain *domain, uint32_t cause, uint64_t address, uint64_t error)
{
	struct zog_incident *open = domain->open_incident;
	struct zog_incident *incident = incident_record_running(cpu, domain, cause, 0);

	domain->open_incident = open; /* nothing has to recover from this one */
	incident->address = address;
	incident->error = error;
	incident_log(incident);
	return incident;
}

void incident_update_undone(struct domain *domain, bool is_undone) { domain->open_incident->is_update_undone = is_undone; }

void incident_idle_reset_done(struct domain *domain) { domain->open_incident->tsc_reply = tsc_read() - domain->open_incident->tsc_fault; }

void incident_idle_called(struct domain *domain)
{
	struct zog_incident *incident = domain->open_incident;

	if (incident == NULL || incident->is_running || incident->tsc_reply == 0)
		return;
	incident->tsc_fault = tsc_read() - incident->tsc_reply;
	incident->tsc_reply = 0;
}

void incident_close(struct domain *domain)
{
	struct zog_incident *incident = domain->open_incident;

	domain->open_incident = NULL;
	/* The time is from the fault, or, for a domain that was idle, from the call that found it
	 * down, plus what its rollback took. */
	incident->tsc_reply = tsc_read();
	if (!incident_is_short(incident))
		log_line("zog: recovered %u domain=%s instructions=%lu", incident->number, domain->desc->name, incident->tsc_reply - incident->tsc_fault);
}

void domain_fault(struct cpu *cpu, uint32_t cause, uint32_t vector, uint64_t address, uint64_t error)
{
	struct domain *domain = cpu->thread->frame[cpu->thread->depth - 1].domain;
	struct zog_incident *incident = incident_record_running(cpu, domain, cause_find(domain, cause, &address, &error), vector);

	incident->address = address;
	incident->error = error;
	incident_log(incident);
	if (!incident->is_asked_for && incident->method != ZOG_METHOD_ROLLBACK)
		region_validator_faulted(domain);
	bool is_undone = !incident->is_asked_for && update_undo(domain);
	incident_update_undone(domain, is_undone);
	domain_reset(domain);
	region_domain_ended(domain);
	thread_wake_waiters_of(domain->id);
	/* What ended a program that is gone counts against nobody. */
	frame_reissue_after_fault(cpu, incident->is_asked_for || is_undone);
}
