/* sources: subsystems/personality/linux/vma.c subsystems/personality/linux/page.c subsystems/personality/linux/frame.c
 * subsystems/personality/linux/futex.c */
/* flags: -fno-sanitize=address -Ibuild/gen/domains/linux -Isubsystems/personality/linux */
/* Records of program memory on the host: lists of mappings and page records against plain models, frames against the
 * rule that one freed in an uncommitted transaction is never handed out, futex queues in order. The home region lies
 * where it lies in the domain, hence no address sanitizer (its shadow is there). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "task.h"

#define PAGES 256u
#define BASE 0x40000000ul
#define ROUNDS 20000

/* --- what the code under test asks of others ------------------------------------------------------------------------ */

static int node_count[4];
static char node_place[4];
static uint32_t notified[THREAD_MAX];
static uint32_t user_word;

static struct node *node_of(uint32_t i) { return (struct node *)&node_place[i]; }
void node_reference(struct node *node) { node_count[(char *)node - node_place]++; }
void node_release(struct node *node) { node_count[(char *)node - node_place]--; }
bool cache_reclaim(void) { return false; }
void rt_words_add(uint32_t *words, size_t count, uint32_t addend)
{
	for (size_t i = 0; i < count; i++)
		words[i] += addend;
}
void page_note_written(const struct space *space, uint64_t address, uint32_t entry) { (void)space, (void)address, (void)entry; }
void rt_notify(uint32_t event, uint32_t wake) { (void)wake; notified[event - EVENT_THREAD]++; }
uint64_t rt_event_count(uint32_t event) { (void)event; return 0; }
uint64_t rt_now_ns(void) { return 5; }
uint64_t time_realtime_ns(void) { return 5; }
struct thread *thread_find(uint32_t tid) { (void)tid; return NULL; }
int64_t wait_on(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call, (void)event, (void)seen, (void)deadline_ns;
	return SYS_WAIT;
}
int64_t user_read(struct zog_call *call, void *to, uint64_t address, uint64_t size)
{
	(void)call, (void)address;
	assert_int_equal(size, sizeof(user_word));
	memcpy(to, &user_word, size);
	return 0;
}
int64_t user_write(struct zog_call *call, uint64_t address, const void *from, uint64_t size)
{
	(void)call, (void)address;
	memcpy(&user_word, from, size);
	return 0;
}
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	print_error("rt_fail cause %u line %lu %lu\n", cause, (unsigned long)detail1, (unsigned long)detail2);
	abort();
}

static void commit(void) { memcpy((void *)rt_committed(rt_home()), rt_home(), sizeof(struct home)); }
void rt_commit(void) { commit(); }

static int home_fresh(void **state)
{
	(void)state;
	memset(rt_home(), 0, sizeof(struct home));
	memset(node_count, 0, sizeof(node_count));
	memset(notified, 0, sizeof(notified));
	frame_pool_attach(1000, 512);
	home_a()->space[0].state = STATE_LIVE;
	commit();
	return 0;
}

/* --- lists of mappings ------------------------------------------------------------------------------------------------ */

struct model_page {
	uint32_t node, flags; /* node + 1; flags 0: not mapped */
	uint64_t node_page;
};
static struct model_page model[PAGES];

static void vma_assert_sane(const struct space *space)
{
	uint64_t last = 0;
	uint32_t count = 0, references[4] = { 0 };

	for (const struct vma *vma = vma_after(space, 0); vma; vma = vma_next(vma), count++) {
		assert_true(vma->start < vma->end && vma->start >= last);
		last = vma->end;
		if (vma->node)
			references[(char *)vma->node - node_place]++;
		if (vma->next)
			assert_ptr_equal(&home_a()->vma[vma_next(vma)->previous - 1], vma);
	}
	assert_int_equal(count, space->vma_count);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(references[i], node_count[i]);
}

static void vma_assert_model(const struct space *space)
{
	for (uint32_t page = 0; page < PAGES; page++) {
		uint64_t address = BASE + page * ZOG_PAGE_SIZE;
		const struct vma *vma = vma_find(space, address);

		if (!model[page].flags) {
			assert_null(vma);
			continue;
		}
		assert_non_null(vma);
		assert_int_equal(vma->flags, model[page].flags);
		assert_ptr_equal(vma->node, model[page].node ? node_of(model[page].node - 1) : NULL);
		if (vma->node)
			assert_int_equal(vma->node_page + (address - vma->start) / ZOG_PAGE_SIZE, model[page].node_page);
	}
}

static void model_remove(uint32_t first, uint32_t last) { memset(&model[first], 0, (last - first) * sizeof(model[0])); }

static void random_insert(struct space *space, uint32_t first, uint32_t last)
{
	uint32_t node = random() % 5, place = random() % 2 ? first : random() % 1000;
	struct vma vma = { .start = BASE + first * ZOG_PAGE_SIZE, .end = BASE + last * ZOG_PAGE_SIZE,
			   .node = node ? node_of(node - 1) : NULL, .node_page = node ? place : 0, .flags = 1 + random() % 3 };

	assert_true(vma_remove(space, vma.start, vma.end));
	assert_true(vma_insert(space, &vma));
	for (uint32_t page = first; page < last; page++)
		model[page] = (struct model_page){ node, vma.flags, vma.node_page + page - first };
}

static void random_protect(struct space *space, uint32_t first, uint32_t last)
{
	uint32_t access = 1 + random() % 3;

	assert_true(vma_protect(space, BASE + first * ZOG_PAGE_SIZE, BASE + last * ZOG_PAGE_SIZE, access));
	for (uint32_t page = first; page < last; page++)
		if (model[page].flags)
			model[page].flags = access;
}

static bool model_covers(uint32_t first, uint32_t last)
{
	for (uint32_t page = first; page < last; page++)
		if (!model[page].flags)
			return false;
	return true;
}

static void mappings_follow_a_model(void **state)
{
	struct space *space = space_at(0);

	(void)state;
	srandom(2);
	memset(model, 0, sizeof(model));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t first = random() % PAGES, last = first + 1 + random() % (PAGES - first > 24 ? 24 : PAGES - first);

		switch (random() % 4) {
		case 0: case 1: random_insert(space, first, last); break;
		case 2: random_protect(space, first, last); break;
		default:
			assert_true(vma_remove(space, BASE + first * ZOG_PAGE_SIZE, BASE + last * ZOG_PAGE_SIZE));
			model_remove(first, last);
		}
		assert_int_equal(vma_covers(space, BASE + first * ZOG_PAGE_SIZE, BASE + last * ZOG_PAGE_SIZE), model_covers(first, last));
		if (round % 64 == 0) {
			vma_assert_model(space);
			vma_assert_sane(space);
		}
	}
	vma_remove_all(space);
	vma_assert_sane(space);
	assert_null(vma_after(space, 0));
}

static void neighbours_that_continue_become_one(void **state)
{
	struct space *space = space_at(0);
	struct vma vma = { .start = BASE, .end = BASE + 0x2000, .flags = 3 };

	(void)state;
	assert_true(vma_insert(space, &vma));
	vma.start = BASE + 0x4000, vma.end = BASE + 0x5000;
	assert_true(vma_insert(space, &vma));
	assert_int_equal(space->vma_count, 2);
	vma.start = BASE + 0x2000, vma.end = BASE + 0x4000;
	assert_true(vma_insert(space, &vma));
	assert_int_equal(space->vma_count, 1);
	assert_true(vma_covers(space, BASE, BASE + 0x5000));
	assert_true(vma_protect(space, BASE + 0x1000, BASE + 0x2000, 1));
	assert_int_equal(space->vma_count, 3);
	assert_true(vma_protect(space, BASE + 0x1000, BASE + 0x2000, 3));
	assert_int_equal(space->vma_count, 1);
}

static void a_gap_is_the_highest_that_fits(void **state)
{
	struct space *space = space_at(0);
	struct vma low = { .start = BASE, .end = BASE + 0x10000, .flags = 3 }, high = { .start = BASE + 0x20000, .end = BASE + 0x30000, .flags = 1 };
	uint64_t top = BASE + 0x31000;

	(void)state;
	assert_int_equal(vma_gap(space, 0x1000, top), top - 0x1000);
	assert_true(vma_insert(space, &low) && vma_insert(space, &high));
	assert_int_equal(vma_gap(space, 0x1000, top), BASE + 0x30000);
	assert_int_equal(vma_gap(space, 0x2000, top), BASE + 0x1e000);
	assert_int_equal(vma_gap(space, 0x10000, top), BASE + 0x10000);
	assert_int_equal(vma_gap(space, 0x11000, top), BASE - 0x11000);
	assert_int_equal(vma_gap(space, BASE, top), 0);
}

/* --- page records ------------------------------------------------------------------------------------------------------ */

static uint32_t seen_count, seen_sum;
static uint32_t page_see(uint32_t owner, uint64_t address, uint32_t entry, void *argument)
{
	(void)owner, (void)address;
	seen_count++;
	seen_sum += entry;
	return argument ? 0 : entry;
}

static void page_records_follow_a_model(void **state)
{
	enum { SPREAD = 4096 };
	static uint32_t entries[2][SPREAD];
	uint32_t total[2] = { 0 };

	(void)state;
	srandom(3);
	memset(entries, 0, sizeof(entries));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t owner = random() % 2, page = random() % SPREAD, value = random() % 3 ? 1 + random() % 100000 : 0;

		assert_true(page_set(owner, BASE + page * ZOG_PAGE_SIZE, value));
		total[owner] += (value != 0) - (entries[owner][page] != 0);
		entries[owner][page] = value;
		assert_int_equal(page_count(owner), total[owner]);
	}
	for (uint32_t owner = 0; owner < 2; owner++) {
		uint32_t first = 700, last = 3000, count = 0, sum = 0;

		for (uint32_t page = 0; page < SPREAD; page++)
			assert_int_equal(page_get(owner, BASE + page * ZOG_PAGE_SIZE), entries[owner][page]);
		for (uint32_t page = first; page < last; page++)
			count += entries[owner][page] != 0, sum += entries[owner][page];
		seen_count = seen_sum = 0;
		page_walk(owner, BASE + first * ZOG_PAGE_SIZE, BASE + last * ZOG_PAGE_SIZE, page_see, owner ? &seen_sum : NULL);
		assert_int_equal(seen_count, count);
		assert_int_equal(seen_sum, sum);
		assert_int_equal(page_count(owner), total[owner] - (owner ? count : 0));
	}
	assert_int_equal(page_get(1, BASE + 701 * ZOG_PAGE_SIZE), 0);
}

static void an_emptied_space_gives_its_leaves_back_clean(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t page = 0; page < 300; page++) {
			uint64_t frame = frame_allocate();

			assert_true(frame && page_set(0, BASE + page * 37 * ZOG_PAGE_SIZE, frame));
		}
		page_release_all(0);
		commit();
		assert_int_equal(page_count(0), 0);
		assert_int_equal(home_a()->space[0].leaf_first, 0);
		assert_int_equal(frame_free_count(), 512);
	}
	for (uint32_t i = 0; i < home_a()->leaf_used; i++)
		for (uint32_t slot = 0; slot < LEAF_PAGES; slot++)
			assert_int_equal(home_a()->leaf[i].entry[slot], 0);
}

static uint64_t run_first, run_last, run_pages;
static void run_see(uint64_t address, uint64_t pages, void *argument)
{
	(void)argument;
	run_first = address < run_first ? address : run_first;
	run_last = address + pages * ZOG_PAGE_SIZE > run_last ? address + pages * ZOG_PAGE_SIZE : run_last;
	run_pages += pages;
}

/* What fork does: mappings and records of a part of the pages, shared from then on. */
static void a_copied_space_shares_its_frames(void **state)
{
	struct space *from = space_at(0), *to = space_at(1);
	struct vma vma = { .start = BASE, .end = BASE + 100 * ZOG_PAGE_SIZE, .node = node_of(1), .flags = 3 };
	uint64_t frames[200] = { 0 };

	(void)state;
	assert_true(vma_insert(from, &vma));
	vma.start = BASE + 0x100000, vma.end = BASE + 0x200000, vma.node = NULL;
	assert_true(vma_insert(from, &vma));
	vma_assert_sane(from);
	assert_true(vma_copy_all(to, from));
	assert_int_equal(to->vma_count, 2);
	assert_non_null(vma_find(to, BASE + 0x150000));
	assert_int_equal(node_count[1], 2);
	for (uint32_t page = 30; page < 200; page += 3) {
		frames[page] = frame_allocate();
		assert_true(page_set(0, BASE + page * ZOG_PAGE_SIZE, frames[page] | (page % 2 ? PAGE_WRITABLE : 0)));
	}
	run_first = UINT64_MAX, run_last = run_pages = 0;
	assert_true(page_copy(0, 1, BASE + 40 * ZOG_PAGE_SIZE, BASE + 150 * ZOG_PAGE_SIZE, run_see, NULL));
	assert_int_equal(run_first, BASE + 42 * ZOG_PAGE_SIZE);
	assert_int_equal(run_last, BASE + 148 * ZOG_PAGE_SIZE);
	for (uint32_t page = 0; page < 200; page++) {
		bool is_shared = frames[page] && page >= 40 && page < 150;

		assert_int_equal(page_get(1, BASE + page * ZOG_PAGE_SIZE), is_shared ? frames[page] : 0);
		if (frames[page])
			assert_int_equal(frame_references(frames[page]), 1 + is_shared);
		if (is_shared)
			assert_int_equal(page_get(0, BASE + page * ZOG_PAGE_SIZE), frames[page]);
	}
	page_release_all(0);
	page_release_all(1);
	vma_remove_all(from);
	vma_remove_all(to);
	assert_int_equal(node_count[1], 0);
	assert_int_equal(frame_free_count(), 512);
	assert_true(vma_insert(from, &vma)); /* the freed records are good for use */
	vma.start += 0x400000, vma.end += 0x400000, vma.flags = 1;
	assert_true(vma_insert(from, &vma));
	vma_assert_sane(from);
}

/* --- frames ------------------------------------------------------------------------------------------------------------- */

static void a_freed_frame_waits_for_the_commit(void **state)
{
	static uint8_t in_use[512], freed[512];
	uint32_t held = 0, reused = 0;

	(void)state;
	srandom(4);
	memset(in_use, 0, sizeof(in_use));
	memset(freed, 0, sizeof(freed));
	for (uint32_t round = 0; round < 200000; round++) {
		uint32_t what = random() % 100;

		if (what < 2) {
			commit();
			memset(freed, 0, sizeof(freed));
		} else if (what < 60) {
			uint64_t frame = frame_allocate();

			if (!frame)
				continue;
			assert_in_range(frame, 1000, 1511);
			assert_false(in_use[frame - 1000]);
			assert_false(freed[frame - 1000]);
			in_use[frame - 1000] = 1;
			held++;
			reused += home_a()->frames.fresh == 512;
		} else {
			uint32_t i = random() % 512;

			if (!in_use[i])
				continue;
			frame_release(1000 + i);
			in_use[i] = 0;
			freed[i] = 1;
			held--;
		}
		assert_int_equal(frame_free_count(), 512 - held);
	}
	assert_true(reused > 1000);
}

/* --- futexes ------------------------------------------------------------------------------------------------------------ */

enum { WAIT = 0, WAKE = 1, CMP_REQUEUE = 4, PRIVATE = 128 };

static int64_t futex(uint32_t slot, uint64_t address, uint32_t operation, uint64_t value, uint64_t third, uint64_t address2, uint64_t third2)
{
	struct zog_call call = { .client_thread = slot };
	uint64_t arg[6] = { address, operation | PRIVATE, value, third, address2, third2 };

	thread_at(slot)->slot = slot;
	return sys_futex(&call, arg);
}

static void waiters_are_woken_in_order(void **state)
{
	(void)state;
	user_word = 7;
	for (uint32_t slot = 0; slot < 6; slot++)
		assert_int_equal(futex(slot, 0x1000, WAIT, 7, 0, 0, 0), SYS_WAIT);
	assert_int_equal(futex(6, 0x1000, WAIT, 8, 0, 0, 0), -EAGAIN);
	assert_int_equal(futex(7, 0x2000, WAKE, 9, 0, 0, 0), 0);
	assert_int_equal(futex(7, 0x1000, WAKE, 2, 0, 0, 0), 2);
	assert_int_equal(notified[0] + notified[1], 2);
	assert_int_equal(notified[2], 0);
	assert_int_equal(futex(0, 0x1000, WAIT, 7, 0, 0, 0), 0); /* the re-issue finds that it was woken */
	assert_int_equal(futex(2, 0x1000, WAIT, 7, 0, 0, 0), SYS_WAIT); /* this one was not */
	assert_int_equal(futex(7, 0x1000, CMP_REQUEUE, 1, 2, 0x3000, 7), 3);
	assert_int_equal(notified[2], 1);
	assert_int_equal(futex(7, 0x3000, WAKE, 9, 0, 0, 0), 2);
	assert_int_equal(notified[3] + notified[4], 2);
	futex_leave(thread_at(5));
	assert_int_equal(futex(7, 0x1000, WAKE, 9, 0, 0, 0), 0);
	assert_int_equal(futex(7, 0x1001, WAKE, 1, 0, 0, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mappings_follow_a_model, home_fresh),
		cmocka_unit_test_setup(neighbours_that_continue_become_one, home_fresh),
		cmocka_unit_test_setup(a_gap_is_the_highest_that_fits, home_fresh),
		cmocka_unit_test_setup(page_records_follow_a_model, home_fresh),
		cmocka_unit_test_setup(an_emptied_space_gives_its_leaves_back_clean, home_fresh),
		cmocka_unit_test_setup(a_copied_space_shares_its_frames, home_fresh),
		cmocka_unit_test_setup(a_freed_frame_waits_for_the_commit, home_fresh),
		cmocka_unit_test_setup(waiters_are_woken_in_order, home_fresh),
	};

	for (int image = 0; image < 2; image++) {
		void *want = (void *)(ZOG_HOME_BASE + image * ZOG_HOME_COMMITTED_OFFSET);

		if (mmap(want, HOME_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != want)
			return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
