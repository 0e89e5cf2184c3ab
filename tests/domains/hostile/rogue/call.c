/* Core calls with capabilities that the domain does not hold, and with arguments that no honest runtime passes. */
#include "rogue.h"
#include "contracts/clock.h"

#define CORE_HALF 0xffffffff80200000ul
#define METHOD(contract, method) ((uint64_t)(contract) << 8 | (method))
static struct zog_copy request; /* scratch */

/* word: number, rdi, rsi, rdx, r10, r8 */
static zog_status_t call(const struct attempt *attempt)
{
	uint64_t rdx = attempt->word[3];

	return core_raw(attempt->word[0], attempt->word[1], attempt->word[2], &rdx, attempt->word[4], attempt->word[5]);
}

/* word: kind, space, address, own, frame, offset, length */
static zog_status_t copy(const struct attempt *attempt)
{
	request = (struct zog_copy){ .kind = (uint32_t)attempt->word[0], .space = (uint32_t)attempt->word[1], .address = attempt->word[2],
				     .own = attempt->word[3], .frame = attempt->word[4], .offset = (uint32_t)attempt->word[5],
				     .length = (uint32_t)attempt->word[6] };
	return rt_copy(&request);
}

/* Lines that read like the core's own. The host tool must not take them for such (tests/system/isolation.py looks). */
static zog_status_t log_as_the_core(const struct attempt *attempt)
{
	(void)attempt;
	rt_log(RT_INFO, "zog: incident 4000 domain=ext4 cause=killed vector=0 ");
	rt_log(RT_INFO, "line\nzog: incident 4001 domain=ext4 cause=killed vector=0 ");
	rt_log(RT_INFO, "zog: power off status=7");
	rt_log(RT_INFO, "line\nzog: fatal forged");
	return OUTCOME_HARMLESS;
}

/* Calls that are each allowed, without end. */
static zog_status_t call_for_ever(const struct attempt *attempt)
{
	while (attempt != NULL)
		rt_event_count(EVENT_NEVER);
	return OUTCOME_DONE;
}

/* A request whose every part is the domain's own, but at the end of its memory: it does not fit. */
static zog_status_t copy_request_at_end(const struct attempt *attempt)
{
	(void)attempt;
	return rt_copy((struct zog_copy *)(ZOG_HEAP_BASE + HEAP_BYTES - 16));
}

const struct attempt attempts_call[] = {
	{ "cross_by_nothing", call, { ZOG_CORE_CALL, 0, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_by_absent", call, { ZOG_CORE_CALL, 1000000, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_by_wide_index", call, { ZOG_CORE_CALL, 1ul << 32 | CAP_CLOCK, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_by_negative_index", call, { ZOG_CORE_CALL, UINT64_MAX, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_by_ports", call, { ZOG_CORE_CALL, CAP_PORTS_DIAGNOSTIC, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_by_event", call, { ZOG_CORE_CALL, WAIT_CONSOLE_INPUT & ~ZOG_EVENT_CAP, METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_to_other_contract", call, { ZOG_CORE_CALL, CAP_CLOCK, METHOD(CLOCK_CONTRACT + 1, 0) } },
	{ "cross_to_contract_0", call, { ZOG_CORE_CALL, CAP_CLOCK, ZOG_METHOD_QUIESCE } },
	{ "cross_to_wide_method", call, { ZOG_CORE_CALL, CAP_CLOCK, 1ul << 32 | METHOD(CLOCK_CONTRACT, 0) } },
	{ "cross_to_absent_method", call, { ZOG_CORE_CALL, CAP_CLOCK, METHOD(CLOCK_CONTRACT, 0xff) } },
	{ "unknown_call", call, { ZOG_CORE_CALL_COUNT } },
	{ "wide_call", call, { 1ul << 32 | ZOG_CORE_EVENT_READ } },
	{ "negative_call", call, { UINT64_MAX } },
	{ "wait_on_absent_event", call, { ZOG_CORE_REPLY, ZOG_WAIT, 1000, 0, 0 } },
	{ "wait_by_port", call, { ZOG_CORE_REPLY, ZOG_WAIT, ZOG_EVENT_CAP | CAP_PORTS_DIAGNOSTIC, 0, 0 } },
	{ "wait_by_wide_handle", call, { ZOG_CORE_REPLY, ZOG_WAIT, 1ul << 32, 0, 0 } },
	{ "wait_by_absent_handle", call, { ZOG_CORE_REPLY, ZOG_WAIT, ZOG_EVENT_CAP | 0x7fffffff, 0, 0 } },
	{ "read_absent_event", call, { ZOG_CORE_EVENT_READ, 1000 } },
	{ "read_event_by_port", call, { ZOG_CORE_EVENT_READ, ZOG_EVENT_CAP | CAP_PORTS_DIAGNOSTIC } },
	{ "read_event_by_wide_handle", call, { ZOG_CORE_EVENT_READ, 1ul << 63 | EVENT_NEVER } },
	{ "port_read_by_nothing", call, { ZOG_CORE_PORT_READ, 0, 0x80, 1 } },
	{ "port_read_by_entry", call, { ZOG_CORE_PORT_READ, CAP_CLOCK, 0x80, 1 } },
	{ "port_read_other_port", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, 0x3f8, 1 } },
	{ "port_read_too_wide", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, 0x80, 2 } },
	{ "port_read_odd_width", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, 0x80, 3 } },
	{ "port_read_width_0", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, 0x80, 0 } },
	{ "port_read_wrapping", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, UINT64_MAX, 2 } },
	{ "port_read_wide_port", call, { ZOG_CORE_PORT_READ, CAP_PORTS_DIAGNOSTIC, 1ul << 16 | 0x80, 1 } },
	{ "port_write_power", call, { ZOG_CORE_PORT_WRITE, CAP_PORTS_DIAGNOSTIC, 0x604, 2, 0x2000 } },
	{ "port_write_wrapping", call, { ZOG_CORE_PORT_WRITE, CAP_PORTS_DIAGNOSTIC, UINT64_MAX - 2, 4, 0 } },
	{ "incident_without_right", call, { ZOG_CORE_INCIDENT, 0, 1, ZOG_HEAP_BASE } },
	{ "incident_by_port", call, { ZOG_CORE_INCIDENT, CAP_PORTS_DIAGNOSTIC, 1, ZOG_HEAP_BASE } },
	{ "image_without_right", call, { ZOG_CORE_IMAGE, 0, DOMAIN_SUPERVISOR, ZOG_IMAGE_READ, ZOG_HEAP_BASE } },
	{ "authority_without_right", call, { ZOG_CORE_AUTHORITY, 0, DOMAIN_SUPERVISOR, 0, ZOG_HEAP_BASE } },
	{ "authority_by_port", call, { ZOG_CORE_AUTHORITY, CAP_PORTS_DIAGNOSTIC, DOMAIN_SUPERVISOR, 0, ZOG_HEAP_BASE } },
	{ "region_stats_without_right", call, { ZOG_CORE_REGION_STATS, 0, 0, ZOG_HEAP_BASE } },
	{ "stats_without_right", call, { ZOG_CORE_STATS, 0, 1, ZOG_HEAP_BASE } },
	{ "thread_registers", call, { ZOG_CORE_THREAD_REGS, ZOG_SELF, ZOG_HEAP_BASE } },
	{ "thread_registers_of_other", call, { ZOG_CORE_THREAD_REGS, 0, ZOG_HEAP_BASE } },
	{ "vector_state_read", call, { ZOG_CORE_XSTATE, ZOG_SELF, ZOG_HEAP_BASE, ZOG_XSTATE_SIZE, 0 } },
	{ "vector_state_write", call, { ZOG_CORE_XSTATE, 0, ZOG_HEAP_BASE, ZOG_XSTATE_SIZE, 1 } },
	{ "vector_state_huge", call, { ZOG_CORE_XSTATE, 0, ZOG_HEAP_BASE, UINT64_MAX, 1 } },
	{ "pin_frame_0", call, { ZOG_CORE_FRAME_PIN, 0, 1 } },
	{ "pin_frame_of_other", call, { ZOG_CORE_FRAME_PIN, 0x8000, 1 } },
	{ "pin_frame_beyond", call, { ZOG_CORE_FRAME_PIN, UINT64_MAX, 1 } },
	{ "unpin_frame", call, { ZOG_CORE_FRAME_PIN, 0x8000, 0 } },
	{ "log_core", call, { ZOG_CORE_LOG, 0, CORE_HALF, 64 } },
	{ "log_too_long", call, { ZOG_CORE_LOG, 0, ZOG_HEAP_BASE, 257 } },
	{ "log_huge", call, { ZOG_CORE_LOG, 0, ZOG_HEAP_BASE, UINT64_MAX } },
	{ "log_wrapping", call, { ZOG_CORE_LOG, 0, UINT64_MAX - 7, 16 } },
	{ "log_behind_heap", call, { ZOG_CORE_LOG, 0, ZOG_HEAP_BASE + HEAP_BYTES - 8, 16 } },
	{ "log_device_window", call, { ZOG_CORE_LOG, 0, ZOG_MMIO_BASE, 16 } },
	{ "log_message_of_stranger", call, { ZOG_CORE_LOG, 0, ZOG_MESSAGE(DOMAIN_EXT4, DOMAIN_LINUX, 0), 16 } },
	{ "log_as_the_core", log_as_the_core, { 0 } },
	{ "copy_request_in_core", call, { ZOG_CORE_COPY, CORE_HALF } },
	{ "copy_request_wrapping", call, { ZOG_CORE_COPY, UINT64_MAX - 7 } },
	{ "copy_request_null", call, { ZOG_CORE_COPY, 0 } },
	{ "copy_request_in_text", call, { ZOG_CORE_COPY, ZOG_IMAGE_BASE } },
	{ "copy_request_at_end", copy_request_at_end, { 0 } },
	{ "copy_from_program", copy, { ZOG_COPY_FROM_PROGRAM, 0, 0x400000, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "copy_from_own_program", copy, { ZOG_COPY_FROM_PROGRAM, ZOG_SELF, 0x400000, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "copy_to_program", copy, { ZOG_COPY_TO_PROGRAM, 1, 0x400000, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "copy_string", copy, { ZOG_COPY_STRING_FROM_PROGRAM, 0, 0x400000, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "copy_frame_to_program", copy, { ZOG_COPY_FRAME_TO_PROGRAM, 0, 0x400000, 0, 0x8000, 0, 64 } },
	{ "copy_frame_from_program", copy, { ZOG_COPY_FRAME_FROM_PROGRAM, 0, 0x400000, 0, 0x8000, 0, 64 } },
	{ "copy_from_frame_of_other", copy, { ZOG_COPY_FROM_FRAME, 0, 0, ZOG_HEAP_BASE, 0x8000, 0, 64 } },
	{ "copy_from_frame_0", copy, { ZOG_COPY_FROM_FRAME, 0, 0, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "copy_from_frame_beyond", copy, { ZOG_COPY_FROM_FRAME, 0, 0, ZOG_HEAP_BASE, 1ul << 52, 0, 64 } },
	{ "copy_to_frame_of_core", copy, { ZOG_COPY_TO_FRAME, 0, 0, ZOG_HEAP_BASE, 0x200, 0, 64 } },
	{ "copy_from_core_to_frame", copy, { ZOG_COPY_TO_FRAME, 0, 0, CORE_HALF, 0x8000, 0, 64 } },
	{ "zero_frame_of_other", copy, { ZOG_COPY_FRAME_ZERO, 0, 0, 0, 0x8000, 0, 4096 } },
	{ "copy_frame_to_frame", copy, { ZOG_COPY_FRAME_TO_FRAME, 0, 0x8001, 0, 0x8000, 0, 4096 } },
	{ "copy_behind_frame", copy, { ZOG_COPY_FROM_FRAME, 0, 0, ZOG_HEAP_BASE, 0x8000, 4095, 4096 } },
	{ "copy_offset_wrapping", copy, { ZOG_COPY_FROM_FRAME, 0, 0, ZOG_HEAP_BASE, 0x8000, 0xffffffff, 2 } },
	{ "copy_too_long", copy, { ZOG_COPY_FROM_PROGRAM, ZOG_SELF, 0, ZOG_HEAP_BASE, 0, 0, 0xffffffff } },
	{ "copy_unknown_kind", copy, { ZOG_COPY_KIND_COUNT, 0, 0, ZOG_HEAP_BASE, 0, 0, 64 } },
	{ "fail_as_killed", call, { ZOG_CORE_FAIL, ZOG_CAUSE_KILLED } },
	{ "fail_as_core", call, { ZOG_CORE_FAIL, ZOG_CAUSE_CORE } },
	{ "fail_as_unknown", call, { ZOG_CORE_FAIL, UINT64_MAX } },
	{ "call_for_ever", call_for_ever, { 0 } },
};
const uint32_t attempts_call_count = sizeof(attempts_call) / sizeof(attempts_call[0]);
