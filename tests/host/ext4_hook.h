/* What the compiler's store hook calls, for the ext4 harness (ext4_harness.h, whose store_hook takes the ranges). */
#ifndef EXT4_HOOK_H
#define EXT4_HOOK_H

#define STORE(n) \
	void __asan_store##n##_noabort(uintptr_t a); \
	__attribute__((no_sanitize("kernel-address"))) void __asan_store##n##_noabort(uintptr_t a) { store_hook(a, n); }
STORE(1) STORE(2) STORE(4) STORE(8) STORE(16)
void __asan_storeN_noabort(uintptr_t a, size_t n);
__attribute__((no_sanitize("kernel-address"))) void __asan_storeN_noabort(uintptr_t a, size_t n) { store_hook(a, n); }
void __asan_handle_no_return(void);
void __asan_handle_no_return(void) { }
void rt_store(uint64_t address, uint64_t size);
__attribute__((no_sanitize("kernel-address"))) void rt_store(uint64_t address, uint64_t size) { store_hook(address, size); }

/* The domain's memory builtins, as lib/rt/memory.c has them: logged whole. */
__attribute__((no_sanitize("kernel-address"), optimize("no-tree-loop-distribute-patterns")))
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	store_hook((uintptr_t)to, size);
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}
__attribute__((no_sanitize("kernel-address"), optimize("no-tree-loop-distribute-patterns")))
void *memset(void *to, int byte, size_t size)
{
	store_hook((uintptr_t)to, size);
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = (uint8_t)byte;
	return to;
}
__attribute__((no_sanitize("kernel-address"), optimize("no-tree-loop-distribute-patterns")))
void *memmove(void *to, const void *from, size_t size)
{
	store_hook((uintptr_t)to, size);
	for (size_t i = 0; i < size && to < from; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	for (size_t i = size; i > 0 && to > from; i--)
		((uint8_t *)to)[i - 1] = ((const uint8_t *)from)[i - 1];
	return to;
}

#endif
