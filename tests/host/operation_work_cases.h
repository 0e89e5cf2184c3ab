/* How much one transaction may ask for, and what is done ahead of it. Part of test_core_operation.c. */
#ifndef OPERATION_WORK_CASES_H
#define OPERATION_WORK_CASES_H

static void expect_work(uint32_t code, uint32_t word, uint64_t good)
{
	struct zog_op op = { .code = code };

	op.word[word] = good;
	assert_true(operations_work(&op, 1) <= ZOG_TXN_WORK_MAX);
	op.word[word]++;
	assert_true(operations_work(&op, 1) > ZOG_TXN_WORK_MAX);
	op.word[word] = UINT64_MAX;
	assert_true(operations_work(&op, 1) > ZOG_TXN_WORK_MAX);
}

static void a_transaction_asks_for_so_much_and_no_more(void **state)
{
	static struct zog_op op[ZOG_TXN_OP_MAX];

	(void)state;
	expect_work(ZOG_OP_FRAME_GRANT, 1, ZOG_TXN_WORK_MAX - 8);
	expect_work(ZOG_OP_CLONE_RANGE, 2, ZOG_TXN_WORK_MAX / 2 - 4);
	expect_work(ZOG_OP_PORT_OUT, 2, ZOG_TXN_WORK_MAX / 16 - 1);
	expect_work(ZOG_OP_PORT_IN, 2, ZOG_TXN_WORK_MAX / 16 - 1);
	for (uint32_t i = 0; i < ZOG_TXN_OP_MAX; i++)
		op[i] = (struct zog_op){ ZOG_OP_FRAME_ZERO, 0, { F } };
	assert_true(decode(op, ZOG_TXN_OP_MAX));
	op[7] = (struct zog_op){ ZOG_OP_UNMAP, 0, { 0, 100 } };
	assert_false(decode(op, ZOG_TXN_OP_MAX));
	for (uint32_t i = 0; i < 4; i++)
		op[i] = (struct zog_op){ ZOG_OP_UNMAP, 0, { 0, 4000 } };
	assert_true(decode(op, 4));
	op[4] = op[0];
	assert_false(decode(op, 5));
	BAD(GRANT(0, ZOG_TXN_WORK_MAX));
	BAD({ ZOG_OP_PROTECT, 0, { 0, ZOG_TXN_WORK_MAX } });
}

static void pages_map(uint64_t first, uint64_t step, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_true(space_map(&spaces[0], first + i * step, F, ZOG_MAP_READ));
}

/* Page tables go before the transaction, some at a time; what is left of the range is little. */
static void much_is_taken_in_pieces(void **state)
{
	const uint64_t first = 0x40000000ul, table = 1ul << 21;

	(void)state;
	pages_map(first - ZOG_PAGE_SIZE, table, 1);
	pages_map(first, table, 100);
	pages_map(first + 100 * table, ZOG_PAGE_SIZE, 2);
	GOOD({ ZOG_OP_UNMAP, 0, { first, 100 * 512 + 1 } });
	assert_in_range(repeats, 4, 5);
	operations_apply(cpu, personality, 1);
	assert_int_equal(frames[F].map_count, 2);
	assert_non_null(table_walk(spaces[0].cr3, first - ZOG_PAGE_SIZE));
	assert_null(table_walk(spaces[0].cr3, first + 99 * table));
	assert_true(*table_walk(spaces[0].cr3, first + 100 * table + ZOG_PAGE_SIZE) & PTE_PRESENT);

	pages_map(first, table, 300);
	GOOD(DESTROY(0));
	assert_in_range(repeats, 8, 10);
	operations_apply(cpu, personality, 1);
	assert_int_equal(frames[F].map_count, 0);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

/* A range that is small, or holds little, is left to the transaction. */
static void little_is_not_taken_before(void **state)
{
	(void)state;
	pages_map(A, ZOG_PAGE_SIZE, 1500);
	GOOD({ ZOG_OP_UNMAP, 0, { A, ZOG_TXN_UNMAP_PAGES } });
	assert_int_equal(repeats, 0);
	GOOD(DESTROY(0));
	assert_int_equal(repeats, 0);
	assert_int_equal(frames[F].map_count, 1500);
	BAD({ ZOG_OP_UNMAP, 0, { A + 1, ZOG_TXN_UNMAP_PAGES } });
	assert_int_equal(frames[F].map_count, 1500);
}

/* When page tables run short, others give theirs, some at a time. */
static void tables_run_short(void **state)
{
	struct zog_op op[40];

	(void)state;
	pages_map(0, 1ul << 21, 1300);
	uint64_t left = table_pool_free();
	for (uint32_t i = 0; i < 40; i++)
		op[i] = (struct zog_op){ ZOG_OP_MAP, 0, { (100ul << 39) + ((uint64_t)i << 30), F, ZOG_MAP_READ } };
	assert_true(left < 120);
	assert_true(decode(op, 40));
	assert_int_equal(repeats, (120 - left + SPACE_TRIM_MAX - 1) / SPACE_TRIM_MAX);
}

/* A range that reaches beyond what programs have is refused, and nothing is taken there on the way. */
static void the_core_half_is_never_taken(void **state)
{
	pte_t *top = physical_pointer(spaces[0].cr3);

	(void)state;
	for (uint64_t table = 20; table < 23; table++)
		*(pte_t *)physical_pointer(table * ZOG_PAGE_SIZE) = (table + 1) * ZOG_PAGE_SIZE | PTE_PRESENT;
	top[300] = 20 * ZOG_PAGE_SIZE | PTE_PRESENT;
	BAD({ ZOG_OP_UNMAP, 0, { 1ul << 46, 1ul << 35 } });
	BAD({ ZOG_OP_UNMAP, 0, { A, UINT64_MAX } });
	BAD({ ZOG_OP_UNMAP, 0, { 0xffff800000000000ul, 1ul << 20 } });
	assert_int_equal(space_trim(cpu, &spaces[0], 0, UINT64_MAX), 0);
	assert_int_equal(top[300], 20 * ZOG_PAGE_SIZE | PTE_PRESENT);
	for (uint64_t table = 20; table < 23; table++)
		assert_int_equal(*(pte_t *)physical_pointer(table * ZOG_PAGE_SIZE), (table + 1) * ZOG_PAGE_SIZE | PTE_PRESENT);
	top[300] = 0;
}

#endif
