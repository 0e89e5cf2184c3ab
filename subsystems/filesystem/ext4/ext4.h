/* The ext4 domain: what its parts share.
 *
 * All metadata blocks in use stand in a cache in the home region, so an operation is plain C over cached blocks:
 * its reply commits the changes against this domain's death, an abort undoes them.
 *
 * Protocol of an operation. It takes blocks by block_get(). A block that isn't cached makes that return ZOG_RETRY,
 * which every caller passes up at once; the wrapper in serve.c then aborts what was changed, fetches the block (which
 * may mean replying ZOG_WAIT) and runs the operation from its start. So an operation never waits in the middle, and
 * every function here that returns a status may return ZOG_RETRY. Any negative status aborts the operation too.
 *
 * Pointers into cached blocks stay valid until the operation ends: only slots that it did not touch are evicted.
 *
 * Checksums: inodes are sealed by inode_dirty() at once; bitmaps, directory blocks, extent blocks, group descriptors
 * and the superblock when they are written back (block_seal), since they change far more often than that. */
#ifndef EXT4_EXT4_H
#define EXT4_EXT4_H

#include "rt/rt.h"
#include "domain.h"
#include "contracts/filesystem.h"
#include "disk.h"

#ifndef EXT4_SLOTS /* tests make the cache small */
#define EXT4_SLOTS 4096
#endif

enum {
	SLOT_COUNT = EXT4_SLOTS,
	SLOT_NONE = 0xffff,
	BUCKET_COUNT = 8192,
	BOUNCE_COUNT = DMA_BYTES / ZOG_PAGE_SIZE,
	BOUNCE_RESERVED = BOUNCE_COUNT / 2, /* for reads: write-back leaves them alone */
	DIRTY_HIGH = SLOT_COUNT / 4 * 3,    /* operations wait for write-back above this */
	DESCRIPTOR_BLOCK_MAX = 1024,
	SYNC_DONE_COUNT = 32,
};

/* What a block holds; says how it is sealed and verified. `key` is what the check needs besides the contents. */
enum block_kind {
	BLOCK_PLAIN,        /* long symbolic link, indirect block: no check exists */
	BLOCK_SUPER,
	BLOCK_DESCRIPTORS,  /* key: first group */
	BLOCK_BLOCK_BITMAP, /* key: group */
	BLOCK_INODE_BITMAP, /* key: group */
	BLOCK_INODES,       /* each inode has its own checksum */
	BLOCK_DIRECTORY,    /* key: checksum seed of the inode */
	BLOCK_EXTENTS,      /* key: checksum seed of the inode */
	BLOCK_XATTR,
	BLOCK_UNKNOWN,      /* just read, not yet verified */
};

enum slot_state { SLOT_FREE, SLOT_CLEAN, SLOT_DIRTY };
struct slot {
	uint64_t block;
	uint32_t key;
	uint32_t dirty_epoch;   /* home->sync.epoch when it became dirty */
	uint16_t next;          /* in the hash chain, or in the free list */
	uint8_t state, kind;
	uint8_t is_writing;     /* a bounce frame carries it to the device */
	uint8_t is_redirtied;   /* changed since that began */
	uint8_t is_pinned;      /* superblock, group descriptors */
	uint8_t reserved;
};

enum bounce_state { BOUNCE_FREE, BOUNCE_READ, BOUNCE_WRITE };
struct bounce {
	uint64_t block;
	uint16_t slot;      /* BOUNCE_WRITE */
	uint8_t state;
	uint8_t is_suspect; /* its contents or their meaning may have changed on the way: repeat, don't believe */
	uint8_t is_mark;    /* a superblock that says "not cleanly unmounted" */
	uint8_t reserved[3];
};

enum sync_phase { SYNC_IDLE, SYNC_WRITE, SYNC_FLUSH, SYNC_SUPER, SYNC_SUPER_FLUSH };
struct sync_state {
	uint64_t ticket;       /* of the sync under way */
	uint64_t flush_ticket; /* of the last flush asked of the block device */
	uint64_t done[SYNC_DONE_COUNT];
	uint32_t done_next;
	uint32_t epoch;        /* rises with every sync: blocks dirtied later are not waited for */
	uint8_t phase, is_final;
	uint8_t is_marked;     /* the superblock on the disk says "not cleanly unmounted" */
};

/* Facts of the mounted file system, checked once at mount. */
struct mount {
	uint64_t blocks;
	uint32_t inodes, groups, inodes_per_group, blocks_per_group;
	uint32_t inode_bytes, descriptor_bytes, descriptors_per_block;
	uint32_t first_inode, first_data_block, seed, generation;
	uint32_t extra_isize;
	int64_t error;             /* why mounting failed for good, 0 while it has not */
	uint8_t is_mounted, has_checksums, has_file_types;
	uint8_t has_orphans;       /* those of an earlier life are still to be freed */
	uint16_t super_slot;
	uint16_t descriptor_slot[DESCRIPTOR_BLOCK_MAX];
};

struct home {
	uint64_t magic;
	struct mount mount;
	struct sync_state sync;
	struct bounce bounce[BOUNCE_COUNT];
	uint32_t bounce_active;
	uint32_t dirty_count;
	uint64_t dirty_map[SLOT_COUNT / 64];
	uint16_t free_slot;  /* head of the free list */
	uint16_t fresh_slot; /* slots from here on were never used */
	uint16_t bucket[BUCKET_COUNT];
	struct slot slot[SLOT_COUNT];
	struct rt_once_table once;
	uint8_t data[SLOT_COUNT][BLOCK_BYTES] __attribute__((aligned(4096)));
};
static inline struct home *home(void) { return rt_home(); }

#define TRY(expression) \
	do { \
		zog_status_t try_status = (expression); \
		if (try_status != ZOG_OK) \
			return try_status; \
	} while (0)

/* --- cache.c: blocks in home slots --- */
static inline void *slot_data(const struct slot *slot) { return home()->data[slot - home()->slot]; }
void cache_init(void);
void cache_operation_begin(void); /* pointers of the last operation are no longer in use */
struct slot *cache_find(uint64_t block);
/* ZOG_RETRY: it is being fetched; ERR_CORRUPT: its check failed, or it is in use as something else. */
zog_status_t block_get(uint64_t block, enum block_kind kind, uint32_t key, struct slot **out);
/* A block whose old contents don't matter: zeroed and dirty. ZOG_RETRY: the cache must be relieved first. */
zog_status_t block_new(uint64_t block, enum block_kind kind, uint32_t key, struct slot **out);
void block_dirty(struct slot *slot); /* call before or after changing it, within the same operation */
void block_clean(struct slot *slot); /* its contents have reached the device */
void block_forget(uint64_t block);   /* the block was freed: what the cache holds of it is void */
/* The slot for a block just read, BLOCK_UNKNOWN and clean; NULL when everything is dirty or in use. */
struct slot *cache_insert(uint64_t block);
/* What the last ZOG_RETRY was for: a block, or 0 for room. */
uint64_t cache_wanted(void);
bool inode_is_verified(const struct slot *slot, uint32_t index); /* per inode of a BLOCK_INODES slot; scratch */
void inode_set_verified(const struct slot *slot, uint32_t index);

/* --- bounce.c: transfers between cache and device --- */
void bounce_recover(void); /* after a restart */
void bounce_cancel_reads(uint64_t block);
bool bounce_is_writing(uint64_t block, uint64_t *seen);
/* Fetches cache_wanted(). ZOG_OK: run the operation again; ZOG_PENDING: wait for block.done with seen first. */
zog_status_t cache_fetch(uint64_t *seen);
/* Starts and collects writes of blocks dirtied before `epoch`. ZOG_OK: none is left; ZOG_PENDING: some are. */
void writeback_seal_bitmaps(void);
zog_status_t writeback_pump(uint32_t epoch, uint64_t *seen);

/* --- checksum.c --- */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
void block_seal(struct slot *slot);
bool block_verify(const struct slot *slot, enum block_kind kind, uint32_t key);
void inode_seal(struct disk_inode *inode, uint32_t number);
bool inode_verify(const struct disk_inode *inode, uint32_t number);
uint32_t inode_seed(const struct disk_inode *inode, uint32_t number);
uint32_t super_checksum(const struct disk_super *super);
bool directory_is_index(const void *block); /* an htree block, by its shape */

/* --- super.c --- */
zog_status_t super_mount(void); /* an operation: reads and checks superblock and descriptors */
struct disk_super *super_get(void);
void super_touch(void); /* it changes in memory: from now on the disk is not clean */
uint64_t super_free_blocks(void);
void super_add_free_blocks(int64_t count);

/* --- group.c: descriptors and bitmaps --- */
struct disk_group *group_get(uint32_t group);
void group_dirty(uint32_t group);
uint32_t group_blocks(uint32_t group); /* the last one may be short */
uint64_t group_first_block(uint32_t group);
uint64_t group_block_bitmap(const struct disk_group *group);
uint64_t group_inode_bitmap(const struct disk_group *group);
uint64_t group_inode_table(const struct disk_group *group);
uint32_t group_free_blocks(const struct disk_group *group);
uint32_t group_free_inodes(const struct disk_group *group);
uint32_t group_unused_inodes(const struct disk_group *group);
void group_add_free_blocks(uint32_t group, int32_t count);
void group_add_free_inodes(uint32_t group, int32_t count);
void group_add_directories(uint32_t group, int32_t count);
void group_set_unused_inodes(uint32_t group, uint32_t count);
/* The bitmaps; uninitialised ones are set up as the descriptors imply. */
zog_status_t group_get_block_bitmap(uint32_t group, struct slot **out);
zog_status_t group_get_inode_bitmap(uint32_t group, struct slot **out);

/* Whether any of the blocks belongs to the file system itself: superblock copies, descriptors, bitmaps, inode tables. */
bool group_owns_any(uint64_t first, uint64_t count);

/* --- bitmap.c --- */
bool bitmap_test(const void *bitmap, uint32_t bit);
void bitmap_set(void *bitmap, uint32_t first, uint32_t count);
void bitmap_clear(void *bitmap, uint32_t first, uint32_t count);
uint32_t bitmap_find_clear(const void *bitmap, uint32_t from, uint32_t end); /* end when there is none */
uint32_t bitmap_find_set(const void *bitmap, uint32_t from, uint32_t end);

/* --- allocate.c --- */
/* Up to `want` blocks in one run, near `goal`. ERR_SPACE when the disk is full. */
zog_status_t blocks_allocate(uint64_t goal, uint32_t want, uint64_t *first, uint32_t *got);
zog_status_t blocks_free(uint64_t first, uint32_t count);
zog_status_t inode_allocate(uint32_t parent, uint16_t mode, uint32_t *number);
zog_status_t inode_release(uint32_t number, bool is_directory);

/* --- inode.c --- */
struct inode {
	struct disk_inode *raw; /* in the cache */
	struct slot *slot;
	uint32_t number, seed;
};
struct timestamp {
	int64_t s;
	uint32_t ns;
};
/* NOT_FOUND when the node isn't in use. */
zog_status_t inode_get(uint64_t number, struct inode *inode);
zog_status_t inode_create(uint32_t parent, const struct filesystem_create_request *request, struct inode *inode);
void inode_dirty(struct inode *inode); /* after the last change to it */
uint64_t inode_size(const struct disk_inode *raw);
void inode_set_size(struct inode *inode, uint64_t size);
uint64_t inode_sectors(const struct disk_inode *raw); /* 512-byte units */
void inode_add_blocks(struct inode *inode, int64_t blocks);
uint64_t inode_goal(const struct inode *inode); /* where its first block would best stand */
enum inode_time { TIME_ACCESS, TIME_MODIFY, TIME_CHANGE, TIME_CREATE };
void inode_set_time(struct inode *inode, enum inode_time which, struct timestamp time);
struct timestamp inode_time(const struct disk_inode *raw, enum inode_time which);
bool inode_is_directory(const struct disk_inode *raw);
bool inode_is_regular(const struct disk_inode *raw);
bool inode_has_blocks(const struct disk_inode *raw); /* data outside the inode */
zog_status_t inode_free(struct inode *inode); /* blocks, extended attributes, the inode itself */

/* --- orphan.c: the list of unlinked nodes still in use, as ext4 keeps it on disk --- */
void orphan_add(struct inode *inode);
zog_status_t orphan_remove(struct inode *inode);
zog_status_t orphans_free_all(void); /* at mount, and at the final sync; commits */

/* --- extent.c, extent_change.c: the map from a node's blocks to the disk's --- */
enum run_kind { RUN_HOLE, RUN_WRITTEN, RUN_UNWRITTEN };
struct run {
	uint64_t start; /* on the disk, unless a hole */
	uint32_t length;
	enum run_kind kind;
};
struct extent_step { /* one level on the way from the root to a leaf */
	struct disk_extent_header *header;
	struct slot *slot; /* NULL: in the inode */
	int32_t index;     /* entry taken; -1: before the first, leaves only */
};
struct extent_path {
	struct extent_step step[EXTENT_DEPTH_MAX + 1];
	uint32_t depth; /* step[depth] is the leaf */
};
void extent_init(struct inode *inode);
zog_status_t extent_walk(const struct inode *inode, uint32_t logical, struct extent_path *path);
uint64_t extent_start(const struct disk_extent *extent);
uint32_t extent_length(const struct disk_extent *extent);
bool extent_is_unwritten(const struct disk_extent *extent);
uint64_t extent_child(const struct disk_extent_index *index);
struct disk_extent *extent_entry(const struct extent_step *step, uint32_t index);
struct disk_extent_index *extent_index(const struct extent_step *step, uint32_t index);
void extent_step_dirty(struct inode *inode, struct extent_step *step);
/* The run of blocks from `logical` on, hole or not; also for block-mapped nodes. */
zog_status_t extent_map(const struct inode *inode, uint32_t logical, struct run *run);
/* `run` must be in a hole. */
zog_status_t extent_insert(struct inode *inode, uint32_t logical, struct run run);
zog_status_t extent_set_written(struct inode *inode, uint32_t logical, uint32_t length);
zog_status_t extent_truncate(struct inode *inode, uint64_t from); /* frees all blocks from logical `from` on */

/* --- blockmap.c: nodes with the older indirect blocks: read and freed, never extended --- */
zog_status_t blockmap_map(const struct inode *inode, uint32_t logical, struct run *run);
zog_status_t blockmap_free(struct inode *inode);

/* --- directory.c, directory_change.c --- */
struct entry_place {
	struct slot *slot;
	struct disk_entry *entry, *previous; /* previous: in the same block, or NULL */
};
/* Calls of one block: count of blocks, block by number, end of its entries. */
uint32_t directory_blocks(const struct inode *directory);
zog_status_t directory_block(const struct inode *directory, uint32_t index, struct slot **out);
uint32_t directory_end(void);
struct disk_entry *directory_entry(const struct slot *slot, uint32_t offset); /* NULL: damaged */
zog_status_t directory_find(const struct inode *directory, const char *name, size_t length, struct entry_place *place);
zog_status_t directory_is_empty(const struct inode *directory); /* OK or ERR_NOT_EMPTY */
zog_status_t directory_insert(struct inode *directory, const char *name, size_t length, const struct inode *node);
void directory_remove(struct entry_place *place);
void directory_replace(struct entry_place *place, const struct inode *node);
zog_status_t directory_init(struct inode *directory, uint32_t parent);
zog_status_t directory_set_parent(struct inode *directory, const struct inode *parent); /* its ".." */
zog_status_t directory_entries(const struct inode *directory, uint64_t position, struct rt_list *found);

/* --- name.c, rename.c, page.c, sync.c: the operations --- */
zog_status_t name_lookup(uint64_t parent, const char *name, size_t length, uint64_t *node);
zog_status_t name_create(const struct filesystem_create_request *request, const char *name, size_t length,
	uint64_t *node);
zog_status_t name_symlink(const struct filesystem_create_request *request, const char *name, size_t length,
	const char *target, size_t target_length, uint64_t *node);
zog_status_t name_link(uint64_t node, uint64_t parent, struct timestamp time, const char *name, size_t length);
zog_status_t name_unlink(uint64_t parent, struct timestamp time, const char *name, size_t length, uint64_t *node,
	uint64_t *links);
zog_status_t name_remove_directory(uint64_t parent, struct timestamp time, const char *name, size_t length,
	uint64_t *node);
struct name {
	const char *text;
	size_t length;
};
zog_status_t name_rename(const struct filesystem_rename_request *request, struct name from, struct name to, uint64_t *node,
	uint64_t *replaced, uint64_t *replaced_links);
void name_drop_link(struct inode *node, struct timestamp time); /* onto the orphan list with the last one */
void name_add_directory_link(struct inode *directory);
void name_drop_directory_link(struct inode *directory);
zog_status_t directory_get(uint64_t number, struct inode *directory); /* inode_get, or ERR_NOT_DIRECTORY */
bool name_is_valid(const char *name, size_t length);

zog_status_t node_info(uint64_t node, struct filesystem_node_info *info);
zog_status_t node_set(uint64_t node, const struct filesystem_set_request *request);
zog_status_t node_read_link(uint64_t node, uint8_t *out, size_t size, size_t *length);
zog_status_t node_forget(uint64_t node, uint64_t generation);
zog_status_t page_read(uint64_t node, uint64_t page, uint64_t frame, uint64_t *seen);
zog_status_t page_write(uint64_t node, uint64_t page, uint64_t frame, uint64_t *seen);
zog_status_t page_prepare(uint64_t node, uint64_t page, uint64_t count, uint64_t size, uint64_t *prepared);
zog_status_t sync_advance(uint64_t ticket, bool is_final, uint64_t *seen);

#endif
