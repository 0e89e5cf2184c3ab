/* The block cache: 4096 slots of one metadata block each, in the home region.
 *
 * A slot is free, clean (as on the device) or dirty. It is found through a hash table of chains. Which slot to evict is
 * guessed from when it was last used; that table is scratch, since a wrong guess costs only time. Slots touched by the
 * running operation are never evicted, so the operation may hold pointers into them. Superblock and group descriptors
 * are pinned.
 *
 * Order: a block that is freed is forgotten before it can be allocated again; a forgotten block that is still on its
 * way to the device is waited for by the next writer of that block (bounce_is_writing). */
#include "ext4.h"

/* Scratch: empty again after a restart. */
static uint32_t slot_used_at[SLOT_COUNT];    /* operation that last used it */
static uint16_t inode_verified[SLOT_COUNT];  /* BLOCK_INODES: which of its inodes passed their check */
static uint32_t operation;
static uint32_t hand;
static uint64_t wanted;

void cache_init(void)
{
	struct home *h = home();

	memset(h->bucket, 0xff, sizeof(h->bucket)); /* SLOT_NONE */
	h->free_slot = SLOT_NONE;
	h->fresh_slot = 0;
}

/* The records in front of the buckets are few and steer everything: checked at every operation. A bucket, a slot and a
 * block's data are checked when an operation first comes by. */
void cache_operation_begin(void)
{
	operation++;
	wanted = 0;
	rt_home_verify(home(), offsetof(struct home, bucket));
}

uint64_t cache_wanted(void)
{
	return wanted;
}

static uint32_t slot_number(const struct slot *slot)
{
	return (uint32_t)(slot - home()->slot);
}

static uint32_t block_bucket(uint64_t block)
{
	return (uint32_t)((block * 0x9e3779b97f4a7c15ull) >> 51); /* 13 bits: BUCKET_COUNT */
}
_Static_assert(BUCKET_COUNT == 1 << (64 - 51), "hash width");

struct slot *cache_find(uint64_t block)
{
	struct home *h = home();
	uint16_t *bucket = &h->bucket[block_bucket(block)], i;

	rt_home_verify(bucket, sizeof(*bucket));
	for (i = *bucket; i != SLOT_NONE; i = h->slot[i].next) {
		rt_home_verify(&h->slot[i], sizeof(h->slot[i]));
		if (h->slot[i].block == block)
			break;
	}
	return i == SLOT_NONE ? NULL : &h->slot[i];
}

static void chain_remove(struct slot *slot)
{
	struct home *h = home();
	uint16_t *link = &h->bucket[block_bucket(slot->block)];

	while (*link != slot_number(slot))
		link = &h->slot[*link].next;
	*link = slot->next;
}

static void slot_free(struct slot *slot)
{
	struct home *h = home();

	if (slot->state == SLOT_DIRTY)
		block_clean(slot);
	chain_remove(slot);
	slot->state = SLOT_FREE;
	slot->is_writing = 0;
	slot->next = h->free_slot;
	h->free_slot = slot_number(slot);
}

/* The least recently used of the next clean slots, and of all if those are all young. */
static struct slot *slot_victim(void)
{
	struct home *h = home();
	struct slot *best = NULL;
	uint32_t best_age = 0, seen = 0;

	for (uint32_t turn = 0; turn < SLOT_COUNT && (seen < 64 || !best); turn++) {
		uint32_t i = hand++ % SLOT_COUNT;
		uint32_t age = operation - slot_used_at[i];

		if (h->slot[i].state != SLOT_CLEAN || h->slot[i].is_pinned || age == 0)
			continue;
		seen++;
		if (!best || age > best_age) {
			best = &h->slot[i];
			best_age = age;
		}
	}
	return best;
}

static struct slot *slot_take(uint64_t block)
{
	struct home *h = home();
	struct slot *slot;
	uint32_t b = block_bucket(block), i;

	if (h->free_slot == SLOT_NONE && h->fresh_slot == SLOT_COUNT) {
		slot = slot_victim();
		if (!slot)
			return NULL;
		slot_free(slot);
	}
	i = h->free_slot;
	if (i == SLOT_NONE)
		i = h->fresh_slot++;
	else
		h->free_slot = h->slot[i].next;
	slot = &h->slot[i];
	*slot = (struct slot){ .block = block, .state = SLOT_CLEAN, .kind = BLOCK_UNKNOWN, .next = h->bucket[b] };
	h->bucket[b] = i;
	slot_used_at[i] = operation;
	inode_verified[i] = 0;
	return slot;
}

struct slot *cache_insert(uint64_t block)
{
	return slot_take(block);
}

zog_status_t block_get(uint64_t block, enum block_kind kind, uint32_t key, struct slot **out)
{
	struct slot *slot;

	if (home()->mount.is_mounted && (block == 0 || block >= home()->mount.blocks))
		return ZOG_ERR_CORRUPT;
	slot = cache_find(block);
	if (!slot) {
		wanted = block;
		return ZOG_RETRY;
	}
	if (slot_used_at[slot_number(slot)] != operation)
		rt_home_verify(slot_data(slot), BLOCK_BYTES);
	slot_used_at[slot_number(slot)] = operation;
	if (slot->kind == BLOCK_UNKNOWN) {
		if (!block_verify(slot, kind, key))
			return ZOG_ERR_CORRUPT;
		slot->kind = kind;
		slot->key = key;
	}
	if (slot->kind != kind || slot->key != key)
		return ZOG_ERR_CORRUPT; /* the disk says that one block is two things */
	*out = slot;
	return ZOG_OK;
}

zog_status_t block_new(uint64_t block, enum block_kind kind, uint32_t key, struct slot **out)
{
	struct slot *slot;

	block_forget(block);
	slot = slot_take(block);
	if (!slot) {
		wanted = 0;
		return ZOG_RETRY;
	}
	slot->kind = kind;
	slot->key = key;
	memset(slot_data(slot), 0, BLOCK_BYTES);
	block_dirty(slot);
	*out = slot;
	return ZOG_OK;
}

void block_dirty(struct slot *slot)
{
	struct home *h = home();
	uint32_t i = slot_number(slot);

	if (slot->is_writing && !slot->is_redirtied)
		slot->is_redirtied = 1;
	if (slot->state == SLOT_DIRTY)
		return;
	slot->state = SLOT_DIRTY;
	slot->dirty_epoch = h->sync.epoch;
	h->dirty_map[i / 64] |= 1ull << (i % 64);
	h->dirty_count++;
	super_touch();
}

void block_clean(struct slot *slot)
{
	struct home *h = home();
	uint32_t i = slot_number(slot);

	slot->state = SLOT_CLEAN;
	h->dirty_map[i / 64] &= ~(1ull << (i % 64));
	h->dirty_count--;
}

void block_forget(uint64_t block)
{
	struct slot *slot = cache_find(block);

	bounce_cancel_reads(block);
	if (slot && !slot->is_pinned)
		slot_free(slot);
}

bool inode_is_verified(const struct slot *slot, uint32_t index)
{
	return inode_verified[slot_number(slot)] >> (index % 16) & 1 && index < 16;
}

void inode_set_verified(const struct slot *slot, uint32_t index)
{
	if (index < 16)
		inode_verified[slot_number(slot)] |= (uint16_t)(1u << index);
}
