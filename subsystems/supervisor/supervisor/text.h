/* A file of the text tree while it is being composed: a bounded buffer in scratch memory. What does not fit is
 * dropped; the reader of a file sees its end missing, never a fault. */
#ifndef SUPERVISOR_TEXT_H
#define SUPERVISOR_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t size, used;
	size_t line_start; /* of the line being written */
};

void text_open(struct text *text, void *buffer, size_t size);
/* As rt_format; one piece is at most TEXT_PIECE_SIZE - 1 bytes long, the rest of a longer one is dropped. */
#define TEXT_PIECE_SIZE 256u
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *text, const char *piece, size_t length);
/* Adds spaces up to `column` of this line, at least one unless column is 0. */
void text_column(struct text *text, size_t column);
void text_line_end(struct text *text);
/* Copies what lies at [offset, offset + size) of the text; returns how many bytes there were. */
size_t text_window(const struct text *text, uint64_t offset, void *out, size_t size);

#endif
