/* Shared regions, the domain's side; the protocol stands in region.h. */
#include "rt/region.h"

#define ATTEMPTS 1000u

static zog_status_t core_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	register uint64_t r10 __asm__("r10") = d;
	zog_status_t status;

	__asm__ volatile("syscall" : "=a"(status), "+d"(c), "+r"(r10) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "r8", "r9", "memory");
	return status;
}

uint64_t region_read_begin(uint32_t region)
{
	uint64_t version = __atomic_load_n(&region_head(region)->version, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; (version & 1) && i < ATTEMPTS; i++) {
		__builtin_ia32_pause();
		version = __atomic_load_n(&region_head(region)->version, __ATOMIC_ACQUIRE);
	}
	return version;
}

void region_copy(uint32_t region, struct region_kind kind, uint32_t index, void *out)
{
	memcpy(out, (const uint8_t *)region_head(region) + ZOG_PAGE_SIZE + kind.offset + (uint64_t)index * kind.bytes, kind.bytes);
}

bool region_read_end(uint32_t region, uint64_t version)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* the copy is done before this look; its partner opens the head in the core */
	return !(version & 1) && region_head(region)->version == version;
}

zog_status_t region_read(uint32_t region, struct region_kind kind, uint32_t index, void *out)
{
	if (index >= kind.count)
		return ZOG_ERR_ARGUMENT;
	for (uint32_t i = 0; i < ATTEMPTS; i++) {
		uint64_t version = region_read_begin(region);
		region_copy(region, kind, index, out);
		if (region_read_end(region, version))
			return ZOG_OK;
	}
	return ZOG_ERR_BUSY;
}

zog_status_t region_read_version(uint32_t region, struct region_kind kind, uint32_t index, uint64_t version, void *out)
{
	return core_call(ZOG_CORE_REGION_READ, region, version, (uint64_t)kind.number << 32 | index, (uint64_t)out);
}

zog_status_t region_read_account(uint32_t region, uint64_t version, struct zog_region_version *out)
{
	return core_call(ZOG_CORE_REGION_VERSION, region, version, (uint64_t)out, 0);
}

/* RFC 3720 appendix B.4, reflected; four bits a step. */
static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t size)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

uint32_t region_checksum(const void *record, size_t bytes, uint32_t checksum_offset)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c(~0u, record, checksum_offset);

	crc = crc32c(crc, zero, sizeof(zero));
	return ~crc32c(crc, (const uint8_t *)record + checksum_offset + 4, bytes - checksum_offset - 4);
}

typedef uint64_t word_t __attribute__((may_alias, aligned(1)));
#define WORD(at) (*(word_t *)(at))

/* Without the hook: nothing of a write-ahead buffer is logged. A kind that no contract declares must not lead elsewhere. */
#define BUFFER_AT(region, offset) (ZOG_REGION_BASE + (region) * ZOG_REGION_STRIDE + ZOG_REGION_BUFFER_OFFSET + (offset))

static __attribute__((noinline)) _Noreturn void buffer_refuse(uint32_t region, uint64_t offset, const void *from, uint64_t bytes)
{
	(void)from; /* the arguments of region_buffer_put, in their places */
	rt_fail(ZOG_CAUSE_STORE, BUFFER_AT(region, offset), bytes);
}

static __attribute__((noinline)) void rest_copy(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
	uint64_t at = 0;

	for (; at != (bytes & ~7ul); at += 8)
		WORD(to + at) = WORD(from + at);
	for (; at != bytes; at++)
		to[at] = from[at];
}

void region_buffer_put(uint32_t region, uint64_t offset, const void *from, uint64_t bytes)
{
	uint8_t *to = (uint8_t *)BUFFER_AT(region, offset);
	uint64_t at = 0;

	if (region >= ZOG_REGION_MAX || offset > ZOG_REGION_BYTES_MAX || bytes > ZOG_REGION_BYTES_MAX - offset)
		buffer_refuse(region, offset, from, bytes);
	for (; at != (bytes & ~31ul); at += 32) {
		uint64_t a = WORD(from + at), b = WORD(from + at + 8), c = WORD(from + at + 16), d = WORD(from + at + 24);
		WORD(to + at) = a, WORD(to + at + 8) = b, WORD(to + at + 16) = c, WORD(to + at + 24) = d;
	}
	if (at != bytes)
		rest_copy(to + at, (const uint8_t *)from + at, bytes - at);
}

void region_buffer_seal(uint32_t region, uint64_t offset, uint64_t bytes, uint32_t checksum)
{
	uint32_t value = region_checksum((const uint8_t *)BUFFER_AT(region, offset), bytes, checksum);

	region_buffer_put(region, offset + checksum, &value, sizeof(value));
}

/* The words that this operation does not have stay as they are in the log: nobody looks. */
void region_stage(uint64_t region, uint64_t kind, uint64_t first, uint64_t count)
{
	struct zog_txn *txn = (struct zog_txn *)ZOG_TXN_BASE;
	uint32_t place = txn->op_count;

	if (place >= ZOG_TXN_OP_MAX)
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, ZOG_OP_REGION_COMMIT);
	struct zog_op *op = &txn->op[place];
	op->code = ZOG_OP_REGION_COMMIT, op->slot = (uint32_t)region;
	op->word[0] = kind, op->word[1] = first, op->word[2] = count;
	txn->op_count = place + 1;
}

zog_status_t region_propose(uint32_t region, struct region_kind kind, uint32_t first, uint32_t count)
{
	/* The head is as before this transaction: its own earlier runs do not count. */
	if (region_head(region)->proposed != region_head(region)->decided)
		return ZOG_ERR_BUSY;
	rt_stage(ZOG_OP_REGION_PROPOSE, region, kind.number, first, count, 0, 0);
	return ZOG_OK;
}

const struct zog_region_proposal *region_proposal(uint32_t region)
{
	/* Pairs with the core's store: once the number is seen, the proposal is whole. */
	uint64_t proposed = __atomic_load_n(&region_head(region)->proposed, __ATOMIC_ACQUIRE);

	if (proposed == region_head(region)->decided)
		return NULL;
	return (const struct zog_region_proposal *)(ZOG_REGION_BASE + region * ZOG_REGION_STRIDE + ZOG_REGION_BUFFER_OFFSET);
}

const void *region_proposed(uint32_t region, struct region_kind kind, uint32_t index)
{
	const struct zog_region_proposal *proposal = region_proposal(region);

	for (uint32_t i = 0; proposal != NULL && i < proposal->run_count; i++)
		if (proposal->run[i].kind == kind.number && index - proposal->run[i].first < proposal->run[i].count)
			return (const uint8_t *)proposal + ZOG_PAGE_SIZE + proposal->run[i].at + (uint64_t)(index - proposal->run[i].first) * kind.bytes;
	return NULL;
}

void region_accept(uint32_t region, uint64_t number) { rt_stage(ZOG_OP_REGION_VERDICT, region, number, 0, 0, 0, 0); }

void region_reject(uint32_t region, uint64_t number, const struct region_reason *reason)
{
	uint64_t detail = (reason->rule & 0xff) | (reason->field & 0xff) << 8 | (reason->kind.number & 0xff) << 16 | (uint64_t)reason->index << 32;

	rt_assert(reason->rule != 0);
	rt_stage(ZOG_OP_REGION_VERDICT, region, number, detail, reason->value, 0, 0);
}

zog_status_t region_commit(void)
{
	zog_status_t status;

	__asm__ volatile("syscall" : "=a"(status) : "a"((uint64_t)ZOG_CORE_COMMIT) : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	return status;
}

zog_status_t region_rollback(uint32_t region, uint64_t version)
{
	uint8_t record[512]; /* SCHEMA_RECORD_MAX: the core writes at most that */
	zog_status_t status = core_call(ZOG_CORE_REGION_READ, region, version, 0, (uint64_t)record);

	if (status == ZOG_OK)
		rt_stage(ZOG_OP_REGION_ROLLBACK, region, version, 0, 0, 0, 0);
	return status;
}
