/* Lists of entries of varying length, as contracts declare them (`entry`, `list<ENTRY, N>`): fields, then a string.
 *
 * In a message an entry is its fields, the length of its string (16 bits), the string, and zeros to a multiple of 8. The
 * generated CONTRACT_ENTRY_append puts one behind the others, and says when the list is full; CONTRACT_ENTRY_next hands them
 * out in their order. A list that came from another domain is a private copy, and was checked as a whole by the generated
 * code; next looks at bounds in any case. The strings it hands out stand in the list, without a NUL behind them. */
#ifndef RT_LIST_H
#define RT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "zog/status.h"

struct rt_list {
	uint8_t *bytes; /* 8-byte aligned */
	size_t size, length; /* room, and how much of it is used */
	size_t at; /* of the next entry to hand out */
};

static inline struct rt_list rt_list_of(void *bytes, size_t size, size_t length)
{
	return (struct rt_list){ (uint8_t *)bytes, size, length, 0 };
}

static inline void rt_list_clear(struct rt_list *list)
{
	list->length = list->at = 0;
}

/* ZOG_ERR_LIMIT: full. HEAD: the fields, and the length of the string. */
zog_status_t rt_list_append(struct rt_list *list, const void *head, size_t head_bytes, const void *string, size_t length);

/* The next entry, whose string has its length at LENGTH_AT, the last two bytes before the string; NULL: there is none, or it would
 * not end inside the list. */
static inline const void *rt_list_next(struct rt_list *list, size_t length_at)
{
	size_t left = list->length - list->at;
	const uint8_t *entry = list->bytes + list->at;

	if (left < length_at + 2)
		return NULL;
	size_t bytes = (length_at + 2 + *(const uint16_t *)(const void *)(entry + length_at) + 7) & ~(size_t)7;
	if (bytes > left)
		return NULL;
	list->at += bytes;
	return entry;
}

#endif
