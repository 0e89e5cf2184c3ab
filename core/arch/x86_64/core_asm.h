/* Numbers that C and assembly share. Offsets are asserted in arch/x86_64/entry.c. */
#ifndef CORE_ASM_H
#define CORE_ASM_H

#define AP_TRAMPOLINE 0x8000
#define CR0_LONG_MODE 0x80010033

#define CPU_SELF 0
#define CPU_SAVE 8
#define CPU_STACK 16
#define CPU_SCRATCH 24
#define CPU_EXIT_FULL 32

#define REGS_R15 0
#define REGS_R14 8
#define REGS_R13 16
#define REGS_R12 24
#define REGS_RBP 32
#define REGS_RBX 40
#define REGS_R11 48
#define REGS_R10 56
#define REGS_R9 64
#define REGS_R8 72
#define REGS_RAX 80
#define REGS_RCX 88
#define REGS_RDX 96
#define REGS_RSI 104
#define REGS_RDI 112
#define REGS_RIP 120
#define REGS_RFLAGS 128
#define REGS_RSP 136

/* For crossing.S; asserted in arch/x86_64/processor.c. */
#define CPU_ID 36
#define CPU_THREAD 48
#define CPU_CR3 64
#define CPU_FAST_FRAME 72
#define CPU_FAST_LIMIT 80
#define CPU_DOMAIN_STACK 88
#define CPU_SPACE_SWITCHES 96
#define CPU_SEEN_RESETS 104
#define CPU_COMMIT_ROOM 232
#define CPU_GDT ((CPU_COMMIT_ROOM + 8 * COMMIT_ROOM_WORDS + 15) & ~15)

#define THREAD_ID 160
#define THREAD_DEPTH 164

#define INVOCATION_DOMAIN 0
#define INVOCATION_PHASE 8
#define INVOCATION_METHOD 12 /* method, reason, fault count: one word */
#define INVOCATION_TICKS 16
#define INVOCATION_CLIENT 24
#define INVOCATION_WORD 32
#define INVOCATION_RIP 88
#define INVOCATION_RSP 96
#define INVOCATION_RBP 104
#define INVOCATION_SIZE 112
#define INVOCATION_PHASE_RUN 3

#define DOMAIN_CR3 0
#define DOMAIN_LOCK 8
#define DOMAIN_ID 12
#define DOMAIN_STATE 16
#define DOMAIN_REQUEST 20
#define DOMAIN_STEP_KILL 32
#define DOMAIN_ENTRY 40
#define DOMAIN_FAST_CAP 48
#define DOMAIN_CAP_COUNT 56
#define DOMAIN_RESETS 60
#define DOMAIN_OPEN_INCIDENT 64
#define DOMAIN_START_FAILURES 72
#define DOMAIN_TXN 80
#define DOMAIN_INVOCATIONS 88
#define DOMAIN_HOME_LIVE 96
#define DOMAIN_HOME_COMMITTED 104
#define DOMAIN_HOME_BYTES 112
#define DOMAIN_HOME_VALID 120
#define DOMAIN_HOME_LOOK 136
#define DOMAIN_COMMIT_RANGES 144 /* with commit_ops: one word */
#define DOMAIN_COMMIT_NEXT 152   /* with commit_cut_step: one word */
#define DOMAIN_COMMIT_PHASE 160
#define DOMAIN_COMMIT_CHECKS 168
#define DOMAIN_IS_AHEAD 176
#define DOMAIN_COMMITS 208
#define DOMAIN_ABORTS 216
#define DOMAIN_STATE_READY 1

/* For commit_ranges.h. */
#define COMMIT_STRAIGHT_MAX 128 /* ranges */
#define COMMIT_ROOM_WORDS 256   /* each noted, and again if it may break a rule */
#define COMMIT_LENGTH_MAX 512   /* bytes of one */
#define COMMIT_PHASE_NONE 0
#define COMMIT_PHASE_RANGES 1
#define COMMIT_PHASE_EFFECTS 2
#define COMMIT_PHASE_DELIVER 4
#define TXN_COUNTS 0 /* ranges, operations: one word */
#define TXN_PAGE_MODE 8
#define TXN_RANGE 24

#define CAP_CONTRACT 0
#define CAP_METHOD_COUNT 8
#define CAP_DOMAIN 16
#define CAP_METHOD 24
#define METHOD_USED 2

#endif
