/* sources: subsystems/filesystem/ext4/allocate.c subsystems/filesystem/ext4/bitmap.c
 * subsystems/filesystem/ext4/blockmap.c subsystems/filesystem/ext4/bounce.c subsystems/filesystem/ext4/cache.c
 * subsystems/filesystem/ext4/checksum.c subsystems/filesystem/ext4/directory.c
 * subsystems/filesystem/ext4/directory_change.c subsystems/filesystem/ext4/extent.c
 * subsystems/filesystem/ext4/extent_change.c subsystems/filesystem/ext4/group.c subsystems/filesystem/ext4/inode.c
 * subsystems/filesystem/ext4/name.c subsystems/filesystem/ext4/node.c subsystems/filesystem/ext4/orphan.c
 * subsystems/filesystem/ext4/page.c subsystems/filesystem/ext4/rename.c subsystems/filesystem/ext4/serve.c
 * subsystems/filesystem/ext4/super.c subsystems/filesystem/ext4/sync.c lib/rt/list.c */
/* flags: -include tests/host/ext4_place.h -fno-strict-aliasing -Wno-unused-function -Itests/host -Ibuild/gen/domains/ext4
 * -Isubsystems/filesystem/ext4 */
/* ext4 against a model: random operations on fresh images of several shapes, killed again and again. Afterwards, and
 * again after a cold boot, all contents agree with the model, e2fsck finds nothing, and debugfs reads the same bytes. */
#include "ext4_model.h"

#define FOLDER "."
#define IMAGE FOLDER "/image"

static void image_make(const char *size, const char *options)
{
	assert_true(tool("rm -f " IMAGE));
	assert_true(tool("/sbin/mke2fs -q -F -t ext4 -b 4096 %s " IMAGE " %s >" FOLDER "/mke2fs.log 2>&1", options,
		size));
}

static void image_check(void)
{
	assert_true(tool("/sbin/e2fsck -fn " IMAGE " >" FOLDER "/e2fsck.log 2>&1 || { cat " FOLDER
		"/e2fsck.log; echo ERROR e2fsck; exit 1; }"));
	assert_true(tool("/sbin/dumpe2fs -h " IMAGE " 2>/dev/null | grep -q 'Filesystem state: *clean'"));
}

static void path_of(int directory, const char *text, char *out, size_t size)
{
	char above[4096] = "";

	for (int i = 0; directory && i < NAMES; i++) {
		if (world->name[i].is_used && world->name[i].node == directory) {
			path_of(world->name[i].directory, world->name[i].text, above, sizeof(above));
			break;
		}
	}
	snprintf(out, size, "%s/%s", above, text);
}

static bool file_agrees(const char *path, const struct model_node *node)
{
	static uint32_t page[BLOCK_BYTES / 4];
	FILE *file = fopen(path, "r");
	bool is_good = file && fseek(file, 0, SEEK_END) == 0 && (uint64_t)ftell(file) == node->size;

	for (uint64_t i = 0; is_good && i < PAGES && i * BLOCK_BYTES < node->size; i++) {
		uint64_t left = node->size - i * BLOCK_BYTES, want = left < BLOCK_BYTES ? left : BLOCK_BYTES;

		is_good = fseek(file, (long)(i * BLOCK_BYTES), SEEK_SET) == 0 && fread(page, 1, want, file) == want;
		for (uint64_t k = 0; is_good && k < want / 4 && node->stamp[i] != STAMP_UNKNOWN; k++)
			is_good = page[k] == node->stamp[i];
	}
	if (file)
		fclose(file);
	return is_good;
}

/* Another implementation reads the same: debugfs dumps the tree, the model is compared with it. */
static void image_compare(void)
{
	char path[8192], full[9000];
	uint32_t files = 0;

	assert_true(tool("rm -rf " FOLDER "/dump && mkdir " FOLDER "/dump"));
	assert_true(tool("/sbin/debugfs -R 'rdump / " FOLDER "/dump' " IMAGE " >" FOLDER "/debugfs.log 2>&1; chmod -R u+rwx "
		FOLDER "/dump"));
	for (int i = 0; i < NAMES; i++) {
		const struct model_name *name = &world->name[i];
		const struct model_node *node = &world->node[name->node];
		struct stat facts;

		if (!name->is_used)
			continue;
		path_of(name->directory, name->text, path, sizeof(path));
		if (strlen(path) > 3800)
			continue;
		snprintf(full, sizeof(full), FOLDER "/dump%s", path);
		if ((node->mode & MODE_TYPE) == MODE_REGULAR && ++files && !file_agrees(full, node))
			fail_msg("debugfs reads something else in %s", path);
		if ((node->mode & MODE_TYPE) == MODE_DIRECTORY)
			assert_true(stat(full, &facts) == 0 && S_ISDIR(facts.st_mode));
	}
	printf("%u files compared\n", files);
	assert_true(tool("rm -rf " FOLDER "/dump"));
}

static void world_begin(uint64_t seed, uint32_t tasks)
{
	memset(world, 0, sizeof(*world));
	harness_boot(IMAGE, seed);
	harness_live(life_adopt, 0);
	world->tasks_left = tasks;
}

static void world_end(void)
{
	uint64_t kills = harness->kills;

	assert_true(kills > 60 || kills == 0);
	harness_live(life_check, 0);
	harness_live(life_sync_final, kills ? 300 : 0);
	orphans_drop();
	printf("%lu kills, %lu commits, %lu aborts, %lu transfers, %lu waits, %lu times full\n", harness->kills,
		harness->commits, harness->aborts, harness->transfers, harness->waits, world->spaces);
	image_check();
	image_compare();
	harness_boot(IMAGE, 1);
	harness_live(life_check, 0);
}

static void random_run(uint64_t seed, uint32_t tasks, uint32_t kill_within)
{
	world_begin(seed, tasks);
	harness_live(life_random, kill_within);
	for (int i = TASK_CREATE; i < TASK_COUNT; i++)
		assert_true(world->done[i] > 0);
	world_end();
}

static void test_random_operations(void **state)
{
	(void)state;
	image_make("64M", "");
	random_run(1, 3000, 0);
}

static void test_random_operations_killed(void **state)
{
	(void)state;
	image_make("64M", "");
	random_run(2, 4000, 120);
}

static void test_many_small_groups_killed(void **state)
{
	(void)state;
	image_make("96M", "-g 1024 -N 4096 -G 4");
	random_run(3, 4000, 150);
}

static void test_without_checksums_killed(void **state)
{
	(void)state;
	image_make("48M", "-O ^metadata_csum,^64bit,^flex_bg -I 128 -g 2048");
	world_begin(4, 3000);
	world->has_short_times = true;
	harness_live(life_random, 150);
	world_end();
}

static void test_full_disk_killed(void **state)
{
	(void)state;
	image_make("6M", "-O ^has_journal,^resize_inode -N 160");
	world_begin(5, 0);
	world->may_fill = true;
	world->tasks_left = 3000;
	harness_live(life_random, 150);
	assert_true(world->spaces > 20);
	world_end();
}

static int setup(void **state)
{
	(void)state;
	folder_enter();
	harness_create();
	world = shared_map(0, sizeof(*world));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations),
		cmocka_unit_test(test_random_operations_killed),
		cmocka_unit_test(test_many_small_groups_killed),
		cmocka_unit_test(test_without_checksums_killed),
		cmocka_unit_test(test_full_disk_killed),
	};

	return folder_leave(cmocka_run_group_tests(tests, setup, NULL));
}
