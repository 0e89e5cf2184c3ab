/* Names of methods for reports: the core's own, and those of all contracts. */
#include "report.h"

#include "contracts/names.h"

struct method_name {
	uint16_t method;
	const char *name;
};

static const struct method_name method_names[] = {
	{ ZOG_METHOD_START, "start" },
	{ ZOG_METHOD_ACTIVITY, "activity" },
	{ ZOG_METHOD_SYSCALL, "syscall" },
	{ ZOG_METHOD_PAGE_FAULT, "page_fault" },
	{ ZOG_METHOD_EXCEPTION, "exception" },
	{ ZOG_METHOD_ATTENTION, "attention" },
	{ ZOG_METHOD_QUIESCE, "quiesce" },
#define ROW(number, name) { number, name },
	CONTRACT_METHODS(ROW)
};

const char *method_name(uint32_t method)
{
	for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++)
		if (method_names[i].method == method)
			return method_names[i].name;
	return NULL;
}
