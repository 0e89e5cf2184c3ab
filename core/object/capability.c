/* What a domain's capabilities lead to, looked up once at boot from its table and the contracts' (object/system.h). */
#include "object/capability.h"
#include "object/contract.h"
#include "object/frame.h"

/* The methods of a contract with what a client's rights make of them. */
static struct cap_method *methods_build(const struct contract_desc *contract, uint32_t rights)
{
	struct cap_method *row = boot_pointer((contract->method_count + 1) * sizeof(*row));

	for (uint32_t i = 0; i < contract->method_count; i++) {
		const struct method_desc *method = &contract->method[i];
		uint32_t deadline_ms = method->deadline_ms < METHOD_DENIED ? method->deadline_ms : METHOD_DENIED - 1;
		row[i].deadline_ms = (uint16_t)(method->rights & ~rights ? METHOD_DENIED : deadline_ms);
	}
	return row;
}

void caps_build(struct domain *domain)
{
	struct fast_cap *row = boot_pointer((domain->desc->cap_count + 1) * sizeof(*row));

	for (uint32_t i = 0; i < domain->desc->cap_count; i++) {
		const struct cap_desc *cap = &domain->desc->cap[i];
		row[i].contract = UINT64_MAX;
		if ((cap->type != CAP_ENTRY && cap->type != CAP_EVENT) || !contract_connects(domain->id, cap->a))
			continue;
		row[i].domain = &domain_table[cap->a];
		if (cap->type == CAP_EVENT)
			continue;
		row[i].contract = cap->b;
		row[i].method_count = system_contract[cap->b].method_count;
		row[i].method = methods_build(&system_contract[cap->b], cap->rights);
	}
	domain->fast_cap = row;
	domain->cap_count = domain->desc->cap_count;
}

/* An event of a domain whose contracts are in another state than the caller's is one that never moves. */
struct event *event_find(const struct domain *domain, uint64_t handle, uint32_t *owner_out)
{
	static struct event never;
	uint32_t index = (uint32_t)handle;
	const struct domain *owner = domain;

	if (handle >> 32)
		return NULL;
	if (index & ZOG_EVENT_CAP) {
		index &= ~ZOG_EVENT_CAP;
		if (!domain_holds(domain, index, CAP_EVENT))
			return NULL;
		owner = domain->fast_cap[index].domain;
		index = domain->desc->cap[index].b;
	}
	*owner_out = owner != NULL ? owner->id : domain->id;
	if (owner == NULL)
		return &never;
	return index < owner->desc->event_count ? &owner->event[index] : NULL;
}
