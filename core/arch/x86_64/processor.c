/* One CPU made ready: descriptor tables, system-call entry, protection bits. SDM volume 3, chapters 3, 5 and 6. */
#include "object/cpu.h"
#include "object/domain.h"
#include "object/thread.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/core_asm.h"
#include "fault/fault.h"
#include "fault/log.h"

_Static_assert(__builtin_offsetof(struct cpu, save) == CPU_SAVE, "entry.S");
_Static_assert(__builtin_offsetof(struct cpu, stack_top) == CPU_STACK, "entry.S");
_Static_assert(__builtin_offsetof(struct cpu, scratch) == CPU_SCRATCH, "entry.S");
_Static_assert(__builtin_offsetof(struct cpu, exit_full) == CPU_EXIT_FULL, "entry.S");
_Static_assert(__builtin_offsetof(struct zog_regs, rdi) == REGS_RDI, "entry.S");
_Static_assert(__builtin_offsetof(struct zog_regs, rip) == REGS_RIP, "entry.S");
_Static_assert(__builtin_offsetof(struct zog_regs, rsp) == REGS_RSP, "entry.S");

#define KNOWN(type, member, name) _Static_assert(__builtin_offsetof(struct type, member) == name, "crossing.S")
KNOWN(cpu, id, CPU_ID);
KNOWN(cpu, thread, CPU_THREAD);
KNOWN(cpu, cr3, CPU_CR3);
KNOWN(cpu, fast_frame, CPU_FAST_FRAME);
KNOWN(cpu, fast_limit, CPU_FAST_LIMIT);
KNOWN(cpu, domain_stack, CPU_DOMAIN_STACK);
KNOWN(cpu, space_switches, CPU_SPACE_SWITCHES);
KNOWN(cpu, seen_resets, CPU_SEEN_RESETS);
KNOWN(cpu, commit_room, CPU_COMMIT_ROOM);
KNOWN(cpu, gdt, CPU_GDT);
KNOWN(thread, id, THREAD_ID);
KNOWN(thread, depth, THREAD_DEPTH);
KNOWN(call_frame, phase, INVOCATION_PHASE);
KNOWN(call_frame, method, INVOCATION_METHOD);
KNOWN(call_frame, reason, INVOCATION_METHOD + 2);
KNOWN(call_frame, fault_count, INVOCATION_METHOD + 3);
KNOWN(call_frame, ticks_left, INVOCATION_TICKS);
KNOWN(call_frame, client, INVOCATION_CLIENT);
KNOWN(call_frame, word, INVOCATION_WORD);
KNOWN(call_frame, resume_rip, INVOCATION_RIP);
KNOWN(call_frame, resume_rsp, INVOCATION_RSP);
KNOWN(call_frame, resume_rbp, INVOCATION_RBP);
_Static_assert(sizeof(struct call_frame) == INVOCATION_SIZE && PHASE_RUN == INVOCATION_PHASE_RUN, "crossing.S");
KNOWN(domain, cr3, DOMAIN_CR3);
KNOWN(domain, lock, DOMAIN_LOCK);
KNOWN(domain, id, DOMAIN_ID);
KNOWN(domain, state, DOMAIN_STATE);
KNOWN(domain, request, DOMAIN_REQUEST);
KNOWN(domain, step_kill, DOMAIN_STEP_KILL);
KNOWN(domain, entry, DOMAIN_ENTRY);
KNOWN(domain, fast_cap, DOMAIN_FAST_CAP);
KNOWN(domain, cap_count, DOMAIN_CAP_COUNT);
KNOWN(domain, resets, DOMAIN_RESETS);
KNOWN(domain, open_incident, DOMAIN_OPEN_INCIDENT);
KNOWN(domain, start_failures, DOMAIN_START_FAILURES);
KNOWN(domain, txn, DOMAIN_TXN);
KNOWN(domain, invocations, DOMAIN_INVOCATIONS);
KNOWN(domain, home_live, DOMAIN_HOME_LIVE);
KNOWN(domain, home_committed, DOMAIN_HOME_COMMITTED);
KNOWN(domain, home_bytes, DOMAIN_HOME_BYTES);
KNOWN(domain, home_valid, DOMAIN_HOME_VALID);
KNOWN(domain, home_look, DOMAIN_HOME_LOOK);
KNOWN(domain, commit_ranges, DOMAIN_COMMIT_RANGES);
KNOWN(domain, commit_ops, DOMAIN_COMMIT_RANGES + 4);
KNOWN(domain, commit_next, DOMAIN_COMMIT_NEXT);
KNOWN(domain, commit_cut_step, DOMAIN_COMMIT_NEXT + 4);
KNOWN(domain, commit_phase, DOMAIN_COMMIT_PHASE);
KNOWN(domain, commit_checks, DOMAIN_COMMIT_CHECKS);
KNOWN(domain, is_ahead, DOMAIN_IS_AHEAD);
KNOWN(domain, stats.commits, DOMAIN_COMMITS);
KNOWN(domain, stats.aborts, DOMAIN_ABORTS);
KNOWN(zog_txn, op_count, TXN_COUNTS + 4);
KNOWN(zog_txn, is_page_mode, TXN_PAGE_MODE);
KNOWN(zog_txn, range, TXN_RANGE);
_Static_assert(COMMIT_NONE == COMMIT_PHASE_NONE && COMMIT_RANGES == COMMIT_PHASE_RANGES, "commit_ranges.h");
_Static_assert(COMMIT_EFFECTS == COMMIT_PHASE_EFFECTS && COMMIT_DELIVER == COMMIT_PHASE_DELIVER, "commit_ranges.h");
_Static_assert(DOMAIN_READY == DOMAIN_STATE_READY && REQUEST_NONE == 0 && LOCK_FREE == 0xffffffffu, "crossing.S");
KNOWN(fast_cap, method_count, CAP_METHOD_COUNT);
KNOWN(fast_cap, domain, CAP_DOMAIN);
KNOWN(fast_cap, method, CAP_METHOD);
KNOWN(cap_method, is_used, METHOD_USED);
KNOWN(cap_method, deadline_ms, 0);
_Static_assert(sizeof(struct fast_cap) == 32 && sizeof(struct cap_method) == 4 && METHOD_DENIED == UINT16_MAX, "crossing.S");

struct cpu cpu_table[ZOG_CPU_MAX];
struct stack stack_table[ZOG_CPU_MAX][STACK_COUNT];
uint32_t cpu_count = 1;

struct gate {
	uint16_t offset0, selector;
	uint8_t stack, type;
	uint16_t offset1;
	uint32_t offset2, reserved;
};
static struct gate gate_table[256] __attribute__((aligned(4096)));
extern const uint64_t vector_table[256];
extern void syscall_entry(void);

/* By number in the task state segment: one that hits on the way into the handler of another does not overwrite what that
 * one has saved. Interrupts come from ring 3 and the idle loop only. */
static uint8_t exception_stack(uint32_t vector)
{
	static const uint8_t own[32] = { [2] = STACK_NMI, [6] = STACK_OPCODE, [8] = STACK_DOUBLE, [13] = STACK_PROTECTION, [14] = STACK_PAGE,
					 [18] = STACK_MACHINE_CHECK };

	return vector >= 32 ? 0 : own[vector] ? own[vector] : STACK_EXCEPTION;
}

static void gates_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint64_t address = vector_table[i];
		gate_table[i] = (struct gate){
			.offset0 = (uint16_t)address,
			.selector = SELECTOR_CORE_CODE,
			.stack = exception_stack(i),
			.type = 0x8e,
			.offset1 = (uint16_t)(address >> 16),
			.offset2 = (uint32_t)(address >> 32),
		};
	}
}

void exception_stacks_set(struct cpu *cpu)
{
	for (uint32_t i = STACK_EXCEPTION; i <= STACK_OPCODE; i++)
		cpu->tss.ist[i - 1] = stack_end(cpu, i);
}

uint64_t exception_stack_move(struct cpu *cpu, uint32_t vector, uint64_t by)
{
	uint32_t i = exception_stack(vector) - 1u;

	cpu->tss.ist[i] += by;
	return cpu->tss.ist[i] - by;
}

static void segments_load(struct cpu *cpu)
{
	uint64_t tss = (uint64_t)&cpu->tss;
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) pointer;

	cpu->gdt[0] = 0;
	cpu->gdt[1] = 0x00209a0000000000ul; /* core code */
	cpu->gdt[2] = 0x0000920000000000ul; /* core data */
	cpu->gdt[3] = 0;
	cpu->gdt[4] = 0x0000f20000000000ul; /* ring 3 data */
	cpu->gdt[5] = 0x0020fa0000000000ul; /* ring 3 code */
	cpu->gdt[6] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[7] = tss >> 32;
	cpu->tss.rsp[0] = stack_end(cpu, STACK_INTERRUPT);
	exception_stacks_set(cpu);
	cpu->tss.io_base = sizeof(cpu->tss); /* no port bitmap: every port access of ring 3 faults */
	pointer.limit = sizeof(cpu->gdt) - 1;
	pointer.base = (uint64_t)cpu->gdt;
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
	pointer.limit = sizeof(gate_table) - 1;
	pointer.base = (uint64_t)gate_table;
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

uint64_t cpu_cr4_vectors, cpu_cr4_no_vectors;

/* QEMU's translator tells its name in the hypervisor leaf. */
static bool cpu_is_emulated(void)
{
	uint32_t leaf[4];

	cpuid(0x40000000, 0, leaf);
	return leaf[1] == 0x54474354 && leaf[2] == 0x43544743 && leaf[3] == 0x47435447; /* "TCGTCGTCGTCG" */
}

static void protection_enable(void)
{
	uint32_t leaf1[4], leaf7[4];

	cpuid(1, 0, leaf1);
	cpuid(7, 0, leaf7);
	if (!(leaf1[2] & 1u << 26) || !(leaf7[1] & 1u))
		log_fatal("this CPU has no XSAVE or FSGSBASE; run QEMU with -cpu max");
	uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE;
	if (leaf7[1] & 1u << 7)
		cr4 |= CR4_SMEP;
	if (leaf7[1] & 1u << 20)
		cr4 |= CR4_SMAP;
	if (leaf7[2] & 1u << 2)
		cr4 |= CR4_UMIP;
	cpu_cr4_vectors = cr4;
	cpu_cr4_no_vectors = cpu_is_emulated() ? cr4 & ~CR4_OSXSAVE : cr4;
	cr4_write(cr4);
	vectors_allow();
	__asm__ volatile("xsetbv" : : "c"(0), "a"(7), "d"(0)); /* x87, SSE, AVX */
}

void cpu_setup(struct cpu *cpu)
{
	cpu->self = cpu;
	cpu->stack_top = stack_end(cpu, STACK_CORE);
	cpu->save = &cpu->domain_regs;
	cpu->domain_stack = ZOG_STACK_BASE + (cpu->id + 1ul) * ZOG_STACK_STRIDE;
	if (cpu->id == 0) {
		apic_legacy_mask();
		gates_fill();
	}
	segments_load(cpu);
	protection_enable();
	msr_write(MSR_EFER, EFER_SCE | EFER_LME | EFER_NXE);
	msr_write(MSR_STAR, (uint64_t)SELECTOR_CORE_CODE << 32 | (uint64_t)(SELECTOR_CORE_DATA + 8 + 3) << 48);
	msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
	msr_write(MSR_FMASK, 0x47700); /* AC NT IOPL DF IF TF */
	msr_write(MSR_GS_BASE, (uint64_t)cpu);
	msr_write(MSR_KERNEL_GS_BASE, 0);
	apic_setup();
	cpu->is_online = 1;
}
