/* The copy call. The request is copied once; each page of the program is looked up in its tables when its bytes are
 * moved, with the program's own permissions; nothing is ever touched through a user address (SMAP stays on). */
#include <stddef.h>
#include "mem/copy.h"
#include "object/frame.h"
#include "object/thread.h"

#define COPY_MAX 65536u

static struct space *space_of(struct cpu *cpu, uint32_t slot)
{
	if (slot == ZOG_SELF) /* the space of a thread that is ending may be gone */
		return cpu->thread->space && cpu->thread->space->cr3 ? cpu->thread->space : NULL;
	return slot < space_total && space_table[slot].cr3 ? &space_table[slot] : NULL;
}

/* The bytes at ADDRESS of the program, or NULL with the reason. */
static uint8_t *program_bytes(const struct space *space, uint64_t address, bool is_write, zog_status_t *status)
{
	*status = ZOG_ERR_FAULT;
	if (address >= ZOG_USER_END)
		return NULL;
	pte_t *entry = table_walk(space->cr3, address);
	*status = ZOG_ERR_NEED_PAGE;
	if (entry == NULL || !(*entry & PTE_PRESENT) || (is_write && !(*entry & PTE_WRITE)))
		return NULL;
	return (uint8_t *)physical_pointer(*entry & PTE_ADDRESS) + address % ZOG_PAGE_SIZE;
}

static bool is_to_program(uint32_t kind) { return kind == ZOG_COPY_TO_PROGRAM || kind == ZOG_COPY_FRAME_TO_PROGRAM; }
static bool is_with_frame(uint32_t kind)
{
	return kind == ZOG_COPY_FRAME_FROM_PROGRAM || kind == ZOG_COPY_FRAME_TO_PROGRAM || kind == ZOG_COPY_FROM_FRAME || kind == ZOG_COPY_TO_FRAME ||
	       kind == ZOG_COPY_FRAME_ZERO || kind == ZOG_COPY_FRAME_TO_FRAME;
}
static bool is_with_program(uint32_t kind) { return kind <= ZOG_COPY_FRAME_TO_PROGRAM || kind == ZOG_COPY_STRING_FROM_PROGRAM; }

/* How much can be moved at once: up to the end of the program's page and of the own page. */
static uint64_t part_of(const struct zog_copy *copy, bool is_own)
{
	uint64_t part = copy->length - copy->done, left = ZOG_PAGE_SIZE - (copy->address + copy->done) % ZOG_PAGE_SIZE;

	if (part > left)
		part = left;
	left = ZOG_PAGE_SIZE - (copy->own + copy->done) % ZOG_PAGE_SIZE;
	return is_own && part > left ? left : part;
}

/* A string's part: up to its NUL. */
static uint64_t string_part(const uint8_t *bytes, uint64_t part, bool *is_ended)
{
	for (uint64_t i = 0; i < part; i++) {
		if (bytes[i] == 0) {
			*is_ended = true;
			return i + 1;
		}
	}
	return part;
}

static zog_status_t copy_program(struct domain *domain, const struct space *space, struct zog_copy *copy)
{
	bool is_write = is_to_program(copy->kind), is_frame = is_with_frame(copy->kind), is_ended = false;
	bool is_string = copy->kind == ZOG_COPY_STRING_FROM_PROGRAM;

	while (copy->done < copy->length && !is_ended) {
		uint64_t part = part_of(copy, !is_frame);
		zog_status_t status;
		uint8_t *theirs = program_bytes(space, copy->address + copy->done, is_write, &status);
		if (theirs == NULL) {
			copy->fault_address = copy->address + copy->done;
			return status;
		}
		if (is_string)
			part = string_part(theirs, part, &is_ended);
		if (is_frame) {
			uint8_t *frame = (uint8_t *)frame_pointer(copy->frame) + copy->offset + copy->done;
			memcpy(is_write ? theirs : frame, is_write ? frame : theirs, part);
		} else if (!(is_write ? domain_read(domain, theirs, copy->own + copy->done, part)
				      : domain_write(domain, copy->own + copy->done, theirs, part))) {
			return ZOG_ERR_ARGUMENT;
		}
		copy->done += part;
	}
	return is_string && !is_ended ? ZOG_ERR_NAME_TOO_LONG : ZOG_OK;
}

static zog_status_t copy_frame(struct domain *domain, struct zog_copy *copy)
{
	uint8_t *frame = (uint8_t *)frame_pointer(copy->frame) + copy->offset;
	bool is_good = true;

	if (copy->kind == ZOG_COPY_FROM_FRAME)
		is_good = domain_write(domain, copy->own, frame, copy->length);
	else if (copy->kind == ZOG_COPY_TO_FRAME)
		is_good = domain_read(domain, frame, copy->own, copy->length);
	else if (copy->kind == ZOG_COPY_FRAME_ZERO)
		memset(frame, 0, copy->length);
	else if (!frame_is_payload_of(copy->address, domain->id))
		is_good = false;
	else
		memcpy((uint8_t *)frame_pointer(copy->address) + copy->offset, frame, copy->length);
	copy->done = is_good ? copy->length : 0;
	return is_good ? ZOG_OK : ZOG_ERR_ARGUMENT;
}

static zog_status_t copy_carry_out(struct cpu *cpu, struct domain *domain, struct zog_copy *copy)
{
	const struct space *space;

	copy->done = 0;
	copy->fault_address = 0;
	if (!is_with_program(copy->kind))
		return copy_frame(domain, copy);
	space = domain->desc->is_personality ? space_of(cpu, copy->space) : NULL;
	return space != NULL ? copy_program(domain, space, copy) : ZOG_ERR_CAP;
}

zog_status_t copy_call(struct cpu *cpu, struct domain *domain, uint64_t request)
{
	struct zog_copy copy, *direct = domain_bytes(domain, request, sizeof(copy));

	if (direct != NULL)
		copy = *direct;
	else if (!domain_read(domain, &copy, request, sizeof(copy)))
		return ZOG_ERR_ARGUMENT;
	if (copy.kind >= ZOG_COPY_KIND_COUNT || copy.length > COPY_MAX)
		return ZOG_ERR_ARGUMENT;
	if (is_with_frame(copy.kind) && (!frame_is_payload_of(copy.frame, domain->id) || copy.offset > ZOG_PAGE_SIZE ||
					 copy.length > ZOG_PAGE_SIZE - copy.offset))
		return ZOG_ERR_ARGUMENT;
	zog_status_t status = copy_carry_out(cpu, domain, &copy);
	if (direct != NULL) {
		direct->done = copy.done;
		direct->fault_address = copy.fault_address;
	} else if (!domain_write(domain, request, &copy, sizeof(copy))) {
		return ZOG_ERR_ARGUMENT;
	}
	return status;
}
