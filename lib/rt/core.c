/* Core calls, and the entry's C side. */
#include "rt/rt.h"

/* Of the running invocation: there is only one in a domain at any time. */
static uint32_t cpu_number;
static struct zog_call *running;

static zog_status_t core_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *out)
{
	register uint64_t r10 __asm__("r10") = d;
	zog_status_t status;

	__asm__ volatile("syscall" : "=a"(status), "+d"(c), "+r"(r10) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "r8", "r9", "memory");
	if (out != NULL)
		*out = c;
	return status;
}

zog_status_t rt_serve(struct zog_call *call);
zog_status_t rt_serve(struct zog_call *call)
{
	cpu_number = call->cpu;
	running = call;
	return domain_dispatch(call);
}

uint32_t rt_cpu(void) { return cpu_number; }
void rt_result(uint64_t word) { running->out[0] = word; }

void rt_abort(void) { core_call(ZOG_CORE_ABORT, 0, 0, 0, 0, NULL); }
void rt_commit(void) { core_call(ZOG_CORE_COMMIT, 0, 0, 0, 0, NULL); }

zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	call->out[0] = event;
	call->out[1] = seen;
	call->out[2] = deadline_ns;
	return ZOG_WAIT;
}

uint64_t rt_event_count(uint32_t event)
{
	uint64_t count = 0;

	core_call(ZOG_CORE_EVENT_READ, event, 0, 0, 0, &count);
	return count;
}

void rt_stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4)
{
	struct zog_txn *txn = (struct zog_txn *)ZOG_TXN_BASE;

	if (txn->op_count >= ZOG_TXN_OP_MAX)
		rt_fail(ZOG_CAUSE_ASSERT, __LINE__, code);
	txn->op[txn->op_count] = (struct zog_op){ code, slot, { w0, w1, w2, w3, w4 } };
	txn->op_count++;
}

size_t rt_trace_read(uint32_t cap, uint64_t *position, void *buffer, size_t size)
{
	register uint64_t r10 __asm__("r10") = size;
	uint64_t bytes = (uint64_t)buffer;
	zog_status_t status;

	__asm__ volatile("syscall" : "=a"(status), "+d"(bytes), "+r"(r10) : "a"((uint64_t)ZOG_CORE_TRACE_READ), "D"((uint64_t)cap), "S"(*position)
			 : "rcx", "r11", "r8", "r9", "memory");
	if (status != ZOG_OK)
		return 0;
	*position = r10;
	return bytes;
}

zog_status_t rt_exit(uint32_t status)
{
	rt_stage(ZOG_OP_EXIT, 0, status, 0, 0, 0, 0);
	return ZOG_OK;
}

uint32_t rt_staged_count(void) { return ((struct zog_txn *)ZOG_TXN_BASE)->op_count; }
void rt_notify(uint32_t event, uint32_t wake) { rt_stage(ZOG_OP_NOTIFY, event, wake, 0, 0, 0, 0); }
zog_status_t rt_copy(struct zog_copy *copy) { return core_call(ZOG_CORE_COPY, (uint64_t)copy, 0, 0, 0, NULL); }

zog_status_t rt_thread_regs(uint32_t slot, struct zog_regs *out)
{
	return core_call(ZOG_CORE_THREAD_REGS, slot, (uint64_t)out, 0, 0, NULL);
}

zog_status_t rt_xstate(uint32_t slot, void *buffer, size_t length, bool is_write)
{
	return core_call(ZOG_CORE_XSTATE, slot, (uint64_t)buffer, length, is_write, NULL);
}

zog_status_t rt_frame_pin(uint64_t frame, uint32_t how, uint64_t *address_out)
{
	return core_call(ZOG_CORE_FRAME_PIN, frame, how, 0, 0, address_out);
}

zog_status_t rt_firmware_read(uint32_t cap, uint64_t physical, void *buffer, size_t length)
{
	return core_call(ZOG_CORE_FIRMWARE_READ, cap, physical, (uint64_t)buffer, length, NULL);
}

zog_status_t rt_port_read(uint32_t cap, uint16_t port, uint32_t width, uint32_t *value_out)
{
	uint64_t value = 0;
	zog_status_t status = core_call(ZOG_CORE_PORT_READ, cap, port, width, 0, &value);

	*value_out = (uint32_t)value;
	return status;
}

zog_status_t rt_port_write(uint32_t cap, uint16_t port, uint32_t width, uint32_t value)
{
	return core_call(ZOG_CORE_PORT_WRITE, cap, port, width, value, NULL);
}

zog_status_t rt_incident(uint32_t cap, uint32_t number, struct zog_incident *out)
{
	return core_call(ZOG_CORE_INCIDENT, cap, number, (uint64_t)out, 0, NULL);
}

zog_status_t rt_stats(uint32_t cap, uint32_t domain, struct zog_domain_stats *out)
{
	return core_call(ZOG_CORE_STATS, cap, domain, (uint64_t)out, 0, NULL);
}

zog_status_t rt_authority(uint32_t cap, uint32_t domain, uint32_t kind, uint64_t place, struct zog_authority *out)
{
	return core_call(ZOG_CORE_AUTHORITY, cap, domain | (uint64_t)kind << 32, place, (uint64_t)out, NULL);
}

zog_status_t rt_region_stats(uint32_t cap, uint32_t region, struct zog_region_stats *out)
{
	return core_call(ZOG_CORE_REGION_STATS, cap, region, (uint64_t)out, 0, NULL);
}

zog_status_t rt_image(uint32_t cap, uint32_t domain, enum zog_image_step step, uint32_t number, void *page)
{
	return core_call(ZOG_CORE_IMAGE, cap, domain, step | (uint64_t)number << 32, (uint64_t)page, NULL);
}

zog_status_t rt_object_stats(uint32_t cap, uint32_t object, struct zog_object_stats *out)
{
	return core_call(ZOG_CORE_OBJECT_STATS, cap, object, (uint64_t)out, 0, NULL);
}

uint64_t rt_now_ns(void)
{
	const struct zog_info *info = rt_info();
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	uint64_t cycles = (low | (uint64_t)high << 32) - info->tsc_boot;
	uint64_t ns_shifted = (1000000ul << 32) / info->tsc_khz;
	return (uint64_t)((unsigned __int128)cycles * ns_shifted >> 32);
}

bool rt_option(const char *key, char *out, size_t out_size)
{
	const char *at = rt_info()->cmdline;
	size_t key_length = strlen(key);

	while (*at) {
		size_t length = 0;
		while (at[length] && at[length] != ' ')
			length++;
		if (length > key_length && strncmp(at, key, key_length) == 0 && at[key_length] == '=') {
			size_t value = length - key_length - 1;
			if (value >= out_size)
				value = out_size - 1;
			memcpy(out, at + key_length + 1, value);
			out[value] = 0;
			return true;
		}
		at += length;
		while (*at == ' ')
			at++;
	}
	return false;
}

_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	core_call(ZOG_CORE_FAIL, cause, detail1, detail2, 0, NULL);
	for (;;)
		__asm__ volatile("ud2");
}

void rt_log(enum rt_log_level level, const char *format, ...)
{
	char text[256];
	__builtin_va_list args;

	__builtin_va_start(args, format);
	int length = rt_vformat(text, sizeof(text), format, args);
	__builtin_va_end(args);
	core_call(ZOG_CORE_LOG, level, (uint64_t)text, length < (int)sizeof(text) ? (uint64_t)length : sizeof(text) - 1, 0, NULL);
}
