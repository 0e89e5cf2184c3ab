/* Into a domain, and out of it by crossings. The core enters at rt_entry with the registers of abi/zog/core.h and an
 * empty stack; struct zog_call (rt.h) is laid out here from them. rt_hang stands 16 bytes before the entry: the core
 * sends a domain there that was told to hang. */
	.section .text.entry, "ax"
	.global rt_entry
	.balign 16
	.type rt_hang, @function
rt_hang:
	pause
	jmp rt_hang
	.size rt_hang, . - rt_hang
	.balign 16
	.type rt_entry, @function
rt_entry:
	sub $112, %rsp
	mov %edi, 0(%rsp)          /* method, reason, cpu: packed as the structure has them */
	mov %esi, 8(%rsp)
	shr $32, %rsi
	mov %esi, 4(%rsp)
	mov %rdx, 16(%rsp)
	mov %r10, 24(%rsp)
	mov %r8, 32(%rsp)
	mov %r9, 40(%rsp)
	mov %r12, 48(%rsp)
	mov %r13, 56(%rsp)
	mov %r14, 64(%rsp)
	xor %eax, %eax
	mov %rax, 72(%rsp)
	mov %rax, 80(%rsp)
	mov %rax, 88(%rsp)
	mov %rax, 96(%rsp)
	xor %ebp, %ebp
	mov %rsp, %rdi
	call rt_serve
	mov %rax, %rdi
	mov 72(%rsp), %rsi
	mov 80(%rsp), %rdx
	mov 88(%rsp), %r10
	mov 96(%rsp), %r8
	mov $1, %eax               /* ZOG_CORE_REPLY */
	syscall
	ud2
	.size rt_entry, . - rt_entry

	/* zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
	 * The core keeps rip, rsp and rbp of a caller; the callee's results come in the other registers. */
	.text
	.global rt_call
	.type rt_call, @function
rt_call:
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rcx
	mov %rdx, %rax
	mov 0(%rax), %rdx
	mov 8(%rax), %r10
	mov 16(%rax), %r8
	mov 24(%rax), %r9
	mov 32(%rax), %r12
	mov 40(%rax), %r13
	mov %edi, %edi
	mov %esi, %esi
	xor %eax, %eax             /* ZOG_CORE_CALL */
	syscall
	pop %rcx
	test %rcx, %rcx
	jz 1f
	mov %rdx, 0(%rcx)
	mov %r10, 8(%rcx)
	mov %r8, 16(%rcx)
	mov %r9, 24(%rcx)
1:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size rt_call, . - rt_call
