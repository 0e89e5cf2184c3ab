/* Runs the corpus over the real store hook (lib/rt/hook.c, lib/rt/memory.c), on a stack and a home region at their real
 * addresses, and compares what changed with what was logged. Prints `ok FORM` or `FAIL FORM reason`.
 *
 * Each form runs over random memory and over its complement, with several values: a byte that is stored differs from
 * what was there in one of the two. This file, and the C library, have no hook; the objects under test call their own memcpy. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "rt/rt.h"
#include "forms.h"

#define HOME_BYTES 0x4000u
#define TARGET_OFFSET 0x1340u
#define ROUNDS 16u

static uint8_t *const live = (uint8_t *)ZOG_HOME_BASE;
static struct zog_txn *const txn = (struct zog_txn *)ZOG_TXN_BASE;
static uint8_t before[HOME_BYTES], logged[HOME_BYTES];
static ucontext_t main_context, form_context;
static const struct form *running;
static uint64_t running_value, hook_calls;
static int failures;
static jmp_buf refused;
static int is_refusal_wanted;

_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	if (is_refusal_wanted)
		longjmp(refused, cause == ZOG_CAUSE_STORE ? 1 : 2);
	printf("FAIL %s the hook refuses a store: cause %u, 0x%lx, %lu bytes\n", running ? running->name : "none", cause, detail1, detail2);
	exit(1);
}

/* Calls of the compiler's hooks from the corpus, counted on their way to the real ones (linked with --wrap). */
#define COUNTED(name) \
	void __real___asan_store##name##_noabort(uint64_t address); \
	void __wrap___asan_store##name##_noabort(uint64_t address); \
	void __wrap___asan_store##name##_noabort(uint64_t address) { hook_calls++; __real___asan_store##name##_noabort(address); }
COUNTED(1) COUNTED(2) COUNTED(4) COUNTED(8) COUNTED(16)
void __real___asan_storeN_noabort(uint64_t address, uint64_t size);
void __wrap___asan_storeN_noabort(uint64_t address, uint64_t size);
void __wrap___asan_storeN_noabort(uint64_t address, uint64_t size) { hook_calls++; __real___asan_storeN_noabort(address, size); }

static void map(uint64_t address, size_t bytes)
{
	if (mmap((void *)address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)address) {
		perror("FAIL harness mmap");
		exit(1);
	}
}

static void form_enter(void)
{
	running->store((struct target *)(live + TARGET_OFFSET), running_value);
}

static void form_run(const struct form *form, uint8_t fill, uint64_t value)
{
	for (uint32_t at = 0; at < HOME_BYTES; at++)
		live[at] = before[at] = (uint8_t)((at * 2654435761u >> 13) ^ fill);
	txn->range_count = txn->is_page_mode = 0;
	running = form;
	running_value = value;
	getcontext(&form_context);
	form_context.uc_stack.ss_sp = (void *)(ZOG_STACK_BASE + ZOG_STACK_STRIDE - ZOG_STACK_SIZE);
	form_context.uc_stack.ss_size = ZOG_STACK_SIZE;
	form_context.uc_link = &main_context;
	makecontext(&form_context, form_enter, 0);
	swapcontext(&main_context, &form_context);
	memset(logged, 0, sizeof(logged));
	for (uint32_t i = 0; i < txn->range_count; i++)
		memset(logged + txn->range[i].offset, 1, txn->range[i].length);
}

/* Bytes that changed, and those of them that no range names. */
static void changes_count(uint32_t *changed, uint32_t *escaped)
{
	for (uint32_t at = 0; at < HOME_BYTES; at++) {
		*changed += live[at] != before[at];
		*escaped += live[at] != before[at] && !logged[at];
	}
}

static void form_all_rounds(const struct form *form, uint32_t *changed, uint32_t *escaped)
{
	uint64_t value = 0x9e3779b97f4a7c15ul;

	*changed = *escaped = 0;
	hook_calls = 0;
	for (uint32_t round = 0; round < ROUNDS; round++, value = value * 6364136223846793005ul + 1442695040888963407ul) {
		form_run(form, round & 1 ? 0xff : 0, value >> 7);
		changes_count(changed, escaped);
	}
}

static void verdict(const char *prefix, const char *name, const char *wrong)
{
	if (wrong == NULL)
		printf("ok %s%s\n", prefix, name);
	else
		printf("FAIL %s%s %s\n", prefix, name, wrong);
	failures += wrong != NULL;
}

static void reported_check(const struct form *form)
{
	char text[100];
	uint32_t changed, escaped;

	form_all_rounds(form, &changed, &escaped);
	snprintf(text, sizeof(text), "%u of %u changed bytes are not in the log", escaped, changed);
	verdict("", form->name, changed == 0 ? "changes nothing" : escaped ? text : NULL);
}

/* These show that the rules and the lint are needed: what they store passes the hook by. */
static void unreported_check(const struct form *form)
{
	uint64_t global_before = form_global;
	uint32_t changed, escaped;

	form_all_rounds(form, &changed, &escaped);
	int is_reported = changed != 0 ? escaped == 0 : hook_calls != 0; /* a global is in no region: the hook was not called */
	int has_stored = changed != 0 || form_global != global_before;
	verdict("unreported_", form->name, !has_stored ? "changes nothing" : is_reported ? "is reported: strike it from the list" : NULL);
}

/* --- the hook itself, where its straight way ends --- */

typedef void one_width(uint64_t address);
void __asan_store1_noabort(uint64_t address);
void __asan_store2_noabort(uint64_t address);
void __asan_store4_noabort(uint64_t address);
void __asan_store8_noabort(uint64_t address);
void __asan_store16_noabort(uint64_t address);
static one_width *const widths[] = { __asan_store1_noabort, __asan_store2_noabort, __asan_store4_noabort, __asan_store8_noabort,
				     __asan_store16_noabort };
enum { WIDTHS = sizeof(widths) / sizeof(widths[0]) };

/* By the hook of that width, or as a range where there is none. */
static void report(uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < WIDTHS; i++)
		if (size == 1ul << i) {
			widths[i](address);
			return;
		}
	rt_store(address, size);
}

/* 1: refused as a stray store. */
static int report_is_refused(uint64_t address, uint64_t size, int as_range)
{
	int result;

	txn->range_count = txn->is_page_mode = 0;
	is_refusal_wanted = 1;
	result = setjmp(refused);
	if (result == 0) {
		if (as_range)
			rt_store(address, size);
		else
			report(address, size);
	}
	is_refusal_wanted = 0;
	return result;
}

extern uint8_t rt_data_start[], rt_data_end[];

static const char *edges_wrong(void)
{
	static const uint64_t sizes[] = { 1, 2, 3, 4, 8, 16, 24, 4096, HOME_BYTES };

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int as_range = 0; as_range < 2; as_range++) {
			uint64_t last = ZOG_HOME_BASE + HOME_BYTES - sizes[i];

			if (report_is_refused(last, sizes[i], as_range) || txn->range_count != 1 || txn->range[0].offset != last - ZOG_HOME_BASE ||
			    txn->range[0].length != sizes[i])
				return "the last bytes of the region are not logged as they are";
			if (report_is_refused(last + 1, sizes[i], as_range) != 1 || txn->range_count != 0)
				return "a store over the region's end passes";
			if (report_is_refused(ZOG_HOME_BASE - 1, sizes[i], as_range) != 1 || txn->range_count != 0)
				return "a store before the region passes";
			if (report_is_refused((uint64_t)(rt_data_end - sizes[i]), sizes[i], as_range) || txn->range_count != 0)
				return "a store to the own data does not simply pass";
			if (report_is_refused((uint64_t)(rt_data_end - sizes[i] + 1), sizes[i], as_range) != 1 ||
			    report_is_refused((uint64_t)(rt_data_start - 1), sizes[i], as_range) != 1)
				return "a store over the edge of the own data passes";
			if (report_is_refused(ZOG_STACK_BASE + 4096, sizes[i], as_range) || txn->range_count != 0)
				return "a store to the stack does not simply pass";
		}
	return NULL;
}

static const char *sizes_wrong(void)
{
	if (report_is_refused(ZOG_HOME_BASE + 64, 0, 1) || txn->range_count != 0)
		return "nothing stored is logged";
	if (report_is_refused(ZOG_HOME_BASE + 64, HOME_BYTES, 1) != 1 || report_is_refused(ZOG_HOME_BASE, 1ul << 32, 1) != 1 ||
	    report_is_refused(ZOG_HOME_BASE + 64, (uint64_t)-32, 1) != 1 || report_is_refused(ZOG_HOME_BASE, (1ul << 32) + 8, 1) != 1)
		return "a size beyond the region passes";
	return NULL;
}

/* With a full log whole pages are noted, and every store still is. */
static const char *full_log_wrong(void)
{
	for (uint32_t i = 0; i <= WIDTHS; i++) {
		uint64_t size = i < WIDTHS ? 1ul << i : 5000, offset = 2 * ZOG_PAGE_SIZE + 32;

		txn->range_count = ZOG_TXN_RANGE_MAX;
		txn->is_page_mode = 0;
		txn->range[ZOG_TXN_RANGE_MAX - 1] = (struct zog_range){ 0, 8 };
		report(ZOG_HOME_BASE + offset, size);
		if (txn->range_count != ZOG_TXN_RANGE_MAX || !txn->is_page_mode || !(txn->dirty_page[0] & 4))
			return "a store is lost when the log is full";
		if (!(txn->dirty_page[0] & 8) != (size <= ZOG_PAGE_SIZE))
			return "not the pages of the store are noted";
	}
	return NULL;
}

static const char *words_add_wrong(void)
{
	uint32_t *words = (uint32_t *)(void *)(live + 64);

	txn->range_count = txn->is_page_mode = 0;
	for (uint32_t i = 0; i < 5; i++)
		words[i] = i;
	rt_words_add(words + 1, 3, (uint32_t)-1);
	if (words[0] != 0 || words[1] != 0 || words[2] != 1 || words[3] != 2 || words[4] != 4)
		return "adds wrongly";
	return txn->range_count == 1 && txn->range[0].offset == 68 && txn->range[0].length == 12 ? NULL : "logs wrongly";
}

void *domain_memcpy(void *to, const void *from, size_t size);
void *domain_memmove(void *to, const void *from, size_t size);
void *domain_memset(void *to, int byte, size_t size);

/* The domain's own copies against the C library's, at all small sizes and alignments, and overlapping both ways. */
static const char *copies_wrong(void)
{
	static uint8_t want[1024], source[1024];

	for (uint32_t at = 0; at < sizeof(source); at++)
		source[at] = (uint8_t)(at * 167 + 13);
	for (uint32_t size = 0; size < 300; size++)
		for (uint32_t to = 300; to < 316; to++)
			for (uint32_t from = 290; from < 330; from += 3) {
				memcpy(live, source, sizeof(source));
				memcpy(want, source, sizeof(source));
				txn->range_count = 0;
				if (domain_memmove(live + to, live + from, size) != live + to || memcmp(live, (memmove(want + to, want + from, size), want), sizeof(want)) != 0)
					return "memmove moves wrongly";
				if (txn->range_count != (size != 0) || (size && (txn->range[0].offset != to || txn->range[0].length != size)))
					return "memmove logs wrongly";
				if (domain_memcpy(live + to, source + from, size) != live + to || memcmp(live, (memcpy(want + to, source + from, size), want), sizeof(want)) != 0)
					return "memcpy copies wrongly";
				if (domain_memset(live + to, (int)from, size) != live + to || memcmp(live, (memset(want + to, (int)from, size), want), sizeof(want)) != 0)
					return "memset fills wrongly";
			}
	return NULL;
}

int main(void)
{
	map(ZOG_HOME_BASE, HOME_BYTES);
	map(ZOG_TXN_BASE, sizeof(*txn));
	map(ZOG_STACK_BASE + ZOG_STACK_STRIDE - ZOG_STACK_SIZE, ZOG_STACK_SIZE);
	map(ZOG_DOMAIN_INFO_BASE, ZOG_PAGE_SIZE);
	((struct zog_domain_info *)ZOG_DOMAIN_INFO_BASE)->home_bytes = HOME_BYTES;
	for (uint32_t i = 0; i < form_reported_count; i++)
		reported_check(&form_reported[i]);
	for (uint32_t i = 0; i < form_unreported_count; i++)
		unreported_check(&form_unreported[i]);
	running = NULL;
	verdict("", "region_edges", edges_wrong());
	verdict("", "odd_sizes", sizes_wrong());
	verdict("", "full_log", full_log_wrong());
	verdict("", "words_add", words_add_wrong());
	verdict("", "copies", copies_wrong());
	return failures != 0;
}
