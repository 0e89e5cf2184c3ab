/* Who may ask what of a domain: ZOG_OP_DOMAIN_CONTROL, before anything is done (control.h). */
#include "cross/control.h"

bool control_decode(struct domain *domain, const struct zog_op *op)
{
	/* Ending a domain is recovery policy; a fault at a chosen place is an experiment on it; to listen changes nothing. */
	bool is_policy = op->word[1] == ZOG_CONTROL_KILL && op->word[2] == 0, is_of_service = op->word[1] == ZOG_CONTROL_START || op->word[1] == ZOG_CONTROL_STOP;
	uint32_t type = is_policy || is_of_service ? CAP_CONTROL : op->word[1] == ZOG_CONTROL_TRACE ? CAP_INSPECT : CAP_INJECT;
	char text[ZOG_ARGUMENTS_MAX];

	if (!domain_holds(domain, op->slot, type) || op->word[0] >= domain_total || op->word[1] >= ZOG_CONTROL_COUNT)
		return false;
	if (is_of_service && !domain_table[op->word[0]].desc->is_service)
		return false;
	if (op->word[1] == ZOG_CONTROL_START && (op->word[2] & ZOG_START_EMPTY) && domain_table[op->word[0]].home_bytes > ZOG_START_EMPTY_BYTES)
		return false;
	return op->word[1] != ZOG_CONTROL_START || (op->word[4] < sizeof(text) && domain_read(domain, text, op->word[3], op->word[4]));
}
