/* Shared regions: tables of records that one domain writes and others read (manifest: [[region]]).
 *
 * The contract's header names each kind of record as a struct and as a `struct region_kind`, the domain's domain.h each
 * region it takes part in as REGION_NAME.
 *
 * Writer. region_write puts a record into the write-ahead buffer, where nobody sees it. region_submit makes records
 * part of the running transaction. region_commit, or the reply, commits them with everything else the invocation did:
 * all of it becomes visible at once, or nothing. The core checks a copy of the records against the contract's rules. If
 * they break one, region_commit answers ZOG_ERR_CORRUPT, an incident names the field, the whole transaction is undone, and
 * the buffer is as committed; a *reply* that submits such records ends the domain. rt_abort takes the buffer back, too.
 * A writer that is ended finds the committed records in its buffer when it starts again.
 *
 * Reader. region_read gives a copy of a record as it was at one version. Several records, or regions, of one version:
 * region_read_begin of each region, region_copy of each record, region_read_end of each region; if one of the last says
 * no, from the start. What a rollback undid may have been read before: compare region_epoch.
 * To sleep until something changes: wait on an event of the writer that it notifies behind region_submit. */
#ifndef RT_REGION_H
#define RT_REGION_H

#include "rt/rt.h"

#define REGION_NO_CHECKSUM UINT32_MAX
struct region_kind {
	uint32_t number;
	uint32_t offset, bytes, count; /* in the region; of one record; how many */
	uint32_t checksum; /* offset of the field, or REGION_NO_CHECKSUM */
};

/* --- both ------------------------------------------------------------------------------------------------------------ */

static inline const volatile struct zog_region_head *region_head(uint32_t region)
{
	return (const volatile struct zog_region_head *)(ZOG_REGION_BASE + region * ZOG_REGION_STRIDE);
}
/* Commits and rollbacks so far. */
static inline uint64_t region_version(uint32_t region) { return region_head(region)->version >> 1; }
static inline uint64_t region_epoch(uint32_t region) { return region_head(region)->epoch; }
/* ZOG_ERR_ARGUMENT: no such record. ZOG_ERR_BUSY: the writer commits faster than this reader copies. */
zog_status_t region_read(uint32_t region, struct region_kind kind, uint32_t index, void *out);
/* The record as it was in VERSION. ZOG_ERR_NOT_FOUND: not in the history (any more); ZOG_ERR_ARGUMENT; ZOG_ERR_BUSY. */
zog_status_t region_read_version(uint32_t region, struct region_kind kind, uint32_t index, uint64_t version, void *out);

/* The version to read at; waits a moment while a commit is under way. */
uint64_t region_read_begin(uint32_t region);
void region_copy(uint32_t region, struct region_kind kind, uint32_t index, void *out);
/* Is what was copied since region_read_begin of that version? */
bool region_read_end(uint32_t region, uint64_t version);

/* --- the writer -------------------------------------------------------------------------------------------------------- */

/* Record INDEX in the write-ahead buffer. */
static inline void *region_buffer(uint32_t region, struct region_kind kind, uint32_t index)
{
	return (void *)(ZOG_REGION_BASE + region * ZOG_REGION_STRIDE + ZOG_REGION_BUFFER_OFFSET + kind.offset + (uint64_t)index * kind.bytes);
}
/* Copies a record into the buffer, and puts the checksum into its field where the kind has one. ZOG_ERR_ARGUMENT. */
zog_status_t region_write(uint32_t region, struct region_kind kind, uint32_t index, const void *record);
/* Stages the commit of COUNT records from FIRST on. At most 16 runs and 16 KiB in one transaction, none twice. */
void region_submit(uint32_t region, struct region_kind kind, uint32_t first, uint32_t count);
/* As rt_commit, and tells: ZOG_ERR_CORRUPT: refused by a schema; the transaction is undone and the invocation goes on. */
zog_status_t region_commit(void);
/* Stages: all records as in VERSION; the epoch rises. Alone in its transaction, and only where the manifest says
 * reconstructible. ZOG_ERR_NOT_FOUND: not in the history; nothing is staged. */
zog_status_t region_rollback(uint32_t region, uint64_t version);
/* CRC32C of a record with its checksum field as zero. */
uint32_t region_checksum(const void *record, size_t bytes, uint32_t checksum_offset);

#endif
