/* Large objects: runs of bytes, up to 1 MiB, that one domain writes and others read in place (manifest: [[object]]).
 *
 * The contract's header names the object's header as a struct and the object as a `struct object_kind`, the domain's
 * domain.h each object it takes part in as OBJECT_NAME.
 *
 * Writer. object_begin gives it a buffer that nobody else sees. object_submit makes the buffer part of the running
 * transaction; region_commit, or the reply, publishes it with everything else that the invocation did. The core takes the
 * buffer away before it looks at it, checks the header against the contract's rules, and publishes by one store, whatever
 * the size. If a rule is broken region_commit answers ZOG_ERR_CORRUPT and all is undone, as for records. After an abort, a
 * refusal or a restart of the writer its buffer reads as what is published. After a commit it gets another buffer, which
 * holds some older version, or with ZOG_OBJECT_FILL reads as what is published. What a buffer holds outlives the
 * invocation otherwise: a large object can be made in several steps.
 *
 * Reader. object_read gives the published bytes, in place. They do not change before this invocation ends, whatever the
 * writer does meanwhile; after that the pointer means nothing. Objects and regions that are published in one transaction:
 * object_read and region_read_begin of each, then look, then object_is_current and region_read_end of each; if one says
 * no, from the start. A reader that stays inside an invocation keeps a buffer from its writer, never the writer from
 * committing what it has. */
#ifndef RT_OBJECT_H
#define RT_OBJECT_H

#include "rt/region.h"
#include "zog/object.h"

#define OBJECT_NO_CHECKSUM UINT32_MAX
struct object_kind {
	uint32_t bytes;
	uint32_t checksum; /* offset of the field, or OBJECT_NO_CHECKSUM */
};

/* --- both ------------------------------------------------------------------------------------------------------------ */

static inline const volatile struct zog_object_head *object_head(uint32_t object)
{
	return (const volatile struct zog_object_head *)(ZOG_OBJECT_BASE + object * ZOG_OBJECT_STRIDE);
}
/* Commits and rollbacks so far. */
static inline uint64_t object_version(uint32_t object) { return ZOG_OBJECT_VERSION(object_head(object)->word); }
static inline uint64_t object_epoch(uint32_t object) { return object_head(object)->epoch; }
static inline const void *object_buffer(uint32_t object, uint32_t buffer)
{
	return (const void *)(ZOG_OBJECT_BASE + object * ZOG_OBJECT_STRIDE + (1 + buffer) * ZOG_OBJECT_SLOT);
}
/* ZOG_ERR_NOT_FOUND: nothing was published yet. ZOG_ERR_BUSY: a transaction that publishes it with others is under way. */
zog_status_t object_read(uint32_t object, const void **bytes_out, uint64_t *version_out);
bool object_is_current(uint32_t object, uint64_t version);
/* The bytes of VERSION, for this invocation. ZOG_ERR_NOT_FOUND: not in the history (any more). */
zog_status_t object_read_version(uint32_t object, uint64_t version, const void **bytes_out);

/* --- the writer -------------------------------------------------------------------------------------------------------- */

/* Where the writer's buffer stands while it has one. */
static inline void *object_window(uint32_t object)
{
	return (void *)(ZOG_OBJECT_BASE + object * ZOG_OBJECT_STRIDE + ZOG_OBJECT_WINDOW);
}
/* ZOG_ERR_BUSY: readers that are inside an invocation may still use all buffers; EVENT, an own one, is notified when that
 * is over: wait on it with the count seen before this call. */
zog_status_t object_begin(uint32_t object, uint32_t event, void **buffer_out);
/* Stages the commit of the buffer, once in a transaction; computes its checksum where the kind has one. flags:
 * ZOG_OBJECT_FILL. Without a buffer (see object_begin) this ends the domain. */
void object_submit(uint32_t object, struct object_kind kind, uint32_t flags);
/* Stages: VERSION is published again, later ones are gone, the epoch rises. Without other commits of regions and objects
 * in its transaction, and only where the manifest says reconstructible. ZOG_ERR_NOT_FOUND: not in the history; nothing is
 * staged. */
zog_status_t object_rollback(uint32_t object, uint64_t version);

#endif
