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
/* Requests that the contract allows and that no careful client makes: whatever is asked for, e2fsck finds nothing afterwards. */
#include <string.h>
#include "ext4_model.h"

#define IMAGE "image"
#define LAST_LONG 10737418239 /* 2310-04-04, less a second */

static bool *is_long; /* inodes */

static uint64_t create(const char *name)
{
	struct filesystem_create_request request = { .parent = INODE_ROOT, .mode = MODE_REGULAR | 0644, .time_s = 1700000000 };
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

/* Blocks behind the end of a file. */
static void ask_for_pages(uint64_t node)
{
	uint64_t prepared = 9;
	zog_status_t status;

	CALL(status, filesystem_prepare_serve(call, node, 5, 3, 4096, &prepared));
	CHECK(status == ZOG_ERR_ARGUMENT && prepared == 0 && info(node).blocks_512 == 0 && info(node).size == 0);
	CALL(status, filesystem_prepare_serve(call, node, 0, 2, 4096, &prepared)); /* the second lies behind the end by a byte */
	CHECK(status == ZOG_ERR_ARGUMENT && info(node).blocks_512 == 0);
	CALL(status, filesystem_prepare_serve(call, node, 0, 2, 4097, &prepared));
	CHECK(status == ZOG_OK && prepared == 2 && info(node).size == 4097);
	CALL(status, filesystem_prepare_serve(call, node, 1, 1, 0, &prepared)); /* the size that it has is enough */
	CHECK(status == ZOG_OK && prepared == 1 && info(node).size == 4097);
}

/* Times that the disk has no room for. */
static void ask_for_times(uint64_t node)
{
	struct filesystem_set_request set = { .mask = FILESYSTEM_SET_MASK_ATIME | FILESYSTEM_SET_MASK_MTIME, .atime_s = 1ll << 40,
		.atime_ns = UINT32_MAX, .mtime_s = INT64_MIN, .mtime_ns = 7 };
	zog_status_t status;

	CALL(status, filesystem_set_serve(call, node, &set));
	CHECK(status == ZOG_OK);
	CHECK(info(node).mtime_s == INT32_MIN && info(node).mtime_ns == (*is_long ? 7 : 0));
	CHECK(info(node).atime_s == (*is_long ? LAST_LONG : INT32_MAX));
	CHECK(info(node).atime_ns == (*is_long ? 999999999 : 0));
}

static void life_ask(void)
{
	uint64_t node = create("odd");

	ask_for_pages(node);
	ask_for_times(node);
	sync_all(true);
}

static void check_disk_after(const char *options)
{
	assert_true(tool("rm -f " IMAGE " && /sbin/mke2fs -q -F -t ext4 -b 4096 %s " IMAGE " 64M >mke2fs.log 2>&1", options));
	harness_boot(IMAGE, 33);
	world->ticket = 0;
	harness_live(life_ask, 0);
	assert_true(tool("/sbin/e2fsck -fn " IMAGE " >e2fsck.log 2>&1 || { cat e2fsck.log; echo ERROR e2fsck; exit 1; }"));
}

static void test_odd_requests(void **state)
{
	(void)state;
	*is_long = true;
	check_disk_after("");
}

static void test_odd_requests_for_short_inodes(void **state)
{
	(void)state;
	*is_long = false;
	check_disk_after("-I 128");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_odd_requests), cmocka_unit_test(test_odd_requests_for_short_inodes) };

	folder_enter();
	harness_create();
	world = shared_map(0, sizeof(*world));
	is_long = shared_map(0, sizeof(*is_long));
	return folder_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
