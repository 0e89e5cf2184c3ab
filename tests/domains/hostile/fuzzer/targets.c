/* Whom the fuzzer calls, and what it knows of them: the pools that make calls meet something, and the calls that it leaves
 * out, since they would change what the contract lets a client change but what programs beside it are using. */
#include "contracts/aim_fuzz.h"
#include "contracts/audit_fuzz.h"
#include "contracts/bench_fuzz.h"
#include "contracts/block_client.h"
#include "contracts/block_fuzz.h"
#include "contracts/bus_fuzz.h"
#include "contracts/clock_fuzz.h"
#include "contracts/console_client.h"
#include "contracts/console_fuzz.h"
#include "contracts/entropy_fuzz.h"
#include "contracts/filesystem.h"
#include "contracts/filesystem_fuzz.h"
#include "contracts/memory_fuzz.h"
#include "contracts/picture_fuzz.h"
#include "contracts/session_fuzz.h"
#include "contracts/supervisor.h"
#include "contracts/supervisor_fuzz.h"
#include "fuzzer.h"

#define OWN_FRAMES (DMA_BYTES / ZOG_PAGE_SIZE)
#define NODE_ROOT 2u
#define NODES 8u            /* of the pool: the root, then nodes that the fuzzer made */
#define NODE_ENDED (1ul << 63)
#define NODES_END (1u << 24) /* no disk here has so many */
#define NODES_RESERVED 11u
#define CONSOLE_AHEAD 0x100000u

static uint64_t own_frame(uint64_t number) { return rt_self()->dma_physical / ZOG_PAGE_SIZE + number % OWN_FRAMES; }

/* --- block: own frames, and blocks at the end of the disk that belong to nobody (fuzz_spare of them) --------------- */

/* pool[0]: blocks of the disk. */
static void block_prepare(struct fuzz *state)
{
	uint64_t is_read_only;

	if (state->pool[0] == 0 && block_capacity(&state->pool[0], &is_read_only) != ZOG_OK)
		state->pool[0] = 0;
}

/* A write of an own frame to a block of somebody else. */
static bool block_harms(const struct fuzz *state, const uint64_t *word)
{
	uint64_t first = own_frame(0), end = state->pool[0], spare = option_number("fuzz_spare", 0);
	bool is_own = word[0] >= first && word[0] < first + OWN_FRAMES;

	return word[2] == BLOCK_DIRECTION_WRITE && is_own && word[1] < end && word[1] + spare < end;
}

/* --- console: output that was taken before, or that comes too early ------------------------------------------------ */

static void console_prepare(struct fuzz *state)
{
	uint64_t seen;

	/* Nothing, far ahead: the console says where it is. */
	if (console_write(UINT64_MAX, "", 0, &state->pool[0], &seen) != ZOG_OK)
		state->pool[0] = 0;
}

/* Output may grow at any time: whatever could be the next byte is left out. */
static bool console_harms(const struct fuzz *state, const uint64_t *word)
{
	uint64_t taken = state->pool[0];

	return word[0] < taken + CONSOLE_AHEAD && word[0] + word[1] > taken;
}

/* --- filesystem: nodes that the fuzzer made, own frames ------------------------------------------------------------ */

static void filesystem_prepare(struct fuzz *state)
{
	state->pool[0] = NODE_ROOT;
}

/* The node has lost its last name: whoever forgets it now gives its number away. */
static void node_end(struct fuzz *state, uint64_t node)
{
	for (uint32_t i = 1; i < NODES; i++)
		if (state->pool[i] == node)
			state->pool[i] |= NODE_ENDED;
}

static void filesystem_learn(struct fuzz *state, uint32_t method)
{
	if (method == FILESYSTEM_METHOD_CREATE || method == FILESYSTEM_METHOD_SYMLINK)
		state->pool[1 + state->step % (NODES - 1)] = state->out[0];
	else if (method == FILESYSTEM_METHOD_REMOVE_DIRECTORY || (method == FILESYSTEM_METHOD_UNLINK && state->out[1] == 0))
		node_end(state, state->out[0]);
	else if (method == FILESYSTEM_METHOD_RENAME && state->out[2] == 0)
		node_end(state, state->out[1]);
}

/* Is it no node of anybody else's? */
static bool node_is_fair(const struct fuzz *state, uint64_t node, bool is_parent)
{
	for (uint32_t i = 1; i < NODES; i++)
		if (node == (state->pool[i] & ~NODE_ENDED))
			return true;
	return node == NODE_ROOT ? is_parent : node < NODES_RESERVED || node >= NODES_END;
}

static uint64_t field_get(const uint8_t *area, const struct rt_argument *outer, const struct rt_argument *field)
{
	uint64_t value;

	memcpy(&value, area + outer->offset + field->offset, sizeof(value));
	return value;
}

static bool filesystem_harms(const struct fuzz *state, const struct rt_method *method, const uint64_t *word, const uint8_t *area)
{
	static const char *const parents[] = { "parent", "from_parent", "to_parent" };
	const struct rt_argument *in = method->in;

	if (method->number < FILESYSTEM_METHOD_WRITE_PAGE)
		return false; /* they only read */
	for (uint32_t i = 0; i < method->in_count; i++) {
		if (strcmp(in[i].name, "node") == 0 && !node_is_fair(state, word[in[i].word], false))
			return true;
		for (uint32_t k = 0; k < 3; k++) {
			if (strcmp(in[i].name, parents[k]) == 0 && !node_is_fair(state, word[in[i].word], true))
				return true;
			for (uint32_t f = 0; in[i].kind == RT_STRUCT && f < in[i].field_count; f++)
				if (strcmp(in[i].field[f].name, parents[k]) == 0 && !node_is_fair(state, field_get(area, &in[i], &in[i].field[f]), true))
					return true;
		}
	}
	return false;
}

/* A node without a name that is to be forgotten may be anybody's next; one with a name stays what it is. */
static void node_drop(struct fuzz *state, uint64_t node)
{
	for (uint32_t i = 1; i < NODES; i++)
		if (state->pool[i] == (node | NODE_ENDED))
			state->pool[i] = 0;
}

static void filesystem_forget(struct fuzz *state)
{
	for (uint32_t i = 1; i < NODES; i++)
		state->pool[i] = 0;
}

/* --- all ----------------------------------------------------------------------------------------------------------- */

bool fuzz_leaves_out(struct fuzz *state, const struct rt_method *method, const uint64_t *word, const uint8_t *area)
{
	bool is_harmful = false;

	if (method->number == BLOCK_METHOD_TRANSFER)
		is_harmful = block_harms(state, word);
	else if (method->number == CONSOLE_METHOD_WRITE)
		is_harmful = console_harms(state, word);
	else if (method->number >> 8 == FILESYSTEM_CONTRACT)
		is_harmful = filesystem_harms(state, method, word, area);
	if (method->number == FILESYSTEM_METHOD_FORGET && !is_harmful)
		node_drop(state, word[0]);
	return is_harmful;
}

/* A node that the fuzzer made and has not heard the end of; else one that nobody has. */
static uint64_t own_node(const struct fuzz *state, uint64_t choice)
{
	for (uint32_t i = 0; i < NODES - 1; i++) {
		uint64_t node = state->pool[1 + (choice + i) % (NODES - 1)];
		if (node != 0)
			return node & ~NODE_ENDED;
	}
	return NODES_END + choice;
}

/* By the names that contracts give to what is meant. */
bool fuzz_value(struct fuzz *state, const struct rt_argument *argument, uint64_t choice, uint64_t *value)
{
	static const uint32_t modes[] = { 0x81a4, 0x41ed, 0x81a4, 0x11a4 }; /* file, directory, file, pipe */
	const struct { const char *name; uint64_t value; } known[] = {
		{ "node", choice % 16 ? own_node(state, choice / 16) : state->pool[0] },
		{ "parent", choice % 2 ? state->pool[0] : own_node(state, choice / 2) },
		{ "from_parent", choice % 2 ? state->pool[0] : own_node(state, choice / 2) },
		{ "to_parent", choice % 2 ? state->pool[0] : own_node(state, choice / 2) },
		{ "frame", own_frame(choice) },
		{ "block", state->pool[0] - 1 - choice % 8 },
		{ "ticket", choice % 4 },
		{ "mode", modes[choice % 4] },
		{ "mask", choice % 64 },
		{ "size", choice * 16 },
		{ "page", choice % 16 },
		{ "count", 1 + choice % 8 },
		{ "from_length", choice % 3 },
		{ "position", state->pool[0] - choice % 8192 },
		{ "is_final", 0 },
	};

	for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		*value = known[i].value;
		if (strcmp(argument->name, known[i].name) == 0)
			return true;
	}
	return false;
}

const char *fuzz_text(const struct rt_method *method, uint64_t choice)
{
	static const char *const command[] = { "kill", "kill nobody", "hang", "hang nobody 7", "corrupt session", "corrupt session x", "kill session 1 2",
					       "kill session 18446744073709551616", "update", "update session", "update nobody /x", "update session /x" };
	static const char *const path[] = { "", "/", "..", "domains", "domains/", "incidents", "incidents/0", "incidents/1", "incidents/1/trace",
					    "incidents/1/stack", "incidents/18446744073709551617/cause", "incidents/01/cause", "counters", "tsm",
					    "updates", "version", "linux", "ctl" };

	if (method->number == SUPERVISOR_METHOD_CONTROL)
		return command[choice % (sizeof(command) / sizeof(command[0]))];
	if (method->number >> 8 == SUPERVISOR_CONTRACT)
		return path[choice % (sizeof(path) / sizeof(path[0]))];
	return NULL;
}

/* The larger a contract, the more turns. */
const uint8_t turns[TURNS] = { 0, 7, 1, 4, 7, 2, 8, 7, 3, 5, 7, 4, 6, 7, 8, 9, 7, 10, 7, 4, 11, 7, 12, 7 };

const struct target targets[TARGETS] = {
	{ .name = "clock", .step = clock_fuzz_step, .contract = &clock_contract, .server = SERVER_CLOCK },
	{ .name = "entropy", .step = entropy_fuzz_step, .contract = &entropy_contract, .server = SERVER_ENTROPY },
	{ .name = "memory", .step = memory_fuzz_step, .contract = &memory_contract, .server = SERVER_MEMORY },
	{ .name = "bus", .step = bus_fuzz_step, .contract = &bus_contract, .server = SERVER_BUS },
	{ .name = "block", .step = block_fuzz_step, .contract = &block_contract, .server = SERVER_BLOCK, .prepare = block_prepare },
	{ .name = "console", .step = console_fuzz_step, .contract = &console_contract, .server = SERVER_CONSOLE, .prepare = console_prepare },
	{ .name = "session", .step = session_fuzz_step, .contract = &session_contract, .server = SERVER_SESSION },
	{ .name = "filesystem", .step = filesystem_fuzz_step, .contract = &filesystem_contract, .server = SERVER_FILESYSTEM,
	  .prepare = filesystem_prepare, .learn = filesystem_learn, .forget = filesystem_forget, .waits = true },
	{ .name = "supervisor", .step = supervisor_fuzz_step, .contract = &supervisor_contract, .server = SERVER_SUPERVISOR },
	{ .name = "bench", .step = bench_fuzz_step, .contract = &bench_contract, .server = SERVER_BENCH },
	{ .name = "aim", .step = aim_fuzz_step, .contract = &aim_contract, .server = SERVER_AIM, .waits = true },
	{ .name = "audit", .step = audit_fuzz_step, .contract = &audit_contract, .server = SERVER_AUDIT },
	{ .name = "picture", .step = picture_fuzz_step, .contract = &picture_contract, .server = SERVER_PICTURE },
};
