/* See operation_work.h. */
#include "tsm/operation_work.h"
#include "object/space.h"
#include "object/thread.h"

#define DESTROY_TABLES_MAX 32u /* of a space that goes in one piece */
#define NO_WORD 5u             /* of operations that cost the same whatever they name */

static const struct price {
	uint16_t fixed;
	uint8_t word, each; /* and EACH for each of what word WORD counts */
} prices[ZOG_OP_CODE_COUNT] = {
	[ZOG_OP_SPACE_CREATE] = { 32, NO_WORD, 0 },
	[ZOG_OP_SPACE_DESTROY] = { 4096, NO_WORD, 0 },
	[ZOG_OP_MAP] = { 16, NO_WORD, 0 },
	[ZOG_OP_UNMAP] = { 8, 1, 1 },
	[ZOG_OP_PROTECT] = { 8, 1, 1 },
	[ZOG_OP_CLONE_RANGE] = { 8, 2, 2 },
	[ZOG_OP_FRAME_GRANT] = { 8, 1, 1 },
	[ZOG_OP_FRAME_ZERO] = { 64, NO_WORD, 0 },
	[ZOG_OP_PORT_OUT] = { 8, 2, 16 },
	[ZOG_OP_PORT_IN] = { 8, 2, 16 },
	[ZOG_OP_DEVICE_ATTACH] = { 1024, NO_WORD, 0 },
	[ZOG_OP_DOMAIN_CONTROL] = { 1024, NO_WORD, 0 },
};

static bool is_long_unmap(const struct zog_op *op) { return op->code == ZOG_OP_UNMAP && op->word[1] > ZOG_TXN_UNMAP_PAGES; }

static uint64_t work_of(const struct zog_op *op)
{
	if (op->code >= ZOG_OP_CODE_COUNT)
		return 0; /* decoding refuses it */
	const struct price *price = &prices[op->code];
	uint64_t count = price->each == 0 ? 0 : op->word[price->word];
	if (is_long_unmap(op))
		count = ZOG_TXN_UNMAP_EDGES;
	if (count > ZOG_TXN_WORK_MAX)
		return ZOG_TXN_WORK_MAX + 1;
	return (price->fixed != 0 ? price->fixed : 16) + count * price->each;
}

uint64_t operations_work(const struct zog_op *op, uint32_t count)
{
	uint64_t work = 0;

	for (uint32_t i = 0; i < count && work <= ZOG_TXN_WORK_MAX; i++)
		work += work_of(&op[i]);
	return work;
}

static struct space *space_of(struct cpu *cpu, uint32_t slot)
{
	struct space *space = slot == ZOG_SELF ? cpu->thread->space : slot < space_total ? &space_table[slot] : NULL;

	return space != NULL && space->cr3 != 0 ? space : NULL;
}

static uint32_t trim_ahead(struct cpu *cpu, const struct zog_op *op)
{
	struct space *space = space_of(cpu, op->slot);

	if (space == NULL)
		return 0;
	if (op->code == ZOG_OP_SPACE_DESTROY)
		return space->tables > DESTROY_TABLES_MAX ? space_trim(cpu, space, 0, SPACE_END) : 0;
	if (op->word[0] >= SPACE_END || op->word[1] > SPACE_END / ZOG_PAGE_SIZE)
		return 0;
	return space_trim(cpu, space, op->word[0], op->word[0] + op->word[1] * ZOG_PAGE_SIZE);
}

bool operations_trim(struct cpu *cpu, uint32_t count)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count && taken == 0; i++)
		if (cpu->op[i].code == ZOG_OP_SPACE_DESTROY || is_long_unmap(&cpu->op[i]))
			taken = trim_ahead(cpu, &cpu->op[i]);
	cpu->must_repeat |= taken != 0;
	return taken != 0;
}
