/* The measure of an image. */
#include "fault/measure.h"
#include "fault/sha256.h"
#include "cross/schedule.h"
#include "object/lock.h"

#define PART_WORDS (ZOG_PAGE_SIZE / 32)
static CORE_LOCK struct lock measure_lock = LOCK_INIT;
static uint8_t last_page[ZOG_PAGE_SIZE] __attribute__((aligned(32))); /* a part's last page, filled up */

/* CPUID leaf 7: AVX2 is bit 5 of ebx. Without it the parts are hashed one after another. */
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

static void page_sum(const uint8_t *page, uint8_t sum[8][32])
{
	static uint32_t word[PART_WORDS]; /* under the lock */

	if (has_lanes()) {
		sha256_lanes(page, sum);
		return;
	}
	for (uint32_t part = 0; part < 8; part++) {
		struct sha256 hash;
		for (uint32_t i = 0; i < PART_WORDS; i++)
			memcpy(&word[i], page + 4ul * (8 * i + part), 4);
		sha256_begin(&hash);
		sha256_add(&hash, word, sizeof(word));
		sha256_end(&hash, sum[part]);
	}
}

/* The vector registers hold a program's state: it is put away, and they may be used. */
static void measure_begin(struct cpu *cpu)
{
	lock_take(&measure_lock, cpu->id);
	vector_save(cpu);
	cpu->vector_owner = NULL;
	vectors_allow();
}

static void measure_end(struct cpu *cpu)
{
	vector_close(cpu);
	lock_release(&measure_lock);
}

void measure(const struct measure_part *part, uint32_t count, uint8_t *sum, uint8_t out[32])
{
	struct cpu *cpu = cpu_current();
	struct sha256 root;

	measure_begin(cpu);
	sha256_begin(&root);
	for (const struct measure_part *end = part + count; part < end; part++)
		for (uint64_t at = 0; at < part->bytes; at += ZOG_PAGE_SIZE, sum += MEASURE_SUM_BYTES) {
			const uint8_t *page = part->content + at;
			if (part->bytes - at < ZOG_PAGE_SIZE) {
				memset(last_page, 0, sizeof(last_page));
				page = memcpy(last_page, page, part->bytes - at);
			}
			page_sum(page, (uint8_t(*)[32])sum);
			sha256_add(&root, sum, MEASURE_SUM_BYTES);
		}
	sha256_end(&root, out);
	measure_end(cpu);
}

bool measure_page(const uint8_t *page, const uint8_t *sum)
{
	struct cpu *cpu = cpu_current();
	union { uint8_t part[8][32]; uint64_t word[MEASURE_SUM_BYTES / 8]; } found;
	uint64_t difference = 0;

	measure_begin(cpu);
	page_sum(page, found.part);
	measure_end(cpu);
	for (uint32_t i = 0; i < MEASURE_SUM_BYTES / 8; i++)
		difference |= found.word[i] ^ ((const uint64_t *)(const void *)sum)[i];
	return difference == 0;
}
