/* The straight way of a commit and of an abort, for commit.S and crossing.S: a transaction of few, small home ranges and
 * nothing else. tsm/transaction.c does the same step by step, and does everything that these macros refuse.
 *
 * Each range is read once from the domain's log, checked, and noted in the core's own room; what is copied later stands
 * there. A note is the offset alone for 8 bytes, offset | 1 << 63 for 4 bytes, else offset | length << 32. A range that is
 * aligned and whose bit in the domain's home_look is clear is good at a look: its page's live frame holds what was written, and
 * no rule of the schema looks at it. Any other is checked against the region and its one page. A range that touches a field
 * with a rule has its record checked, by C (tsm/home_schema.h); a rule that is broken is found again, and told, by the
 * general way.
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

	/* r13 = the room. Goes to \general with nothing changed but the numbers that a commit begins with. A range that may
	 * break a rule of the schema is noted a second time, behind the notes of all; \records lets C look at these
	 * (home_notes_check: al), which loses what C functions lose. */
	.macro RANGES_CHECK general, records
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
	mov DOMAIN_HOME_BYTES(%r15), %r12
	shr $3, %r12
	mov $8 << 32, %rbp
	mov DOMAIN_HOME_LOOK(%r15), %r9
	.ifnb \records
	movq $0, DOMAIN_COMMIT_CHECKS(%r15)
	.endif
.Lrange\@:
	mov (%r14, %rcx, 8), %rax
	xor %rbp, %rax                          /* of 8 bytes: the offset is left */
	mov %rax, %rbx
	ror $3, %rbx                            /* aligned: its number; else far up */
	cmp %r12, %rbx
	jae .Lfour\@
	bt %rbx, (%r9)
	jc .Llook\@
.Lnote\@:
	mov %rax, (%r13, %rcx, 8)
	inc %rcx
	jne .Lrange\@
	.ifnb \records
	cmpl $0, DOMAIN_COMMIT_CHECKS(%r15)
	jne .Lrecords\@
	.endif
.Lchecked\@:
	.subsection 1
.Lfour\@:
	mov $(8 ^ 4) << 32, %rbx
	xor %rbx, %rax
	mov %rax, %rbx
	shr $3, %rbx
	cmp %r12, %rbx
	jae .Lother\@
	test $3, %al
	jne .Lother\@
	bts $63, %rax
	bt %rbx, (%r9)
	jnc .Lnote\@
.Llook\@:
	shr $9, %rbx
	add DOMAIN_HOME_VALID(%r15), %rbx
	cmpb $0, (%rbx)
	je \general
	.ifnb \records
.Lruled\@:
	mov DOMAIN_COMMIT_CHECKS(%r15), %rbx
	mov %rax, (%r13, %rbx, 8)
	incl DOMAIN_COMMIT_CHECKS(%r15)
	.endif
	jmp .Lnote\@
.Lother\@:
	mov $4 << 32, %rbx
	xor %rbx, %rax                          /* as it was read */
	mov %rax, %rbx
	shr $32, %rbx
	cmp $COMMIT_LENGTH_MAX, %rbx
	ja \general
	mov %eax, %r11d
	lea -1(%r11, %rbx), %r9                 /* last byte; of 0 bytes at 0: behind every region */
	cmp DOMAIN_HOME_BYTES(%r15), %r9
	jae \general
	xor %r9, %r11
	cmp $4096, %r11
	jae \general
	mov %r9, %r11
	shr $12, %r11
	add DOMAIN_HOME_VALID(%r15), %r11
	cmpb $0, (%r11)
	je \general
	test %rbx, %rbx
	je \general                             /* nothing: its note would say 8 */
	cmp $8, %rbx
	mov %eax, %ebx
	jne .Lodd\@
	mov %eax, %eax
.Lodd\@:
	.ifnb \records
	shr $3, %ebx
	shr $3, %r9
	sub %rbx, %r9                           /* granules, but one */
	jne .Lgranules\@
	mov DOMAIN_HOME_LOOK(%r15), %r9
	bt %rbx, (%r9)
	jc .Lruled\@
	jmp .Lnote\@
.Lgranules\@:                                  /* their bits, from any byte of the map on */
	mov %r9, %r11
	mov DOMAIN_HOME_LOOK(%r15), %r9
	cmp $56, %r11
	ja .Lruled\@
	mov %rcx, %rbp
	mov %ebx, %ecx
	shr $3, %ebx
	mov (%r9, %rbx), %rbx
	and $7, %ecx
	shr %cl, %rbx
	mov $63, %ecx
	sub %r11d, %ecx
	shl %cl, %rbx
	mov %rbp, %rcx
	mov $8 << 32, %rbp
	jne .Lruled\@
	.else
	mov DOMAIN_HOME_LOOK(%r15), %r9
	.endif
	jmp .Lnote\@
	.ifnb \records
.Lrecords\@:
	\records
	test %al, %al
	jz \general
	jmp .Lchecked\@
	.endif
	.previous
	.endm

	/* r15 = domain, r13 = behind the notes. al = 0: some record breaks a rule. rbx, rbp are lost with the rest. */
	.macro RECORDS_LOOK
	xor %ebp, %ebp                          /* a trace ends here */
	and $-16, %rsp
	mov %r15, %rdi
	mov %r13, %rsi
	call home_notes_check
	.endm

	/* What RANGES_CHECK noted, from the image at r14 to that at r11. */
	.macro RANGES_COPY
	mov DOMAIN_COMMIT_RANGES(%r15), %ecx
	mov DOMAIN_HOME_BYTES(%r15), %r12
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

	/* The same without `records`: copies back. */
	.macro RANGES_ABORT
	mov DOMAIN_HOME_COMMITTED(%r15), %r14
	mov DOMAIN_HOME_LIVE(%r15), %r11
	RANGES_COPY
	mov DOMAIN_TXN(%r15), %rbx
	movq $0, TXN_COUNTS(%rbx)
	incq DOMAIN_ABORTS(%r15)
	.endm
