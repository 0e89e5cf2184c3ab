/* Transfers between a home region and a device's port, as staged operations (ZOG_OP_PORT_OUT, ZOG_OP_PORT_IN). */
#ifndef CORE_TSM_OPERATION_PORT_H
#define CORE_TSM_OPERATION_PORT_H

#include "object/domain.h"

bool port_decode(struct domain *domain, const struct zog_op *op);
bool port_decode_in(struct domain *domain, const struct zog_op *op); /* and the pages that are read into are there */
void port_act(struct domain *domain, const struct zog_op *op, bool is_out);

#endif
