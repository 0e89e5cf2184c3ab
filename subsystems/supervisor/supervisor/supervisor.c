/* The supervisor domain: control commands, power off, and the text tree under /zog.
 *
 * Protocol. A control command is a once-call: its reply record and the staged operation take effect in the same
 * commit, so a command is carried out exactly once even when the command kills the supervisor itself. Reports are
 * pure: a read composes the whole file in the heap from the core's counters and hands out the window asked for; the
 * next window continues that text if nothing else was read between. Else a file that changes shows a seam. The core restarts domains without
 * the supervisor; a dead supervisor costs its clients a repeat of their call, nothing else. */
#include "rt/rt.h"
#include "domain.h"
#include "home.h"
#include "contracts/supervisor_server.h"
#include "command.h"
#include "path.h"
#include "policy.h"
#include "report.h"
#include "text.h"
#include "update.h"

/* A damaged record would answer a command that was never carried out, or refuse its client for ever: rt_once_begin compares
 * the one that it is about to use. */
struct rt_once_table *rt_once_table(void)
{
	struct home *home = rt_home();

	return &home->once;
}

struct update_home *update_home(void)
{
	struct home *home = rt_home();

	return &home->update;
}

struct service_home *service_home(void)
{
	struct home *home = rt_home();

	return &home->service;
}

/* --- control ------------------------------------------------------------------------------------------------- */

static zog_status_t domain_find(const char *name, uint32_t *out)
{
	struct zog_domain_stats stats;

	for (uint32_t domain = 0; domain < rt_info()->domain_count; domain++)
		if (rt_stats(CAP_STATS, domain, &stats) == ZOG_OK && strncmp(stats.name, name, sizeof(stats.name)) == 0) {
			*out = domain;
			return ZOG_OK;
		}
	return ZOG_ERR_NOT_FOUND;
}

static zog_status_t damage(uint32_t domain, const struct command *command)
{
	struct zog_domain_stats stats;
	/* A plain kill is policy; the rest is the injector, a right of its own. */
	bool is_policy = command->control == ZOG_CONTROL_KILL && command->argument == 0;

	if (rt_stats(CAP_STATS, domain, &stats) != ZOG_OK || stats.state == ZOG_DOMAIN_STOPPED)
		return ZOG_ERR_NOT_FOUND;
	rt_stage(ZOG_OP_DOMAIN_CONTROL, is_policy ? CAP_CONTROL : CAP_INJECT, domain, command->control, command->argument, 0, 0);
	return ZOG_OK;
}

zog_status_t supervisor_control_serve(struct zog_call *call, const char *text, size_t length)
{
	struct command command;
	uint32_t domain;
	zog_status_t status;

	status = command_parse(text, length, &command);
	if (status != ZOG_OK)
		return status;
	status = domain_find(command.name, &domain);
	if (status != ZOG_OK)
		return status;
	switch (command.control) {
	case COMMAND_UPDATE:
		return update_begin(call, domain, false);
	case COMMAND_LAUNCH:
		return update_begin(call, domain, true);
	case COMMAND_ROLLBACK:
		return policy_rollback(domain, command.argument);
	case ZOG_CONTROL_START:
		return service_command_start(domain, command.text, command.text_length, false);
	case COMMAND_FRESH:
		return service_command_start(domain, command.text, command.text_length, true);
	case ZOG_CONTROL_STOP:
		return service_command_stop(domain);
	case ZOG_CONTROL_TRACE:
		rt_stage(ZOG_OP_DOMAIN_CONTROL, CAP_INSPECT, domain, ZOG_CONTROL_TRACE, command.argument, 0, 0);
		return ZOG_OK;
	default:
		return damage(domain, &command);
	}
}

zog_status_t supervisor_power_off_serve(struct zog_call *call, uint64_t exit_status)
{
	(void)call;
	rt_stage(ZOG_OP_POWER_OFF, CAP_POWER, exit_status, 0, 0, 0, 0);
	return ZOG_OK;
}

/* --- text tree ----------------------------------------------------------------------------------------------- */

/* The file composed last. Scratch, as the heap that its text lies in: after a restart, or a read by somebody else in
 * between, it is composed again. */
static struct {
	struct node_path node;
	struct text text;
	uint64_t next; /* where what was handed out of it ends; 0: nothing is here */
} composed;

/* Does the read go on with the file composed last, behind what was handed out of it or, where the reader could not use all
 * of that, within? Then its text goes on, too, without a seam. */
static bool is_continued(const struct node_path *node, uint64_t offset)
{
	return offset != 0 && offset <= composed.next && node->kind == composed.node.kind && node->file == composed.node.file &&
	       node->incident == composed.node.incident;
}

static zog_status_t file_compose(const struct node_path *node)
{
	zog_status_t status = ZOG_ERR_IS_DIRECTORY;

	text_open(&composed.text, (void *)ZOG_HEAP_BASE, HEAP_BYTES);
	composed.node = *node;
	composed.next = 0;
	if (node->kind == NODE_SYSTEM_FILE)
		system_report(node->file, &composed.text), status = ZOG_OK;
	else if (node->kind == NODE_INCIDENT_FILE)
		status = incident_report(node->incident, node->file, &composed.text);
	else if (node->kind == NODE_INCIDENT && !incident_exists(node->incident))
		status = ZOG_ERR_NOT_FOUND;
	return status;
}

zog_status_t supervisor_read_serve(struct zog_call *call, uint64_t offset, const char *path, size_t path_length,
				   uint64_t *length, void *data, size_t data_size, size_t *data_length)
{
	struct node_path node;
	zog_status_t status = path_parse(path, path_length, &node);

	(void)call;
	if (status == ZOG_OK && !is_continued(&node, offset))
		status = file_compose(&node);
	if (status != ZOG_OK)
		return status;
	*length = composed.text.used;
	*data_length = text_window(&composed.text, offset, data, data_size);
	if (offset + *data_length > composed.next)
		composed.next = offset + *data_length;
	return ZOG_OK;
}

zog_status_t supervisor_look_serve(struct zog_call *call, const char *path, size_t path_length, uint64_t *is_directory)
{
	struct node_path node;
	zog_status_t status = path_parse(path, path_length, &node);

	(void)call;
	if (status != ZOG_OK)
		return status;
	if ((node.kind == NODE_INCIDENT || node.kind == NODE_INCIDENT_FILE) && !incident_exists(node.incident))
		return ZOG_ERR_NOT_FOUND;
	*is_directory = node.kind != NODE_SYSTEM_FILE && node.kind != NODE_INCIDENT_FILE;
	return ZOG_OK;
}

/* One directory entry, to be copied out. */
struct entry {
	char name[16];
	bool is_directory;
};

static void entry_set(struct entry *entry, const char *name, bool is_directory)
{
	rt_format(entry->name, sizeof(entry->name), "%s", name);
	entry->is_directory = is_directory;
}

static bool root_entry(uint64_t index, struct entry *out)
{
	if (index > SYSTEM_FILE_COUNT)
		return false;
	if (index == SYSTEM_FILE_COUNT)
		entry_set(out, "incidents", true);
	else
		entry_set(out, system_file_name[index], false);
	return true;
}

static bool incidents_entry(uint64_t index, struct entry *out)
{
	uint32_t oldest, newest;

	if (!incident_span(&oldest, &newest) || index > newest - oldest)
		return false;
	rt_format(out->name, sizeof(out->name), "%u", oldest + (uint32_t)index);
	out->is_directory = true;
	return true;
}

static bool incident_entry(uint32_t incident, uint64_t index, struct entry *out)
{
	if (index >= INCIDENT_FILE_COUNT || !incident_exists(incident))
		return false;
	entry_set(out, incident_file_name[index], false);
	return true;
}

static zog_status_t entry_find(const struct node_path *node, uint64_t index, struct entry *out)
{
	bool is_found = false;

	switch (node->kind) {
	case NODE_ROOT:
		is_found = root_entry(index, out);
		break;
	case NODE_INCIDENTS:
		is_found = incidents_entry(index, out);
		break;
	case NODE_INCIDENT:
		is_found = incident_entry(node->incident, index, out);
		break;
	case NODE_SYSTEM_FILE:
	case NODE_INCIDENT_FILE:
		return ZOG_ERR_NOT_DIRECTORY;
	}
	return is_found ? ZOG_OK : ZOG_ERR_NOT_FOUND;
}

zog_status_t supervisor_list_serve(struct zog_call *call, uint64_t index, const char *path, size_t path_length,
				   uint64_t *is_directory, char *name, size_t name_size, size_t *name_length)
{
	struct node_path node;
	struct entry entry;
	zog_status_t status = path_parse(path, path_length, &node);

	(void)call;
	if (status == ZOG_OK)
		status = entry_find(&node, index, &entry);
	if (status != ZOG_OK)
		return status;
	*is_directory = entry.is_directory;
	*name_length = strnlen(entry.name, sizeof(entry.name));
	rt_assert(*name_length <= name_size);
	memcpy(name, entry.name, *name_length);
	return ZOG_OK;
}

zog_status_t domain_activity(struct zog_call *call)
{
	return call->word[0] == ACTIVITY_SERVICES ? service_activity(call) : policy_activity(call);
}
