/* Reads, writes and executes what is not the domain's to read, write or execute: by plain reads, by stores through the
 * compiler's hook, and by assembly that goes round the hook. */
#include "rogue.h"

#define CORE_PHYSICAL_MAP 0xffff800000000000ul
#define CORE_TEXT 0xffffffff80200000ul
#define CORE_APIC 0xffffffffc0200000ul
#define OTHER_MESSAGES ZOG_MESSAGE(DOMAIN_EXT4, DOMAIN_LINUX, 0) /* no peer of ours */
#define PEER_MESSAGES ZOG_MESSAGE(DOMAIN_CLOCK, SELF_DOMAIN, 0)
#define COMMITTED (ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET)

extern uint8_t rt_text_start[], rt_text_end[];
static uint8_t data_code[16] = { 0xc3 }; /* ret */
static const uint8_t constant[16] = { 1 };

static zog_status_t read_at(const struct attempt *attempt)
{
	uint64_t value;

	__asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(attempt->word[0]) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t store_at(const struct attempt *attempt)
{
	*(volatile uint64_t *)attempt->word[0] = 0x6b636f67ul;
	return OUTCOME_DONE;
}

static zog_status_t asm_store_at(const struct attempt *attempt)
{
	__asm__ volatile("movq $0x6b636f67, (%0)" : : "r"(attempt->word[0]) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t asm_store_constant(const struct attempt *attempt)
{
	(void)attempt;
	__asm__ volatile("movb $2, (%0)" : : "r"(constant) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t jump_to(const struct attempt *attempt)
{
	__asm__ volatile("call *%0" : : "r"(attempt->word[0]) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t execute_stack(const struct attempt *attempt)
{
	volatile uint8_t code[16];

	(void)attempt;
	code[0] = 0xc3;
	__asm__ volatile("call *%0" : : "r"(code) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t execute_heap(const struct attempt *attempt)
{
	(void)attempt;
	*(volatile uint8_t *)ZOG_HEAP_BASE = 0xc3;
	__asm__ volatile("call *%0" : : "r"(ZOG_HEAP_BASE) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t execute_home(const struct attempt *attempt)
{
	struct home *home = rt_home();

	(void)attempt;
	home->code[0] = 0xc3;
	__asm__ volatile("call *%0" : : "r"(home->code) : "memory");
	return OUTCOME_DONE;
}

static zog_status_t execute_data(const struct attempt *attempt)
{
	(void)attempt;
	__asm__ volatile("call *%0" : : "r"(data_code) : "memory");
	return OUTCOME_DONE;
}

static __attribute__((noinline)) uint64_t descend(uint64_t depth)
{
	volatile uint8_t frame[512];

	frame[0] = (uint8_t)depth;
	uint64_t below = depth == 0 ? 0 : descend(depth - 1);
	return below + frame[0];
}

static zog_status_t overrun_stack(const struct attempt *attempt)
{
	return descend(attempt->word[0]) == 0 ? ZOG_ERR_ARGUMENT : OUTCOME_DONE;
}

/* Uncommitted bytes in the home region when the domain ends: the next incarnation must not find them. */
static zog_status_t end_with_open_stores(const struct attempt *attempt)
{
	struct home *home = rt_home();

	(void)attempt;
	home->is_told = 1;
	home->next += 1000;
	__asm__ volatile("ud2");
	return OUTCOME_DONE;
}

const struct attempt attempts_memory[] = {
	{ "read_message_of_stranger", read_at, { OTHER_MESSAGES } },
	{ "write_message_of_stranger", asm_store_at, { OTHER_MESSAGES } },
	{ "write_message_of_peer", asm_store_at, { PEER_MESSAGES } },
	{ "store_message_of_peer", store_at, { PEER_MESSAGES } },
	{ "read_message_of_peer_to_other", read_at, { ZOG_MESSAGE(DOMAIN_CLOCK, DOMAIN_LINUX, 0) } },
	{ "read_message_of_other_to_peer", read_at, { ZOG_MESSAGE(DOMAIN_LINUX, DOMAIN_CLOCK, 0) } },
	{ "read_message_behind_the_last", read_at, { ZOG_MESSAGE(ZOG_DOMAIN_MAX, 0, 0) } },
	{ "read_physical_map", read_at, { CORE_PHYSICAL_MAP + 0x100000 } },
	{ "write_physical_map", asm_store_at, { CORE_PHYSICAL_MAP + 0x100000 } },
	{ "store_physical_map", store_at, { CORE_PHYSICAL_MAP + 0x100000 } },
	{ "read_core_text", read_at, { CORE_TEXT } },
	{ "write_core_text", asm_store_at, { CORE_TEXT } },
	{ "store_core_text", store_at, { CORE_TEXT } },
	{ "jump_core_text", jump_to, { CORE_TEXT } },
	{ "read_interrupt_controller", read_at, { CORE_APIC } },
	{ "write_interrupt_controller", asm_store_at, { CORE_APIC } },
	{ "read_device_window", read_at, { ZOG_MMIO_BASE } },
	{ "write_device_window", asm_store_at, { ZOG_MMIO_BASE } },
	{ "read_device_memory", read_at, { ZOG_DMA_BASE } },
	{ "read_stream", read_at, { ZOG_STREAM_BASE } },
	{ "read_stream_of_peer", read_at, { ZOG_STREAM_BASE + ZOG_STREAM_PEER_OFFSET } },
	{ "read_boot_module", read_at, { ZOG_MODULE_BASE } },
	{ "write_own_text", asm_store_at, { (uint64_t)rt_text_start } },
	{ "store_own_text", store_at, { (uint64_t)rt_text_start } },
	{ "write_own_constants", asm_store_constant, { 0 } },
	{ "write_committed_image", asm_store_at, { COMMITTED } },
	{ "store_committed_image", store_at, { COMMITTED } },
	{ "write_information", asm_store_at, { ZOG_INFO_BASE } },
	{ "write_domain_information", asm_store_at, { ZOG_DOMAIN_INFO_BASE } },
	{ "read_null", read_at, { 0 } },
	{ "store_null", store_at, { 0 } },
	{ "read_behind_home", read_at, { ZOG_HOME_BASE + HOME_BYTES } },
	{ "store_behind_home", store_at, { ZOG_HOME_BASE + HOME_BYTES - 4 } },
	{ "read_behind_heap", read_at, { ZOG_HEAP_BASE + HEAP_BYTES } },
	{ "read_last_user_page", read_at, { ZOG_USER_END } },
	{ "read_not_canonical", read_at, { 0x0000800000000000ul } },
	{ "jump_not_canonical", jump_to, { 0x0000800000000000ul } },
	{ "jump_null", jump_to, { 0 } },
	{ "execute_stack", execute_stack, { 0 } },
	{ "execute_heap", execute_heap, { 0 } },
	{ "execute_home", execute_home, { 0 } },
	{ "execute_data", execute_data, { 0 } },
	{ "overrun_stack", overrun_stack, { 100000 } },
	{ "end_with_open_stores", end_with_open_stores, { 0 } },
};
const uint32_t attempts_memory_count = sizeof(attempts_memory) / sizeof(attempts_memory[0]);
