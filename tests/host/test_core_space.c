/* flags: -DPHYSMAP_BASE=0x200000000000ul -fno-sanitize=alignment */
/* sources: core/object/space.c */
/* Address spaces of programs against a model: what is mapped, how often each frame is, how many page tables are left,
 * and that whoever loses a right to a page is flushed before the operation ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "object/cpu.h"
#include "object/frame.h"
#include "object/space.h"

#define FRAMES 1024u
#define POOL_FIRST 64u
#define POOL_PAGES 300u
#define PAYLOAD_FIRST 600u
#define PAYLOADS 32u
#define SPACES 4u
#define PLACES 40u

struct cpu cpu_table[ZOG_CPU_MAX];
uint32_t cpu_count = 1;
struct frame *frame_table;
uint64_t frame_count = FRAMES, core_pml4_physical = 8 * ZOG_PAGE_SIZE;
static struct frame frames[FRAMES];
static struct space spaces[SPACES];

/* Pages on both sides of the boundaries of every level. */
static uint64_t place[PLACES];
static struct { uint64_t frame; uint32_t flags; } model[SPACES][PLACES];
static bool is_live[SPACES];
static bool was_flushed[SPACES];

static struct journal_entry journal[JOURNAL_MAX];
static uint32_t journal_count; /* more than JOURNAL_MAX: the older ones are lost */

void core_set64(uint64_t *at, uint64_t value)
{
	journal[journal_count++ % JOURNAL_MAX] = (struct journal_entry){ at, *at };
	*at = value;
}
void journal_begin(struct cpu *cpu) { cpu->journal_count = 0; }
void space_flush(struct space *space) { was_flushed[space - spaces] = true; }

static int setup(void **state)
{
	static const uint64_t around[] = { 0x1000, 0x200000, 0x40000000, 0x8000000000, 0x400000000000, 0x7fffffffe000 };
	static bool is_mapped;
	uint32_t n = 0;

	(void)state;
	if (!is_mapped)
		assert_ptr_equal(mmap((void *)PHYSMAP_BASE, FRAMES * ZOG_PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), (void *)PHYSMAP_BASE);
	frame_table = frames;
	space_table = spaces;
	space_total = SPACES;
	for (uint32_t i = 0; i < 6; i++)
		for (uint32_t j = 0; j < 6 && n < PLACES; j++)
			if (around[i] + (j - 3ul) * ZOG_PAGE_SIZE < ZOG_USER_END)
				place[n++] = around[i] + (j - 3ul) * ZOG_PAGE_SIZE;
	while (n < PLACES) {
		place[n] = 0x10000000ul + n * 0x1000ul;
		n++;
	}
	if (!is_mapped)
		table_pool_init(POOL_FIRST * ZOG_PAGE_SIZE, POOL_PAGES);
	is_mapped = true;
	return 0;
}

static pte_t entry_of(uint32_t space, uint32_t at)
{
	pte_t *entry = table_walk(spaces[space].cr3, place[at]);

	return entry ? *entry : 0;
}

/* The rights that the MMU gives by this entry: 0 when absent. */
static uint32_t rights(pte_t entry)
{
	if (!(entry & PTE_PRESENT))
		return 0;
	return ZOG_MAP_READ | (entry & PTE_WRITE ? ZOG_MAP_WRITE : 0) | (entry & PTE_NO_EXECUTE ? 0 : ZOG_MAP_EXECUTE);
}

static uint32_t rights_wanted(uint32_t flags) { return flags == ZOG_MAP_NONE ? 0 : flags | ZOG_MAP_READ; }

static void check_all(void)
{
	uint32_t count[FRAMES] = { 0 };

	for (uint32_t s = 0; s < SPACES; s++) {
		for (uint32_t i = 0; is_live[s] && i < PLACES; i++) {
			pte_t entry = entry_of(s, i);
			assert_int_equal((entry & PTE_ADDRESS) >> 12, model[s][i].frame);
			if (model[s][i].frame == 0)
				continue;
			assert_int_equal(rights(entry), rights_wanted(model[s][i].flags));
			assert_true(entry & PTE_USER);
			count[model[s][i].frame]++;
		}
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(frames[i].map_count, count[i]);
}

static struct { pte_t entry[SPACES][PLACES]; } old;

static void entries_note(void)
{
	memset(was_flushed, 0, sizeof(was_flushed));
	for (uint32_t s = 0; s < SPACES; s++)
		for (uint32_t i = 0; i < PLACES; i++)
			old.entry[s][i] = is_live[s] ? entry_of(s, i) : 0;
}

/* A translation that some CPU may have cached and that gave more, or another frame, than now: the space was flushed. */
static void flushes_check(void)
{
	for (uint32_t s = 0; s < SPACES; s++) {
		for (uint32_t i = 0; is_live[s] && i < PLACES; i++) {
			pte_t was = old.entry[s][i], is = entry_of(s, i);
			bool is_weaker = (rights(was) & ~rights(is)) || (rights(was) && (was & PTE_ADDRESS) != (is & PTE_ADDRESS));
			if (is_weaker)
				assert_true(was_flushed[s]);
		}
	}
}

static uint32_t flags_random(void)
{
	static const uint32_t flags[] = { ZOG_MAP_NONE, ZOG_MAP_READ, ZOG_MAP_READ | ZOG_MAP_WRITE, ZOG_MAP_READ | ZOG_MAP_EXECUTE,
					  ZOG_MAP_READ | ZOG_MAP_WRITE | ZOG_MAP_EXECUTE };
	return flags[rand() % 5];
}

static bool is_within(uint64_t address, uint64_t start, uint64_t pages) { return address - start < pages * ZOG_PAGE_SIZE; }

static void map_one(uint32_t s)
{
	uint32_t i = (uint32_t)rand() % PLACES, frame = PAYLOAD_FIRST + (uint32_t)rand() % PAYLOADS, flags = flags_random();

	assert_true(space_map(&spaces[s], place[i], frame, flags));
	model[s][i].frame = frame;
	model[s][i].flags = flags;
}

static void range_change(uint32_t s, bool is_unmap)
{
	uint64_t start = place[rand() % PLACES], pages = rand() % 4 ? (uint64_t)rand() % 600 : (uint64_t)rand() * 100;
	uint32_t flags = flags_random();

	if (pages > (ZOG_USER_END - start) / ZOG_PAGE_SIZE)
		pages = (ZOG_USER_END - start) / ZOG_PAGE_SIZE;
	if (is_unmap)
		space_unmap(&spaces[s], start, pages);
	else
		space_protect(&spaces[s], start, pages, flags);
	for (uint32_t i = 0; i < PLACES; i++) {
		if (!is_within(place[i], start, pages) || model[s][i].frame == 0)
			continue;
		if (is_unmap)
			model[s][i].frame = 0;
		model[s][i].flags = flags;
	}
}

static void clone_range(uint32_t s, uint32_t to)
{
	uint64_t start = place[rand() % PLACES], pages = 1 + (uint64_t)rand() % 512;

	if (pages > (ZOG_USER_END - start) / ZOG_PAGE_SIZE)
		pages = (ZOG_USER_END - start) / ZOG_PAGE_SIZE;
	assert_true(space_clone(&spaces[s], &spaces[to], start, pages));
	for (uint32_t i = 0; i < PLACES; i++) {
		if (!is_within(place[i], start, pages) || model[s][i].frame == 0)
			continue;
		model[s][i].flags &= ~(uint32_t)ZOG_MAP_WRITE;
		model[to][i] = model[s][i];
	}
}

static void create_or_destroy(uint32_t s)
{
	if (is_live[s])
		space_destroy(&spaces[s]);
	else
		assert_true(space_create(&spaces[s]));
	is_live[s] = !is_live[s];
	memset(model[s], 0, sizeof(model[s]));
}

static void step(void)
{
	uint32_t s = (uint32_t)rand() % SPACES, to = (uint32_t)rand() % SPACES, what = (uint32_t)rand() % 100;

	entries_note();
	if (!is_live[s] || what == 0)
		create_or_destroy(s);
	else if (what < 60)
		map_one(s);
	else if (what < 70)
		range_change(s, true);
	else if (what < 80)
		range_change(s, false);
	else if (is_live[to])
		clone_range(s, to);
	flushes_check();
}

static void as_the_model(void **state)
{
	(void)state;
	assert_int_equal(table_pool_free(), POOL_PAGES);
	for (uint32_t i = 0; i < 20000; i++) {
		step();
		if (i % 16 == 0)
			check_all();
	}
	for (uint32_t s = 0; s < SPACES; s++)
		if (is_live[s])
			create_or_destroy(s);
	check_all();
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

/* 128 TiB of nothing: unmapped by the tables that there are, not page by page. */
static void everything_at_once(void **state)
{
	(void)state;
	assert_true(space_create(&spaces[0]));
	for (uint32_t i = 0; i < PLACES; i++)
		assert_true(space_map(&spaces[0], place[i], PAYLOAD_FIRST, ZOG_MAP_READ));
	for (uint32_t round = 0; round < 1000; round++)
		space_unmap(&spaces[0], 0, ZOG_USER_END / ZOG_PAGE_SIZE);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 0);
	space_destroy(&spaces[0]);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

static void pool_runs_dry(void **state)
{
	uint64_t mapped = 0;

	(void)state;
	assert_true(space_create(&spaces[0]));
	while (space_map(&spaces[0], mapped * 0x200000, PAYLOAD_FIRST, ZOG_MAP_READ))
		mapped++;
	assert_true(mapped > POOL_PAGES / 2 && mapped < POOL_PAGES);
	assert_int_equal(table_pool_free(), 0);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, mapped);
	assert_false(space_create(&spaces[1]));
	assert_int_equal(spaces[1].cr3, 0);
	space_destroy(&spaces[0]);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 0);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

static bool is_mapped(uint32_t space, uint32_t table)
{
	pte_t *entry = table_walk(spaces[space].cr3, table * 0x200000ul);

	return entry != NULL && (*entry & PTE_PRESENT);
}

static uint32_t mapped_tables(uint32_t space)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < 50; i++)
		count += is_mapped(space, i);
	return count;
}

/* Page tables go, a piece at a time, from one space after another, until there is none; what is left is whole. */
static void tables_are_taken_back(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < 3; s++) {
		assert_true(space_create(&spaces[s]));
		for (uint32_t i = 0; i < 50; i++)
			assert_true(space_map(&spaces[s], i * 0x200000ul, PAYLOAD_FIRST + s, ZOG_MAP_READ));
	}
	uint64_t free = table_pool_free();
	for (uint32_t left = 3 * 50 + 3 * 2; left > 0;) { /* those above them, too */
		memset(was_flushed, 0, sizeof(was_flushed));
		assert_true(table_pool_reclaim(&cpu_table[0]));
		uint64_t taken = table_pool_free() - free;
		assert_in_range(taken, 1, SPACE_TRIM_MAX);
		assert_int_equal(was_flushed[0] + was_flushed[1] + was_flushed[2], 1);
		for (uint32_t s = 0; s < 3; s++)
			assert_int_equal(frames[PAYLOAD_FIRST + s].map_count, mapped_tables(s));
		free += taken;
		left -= (uint32_t)taken;
	}
	assert_false(table_pool_reclaim(&cpu_table[0]));
	for (uint32_t s = 0; s < 3; s++)
		space_destroy(&spaces[s]);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

/* Only tables that map nothing else go; a table in the middle of a range takes all its pages with it. */
static void a_trim_keeps_to_its_range(void **state)
{
	(void)state;
	assert_true(space_create(&spaces[0]));
	for (uint32_t i = 0; i < 50; i++)
		for (uint32_t page = 0; page < 3; page++)
			assert_true(space_map(&spaces[0], i * 0x200000ul + page * ZOG_PAGE_SIZE, PAYLOAD_FIRST, ZOG_MAP_READ));
	assert_int_equal(spaces[0].tables, 52);
	assert_int_equal(space_trim(&cpu_table[0], &spaces[0], 10 * 0x200000ul + ZOG_PAGE_SIZE, 20 * 0x200000ul + ZOG_PAGE_SIZE), 9);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(is_mapped(0, i), i <= 10 || i >= 20);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 41 * 3);
	assert_int_equal(space_trim(&cpu_table[0], &spaces[0], 10 * 0x200000ul + ZOG_PAGE_SIZE, 20 * 0x200000ul + ZOG_PAGE_SIZE), 0);
	assert_int_equal(spaces[0].tables, 43);
	space_destroy(&spaces[0]);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 0);
	assert_int_equal(table_pool_free(), POOL_PAGES);
}

static void journal_undo(void)
{
	assert_in_range(journal_count, 1, JOURNAL_MAX);
	while (journal_count > 0) {
		const struct journal_entry *entry = &journal[--journal_count];
		*entry->place = entry->old;
	}
}

/* As an exception in the core does it: the pool is whole, and the space shows what it did. */
static void tables_taken_and_given_can_be_taken_back(void **state)
{
	uint64_t at[] = { 0, 0x40000000ul, 0x8000000000ul };

	(void)state;
	assert_true(space_create(&spaces[0]));
	for (uint32_t i = 0; i < 3; i++)
		assert_true(space_map(&spaces[0], at[i], PAYLOAD_FIRST + i, ZOG_MAP_READ));
	uint64_t free = table_pool_free(), cr3 = spaces[0].cr3;
	journal_count = 0;
	assert_true(space_map(&spaces[0], 0x400000000000ul, PAYLOAD_FIRST, ZOG_MAP_READ));
	frames[PAYLOAD_FIRST].map_count--; /* counts are not in the journal */
	journal_undo();
	assert_int_equal(table_pool_free(), free);
	space_destroy(&spaces[0]);
	for (uint32_t i = 0; i < 3; i++)
		frames[PAYLOAD_FIRST + i].map_count++;
	journal_undo();
	assert_int_equal(spaces[0].cr3, cr3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal((*table_walk(cr3, at[i]) & PTE_ADDRESS) >> 12, PAYLOAD_FIRST + i);
	space_destroy(&spaces[0]);
	assert_int_equal(table_pool_free(), POOL_PAGES);
	assert_true(space_create(&spaces[0]));
	for (uint64_t i = 1; i < POOL_PAGES - 2; i++) /* two above */
		assert_true(space_map(&spaces[0], i * 0x200000ul, PAYLOAD_FIRST, ZOG_MAP_READ));
	assert_int_equal(table_pool_free(), 0);
	space_destroy(&spaces[0]);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 0);
}

/* More mappings of one frame than 16 bits hold. */
static void map_count_does_not_wrap(void **state)
{
	(void)state;
	assert_true(space_create(&spaces[0]));
	for (uint32_t i = 0; i < 70000; i++)
		assert_true(space_map(&spaces[0], i * ZOG_PAGE_SIZE, PAYLOAD_FIRST, ZOG_MAP_READ));
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 70000);
	space_destroy(&spaces[0]);
	assert_int_equal(frames[PAYLOAD_FIRST].map_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_the_model, setup),
		cmocka_unit_test_setup(everything_at_once, setup),
		cmocka_unit_test_setup(pool_runs_dry, setup),
		cmocka_unit_test_setup(tables_are_taken_back, setup),
		cmocka_unit_test_setup(a_trim_keeps_to_its_range, setup),
		cmocka_unit_test_setup(tables_taken_and_given_can_be_taken_back, setup),
		cmocka_unit_test_setup(map_count_does_not_wrap, setup),
	};

	srand(4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
