/* Large objects: what readers see of one, read-only. The writer's calls and operations: core.h.
 *
 * An object is a run of bytes that is published whole: one store of `word` selects the buffer that is the object from
 * then on. Its place in the address space, at ZOG_OBJECT_BASE + place * ZOG_OBJECT_STRIDE: a page with the head; buffer
 * b at (1 + b) * ZOG_OBJECT_SLOT, read-only, absent while the writer has it; in the writer, its buffer at
 * ZOG_OBJECT_WINDOW, writable, absent while it has none. */
#ifndef ZOG_OBJECT_H
#define ZOG_OBJECT_H

#include <stdint.h>

#define ZOG_OBJECT_BUFFER_MAX 8u
#define ZOG_OBJECT_NONE UINT64_MAX /* no version */
#define ZOG_OBJECT_NO_BUFFER UINT32_MAX

/* The word: version << 8 | buffer. Changing: a transaction publishes it together with others, and has not yet. */
#define ZOG_OBJECT_CHANGING 0x80u
#define ZOG_OBJECT_BUFFER(word) ((uint32_t)(word) & 0x7fu)
#define ZOG_OBJECT_VERSION(word) ((word) >> 8)

struct zog_object_version {
	uint64_t version;  /* whose bytes the buffer holds; ZOG_OBJECT_NONE: the writer's, or undone */
	uint64_t time_ns;
	uint32_t author;   /* domain */
	uint32_t checksum; /* CRC32C of the header */
};
struct zog_object_head {
	uint64_t word;
	uint64_t epoch;    /* raised by every rollback: what was read before may be undone */
	uint32_t writing;  /* the writer's buffer, or ZOG_OBJECT_NO_BUFFER */
	uint32_t buffer_count;
	struct zog_object_version buffer[ZOG_OBJECT_BUFFER_MAX];
};

/* Flags of ZOG_OP_OBJECT_COMMIT. */
#define ZOG_OBJECT_FILL 1u /* the next buffer reads as what is now published; else it holds some older version */

struct zog_object_stats {
	struct zog_object_head head;
	uint32_t writer, reader_count, history, kept; /* domain; versions to keep; older versions kept */
	uint64_t bytes, memory_bytes;                 /* of the object; of all buffers and tables */
	uint64_t commits, refused, rollbacks, busy;   /* busy: how often every buffer was in use by readers */
	char name[32];
};

#endif
