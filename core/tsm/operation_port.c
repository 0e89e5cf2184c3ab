/* See operation_port.h. */
#include "tsm/operation_port.h"
#include "arch/x86_64/cpu.h"

bool port_decode(struct domain *domain, const struct zog_op *op)
{
	uint16_t data = (uint16_t)op->word[0], status = (uint16_t)(op->word[0] >> 16);

	if (!domain_holds(domain, op->slot, CAP_PORTS))
		return false;
	const struct cap_desc *cap = &domain->desc->cap[op->slot];
	return data >= cap->a && data <= cap->b && status >= cap->a && status <= cap->b && op->word[2] <= domain->home_bytes &&
	       op->word[1] <= domain->home_bytes - op->word[2] && op->word[3] % 8 == 0 && op->word[3] < domain->home_bytes &&
	       domain_touch(domain, ZOG_HOME_BASE + op->word[3], true);
}

bool port_decode_in(struct domain *domain, const struct zog_op *op)
{
	if (!port_decode(domain, op))
		return false;
	for (uint64_t page = op->word[1] / ZOG_PAGE_SIZE; page * ZOG_PAGE_SIZE < op->word[1] + op->word[2]; page++)
		if (!domain_touch(domain, ZOG_HOME_BASE + page * ZOG_PAGE_SIZE, true))
			return false;
	return true;
}

/* Sends or receives while the device is ready; the counter moves in both images, so bytes and position commit as one. */
void port_act(struct domain *domain, const struct zog_op *op, bool is_out)
{
	uint16_t data = (uint16_t)op->word[0], status = (uint16_t)(op->word[0] >> 16);
	uint8_t mask = (uint8_t)(op->word[0] >> 32);
	uint64_t done = 0;

	while (done < op->word[2] && (port_read8(status) & mask)) {
		uint64_t turn = is_out && op->word[2] - done > 16 ? 16 : is_out ? op->word[2] - done : 1;
		for (uint64_t i = 0; i < turn; i++, done++) {
			uint64_t at = op->word[1] + done;
			if (is_out)
				port_write8(data, domain->home_committed[at]);
			else
				domain->home_committed[at] = domain->home_live[at] = port_read8(data);
		}
	}
	*(uint64_t *)(domain->home_committed + op->word[3]) += done;
	*(uint64_t *)(domain->home_live + op->word[3]) = *(uint64_t *)(domain->home_committed + op->word[3]);
}
