/* Control commands: the text a person writes to /zog/ctl, decoded before anything acts on it.
 *
 *   kill NAME          end the domain now
 *   kill NAME N        end it after N further instructions of its own
 *   hang NAME          make it loop until its deadline
 *   corrupt NAME SEED  overwrite a seeded fraction of its writable pages, then let it run
 *   rollback NAME VERSION  what the domain proposed and the supervisor decided goes back to a kept version
 *   update NAME PATH   replace its program; PATH, all that follows, is for the client, which reads the file
 *
 * Words are separated by exactly one space; numbers are decimal and fit 64 bits; one newline may end the text. */
#ifndef SUPERVISOR_COMMAND_H
#define SUPERVISOR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "zog/core.h"

#define COMMAND_NAME_SIZE 32u

struct command {
	bool is_update, is_rollback;
	enum zog_control control; /* unless it is an update or a rollback */
	char name[COMMAND_NAME_SIZE]; /* NUL-terminated: lower-case letters, digits and underscores */
	uint64_t argument;
};

/* Decodes text[0..length). ZOG_OK, or ZOG_ERR_ARGUMENT with *out untouched. */
zog_status_t command_parse(const char *text, size_t length, struct command *out);

#endif
