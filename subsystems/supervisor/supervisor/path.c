/* Names in the text tree: a path is cut into at most three components, which are looked up in the two tables. */
#include "path.h"

#include <stdbool.h>

#define DEPTH_MAX 3u

const char *const system_file_name[SYSTEM_FILE_COUNT] = {
	[SYSTEM_DOMAINS] = "domains",
	[SYSTEM_CORRUPTIONS] = "corruptions",
	[SYSTEM_COUNTERS] = "counters",
	[SYSTEM_VERSION] = "version",
	[SYSTEM_UPTIME] = "uptime",
	[SYSTEM_TSM] = "tsm",
	[SYSTEM_AUTHORITY] = "authority",
	[SYSTEM_UPDATES] = "updates",
	[SYSTEM_SERVICES] = "services",
	[SYSTEM_TRACE] = "trace",
};
const char *const incident_file_name[INCIDENT_FILE_COUNT] = {
	[INCIDENT_SUMMARY] = "summary",
	[INCIDENT_TRACE] = "trace",
	[INCIDENT_REGISTERS] = "registers",
	[INCIDENT_CAUSE] = "cause",
	[INCIDENT_STACK] = "stack",
};

struct component {
	const char *text;
	size_t length;
};

static bool component_is(const struct component *component, const char *name)
{
	for (size_t i = 0; i < component->length; i++)
		if (name[i] == '\0' || name[i] != component->text[i])
			return false;
	return name[component->length] == '\0';
}

static bool component_find(const struct component *component, const char *const *names, uint32_t count, uint32_t *out)
{
	for (uint32_t i = 0; i < count; i++)
		if (component_is(component, names[i])) {
			*out = i;
			return true;
		}
	return false;
}

/* A decimal number without leading zeros that fits 32 bits: each incident has one name. */
static bool component_number(const struct component *component, uint32_t *out)
{
	uint64_t value = 0;

	if (component->length == 0 || component->length > 10 || component->text[0] == '0')
		return false;
	for (size_t i = 0; i < component->length; i++) {
		uint32_t digit = (uint32_t)(component->text[i] - '0');

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*out = (uint32_t)value;
	return value <= UINT32_MAX;
}

/* Number of components, or DEPTH_MAX + 1 for a path deeper than any of ours. */
static uint32_t path_split(const char *text, size_t length, struct component *component)
{
	uint32_t count = 0;

	for (size_t at = 0; at < length;) {
		size_t start = at;

		while (at < length && text[at] != '/')
			at++;
		if (at > start) {
			if (count == DEPTH_MAX)
				return DEPTH_MAX + 1;
			component[count++] = (struct component){ text + start, at - start };
		}
		at++;
	}
	return count;
}

static bool incident_path_decode(const struct component *component, uint32_t count, struct node_path *out)
{
	out->kind = NODE_INCIDENTS;
	if (count == 1)
		return true;
	if (!component_number(&component[1], &out->incident))
		return false;
	out->kind = count == 2 ? NODE_INCIDENT : NODE_INCIDENT_FILE;
	return count == 2 || component_find(&component[2], incident_file_name, INCIDENT_FILE_COUNT, &out->file);
}

zog_status_t path_parse(const char *text, size_t length, struct node_path *out)
{
	struct component component[DEPTH_MAX];
	uint32_t count = path_split(text, length, component);

	*out = (struct node_path){ .kind = NODE_ROOT };
	if (count == 0)
		return ZOG_OK;
	if (count > DEPTH_MAX)
		return ZOG_ERR_NOT_FOUND;
	if (component_is(&component[0], "incidents"))
		return incident_path_decode(component, count, out) ? ZOG_OK : ZOG_ERR_NOT_FOUND;
	out->kind = NODE_SYSTEM_FILE;
	if (count == 1 && component_find(&component[0], system_file_name, SYSTEM_FILE_COUNT, &out->file))
		return ZOG_OK;
	return ZOG_ERR_NOT_FOUND;
}
