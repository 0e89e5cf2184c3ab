/* A QEMU plugin that counts how often each translated block runs. At QEMU's end it writes one line for each block to the
 * file of its argument out=FILE: guest address, host address (tells domains apart, whose images share their addresses),
 * instructions, runs. tools/zoglib/profile.py adds up. The few declarations are those of QEMU's plugin interface,
 * version 1, which Debian ships without its header. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation, void *counter, uint64_t amount);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*ended)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *instruction);

#define OPERATION_ADD 0
#define EXPORTED __attribute__((visibility("default")))

/* One vCPU is counted (-icount): no atomics. */
struct block {
	struct block *next;
	uint64_t address, host, instructions, runs;
};
static struct block *blocks;
static char output[4096];

static void block_translated(uint64_t id, struct qemu_plugin_tb *translated)
{
	struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(translated, 0);
	struct block *block = calloc(1, sizeof(*block));

	(void)id;
	if (block == NULL)
		abort();
	block->address = qemu_plugin_insn_vaddr(first);
	block->host = (uint64_t)(uintptr_t)qemu_plugin_insn_haddr(first);
	block->instructions = qemu_plugin_tb_n_insns(translated);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_inline(translated, OPERATION_ADD, &block->runs, 1);
}

static void blocks_write(uint64_t id, void *data)
{
	FILE *file = fopen(output, "w");

	(void)id, (void)data;
	if (file == NULL)
		return;
	for (const struct block *block = blocks; block != NULL; block = block->next)
		if (block->runs != 0)
			fprintf(file, "%" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address, block->host, block->instructions, block->runs);
	fclose(file);
}

EXPORTED int qemu_plugin_version = 1;
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **argument);
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int count, char **argument)
{
	(void)info;
	if (count != 1 || strncmp(argument[0], "out=", 4) != 0 || strlen(argument[0] + 4) >= sizeof(output))
		return 1;
	strcpy(output, argument[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, blocks_write, NULL);
	return 0;
}
