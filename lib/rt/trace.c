/* Calls in words: see trace.h. */
#include "rt/trace.h"
#include "contracts/status_names.h"

#define LINE_BYTES 240u
#define LINES_DEFAULT 2000u
#define TEXT_SHOWN 48u

static uint32_t lines_left, call_number;
static bool is_known; /* what the command line says: the next three */
static char boot_list[128]; /* contracts; empty: none */
static char line[LINE_BYTES]; /* one invocation at a time */
static size_t used;

static bool list_names(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ','))
			return true;
	}
	return false;
}

static void options_read(void)
{
	char text[12];

	is_known = true;
	lines_left = LINES_DEFAULT;
	if (!rt_option("trace", boot_list, sizeof(boot_list)))
		boot_list[0] = 0;
	if (!rt_option("trace_lines", text, sizeof(text)))
		return;
	lines_left = 0;
	for (const char *at = text; *at >= '0' && *at <= '9'; at++)
		lines_left = lines_left * 10 + (uint32_t)(*at - '0');
}

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	__builtin_va_list args;

	if (used + 1 >= LINE_BYTES)
		return;
	__builtin_va_start(args, format);
	int added = rt_vformat(line + used, LINE_BYTES - used, format, args);
	__builtin_va_end(args);
	used += added > 0 ? (size_t)added : 0;
	if (used > LINE_BYTES - 1)
		used = LINE_BYTES - 1;
}

/* The log is slow, and shared: what goes there has a budget. */
static bool budget_take(void)
{
	if (lines_left == 0)
		return false;
	if (--lines_left == 0)
		rt_log(RT_INFO, "trace ends: its budget is used up");
	return lines_left != 0;
}

static void line_close(uint32_t shown)
{
	if (shown & ZOG_TRACE_ON)
		rt_log(ZOG_LOG_TRACE, "%s", line);
	if (shown & ZOG_TRACE_BOOT && budget_take())
		rt_log(RT_INFO, "%s", line);
}

/* The core marks the page after it has changed what rt_self() says; so: take the mark away, then look. */
static uint32_t contract_is_traced(const struct rt_contract *contract)
{
	struct zog_txn *txn = (struct zog_txn *)ZOG_TXN_BASE;

	if (!is_known)
		options_read();
	__atomic_store_n(&txn->is_traced, 0, __ATOMIC_SEQ_CST);
	uint32_t shown = __atomic_load_n(&rt_self()->trace, __ATOMIC_SEQ_CST) & ZOG_TRACE_ON;
	if (boot_list[0] && list_names(boot_list, contract->name))
		shown |= ZOG_TRACE_BOOT;
	return shown;
}

void rt_trace_start(void)
{
	char list[2];

	if (rt_self()->trace != ZOG_TRACE_OFF || rt_option("trace", list, sizeof(list)))
		((struct zog_txn *)ZOG_TXN_BASE)->is_traced = 1;
}

static const char *status_name(zog_status_t status)
{
#define NAME(number, name) \
	case number: \
		return name;
	switch (status) {
		STATUS_NAMES(NAME)
	default:
		return NULL;
	}
}

static void text_put(const uint8_t *from, uint64_t length)
{
	char shown[TEXT_SHOWN + 1];
	uint64_t i = 0;

	for (; i < length && i < TEXT_SHOWN; i++)
		shown[i] = from[i] < ' ' || from[i] > '~' ? '?' : (char)from[i];
	shown[i] = 0;
	put("\"%s\"%s", shown, length > TEXT_SHOWN ? "..." : "");
}

static uint64_t integer_get(const uint8_t *from, const struct rt_argument *argument)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < argument->bytes && i < 8; i++)
		value |= (uint64_t)from[i] << 8 * i;
	if (argument->kind == RT_SIGNED && argument->bytes < 8 && value >> (8 * argument->bytes - 1) & 1)
		value |= UINT64_MAX << 8 * argument->bytes;
	return value;
}

static void scalar_put(const struct rt_argument *argument, uint64_t value)
{
	put(" %s=", argument->name);
	for (uint32_t i = 0; i < argument->value_count; i++)
		if (argument->value[i].number == value) {
			put("%s", argument->value[i].name);
			return;
		}
	if (argument->kind == RT_SIGNED)
		put("%ld", (long)value);
	else
		put("%lu", value);
}

static void argument_put(const struct rt_argument *argument, const uint64_t *word, uint32_t words, const uint8_t *area)
{
	uint64_t value = argument->word < words ? word[argument->word] : 0, shown = value < argument->most ? value : argument->most;

	switch (argument->kind) {
	case RT_TEXT:
		put(" %s=", argument->name);
		text_put(area + argument->offset, shown);
		break;
	case RT_BYTES:
	case RT_LIST:
		put(" %s=<%lu bytes>", argument->name, value);
		break;
	case RT_ARRAY:
		put(" %s=<%lu elements>", argument->name, value);
		break;
	case RT_STRUCT:
		put(" %s={", argument->name);
		for (uint32_t i = 0; i < argument->field_count; i++)
			scalar_put(&argument->field[i], integer_get(area + argument->offset + argument->field[i].offset, &argument->field[i]));
		put(" }");
		break;
	default:
		scalar_put(argument, value);
	}
}

static const struct rt_method *method_find(const struct rt_contract *contract, uint32_t method)
{
	return (method & 0xff) < contract->method_count ? &contract->method[method & 0xff] : NULL;
}

uint32_t rt_trace_begin(const struct rt_contract *contract, const struct zog_call *call, uint32_t self)
{
	const struct rt_method *method = method_find(contract, call->method);
	const uint8_t *area = (const uint8_t *)ZOG_MESSAGE(call->client_domain, self, call->cpu);
	uint32_t shown = contract_is_traced(contract);

	if (!shown || !method)
		return shown;
	used = 0;
	put("trace %u %s.%s client=%u/%u", ++call_number, contract->name, method->name, call->client_domain, call->client_thread);
	if (method->kind == RT_ONCE)
		put(" sequence=%lu", call->word[0]);
	for (uint32_t i = 0; i < method->in_count; i++) {
		if (method->is_packed)
			argument_put(&method->in[i], (const uint64_t *)area, method->word_count, area);
		else
			argument_put(&method->in[i], call->word, 6, area);
	}
	line_close(shown);
	return shown;
}

void rt_trace_end(const struct rt_contract *contract, const struct zog_call *call, zog_status_t status, uint32_t shown, uint32_t self)
{
	const struct rt_method *method = method_find(contract, call->method);
	const uint8_t *area = (const uint8_t *)ZOG_MESSAGE(self, call->client_domain, call->cpu);

	if (shown || boot_list[0]) /* of another contract, perhaps */
		((struct zog_txn *)ZOG_TXN_BASE)->is_traced = 1;
	if (!shown || !method)
		return;
	used = 0;
	put("trace %u %s.%s -> ", call_number, contract->name, method->name);
	if (status_name(status))
		put("%s", status_name(status));
	else
		put("%ld", (long)status);
	for (uint32_t i = 0; status >= 0 && status != ZOG_WAIT && status != ZOG_RETRY && i < method->out_count; i++)
		argument_put(&method->out[i], call->out, 4, area);
	line_close(shown);
}
