/* The store hook's straight way: stores into the home region are appended to the log, on the own stack and in the image's
 * data they pass.
 * What is none of these is looked up by store_elsewhere; a log that is full, and what does not fit, goes to rt_store_general,
 * which does the same checks step by step (both in hook.c): the two must stay alike. Neighbouring stores are not joined
 * here: looking for them costs each store more than the commit saves. Single bytes come in runs and are joined, in hook.c.
 *
 * rt_home_bytes is an absolute symbol, the size of the domain's home region (tools/zoglang/manifest_emit.py); addresses
 * and offsets are those of hook.h, asserted in hook.c. As C functions: rdi = address, rsi = size; they, rax and rdx are lost. */
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
	jne 3f
	ret
2:	mov $\bytes, %esi
	jmp rt_store_general
3:	lea HOOK_HOME_BASE(%rax), %rdi      /* the address again */
	cmp $rt_data_start, %rdi
	jb 4f
	cmp $rt_data_end - \bytes, %rdi
	ja 4f
	ret
4:	mov $\bytes, %esi
	jmp store_elsewhere
	.size __asan_store\bytes\()_noabort, . - __asan_store\bytes\()_noabort
	.endm

	/* void rt_store(uint64_t address, uint64_t size), and the same for stores of any size by the compiler */
	.global rt_store, __asan_storeN_noabort
	.type rt_store, @function
	.type __asan_storeN_noabort, @function
	.balign 32
rt_store:
__asan_storeN_noabort:
	lea -HOOK_HOME_BASE(%rdi), %rax
	mov $rt_home_bytes, %edx
	sub %rsi, %rdx                      /* the last offset at which so many bytes fit */
	jb rt_store_general
	cmp %rdx, %rax
	ja 1f
	mov HOOK_RANGE_COUNT, %edx
	cmp $HOOK_RANGE_MAX, %edx
	jae rt_store_general
	shl $32, %rsi
	jz 2f                               /* nothing is stored: an empty range is none */
	or %rsi, %rax
	mov %rax, HOOK_RANGE(, %rdx, 8)
	incl HOOK_RANGE_COUNT
2:	ret
1:	cmp $rt_data_start, %rdi
	jb store_elsewhere
	add %rdi, %rsi                      /* does not wrap: no more than the home region has bytes */
	cmp $rt_data_end, %rsi
	ja 3f
	ret
3:	mov %rdi, %rax
	shr $HOOK_STACKS_SHIFT, %rax
	cmp $HOOK_STACKS, %rax
	jne 4f
	ret
4:	sub %rdi, %rsi
	jmp store_elsewhere
	.size rt_store, . - rt_store

	STORE_HOOK 2, 33
	STORE_HOOK 4, 34
	STORE_HOOK 8, 35
	STORE_HOOK 16, 36
	.section .note.GNU-stack, "", @progbits
