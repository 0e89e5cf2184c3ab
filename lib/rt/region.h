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
 * To sleep until something changes: wait on an event of the writer that it notifies behind region_submit.
 *
 * Validator. Where a manifest says role = "validator", its domain commits, and the writer proposes: region_propose in the
 * place of region_submit. What it proposed the core has copied: nothing that happens to the writer changes or loses it. The
 * validator reads it by region_proposed, and commits or rejects it with its own commit. One proposal at a time.
 *
 * Hooks. With on_rollback = N in its [[region]] a domain, reader, writer or validator, is called after each rollback of the
 * region, in the order of N: zog_status_t domain_rollback(struct zog_call *call); word[0]=region, [1]=epoch, [2]=version.
 * The epoch is higher: the region went back to an older version. It is the same: its writer was ended, and what was not
 * committed is gone. A hook may be called twice for one rollback; it has its manifest's deadline_ms, and cannot WAIT. */
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

/* Who made VERSION, when, and the checksum of what it committed. As region_read_version. */
zog_status_t region_read_account(uint32_t region, uint64_t version, struct zog_region_version *out);

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
/* lib/rt/region.c, for the functions below: bytes into a write-ahead buffer; the record's checksum into its field there; the
 * staged operation. In a call of those with a kind that the contract's header names all their arguments but two are constants. */
void region_buffer_put(uint32_t region, uint64_t offset, const void *from, uint64_t bytes);
void region_buffer_seal(uint32_t region, uint64_t offset, uint64_t bytes, uint32_t checksum);
void region_stage(uint64_t region, uint64_t kind, uint64_t first, uint64_t count);
/* Copies a record into the buffer, and puts the checksum into its field where the kind has one. ZOG_ERR_ARGUMENT. */
static inline zog_status_t region_write(uint32_t region, struct region_kind kind, uint32_t index, const void *record)
{
	uint64_t offset = kind.offset + (uint64_t)index * kind.bytes;

	if (index >= kind.count)
		return ZOG_ERR_ARGUMENT;
	region_buffer_put(region, offset, record, kind.bytes);
	if (kind.checksum != REGION_NO_CHECKSUM)
		region_buffer_seal(region, offset, kind.bytes, kind.checksum);
	return ZOG_OK;
}
/* Stages the commit of COUNT records from FIRST on. At most 16 runs and 16 KiB in one transaction, none twice. */
static inline void region_submit(uint32_t region, struct region_kind kind, uint32_t first, uint32_t count)
{
	region_stage(region, kind.number, first, count);
}
/* As rt_commit, and tells: ZOG_ERR_CORRUPT: refused by a schema; the transaction is undone and the invocation goes on. */
zog_status_t region_commit(void);
/* Stages: all records as in VERSION; the epoch rises. Alone in its transaction, and only where the manifest says
 * reconstructible. ZOG_ERR_NOT_FOUND: not in the history; nothing is staged. */
zog_status_t region_rollback(uint32_t region, uint64_t version);
/* --- a writer with a validator --------------------------------------------------------------------------------------- */

/* Stages: these records are part of the proposal; all of a transaction's are one. ZOG_ERR_BUSY: the last one is pending. */
zog_status_t region_propose(uint32_t region, struct region_kind kind, uint32_t first, uint32_t count);
/* Number of the last proposal, and of the last one decided. */
static inline uint64_t region_proposal_number(uint32_t region) { return region_head(region)->proposed; }
static inline uint64_t region_decided_number(uint32_t region) { return region_head(region)->decided; }
/* Of that one: ZOG_OK committed; ZOG_ERR_DENIED rejected; ZOG_ERR_POISON: the validator faulted over it twice;
 * ZOG_ERR_TIMEOUT: it did not decide within five seconds; ZOG_ERR_QUARANTINED: it is in quarantine, and decides nothing;
 * ZOG_ERR_SEQUENCE: a rollback came first; ZOG_ERR_CORRUPT: the core gave its commit up. */
static inline zog_status_t region_verdict(uint32_t region) { return region_head(region)->verdict; }

/* --- the validator --------------------------------------------------------------------------------------------------- */

/* The pending proposal, read-only; it stays the same until the verdict. NULL: none. */
const struct zog_region_proposal *region_proposal(uint32_t region);
/* A record of the pending proposal; NULL: not part of it. */
const void *region_proposed(uint32_t region, struct region_kind kind, uint32_t index);
/* Stages the commit of the proposal, in the writer's name. */
void region_accept(uint32_t region, uint64_t number);
/* Why: a rule (ZOG_RULE_VALIDATOR: one of its own), and the record and field that break it. */
struct region_reason {
	uint32_t rule, field;
	struct region_kind kind;
	uint32_t index;
	uint64_t value;
};
/* Stages the rejection; the reason is on file in an incident of the writer. */
void region_reject(uint32_t region, uint64_t number, const struct region_reason *reason);

/* CRC32C of a record with its checksum field as zero. */
uint32_t region_checksum(const void *record, size_t bytes, uint32_t checksum_offset);

#endif
