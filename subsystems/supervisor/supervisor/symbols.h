/* The supervisor's reader of the symbols module (abi/zog/symbols.h): code address to function, file and line.
 *
 * Protocol: symbols_open() checks the header and the string table once; after it every lookup checks the record
 * tables it walks against the blob's length. So a damaged blob gives "unknown", never a read outside it. */
#ifndef SUPERVISOR_SYMBOLS_H
#define SUPERVISOR_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "zog/symbols.h"

#define SYMBOLS_IMAGE_CORE 0u
static inline uint32_t symbols_image_of(uint32_t domain) { return domain + 1; }

struct symbols {
	const uint8_t *blob; /* NULL: no symbols */
	uint64_t bytes;
	const struct zog_symbols_image *image;
	uint32_t image_count;
	const char *strings;
	uint32_t string_bytes;
};

struct symbol {
	const char *function; /* NULL when unknown; else points into the blob, as does file */
	uint64_t offset;      /* of the address in the function */
	const char *file;     /* NULL when unknown */
	uint32_t line;
};

/* false, and every lookup finds nothing, when the blob does not pass its checks. blob is 8-byte aligned. */
bool symbols_open(struct symbols *symbols, const void *blob, uint64_t blob_bytes);
/* Fills *out with what is known of the address; true when the function is known. Assembly has lines, but not always
 * functions. */
bool symbols_find(const struct symbols *symbols, uint32_t image, uint64_t address, struct symbol *out);

#endif
