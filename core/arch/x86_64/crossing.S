/* The straight way of a crossing: call and reply between two domains, when the callee is ready and free, nothing is
 * asked of anybody, and there is nothing to commit but home ranges (commit_ranges.h); and that commit, and an abort, as core calls.
 * Arguments and results stay in their registers; what the frame needs for issuing the call again is stored. Whatever does
 * not fit goes to syscall_general with the registers that a core call hands over unchanged (rbx, r14 and r15
 * are a caller's to save: lib/rt/entry.S does), and nothing else changed. cross/crossing.c does the same work step by step: the two must stay alike.
 *
 * Interrupts are off and the stack pointer is still the domain's: exceptions have a stack of their own.
 * Only memory of the core is touched. */
#include "core_asm.h"
#include "commit_ranges.h"

	/* What a domain that goes on keeps, and what an incident's trace needs. rdx = where it is stored. */
	.macro COMMIT_CALL_SAVE
	mov %gs:CPU_SAVE, %rdx
	mov %rax, REGS_RAX(%rdx)
	mov %rbx, REGS_RBX(%rdx)
	mov %rbp, REGS_RBP(%rdx)
	mov %r12, REGS_R12(%rdx)
	mov %r13, REGS_R13(%rdx)
	mov %r14, REGS_R14(%rdx)
	mov %r15, REGS_R15(%rdx)
	mov %rcx, REGS_RIP(%rdx)
	mov %r11, REGS_RFLAGS(%rdx)
	mov %rsp, REGS_RSP(%rdx)
	mov %gs:CPU_FAST_FRAME, %r9
	mov INVOCATION_DOMAIN(%r9), %r15
	.endm
	/* The stack pointer is the domain's, so C has that of the core; the registers of the core call were stored before. */
	.macro COMMIT_CALL_RECORDS
	mov %gs:CPU_STACK, %rsp
	RECORDS_LOOK
	mov %gs:CPU_SAVE, %rdx
	mov REGS_RSP(%rdx), %rsp
	mov REGS_RDI(%rdx), %rdi
	mov REGS_RSI(%rdx), %rsi
	xor %r8d, %r8d
	xor %r10d, %r10d
	.endm
	.macro REPLY_RECORDS
	mov %rsp, %rbx
	mov %gs:CPU_STACK, %rsp
	RECORDS_LOOK
	mov %rbx, %rsp
	mov %gs:CPU_SAVE, %r9
	mov REGS_RDI(%r9), %rdi
	mov REGS_RSI(%r9), %rsi
	mov REGS_RDX(%r9), %rdx
	mov REGS_R10(%r9), %r10
	mov REGS_R8(%r9), %r8
	.endm
	/* What the macros of commit_ranges.h have lost of it. */
	.macro COMMIT_CALL_RESTORE
	mov REGS_RBX(%rdx), %rbx
	mov REGS_RBP(%rdx), %rbp
	mov REGS_R12(%rdx), %r12
	mov REGS_R13(%rdx), %r13
	mov REGS_R14(%rdx), %r14
	mov REGS_R15(%rdx), %r15
	mov REGS_RIP(%rdx), %rcx
	mov REGS_RFLAGS(%rdx), %r11
	xor %edx, %edx
	xor %r9d, %r9d
	.endm

	.text
	.type crossing_straight, @function
	.global crossing_straight
	.balign 64
crossing_straight:
	cmp $1, %rax
	jb call_straight
	je reply_straight
	cmp $2, %rax
	je commit_call_straight
	cmp $13, %rax
	je abort_call_straight
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
	movb $1, METHOD_USED(%r14, %rax, 4)
	movzwl (%r14, %rax, 4), %r14d
	inc %r14w                       /* deadline in ticks; the first may be nearly over */
	jz call_general                 /* METHOD_DENIED */
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
	mov THREAD_ID(%rax), %r11d
	or %r11, %rcx
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
	movq $0, INVOCATION_WORD + 48(%rbx)
	incl THREAD_DEPTH(%rax)         /* last: an exception in the core finds the frame whole or not at all */
	xor %eax, %eax
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
	mov INVOCATION_DOMAIN - INVOCATION_SIZE(%rbx), %r14
	cmpl $INVOCATION_PHASE_RUN, INVOCATION_PHASE - INVOCATION_SIZE(%rbx)
	jne syscall_general
	cmpl $0, DOMAIN_REQUEST(%r14)
	jne syscall_general
	cmpq $0, DOMAIN_STEP_KILL(%r14)
	jne syscall_general
	mov DOMAIN_TXN(%r15), %r9
	mov TXN_COUNTS(%r9), %r12
	or TXN_PAGE_MODE(%r9), %r12
	jne reply_commit
	/* Decided, and committed. The lock goes last: a killer that saw this CPU hold it interrupts it, and looks again there. */
reply_committed:
	mov %gs:CPU_THREAD, %r12
	decl THREAD_DEPTH(%r12)
	movl $COMMIT_PHASE_NONE, DOMAIN_COMMIT_PHASE(%r15)
	movl $-1, DOMAIN_LOCK(%r15)
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

	/* The commit comes last, behind all that can send a reply the general way: once committed, it is delivered. Its
	 * registers are stored for a recovery that makes the core call again. */
reply_commit:
	mov %gs:CPU_SAVE, %r13
	mov %rax, REGS_RAX(%r13)
	mov %rdi, REGS_RDI(%r13)
	mov %rsi, REGS_RSI(%r13)
	mov %rdx, REGS_RDX(%r13)
	mov %r10, REGS_R10(%r13)
	mov %r8, REGS_R8(%r13)
	mov %rcx, REGS_RIP(%r13)        /* for an incident's trace, if it goes the general way */
	mov %rbp, REGS_RBP(%r13)
	mov %r11, REGS_RFLAGS(%r13)
	mov %gs:CPU_SELF, %r13
	add $CPU_COMMIT_ROOM, %r13
	RANGES_CHECK reply_commit_general, REPLY_RECORDS
	RANGES_COMMIT COMMIT_PHASE_DELIVER
	mov %gs:CPU_FAST_FRAME, %rbx
	mov INVOCATION_DOMAIN - INVOCATION_SIZE(%rbx), %r14
	jmp reply_committed
reply_commit_general:
	mov %gs:CPU_SAVE, %r13
	mov REGS_RAX(%r13), %rax
	mov REGS_RIP(%r13), %rcx
	mov REGS_RBP(%r13), %rbp
	mov REGS_RFLAGS(%r13), %r11
	jmp syscall_general

	/* A commit in the middle of an invocation. The caller keeps all registers but results, rcx and r11. */
commit_call_straight:
	COMMIT_CALL_SAVE
	mov %rdi, REGS_RDI(%rdx)
	mov %rsi, REGS_RSI(%rdx)
	cmpl $0, DOMAIN_REQUEST(%r15)
	jne commit_call_general
	cmpq $0, DOMAIN_STEP_KILL(%r15)
	jne commit_call_general
	mov DOMAIN_TXN(%r15), %r9
	cmpl $1, TXN_COUNTS + 4(%r9)
	je commit_call_record
	mov %gs:CPU_SELF, %r13
	add $CPU_COMMIT_ROOM, %r13
	RANGES_CHECK commit_call_general, COMMIT_CALL_RECORDS
	RANGES_COMMIT
commit_call_done:
	COMMIT_CALL_RESTORE
	xor %eax, %eax
	swapgs
	sysretq
	/* One operation: of a shared region, perhaps; C looks. It keeps rbx and its like, which are the caller's still but for
	 * r15; what it leaves in the others is not shown. */
commit_call_record:
	mov %r15, %rsi
	mov REGS_R15(%rdx), %r15
	mov %gs:CPU_SELF, %rdi
	mov %gs:CPU_STACK, %rsp
	xor %ebp, %ebp                  /* a trace ends here */
	call region_commit_straight
	mov %gs:CPU_SAVE, %rdx
	mov REGS_RBP(%rdx), %rbp
	mov REGS_RDI(%rdx), %rdi
	mov REGS_RSI(%rdx), %rsi
	mov REGS_RIP(%rdx), %rcx
	mov REGS_RSP(%rdx), %rsp
	mov REGS_RFLAGS(%rdx), %r11
	xor %edx, %edx
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	test %al, %al
	jz commit_call_other
	xor %eax, %eax
	swapgs
	sysretq
commit_call_general:
	COMMIT_CALL_RESTORE
commit_call_other:
	mov $2, %eax
	jmp syscall_general

	/* An abort in the middle of an invocation. A domain that may have written ahead to regions and objects goes the
	 * general way (cross/crossing.c). A kill that is asked for needs no look: the domain goes on as after any core call,
	 * and is interrupted there. */
abort_call_straight:
	COMMIT_CALL_SAVE
	cmpq $0, DOMAIN_IS_AHEAD(%r15)
	jne abort_call_general
	mov %gs:CPU_SELF, %r13
	add $CPU_COMMIT_ROOM, %r13
	RANGES_CHECK abort_call_general
	RANGES_ABORT
	jmp commit_call_done
abort_call_general:
	COMMIT_CALL_RESTORE
	mov $13, %eax
	jmp syscall_general
	.size crossing_straight, . - crossing_straight
