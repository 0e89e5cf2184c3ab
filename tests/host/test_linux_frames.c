/* sources: subsystems/personality/linux/page.c subsystems/personality/linux/frame.c */
/* flags: -fno-sanitize=address -Ibuild/gen/domains/linux -Isubsystems/personality/linux */
/* Page records by the range, and frames by the run, on the host against plain models. The home region lies where it lies in
 * the domain, hence no address sanitizer (its shadow is there). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "task.h"

#define BASE 0x40000000ul

static uint32_t noted_writable;

void page_note_written(const struct space *space, uint64_t address, uint32_t entry)
{
	(void)space, (void)address;
	noted_writable += entry & PAGE_WRITABLE ? 1 : 0;
}
bool cache_reclaim(void) { return false; }
void rt_words_add(uint32_t *words, size_t count, uint32_t addend)
{
	for (size_t i = 0; i < count; i++)
		words[i] += addend;
}
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	print_error("rt_fail cause %u line %lu %lu\n", cause, (unsigned long)detail1, (unsigned long)detail2);
	abort();
}

/* Of the committed image only the frames are looked at. */
static void commit(void)
{
	struct frame_pool *live = &home_a()->frames, *committed = (struct frame_pool *)rt_committed(live);

	memcpy(committed, live, offsetof(struct frame_pool, references));
	memcpy(committed->next, live->next, 512 * sizeof(live->next[0]));
}
void rt_commit(void) { commit(); }

static int home_fresh(void **state)
{
	(void)state;
	memset(rt_home(), 0, sizeof(struct home));
	frame_pool_attach(1000, 512);
	commit();
	return 0;
}

/* Pages recorded and taken away by the range, against a model of which there are. */
static void ranges_follow_a_model(void **state)
{
	enum { SPREAD = 512 };
	static uint64_t frames[SPREAD]; /* 0: absent */
	struct space *space = space_at(0);

	(void)state;
	srandom(5);
	memset(frames, 0, sizeof(frames));
	for (uint32_t round = 0; round < 4000; round++) {
		uint32_t first = random() % SPREAD, room = LEAF_PAGES - first % LEAF_PAGES, count = 1 + random() % room, here = 0, writable = 0;
		uint32_t entry[LEAF_PAGES];
		uint64_t span[2], low = UINT64_MAX, high = 0, fresh[LEAF_PAGES];

		if (random() % 2) {
			page_get_some(0, BASE + first * ZOG_PAGE_SIZE, entry, count);
			for (uint32_t i = 0; i < count; i++) {
				assert_int_equal(entry[i] & PAGE_FRAME, frames[first + i]);
				if (!entry[i] && random() % 3 && frame_allocate_some(fresh, 1)) {
					frames[first + i] = fresh[0];
					entry[i] = fresh[0] | (random() % 2 ? PAGE_WRITABLE : 0);
				}
			}
			assert_true(page_set_some(0, BASE + first * ZOG_PAGE_SIZE, entry, count));
		} else {
			count = 1 + random() % (SPREAD - first);
			for (uint32_t i = first; i < first + count; i++) {
				if (!frames[i])
					continue;
				low = low < i ? low : i;
				high = i;
				writable += page_get(0, BASE + i * ZOG_PAGE_SIZE) & PAGE_WRITABLE ? 1 : 0;
				here++;
				frames[i] = 0;
			}
			noted_writable = 0;
			page_clear(space, BASE + first * ZOG_PAGE_SIZE, BASE + (first + count) * ZOG_PAGE_SIZE, span);
			assert_int_equal(noted_writable, writable);
			assert_int_equal(span[0], here ? BASE + low * ZOG_PAGE_SIZE : UINT64_MAX);
			assert_int_equal(span[1], here ? BASE + high * ZOG_PAGE_SIZE : 0);
		}
		commit();
		here = 0;
		for (uint32_t i = 0; i < SPREAD; i++) {
			here += frames[i] != 0;
			assert_int_equal(page_get(0, BASE + i * ZOG_PAGE_SIZE) & PAGE_FRAME, frames[i]);
		}
		assert_int_equal(page_count(0), here);
		assert_int_equal(frame_free_count(), 512 - here);
	}
}

/* Runs are counted like single frames, whatever lies between them, and obey the same rule. */
static void runs_of_frames_follow_a_model(void **state)
{
	static uint32_t references[512], freed[512];
	uint64_t frames[40];

	(void)state;
	srandom(6);
	memset(references, 0, sizeof(references));
	memset(freed, 0, sizeof(freed));
	for (uint32_t round = 0; round < 50000; round++) {
		uint32_t what = random() % 100, first = random() % 512, count = 0, most = 1 + random() % 20, in_use = 0;

		if (what < 5) {
			commit();
			memset(freed, 0, sizeof(freed));
		} else if (what < 40) {
			uint32_t got = frame_allocate_some(frames, most);

			for (uint32_t i = 0; i < got; i++) {
				assert_in_range(frames[i], 1000, 1511);
				assert_true(references[frames[i] - 1000] == 0 && !freed[frames[i] - 1000]);
				references[frames[i] - 1000] = 1;
			}
		} else {
			while (count < most && first + count < 512 && references[first + count] != 0)
				count++;
			if (what < 60)
				frame_run_reference((struct frame_run){ 1000 + first, count });
			else
				frame_run_release((struct frame_run){ 1000 + first, count });
			for (uint32_t i = first; i < first + count; i++) {
				references[i] += what < 60 ? 1 : -1;
				freed[i] = references[i] == 0;
			}
		}
		for (uint32_t i = 0; i < 512; i++) {
			assert_int_equal(frame_references(1000 + i), references[i]);
			in_use += references[i] != 0;
		}
		assert_int_equal(frame_free_count(), 512 - in_use);
	}
	assert_int_equal(home_a()->frames.fresh, 512);
	assert_true(home_a()->frames.taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranges_follow_a_model, home_fresh),
		cmocka_unit_test_setup(runs_of_frames_follow_a_model, home_fresh),
	};

	for (int image = 0; image < 2; image++) {
		void *want = (void *)(ZOG_HOME_BASE + image * ZOG_HOME_COMMITTED_OFFSET);

		if (mmap(want, HOME_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != want)
			return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
