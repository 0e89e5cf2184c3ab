/* Composing files of the text tree; see text.h. */
#include "text.h"

#include "rt/rt.h"

void text_open(struct text *text, void *buffer, size_t size)
{
	*text = (struct text){ .data = buffer, .size = size };
}

void text_append(struct text *text, const char *piece, size_t length)
{
	size_t room = text->size - text->used;

	if (length > room)
		length = room;
	memcpy(text->data + text->used, piece, length);
	text->used += length;
}

void text_format(struct text *text, const char *format, ...)
{
	char piece[TEXT_PIECE_SIZE];
	__builtin_va_list args;

	__builtin_va_start(args, format);
	rt_vformat(piece, sizeof(piece), format, args);
	__builtin_va_end(args);
	text_append(text, piece, strnlen(piece, sizeof(piece)));
}

void text_column(struct text *text, size_t column)
{
	static const char spaces[] = "                                ";
	size_t at = text->used - text->line_start;

	if (column > 0 && at >= column)
		column = at + 1;
	for (size_t part; at < column; at += part) {
		part = column - at < sizeof(spaces) - 1 ? column - at : sizeof(spaces) - 1;
		text_append(text, spaces, part);
	}
}

void text_line_end(struct text *text)
{
	text_append(text, "\n", 1);
	text->line_start = text->used;
}

size_t text_window(const struct text *text, uint64_t offset, void *out, size_t size)
{
	size_t length;

	if (offset >= text->used)
		return 0;
	length = text->used - offset;
	if (length > size)
		length = size;
	memcpy(out, text->data + offset, length);
	return length;
}
