/* An update file: one domain's program as the core keeps it, for replacing it in a running system. tools/image.py writes
 * one for each domain; the supervisor checks that it fits, the core that it is whole.
 *
 * Page 0 is struct zog_update_header, filled up with zeros. The pages of text, constants and data follow, the last of
 * the data filled up with zeros. Every image in the core has such a page 0, the one it was booted with, too. Little endian.
 *
 * Fingerprints are 64 bits of SHA-256. `interface`: the headers of abi/zog without comments and white space. `authority`: the
 * domain.h that the manifests of the whole system give this domain: its capabilities, the numbers of others, its memory.
 * `home`: names, offsets and types of all that `struct home` holds, from the debugging information; 0: it has none. */
#ifndef ZOG_UPDATE_H
#define ZOG_UPDATE_H

#include "image.h"

#define ZOG_UPDATE_MAGIC 0x4450555f474f5a00ull /* "\0ZOG_UPD" */
#define ZOG_UPDATE_LAYOUT 1u
#define ZOG_UPDATE_CONTRACT_MAX 60u
struct zog_update_header {
	uint64_t magic;
	uint64_t checksum; /* 64-bit FNV-1a over page 0, with this as 0 */
	uint32_t layout;   /* of this structure */
	uint32_t contract_count;
	char name[32];     /* of the domain */
	uint64_t entry;
	uint64_t text_address, constants_address, data_address; /* whole pages; 0 where there are none */
	uint32_t text_pages, constants_pages;
	uint32_t data_bytes, data_memory_bytes; /* in the file; with what starts as zeros */
	uint8_t sha256[32]; /* the measure: core/fault/measure.h */
	uint64_t interface, authority, home;
	uint32_t home_version; /* the manifest's */
	uint32_t reserved[19];
	struct zog_image_contract contract[ZOG_UPDATE_CONTRACT_MAX];
};
_Static_assert(sizeof(struct zog_update_header) == 4080, "fits its page");

static inline uint64_t zog_update_checksum(const uint8_t page[4096])
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < 4096; i++)
		sum = (sum ^ (i - 8 < 8 ? 0 : page[i])) * 0x100000001b3ull;
	return sum;
}

#endif
