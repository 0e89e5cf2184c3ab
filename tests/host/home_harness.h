/* What the tests of home schemas share: a domain with two tables of records, stores and commits. */
#ifndef HOME_HARNESS_H
#define HOME_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tsm/transaction.h"
#include "tsm/region_control.h"
#include "fault/log.h"

struct item {
	uint8_t state; /* live */
	uint8_t mode;  /* in 2..5 */
	int16_t level; /* in -3..3 */
	uint32_t next; /* ref item from 1 */
	uint64_t head, tail; /* head ahead of tail by 100; tail monotonic */
	uint32_t slot[6];    /* index of leaf, optional */
	uint32_t flags;      /* bits 0x11 */
	uint32_t free;       /* no rule */
	uint64_t pointer;    /* to leaf, optional */
};
struct leaf {
	uint32_t kind; /* enum (0, 4, 9) */
	uint32_t reserved;
};
enum { ITEMS = 100, LEAVES = 40, PAGES = 8, ITEM_AT = 4096 - 3 * (int)sizeof(struct item) / 2 / 8 * 8, LEAF_AT = 20000 };
#define BYTES (PAGES * ZOG_PAGE_SIZE)

static const uint64_t kinds[] = { 0, 4, 9 };
static struct home_rule item_rule[] = {
	{ .field = "state", .rule = ZOG_RULE_LIVE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, state) },
	{ .field = "state", .rule = ZOG_RULE_RANGE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, state), .last = 2 },
	{ .field = "mode", .rule = ZOG_RULE_RANGE, .bytes = 1, .stride = 1, .repeat = 1, .offset = offsetof(struct item, mode), .first = 2, .last = 5 },
	{ .field = "level", .rule = ZOG_RULE_RANGE, .bytes = 2, .stride = 2, .repeat = 1, .offset = offsetof(struct item, level), .is_signed = 1,
	  .first = (uint64_t)-3, .last = 3 },
	{ .field = "next", .rule = ZOG_RULE_REF, .bytes = 4, .stride = 4, .repeat = 1, .offset = offsetof(struct item, next), .target = 0, .first = 1,
	  .last = 1, .has_none = 1, .needs_live = 1 },
	{ .field = "head", .rule = ZOG_RULE_AHEAD, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, head),
	  .target = offsetof(struct item, tail), .last = 100 },
	{ .field = "tail", .rule = ZOG_RULE_MONOTONIC, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, tail) },
	{ .field = "slot[]", .rule = ZOG_RULE_REF, .bytes = 4, .stride = 4, .repeat = 6, .offset = offsetof(struct item, slot), .target = 1, .last = 1,
	  .has_none = 1, .none = UINT32_MAX },
	{ .field = "flags", .rule = ZOG_RULE_BITS, .bytes = 4, .stride = 4, .repeat = 1, .offset = offsetof(struct item, flags), .last = 0x11 },
	{ .field = "pointer", .rule = ZOG_RULE_REF, .bytes = 8, .stride = 8, .repeat = 1, .offset = offsetof(struct item, pointer), .target = 1,
	  .first = ZOG_HOME_BASE + LEAF_AT, .last = sizeof(struct leaf), .has_none = 1 },
};
static const struct home_rule leaf_rule[] = {
	{ .field = "kind", .rule = ZOG_RULE_ENUM, .bytes = 4, .stride = 4, .repeat = 1, .value = kinds, .value_count = 3 },
};
#define RULES (sizeof(item_rule) / sizeof(item_rule[0]))
static struct home_table table[] = {
	{ "item", ITEM_AT, sizeof(struct item), ITEMS, RULES, ITEM_AT + sizeof(struct item) * ITEMS, 0, item_rule,
	  offsetof(struct item, state), 1, 1 },
	{ "leaf", LEAF_AT, sizeof(struct leaf), LEAVES, 1, LEAF_AT + sizeof(struct leaf) * LEAVES, 0, leaf_rule, 0, 0, 1 },
};
static struct home_schema schema = { ITEM_AT, LEAF_AT + LEAVES * sizeof(struct leaf), 2, table };

static struct domain domain;
static struct cpu cpu;
static struct domain_desc desc = { .name = "test" };
static uint8_t live[BYTES] __attribute__((aligned(4096))), committed[BYTES] __attribute__((aligned(4096))), valid[PAGES];
static struct zog_txn *txn;
static char logged[256];

/* What the core makes of the schema at boot. */
static uint8_t boot_room[32768] __attribute__((aligned(16)));
static uint64_t boot_used;

void *boot_pointer(uint64_t bytes)
{
	uint8_t *at = boot_room + boot_used;

	boot_used += (bytes + 15) & ~15ul;
	assert_true(boot_used <= sizeof(boot_room));
	memset(at, 0, bytes);
	return at;
}

bool operations_take(struct cpu *of, struct domain *by, uint32_t count) { return (void)of, (void)by, (void)count, true; }
bool operations_decode(struct cpu *of, struct domain *by, uint32_t count) { return (void)of, (void)by, (void)count, true; }
void operations_apply(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; }
void region_straight_resume(struct cpu *of, struct domain *by) { (void)of, (void)by; }
void operations_finish(struct cpu *of, struct domain *by, uint32_t count) { (void)of, (void)by, (void)count; }
void operation_skip(struct cpu *of, struct domain *by) { (void)of, (void)by; }

void log_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(logged, sizeof(logged), format, arguments);
	va_end(arguments);
}

static struct item *item(uint32_t index) { return (struct item *)(live + ITEM_AT) + index; }
static struct leaf *leaf(uint32_t index) { return (struct leaf *)(live + LEAF_AT) + index; }

static void note(const void *at, size_t size)
{
	txn->range[txn->range_count++] = (struct zog_range){ (uint32_t)((const uint8_t *)at - live), (uint32_t)size };
}
#define SET(place, value) ((place) = (value), note(&(place), sizeof(place)))

static bool commit(void)
{
	domain.finding.rule = NULL;
	bool is_done = transaction_commit(&cpu, &domain);
	if (!is_done)
		transaction_abort(&domain);
	return is_done;
}

static void item_make(uint32_t index)
{
	*item(index) = (struct item){ .state = 1, .mode = 2 };
	memset(item(index)->slot, 0xff, sizeof(item(index)->slot));
	note(item(index), sizeof(struct item));
	assert_true(commit());
}

static int setup(void **state)
{
	(void)state;
	txn = calloc(1, sizeof(*txn));
	domain = (struct domain){ .desc = &desc, .txn = txn, .home_live = live, .home_committed = committed, .home_bytes = BYTES,
				  .home_valid = valid, .schema = &schema };
	boot_used = 0;
	home_schema_build(&domain);
	memcpy(domain.home_look, domain.rule_map, BYTES / HOME_MAP_BYTES / 8);
	memset(live, 0, BYTES);
	memset(committed, 0, BYTES);
	memset(valid, 1, sizeof(valid));
	logged[0] = 0;
	item_make(3);
	item_make(7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(txn);
	return 0;
}

#define PASSES(field, value) (SET(item(3)->field, value), assert_true(commit()))

#endif
