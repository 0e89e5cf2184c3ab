/* What the parts of execve share. */
#ifndef LINUX_EXEC_H
#define LINUX_EXEC_H

#include "task.h"
#include "elf.h"

/* One ELF file to be mapped, with what must be read before records change. */
struct exec_part {
	struct elf_image image;
	struct node *node;
	uint64_t bias;
	uint64_t tail_frame[ELF_SEGMENT_MAX]; /* cache page in which a segment's file bytes end; 0: ends with a page */
};
struct exec_plan {
	struct exec_part main, interpreter; /* interpreter.node NULL: none */
	uint64_t entry, stack_pointer;
	uint64_t argument_start, argument_end, environment_end;
	char path[PATH_SIZE];               /* AT_EXECFN: as given to execve */
	uint8_t random[16];
};

/* exec_load.c: reading and checking. 0, -errno, SYS_WAIT. */
int64_t exec_plan_make(struct zog_call *call, struct thread *thread, struct exec_plan *plan, struct exec_text *text);
/* Maps a part into an empty space: records and staged operations only. */
int64_t exec_part_map(struct space *space, const struct exec_part *part);

/* exec_stack.c: lays the initial stack out in scratch memory (sets plan->stack_pointer and the argument range);
 * -E2BIG. Then makes its pages. */
int64_t exec_stack_build(struct exec_plan *plan, const struct exec_text *text, const struct process *process);
int64_t exec_stack_map(struct space *space, const struct exec_plan *plan);

#endif
