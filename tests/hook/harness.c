/* Runs the corpus over the real store hook (lib/rt/hook.c, lib/rt/memory.c), on a stack and a home region at their real
 * addresses, and compares what changed with what was logged. Prints `ok FORM` or `FAIL FORM reason`.
 *
 * Each form runs over random memory and over its complement, with several values: a byte that is stored differs from
 * what was there in one of the two. This file, and the C library, have no hook; the objects under test call their own memcpy. */
#define _GNU_SOURCE
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

_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
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
	return failures != 0;
}
