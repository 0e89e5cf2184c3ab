/* sources: subsystems/filesystem/ext4/allocate.c subsystems/filesystem/ext4/bitmap.c
 * subsystems/filesystem/ext4/blockmap.c subsystems/filesystem/ext4/bounce.c subsystems/filesystem/ext4/cache.c
 * subsystems/filesystem/ext4/checksum.c subsystems/filesystem/ext4/directory.c
 * subsystems/filesystem/ext4/directory_change.c subsystems/filesystem/ext4/extent.c
 * subsystems/filesystem/ext4/extent_change.c subsystems/filesystem/ext4/group.c subsystems/filesystem/ext4/inode.c
 * subsystems/filesystem/ext4/name.c subsystems/filesystem/ext4/node.c subsystems/filesystem/ext4/orphan.c
 * subsystems/filesystem/ext4/page.c subsystems/filesystem/ext4/rename.c subsystems/filesystem/ext4/serve.c
 * subsystems/filesystem/ext4/super.c subsystems/filesystem/ext4/sync.c lib/rt/list.c */
/* flags: -fno-sanitize=all -fsanitize=kernel-address -fsanitize-recover=kernel-address --param asan-stack=0
 * --param asan-globals=0 --param asan-instrument-reads=0 --param asan-instrumentation-with-call-threshold=0
 * -DEXT4_SLOTS=64 -ffreestanding -fno-strict-aliasing -Wno-unused-function -Itests/host -Ibuild/gen/domains/ext4
 * -Isubsystems/filesystem/ext4 */
/* ext4 under the compiler's store hook, as on the machine: what a commit copies are the reported ranges, and a kill
 * strikes at any store. The cache is small, so blocks are evicted and written back all the time. The same model as in
 * test_ext4.c. */
#define HARNESS_STORES
#include "ext4_model.h"

#define FOLDER "."
#define IMAGE FOLDER "/image"

static void test_killed_at_any_store(void **state)
{
	(void)state;
	assert_true(tool("rm -f " IMAGE));
	assert_true(tool("/sbin/mke2fs -q -F -t ext4 -b 4096 -g 4096 " IMAGE " 64M >" FOLDER "/mke2fs.log 2>&1"));
	harness_boot(IMAGE, 11);
	harness_live(life_adopt, 0);
	world->tasks_left = 4000;
	harness_live(life_random, 800);
	printf("%lu kills, %lu commits, %lu aborts\n", harness->kills, harness->commits, harness->aborts);
	assert_true(harness->kills > 100);
	harness_live(life_check, 0);
	harness_live(life_sync_final, 2000);
	assert_true(tool("/sbin/e2fsck -fn " IMAGE " >" FOLDER "/e2fsck.log 2>&1 || { cat " FOLDER
		"/e2fsck.log; echo ERROR e2fsck; exit 1; }"));
	orphans_drop();
	harness_boot(IMAGE, 12);
	harness_live(life_check, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed_at_any_store) };

	folder_enter();
	harness_create();
	world = shared_map(0, sizeof(*world));
	return folder_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
