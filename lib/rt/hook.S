/* The store hook's straight way: 2, 4, 8 and 16 bytes into the home region are appended to the log, on the own stack they
 * pass. Everything else, and a log that is full, goes to rt_store (lib/rt/hook.c), which does the same checks step by
 * step: the two must stay alike. Neighbouring stores are not joined here: looking for them costs each store more
 * than the commit saves. Single bytes come in runs and are joined, in hook.c.
 *
 * rt_home_bytes is an absolute symbol, the size of the domain's home region (tools/zoglang/manifest_emit.py); addresses
 * and offsets are those of hook.h, asserted in hook.c. As C functions: rdi = address; it, rax, rdx and rsi are lost. */
#include "rt/hook.h"

	.text
	.macro STORE_HOOK bytes, length_bit
	.global __asan_store\bytes\()_noabort
	.type __asan_store\bytes\()_noabort, @function
	.balign 32
__asan_store\bytes\()_noabort:
	lea -HOOK_HOME_BASE(%rdi), %rax
	cmp $rt_home_bytes - \bytes, %rax
	ja 1f
	mov HOOK_RANGE_COUNT, %edx
	cmp $HOOK_RANGE_MAX, %edx
	jae 2f
	bts $\length_bit, %rax              /* offset and length: one struct zog_range, one store */
	mov %rax, HOOK_RANGE(, %rdx, 8)
	incl HOOK_RANGE_COUNT               /* after the range: a fault between the two leaves a whole log */
	ret
1:	shr $HOOK_STACKS_SHIFT, %rdi
	cmp $HOOK_STACKS, %rdi
	jne 2f
	ret
2:	lea HOOK_HOME_BASE(%rax), %rdi      /* the address again */
	mov $\bytes, %esi
	jmp rt_store
	.size __asan_store\bytes\()_noabort, . - __asan_store\bytes\()_noabort
	.endm

	STORE_HOOK 2, 33
	STORE_HOOK 4, 34
	STORE_HOOK 8, 35
	STORE_HOOK 16, 36
	.section .note.GNU-stack, "", @progbits
