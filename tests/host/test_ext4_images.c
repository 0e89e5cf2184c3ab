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
/* ext4 on particular disks: what mke2fs, e2fsck -D and debugfs make of them, deep extent trees, orphans of an earlier
 * life, damage, a device that fails. */
#include <string.h>
#include "ext4_model.h"

#define FOLDER "."
#define IMAGE FOLDER "/image"

static struct scene { /* arguments and results of a life */
	uint64_t node, generation, other, pages;
	zog_status_t status;
} *scene;

static void image_make(const char *size, const char *options)
{
	assert_true(tool("rm -f " IMAGE));
	assert_true(tool("/sbin/mke2fs -q -F -t ext4 %s " IMAGE " %s >" FOLDER "/mke2fs.log 2>&1", options, size));
}

static void image_check(void)
{
	assert_true(tool("/sbin/e2fsck -fn " IMAGE " >" FOLDER "/e2fsck.log 2>&1 || { cat " FOLDER
		"/e2fsck.log; echo ERROR e2fsck; exit 1; }"));
}

static uint64_t lookup(uint64_t parent, const char *name)
{
	uint64_t node = 0;
	zog_status_t status;

	CALL(status, filesystem_lookup_serve(call, parent, name, strlen(name), &node));
	CHECK(status == ZOG_OK);
	return node;
}

static uint64_t create(uint64_t parent, const char *name, uint32_t mode)
{
	struct filesystem_create_request request = { .parent = parent, .mode = mode, .time_s = 1700000000 };
	uint64_t node = 0;
	zog_status_t status;

	CALL(status, filesystem_create_serve(call, &request, name, strlen(name), &node));
	CHECK(status == ZOG_OK);
	return node;
}

static struct filesystem_node_info info(uint64_t node)
{
	struct filesystem_node_info facts;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, node, &facts));
	CHECK(status == ZOG_OK);
	return facts;
}

static void unlink_name(uint64_t parent, const char *name)
{
	uint64_t node, links;
	zog_status_t status;

	CALL(status, filesystem_unlink_serve(call, parent, 1700000001, name, strlen(name), &node, &links));
	CHECK(status == ZOG_OK);
}

static void write_pages(uint64_t node, uint64_t page, uint32_t count, uint32_t stamp)
{
	uint64_t prepared, seen;
	zog_status_t status;

	CALL(status, filesystem_prepare_serve(call, node, page, count, (page + count) * BLOCK_BYTES, &prepared));
	CHECK(status == ZOG_OK && prepared == count);
	payload_fill(0, stamp);
	for (uint32_t i = 0; i < count; i++) {
		CALL_PENDING(status, seen, filesystem_write_page_serve(call, node, page + i, PAYLOAD_FRAME, &seen));
		CHECK(status == ZOG_OK);
	}
}

/* The first word of a page; 0 for a hole. */
static uint32_t read_word(uint64_t node, uint64_t page)
{
	uint64_t seen;
	zog_status_t status;

	CALL_PENDING(status, seen, filesystem_read_page_serve(call, node, page, PAYLOAD_FRAME + 1, &seen));
	CHECK(status == ZOG_OK);
	return seen ? 0 : *(uint32_t *)harness->payload[1];
}

static void size_change(uint64_t node, uint64_t size)
{
	struct filesystem_set_request request = { .mask = FILESYSTEM_SET_MASK_SIZE, .size = size };
	zog_status_t status;

	CALL(status, filesystem_set_serve(call, node, &request));
	CHECK(status == ZOG_OK);
}

/* --- deep extent trees --- */

/* Every other page, backwards and forwards from the middle: insertions in front and behind, 1700 extents, two levels
 * of inner nodes; then the gaps are filled, and the file is cut again and again. */
static void life_deep_tree(void)
{
	uint64_t node = create(INODE_ROOT, "deep", MODE_REGULAR | 0644), size;

	for (uint32_t i = 0; i < 850; i++) {
		write_pages(node, 2000 + 2 * i, 1, 2000 + 2 * i);
		write_pages(node, 1998 - 2 * i, 1, 1998 - 2 * i);
	}
	for (uint32_t page = 300; page < 3700; page += 2) {
		CHECK(read_word(node, page) == page);
		CHECK(read_word(node, page + 1) == 0);
	}
	for (uint32_t page = 1001; page < 2001; page += 2)
		write_pages(node, page, 1, page);
	for (uint32_t page = 1000; page < 2000; page++)
		CHECK(read_word(node, page) == page);
	for (size = 3650; size > 400; size -= 311) {
		size_change(node, size * BLOCK_BYTES - 1);
		CHECK(read_word(node, (size - 1) & ~1ull) == ((size - 1) & ~1ull));
		CHECK(read_word(node, size) == 0);
	}
	write_pages(node, 3000, 200, 77);
	sync_all(true);
}

static void test_deep_extent_trees(void **state)
{
	(void)state;
	image_make("64M", "-b 4096");
	harness_boot(IMAGE, 21);
	world->ticket = 0;
	harness_live(life_deep_tree, 0);
	image_check();
}

/* --- an index made by e2fsck -D --- */

static void life_index(void)
{
	uint64_t directory = lookup(INODE_ROOT, "many"), node;
	char name[64];
	uint32_t count = 0;
	struct filesystem_directory_entry entry = { 0 };
	struct filesystem_entries_found_list found;
	zog_status_t status;

	for (uint32_t i = 0; i < 3000; i += 7) {
		snprintf(name, sizeof(name), "a-rather-long-name-of-file-number-%u", i);
		lookup(directory, name);
	}
	if (scene->pages == 0)
		unlink_name(directory, name); /* a leaf of the tree changes, its index stays */
	if (scene->pages == 1)
		node = create(directory, "one-more", MODE_DIRECTORY | 0755), (void)node;
	do {
		filesystem_entries_found_list_clear(&found);
		CALL(status, filesystem_entries_serve(call, directory, entry.next, &found.list));
		CHECK(status == ZOG_OK);
		while (filesystem_directory_entry_next(&found.list, &entry))
			count++;
	} while (found.list.length);
	CHECK(count == (scene->pages == 0 ? 3001u : 3003u));
	sync_all(true);
}

static void test_htree_directories(void **state)
{
	(void)state;
	assert_true(tool("mkdir -p " FOLDER "/tree/many && cd " FOLDER "/tree/many && "
		"seq 0 2999 | sed 's/^/a-rather-long-name-of-file-number-/' | xargs touch"));
	image_make("64M", "-b 4096 -d " FOLDER "/tree");
	tool("/sbin/e2fsck -fyD " IMAGE " >" FOLDER "/index.log 2>&1");
	assert_true(tool("/sbin/debugfs -R 'stat /many' " IMAGE " 2>/dev/null | grep -q 'Flags: 0x81000'"));
	for (scene->pages = 0; scene->pages < 2; scene->pages++) {
		if (scene->pages == 1)
			assert_true(tool("touch " FOLDER "/empty && /sbin/debugfs -w -R 'write " FOLDER
				"/empty many/a-rather-long-name-of-file-number-2996' " IMAGE " >/dev/null 2>&1; "
				"/sbin/e2fsck -fyD " IMAGE " >" FOLDER "/index.log 2>&1 || true"));
		harness_boot(IMAGE, 22);
		world->ticket = 0;
		harness_live(life_index, 0);
		image_check();
	}
	assert_true(tool("rm -rf " FOLDER "/tree"));
}

/* --- blocks that fallocate left unwritten --- */

static void life_unwritten(void)
{
	uint64_t node = lookup(INODE_ROOT, "reserved");

	CHECK(info(node).blocks_512 >= 200 * 8);
	CHECK(read_word(node, 50) == 0);
	write_pages(node, 50, 3, 50);
	write_pages(node, 0, 1, 1);
	write_pages(node, 199, 2, 199);
	write_pages(node, 53, 1, 53);
	CHECK(read_word(node, 49) == 0 && read_word(node, 51) == 50 && read_word(node, 53) == 53);
	CHECK(read_word(node, 0) == 1 && read_word(node, 1) == 0 && read_word(node, 200) == 199);
	sync_all(true);
}

static void test_unwritten_extents(void **state)
{
	(void)state;
	image_make("32M", "-b 4096");
	assert_true(tool("touch " FOLDER "/empty && /sbin/debugfs -w -R 'write " FOLDER "/empty reserved' " IMAGE
		" >/dev/null 2>&1 && /sbin/debugfs -w -R 'fallocate reserved 0 199' " IMAGE " >/dev/null 2>&1 && "
		"/sbin/debugfs -w -R 'sif reserved size 819200' " IMAGE " >/dev/null 2>&1"));
	harness_boot(IMAGE, 23);
	world->ticket = 0;
	harness_live(life_unwritten, 0);
	image_check();
}

/* --- block-mapped files --- */

static void life_blockmap(void)
{
	uint64_t node = lookup(INODE_ROOT, "old"), prepared;
	struct filesystem_node_info facts = info(node);
	zog_status_t status;

	for (uint32_t page = 0; page < 1200; page += 13)
		CHECK(read_word(node, page) == page);
	CALL(status, filesystem_prepare_serve(call, node, 0, 1, 1, &prepared));
	CHECK(status == ZOG_ERR_IO);
	unlink_name(INODE_ROOT, "old");
	CALL(status, filesystem_forget_serve(call, node, facts.generation));
	CHECK(status == ZOG_OK);
	CALL(status, filesystem_info_serve(call, node, &facts));
	CHECK(status == ZOG_ERR_NOT_FOUND);
	sync_all(true);
}

static void test_block_mapped_files(void **state)
{
	static uint32_t page[BLOCK_BYTES / 4];
	FILE *file;

	(void)state;
	assert_true(tool("rm -rf " FOLDER "/tree && mkdir -p " FOLDER "/tree"));
	file = fopen(FOLDER "/tree/old", "w");
	assert_non_null(file);
	for (uint32_t i = 0; i < 1200; i++) {
		for (uint32_t k = 0; k < BLOCK_BYTES / 4; k++)
			page[k] = i;
		assert_int_equal(fwrite(page, 1, BLOCK_BYTES, file), BLOCK_BYTES);
	}
	fclose(file);
	image_make("32M", "-b 4096 -O ^extents,^64bit -d " FOLDER "/tree");
	harness_boot(IMAGE, 24);
	world->ticket = 0;
	harness_live(life_blockmap, 0);
	image_check();
	assert_true(tool("rm -rf " FOLDER "/tree"));
}

/* --- orphans of an earlier life of the system --- */

static void life_orphan_leave(void)
{
	uint64_t node = create(INODE_ROOT, "gone", MODE_REGULAR | 0600), directory;
	zog_status_t status;

	write_pages(node, 0, 100, 5);
	unlink_name(INODE_ROOT, "gone");
	create(INODE_ROOT, "gone-too", MODE_DIRECTORY | 0700);
	CALL(status, filesystem_remove_directory_serve(call, INODE_ROOT, 1700000000, "gone-too", 8, &directory));
	CHECK(status == ZOG_OK);
	CHECK(info(node).links == 0 && read_word(node, 99) == 5);
	scene->node = node;
	scene->other = directory;
	sync_all(false);
}

static void life_orphan_find(void)
{
	struct filesystem_node_info facts;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, scene->node, &facts));
	CHECK(status == ZOG_ERR_NOT_FOUND);
	CALL(status, filesystem_info_serve(call, scene->other, &facts));
	CHECK(status == ZOG_ERR_NOT_FOUND);
	sync_all(true);
}

/* Twice the disk is left without a final sync: it says so, and its orphans are freed at the next mount. */
static void test_orphans_freed_at_mount(void **state)
{
	(void)state;
	image_make("32M", "-b 4096");
	harness_boot(IMAGE, 25);
	world->ticket = 0;
	harness_live(life_orphan_leave, 0);
	assert_true(tool("/sbin/dumpe2fs -h " IMAGE " 2>/dev/null | grep -q 'Filesystem state: *not clean'"));
	harness_boot(IMAGE, 26);
	world->ticket = 0;
	harness_live(life_orphan_find, 40);
	image_check();
	assert_true(tool("/sbin/dumpe2fs -h " IMAGE " 2>/dev/null | grep -q 'Filesystem state: *clean'"));
}

/* --- disks that can't be mounted --- */

static void life_root(void)
{
	uint64_t node;
	struct filesystem_fs_info facts;

	CALL(scene->status, filesystem_root_serve(call, &node));
	if (scene->status != ZOG_OK) {
		zog_status_t status;

		CALL(status, filesystem_statistics_serve(call, &facts));
		CHECK(status == ZOG_ERR_IO);
	}
}

static void expect_root(zog_status_t status, const char *words)
{
	harness_boot(IMAGE, 27);
	harness_live(life_root, 0);
	assert_int_equal(scene->status, status);
	if (!strstr(harness->log, words))
		fail_msg("the log says: %s", harness->log);
}

static void test_refused_disks(void **state)
{
	(void)state;
	image_make("8M", "-b 1024");
	expect_root(ZOG_ERR_UNSUPPORTED, "-b 4096");
	image_make("8M", "-b 4096 -O inline_data");
	expect_root(ZOG_ERR_UNSUPPORTED, "incompatible features");
	image_make("16M", "-b 4096 -O quota");
	expect_root(ZOG_ERR_UNSUPPORTED, "read-only features");
	image_make("16M", "-b 4096");
	expect_root(ZOG_OK, "");
	assert_true(tool("/sbin/debugfs -w -R 'feature needs_recovery' " IMAGE " >/dev/null 2>&1"));
	expect_root(ZOG_ERR_UNSUPPORTED, "run e2fsck");
	image_make("16M", "-b 4096");
	assert_true(tool("printf x | dd of=" IMAGE " bs=1 seek=1100 conv=notrunc 2>/dev/null"));
	expect_root(ZOG_ERR_CORRUPT, "checksum is wrong");
	assert_true(tool("dd if=/dev/zero of=" IMAGE " bs=4096 count=1 conv=notrunc 2>/dev/null"));
	expect_root(ZOG_ERR_CORRUPT, "no ext4 superblock");
	image_make("16M", "-b 4096");
	assert_true(tool("printf x | dd of=" IMAGE " bs=1 seek=4100 conv=notrunc 2>/dev/null"));
	expect_root(ZOG_ERR_CORRUPT, "descriptor");
	image_make("16M", "-b 4096");
	assert_true(tool("truncate -s 8M " IMAGE));
	expect_root(ZOG_ERR_CORRUPT, "shorter");
}

/* --- a device that fails, metadata that is damaged --- */

static void life_device_error(void)
{
	struct filesystem_node_info facts;
	zog_status_t status;
	uint64_t seen = 0, node = create(INODE_ROOT, "file", MODE_REGULAR | 0644);

	write_pages(node, 0, 4, 9);
	for (harness->error_block = 1; harness->error_block < 8; harness->error_block += 6) {
		harness->is_broken = true;
		size_change(node, harness->error_block); /* something to write */
		world->ticket++;
		CALL_PENDING(status, seen, filesystem_sync_serve(call, world->ticket, false, &seen));
		CHECK(status == (harness->error_block == 1 ? ZOG_ERR_IO : ZOG_OK));
		harness->is_broken = false;
		sync_all(false); /* nothing was lost */
	}
	CALL(status, filesystem_info_serve(call, node, &facts));
	CHECK(status == ZOG_OK && facts.size == 7);
	sync_all(true);
}

static void life_damaged_inode(void)
{
	struct filesystem_node_info facts;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, scene->node, &facts));
	CHECK(status == ZOG_ERR_CORRUPT);
	CALL(status, filesystem_info_serve(call, INODE_ROOT, &facts));
	CHECK(status == ZOG_OK);
}

static void life_read_error(void)
{
	struct filesystem_node_info facts;
	zog_status_t status;

	harness->is_broken = true;
	CALL(status, filesystem_info_serve(call, 5000, &facts));
	CHECK(status == ZOG_ERR_IO || status == ZOG_ERR_NOT_FOUND);
	harness->is_broken = false;
	CALL(status, filesystem_info_serve(call, INODE_ROOT, &facts));
	CHECK(status == ZOG_OK);
}

static void test_device_errors_and_damage(void **state)
{
	(void)state;
	image_make("64M", "-b 4096");
	harness_boot(IMAGE, 28);
	world->ticket = 0;
	harness_live(life_device_error, 0);
	image_check();
	scene->node = 12; /* the file */
	assert_true(tool("/sbin/debugfs -w -R 'sif <12> checksum 0x1234' " IMAGE " >/dev/null 2>&1"));
	harness_boot(IMAGE, 29);
	harness_live(life_damaged_inode, 0);
	harness_boot(IMAGE, 30);
	harness_live(life_read_error, 0);
}

/* --- a directory of thousands of names, made and emptied under kills --- */

static void life_crowd(void)
{
	char name[64];
	zog_status_t status;

	if (scene->node == 0)
		scene->node = create(INODE_ROOT, "crowd", MODE_DIRECTORY | 0755);
	for (; scene->pages < 3000; scene->pages++) {
		snprintf(name, sizeof(name), "member-%lu-of-a-crowd", scene->pages);
		create(scene->node, name, MODE_REGULAR | 0644);
	}
	for (; scene->other < 3000; scene->other++) {
		uint64_t node, links;

		snprintf(name, sizeof(name), "member-%lu-of-a-crowd", scene->other);
		node = lookup(scene->node, name);
		scene->generation = info(node).generation;
		CALL(status, filesystem_unlink_serve(call, scene->node, 1, name, strlen(name), &node, &links));
		CHECK(status == ZOG_OK && links == 0);
		scene->other++; /* from here on the name is gone, whatever happens */
		CALL(status, filesystem_forget_serve(call, node, scene->generation));
		CHECK(status == ZOG_OK);
		scene->other--;
	}
	sync_all(true);
}

static void test_crowded_directory(void **state)
{
	(void)state;
	image_make("64M", "-b 4096");
	harness_boot(IMAGE, 31);
	memset(scene, 0, sizeof(*scene));
	world->ticket = 0;
	harness_live(life_crowd, 400);
	printf("%lu kills\n", harness->kills);
	assert_true(harness->kills > 10);
	image_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep_extent_trees), cmocka_unit_test(test_htree_directories),
		cmocka_unit_test(test_unwritten_extents), cmocka_unit_test(test_block_mapped_files),
		cmocka_unit_test(test_orphans_freed_at_mount), cmocka_unit_test(test_refused_disks),
		cmocka_unit_test(test_device_errors_and_damage), cmocka_unit_test(test_crowded_directory),
	};

	folder_enter();
	harness_create();
	world = shared_map(0, sizeof(*world));
	scene = shared_map(0, sizeof(*scene));
	return folder_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
