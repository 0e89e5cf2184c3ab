/* Reader of the symbols module: bounds first, then binary search by address. The blob comes from our own tools
 * and is measured at boot, but the reader works when everything else is broken, so it trusts no offset in it. */
#include "symbols.h"

/* count records of record_bytes at offset lie inside the blob and are aligned. */
static bool table_is_inside(uint64_t bytes, uint32_t offset, uint32_t count, uint64_t record_bytes, uint32_t alignment)
{
	return offset % alignment == 0 && offset <= bytes && count <= (bytes - offset) / record_bytes;
}

bool symbols_open(struct symbols *symbols, const void *blob, uint64_t blob_bytes)
{
	const struct zog_symbols *header = blob;

	*symbols = (struct symbols){ 0 };
	if (!blob || blob_bytes < sizeof(*header) || header->magic != ZOG_SYMBOLS_MAGIC ||
	    header->version != ZOG_SYMBOLS_VERSION || header->bytes > blob_bytes || header->bytes < sizeof(*header))
		return false;
	if (!table_is_inside(header->bytes, header->image_offset, header->image_count,
			     sizeof(struct zog_symbols_image), 8))
		return false;
	if (header->string_bytes == 0 || !table_is_inside(header->bytes, header->string_offset, header->string_bytes, 1, 1))
		return false;
	symbols->strings = (const char *)blob + header->string_offset;
	symbols->string_bytes = header->string_bytes;
	if (symbols->strings[symbols->string_bytes - 1] != '\0')
		return false;
	symbols->bytes = header->bytes;
	symbols->image = (const void *)((const uint8_t *)blob + header->image_offset);
	symbols->image_count = header->image_count;
	symbols->blob = blob;
	return true;
}

/* The string at `name`, or NULL when it is outside the table or empty. */
static const char *string_at(const struct symbols *symbols, uint32_t name)
{
	if (name >= symbols->string_bytes || symbols->strings[name] == '\0')
		return NULL;
	return symbols->strings + name;
}

static void function_find(const struct symbols *symbols, const struct zog_symbols_image *image, uint32_t address,
			  struct symbol *out)
{
	const struct zog_symbols_function *function;
	uint32_t low = 0, high = image->function_count;

	if (!table_is_inside(symbols->bytes, image->function_offset, image->function_count, sizeof(*function), 4))
		return;
	function = (const void *)(symbols->blob + image->function_offset);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (function[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - function[low - 1].address >= function[low - 1].bytes)
		return;
	out->function = string_at(symbols, function[low - 1].name);
	out->offset = address - function[low - 1].address;
}

static void line_find(const struct symbols *symbols, const struct zog_symbols_image *image, uint32_t address,
		      struct symbol *out)
{
	const struct zog_symbols_line *line;
	uint32_t low = 0, high = image->line_count;

	if (!table_is_inside(symbols->bytes, image->line_offset, image->line_count, sizeof(*line), 4))
		return;
	line = (const void *)(symbols->blob + image->line_offset);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (line[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || line[low - 1].line == 0)
		return;
	out->file = string_at(symbols, line[low - 1].file);
	out->line = line[low - 1].line;
}

bool symbols_find(const struct symbols *symbols, uint32_t image_number, uint64_t address, struct symbol *out)
{
	const struct zog_symbols_image *image;

	*out = (struct symbol){ 0 };
	if (!symbols->blob || image_number >= symbols->image_count)
		return false;
	image = &symbols->image[image_number];
	if (address < image->base || address >= image->end || address - image->base > UINT32_MAX)
		return false;
	function_find(symbols, image, (uint32_t)(address - image->base), out);
	line_find(symbols, image, (uint32_t)(address - image->base), out);
	return out->function != NULL;
}
