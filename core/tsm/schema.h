/* Schemas of shared regions: is what a writer submits what the contract says? An interpreter over the constant tables of
 * object/system.h. It reads only the core's own copy of the submitted records and committed records. */
#ifndef CORE_TSM_SCHEMA_H
#define CORE_TSM_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "object/system.h"

#define SCHEMA_RECORD_MAX 512u /* bytes of one record */

/* Submitted records, COUNT of KIND from FIRST on. */
struct schema_run {
	uint32_t kind, first, count;
	const uint8_t *bytes;
};
/* A region as it would be after the commit: committed records, and those of the runs in their place. */
struct schema_view {
	const struct region_desc *desc;
	const uint8_t *committed;
	const struct schema_run *run;
	uint32_t run_count;
};
/* The first rule that is broken. rule 0: none. */
struct schema_finding {
	uint32_t rule, field, kind, index;
	uint64_t value;
	const char *field_name;
};

/* Can the tables be trusted: everything they name lies inside the region and the record? */
bool schema_is_good(const struct region_desc *desc);
/* The same for a large object: one record of all its bytes, without references. */
bool schema_object_is_good(const struct region_desc *desc);
/* Do the records of the view's runs, and all references to records that they end, keep the schema? */
bool schema_check(const struct schema_view *view, struct schema_finding *finding);
/* Name of the field with that number; "-": no rule knows it. */
const char *schema_field_name(const struct region_desc *desc, uint32_t kind, uint32_t field);
enum schema_crc_way { SCHEMA_CRC_UNKNOWN, SCHEMA_CRC_INSTRUCTION, SCHEMA_CRC_TABLE };
extern enum schema_crc_way schema_crc_way; /* known once a sum has been taken */
uint32_t schema_crc32c(uint32_t seed, const void *data, size_t size);

#endif
