/* Core calls of domains: one row of call_table each. Handlers read their arguments from cpu->domain_regs and put results there. */
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

void *memcpy(void *to, const void *from, size_t size);

static struct domain *caller(struct cpu *cpu) { return cpu->thread->frame[cpu->thread->depth - 1].domain; }

static void cap_fault(struct cpu *cpu) { domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, cpu->domain_regs.rdi, cpu->domain_regs.rsi); }

/* A schema refused the commit: on file, all of it undone, and the domain, which asked, is answered and goes on. */
static void commit_refused(struct cpu *cpu, uint64_t value, uint64_t detail)
{
	incident_record_refusal(cpu, caller(cpu), value, detail);
	crossing_undo(cpu, caller(cpu));
	cpu->domain_regs.rax = (uint64_t)ZOG_ERR_CORRUPT;
}

static void commit_done(struct cpu *cpu)
{
	compare_after_commit(cpu, caller(cpu));
	cpu->domain_regs.rax = ZOG_OK;
}

static void call_commit(struct cpu *cpu)
{
	uint64_t value, detail;

	if (crossing_is_killed(caller(cpu)))
		domain_fault(cpu, ZOG_CAUSE_KILLED, 0, 0, 0);
	else if (transaction_commit(cpu, caller(cpu)))
		commit_done(cpu);
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

	if (!domain_holds(caller(cpu), regs->rdi, CAP_INSPECT)) {
		cap_fault(cpu);
		return;
	}
	uint64_t bytes = trace_read(&at, text, regs->r10 < sizeof(text) ? regs->r10 : sizeof(text));
	regs->rax = domain_write(caller(cpu), regs->rdx, text, bytes) ? (uint64_t)ZOG_OK : (uint64_t)ZOG_ERR_ARGUMENT;
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

static bool port_is_granted(const struct domain *domain, uint64_t index, uint64_t port, uint64_t width)
{
	if (!domain_holds(domain, index, CAP_PORTS) || (width != 1 && width != 2 && width != 4))
		return false;
	return port >= domain->desc->cap[index].a && port <= domain->desc->cap[index].b && width - 1 <= domain->desc->cap[index].b - port;
}

static void call_port_read(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	uint16_t port = (uint16_t)regs->rsi;

	if (!port_is_granted(caller(cpu), regs->rdi, regs->rsi, regs->rdx)) {
		cap_fault(cpu);
		return;
	}
	regs->rdx = regs->rdx == 1 ? port_read8(port) : regs->rdx == 2 ? port_read16(port) : port_read32(port);
	regs->rax = ZOG_OK;
}

static void call_port_write(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	uint16_t port = (uint16_t)regs->rsi;

	if (!port_is_granted(caller(cpu), regs->rdi, regs->rsi, regs->rdx)) {
		cap_fault(cpu);
		return;
	}
	if (regs->rdx == 1)
		port_write8(port, (uint8_t)regs->r10);
	else if (regs->rdx == 2)
		port_write16(port, (uint16_t)regs->r10);
	else
		port_write32(port, (uint32_t)regs->r10);
	regs->rax = ZOG_OK;
}

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

	regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
	if (thread != NULL && domain_write(caller(cpu), regs->rsi, &thread->regs, sizeof(thread->regs)))
		regs->rax = ZOG_OK;
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
		if (domain_write(caller(cpu), regs->rsi, thread->vector_state, regs->rdx))
			regs->rax = ZOG_OK;
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

	if (!domain_holds(caller(cpu), regs->rdi, CAP_BUS)) {
		cap_fault(cpu);
		return;
	}
	regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
	if (length == 0 || length > ZOG_PAGE_SIZE || from >= FIRMWARE_END || length > FIRMWARE_END - from)
		return;
	for (uint64_t frame = from >> 12; frame <= (from + length - 1) >> 12; frame++)
		if (frame < frame_count && frame_table[frame].type != FRAME_RESERVED)
			return;
	if (domain_write(caller(cpu), regs->rdx, physical_pointer(from), length))
		regs->rax = ZOG_OK;
}

static void call_frame_pin(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	uint64_t physical = 0;

	regs->rax = (uint64_t)frame_pin(cpu, regs->rdi, regs->rsi, &physical);
	regs->rdx = physical;
}

static void call_incident(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	if (!domain_holds(caller(cpu), regs->rdi, CAP_INSPECT)) {
		cap_fault(cpu);
		return;
	}
	const struct zog_incident *incident = regs->rsi <= UINT32_MAX ? incident_find((uint32_t)regs->rsi) : NULL;
	if (incident == NULL)
		regs->rax = (uint64_t)ZOG_ERR_NOT_FOUND;
	else
		regs->rax = domain_write(caller(cpu), regs->rdx, incident, sizeof(*incident)) ? (uint64_t)ZOG_OK : (uint64_t)ZOG_ERR_ARGUMENT;
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

	if (!domain_holds(caller(cpu), regs->rdi, CAP_STATS)) {
		cap_fault(cpu);
		return;
	}
	regs->rax = (uint64_t)ZOG_ERR_NOT_FOUND;
	if (regs->rsi >= domain_total)
		return;
	struct zog_domain_stats stats = domain_table[regs->rsi].stats;
	stats.state = domain_table[regs->rsi].state;
	stats.invocations = domain_table[regs->rsi].invocations;
	update_stats(&domain_table[regs->rsi], &stats);
	if (domain_table[regs->rsi].desc->is_device_owner)
		stats.dma = iommu_unit.registers != NULL ? ZOG_DMA_CONFINED : ZOG_DMA_ALL_MEMORY;
	stats_machine(&stats);
	if (domain_write(caller(cpu), regs->rdx, &stats, sizeof(stats)))
		regs->rax = ZOG_OK;
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

	if (!domain_holds(caller(cpu), regs->rdi, CAP_UPDATE))
		cap_fault(cpu);
	else if (regs->rsi >= domain_total)
		regs->rax = (uint64_t)ZOG_ERR_NOT_FOUND;
	else
		regs->rax = (uint64_t)image_step(caller(cpu), &domain_table[regs->rsi], regs);
}

static void call_region_stats(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_region_stats stats;

	if (!domain_holds(caller(cpu), regs->rdi, CAP_STATS)) {
		cap_fault(cpu);
		return;
	}
	regs->rax = (uint64_t)region_stats(regs->rsi, &stats);
	if (regs->rax == ZOG_OK && !domain_write(caller(cpu), regs->rdx, &stats, sizeof(stats)))
		regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
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

	if (!domain_holds(caller(cpu), regs->rdi, CAP_INSPECT)) {
		cap_fault(cpu);
		return;
	}
	regs->rax = (uint64_t)authority_read(regs->rsi & UINT32_MAX, regs->rsi >> 32, regs->rdx, &row);
	if (regs->rax == ZOG_OK && !domain_write(caller(cpu), regs->r10, &row, sizeof(row)))
		regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
}

static void call_region_version(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_region_version info;

	regs->rax = (uint64_t)region_version_info(caller(cpu), regs->rdi, regs->rsi, &info);
	if (regs->rax == ZOG_OK && !domain_write(caller(cpu), regs->rdx, &info, sizeof(info)))
		regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
}

static void call_object_begin(struct cpu *cpu)
{
	cpu->domain_regs.rax = (uint64_t)object_begin(caller(cpu), cpu->domain_regs.rdi, cpu->domain_regs.rsi);
}

static void call_object_hold(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;

	regs->rax = (uint64_t)object_hold(caller(cpu), regs->rdi, regs->rsi, &regs->rdx);
}

static void call_object_stats(struct cpu *cpu)
{
	struct zog_regs *regs = &cpu->domain_regs;
	struct zog_object_stats stats;

	if (!domain_holds(caller(cpu), regs->rdi, CAP_STATS)) {
		cap_fault(cpu);
		return;
	}
	regs->rax = (uint64_t)object_stats(regs->rsi, &stats);
	if (regs->rax == ZOG_OK && !domain_write(caller(cpu), regs->rdx, &stats, sizeof(stats)))
		regs->rax = (uint64_t)ZOG_ERR_ARGUMENT;
}

static void call_fail(struct cpu *cpu)
{
	const struct zog_regs *regs = &cpu->domain_regs;
	/* What a domain can know about itself; the others are the core's findings. */
	bool is_own_finding = regs->rdi == ZOG_CAUSE_STORE || regs->rdi == ZOG_CAUSE_CONTRACT || regs->rdi == ZOG_CAUSE_SCRUB;
	uint32_t cause = is_own_finding ? (uint32_t)regs->rdi : ZOG_CAUSE_ASSERT;

	domain_fault(cpu, cause, 0, regs->rsi, regs->rdx);
}

static void (*const call_table[ZOG_CORE_CALL_COUNT])(struct cpu *cpu) = {
	[ZOG_CORE_CALL] = crossing_call,
	[ZOG_CORE_REPLY] = crossing_reply,
	[ZOG_CORE_COMMIT] = call_commit,
	[ZOG_CORE_LOG] = call_log,
	[ZOG_CORE_TRACE_READ] = call_trace_read,
	[ZOG_CORE_COPY] = call_copy,
	[ZOG_CORE_EVENT_READ] = call_event_read,
	[ZOG_CORE_PORT_READ] = call_port_read,
	[ZOG_CORE_PORT_WRITE] = call_port_write,
	[ZOG_CORE_THREAD_REGS] = call_thread_regs,
	[ZOG_CORE_FRAME_PIN] = call_frame_pin,
	[ZOG_CORE_FIRMWARE_READ] = call_firmware_read,
	[ZOG_CORE_INCIDENT] = call_incident,
	[ZOG_CORE_STATS] = call_stats,
	[ZOG_CORE_XSTATE] = call_xstate,
	[ZOG_CORE_ABORT] = call_abort,
	[ZOG_CORE_FAIL] = call_fail,
	[ZOG_CORE_REGION_STATS] = call_region_stats,
	[ZOG_CORE_REGION_READ] = call_region_read,
	[ZOG_CORE_AUTHORITY] = call_authority,
	[ZOG_CORE_IMAGE] = call_image,
	[ZOG_CORE_REGION_VERSION] = call_region_version,
	[ZOG_CORE_OBJECT_BEGIN] = call_object_begin,
	[ZOG_CORE_OBJECT_HOLD] = call_object_hold,
	[ZOG_CORE_OBJECT_STATS] = call_object_stats,
};

void core_call(struct cpu *cpu, uint64_t number)
{
	journal_begin(cpu);
	if (number < ZOG_CORE_CALL_COUNT)
		call_table[number](cpu);
	else
		domain_fault(cpu, ZOG_CAUSE_CAPABILITY, 0, number, 0);
	core_leave(cpu);
}
