/* Names in the text tree that the supervisor serves under /zog.
 *
 *   domains corruptions counters version uptime tsm authority updates services trace   files of the system
 *   incidents/N/{summary,trace,registers,cause,stack}   files of incident N
 *
 * A path is relative to /zog; leading, trailing and doubled slashes are ignored, the empty path is the root. */
#ifndef SUPERVISOR_PATH_H
#define SUPERVISOR_PATH_H

#include <stddef.h>
#include <stdint.h>
#include "zog/status.h"

enum node_kind {
	NODE_ROOT,
	NODE_INCIDENTS,
	NODE_INCIDENT,
	NODE_SYSTEM_FILE,   /* file: enum system_file */
	NODE_INCIDENT_FILE, /* file: enum incident_file */
};
enum system_file {
	SYSTEM_DOMAINS,
	SYSTEM_CORRUPTIONS,
	SYSTEM_COUNTERS,
	SYSTEM_VERSION,
	SYSTEM_UPTIME,
	SYSTEM_TSM,
	SYSTEM_AUTHORITY,
	SYSTEM_UPDATES,
	SYSTEM_SERVICES,
	SYSTEM_TRACE,
	SYSTEM_FILE_COUNT
};
enum incident_file {
	INCIDENT_SUMMARY,
	INCIDENT_TRACE,
	INCIDENT_REGISTERS,
	INCIDENT_CAUSE,
	INCIDENT_STACK,
	INCIDENT_FILE_COUNT
};

struct node_path {
	enum node_kind kind;
	uint32_t file;
	uint32_t incident; /* from 1, for NODE_INCIDENT and NODE_INCIDENT_FILE */
};

extern const char *const system_file_name[SYSTEM_FILE_COUNT];
extern const char *const incident_file_name[INCIDENT_FILE_COUNT];

/* Decodes text[0..length). ZOG_OK; ZOG_ERR_NOT_FOUND for a name that is never there. Whether incident N exists
 * is for the caller to find out. */
zog_status_t path_parse(const char *text, size_t length, struct node_path *out);

#endif
