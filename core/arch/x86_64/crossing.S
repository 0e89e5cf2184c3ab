/* The straight way of a crossing: call and reply between two domains, when the callee is ready and free, nothing is
 * asked of anybody, and there is nothing to commit. Arguments and results stay in their registers; what the frame
 * needs for issuing the call again is stored. Whatever does not fit goes to syscall_general with the registers that a
 * core call hands over unchanged (rbx, r14 and r15 are a caller's to save: lib/rt/entry.S does), and nothing else
 * changed. cross/crossing.c does the same work step by step: the two must stay alike.
 *
 * Interrupts are off and the stack pointer is still the domain's: exceptions have a stack of their own.
 * Only memory of the core is touched. */
#include "core_asm.h"

	.text
	.type crossing_straight, @function
	.global crossing_straight
	.balign 64
crossing_straight:
	test %rax, %rax
	jz call_straight
	cmp $1, %rax
	je reply_straight
	jmp syscall_general

	/* rdi = capability, rsi = method, words in rdx r10 r8 r9 r12 r13; rcx = return address */
call_straight:
	mov %gs:CPU_FAST_FRAME, %rbx
	mov INVOCATION_DOMAIN(%rbx), %r14
	mov DOMAIN_CAP_COUNT(%r14), %eax
	cmp %rax, %rdi
	jae call_general
	mov %rdi, %r15
	shl $5, %r15
	add DOMAIN_FAST_CAP(%r14), %r15
	mov %rsi, %rax
	shr $8, %rax
	cmp CAP_CONTRACT(%r15), %rax
	jne call_general
	movzbl %sil, %eax
	cmp CAP_METHOD_COUNT(%r15), %eax
	jae call_general
	cmp %gs:CPU_FAST_LIMIT, %rbx
	jae call_general
	mov CAP_METHOD(%r15), %r14
	movzwl (%r14, %rax, 4), %r14d
	inc %r14d                       /* deadline in ticks; the first may be nearly over */
	movl $1, CAP_USED(%r15)
	mov CAP_DOMAIN(%r15), %r15
	mov %rbp, INVOCATION_RBP(%rbx)
	mov %gs:CPU_ID, %ebp
	mov $-1, %eax
	lock cmpxchg %ebp, DOMAIN_LOCK(%r15)
	jne call_general_rbp
	cmpl $DOMAIN_STATE_READY, DOMAIN_STATE(%r15)
	jne call_unlock
	cmpl $0, DOMAIN_REQUEST(%r15)
	jne call_unlock
	cmpq $0, DOMAIN_STEP_KILL(%r15)
	jne call_unlock
	/* Decided. */
	mov %rcx, INVOCATION_RIP(%rbx)
	mov %rsp, INVOCATION_RSP(%rbx)
	mov INVOCATION_DOMAIN(%rbx), %rcx
	mov DOMAIN_ID(%rcx), %ecx
	shl $32, %rcx
	add $INVOCATION_SIZE, %rbx
	mov %rbx, %gs:CPU_FAST_FRAME
	mov %gs:CPU_THREAD, %rax
	incl THREAD_DEPTH(%rax)
	mov THREAD_ID(%rax), %eax
	or %rax, %rcx
	mov %r15, INVOCATION_DOMAIN(%rbx)
	movl $INVOCATION_PHASE_RUN, INVOCATION_PHASE(%rbx)
	mov %esi, INVOCATION_METHOD(%rbx)    /* reason: a first call; no fault yet */
	mov %r14d, INVOCATION_TICKS(%rbx)
	mov %rcx, INVOCATION_CLIENT(%rbx)
	mov %rdx, INVOCATION_WORD(%rbx)
	mov %r10, INVOCATION_WORD + 8(%rbx)
	mov %r8, INVOCATION_WORD + 16(%rbx)
	mov %r9, INVOCATION_WORD + 24(%rbx)
	mov %r12, INVOCATION_WORD + 32(%rbx)
	mov %r13, INVOCATION_WORD + 40(%rbx)
	xor %eax, %eax
	mov %rax, INVOCATION_WORD + 48(%rbx)
	incq DOMAIN_INVOCATIONS(%r15)
	mov %ebp, %edi
	shl $24, %edi
	or %esi, %edi
	mov %rcx, %rsi
	mov %gs:CPU_DOMAIN_STACK, %rsp
	xor %ebx, %ebx
	xor %ebp, %ebp
	mov DOMAIN_ENTRY(%r15), %rcx
	jmp space_straight

call_unlock:
	movl $-1, DOMAIN_LOCK(%r15)
call_general_rbp:
	mov INVOCATION_RBP(%rbx), %rbp
call_general:
	xor %eax, %eax
	jmp syscall_general

	/* rdi = status, results in rsi rdx r10 r8 */
reply_straight:
	lea -1(%rdi), %rbx
	cmp $1, %rbx                    /* RETRY and WAIT */
	jbe syscall_general
	mov %gs:CPU_FAST_FRAME, %rbx
	mov INVOCATION_DOMAIN(%rbx), %r15
	cmpl $INVOCATION_PHASE_RUN, INVOCATION_PHASE(%rbx)
	jne syscall_general
	mov %gs:CPU_THREAD, %r14
	cmpl $1, THREAD_DEPTH(%r14)
	je syscall_general
	cmpl $0, DOMAIN_REQUEST(%r15)
	jne syscall_general
	cmpq $0, DOMAIN_OPEN_INCIDENT(%r15)
	jne syscall_general
	cmpq $0, DOMAIN_START_FAILURES(%r15)
	jne syscall_general
	mov DOMAIN_TXN(%r15), %r14
	mov (%r14), %r14                /* ranges, operations */
	test %r14, %r14
	jne syscall_general
	mov DOMAIN_TXN(%r15), %r14
	cmpl $0, 8(%r14)                /* page mode */
	jne syscall_general
	mov INVOCATION_DOMAIN - INVOCATION_SIZE(%rbx), %r14
	cmpl $INVOCATION_PHASE_RUN, INVOCATION_PHASE - INVOCATION_SIZE(%rbx)
	jne syscall_general
	cmpl $0, DOMAIN_REQUEST(%r14)
	jne syscall_general
	cmpq $0, DOMAIN_STEP_KILL(%r14)
	jne syscall_general
	/* Decided. The lock goes last: a killer that saw this CPU hold it interrupts it, and looks again there. */
	movl $-1, DOMAIN_LOCK(%r15)
	mov %gs:CPU_THREAD, %r15
	decl THREAD_DEPTH(%r15)
	sub $INVOCATION_SIZE, %rbx
	mov %rbx, %gs:CPU_FAST_FRAME
	mov %rdi, %rax
	mov %r8, %r9
	mov %r10, %r8
	mov %rdx, %r10
	mov %rsi, %rdx
	mov INVOCATION_RIP(%rbx), %rcx
	mov INVOCATION_RSP(%rbx), %rsp
	mov INVOCATION_RBP(%rbx), %rbp
	mov %r14, %r15
	xor %edi, %edi
	xor %esi, %esi
	xor %ebx, %ebx
	xor %r12d, %r12d
	xor %r13d, %r13d

	/* r15 = domain, rcx = address to go on at: its page tables, then ring 3. A CPU that still has the tables loaded
	 * from before a reset of the domain drops what it cached. */
space_straight:
	mov DOMAIN_ID(%r15), %r14d
	lea CPU_SEEN_RESETS(, %r14, 4), %r11
	mov DOMAIN_RESETS(%r15), %r14d
	mov %r14d, %gs:(%r11)
	mov DOMAIN_CR3(%r15), %r14
	mov %r14, %gs:CPU_CR3
	incq %gs:CPU_SPACE_SWITCHES
	mov %r14, %cr3
	xor %r14d, %r14d
	xor %r15d, %r15d
	mov $0x202, %r11d
	swapgs
	sysretq
	.size crossing_straight, . - crossing_straight
