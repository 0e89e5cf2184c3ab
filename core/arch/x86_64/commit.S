/* bool commit_straight(struct domain *domain, uint64_t room[COMMIT_ROOM_WORDS]), and abort_straight: the straight way of a
 * reply's commit and of an abort, for C. false: not for it (nothing changed), or a log that is not right: tsm/transaction.c looks
 * into it. */
#include "commit_ranges.h"

	.macro REPLY_COMMIT
	RANGES_COMMIT COMMIT_PHASE_DELIVER
	.endm

	.text
	.macro RECORDS_LOOK_HERE
	mov %rsp, %rbx
	RECORDS_LOOK
	mov %rbx, %rsp
	.endm

	.macro STRAIGHT name, act, records
	.global \name
	.type \name, @function
\name:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, %r15
	mov %rsi, %r13
	RANGES_CHECK .Lgeneral_\name, \records
	\act
	mov $1, %eax
1:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.subsection 1
.Lgeneral_\name:
	xor %eax, %eax
	jmp 1b
	.previous
	.size \name, . - \name
	.endm

	STRAIGHT commit_straight, REPLY_COMMIT, RECORDS_LOOK_HERE
	STRAIGHT abort_straight, RANGES_ABORT
	.section .note.GNU-stack, "", @progbits
