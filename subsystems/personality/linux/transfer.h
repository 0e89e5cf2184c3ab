/* One transfer of a read or write call: the program's buffers (or, for sendfile, own memory) and how far it came.
 * Offsets are bytes from the start of the whole transfer; ranges may cross the buffers' borders. */
#ifndef LINUX_TRANSFER_H
#define LINUX_TRANSFER_H

#include "home.h"
#include "linux/file.h"

struct transfer {
	struct zog_call *call;
	const struct linux_iovec *iov; /* checked: the sum fits, at most IOV_MAX */
	uint32_t count;
	bool is_kernel; /* addresses are of own memory */
	uint64_t done;  /* bytes moved, by earlier issues of the call too */
	uint64_t total;
};

static inline uint64_t transfer_left(const struct transfer *t) { return t->total - t->done; }
/* 0, -EFAULT, SYS_WAIT. All move the bytes from t->done + AHEAD on, and leave t->done alone. */
int64_t transfer_to_frame(struct transfer *t, uint64_t ahead, uint64_t frame, uint32_t offset, uint32_t size);
int64_t transfer_from_frame(struct transfer *t, uint64_t ahead, uint64_t frame, uint32_t offset, uint32_t size);
int64_t transfer_in(struct transfer *t, uint64_t ahead, void *to, uint32_t size);
int64_t transfer_out(struct transfer *t, uint64_t ahead, const void *from, uint32_t size);
/* Brings in what a write will read, so that nothing fails or commits in the middle of it: bytes that are good, or
 * -EFAULT when the first is not, SYS_WAIT. */
int64_t transfer_probe(struct transfer *t, uint64_t size);

#endif
