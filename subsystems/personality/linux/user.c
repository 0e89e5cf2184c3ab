/* Copies between programs and this domain. An absent page is brought in, which commits what was done so far: callers
 * copy before they change records. */
#include "memory.h"

enum { COPY_CHUNK = 65536, PAGE_IN_TRIES = 8 };

/* One chunk: bytes moved, absent pages brought in on the way. */
static int64_t user_chunk(struct zog_call *call, struct zog_copy *copy, uint32_t access)
{
	uint32_t length = copy->length, tries = 0;
	uint64_t own = copy->own, address = copy->address;
	uint32_t offset = copy->offset, moved = 0;

	for (;;) {
		zog_status_t status = rt_copy(copy);
		int64_t error;

		if (status == ZOG_OK)
			return moved + copy->done;
		if (status == ZOG_ERR_NAME_TOO_LONG)
			return -ENAMETOOLONG;
		if (status != ZOG_ERR_NEED_PAGE || ++tries > PAGE_IN_TRIES + (length >> ZOG_PAGE_SHIFT))
			return -EFAULT;
		moved += copy->done;
		copy->own = own + moved;
		copy->address = address + moved;
		copy->offset = offset + moved;
		copy->length = length - moved;
		error = page_in(call, space_current(call), copy->fault_address, access);
		if (error)
			return error == SYS_WAIT ? SYS_WAIT : -EFAULT;
		rt_commit();
	}
}

static bool user_range_is_valid(uint64_t address, uint64_t size)
{
	return address < USER_END && size <= USER_END - address;
}

static int64_t user_move(struct zog_call *call, uint32_t kind, uint64_t own, uint64_t address, uint64_t size)
{
	uint32_t access = kind == ZOG_COPY_TO_PROGRAM ? ACCESS_WRITE : ACCESS_READ;

	if (!user_range_is_valid(address, size))
		return -EFAULT;
	while (size) {
		struct zog_copy copy = { .kind = kind, .space = ZOG_SELF, .address = address, .own = own };
		int64_t done;

		copy.length = size < COPY_CHUNK ? size : COPY_CHUNK;
		size -= copy.length;
		own += copy.length;
		address += copy.length;
		done = user_chunk(call, &copy, access);
		if (done < 0)
			return done;
	}
	return 0;
}

int64_t user_read(struct zog_call *call, void *to, uint64_t user_address, uint64_t size)
{
	return user_move(call, ZOG_COPY_FROM_PROGRAM, (uintptr_t)to, user_address, size);
}

int64_t user_write(struct zog_call *call, uint64_t user_address, const void *from, uint64_t size)
{
	return user_move(call, ZOG_COPY_TO_PROGRAM, (uintptr_t)from, user_address, size);
}

int64_t user_string(struct zog_call *call, char *to, uint64_t user_address, uint64_t size)
{
	uint64_t total = 0;

	while (total < size) {
		struct zog_copy copy = { .kind = ZOG_COPY_STRING_FROM_PROGRAM, .space = ZOG_SELF };
		uint32_t length;
		int64_t done;

		if (!user_range_is_valid(user_address, total + 1))
			return -EFAULT;
		copy.address = user_address + total;
		copy.own = (uintptr_t)to + total;
		copy.length = size - total < COPY_CHUNK ? size - total : COPY_CHUNK;
		if (copy.length > USER_END - copy.address)
			copy.length = USER_END - copy.address;
		length = copy.length;
		done = user_chunk(call, &copy, ACCESS_READ);
		if (done >= 0)
			return total + done - 1;
		if (done != -ENAMETOOLONG)
			return done;
		total += length;
	}
	return -ENAMETOOLONG;
}

int64_t user_to_frame(struct zog_call *call, uint64_t frame, uint32_t offset, uint64_t user_address, uint32_t size)
{
	struct zog_copy copy = { .kind = ZOG_COPY_FRAME_FROM_PROGRAM, .space = ZOG_SELF, .address = user_address,
				 .frame = frame, .offset = offset, .length = size };
	int64_t done;

	if (!user_range_is_valid(user_address, size))
		return -EFAULT;
	done = size ? user_chunk(call, &copy, ACCESS_READ) : 0;
	return done < 0 ? done : 0;
}

int64_t user_from_frame(struct zog_call *call, uint64_t frame, uint32_t offset, uint64_t user_address, uint32_t size)
{
	struct zog_copy copy = { .kind = ZOG_COPY_FRAME_TO_PROGRAM, .space = ZOG_SELF, .address = user_address,
				 .frame = frame, .offset = offset, .length = size };
	int64_t done;

	if (!user_range_is_valid(user_address, size))
		return -EFAULT;
	done = size ? user_chunk(call, &copy, ACCESS_WRITE) : 0;
	return done < 0 ? done : 0;
}
