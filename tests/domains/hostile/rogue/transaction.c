/* What is written straight into the transaction page: ranges that are not the home region's, counts that cannot be,
 * and staged operations without the right to them. */
#include "rogue.h"

#define OWN_PORT 0x80ul /* the port that rogue does hold */
#define PORT_WORDS(data, status, mask) ((data) | (uint64_t)(status) << 16 | (uint64_t)(mask) << 32)

#define LAST_PAGE (HOME_BYTES - ZOG_PAGE_SIZE)

/* word: offset, length of one range */
static zog_status_t commit_range(const struct attempt *attempt)
{
	struct zog_txn *txn = transaction();

	txn->range[0] = (struct zog_range){ (uint32_t)attempt->word[0], (uint32_t)attempt->word[1] };
	txn->range_count = 1;
	return commit_raw();
}

/* word: range_count, op_count as they stand in the page */
static zog_status_t commit_counts(const struct attempt *attempt)
{
	struct zog_txn *txn = transaction();

	txn->range_count = (uint32_t)attempt->word[0];
	txn->op_count = (uint32_t)attempt->word[1];
	return commit_raw();
}

/* word: range_count. An abort that is asked to copy what no log can hold. */
static zog_status_t abort_counts(const struct attempt *attempt)
{
	struct home *home = rt_home();
	uint64_t rdx = 0;

	home->is_told = 7;
	transaction()->range_count = (uint32_t)attempt->word[0];
	zog_status_t status = core_raw(ZOG_CORE_ABORT, 0, 0, &rdx, 0, 0);
	if (status != ZOG_OK)
		return status;
	return home->is_told == 0 ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

/* word: offset, length of a range behind an honest one. All that was stored goes back, and nothing else is touched. */
static zog_status_t abort_range(const struct attempt *attempt)
{
	struct home *home = rt_home();
	struct zog_txn *txn = transaction();
	uint64_t rdx = 0;

	home->is_told = 7;
	txn->range[txn->range_count++] = (struct zog_range){ (uint32_t)attempt->word[0], (uint32_t)attempt->word[1] };
	zog_status_t status = core_raw(ZOG_CORE_ABORT, 0, 0, &rdx, 0, 0);
	if (status != ZOG_OK)
		return status;
	const volatile uint64_t *last = (const uint64_t *)(ZOG_HOME_BASE + LAST_PAGE);
	return home->is_told == 0 && txn->range_count == 0 && *last == 0 ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

/* The whole region, thousands of times: more than any invocation can have stored. */
static zog_status_t commit_too_much(const struct attempt *attempt)
{
	struct zog_txn *txn = transaction();

	(void)attempt;
	rt_home_touch(rt_home(), HOME_BYTES);
	for (uint32_t i = 0; i < ZOG_TXN_RANGE_MAX; i++)
		txn->range[i] = (struct zog_range){ 0, HOME_BYTES };
	txn->range_count = ZOG_TXN_RANGE_MAX;
	return commit_raw();
}

/* Uncommitted bytes in a page that later incarnations leave alone. */
static zog_status_t leave_bytes(const struct attempt *attempt)
{
	(void)attempt;
	*(volatile uint64_t *)(ZOG_HOME_BASE + LAST_PAGE) = 0x6b636f67ul;
	__asm__ volatile("ud2");
	return OUTCOME_DONE;
}

/* Pages that were never touched, whole: the dead incarnation's bytes must not become committed ones. */
static zog_status_t commit_untouched_pages(const struct attempt *attempt)
{
	struct zog_txn *txn = transaction();
	const volatile uint64_t *page = (const uint64_t *)(ZOG_HOME_BASE + LAST_PAGE);

	(void)attempt;
	memset(txn->dirty_page, 0xff, sizeof(txn->dirty_page));
	txn->is_page_mode = 1;
	zog_status_t status = commit_raw();
	if (status != ZOG_OK)
		return status;
	return page[0] == 0 ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

/* word: code, slot, words */
static zog_status_t commit_operation(const struct attempt *attempt)
{
	const uint64_t *word = attempt->word;

	rt_stage((uint32_t)word[0], (uint32_t)word[1], word[2], word[3], word[4], word[5], 0);
	return commit_raw();
}

/* An operation that is allowed, and behind it one that is not: neither may take effect. */
static zog_status_t commit_good_and_bad(const struct attempt *attempt)
{
	rt_notify(EVENT_NEVER, 0);
	return commit_operation(attempt);
}

static zog_status_t stage_too_many(const struct attempt *attempt)
{
	(void)attempt;
	for (uint32_t i = 0; i <= ZOG_TXN_OP_MAX; i++)
		rt_notify(EVENT_NEVER, 0);
	return commit_raw();
}

/* Operations that were staged before the abort are gone. */
static zog_status_t abort_operation(const struct attempt *attempt)
{
	uint64_t before = rt_event_count(EVENT_NEVER);

	(void)attempt;
	rt_notify(EVENT_NEVER, 0);
	rt_abort();
	commit_raw();
	return rt_event_count(EVENT_NEVER) == before ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

const struct attempt attempts_transaction[] = {
	{ "leave_bytes", leave_bytes, { 0 } },
	{ "commit_untouched_page", commit_range, { LAST_PAGE, 8 } },
	{ "commit_untouched_pages", commit_untouched_pages, { 0 } },
	{ "commit_behind_home", commit_range, { HOME_BYTES, 8 } },
	{ "commit_over_the_end", commit_range, { HOME_BYTES - 4, 8 } },
	{ "commit_wrapping", commit_range, { 0xfffffff8, 16 } },
	{ "commit_huge_length", commit_range, { 0, 0xffffffff } },
	{ "commit_huge_range_count", commit_counts, { 0xffffffff, 0 } },
	{ "commit_range_count_over", commit_counts, { ZOG_TXN_RANGE_MAX + 1, 0 } },
	{ "commit_huge_operation_count", commit_counts, { 0, 0xffffffff } },
	{ "commit_operation_count_over", commit_counts, { 0, ZOG_TXN_OP_MAX + 1 } },
	{ "commit_empty_operation", commit_counts, { 0, 1 } },
	{ "commit_too_much", commit_too_much, { 0 } },
	{ "abort_huge_range_count", abort_counts, { 0xffffffff } },
	{ "abort_untouched_page", abort_range, { LAST_PAGE, 8 } },
	{ "abort_behind_home", abort_range, { HOME_BYTES, 8 } },
	{ "abort_over_the_end", abort_range, { HOME_BYTES - 4, 8 } },
	{ "abort_wrapping", abort_range, { 0xfffffff8, 16 } },
	{ "abort_huge_length", abort_range, { 0, 0xffffffff } },
	{ "abort_operation", abort_operation, { 0 } },
	{ "stage_too_many", stage_too_many, { 0 } },
	{ "stage_unknown", commit_operation, { ZOG_OP_CODE_COUNT } },
	{ "stage_huge_code", commit_operation, { 0xffffffff } },
	{ "stage_notify_absent", commit_operation, { ZOG_OP_NOTIFY, 1000, 0 } },
	{ "stage_notify_of_other", commit_operation, { ZOG_OP_NOTIFY, WAIT_CONSOLE_INPUT, 0 } },
	{ "stage_good_and_bad", commit_good_and_bad, { ZOG_OP_POWER_OFF, 0, 0 } },
	{ "stage_space_create", commit_operation, { ZOG_OP_SPACE_CREATE, 200 } },
	{ "stage_space_destroy", commit_operation, { ZOG_OP_SPACE_DESTROY, 0 } },
	{ "stage_map", commit_operation, { ZOG_OP_MAP, 0, 0x400000, 0x8000, ZOG_MAP_READ | ZOG_MAP_WRITE } },
	{ "stage_map_own_space", commit_operation, { ZOG_OP_MAP, ZOG_SELF, 0x400000, 0x8000, ZOG_MAP_READ } },
	{ "stage_map_core_frame", commit_operation, { ZOG_OP_MAP, 0, 0x400000, 0x200, ZOG_MAP_READ | ZOG_MAP_WRITE } },
	{ "stage_map_core_half", commit_operation, { ZOG_OP_MAP, 0, 0xffffffff80200000ul, 0x8000, ZOG_MAP_READ } },
	{ "stage_unmap", commit_operation, { ZOG_OP_UNMAP, 0, 0x400000, 1ul << 35 } },
	{ "stage_protect", commit_operation, { ZOG_OP_PROTECT, 0, 0x400000, 1, ZOG_MAP_READ | ZOG_MAP_WRITE | ZOG_MAP_EXECUTE } },
	{ "stage_clone", commit_operation, { ZOG_OP_CLONE_RANGE, 0, 1, 0x400000, 512 } },
	{ "stage_thread_create", commit_operation, { ZOG_OP_THREAD_CREATE, 100, 0, ZOG_HEAP_BASE, ZOG_SELF } },
	{ "stage_thread_destroy", commit_operation, { ZOG_OP_THREAD_DESTROY, 0 } },
	{ "stage_thread_destroy_self", commit_operation, { ZOG_OP_THREAD_DESTROY, ZOG_SELF } },
	{ "stage_thread_registers", commit_operation, { ZOG_OP_THREAD_REGS, 0, ZOG_HEAP_BASE } },
	{ "stage_thread_wake", commit_operation, { ZOG_OP_THREAD_WAKE, 0 } },
	{ "stage_thread_space", commit_operation, { ZOG_OP_THREAD_SPACE, ZOG_SELF, 0 } },
	{ "stage_thread_vector_reset", commit_operation, { ZOG_OP_THREAD_XSTATE_RESET, 0 } },
	{ "stage_grant_frame_of_other", commit_operation, { ZOG_OP_FRAME_GRANT, 0, 0x8000, 1, SELF_DOMAIN } },
	{ "stage_grant_core_frame", commit_operation, { ZOG_OP_FRAME_GRANT, 0, 0x200, 1, SELF_DOMAIN } },
	{ "stage_grant_wrapping", commit_operation, { ZOG_OP_FRAME_GRANT, 0, 0x8000, UINT64_MAX, SELF_DOMAIN } },
	{ "stage_zero_frame_of_other", commit_operation, { ZOG_OP_FRAME_ZERO, 0, 0x8000 } },
	{ "stage_zero_frame_beyond", commit_operation, { ZOG_OP_FRAME_ZERO, 0, UINT64_MAX } },
	{ "stage_port_out_by_entry", commit_operation, { ZOG_OP_PORT_OUT, CAP_CLOCK, PORT_WORDS(OWN_PORT, OWN_PORT, 0xff), 0, 8, 0 } },
	{ "stage_port_out_other_port", commit_operation, { ZOG_OP_PORT_OUT, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(0x3f8, OWN_PORT, 0xff), 0, 8, 0 } },
	{ "stage_port_out_other_status", commit_operation, { ZOG_OP_PORT_OUT, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(OWN_PORT, 0x3fd, 0xff), 0, 8, 0 } },
	{ "stage_port_out_behind_home", commit_operation,
	  { ZOG_OP_PORT_OUT, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(OWN_PORT, OWN_PORT, 0), HOME_BYTES - 4, 8, 0 } },
	{ "stage_port_out_counter_outside", commit_operation,
	  { ZOG_OP_PORT_OUT, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(OWN_PORT, OWN_PORT, 0), 0, 8, HOME_BYTES } },
	{ "stage_port_out_counter_odd", commit_operation, { ZOG_OP_PORT_OUT, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(OWN_PORT, OWN_PORT, 0), 0, 8, 4 } },
	{ "stage_port_in_wrapping", commit_operation,
	  { ZOG_OP_PORT_IN, CAP_PORTS_DIAGNOSTIC, PORT_WORDS(OWN_PORT, OWN_PORT, 0), UINT64_MAX - 3, 8, 0 } },
	{ "stage_device_attach", commit_operation, { ZOG_OP_DEVICE_ATTACH, CAP_CLOCK, SELF_DOMAIN, 0, 0xfebd0000, 0x1000 } },
	{ "stage_device_attach_memory", commit_operation, { ZOG_OP_DEVICE_ATTACH, 0, SELF_DOMAIN, 0, 0x100000, 0x1000 } },
	{ "stage_device_attach_huge", commit_operation, { ZOG_OP_DEVICE_ATTACH, 0, SELF_DOMAIN, 0, 1ul << 46, 1ul << 62 } },
	{ "stage_device_resumed", commit_operation, { ZOG_OP_DEVICE_RESUMED, 0, DOMAIN_VIRTIO_BLK } },
	{ "stage_kill", commit_operation, { ZOG_OP_DOMAIN_CONTROL, 0, DOMAIN_EXT4, ZOG_CONTROL_KILL } },
	{ "stage_kill_after", commit_operation, { ZOG_OP_DOMAIN_CONTROL, 0, DOMAIN_EXT4, ZOG_CONTROL_KILL, 7 } },
	{ "stage_hang", commit_operation, { ZOG_OP_DOMAIN_CONTROL, 0, DOMAIN_EXT4, ZOG_CONTROL_HANG } },
	{ "stage_corrupt", commit_operation, { ZOG_OP_DOMAIN_CONTROL, 0, DOMAIN_EXT4, ZOG_CONTROL_CORRUPT, 7 } },
	{ "stage_corrupt_by_port", commit_operation, { ZOG_OP_DOMAIN_CONTROL, CAP_PORTS_DIAGNOSTIC, DOMAIN_EXT4, ZOG_CONTROL_CORRUPT, 7 } },
	{ "stage_kill_by_port", commit_operation, { ZOG_OP_DOMAIN_CONTROL, CAP_PORTS_DIAGNOSTIC, DOMAIN_LINUX, ZOG_CONTROL_KILL } },
	{ "stage_power_off", commit_operation, { ZOG_OP_POWER_OFF, 0, 0 } },
	{ "stage_update", commit_operation, { ZOG_OP_UPDATE, 0, DOMAIN_SUPERVISOR } },
	{ "stage_schedule", commit_operation, { ZOG_OP_SCHEDULE, 0, 1000000000 } },
};
const uint32_t attempts_transaction_count = sizeof(attempts_transaction) / sizeof(attempts_transaction[0]);
