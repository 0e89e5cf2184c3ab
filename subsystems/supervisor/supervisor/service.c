/* Services: started at boot or by command, started again after faults, given up in the end.
 *
 * Protocol. The core runs a service from its start until it exits, is stopped, or faults twice in a row (core/cross/service.h:
 * the first fault is the core's to repair, at once, as everybody's), and then tells by an event. What comes next is decided
 * here, by the activity: it looks at every service each time that it is entered, compares what the core says with its own
 * record, and stages the starts. A start and the record of it are one commit, so a supervisor that dies starts nothing twice
 * and forgets nothing; one that looks too often finds nothing to do.
 *
 * Back-off. The nth failure in a row waits for 2^(n-1) turns of the activity, which are TURN_NS apart or more: turns are counted
 * and not time, so that a machine that stalls does not use them up. After FAILURES_MAX of them the next failure is
 * the last: quarantine, which `start` ends. A service that was entered HEALTHY_INVOCATIONS times since its start begins a new row. */
#include "service.h"

#include "domain.h"

#define NO_DOMAIN UINT32_MAX
#define TURN_NS 20000000ull
#define FAILURES_MAX 6u
#define HEALTHY_INVOCATIONS 64u

struct policy {
	uint32_t domain, is_started_at_boot, restart, may_start_empty;
};
static const struct policy policies[] = { SERVICES { NO_DOMAIN, 0, 0, 0 } };

static const struct policy *policy_find(uint32_t domain)
{
	for (const struct policy *policy = policies; policy->domain != NO_DOMAIN; policy++)
		if (policy->domain == domain)
			return policy;
	return NULL;
}

const char *service_policy(uint32_t domain, bool *is_started_at_boot)
{
	static const char *const name[] = { "never", "on_fault", "always" };
	const struct policy *policy = policy_find(domain);

	*is_started_at_boot = policy && policy->is_started_at_boot;
	return policy ? name[policy->restart] : NULL;
}

/* A damaged record would start what nobody asked for. */
static struct service_record *record_of(uint32_t domain)
{
	struct service_record *record = &service_home()->record[domain];

	rt_home_verify(record, sizeof(*record));
	return record;
}

static void start(const struct policy *policy, const struct zog_domain_stats *stats, uint64_t flags)
{
	struct service_record *record = record_of(policy->domain);

	if (policy->restart != SERVICE_RESTART_NEVER)
		flags |= ZOG_START_RESTARTED;
	record->phase = SERVICE_RUNS;
	record->starts++;
	record->invocations = stats->invocations;
	rt_stage(ZOG_OP_DOMAIN_CONTROL, CAP_CONTROL, policy->domain, ZOG_CONTROL_START, flags, (uint64_t)record->arguments,
		 strnlen(record->arguments, sizeof(record->arguments) - 1));
}

static void give_up(const struct policy *policy, struct service_record *record, const char *name)
{
	record->phase = SERVICE_GIVEN_UP;
	rt_stage(ZOG_OP_DOMAIN_CONTROL, CAP_CONTROL, policy->domain, ZOG_CONTROL_STOP, 1, 0, 0);
	rt_log(RT_ERROR, "service %s is given up after %u failures in a row: `start %s` tries again", name, record->failures, name);
}

/* It does not run any more, and is to be started again, later. */
static void failure_note(const struct policy *policy, struct service_record *record, const struct zog_domain_stats *stats)
{
	bool goes_on = stats->invocations - record->invocations < HEALTHY_INVOCATIONS;

	record->failures = goes_on ? record->failures + 1 : 1;
	if (record->failures > FAILURES_MAX) {
		give_up(policy, record, stats->name);
		return;
	}
	record->phase = SERVICE_BACKS_OFF;
	record->turns_left = 1u << (record->failures - 1);
	rt_log(RT_WARN, "service %s ended (%s): failure %u, next start in %u turns", stats->name,
	       stats->end == ZOG_END_EXITED ? "exit" : "fault", record->failures, record->turns_left);
}

/* It was started, and does not run. */
static void end_note(const struct policy *policy, struct service_record *record, const struct zog_domain_stats *stats)
{
	bool is_exit = stats->end == ZOG_END_EXITED;

	if (stats->state == ZOG_DOMAIN_QUARANTINED)
		record->phase = SERVICE_GIVEN_UP; /* by the core: it fails at every start */
	else if (stats->end == ZOG_END_STOPPED)
		start(policy, stats, ZOG_START_FRESH); /* a stop that the next start came before */
	else if (policy->restart == SERVICE_RESTART_ALWAYS || (policy->restart == SERVICE_RESTART_ON_FAULT && !is_exit))
		failure_note(policy, record, stats);
	else
		record->phase = SERVICE_RESTS;
}

static void service_look(const struct policy *policy, bool is_turn)
{
	struct service_record *record = record_of(policy->domain);
	struct zog_domain_stats stats;

	if (rt_stats(CAP_STATS, policy->domain, &stats) != ZOG_OK)
		return;
	switch (record->phase) {
	case SERVICE_NEW:
		record->phase = SERVICE_RESTS;
		if (policy->is_started_at_boot)
			start(policy, &stats, ZOG_START_FRESH);
		break;
	case SERVICE_RUNS:
		if (stats.state >= ZOG_DOMAIN_QUARANTINED)
			end_note(policy, record, &stats);
		break;
	case SERVICE_BACKS_OFF:
		if (is_turn && --record->turns_left == 0)
			start(policy, &stats, 0);
		break;
	default:
		break;
	}
}

static uint64_t next_look_ns(void)
{
	for (const struct policy *policy = policies; policy->domain != NO_DOMAIN; policy++)
		if (record_of(policy->domain)->phase == SERVICE_BACKS_OFF)
			return service_home()->next_turn_ns;
	return RT_NO_DEADLINE;
}

zog_status_t service_activity(struct zog_call *call)
{
	struct service_home *home = service_home();
	uint64_t seen = rt_event_count(EVENT_SERVICE), now_ns = rt_now_ns();
	bool is_turn = now_ns >= home->next_turn_ns;

	if (is_turn)
		home->next_turn_ns = now_ns + TURN_NS;
	for (const struct policy *policy = policies; policy->domain != NO_DOMAIN; policy++)
		service_look(policy, is_turn);
	return rt_wait(call, EVENT_SERVICE, seen, next_look_ns());
}

/* --- commands -------------------------------------------------------------------------------------------------- */

static zog_status_t startable(const struct policy *policy, uint32_t domain, struct zog_domain_stats *stats)
{
	if (!policy || rt_stats(CAP_STATS, domain, stats) != ZOG_OK)
		return ZOG_ERR_ARGUMENT;
	return stats->state < ZOG_DOMAIN_QUARANTINED && record_of(domain)->phase == SERVICE_RUNS ? ZOG_ERR_BUSY : ZOG_OK;
}

zog_status_t service_may_start(uint32_t domain)
{
	struct zog_domain_stats stats;

	return startable(policy_find(domain), domain, &stats);
}

zog_status_t service_command_start(uint32_t domain, const char *text, size_t length, bool is_empty)
{
	const struct policy *policy = policy_find(domain);
	struct zog_domain_stats stats;
	zog_status_t status = startable(policy, domain, &stats);

	if (status != ZOG_OK)
		return status;
	if (length >= ZOG_ARGUMENTS_MAX || (is_empty && !policy->may_start_empty))
		return ZOG_ERR_ARGUMENT;
	struct service_record *record = record_of(domain);
	memset(record->arguments, 0, sizeof(record->arguments));
	memcpy(record->arguments, text, length);
	record->failures = 0;
	start(policy, &stats, ZOG_START_FRESH | (is_empty ? ZOG_START_EMPTY : 0));
	return ZOG_OK;
}

zog_status_t service_command_stop(uint32_t domain)
{
	const struct policy *policy = policy_find(domain);

	if (!policy)
		return ZOG_ERR_ARGUMENT;
	record_of(domain)->phase = SERVICE_RESTS;
	rt_stage(ZOG_OP_DOMAIN_CONTROL, CAP_CONTROL, domain, ZOG_CONTROL_STOP, 0, 0, 0);
	rt_notify(EVENT_SERVICE, 0);
	return ZOG_OK;
}

const char *service_word(const struct zog_domain_stats *stats, char word[SERVICE_WORD_SIZE])
{
	static const char *const ended[] = { "stopped", "stopped", "exited", "faulted" };

	if (stats->state != ZOG_DOMAIN_STOPPED)
		return NULL;
	if (record_of(stats->id)->phase == SERVICE_BACKS_OFF)
		return "backing-off";
	if (stats->end == ZOG_END_EXITED)
		rt_format(word, SERVICE_WORD_SIZE, "exited:%u", stats->exit_status);
	else
		rt_format(word, SERVICE_WORD_SIZE, "%s", ended[stats->end <= ZOG_END_FAULTED ? stats->end : 0]);
	return word;
}
