/* Into the core and out of it. All registers of whoever ran in ring 3 go straight to the place that cpu->save
 * names (the thread's record for a program, the CPU's own record for a domain), then C runs on the CPU's one
 * stack. Leaving loads whatever cpu->save names by then. Interrupts stay off in the core but for the idle loop. */
#include "core_asm.h"

	.text
	.macro SAVE_TO base
	mov %r15, REGS_R15(\base)
	mov %r14, REGS_R14(\base)
	mov %r13, REGS_R13(\base)
	mov %r12, REGS_R12(\base)
	mov %rbp, REGS_RBP(\base)
	mov %rbx, REGS_RBX(\base)
	mov %r11, REGS_R11(\base)
	mov %r10, REGS_R10(\base)
	mov %r9, REGS_R9(\base)
	mov %r8, REGS_R8(\base)
	mov %rcx, REGS_RCX(\base)
	mov %rdx, REGS_RDX(\base)
	mov %rsi, REGS_RSI(\base)
	mov %rdi, REGS_RDI(\base)
	.endm

	.global syscall_entry
	.balign 64
	.type syscall_entry, @function
syscall_entry:
	swapgs
	cmpq $0, %gs:CPU_FAST_FRAME  /* NULL: a program's call, or no straight way */
	jne crossing_straight
	.global syscall_general
syscall_general:
	mov %rsp, %gs:CPU_SCRATCH
	mov %gs:CPU_SAVE, %rsp
	SAVE_TO %rsp
	mov %rax, REGS_RAX(%rsp)
	mov %rcx, REGS_RIP(%rsp)
	mov %r11, REGS_RFLAGS(%rsp)
	mov %gs:CPU_SCRATCH, %rax
	mov %rax, REGS_RSP(%rsp)
	mov %rsp, %rsi
	mov %gs:CPU_STACK, %rsp
	mov %gs:CPU_SELF, %rdi
	movb $0, %gs:CPU_EXIT_FULL
	xor %ebp, %ebp
	call core_syscall
	/* falls into core_exit */

	.global core_exit
	.type core_exit, @function
core_exit:
	mov %gs:CPU_SAVE, %rsp
	cmpb $0, %gs:CPU_EXIT_FULL
	jne exit_full
	mov REGS_R15(%rsp), %r15
	mov REGS_R14(%rsp), %r14
	mov REGS_R13(%rsp), %r13
	mov REGS_R12(%rsp), %r12
	mov REGS_RBP(%rsp), %rbp
	mov REGS_RBX(%rsp), %rbx
	mov REGS_R10(%rsp), %r10
	mov REGS_R9(%rsp), %r9
	mov REGS_R8(%rsp), %r8
	mov REGS_RAX(%rsp), %rax
	mov REGS_RDX(%rsp), %rdx
	mov REGS_RSI(%rsp), %rsi
	mov REGS_RDI(%rsp), %rdi
	mov REGS_RIP(%rsp), %rcx
	mov REGS_RFLAGS(%rsp), %r11
	mov REGS_RSP(%rsp), %rsp
	swapgs
	sysretq
exit_full:
	mov %rsp, %rbx
	mov %gs:CPU_STACK, %rsp
	push $0x23
	push REGS_RSP(%rbx)
	push REGS_RFLAGS(%rbx)
	push $0x2b
	push REGS_RIP(%rbx)
	mov REGS_R15(%rbx), %r15
	mov REGS_R14(%rbx), %r14
	mov REGS_R13(%rbx), %r13
	mov REGS_R12(%rbx), %r12
	mov REGS_RBP(%rbx), %rbp
	mov REGS_R11(%rbx), %r11
	mov REGS_R10(%rbx), %r10
	mov REGS_R9(%rbx), %r9
	mov REGS_R8(%rbx), %r8
	mov REGS_RAX(%rbx), %rax
	mov REGS_RCX(%rbx), %rcx
	mov REGS_RDX(%rbx), %rdx
	mov REGS_RSI(%rbx), %rsi
	mov REGS_RDI(%rbx), %rdi
	mov REGS_RBX(%rbx), %rbx
	swapgs
	iretq

	/* Stack here: vector, error code, rip, cs, rflags, rsp, ss. */
	.type interrupt_common, @function
interrupt_common:
	testb $3, 24(%rsp)
	jz interrupt_in_core
	swapgs
	push %rax
	mov %gs:CPU_SAVE, %rax
	SAVE_TO %rax
	mov %rax, %rdi
	pop %rax
	mov %rax, REGS_RAX(%rdi)
	mov 16(%rsp), %rax
	mov %rax, REGS_RIP(%rdi)
	mov 32(%rsp), %rax
	mov %rax, REGS_RFLAGS(%rdi)
	mov 40(%rsp), %rax
	mov %rax, REGS_RSP(%rdi)
	mov %rdi, %rsi
	mov 0(%rsp), %rdx
	mov 8(%rsp), %rcx
	mov %gs:CPU_SELF, %rdi
	mov %gs:CPU_STACK, %rsp
	movb $1, %gs:CPU_EXIT_FULL
	xor %ebp, %ebp
	push $2                    /* a gate clears neither AC, with which SMAP would be off, nor DF */
	popfq
	call core_interrupt
	jmp core_exit

	/* An interrupt that ended the idle loop's hlt returns there; an exception in the core does not return. Between swapgs and
	 * the way out, or the way in and swapgs, GS is what ring 3 chose: the CPU's own comes from its descriptor table. */
	.type interrupt_in_core, @function
interrupt_in_core:
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $-16, %rsp
	sub $16, %rsp
	sgdt 6(%rsp)
	pop %rax
	pop %rax
	sub $CPU_GDT, %rax
	rdgsbase %r12
	sub %rax, %r12
	je 1f
	swapgs
1:	push $2                    /* as above */
	popfq
	call core_interrupted
	test %r12, %r12
	je 1f
	swapgs
1:
	mov %rbx, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

	/* After an exception in the core: a fresh stack, then core_recover(cpu). */
	.global core_restart_stack
	.type core_restart_stack, @function
core_restart_stack:
	mov %gs:CPU_STACK, %rsp
	mov %gs:CPU_SELF, %rdi
	movb $1, %gs:CPU_EXIT_FULL
	xor %ebp, %ebp
	call core_recover
	jmp core_exit

	.altmacro
	.macro VECTOR number
vector_\number:
	.if (\number == 8) || (\number == 10) || (\number == 11) || (\number == 12) || (\number == 13) || (\number == 14) || (\number == 17) || (\number == 21)
	.else
	push $0
	.endif
	push $\number
	jmp interrupt_common
	.endm
	.macro VECTOR_ADDRESS number
	.quad vector_\number
	.endm
	.set i, 0
	.rept 256
	VECTOR %i
	.set i, i + 1
	.endr

	.section .rodata
	.global vector_table
	.balign 8
vector_table:
	.set i, 0
	.rept 256
	VECTOR_ADDRESS %i
	.set i, i + 1
	.endr
