/* Staged operations: everything that changes core objects, decoded and checked as a whole, then carried out with
 * the commit. Each operation is one row of operation_table; a decoder sees the operation's copy in the core and may
 * take further copies (registers), an action cannot fail. */
#include "tsm/transaction.h"
#include "tsm/object.h"
#include "tsm/operation_port.h"
#include "tsm/operation_work.h"
#include "tsm/region.h"
#include "cross/schedule.h"
#include "cross/control.h"
#include "cross/service.h"
#include "fault/log.h"
#include "iommu/iommu.h"
#include "object/authority.h"
#include "object/frame.h"

struct decode {
	struct cpu *cpu;
	struct domain *domain;
	uint32_t index;         /* of the operation being decoded: those before it are decoded */
	uint64_t seen;          /* which codes stand among those, a bit each */
	uint32_t regs_count;    /* used of cpu->op_regs */
	uint64_t tables_needed; /* page tables that the maps may take, at most */
};

#define SEEN(decode, code) ((decode)->seen >> (code) & 1u)

/* What earlier operations of the transaction do counts: each decoder sees the objects as they will be when its
 * operation's turn comes. */
static uint32_t earlier(const struct decode *decode, uint32_t code, uint32_t slot)
{
	uint32_t i = SEEN(decode, code) ? decode->index : 0;

	while (i > 0 && (decode->cpu->op[i - 1].code != code || decode->cpu->op[i - 1].slot != slot))
		i--;
	return i; /* place + 1 of the last one; 0: none */
}

/* --- decoders: true when the operation may be carried out -------------------------------------------------------- */

static bool space_is_there(struct decode *decode, uint64_t slot)
{
	if (slot >= space_total)
		return false;
	uint32_t created = earlier(decode, ZOG_OP_SPACE_CREATE, (uint32_t)slot), destroyed = earlier(decode, ZOG_OP_SPACE_DESTROY, (uint32_t)slot);
	return created != destroyed ? created > destroyed : space_table[slot].cr3 != 0;
}

static bool personality_space(struct decode *decode, struct zog_op *op)
{
	if (op->slot == ZOG_SELF && decode->domain->desc->is_personality && decode->cpu->thread->space)
		op->slot = (uint32_t)(decode->cpu->thread->space - space_table);
	return decode->domain->desc->is_personality && space_is_there(decode, op->slot);
}

static bool pages_are_good(uint64_t address, uint64_t pages)
{
	return address % ZOG_PAGE_SIZE == 0 && pages <= ZOG_USER_END / ZOG_PAGE_SIZE && address <= ZOG_USER_END - pages * ZOG_PAGE_SIZE;
}

static bool decode_notify(struct decode *decode, struct zog_op *op) { return op->slot < decode->domain->desc->event_count; }

static bool decode_space_create(struct decode *decode, struct zog_op *op)
{
	decode->tables_needed++;
	return decode->domain->desc->is_personality && op->slot < space_total && !space_is_there(decode, op->slot);
}

static bool decode_space_destroy(struct decode *decode, struct zog_op *op) { return personality_space(decode, op); }

/* An own payload frame that no earlier operation gives away. */
static bool frame_is_own(const struct decode *decode, uint64_t frame)
{
	for (uint32_t i = 0; i < decode->index && SEEN(decode, ZOG_OP_FRAME_GRANT); i++) {
		const struct zog_op *op = &decode->cpu->op[i];
		if (op->code == ZOG_OP_FRAME_GRANT && frame - op->word[0] < op->word[1])
			return false;
	}
	return frame_is_payload_of(frame, decode->domain->id);
}

static bool decode_map(struct decode *decode, struct zog_op *op)
{
	decode->tables_needed += 3;
	return personality_space(decode, op) && pages_are_good(op->word[0], 1) && frame_is_own(decode, op->word[1]);
}

static bool decode_pages(struct decode *decode, struct zog_op *op)
{
	return personality_space(decode, op) && pages_are_good(op->word[0], op->word[1]);
}

static bool decode_clone(struct decode *decode, struct zog_op *op)
{
	decode->tables_needed += 6; /* 512 pages may lie on both sides of a boundary at every level */
	return personality_space(decode, op) && space_is_there(decode, op->word[0]) && op->word[2] <= 512 && pages_are_good(op->word[1], op->word[2]);
}

static uint64_t canonical(uint64_t address) { return (uint64_t)((int64_t)(address << 16) >> 16); }

/* Registers of a program: flags that matter to the core are forced, the address must be one iret accepts. */
static bool regs_copy(struct decode *decode, uint64_t *word)
{
	if (decode->regs_count == sizeof(decode->cpu->op_regs) / sizeof(decode->cpu->op_regs[0]))
		return false;
	struct zog_regs *regs = &decode->cpu->op_regs[decode->regs_count++];
	if (!domain_read(decode->domain, regs, *word, sizeof(*regs)))
		return false;
	regs->rflags = (regs->rflags & 0x240dd5) | RFLAGS_FIXED | RFLAGS_INTERRUPT; /* CF PF AF ZF SF TF DF OF AC ID */
	/* A program can jump anywhere and load its bases itself: these values are its own. Made canonical, the address
	 * faults in ring 3 and not at the iret, and the bases can be loaded. */
	regs->rip = canonical(regs->rip);
	regs->fs_base = canonical(regs->fs_base);
	regs->gs_base = canonical(regs->gs_base);
	*word = (uint64_t)regs;
	return true;
}

static struct thread *thread_of(struct decode *decode, uint32_t slot)
{
	if (!decode->domain->desc->is_personality)
		return NULL;
	if (slot == ZOG_SELF)
		return decode->cpu->thread->is_activity ? NULL : decode->cpu->thread;
	return slot < thread_slots ? &thread_table[slot] : NULL;
}

static bool decode_thread_create(struct decode *decode, struct zog_op *op)
{
	struct thread *thread = thread_of(decode, op->slot);

	return thread != NULL && op->slot != ZOG_SELF && thread->state == THREAD_FREE &&
	       earlier(decode, ZOG_OP_THREAD_CREATE, op->slot) == 0 && space_is_there(decode, op->word[0]) &&
	       (op->word[2] == ZOG_SELF || op->word[2] < thread_slots) && regs_copy(decode, &op->word[1]);
}

static bool decode_thread(struct decode *decode, struct zog_op *op)
{
	struct thread *thread = thread_of(decode, op->slot);

	return thread != NULL && thread->state != THREAD_FREE;
}

static bool decode_thread_regs(struct decode *decode, struct zog_op *op)
{
	return decode_thread(decode, op) && regs_copy(decode, &op->word[0]);
}

/* Only the running thread: another one may be in its old space on another CPU, which would outlive the space. */
static bool decode_thread_space(struct decode *decode, struct zog_op *op)
{
	return op->slot == ZOG_SELF && decode_thread(decode, op) && space_is_there(decode, op->word[0]);
}

/* Nor may an earlier operation map one of them, or give it away. */
static bool grant_is_alone(const struct decode *decode, const struct zog_op *op)
{
	for (uint32_t i = 0; i < decode->index; i++) {
		const struct zog_op *other = &decode->cpu->op[i];
		if (other->code == ZOG_OP_MAP && other->word[1] - op->word[0] < op->word[1])
			return false;
		if (other->code == ZOG_OP_FRAME_GRANT && other->word[0] < op->word[0] + op->word[1] && op->word[0] < other->word[0] + other->word[1])
			return false;
	}
	return true;
}

static bool decode_frame_grant(struct decode *decode, struct zog_op *op)
{
	if (op->word[2] >= domain_total || op->word[0] >= frame_count || op->word[1] > frame_count - op->word[0] || !grant_is_alone(decode, op))
		return false;
	for (uint64_t i = 0; i < op->word[1]; i++) {
		const struct frame *frame = &frame_table[op->word[0] + i];
		if (frame->type != FRAME_PAYLOAD || frame->owner != decode->domain->id || frame->map_count || frame->pin_count)
			return false;
	}
	return true;
}

static bool decode_frame_zero(struct decode *decode, struct zog_op *op) { return frame_is_own(decode, op->word[0]); }

static bool decode_port(struct decode *decode, struct zog_op *op) { return port_decode(decode->domain, op); }
static bool decode_port_in(struct decode *decode, struct zog_op *op) { return port_decode_in(decode->domain, op); }

static bool decode_device_attach(struct decode *decode, struct zog_op *op)
{
	if (!domain_holds(decode->domain, op->slot, CAP_BUS) || op->word[0] >= domain_total || op->word[1] >= 6 || op->word[3] > 0x200000 ||
	    op->word[2] % ZOG_PAGE_SIZE != 0 || op->word[2] < 0x80000000ul || op->word[2] >= 1ul << 46)
		return false;
	/* Never RAM: a window over memory would be a way round every right. */
	for (uint64_t at = op->word[2]; at < op->word[2] + op->word[3]; at += ZOG_PAGE_SIZE)
		if (at >> 12 < frame_count && frame_table[at >> 12].type != FRAME_RESERVED)
			return false;
	/* Nor the remapping unit, nor the interrupt controllers. */
	if (iommu_is_at(op->word[2], op->word[3]))
		return false;
	return op->word[2] + op->word[3] <= 0xfec00000ul || op->word[2] >= 0xff000000ul;
}

static bool decode_device_resumed(struct decode *decode, struct zog_op *op)
{
	return domain_holds(decode->domain, op->slot, CAP_BUS) && op->word[0] < domain_total;
}

static bool decode_iommu_set(struct decode *decode, struct zog_op *op)
{
	return domain_holds(decode->domain, op->slot, CAP_BUS) && iommu_base_is_good(op->word[0]) && op->word[1] <= IOMMU_NO_SOURCE;
}

static bool decode_device_assign(struct decode *decode, struct zog_op *op)
{
	return decode_device_resumed(decode, op) && earlier(decode, ZOG_OP_DEVICE_ASSIGN, op->slot) == 0 &&
	       iommu_may_assign(&domain_table[op->word[0]], op->word[1]);
}

static bool decode_exit(struct decode *decode, struct zog_op *op) { return decode->domain->desc->is_service && op->word[0] <= 255; }
static bool decode_control(struct decode *decode, struct zog_op *op) { return control_decode(decode->domain, op); }
static bool decode_power(struct decode *decode, struct zog_op *op) { return domain_holds(decode->domain, op->slot, CAP_POWER); }

static bool decode_schedule(struct decode *decode, struct zog_op *op)
{
	return domain_holds(decode->domain, op->slot, CAP_SCHEDULE) && op->word[0] >= 1000000 && op->word[0] <= 1000000000;
}

static bool decode_update(struct decode *decode, struct zog_op *op)
{
	return domain_holds(decode->domain, op->slot, CAP_UPDATE) && op->word[0] < domain_total && update_is_checked(&domain_table[op->word[0]]);
}

/* Operations on regions that share the stage: the first of a transaction begins it. */
#define REGION_STAGED (1ul << ZOG_OP_REGION_COMMIT | 1ul << ZOG_OP_REGION_PROPOSE | 1ul << ZOG_OP_REGION_VERDICT)
#define OBJECT_STAGED (1ul << ZOG_OP_OBJECT_COMMIT | 1ul << ZOG_OP_OBJECT_ROLLBACK)
#define ROLLBACKS (1ul << ZOG_OP_REGION_ROLLBACK | 1ul << ZOG_OP_OBJECT_ROLLBACK)

static bool decode_region_commit(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & ROLLBACKS) && region_decode_commit(decode->cpu, decode->domain, op, !(decode->seen & REGION_STAGED));
}

static bool decode_region_propose(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & ROLLBACKS) && region_decode_propose(decode->cpu, decode->domain, op, !(decode->seen & REGION_STAGED));
}

static bool decode_region_verdict(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & ROLLBACKS) && region_decode_verdict(decode->cpu, decode->domain, op, !(decode->seen & REGION_STAGED));
}

static bool decode_region_rollback(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & (REGION_STAGED | OBJECT_STAGED | ROLLBACKS)) && region_decode_rollback(decode->domain, op);
}

static bool decode_object_commit(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & ROLLBACKS) && object_decode_commit(decode->cpu, decode->domain, op, !(decode->seen & OBJECT_STAGED));
}

static bool decode_object_rollback(struct decode *decode, struct zog_op *op)
{
	return !(decode->seen & (REGION_STAGED | OBJECT_STAGED | ROLLBACKS)) && object_decode_rollback(decode->cpu, decode->domain, op, true);
}

/* --- actions -------------------------------------------------------------------------------------------------------- */

#define UNUSED __attribute__((unused))
#define ACTION(name) static void act_##name(struct cpu *cpu UNUSED, struct domain *domain UNUSED, struct zog_op *op UNUSED)

static struct thread *slot_thread(struct cpu *cpu, uint32_t slot) { return slot == ZOG_SELF ? cpu->thread : &thread_table[slot]; }

ACTION(notify) { event_notify(&domain->event[op->slot], (uint32_t)op->word[0]); }
ACTION(space_create) { space_create(&space_table[op->slot]); }

ACTION(space_destroy)
{
	struct space *space = &space_table[op->slot];

	for (uint32_t i = 0; i < thread_slots; i++)
		if (thread_table[i].space == space && thread_table[i].state != THREAD_FREE)
			thread_end(cpu, &thread_table[i]);
	if (cpu->cr3 == space->cr3)
		cpu_switch_space(cpu, domain->cr3);
	space_destroy(space);
}

ACTION(map) { space_map(&space_table[op->slot], op->word[0], op->word[1], (uint32_t)op->word[2]); }
ACTION(unmap) { space_unmap(&space_table[op->slot], op->word[0], op->word[1]); }
ACTION(protect) { space_protect(&space_table[op->slot], op->word[0], op->word[1], (uint32_t)op->word[2]); }
ACTION(clone) { space_clone(&space_table[op->slot], &space_table[op->word[0]], op->word[1], op->word[2]); }

static void vector_state_reset(struct cpu *cpu, struct thread *thread)
{
	memset(thread->vector_state, 0, sizeof(thread->vector_state));
	*(uint16_t *)(void *)thread->vector_state = 0x37f;           /* FCW */
	*(uint32_t *)(void *)(thread->vector_state + 24) = 0x1f80;   /* MXCSR */
	thread->vector_cpu = NO_CPU;
	if (cpu->vector_owner == thread)
		cpu->vector_owner = NULL;
}

ACTION(thread_create)
{
	struct thread *thread = &thread_table[op->slot];

	memset(thread, 0, __builtin_offsetof(struct thread, vector_state));
	memcpy(&thread->regs, (void *)op->word[1], sizeof(thread->regs));
	thread->id = op->slot;
	thread->cpu = NO_CPU;
	thread->root_domain = domain;
	thread->space = &space_table[op->word[0]];
	thread->must_load_all = 1;
	thread->wait_deadline_ns = UINT64_MAX;
	vector_state_reset(cpu, thread);
	struct thread *from = slot_thread(cpu, (uint32_t)op->word[2]);
	if (!from->is_activity && from->state != THREAD_FREE) {
		if (cpu->vector_owner == from)
			vector_save(cpu), vector_close(cpu);
		memcpy(thread->vector_state, from->vector_state, sizeof(thread->vector_state));
	}
	thread_make_ready(thread);
}

ACTION(thread_destroy) { thread_end(cpu, slot_thread(cpu, op->slot)); }

ACTION(thread_regs)
{
	struct thread *thread = slot_thread(cpu, op->slot);

	memcpy(&thread->regs, (void *)op->word[0], sizeof(thread->regs));
	thread->keep_rax = 1;
	thread->must_load_all = 1;
}

ACTION(thread_wake)
{
	struct thread *thread = slot_thread(cpu, op->slot);

	thread->has_attention = 1;
	if (thread_wake(thread, ZOG_REASON_WAKE)) {
		/* The reason of its re-issue tells; what is left to do then the personality stages again. */
		thread->has_attention = 0;
		return;
	}
	uint32_t on = thread->cpu;
	if (on != NO_CPU && on != cpu->id)
		cpu_interrupt_other(on);
}

ACTION(thread_space) { slot_thread(cpu, op->slot)->space = &space_table[op->word[0]]; }

ACTION(frame_grant)
{
	for (uint64_t i = 0; i < op->word[1]; i++)
		frame_table[op->word[0] + i].owner = (uint8_t)op->word[2];
}

ACTION(frame_zero) { memset(frame_pointer(op->word[0]), 0, ZOG_PAGE_SIZE); }

ACTION(port_out) { port_act(domain, op, true); }
ACTION(port_in) { port_act(domain, op, false); }
ACTION(device_attach) { domain_attach_window(&domain_table[op->word[0]], (uint32_t)op->word[1], op->word[2], op->word[3]); }

ACTION(nothing) { }

ACTION(iommu_set) { iommu_enable(op->word[0], (uint32_t)op->word[1]); }
ACTION(device_assign) { iommu_assign(&domain_table[op->word[0]], (uint32_t)op->word[1]); }

ACTION(control) { control_act(cpu, domain, op); }

ACTION(exit) { service_exit(domain, (uint32_t)op->word[0]); }
ACTION(update) { update_act(cpu, &domain_table[op->word[0]]); }

ACTION(power)
{
	authority_tell_used();
	power_off((uint32_t)op->word[0]);
}

ACTION(schedule) { schedule_slice_ns = op->word[0]; }
ACTION(xstate_reset) { vector_state_reset(cpu, slot_thread(cpu, op->slot)); }

/* Regions and objects of a transaction become visible together: the first operation carries out all of them. */
ACTION(shared)
{
	bool has_regions = cpu->op_seen & REGION_STAGED, has_objects = cpu->op_seen & OBJECT_STAGED;

	if (has_objects)
		object_act_open(cpu);
	if (has_regions)
		region_act_commit(cpu, domain);
	if (has_objects)
		object_act_publish(cpu, domain);
}

ACTION(region_rollback) { region_act_rollback(domain, op); }

static const struct {
	bool (*decode)(struct decode *decode, struct zog_op *op);
	void (*act)(struct cpu *cpu, struct domain *domain, struct zog_op *op);
	bool is_effect; /* cannot or need not be taken back: carried out after everything else */
} operation_table[ZOG_OP_CODE_COUNT] = {
	[ZOG_OP_NOTIFY] = { decode_notify, act_notify, true },
	[ZOG_OP_SPACE_CREATE] = { decode_space_create, act_space_create },
	[ZOG_OP_SPACE_DESTROY] = { decode_space_destroy, act_space_destroy },
	[ZOG_OP_MAP] = { decode_map, act_map },
	[ZOG_OP_UNMAP] = { decode_pages, act_unmap },
	[ZOG_OP_PROTECT] = { decode_pages, act_protect },
	[ZOG_OP_CLONE_RANGE] = { decode_clone, act_clone },
	[ZOG_OP_THREAD_CREATE] = { decode_thread_create, act_thread_create },
	[ZOG_OP_THREAD_DESTROY] = { decode_thread, act_thread_destroy },
	[ZOG_OP_THREAD_REGS] = { decode_thread_regs, act_thread_regs },
	[ZOG_OP_THREAD_WAKE] = { decode_thread, act_thread_wake, true },
	[ZOG_OP_THREAD_SPACE] = { decode_thread_space, act_thread_space },
	[ZOG_OP_FRAME_GRANT] = { decode_frame_grant, act_frame_grant, true },
	[ZOG_OP_FRAME_ZERO] = { decode_frame_zero, act_frame_zero },
	[ZOG_OP_PORT_OUT] = { decode_port, act_port_out, true },
	[ZOG_OP_PORT_IN] = { decode_port_in, act_port_in, true },
	[ZOG_OP_DEVICE_ATTACH] = { decode_device_attach, act_device_attach },
	[ZOG_OP_DOMAIN_CONTROL] = { decode_control, act_control, true },
	[ZOG_OP_POWER_OFF] = { decode_power, act_power, true },
	[ZOG_OP_SCHEDULE] = { decode_schedule, act_schedule },
	[ZOG_OP_THREAD_XSTATE_RESET] = { decode_thread, act_xstate_reset },
	[ZOG_OP_DEVICE_RESUMED] = { decode_device_resumed, act_nothing },
	[ZOG_OP_REGION_COMMIT] = { decode_region_commit, act_shared, true },
	[ZOG_OP_IOMMU_SET] = { decode_iommu_set, act_iommu_set, true },
	[ZOG_OP_DEVICE_ASSIGN] = { decode_device_assign, act_device_assign, true },
	[ZOG_OP_REGION_ROLLBACK] = { decode_region_rollback, act_region_rollback, true },
	[ZOG_OP_UPDATE] = { decode_update, act_update, true },
	[ZOG_OP_REGION_PROPOSE] = { decode_region_propose, act_shared, true },
	[ZOG_OP_REGION_VERDICT] = { decode_region_verdict, act_shared, true },
	[ZOG_OP_EXIT] = { decode_exit, act_exit, true },
	[ZOG_OP_OBJECT_COMMIT] = { decode_object_commit, act_shared, true },
	[ZOG_OP_OBJECT_ROLLBACK] = { decode_object_rollback, act_shared, true },
};

bool operations_take(struct cpu *cpu, struct domain *domain, uint32_t count)
{
	memcpy(cpu->op, domain->txn->op, count * sizeof(cpu->op[0]));
	if (operations_work(cpu->op, count) > ZOG_TXN_WORK_MAX) {
		log_line("zog: violation domain=%s ops=%u ask for too much at once", domain->desc->name, count);
		return false;
	}
	return !domain->desc->is_personality || !operations_trim(cpu, count);
}

bool operations_decode(struct cpu *cpu, struct domain *domain, uint32_t count)
{
	struct decode decode = { .cpu = cpu, .domain = domain };

	for (uint32_t i = 0; i < count; i++) {
		struct zog_op *op = &cpu->op[i];
		decode.index = i;
		if (op->code >= ZOG_OP_CODE_COUNT || operation_table[op->code].decode == NULL || !operation_table[op->code].decode(&decode, op)) {
			log_line("zog: violation domain=%s op=%u slot=%u word=0x%lx,0x%lx,0x%lx", domain->desc->name, op->code, op->slot,
				 op->word[0], op->word[1], op->word[2]);
			return false;
		}
		decode.seen |= 1ul << op->code;
	}
	if (decode.tables_needed > table_pool_free()) {
		cpu->must_repeat = table_pool_reclaim(cpu);
		return false;
	}
	cpu->op_seen = decode.seen;
	bool has_regions = decode.seen & REGION_STAGED;
	if (has_regions && !region_check(cpu, domain))
		return false;
	return !(decode.seen & OBJECT_STAGED) || object_check(cpu, domain, has_regions);
}

void operations_apply(struct cpu *cpu, struct domain *domain, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!operation_table[cpu->op[i].code].is_effect)
			operation_table[cpu->op[i].code].act(cpu, domain, &cpu->op[i]);
}

void operations_finish(struct cpu *cpu, struct domain *domain, uint32_t count)
{
	for (uint32_t i; (i = domain->commit_next) < count; domain->commit_next = i + 1)
		if (operation_table[cpu->op[i].code].is_effect)
			operation_table[cpu->op[i].code].act(cpu, domain, &cpu->op[i]);
}

void operation_skip(struct cpu *cpu, struct domain *domain)
{
	uint32_t code = cpu->op[domain->commit_next].code;

	if (1ul << code & REGION_STAGED)
		region_act_skipped(cpu);
	else if (1ul << code & OBJECT_STAGED)
		object_act_skipped(cpu);
	else if (code == ZOG_OP_REGION_ROLLBACK)
		region_rollback_skipped(domain, &cpu->op[domain->commit_next]);
	domain->commit_next++;
}
