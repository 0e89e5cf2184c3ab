/* What each CPU has: one stack, the save area of the domain that runs on it, the thread it carries. */
#ifndef CORE_OBJECT_CPU_H
#define CORE_OBJECT_CPU_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"
#include "arch/x86_64/core_asm.h"
#include "arch/x86_64/cpu.h"

struct thread;
struct call_frame;
struct space;
struct journal_entry {
	uint64_t *place;
	uint64_t old;
};
#define JOURNAL_MAX 2048u

struct cpu {
	struct cpu *self;         /* offsets known to entry.S up to exit_full */
	struct zog_regs *save;
	uint64_t stack_top;
	uint64_t scratch;
	uint8_t exit_full;        /* leave by iretq with all registers */
	uint8_t is_idle;
	uint8_t must_reschedule;
	uint8_t in_recovery;
	uint32_t id, apic_id;
	struct thread *thread;
	struct thread *vector_owner;
	uint64_t cr3;
	struct call_frame *fast_frame; /* the running domain's frame; NULL: a program runs, or nothing, or no straight way is open */
	struct call_frame *fast_limit; /* the last frame that may have a callee */
	uint64_t domain_stack;         /* where a domain's stack for this CPU ends */
	uint64_t space_switches;
	uint32_t seen_resets[ZOG_DOMAIN_MAX];
	uint64_t commit_room[COMMIT_ROOM_WORDS]; /* the core's copy of a log; offsets known to crossing.S up to here */
	uint64_t gdt[8] __attribute__((aligned(16))); /* and to entry.S */
	volatile uint32_t flush_request, flush_done;
	uint32_t has_served;  /* the domain inside was stepped, or brought a page, since the last tick: irq/interrupt.c */
	uint32_t idle_scrubs; /* scrubber steps since this CPU last had a thread */
	uint64_t next_scrub_ns; /* an idle CPU scrubs at most so often: short pauses stay short */
	uint32_t journal_count;
	volatile uint32_t is_online; /* 0: stopped for good after a fault of the recovery itself */
	uint64_t table_flushes, ticks;
	uint64_t retried_rip; /* of the exception in the core since the last tick after which the instruction was tried again */
	uint32_t recoveries;  /* since the last tick */
	uint32_t is_cut_again; /* the running recovery follows on an exception in another */
	struct zog_regs domain_regs;
	struct zog_op op[ZOG_TXN_OP_MAX];
	uint64_t op_seen; /* which codes stand among them, a bit each */
	uint32_t must_repeat; /* the commit has work before it that is done in pieces: its core call is made again */
	struct zog_regs op_regs[8]; /* copies that staged operations refer to */
	struct journal_entry journal[JOURNAL_MAX];
	struct {
		uint32_t reserved0;
		uint64_t rsp[3], reserved1, ist[7], reserved2;
		uint16_t reserved3, io_base;
	} __attribute__((packed)) tss __attribute__((aligned(16)));
};

extern struct cpu cpu_table[ZOG_CPU_MAX];
extern uint32_t cpu_count;

/* What else each CPU has: stacks. The guard is not mapped (boot/memory.c). EXCEPTION is for those that have no stack of their own. */
enum { STACK_CORE = 0, STACK_EXCEPTION = 1, STACK_DOUBLE = 2, STACK_NMI = 3, STACK_MACHINE_CHECK = 4, STACK_PAGE = 5, STACK_PROTECTION = 6,
	STACK_OPCODE = 7, STACK_INTERRUPT = 8, STACK_COUNT };
struct stack {
	uint8_t guard[4096], bytes[24576];
} __attribute__((aligned(4096)));
extern struct stack stack_table[ZOG_CPU_MAX][STACK_COUNT];
static inline uint64_t stack_end(const struct cpu *cpu, uint32_t which) { return (uint64_t)(&stack_table[cpu->id][which] + 1); }

static inline struct cpu *cpu_current(void)
{
	struct cpu *cpu;
	__asm__("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}
static inline void cpu_switch_space(struct cpu *cpu, uint64_t cr3)
{
	if (cpu->cr3 == cr3)
		return;
	cpu->cr3 = cr3;
	cpu->space_switches++;
	cr3_write(cr3);
}
void cpu_setup(struct cpu *cpu);       /* arch/x86_64/processor.c: GDT, IDT, MSRs, control registers */
void cpu_start_others(void);
void core_restart_stack(void);         /* arch/x86_64/entry.S: on an empty stack, what the CPU does next; does not come back */
/* Where exceptions find their stacks. Moved down by EXCEPTION_ROOM the next of this kind leaves alone what this one has
 * saved; returns where it was. */
#define EXCEPTION_ROOM 4096ul
void exception_stacks_set(struct cpu *cpu);
uint64_t exception_stack_move(struct cpu *cpu, uint32_t vector, uint64_t by);
void cpu_interrupt_other(uint32_t cpu_id);
void cpu_kick_idle(void);

/* A store to a core table that a later exception in the same entry takes back (fault/recover.c). */
void core_set64(uint64_t *place, uint64_t value);

#endif
