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
/* ext4 on damaged disks: bytes of metadata are changed at random, with and without checksums to catch it. Whatever the
 * disk says, every call ends, with an answer, inside the domain's own memory, and the file system's own blocks (bitmaps,
 * inode tables) never become a file's. */
#include <string.h>
#include "ext4_model.h"

#define IMAGE "image"
#define NODES_SEEN 400u
#define ROUNDS 40u

static struct seen {
	uint64_t node[NODES_SEEN], parent[NODES_SEEN];
	char name[NODES_SEEN][NAME_BYTES];
	uint32_t count, corrupt, good;
} *seen;

static void note(zog_status_t status)
{
	CHECK(status != ZOG_PENDING && status <= 0);
	if (status == ZOG_ERR_CORRUPT || status == ZOG_ERR_IO)
		seen->corrupt++;
	else if (status == ZOG_OK)
		seen->good++;
}

static void directory_read(uint64_t directory)
{
	struct filesystem_directory_entry entry = { 0 };
	struct filesystem_entries_found_list found;
	zog_status_t status;

	for (uint32_t turn = 0; turn < 20; turn++) {
		filesystem_entries_found_list_clear(&found);
		CALL(status, filesystem_entries_serve(call, directory, entry.next, &found.list));
		note(status);
		if (status != ZOG_OK || found.list.length == 0)
			return;
		CHECK(filesystem_directory_entry_list_is_valid(found.list.bytes, found.list.length));
		while (filesystem_directory_entry_next(&found.list, &entry)) {
			if (entry.name[0] == '.' || seen->count == NODES_SEEN)
				continue;
			seen->node[seen->count] = entry.node;
			memcpy(seen->name[seen->count], entry.name, entry.name_length);
			seen->parent[seen->count++] = directory;
		}
	}
}

static void node_read(uint64_t node)
{
	struct filesystem_node_info info;
	char target[4096];
	size_t length;
	uint64_t flag;
	zog_status_t status;

	CALL(status, filesystem_info_serve(call, node, &info));
	note(status);
	CALL(status, filesystem_read_link_serve(call, node, target, sizeof(target), &length));
	note(status);
	for (uint32_t page = 0; page < 8; page++) {
		CALL_PENDING(status, flag, filesystem_read_page_serve(call, node, page * page * 7, PAYLOAD_FRAME, &flag));
		note(status);
	}
}

static void node_change(uint32_t i)
{
	struct filesystem_set_request cut = { .mask = FILESYSTEM_SET_MASK_SIZE, .size = 5000 };
	struct filesystem_create_request request = { .parent = seen->parent[i], .mode = (i % 2 ? MODE_REGULAR
		: MODE_DIRECTORY) | 0755, .time_s = 1700000000 };
	struct filesystem_node_info info = { 0 };
	size_t length = strlen(seen->name[i]);
	uint64_t node, out, flag;
	char name[32];
	zog_status_t status;

	snprintf(name, sizeof(name), "new-%u", i);
	CALL(status, filesystem_info_serve(call, seen->node[i], &info));
	CALL(status, filesystem_create_serve(call, &request, name, strlen(name), &node));
	note(status);
	CALL(status, filesystem_set_serve(call, seen->node[i], &cut));
	note(status);
	CALL(status, filesystem_prepare_serve(call, seen->node[i], i, 9, (i + 9) * BLOCK_BYTES, &out));
	note(status);
	CALL_PENDING(status, flag, filesystem_write_page_serve(call, seen->node[i], i, PAYLOAD_FRAME, &flag));
	note(status);
	CALL(status, filesystem_unlink_serve(call, seen->parent[i], 1700000000, seen->name[i], length, &node, &out));
	if (status == ZOG_ERR_IS_DIRECTORY)
		CALL(status, filesystem_remove_directory_serve(call, seen->parent[i], 1700000000, seen->name[i], length,
			&node));
	note(status);
	CALL(status, filesystem_forget_serve(call, seen->node[i], info.generation));
	note(status);
}

static void life_wander(void)
{
	uint64_t node;
	zog_status_t status;

	CALL(status, filesystem_root_serve(call, &node));
	if (status != ZOG_OK)
		return;
	seen->count = 0;
	directory_read(node);
	for (uint32_t i = 0; i < seen->count; i++) {
		node_read(seen->node[i]);
		directory_read(seen->node[i]);
	}
	for (uint32_t i = 0; i < seen->count; i++)
		node_change(i);
	CALL_PENDING(status, node, filesystem_sync_serve(call, 1, true, &node));
	note(status);
}

/* Some of the bytes that aren't zero, in blocks that hold metadata: everything but the files' contents, which are 'x'. */
static void disk_damage(uint32_t changes)
{
	while (changes) {
		uint64_t at = ((uint64_t)chance(1 << 16) << 12 | chance(1 << 12)) % (harness->disk_blocks * BLOCK_BYTES);
		uint64_t block = at / BLOCK_BYTES;
		uint32_t used = 0;

		for (uint32_t i = 0; i < BLOCK_BYTES; i++)
			used += disk[block * BLOCK_BYTES + i] != 0 && disk[block * BLOCK_BYTES + i] != 'x';
		if (used == 0 || (at >= 1024 && at < 2048 && chance(20)) || (disk[at] == 0 && chance(8)))
			continue;
		disk[at] = chance(2) ? (uint8_t)chance(256) : disk[at] ^ (uint8_t)(1u << chance(8));
		changes--;
	}
}

static void damage_rounds(const char *options)
{
	assert_true(tool("rm -f clean && /sbin/mke2fs -q -F -t ext4 -b 4096 %s -d tree clean 8M >log 2>&1", options));
	seen->corrupt = seen->good = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		assert_true(tool("cp clean " IMAGE));
		harness_boot(IMAGE, 1000 + round);
		disk_damage(1 + round);
		harness_live(life_wander, 0);
	}
	printf("%u calls found damage, %u went well\n", seen->corrupt, seen->good);
	assert_true(seen->corrupt > 0 && seen->good > 1000);
}

static void test_damage_without_checksums(void **state)
{
	(void)state;
	damage_rounds("-O ^metadata_csum,^has_journal -g 1024 -N 256");
}

static void test_damage_with_checksums(void **state)
{
	(void)state;
	damage_rounds("-O ^has_journal -g 1024 -N 256");
}

static void test_damage_to_block_maps(void **state)
{
	(void)state;
	damage_rounds("-O ^metadata_csum,^has_journal,^extents,^64bit -N 256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_without_checksums), cmocka_unit_test(test_damage_with_checksums),
		cmocka_unit_test(test_damage_to_block_maps),
	};

	folder_enter();
	harness_create();
	world = shared_map(0, sizeof(*world));
	seen = shared_map(0, sizeof(*seen));
	assert_true(tool("mkdir -p tree/a/b tree/c && for i in 1 2 3 4 5 6 7 8; do head -c ${i}0000 /dev/zero | tr '\\0' x "
		">tree/a/file$i; ln -s a/file$i tree/c/link$i; done; head -c 300000 /dev/zero | tr '\\0' x >tree/big; "
		"ln -s $(seq 1 60 | tr -d '\\n') tree/long"));
	return folder_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
