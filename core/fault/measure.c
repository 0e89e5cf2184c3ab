/* The measure of an image. */
#include "fault/measure.h"
#include "fault/sha256.h"
#include "cross/schedule.h"
#include "object/lock.h"

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

static CORE_LOCK struct lock measure_lock = LOCK_INIT;
static uint8_t last_page[ZOG_PAGE_SIZE]; /* a part's last page, filled up */

struct batch {
	const uint8_t *page[8];
	uint32_t count;
	struct sha256 *root;
};

/* CPUID leaf 7: AVX2 is bit 5 of ebx. Without it the pages are hashed one after another. */
static bool has_lanes(void)
{
	static int8_t known;

	if (known == 0) {
		uint32_t leaf[4];
		cpuid(7, 0, leaf);
		known = leaf[1] & 1u << 5 ? 1 : -1;
	}
	return known > 0;
}

static void batch_finish(struct batch *batch)
{
	uint8_t digest[8][32];

	if (batch->count == 0)
		return;
	if (has_lanes() && batch->count > 1) {
		for (uint32_t i = batch->count; i < 8; i++)
			batch->page[i] = batch->page[0];
		sha256_lanes(batch->page, digest);
	} else {
		for (uint32_t i = 0; i < batch->count; i++) {
			struct sha256 hash;
			sha256_begin(&hash);
			sha256_add(&hash, batch->page[i], ZOG_PAGE_SIZE);
			sha256_end(&hash, digest[i]);
		}
	}
	sha256_add(batch->root, digest, batch->count * 32ul);
	batch->count = 0;
}

static void part_add(struct batch *batch, const struct measure_part *part)
{
	for (uint64_t at = 0; at < part->bytes; at += ZOG_PAGE_SIZE) {
		const uint8_t *page = part->content + at;
		bool is_short = part->bytes - at < ZOG_PAGE_SIZE;
		if (is_short) {
			memset(last_page, 0, sizeof(last_page));
			memcpy(last_page, page, part->bytes - at);
			page = last_page;
		}
		batch->page[batch->count++] = page;
		if (batch->count == 8 || is_short)
			batch_finish(batch);
	}
}

void measure(const struct measure_part *part, uint32_t count, uint8_t out[32])
{
	struct cpu *cpu = cpu_current();
	struct sha256 root;
	struct batch batch = { .root = &root };

	lock_take(&measure_lock, cpu->id);
	/* The vector registers hold a program's state: put it away, and let them be used. */
	vector_save(cpu);
	if (cpu->vector_owner != NULL)
		cpu->vector_owner = NULL;
	vectors_allow();
	sha256_begin(&root);
	for (uint32_t i = 0; i < count; i++)
		part_add(&batch, &part[i]);
	batch_finish(&batch);
	sha256_end(&root, out);
	vector_close(cpu);
	lock_release(&measure_lock);
}
