/* What a domain's image says of the contracts that it was built with, for whoever must know before it runs: the image
 * builder (tools/image.py), the core at boot, a live update.
 *
 * The image's constants (the read-only, not executable segment) begin with struct zog_image_table, and `count` entries
 * follow it without a gap; lib/rt/domain.ld puts it there, tools/manifest.py writes it into dispatch.c with the macros
 * of the contracts' generated headers: it says what the code was compiled with. Little endian, no pointers.
 * A reader checks: the segment holds the table, magic, layout, and that the segment holds the entries.
 *
 * The fingerprint of a contract is the first 8 bytes (little endian) of the SHA-256 over its words: comments, white
 * space, commas, and the causes of errors left out, numbers in decimal. A region's is that of its declaration and of the
 * contract's enums. Two sides fit if name, number, version and fingerprint are equal. */
#ifndef ZOG_IMAGE_H
#define ZOG_IMAGE_H

#include <stdint.h>

#define ZOG_IMAGE_MAGIC 0x47414d49474f5a00ull /* "\0ZOGIMAG" */
#define ZOG_IMAGE_LAYOUT 1u
#define ZOG_IMAGE_NAME_MAX 40u /* CONTRACT or CONTRACT.REGION, with the NUL */

enum zog_image_role {
	ZOG_IMAGE_SERVES = 1, /* a contract */
	ZOG_IMAGE_USES = 2,   /* a contract: it calls, or waits on an event */
	ZOG_IMAGE_WRITES = 3, /* a region */
	ZOG_IMAGE_READS = 4,  /* a region */
};
struct zog_image_table {
	uint64_t magic;
	uint32_t layout; /* of this table */
	uint32_t count;
};
struct zog_image_contract {
	char name[ZOG_IMAGE_NAME_MAX];
	uint32_t version; /* of the contract */
	uint16_t role;    /* enum zog_image_role */
	uint16_t number;  /* of the contract: its methods are number << 8 | n */
	uint64_t fingerprint;
	uint64_t reserved;
};
_Static_assert(sizeof(struct zog_image_table) == 16 && sizeof(struct zog_image_contract) == 64, "table of an image");

#endif
