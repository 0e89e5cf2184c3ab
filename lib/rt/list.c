/* Filling lists: see list.h. The whole entry is reported to the store hook at once, before it is written. */
#include "rt/contract.h"
#include "rt/list.h"
#include "rt/hook.h"

static void bytes_copy(uint8_t *to, const uint8_t *from, size_t size)
{
	for (; size >= 8; to += 8, from += 8, size -= 8)
		*(rt_eight_bytes *)(void *)to = *(const rt_eight_bytes *)(const void *)from;
	for (; size > 0; to++, from++, size--)
		*to = *from;
}

zog_status_t rt_list_append(struct rt_list *list, const void *head, size_t head_bytes, const void *string, size_t length)
{
	size_t bytes = (head_bytes + length + 7) & ~(size_t)7;
	uint8_t *to = list->bytes + list->length;

	if (bytes > list->size - list->length)
		return ZOG_ERR_LIMIT;
	rt_store((uint64_t)(uintptr_t)to, bytes);
	*(rt_eight_bytes *)(void *)(to + bytes - 8) = 0;
	bytes_copy(to, head, head_bytes);
	bytes_copy(to + head_bytes, string, length);
	rt_store((uint64_t)(uintptr_t)&list->length, sizeof(list->length));
	list->length += bytes;
	return ZOG_OK;
}
