/* Core calls of domains: one row of call_table each, with the type of the capability that it needs at the index in rdi.
 * Handlers read their arguments from cpu->domain_regs and put results there. */
#include <stddef.h>
#include "cross/crossing.h"
#include "cross/schedule.h"
#include "fault/fault.h"
#include "fault/log.h"
#include "iommu/iommu.h"
#include "mem/copy.h"
#include "mem/pin.h"
#include "object/authority.h"
#include "object/capability.h"
#include "tsm/compare.h"
#include "tsm/object.h"
#include "tsm/region.h"
#include "tsm/transaction.h"
#include "object/frame.h"

static struct domain *caller(struct cpu *cpu) { return cpu->thread->frame[cpu->thread->depth - 1].domain; }

/* The end of a call that tells: what was found goes to the domain's memory. */
static void answer(struct cpu *cpu, zog_status_t status, uint64_t to, const void *from, uint64_t bytes)
{
	bool is_told = status != ZOG_OK || domain_write(caller(cpu), to, from, bytes);

	cpu->domain_regs.rax = (uint64_t)(is_told ? status : ZOG_ERR_ARGUMENT);
}

static void cap_fault(struct cpu *cpu) { domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, cpu->domain_regs.rdi, cpu->domain_regs.rsi); }

/* A schema refused the commit: on file, all of it undone, and the domain, which asked, is answered and goes on. */
static void commit_refused(struct cpu *cpu, uint64_t value, uint64_t detail)
{
	incident_record_going_on(cpu, caller(cpu), ZOG_CAUSE_VALIDATION, value, detail);
	crossing_undo(cpu, caller(cpu));
	cpu->domain_regs.rax = (uint64_t)ZOG_ERR_CORRUPT;
}

static void call_commit(struct cpu *cpu)
{
	uint64_t value, detail;

	if (crossing_is_killed(caller(cpu)))
		domain_fault(cpu, ZOG_CAUSE_KILLED, 0, 0, 0);
	else if (transaction_commit(cpu, caller(cpu)))
		compare_after_commit(cpu, caller(cpu)), cpu->domain_regs.rax = ZOG_OK;
	else if (caller(cpu)->finding.rule == NULL && (region_finding_take(cpu, &value, &detail) || object_finding_take(cpu, &value, &detail)))
		commit_refused(cpu, value, detail);
	else
		crossing_commit_failed(cpu);
}

static void call_abort(struct cpu *cpu)
{
	crossing_undo(cpu, caller(cpu));
	cpu->domain_regs.rax = ZOG_OK;
}

static void call_log(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	char text[256];
	uint64_t length = regs->rdx;

	if (length > sizeof(text) || !domain_read(caller(cpu), text, regs->rsi, length)) {
		regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
		return;
	}
	if (regs->rdi == ZOG_LOG_TRACE)
		trace_text(caller(cpu)->desc->name, text, length);
	else
		log_text(caller(cpu)->desc->name, text, length);
	regs->rax = ZOG_OK;
}

static void call_trace_read(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	static char text[ZOG_PAGE_SIZE]; /* one domain holds the capability, and one invocation is in it */
	uint64_t at = regs->rsi;

	uint64_t bytes = trace_read(&at, text, regs->r10 < sizeof(text) ? regs->r10 : sizeof(text));
	answer(cpu, ZOG_OK, regs->rdx, text, bytes);
	regs->rdx = bytes;
	regs->r10 = at;
}

static void call_copy(struct cpu *cpu) { cpu->domain_regs.rax = (uint64_t)copy_call(cpu, caller(cpu), cpu->domain_regs.rdi); }

static void call_event_read(struct cpu *cpu)
{
	uint32_t owner;
	struct event *event = event_find(caller(cpu), cpu->domain_regs.rdi, &owner);

	if (event == NULL) {
		cap_fault(cpu);
		return;
	}
	cpu->domain_regs.rdx = event->count;
	cpu->domain_regs.rax = ZOG_OK;
}

static bool port_is_granted(const struct cap_desc *cap, uint64_t port, uint64_t width)
{
	return (width == 1 || width == 2 || width == 4) && port >= cap->a && port <= cap->b && width - 1 <= cap->b - port;
}

static void call_port(struct cpu *cpu, bool is_write)
{
	struct zog_regs *regs = &cpu->domain_regs;
	uint16_t port = (uint16_t)regs->rsi;
	uint64_t width = regs->rdx;

	if (!port_is_granted(&caller(cpu)->desc->cap[regs->rdi], regs->rsi, width)) {
		cap_fault(cpu);
		return;
	}
	if (!is_write)
		regs->rdx = width == 1 ? port_read8(port) : width == 2 ? port_read16(port) : port_read32(port);
	else if (width == 1)
		port_write8(port, (uint8_t)regs->r10);
	else if (width == 2)
		port_write16(port, (uint16_t)regs->r10);
	else
		port_write32(port, (uint32_t)regs->r10);
	regs->rax = ZOG_OK;
}

static void call_port_read(struct cpu *cpu) { call_port(cpu, false); }
static void call_port_write(struct cpu *cpu) { call_port(cpu, true); }

/* The program's thread that SLOT names for a personality; NULL: none, or not for this domain. */
static struct thread *thread_named(struct cpu *cpu, uint64_t slot)
{
	if (!caller(cpu)->desc->is_personality)
		return NULL;
	if (slot == ZOG_SELF)
		return cpu->thread->is_activity ? NULL : cpu->thread;
	return slot < thread_slots && thread_table[slot].state != THREAD_FREE ? &thread_table[slot] : NULL;
}

static void call_thread_regs(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct thread *thread = thread_named(cpu, regs->rdi);

	answer(cpu, thread != NULL ? ZOG_OK : ZOG_ERR_ARGUMENT, regs->rsi, &thread->regs, sizeof(thread->regs));
}

/* Only what XRSTOR takes without a fault (SDM volume 1, 13.8): known components, standard form, no reserved MXCSR bits. */
static void xstate_clean(uint8_t *state)
{
	uint64_t *header = (uint64_t *)(void *)(state + 512);

	header[0] &= 7;
	for (uint32_t i = 1; i < 8; i++)
		header[i] = 0;
	*(uint32_t *)(void *)(state + 24) &= 0xffff;
}

static void call_xstate(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct thread *thread = thread_named(cpu, regs->rdi);
	uint8_t state[ZOG_XSTATE_SIZE] __attribute__((aligned(64)));

	regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
	if (thread == NULL || regs->rdx > ZOG_XSTATE_SIZE)
		return;
	if (cpu->vector_owner == thread) {
		vector_save(cpu);
		vector_close(cpu);
	}
	if (regs->r10 == 0) {
		answer(cpu, ZOG_OK, regs->rsi, thread->vector_state, regs->rdx);
		return;
	}
	/* Cleaned before the thread's record sees it: another CPU may be about to load it. */
	memcpy(state, thread->vector_state, sizeof(state));
	if (!domain_read(caller(cpu), state, regs->rsi, regs->rdx))
		return;
	xstate_clean(state);
	memcpy(thread->vector_state, state, sizeof(state));
	thread->vector_cpu = NO_CPU;
	regs->rax = ZOG_OK;
}

#define FIRMWARE_END (((frame_count << 12) + 0x1ffffful) & ~0x1ffffful) /* of the physical map */
static void call_firmware_read(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	uint64_t from = regs->rsi, length = regs->r10;

	regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
	if (length == 0 || length > ZOG_PAGE_SIZE || from >= FIRMWARE_END || length > FIRMWARE_END - from)
		return;
	for (uint64_t frame = from >> 12; frame <= (from + length - 1) >> 12; frame++)
		if (frame < frame_count && frame_table[frame].type != FRAME_RESERVED)
			return;
	answer(cpu, ZOG_OK, regs->rdx, physical_pointer(from), length);
}

static void call_frame_pin(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	regs->rdx = 0;
	regs->rax = (uint64_t)frame_pin(cpu, regs->rdi, regs->rsi, &regs->rdx);
}

static void call_incident(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	const struct zog_incident *incident = regs->rsi <= UINT32_MAX ? incident_find((uint32_t)regs->rsi) : NULL;

	answer(cpu, incident != NULL ? ZOG_OK : ZOG_ERR_NOT_FOUND, regs->rdx, incident, sizeof(*incident));
}

static void stats_machine(struct zog_domain_stats *stats)
{
	stats->incident_count = incident_count();
	stats->thread_count = schedule_ready_count;
	stats->address_space_switches = stats->table_flushes = 0;
	for (uint32_t i = 0; i < cpu_count; i++) {
		stats->address_space_switches += cpu_table[i].space_switches;
		stats->table_flushes += cpu_table[i].table_flushes;
	}
}

static void call_stats(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;


	regs->rax = (uint64_t)ZOG_ERR_NOT_FOUND;
	if (regs->rsi >= domain_total)
		return;
	const struct domain *domain = &domain_table[regs->rsi];
	struct zog_domain_stats stats = domain->stats;
	stats.state = domain->state;
	stats.invocations = domain->invocations;
	update_stats(domain, &stats);
	if (domain->desc->is_device_owner)
		stats.dma = iommu_unit.registers != NULL ? ZOG_DMA_CONFINED : ZOG_DMA_ALL_MEMORY;
	stats_machine(&stats);
	answer(cpu, ZOG_OK, regs->rdx, &stats, sizeof(stats));
}

static zog_status_t image_step(struct domain *own, struct domain *domain, const struct zog_regs *regs)
{
	static uint8_t page[ZOG_PAGE_SIZE]; /* one domain holds the capability, and one invocation is in it */

	switch ((uint32_t)regs->rdx) {
	case ZOG_IMAGE_READ:
		return domain_write(own, regs->r10, update_header(domain), ZOG_PAGE_SIZE) ? ZOG_OK : ZOG_ERR_ARGUMENT;
	case ZOG_IMAGE_WRITE:
		return domain_read(own, page, regs->r10, ZOG_PAGE_SIZE) ? update_write(domain, regs->rdx >> 32, page) : ZOG_ERR_ARGUMENT;
	case ZOG_IMAGE_CHECK:
		return update_check(domain);
	default:
		return ZOG_ERR_METHOD;
	}
}

static void call_image(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	regs->rax = (uint64_t)(regs->rsi < domain_total ? image_step(caller(cpu), &domain_table[regs->rsi], regs) : ZOG_ERR_NOT_FOUND);
}

static void call_region_stats(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_region_stats stats;

	answer(cpu, region_stats(regs->rsi, &stats), regs->rdx, &stats, sizeof(stats));
}

static void call_region_read(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	regs->rax = (uint64_t)region_read_version(caller(cpu), regs->rdi, regs->rsi, regs->rdx, regs->r10);
}

static void call_authority(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_authority row;

	answer(cpu, authority_read(regs->rsi & UINT32_MAX, regs->rsi >> 32, regs->rdx, &row), regs->r10, &row, sizeof(row));
}

static void call_region_version(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_region_version info;

	answer(cpu, region_version_info(caller(cpu), regs->rdi, regs->rsi, &info), regs->rdx, &info, sizeof(info));
}

static void call_object_begin(struct cpu *cpu) { cpu->domain_regs.rax = (uint64_t)object_begin(caller(cpu), cpu->domain_regs.rdi, cpu->domain_regs.rsi); }

static void call_object_hold(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	regs->rax = (uint64_t)object_hold(caller(cpu), regs->rdi, regs->rsi, &regs->rdx);
}

static void call_object_stats(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_object_stats stats;

	answer(cpu, object_stats(regs->rsi, &stats), regs->rdx, &stats, sizeof(stats));
}

static void call_fail(struct cpu *cpu)
{
	const struct zog_regs *regs = &cpu->domain_regs;
	/* What a domain can know about itself; the others are the core's findings. */
	bool is_own_finding = regs->rdi == ZOG_CAUSE_STORE || regs->rdi == ZOG_CAUSE_CONTRACT || regs->rdi == ZOG_CAUSE_SCRUB;
	uint32_t cause = is_own_finding ? (uint32_t)regs->rdi : ZOG_CAUSE_ASSERT;

	domain_fault(cpu, cause, 0, regs->rsi, regs->rdx);
}

static const struct {
	void (*handle)(struct cpu *cpu);
	enum cap_type needed;
} call_table[ZOG_CORE_CALL_COUNT] = {
	[ZOG_CORE_CALL] = { crossing_call },
	[ZOG_CORE_REPLY] = { crossing_reply },
	[ZOG_CORE_COMMIT] = { call_commit },
	[ZOG_CORE_LOG] = { call_log },
	[ZOG_CORE_TRACE_READ] = { call_trace_read, CAP_INSPECT },
	[ZOG_CORE_COPY] = { call_copy },
	[ZOG_CORE_EVENT_READ] = { call_event_read },
	[ZOG_CORE_PORT_READ] = { call_port_read, CAP_PORTS },
	[ZOG_CORE_PORT_WRITE] = { call_port_write, CAP_PORTS },
	[ZOG_CORE_THREAD_REGS] = { call_thread_regs },
	[ZOG_CORE_FRAME_PIN] = { call_frame_pin },
	[ZOG_CORE_FIRMWARE_READ] = { call_firmware_read, CAP_BUS },
	[ZOG_CORE_INCIDENT] = { call_incident, CAP_INSPECT },
	[ZOG_CORE_STATS] = { call_stats, CAP_STATS },
	[ZOG_CORE_XSTATE] = { call_xstate },
	[ZOG_CORE_ABORT] = { call_abort },
	[ZOG_CORE_FAIL] = { call_fail },
	[ZOG_CORE_REGION_STATS] = { call_region_stats, CAP_STATS },
	[ZOG_CORE_REGION_READ] = { call_region_read },
	[ZOG_CORE_AUTHORITY] = { call_authority, CAP_INSPECT },
	[ZOG_CORE_IMAGE] = { call_image, CAP_UPDATE },
	[ZOG_CORE_REGION_VERSION] = { call_region_version },
	[ZOG_CORE_OBJECT_BEGIN] = { call_object_begin },
	[ZOG_CORE_OBJECT_HOLD] = { call_object_hold },
	[ZOG_CORE_OBJECT_STATS] = { call_object_stats, CAP_STATS },
};

void core_call(struct cpu *cpu, uint64_t number)
{
	journal_begin(cpu);
	if (number >= ZOG_CORE_CALL_COUNT)
		domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, number, 0);
	else if (call_table[number].needed != CAP_NONE && !domain_holds(caller(cpu), cpu->domain_regs.rdi, call_table[number].needed))
		cap_fault(cpu);
	else
		call_table[number].handle(cpu);
	core_leave(cpu);
}
