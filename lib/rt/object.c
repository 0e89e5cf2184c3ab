/* Large objects, the domain's side; the protocol stands in object.h. */
#include "rt/object.h"

#define ATTEMPTS 1000u

static zog_status_t core_call(uint64_t number, uint64_t a, uint64_t b, uint64_t *out)
{
	zog_status_t status;

	__asm__ volatile("syscall" : "=a"(status), "=d"(*out) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "r8", "r9", "r10", "memory");
	return status;
}

zog_status_t object_read(uint32_t object, const void **bytes_out, uint64_t *version_out)
{
	uint64_t word = __atomic_load_n(&object_head(object)->word, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; (word & ZOG_OBJECT_CHANGING) && i < ATTEMPTS; i++) {
		__builtin_ia32_pause();
		word = __atomic_load_n(&object_head(object)->word, __ATOMIC_ACQUIRE);
	}
	if (word & ZOG_OBJECT_CHANGING)
		return ZOG_ERR_BUSY;
	*version_out = ZOG_OBJECT_VERSION(word);
	*bytes_out = object_buffer(object, ZOG_OBJECT_BUFFER(word));
	return *version_out == 0 ? ZOG_ERR_NOT_FOUND : ZOG_OK;
}

bool object_is_current(uint32_t object, uint64_t version)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* what was read before this look; its partner marks the word in the core */
	uint64_t word = object_head(object)->word;
	return !(word & ZOG_OBJECT_CHANGING) && ZOG_OBJECT_VERSION(word) == version;
}

zog_status_t object_read_version(uint32_t object, uint64_t version, const void **bytes_out)
{
	uint64_t buffer = 0;
	zog_status_t status = version == 0 ? ZOG_ERR_NOT_FOUND : core_call(ZOG_CORE_OBJECT_HOLD, object, version, &buffer);

	if (status == ZOG_OK)
		*bytes_out = object_buffer(object, (uint32_t)buffer);
	return status;
}

zog_status_t object_begin(uint32_t object, uint32_t event, void **buffer_out)
{
	uint64_t unused;
	zog_status_t status = ZOG_OK;

	if (object_head(object)->writing == ZOG_OBJECT_NO_BUFFER)
		status = core_call(ZOG_CORE_OBJECT_BEGIN, object, event, &unused);
	*buffer_out = object_window(object);
	return status;
}

void object_submit(uint32_t object, struct object_kind kind, uint32_t flags)
{
	if (kind.checksum != OBJECT_NO_CHECKSUM) {
		uint8_t *bytes = object_window(object);
		uint32_t checksum = region_checksum(bytes, kind.bytes, kind.checksum);
		memcpy(bytes + kind.checksum, &checksum, sizeof(checksum));
	}
	rt_stage(ZOG_OP_OBJECT_COMMIT, object, object_head(object)->writing, flags, 0, 0, 0);
}

zog_status_t object_rollback(uint32_t object, uint64_t version)
{
	const volatile struct zog_object_head *head = object_head(object);
	bool is_kept = false;

	for (uint32_t i = 0; i < head->buffer_count && version != 0; i++)
		is_kept |= i != ZOG_OBJECT_BUFFER(head->word) && head->buffer[i].version == version;
	if (is_kept)
		rt_stage(ZOG_OP_OBJECT_ROLLBACK, object, version, 0, 0, 0, 0);
	return is_kept ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}
