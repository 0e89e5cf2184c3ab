/* A QEMU plugin that finds the core's longest entries: how many instructions run in ring 0 between two that do not. Where the
 * core halts to wait, an entry ends and another begins. At QEMU's end it writes to the file of its argument out=FILE a line
 * `entry NUMBER INSTRUCTIONS` for each entry of least=N instructions or more, followed by a line `ADDRESS INSTRUCTIONS` for each
 * block of it; and at last `longest INSTRUCTIONS entries COUNT`. One vCPU. The declarations are those of QEMU's plugin
 * interface, version 1, which Debian ships without its header. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*executed)(unsigned int cpu, void *data), int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*ended)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);

#define CORE_BASE 0xffffffff80000000ul
#define HALT 0xf4 /* the one-byte instruction */
#define NO_REGISTERS 0
#define EXPORTED __attribute__((visibility("default")))

struct block {
	struct block *next;
	uint64_t address, instructions;
	uint64_t entry, in_entry; /* the last entry it ran in, and its instructions there */
	int is_core, halts;
};
static struct block *blocks;
static uint64_t entry, in_entry, longest, least = 100000;
static int core_ran; /* and then something else, which ends the boot: entries count from there on */
static FILE *file;

static void entry_end(void)
{
	if (entry != 0 && in_entry > longest)
		longest = in_entry;
	if (entry != 0 && in_entry >= least) {
		fprintf(file, "entry %" PRIu64 " %" PRIu64 "\n", entry, in_entry);
		for (const struct block *block = blocks; block != NULL; block = block->next)
			if (block->entry == entry)
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n", block->address, block->in_entry);
	}
	in_entry = 0;
	entry++;
}

static void block_executed(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (!block->is_core) {
		if (in_entry != 0 && core_ran)
			entry_end();
		return;
	}
	core_ran = 1;
	if (block->entry != entry)
		block->entry = entry, block->in_entry = 0;
	block->in_entry += block->instructions;
	in_entry += block->instructions;
	if (block->halts && entry != 0)
		entry_end();
}

static int halts(const struct qemu_plugin_insn *instruction)
{
	return qemu_plugin_insn_size(instruction) == 1 && *(const uint8_t *)qemu_plugin_insn_data(instruction) == HALT;
}

static void block_translated(uint64_t id, struct qemu_plugin_tb *translated)
{
	struct block *block = calloc(1, sizeof(*block));

	(void)id;
	if (block == NULL)
		abort();
	block->instructions = qemu_plugin_tb_n_insns(translated);
	block->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(translated, 0));
	block->is_core = block->address >= CORE_BASE;
	block->halts = halts(qemu_plugin_tb_get_insn(translated, block->instructions - 1));
	block->entry = UINT64_MAX;
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(translated, block_executed, NO_REGISTERS, block);
}

static void longest_write(uint64_t id, void *data)
{
	(void)id, (void)data;
	fprintf(file, "longest %" PRIu64 " entries %" PRIu64 "\n", longest, entry);
	fclose(file);
}

EXPORTED int qemu_plugin_version = 1;
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **argument);
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **argument)
{
	(void)info;
	if (count != 2 || strncmp(argument[0], "out=", 4) != 0 || strncmp(argument[1], "least=", 6) != 0)
		return 1;
	least = strtoull(argument[1] + 6, NULL, 10);
	file = fopen(argument[0] + 4, "w");
	if (file == NULL)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, longest_write, NULL);
	return 0;
}
