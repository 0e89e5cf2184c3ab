/* Parts of the supervisor that test_supervisor_tree.c leaves out, for it to link: services, the policy, traces. Included once, behind
 * domain.h and rt/rt.h; four domains. */
#ifndef SUPERVISOR_PARTS_H
#define SUPERVISOR_PARTS_H

#include "supervisor/supervisor/service.h"
#include "supervisor/supervisor/text.h"

#define DOMAINS 4u

/* No domain is a service. */
zog_status_t service_command_start(uint32_t domain, const char *text, size_t length, bool is_empty)
{
	return domain < DOMAINS && text && (length || is_empty) ? ZOG_ERR_ARGUMENT : ZOG_OK;
}
zog_status_t service_may_start(uint32_t domain) { return domain < DOMAINS ? ZOG_ERR_ARGUMENT : ZOG_OK; }
zog_status_t service_command_stop(uint32_t domain) { return domain < DOMAINS ? ZOG_ERR_ARGUMENT : ZOG_OK; }
zog_status_t service_activity(struct zog_call *call) { return call ? ZOG_OK : ZOG_ERR_ARGUMENT; }
const char *service_word(const struct zog_domain_stats *stats, char word[SERVICE_WORD_SIZE]) { return stats ? NULL : word; }
const char *service_policy(uint32_t domain, bool *is_started_at_boot) { *is_started_at_boot = false; return domain < DOMAINS ? NULL : "never"; }

void traces_report(struct text *text) { text_append(text, "none\n", 5); }

zog_status_t policy_rollback(uint32_t domain, uint64_t version) { (void)domain, (void)version; return ZOG_ERR_NOT_FOUND; }
zog_status_t policy_activity(struct zog_call *call) { (void)call; return ZOG_OK; }

#endif
