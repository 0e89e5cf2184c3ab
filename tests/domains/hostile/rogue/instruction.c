/* Instructions that ring 3 may not use, and flags, bases and stacks set so that the core would stumble if it trusted them. */
#include "rogue.h"

static uint8_t buffer[1088] __attribute__((aligned(64)));
static uint64_t selector_pair[2];

#define ATTEMPT(name, ...) \
	static zog_status_t name(const struct attempt *attempt) \
	{ \
		(void)attempt; \
		__asm__ volatile(__VA_ARGS__); \
		return OUTCOME_DONE; \
	}

ATTEMPT(port_in, "in %%dx, %%al" : : "d"(0x80) : "rax")
ATTEMPT(port_out, "out %%al, %%dx" : : "d"(0x604), "a"(0))
ATTEMPT(port_string, "rep insb" : : "d"(0x3f8), "D"(buffer), "c"(1) : "memory")
ATTEMPT(disable_interrupts, "cli")
ATTEMPT(enable_interrupts, "sti")
ATTEMPT(halt, "hlt")
ATTEMPT(read_cr0, "mov %%cr0, %%rax" : : : "rax")
ATTEMPT(read_cr3, "mov %%cr3, %%rax" : : : "rax")
ATTEMPT(write_cr3, "mov %%rax, %%cr3" : : "a"(0x1000))
ATTEMPT(write_cr4, "mov %%rax, %%cr4" : : "a"(0x20))
ATTEMPT(write_cr8, "mov %%rax, %%cr8" : : "a"(15))
ATTEMPT(write_dr7, "mov %%rax, %%dr7" : : "a"(0x401))
ATTEMPT(read_msr, "rdmsr" : : "c"(0xc0000082) : "rax", "rdx")
ATTEMPT(write_msr, "wrmsr" : : "c"(0xc0000082), "a"(0x400000), "d"(0))
ATTEMPT(read_counter, "rdpmc" : : "c"(0) : "rax", "rdx")
ATTEMPT(load_gdt, "lgdt %0" : : "m"(buffer))
ATTEMPT(load_idt, "lidt %0" : : "m"(buffer))
ATTEMPT(load_ldt, "lldt %w0" : : "r"(0x30))
ATTEMPT(load_task, "ltr %w0" : : "r"(0x30))
ATTEMPT(store_gdt, "sgdt %0" : "=m"(buffer))
ATTEMPT(store_idt, "sidt %0" : "=m"(buffer))
ATTEMPT(store_ldt, "sldt %%ax" : : : "rax")
ATTEMPT(store_task, "str %%ax" : : : "rax")
ATTEMPT(store_machine_word, "smsw %%ax" : : : "rax")
ATTEMPT(swap_gs, "swapgs")
ATTEMPT(return_from_system_call, "sysretq" : : "c"(0x400000) : "r11")
ATTEMPT(enter_by_sysenter, "sysenter")
ATTEMPT(clear_task_switched, "clts")
ATTEMPT(invalidate_page, "invlpg (%0)" : : "r"(0x400000ul))
ATTEMPT(write_back_caches, "wbinvd")
ATTEMPT(set_xcr0, "xsetbv" : : "c"(0), "a"(1), "d"(0))
ATTEMPT(allow_user_access, "stac")
ATTEMPT(call_hypervisor, "vmmcall")
ATTEMPT(interrupt_linux, "int $0x80" : : "a"(1))
ATTEMPT(interrupt_page_fault, "int $14")
ATTEMPT(interrupt_timer, "int $0xe0")
ATTEMPT(interrupt_device, "int $0x40")
ATTEMPT(breakpoint, "int3")
ATTEMPT(debug_interrupt, ".byte 0xf1")
ATTEMPT(undefined, "ud2")
ATTEMPT(divide_by_zero, "xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx" : : : "rax", "rcx", "rdx")
ATTEMPT(vector_sse, "pxor %xmm0, %xmm0")
ATTEMPT(vector_avx, "vpxor %ymm0, %ymm0, %ymm0")
ATTEMPT(vector_x87, "fld1")
ATTEMPT(vector_wait, "fwait")
ATTEMPT(vector_save, "xsave %0" : "=m"(buffer) : "a"(7), "d"(0))
ATTEMPT(vector_load, "xrstor %0" : : "m"(buffer), "a"(7), "d"(0))
ATTEMPT(load_core_segment, "mov %w0, %%ds" : : "r"(0x10))
ATTEMPT(load_null_stack_segment, "mov %w0, %%ss" : : "r"(0))
ATTEMPT(trap_flag, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc")
/* iret to ring 0 */
ATTEMPT(return_to_core, "mov %%rsp, %%rcx; push $0x10; push %%rcx; push $2; push $8; push $0x400000; iretq" : : : "rcx", "memory")
/* far return to ring 0 */
ATTEMPT(far_return_to_core, "push $8; push $0x400000; lretq" : : : "memory")

static uint64_t flags_after_setting(uint64_t bits)
{
	uint64_t flags;

	__asm__ volatile("pushfq; orq %1, (%%rsp); popfq; pushfq; pop %0" : "=r"(flags) : "r"(bits) : "memory", "cc");
	return flags;
}

/* Makes the core do something at once: an exception it answers (first touch of a heap page), and a call that copies. */
static zog_status_t core_exercise(uint64_t page)
{
	uint64_t rdx = 16;

	__asm__ volatile("movb $1, (%0)" : : "r"(ZOG_HEAP_BASE + page * ZOG_PAGE_SIZE) : "memory");
	return core_raw(ZOG_CORE_LOG, RT_DEBUG, ZOG_HEAP_BASE + page * ZOG_PAGE_SIZE, &rdx, 0, 0);
}

static zog_status_t port_privilege(const struct attempt *attempt)
{
	(void)attempt;
	return flags_after_setting(0x3000) & 0x3000 ? OUTCOME_DONE : OUTCOME_HARMLESS;
}

/* word[0]: flags that stay set while the core is entered; word[1]: heap page. */
static zog_status_t flags_into_core(const struct attempt *attempt)
{
	uint64_t before = flags_after_setting(0);

	flags_after_setting(attempt->word[0]);
	zog_status_t status = core_exercise(attempt->word[1]);
	__asm__ volatile("push %0; popfq" : : "r"(before) : "memory", "cc");
	return status == ZOG_OK ? OUTCOME_HARMLESS : status;
}

static zog_status_t bases_into_core(const struct attempt *attempt)
{
	__asm__ volatile("wrfsbase %0; wrgsbase %0" : : "r"(attempt->word[0]));
	return core_exercise(attempt->word[1]) == ZOG_OK ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

static zog_status_t segments_into_core(const struct attempt *attempt)
{
	(void)attempt;
	__asm__ volatile("mov %w0, %%ds; mov %w0, %%es; mov %w0, %%fs; mov %w0, %%gs" : : "r"(0));
	return core_exercise(4) == ZOG_OK ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

/* A system call and a page fault while rsp points at word[0]. */
static zog_status_t stack_into_core(const struct attempt *attempt)
{
	uint64_t status = ZOG_CORE_EVENT_READ, page = ZOG_HEAP_BASE + attempt->word[1] * ZOG_PAGE_SIZE;

	__asm__ volatile("mov %%rsp, %%rbx; mov %2, %%rsp; syscall; movb $1, (%1); mov %%rbx, %%rsp"
			 : "+a"(status) : "r"(page), "r"(attempt->word[0]), "D"(EVENT_NEVER) : "rbx", "rcx", "rdx", "r11", "memory");
	return status == ZOG_OK ? OUTCOME_HARMLESS : OUTCOME_DONE;
}

static zog_status_t far_jump_32(const struct attempt *attempt)
{
	(void)attempt;
	selector_pair[0] = 0x400000 | 0x1bul << 32; /* where a 32-bit code segment of ring 3 would stand */
	__asm__ volatile("ljmp *%0" : : "m"(selector_pair));
	return OUTCOME_DONE;
}

static zog_status_t loop_for_ever(const struct attempt *attempt)
{
	while (attempt != NULL)
		__asm__ volatile("pause");
	return OUTCOME_DONE;
}

const struct attempt attempts_instruction[] = {
	{ "port_in", port_in, { 0 } },
	{ "port_out", port_out, { 0 } },
	{ "port_string", port_string, { 0 } },
	{ "disable_interrupts", disable_interrupts, { 0 } },
	{ "enable_interrupts", enable_interrupts, { 0 } },
	{ "halt", halt, { 0 } },
	{ "read_cr0", read_cr0, { 0 } },
	{ "read_cr3", read_cr3, { 0 } },
	{ "write_cr3", write_cr3, { 0 } },
	{ "write_cr4", write_cr4, { 0 } },
	{ "write_cr8", write_cr8, { 0 } },
	{ "write_dr7", write_dr7, { 0 } },
	{ "read_msr", read_msr, { 0 } },
	{ "write_msr", write_msr, { 0 } },
	{ "read_counter", read_counter, { 0 } },
	{ "load_gdt", load_gdt, { 0 } },
	{ "load_idt", load_idt, { 0 } },
	{ "load_ldt", load_ldt, { 0 } },
	{ "load_task", load_task, { 0 } },
	{ "store_gdt", store_gdt, { 0 } },
	{ "store_idt", store_idt, { 0 } },
	{ "store_ldt", store_ldt, { 0 } },
	{ "store_task", store_task, { 0 } },
	{ "store_machine_word", store_machine_word, { 0 } },
	{ "swap_gs", swap_gs, { 0 } },
	{ "return_from_system_call", return_from_system_call, { 0 } },
	{ "enter_by_sysenter", enter_by_sysenter, { 0 } },
	{ "clear_task_switched", clear_task_switched, { 0 } },
	{ "invalidate_page", invalidate_page, { 0 } },
	{ "write_back_caches", write_back_caches, { 0 } },
	{ "set_xcr0", set_xcr0, { 0 } },
	{ "allow_user_access", allow_user_access, { 0 } },
	{ "call_hypervisor", call_hypervisor, { 0 } },
	{ "interrupt_linux", interrupt_linux, { 0 } },
	{ "interrupt_page_fault", interrupt_page_fault, { 0 } },
	{ "interrupt_timer", interrupt_timer, { 0 } },
	{ "interrupt_device", interrupt_device, { 0 } },
	{ "breakpoint", breakpoint, { 0 } },
	{ "debug_interrupt", debug_interrupt, { 0 } },
	{ "undefined", undefined, { 0 } },
	{ "divide_by_zero", divide_by_zero, { 0 } },
	{ "vector_sse", vector_sse, { 0 } },
	{ "vector_avx", vector_avx, { 0 } },
	{ "vector_x87", vector_x87, { 0 } },
	{ "vector_wait", vector_wait, { 0 } },
	{ "vector_save", vector_save, { 0 } },
	{ "vector_load", vector_load, { 0 } },
	{ "load_core_segment", load_core_segment, { 0 } },
	{ "load_null_stack_segment", load_null_stack_segment, { 0 } },
	{ "trap_flag", trap_flag, { 0 } },
	{ "return_to_core", return_to_core, { 0 } },
	{ "far_return_to_core", far_return_to_core, { 0 } },
	{ "far_jump_32", far_jump_32, { 0 } },
	{ "port_privilege", port_privilege, { 0 } },
	{ "direction_into_core", flags_into_core, { 0x400, 1 } },
	{ "nested_task_into_core", flags_into_core, { 0x4000, 2 } },
	{ "alignment_into_core", flags_into_core, { 0x40000, 3 } },
	{ "segments_into_core", segments_into_core, { 0 } },
	{ "bases_into_core", bases_into_core, { 0xffffffff80200000ul, 5 } },
	{ "core_stack_into_core", stack_into_core, { 0xffffffff80200000ul, 6 } },
	{ "null_stack_into_core", stack_into_core, { 0, 7 } },
	{ "not_canonical_stack_into_core", stack_into_core, { 0x8000000000000000ul, 8 } },
	{ "loop_for_ever", loop_for_ever, { 0 } },
};
const uint32_t attempts_instruction_count = sizeof(attempts_instruction) / sizeof(attempts_instruction[0]);
