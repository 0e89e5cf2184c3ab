/* Services: domains that run when the supervisor says so. See service.c. */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include "rt/rt.h"

enum service_restart { SERVICE_RESTART_NEVER = 0, SERVICE_RESTART_ON_FAULT = 1, SERVICE_RESTART_ALWAYS = 2 };
enum service_phase {
	SERVICE_NEW = 0,  /* since boot nobody has looked at it */
	SERVICE_RESTS = 1,
	SERVICE_RUNS = 2, /* it is wanted, and was started */
	SERVICE_BACKS_OFF = 3,
	SERVICE_GIVEN_UP = 4,
	SERVICE_PHASE_COUNT
};
struct service_record {
	uint32_t phase;      /* enum service_phase */
	uint32_t failures;   /* in a row; see failure_note */
	uint32_t turns_left; /* SERVICE_BACKS_OFF */
	uint32_t starts;     /* by the supervisor */
	uint64_t invocations; /* of the domain, when it was started */
	char arguments[ZOG_ARGUMENTS_MAX];
};
struct service_home {
	uint64_t next_turn_ns;
	struct service_record record[ZOG_DOMAIN_MAX];
};
struct service_home *service_home(void); /* supervisor.c: in the home region */

/* The activity: looks at every service, and waits. */
zog_status_t service_activity(struct zog_call *call);
/* "start NAME TEXT", "fresh NAME TEXT" (is_empty: its home region starts as zeros), "stop NAME". ZOG_ERR_ARGUMENT: no service, the
 * text is too long, or it cannot start empty: its home region is too large, or holds the position of a stream.
 * ZOG_ERR_BUSY: it runs. */
zog_status_t service_command_start(uint32_t domain, const char *text, size_t length, bool is_empty);
/* Could `start` start it? ZOG_OK, ZOG_ERR_ARGUMENT, ZOG_ERR_BUSY. */
zog_status_t service_may_start(uint32_t domain);
zog_status_t service_command_stop(uint32_t domain);
/* Why it does not run, in one word of at most SERVICE_WORD_SIZE - 1 letters; NULL: it does, or the core's word says all. */
#define SERVICE_WORD_SIZE 16u
const char *service_word(const struct zog_domain_stats *stats, char word[SERVICE_WORD_SIZE]);
/* Its policy, for people. */
const char *service_policy(uint32_t domain, bool *is_started_at_boot);

#endif
