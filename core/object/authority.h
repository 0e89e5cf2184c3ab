/* What each domain may do and reach, read from the tables that the core acts on, and which of it was ever used. */
#ifndef CORE_OBJECT_AUTHORITY_H
#define CORE_OBJECT_AUTHORITY_H

#include "zog/core.h"

/* One row; bounded work. ZOG_ERR_NOT_FOUND: no such domain, kind, or row. */
zog_status_t authority_read(uint64_t domain, uint64_t kind, uint64_t place, struct zog_authority *out);
/* A line of the system log for each domain: capabilities and interrupts used since boot, pages it has touched. */
void authority_tell_used(void);

#endif
