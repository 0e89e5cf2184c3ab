/* Live update: one file at a time is loaded, for the thread that asked for it. See update.c. */
#ifndef SUPERVISOR_UPDATE_H
#define SUPERVISOR_UPDATE_H

#include "rt/rt.h"
#include "update_check.h"

enum update_session_state { SESSION_NONE = 0, SESSION_OPEN = 1, SESSION_CLOSED = 2 };
struct update_session {
	uint32_t state;
	uint32_t domain;
	uint32_t is_launch; /* a service, which is started with the program */
	uint64_t client;     /* domain << 32 | thread: vouched for by the core */
	int64_t status;      /* SESSION_CLOSED: what became of it */
	uint64_t received, expected; /* bytes; expected is known from page 0 on */
	uint64_t touched_ns;
};
/* What became of the last attempt, for people. */
struct update_note {
	uint64_t time_ns;
	char text[UPDATE_REASON_SIZE];
};
struct update_home {
	struct update_session session;
	struct update_note note[ZOG_DOMAIN_MAX];
};
struct update_home *update_home(void); /* supervisor.c: in the home region */

/* "update NAME PATH" was asked for, or "launch NAME PATH". ZOG_ERR_BUSY: another file is being loaded, the last update is on
 * probation, or what is to be launched runs. ZOG_ERR_ARGUMENT: what is to be launched is no service. */
zog_status_t update_begin(const struct zog_call *call, uint32_t domain, bool is_launch);

#endif
