/* bool commit_straight(struct domain *domain, uint64_t room[COMMIT_STRAIGHT_MAX]): the straight way of a commit, for C.
 * false: not for it (nothing changed), or a log that is not right: transaction_commit looks into it. */
#include "commit_ranges.h"

	.text
	.global commit_straight
	.type commit_straight, @function
commit_straight:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, %r15
	mov %rsi, %r13
	RANGES_CHECK .Lgeneral
	RANGES_COPY
	mov $1, %eax
1:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.subsection 1
.Lgeneral:
	xor %eax, %eax
	jmp 1b
	.previous
	.size commit_straight, . - commit_straight
	.section .note.GNU-stack, "", @progbits
