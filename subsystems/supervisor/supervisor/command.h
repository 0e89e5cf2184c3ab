/* Control commands: the text a person writes to /zog/ctl, decoded before anything acts on it.
 *
 *   kill NAME          end the domain now
 *   kill NAME N        end it after N further instructions of its own
 *   hang NAME          make it loop until its deadline
 *   corrupt NAME SEED  overwrite a seeded fraction of its writable pages, then let it run
 *   rollback NAME VERSION  what the domain proposed and the supervisor decided goes back to a kept version
 *   start NAME TEXT    start a service; TEXT, all that follows, is for the service, and may be missing
 *   fresh NAME TEXT    the same, but with an empty home region: what it had kept is gone
 *   stop NAME          stop a service when nothing runs inside it
 *   trace NAME         tell every call of the domain's contracts in /zog/trace, until:
 *   trace NAME off
 *   update NAME PATH   replace its program; PATH, all that follows, is for the client, which reads the file
 *   launch NAME PATH   of a service that does not run: the same, and start it
 *
 * Words are separated by exactly one space; numbers are decimal and fit 64 bits; one newline may end the text. */
#ifndef SUPERVISOR_COMMAND_H
#define SUPERVISOR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "zog/core.h"

#define COMMAND_NAME_SIZE 32u
#define COMMAND_UPDATE 0xffffffffu
#define COMMAND_ROLLBACK 0xfffffffeu
#define COMMAND_LAUNCH 0xfffffffdu
#define COMMAND_FRESH 0xfffffffcu

struct command {
	uint32_t control; /* enum zog_control or COMMAND_* */
	char name[COMMAND_NAME_SIZE]; /* NUL-terminated: lower-case letters, digits and underscores */
	uint64_t argument;
	const char *text; /* start, fresh: arguments for the service, in the text that was decoded */
	size_t text_length;
};

/* Decodes text[0..length). ZOG_OK, or ZOG_ERR_ARGUMENT with *out untouched. */
zog_status_t command_parse(const char *text, size_t length, struct command *out);

#endif
