/* The boot module "symbols": names and source lines of the core's and all domains' code, for stack traces.
 * tools/symbols.py writes it, the supervisor reads it at ZOG_MODULE_BASE (length: module_bytes).
 *
 * One blob, little endian, natural alignment, no pointers: a place is an offset in bytes from the blob's start,
 * a name is an offset from the start of the string table, every string there ends with a NUL and so does the table.
 * Tables are arrays of fixed-width records. A reader checks, once: magic, version, bytes <= module_bytes,
 * string_offset + string_bytes <= bytes, the last byte of the string table is 0; and for each table
 * offset + count * sizeof(record) <= bytes. After that every name < string_bytes is safe to print.
 *
 *   struct zog_symbols              header
 *   struct zog_symbols_image[]      image 0 is the core, then one for each domain id: image id + 1
 *   struct zog_symbols_function[]   of each image, by rising address, not overlapping
 *   struct zog_symbols_line[]       of each image, by rising address: the line holds up to the next record's address
 *   strings
 *
 * Code addresses in records are relative to the image's base and fit 32 bits. */
#ifndef ZOG_SYMBOLS_H
#define ZOG_SYMBOLS_H

#include <stdint.h>

#define ZOG_SYMBOLS_MAGIC 0x4d59535a474f5a00ull
#define ZOG_SYMBOLS_VERSION 1u

struct zog_symbols {
	uint64_t magic;
	uint32_t version;
	uint32_t image_count;
	uint32_t image_offset; /* of struct zog_symbols_image[image_count] */
	uint32_t string_offset, string_bytes;
	uint32_t bytes; /* of the whole blob */
};
struct zog_symbols_image {
	char name[32]; /* "core" or the domain's name, NUL-terminated */
	uint64_t base, end; /* code addresses base <= a < end belong to the image; equal when it has no symbols */
	uint32_t function_offset, function_count;
	uint32_t line_offset, line_count;
};
struct zog_symbols_function {
	uint32_t address; /* relative to base */
	uint32_t bytes;   /* the function is [address, address + bytes) */
	uint32_t name;    /* in the string table */
};
struct zog_symbols_line {
	uint32_t address; /* relative to base */
	uint32_t file;    /* in the string table: path from the root of the source tree; an empty string: unknown */
	uint32_t line;    /* 0: no source line from here on */
};
_Static_assert(sizeof(struct zog_symbols) == 32, "header of the symbols module");
_Static_assert(sizeof(struct zog_symbols_image) == 64, "image record of the symbols module");
_Static_assert(sizeof(struct zog_symbols_function) == 12, "function record of the symbols module");
_Static_assert(sizeof(struct zog_symbols_line) == 12, "line record of the symbols module");

#endif
