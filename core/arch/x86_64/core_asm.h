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

#endif
