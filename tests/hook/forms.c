/* The corpus. Compiled with a domain's own flags; nothing here may be folded into another function. */
#include "forms.h"

#define FORM(name) static __attribute__((noinline)) void name(struct target *t, uint64_t value)
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

FORM(plain_byte) { t->byte = (uint8_t)value; }
FORM(plain_half) { t->half = (uint16_t)value; }
FORM(plain_word) { t->word = (uint32_t)value; }
FORM(plain_quad) { t->quad = value; }
FORM(plain_128) { t->wide = (unsigned __int128)value << 64 | value; }
FORM(plain_pointer) { t->link = (struct target *)value; }
FORM(plain_bool) { t->truth = !t->truth; (void)value; }
FORM(compound_assignment) { t->word += (uint32_t)value | 1; }
FORM(increment) { t->quad++; (void)value; }
FORM(arithmetic_128) { t->wide = t->wide * 3 + value; }
FORM(packed_unaligned) { t->packed.word = value; }
FORM(union_member) { t->either.byte[value % 8] = (uint8_t)~t->either.byte[value % 8]; }
FORM(union_whole) { t->either = (union either){ .word = value }; }
FORM(volatile_store) { *(volatile uint32_t *)&t->word = (uint32_t)value; }
FORM(cast_from_const) { const uint64_t *p = &t->quad; *(uint64_t *)(uintptr_t)p = value; }

FORM(conditional_store) { if (value & 1) t->byte = 0x5a; else t->half = 0x5a5a; }
FORM(select_target) { *(value & 1 ? &t->word : &t->count) = 0xa5a5a5a5; }
FORM(switch_store)
{
	switch (value & 3) {
	case 0: t->byte = 1; break;
	case 1: t->word = 0x12345678; break;
	case 2: t->quad = value; break;
	default: t->half = 0x1234;
	}
}
FORM(neighbours_merged) { t->bytes[0] = 1; t->bytes[1] = 2; t->bytes[2] = 3; t->bytes[3] = 4; (void)value; }
FORM(indexed) { t->words[value % 16] = value; }
FORM(flexible_array) { t->flexible[value % 8] = (uint16_t)value; }
FORM(loop_fill) { for (int i = 0; i < 64; i++) t->bytes[i] = (uint8_t)value; }
FORM(loop_zero) { for (int i = 0; i < 16; i++) t->words[i] = 0; (void)value; }
FORM(loop_copy) { for (int i = 0; i < 20; i++) t->other.word[i] = t->large.word[i] ^ value; }
FORM(walking_pointer) { uint8_t *to = t->bytes; for (const char *s = "walking"; *s; ) *to++ = (uint8_t)*s++; (void)value; }
FORM(swap) { uint64_t other = t->words[0]; t->words[0] = ~t->words[1]; t->words[1] = ~other; (void)value; }
FORM(restricted) { uint64_t *restrict a = &t->words[2], *restrict b = &t->words[9]; *a = value; *b = value + 1; }

FORM(bit_one) { t->bits.one ^= 1; (void)value; }
FORM(bits_three) { t->bits.three = (uint32_t)value; t->bits.ten = (uint32_t)(value >> 3); }
FORM(bits_across) { t->bits.across = (uint32_t)value; }
FORM(bits_wide) { t->bits.wide = value; }
FORM(bits_structure) { t->bits = (struct bits){ .one = 1, .three = 5, .ten = 700, .across = 70000, .wide = value, .rest = 99 }; }

FORM(copy_small) { struct small from = { (uint8_t)value, 2, { 3, 4, 5 } }; t->small = from; }
FORM(copy_large) { t->other = t->large; (void)value; }
FORM(copy_element) { t->small_array[value % 4] = t->small; }
FORM(copy_array_of_structures) { for (int i = 0; i < 4; i++) t->small_array[i] = (struct small){ .a = (uint8_t)value, .b = (uint16_t)i }; }
FORM(literal_small) { t->small = (struct small){ .b = (uint16_t)value }; }
FORM(literal_zero) { t->large = (struct large){ { 0 }, { 0 } }; (void)value; }
FORM(literal_partly) { t->large = (struct large){ .word = { [3] = value } }; }

static __attribute__((noinline)) struct large large_make(uint64_t value)
{
	struct large large = { .tail = { 1, 2, 3 } };

	for (int i = 0; i < 20; i++)
		large.word[i] = value + (uint64_t)i;
	return large;
}
static __attribute__((noinline)) struct small small_make(uint64_t value) { return (struct small){ (uint8_t)value, 7, { 8, 9, 1 } }; }
static inline struct large large_make_inline(uint64_t value) { return (struct large){ .word = { value, value + 1 } }; }
FORM(return_large) { t->large = large_make(value); }
FORM(return_small) { t->small = small_make(value); }
FORM(return_inlined) { t->large = large_make_inline(value); }

FORM(memcpy_3) { memcpy(t->bytes, &value, 3); }
FORM(memcpy_8) { memcpy(t->bytes + 1, &value, 8); }
FORM(memcpy_16) { memcpy(t->words, t->bytes, 16); (void)value; }
FORM(memcpy_variable) { memcpy(t->words, t->bytes, value % 64 + 1); }
FORM(memcpy_builtin) { __builtin_memcpy(t->words, t->bytes, 40); (void)value; }
FORM(memset_8) { memset(&t->quad, 0, 8); (void)value; }
FORM(memset_24) { memset(t->words, (int)value, 24); }
FORM(memset_variable) { memset(t->bytes, (int)value, value % 200 + 1); }
FORM(memset_structure) { __builtin_memset(&t->large, 0, sizeof(t->large)); (void)value; }
FORM(memmove_up) { memmove(t->bytes + 5, t->bytes, 50); (void)value; }
FORM(memmove_small) { memmove(t->bytes + 2, t->bytes, 8); (void)value; }
FORM(memmove_variable) { memmove(t->bytes, t->bytes + 9, value % 60 + 1); }

FORM(overflow_add) { t->truth = __builtin_add_overflow(t->quad, value, &t->words[3]); }
FORM(overflow_sub) { (void)__builtin_sub_overflow(t->word, (uint32_t)value, &t->count); }
FORM(overflow_mul) { (void)__builtin_mul_overflow(t->quad, value | 3, &t->quad); }

FORM(atomic_store) { __atomic_store_n(&t->quad, value, __ATOMIC_RELEASE); }
FORM(atomic_store_sequential) { __atomic_store_n(&t->word, (uint32_t)value, __ATOMIC_SEQ_CST); }
FORM(atomic_exchange) { (void)__atomic_exchange_n(&t->quad, value, __ATOMIC_ACQ_REL); }
FORM(atomic_add) { __atomic_fetch_add(&t->word, 7, __ATOMIC_RELAXED); (void)value; }
FORM(atomic_or) { __atomic_or_fetch(&t->half, 0x101, __ATOMIC_RELAXED); __atomic_and_fetch(&t->half, 0xf1f7, __ATOMIC_RELAXED); (void)value; }
FORM(atomic_compare) { uint64_t seen = t->quad; (void)__atomic_compare_exchange_n(&t->quad, &seen, ~seen, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); (void)value; }
FORM(atomic_compare_expected) { (void)__atomic_compare_exchange_n(&t->words[5], &t->words[6], value, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); }
FORM(atomic_test_and_set) { (void)__atomic_test_and_set(&t->bytes[9], __ATOMIC_ACQUIRE); (void)value; }
FORM(atomic_clear) { t->byte = (uint8_t)value; __atomic_clear((_Bool *)&t->bytes[9], __ATOMIC_RELEASE); }
FORM(sync_builtins) { (void)__sync_fetch_and_add(&t->count, 3u); (void)__sync_lock_test_and_set(&t->word, (uint32_t)value); }

static __attribute__((noinline)) void words_take(uint64_t *to, int count, ...)
{
	__builtin_va_list list;

	__builtin_va_start(list, count);
	for (int i = 0; i < count; i++)
		to[i] = __builtin_va_arg(list, uint64_t);
	__builtin_va_end(list);
}
FORM(variable_arguments) { words_take(t->words, 3, value, value + 1, value + 2); }
static __attribute__((noinline)) void out_write(uint64_t *out, uint64_t value) { *out = value; }
FORM(out_parameter) { out_write(&t->quad, value); }
FORM(through_function_pointer) { void (*volatile write)(uint64_t *, uint64_t) = out_write; write(&t->words[7], value); }
FORM(pointer_to_pointer) { uint64_t *at = &t->words[4], **through = &at; **through = value; }
FORM(variable_length_row) { uint64_t (*row)[value % 4 + 2] = (void *)t->words; (*row)[1] = value; }
FORM(statement_expression) { ({ uint32_t *p = &t->word; *p = (uint32_t)value; }); }

#define ROW(name) { #name, name }
/* gcc 12 stores here without a word to the hook: the flag of test-and-set and of clear, and what a failed compare-exchange writes to
 * `expected`. The lint keeps them out of domains. */
#ifdef __clang__
#define ATOMICS_BY_CLANG ROW(atomic_test_and_set), ROW(atomic_clear), ROW(atomic_compare_expected),
#define ATOMICS_BY_GCC
#else
#define ATOMICS_BY_CLANG
#define ATOMICS_BY_GCC ROW(atomic_test_and_set), ROW(atomic_clear), ROW(atomic_compare_expected),
#endif
const struct form form_reported[] = {
	ROW(plain_byte), ROW(plain_half), ROW(plain_word), ROW(plain_quad), ROW(plain_128), ROW(plain_pointer), ROW(plain_bool),
	ROW(compound_assignment), ROW(increment), ROW(arithmetic_128), ROW(packed_unaligned), ROW(union_member), ROW(union_whole),
	ROW(volatile_store), ROW(cast_from_const), ROW(conditional_store), ROW(select_target), ROW(switch_store), ROW(neighbours_merged),
	ROW(indexed), ROW(flexible_array), ROW(loop_fill), ROW(loop_zero), ROW(loop_copy), ROW(walking_pointer), ROW(swap), ROW(restricted),
	ROW(bit_one), ROW(bits_three), ROW(bits_across), ROW(bits_wide), ROW(bits_structure), ROW(copy_small), ROW(copy_large),
	ROW(copy_element), ROW(copy_array_of_structures), ROW(literal_small), ROW(literal_zero), ROW(literal_partly), ROW(return_large),
	ROW(return_small), ROW(return_inlined), ROW(memcpy_3), ROW(memcpy_8), ROW(memcpy_16), ROW(memcpy_variable), ROW(memcpy_builtin),
	ROW(memset_8), ROW(memset_24), ROW(memset_variable), ROW(memset_structure), ROW(memmove_up), ROW(memmove_small), ROW(memmove_variable),
	ROW(overflow_add), ROW(overflow_sub), ROW(overflow_mul), ROW(atomic_store), ROW(atomic_store_sequential), ROW(atomic_exchange),
	ROW(atomic_add), ROW(atomic_or), ROW(atomic_compare), ROW(sync_builtins), ATOMICS_BY_CLANG
	ROW(variable_arguments), ROW(out_parameter), ROW(through_function_pointer), ROW(pointer_to_pointer), ROW(variable_length_row),
	ROW(statement_expression),
};
const uint32_t form_reported_count = sizeof(form_reported) / sizeof(form_reported[0]);

/* --- not reported ------------------------------------------------------------------------------------------------- */

FORM(assembly_output) { __asm__("movq %1, %0" : "=m"(t->quad) : "r"(value)); }
FORM(assembly_through_pointer) { __asm__ volatile("movq %1, (%0)" : : "r"(&t->quad), "r"(value) : "memory"); }
__attribute__((no_sanitize("kernel-address"))) static __attribute__((noinline)) void unhooked_function(struct target *t, uint64_t value) { t->quad = value; }
uint64_t form_global;
FORM(global_at_constant_address) { (void)t; form_global = value; }
static __thread uint64_t form_thread_local;
FORM(thread_local_variable) { (void)t; form_thread_local = value; form_global = form_thread_local + 1; }

const struct form form_unreported[] = {
	ATOMICS_BY_GCC ROW(assembly_output), ROW(assembly_through_pointer), ROW(unhooked_function), ROW(global_at_constant_address), ROW(thread_local_variable),
};
const uint32_t form_unreported_count = sizeof(form_unreported) / sizeof(form_unreported[0]);
