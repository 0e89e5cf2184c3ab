/* The stack that a program finds at its start (System V ABI for x86_64, 3.4.1): from the stack pointer up the number
 * of arguments, argv, envp, the auxiliary vector, and above them the strings they point to.
 *
 * It is laid out in scratch memory at the same offsets in pages as in the program, then copied into fresh frames. */
#include "exec.h"

enum { BLOCK_SIZE = 0x80000, POINTER_MAX = 16384, AUX_MAX = 24, CLOCK_TICKS = 100 };
#define BLOCK_BASE (STACK_TOP - BLOCK_SIZE)

/* Heap: strings first (exec_scratch), then this block; see home.h for the division. */
_Static_assert(EXEC_TEXT_SIZE + BLOCK_SIZE <= HEAP_BYTES / 2, "the heap's first half holds both");
static uint8_t *block(uint64_t address) { return (uint8_t *)ZOG_HEAP_BASE + EXEC_TEXT_SIZE + (address - BLOCK_BASE); }

static uint64_t stack_push(uint64_t *top, const void *data, uint64_t size)
{
	*top -= size;
	memcpy(block(*top), data, size);
	return *top;
}

/* AT is a multiple of 8. The place behind it. */
static uint64_t stack_word(uint64_t at, uint64_t word)
{
	*(uint64_t *)(void *)block(at) = word;
	return at + sizeof(word);
}

struct stack_aux {
	uint64_t random, platform, name;
};

static uint32_t cpu_features(void)
{
	uint32_t edx, other;

	__asm__("cpuid" : "=d"(edx), "=a"(other) : "a"(1), "c"(0) : "ebx");
	return edx;
}

static void stack_aux_write(uint64_t at, const struct exec_plan *plan, const struct stack_aux *aux,
			    const struct process *process)
{
	const struct exec_part *main = &plan->main, *interpreter = &plan->interpreter;
	uint64_t headers = main->image.header_address ? main->image.header_address + main->bias : 0;
	uint64_t table[][2] = {
		{ AT_PHDR, headers }, { AT_PHENT, sizeof(struct elf_program_header) },
		{ AT_PHNUM, main->image.header_count }, { AT_PAGESZ, ZOG_PAGE_SIZE },
		{ AT_BASE, interpreter->node ? interpreter->bias : 0 }, { AT_FLAGS, 0 },
		{ AT_ENTRY, main->image.entry + main->bias }, { AT_UID, process->uid }, { AT_EUID, process->euid },
		{ AT_GID, process->gid }, { AT_EGID, process->egid }, { AT_SECURE, 0 }, { AT_CLKTCK, CLOCK_TICKS },
		{ AT_HWCAP, cpu_features() }, { AT_HWCAP2, 0 }, { AT_RANDOM, aux->random }, { AT_PLATFORM, aux->platform },
		{ AT_EXECFN, aux->name }, { AT_NULL, 0 },
	};

	_Static_assert(sizeof(table) / sizeof(table[0]) <= AUX_MAX, "the estimate holds");
	memcpy(block(at), table, sizeof(table));
}

struct pointers {
	uint64_t at, string;
};

/* COUNT addresses of strings that lie one after the other from .string on, then a zero. */
static struct pointers stack_pointers(struct pointers place, uint32_t count)
{
	uint64_t at = place.at, string = place.string;

	for (uint32_t i = 0; i < count; i++) {
		at = stack_word(at, string);
		string += strlen((const char *)block(string)) + 1;
	}
	return (struct pointers){ stack_word(at, 0), string };
}

int64_t exec_stack_build(struct exec_plan *plan, const struct exec_text *text, const struct process *process)
{
	static const char platform[] = "x86_64";
	uint64_t pointers = text->argument_count + text->environment_count, top = STACK_TOP - 8, string, at;
	struct pointers place;
	struct stack_aux aux;

	if (pointers > POINTER_MAX)
		return -E2BIG;
	memset(block(top), 0, 8);
	aux.name = stack_push(&top, plan->path, strlen(plan->path) + 1);
	string = stack_push(&top, text->text, text->size);
	plan->argument_start = string;
	plan->argument_end = string + text->argument_size;
	plan->environment_end = string + text->size;
	aux.platform = stack_push(&top, platform, sizeof(platform));
	aux.random = stack_push(&top, plan->random, sizeof(plan->random));
	at = (top - (1 + pointers + 2 + 2 * AUX_MAX) * sizeof(uint64_t)) & ~15ul;
	memset(block(page_down(at)), 0, top - page_down(at));
	plan->stack_pointer = at;
	place = (struct pointers){ stack_word(at, text->argument_count), string };
	place = stack_pointers(place, text->argument_count);
	place = stack_pointers(place, text->environment_count);
	stack_aux_write(place.at, plan, &aux, process);
	return 0;
}

static int64_t stack_page_map(struct space *space, uint64_t address)
{
	uint64_t frame = frame_allocate();
	struct zog_copy copy = { .kind = ZOG_COPY_TO_FRAME, .own = (uintptr_t)block(address), .frame = frame,
				 .length = ZOG_PAGE_SIZE };

	if (!frame)
		return -ENOMEM;
	rt_assert(rt_copy(&copy) == ZOG_OK);
	if (!page_set(space_index(space), address, frame | PAGE_WRITABLE))
		return -ENOMEM;
	rt_stage(ZOG_OP_MAP, space_index(space), address, frame, ZOG_MAP_READ | ZOG_MAP_WRITE, 0, 0);
	return 0;
}

int64_t exec_stack_map(struct space *space, const struct exec_plan *plan)
{
	struct vma stack = { .start = STACK_TOP - STACK_SIZE_MAX, .end = STACK_TOP,
			     .flags = VMA_READ | VMA_WRITE | VMA_STACK };

	if (!vma_insert(space, &stack))
		return -ENOMEM;
	space->stack_low = stack.start;
	for (uint64_t address = page_down(plan->stack_pointer); address < STACK_TOP; address += ZOG_PAGE_SIZE) {
		int64_t error = stack_page_map(space, address);

		if (error)
			return error;
	}
	return 0;
}
