/* The straight way of a commit and of an abort, for commit.S and crossing.S: a transaction of few, small home ranges and
 * nothing else. tsm/transaction.c does the same step by step, and does everything that these macros refuse.
 *
 * Each range is read once from the domain's log, checked, and noted in the core's own room; what is copied later stands
 * there. A note is the offset alone for 8 bytes, offset | 1 << 63 for 4 bytes, else offset | length << 32. A range that is
 * aligned and ends below home_solid (the region's start, as far as its pages hold what was written) is good at a look;
 * any other is checked against the region and its one page. Ranges that touch the schema's window are no straight commit:
 * the general way checks their records.
 *
 * From RANGES_COMMIT's first store on the commit is only finished, by the recovery if need be (fault/recover.c): the log
 * stays whole until all is copied. Whoever uses it has stored the registers of the core call first, since it is then
 * made again.
 *
 * RANGES_ABORT copies what is committed over the live image and stores nowhere else, so it has no such point: cut at any
 * instruction, the committed image is what it was, and the recovery ends the domain, whose live image and log then go as
 * a whole (domain_reset). The log is cleared behind the last copy, so an abort that is made again does the same.
 *
 * r15 = domain. Lost: rax rbx rcx rbp r9 r11 r12 r13 r14. */
#include "core_asm.h"

	/* r13 = the room. Goes to \general with nothing changed but the numbers that a commit begins with. */
	.macro RANGES_CHECK general, is_commit=1
	mov DOMAIN_TXN(%r15), %r14
	mov TXN_COUNTS(%r14), %rcx              /* ranges; operations are above bit 32, so any are too many */
	lea -1(%rcx), %rax
	cmp $COMMIT_STRAIGHT_MAX, %rax
	jae \general
	cmpl $0, TXN_PAGE_MODE(%r14)
	jne \general
	mov %rcx, DOMAIN_COMMIT_RANGES(%r15)    /* commit_ops above: 0 */
	lea TXN_RANGE(%r14, %rcx, 8), %r14
	lea (%r13, %rcx, 8), %r13
	neg %rcx
	mov DOMAIN_HOME_SOLID(%r15), %r12
	mov $8 << 32, %rbp
.Lrange\@:
	mov (%r14, %rcx, 8), %rax
	xor %rbp, %rax                          /* of 8 bytes: the offset is left */
	cmp %r12, %rax
	jae .Lfour\@
	test $7, %al
	jne .Lfour\@
.Lnote\@:
	mov %rax, (%r13, %rcx, 8)
	inc %rcx
	jne .Lrange\@
	.if \is_commit
	cmpl $0, DOMAIN_SCHEMA_HIGH(%r15)
	jne .Lschema\@
	.endif
.Lchecked\@:
	.subsection 1
.Lfour\@:
	mov $(8 ^ 4) << 32, %rbx
	xor %rbx, %rax
	cmp %r12, %rax
	jae .Lother\@
	test $3, %al
	jne .Lother\@
	bts $63, %rax
	jmp .Lnote\@
.Lother\@:
	xor %rbx, %rax
	xor %rbp, %rax                          /* as it was read */
	mov %rax, %rbx
	shr $32, %rbx
	cmp $COMMIT_LENGTH_MAX, %rbx
	ja \general
	mov %eax, %r11d
	lea -1(%r11, %rbx), %r9                 /* last byte; of 0 bytes at 0: behind every region */
	cmp DOMAIN_HOME_BYTES(%r15), %r9
	jae \general
	xor %r11, %r9
	cmp $4096, %r9
	jae \general
	shr $12, %r11
	add DOMAIN_HOME_VALID(%r15), %r11
	cmpb $0, (%r11)
	je \general
	cmp $8, %rbx
	jne .Lodd\@
	mov %eax, %eax
	jmp .Lnote\@
.Lodd\@:
	test %rbx, %rbx
	je \general                             /* nothing: its note would say 8 */
	jmp .Lnote\@
	.if \is_commit
.Lschema\@:
	mov DOMAIN_SCHEMA_LOW(%r15), %r9d
	mov DOMAIN_SCHEMA_HIGH(%r15), %r11d
	mov DOMAIN_COMMIT_RANGES(%r15), %ecx
	neg %rcx
.Lwindow\@:
	mov (%r13, %rcx, 8), %rax
	mov %rax, %rbx
	shr $32, %rbx
	test %ebx, %ebx
	jg .Llength\@
	mov $8, %ebx                            /* or 4 */
.Llength\@:
	mov %eax, %eax
	cmp %r11, %rax
	jae .Loutside\@
	add %rax, %rbx
	cmp %r9, %rbx
	ja \general
.Loutside\@:
	inc %rcx
	jne .Lwindow\@
	jmp .Lchecked\@
	.endif
	.previous
	.endm

	/* What RANGES_CHECK noted, from the image at r14 to that at r11. */
	.macro RANGES_COPY
	mov DOMAIN_COMMIT_RANGES(%r15), %ecx
	neg %rcx
.Lcopy\@:
	mov (%r13, %rcx, 8), %rax
	cmp %r12, %rax
	jae .Lbeyond\@
.Lquad\@:
	mov (%r14, %rax), %rbx
	mov %rbx, (%r11, %rax)
.Lnext\@:
	inc %rcx
	jne .Lcopy\@
	.subsection 1
.Lbeyond\@:
	btr $63, %rax
	jnc .Llong\@
	mov (%r14, %rax), %ebx
	mov %ebx, (%r11, %rax)
	jmp .Lnext\@
.Llong\@:
	mov %rax, %rbx
	shr $32, %rbx
	je .Lquad\@
	mov %eax, %eax
	sub $8, %rbx
	jb .Lbytes\@
.Lwords\@:
	mov (%r14, %rax), %rbp
	mov %rbp, (%r11, %rax)
	add $8, %rax
	sub $8, %rbx
	jae .Lwords\@
.Lbytes\@:
	add $8, %rbx
	je .Lnext\@
.Lbyte\@:
	mov (%r14, %rax), %bpl
	mov %bpl, (%r11, %rax)
	inc %rax
	dec %rbx
	jne .Lbyte\@
	jmp .Lnext\@
	.previous
	.endm

	/* After RANGES_CHECK. Copies, and ends the transaction. phase: what it leaves, DELIVER where the commit is a reply's. */
	.macro RANGES_COMMIT phase=COMMIT_PHASE_NONE
	mov DOMAIN_HOME_LIVE(%r15), %r14
	mov DOMAIN_HOME_COMMITTED(%r15), %r11
	movq $0, DOMAIN_COMMIT_NEXT(%r15)       /* and commit_cut_step */
	movl $COMMIT_PHASE_RANGES, DOMAIN_COMMIT_PHASE(%r15)
	RANGES_COPY
	movl $COMMIT_PHASE_EFFECTS, DOMAIN_COMMIT_PHASE(%r15)
	mov DOMAIN_TXN(%r15), %rbx
	movq $0, TXN_COUNTS(%rbx)
	incq DOMAIN_COMMITS(%r15)
	movl $\phase, DOMAIN_COMMIT_PHASE(%r15)
	.endm

	/* The same with is_commit=0: copies back. */
	.macro RANGES_ABORT
	mov DOMAIN_HOME_COMMITTED(%r15), %r14
	mov DOMAIN_HOME_LIVE(%r15), %r11
	RANGES_COPY
	mov DOMAIN_TXN(%r15), %rbx
	movq $0, TXN_COUNTS(%rbx)
	incq DOMAIN_ABORTS(%r15)
	.endm
