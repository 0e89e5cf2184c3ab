/* Schemas of home regions: tables of records in plain C structs and the rules of their fields, from home.zidl in the
 * domain's folder (tools/home.py). The tables are constants of the core; the domain has no way to them.
 *
 * A commit is checked before its point of no return, on the live image: the invocation has stopped, the domain's lock
 * keeps other CPUs out, and no device is given home memory. Only what the logged ranges touch is looked at: a granule of
 * a record says which rules a store there may break. References are looked up in the image as it would be committed;
 * that a record goes away which others still name is found by the scrubber, which walks all records. */
#ifndef CORE_TSM_HOME_SCHEMA_H
#define CORE_TSM_HOME_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"

#define HOME_RECORD_MAX 16384 /* bytes of one record */
#define HOME_GRANULE 4u       /* bytes of a record that share an entry of the touch table */
#define HOME_SCRUB_RECORDS 32u
#define HOME_TOLD_MAX 8u /* findings of the scrubber in one life of a domain */

struct domain;

/* One field, or each element of an array of them. */
struct home_rule {
	const char *field;
	const uint64_t *value; /* ENUM: value_count of them */
	uint64_t first, last;  /* RANGE: both; BITS, AHEAD: last; REF: how record 0 is written, and the step to the next */
	uint64_t none;         /* REF with has_none: refers to nothing */
	uint32_t target;       /* REF: table; AHEAD: offset of the field it is ahead of */
	uint16_t offset, stride, repeat, value_count;
	uint8_t rule, bytes, is_signed, has_none, needs_live; /* rule: enum zog_region_rule */
};
struct home_table {
	const char *name;
	uint32_t offset, bytes, count, rule_count; /* in the home region; of one record; how many; <= 32 */
	const struct home_rule *rule;
	const uint32_t *touch; /* by granule of a record: mask of rules */
	uint16_t live_offset, live_bytes; /* live_bytes 0: every record is live */
	uint16_t is_array, is_scrubbed; /* is_scrubbed: commits do not look at it */
};
/* Tables by rising offset, none over another. */
struct home_schema {
	uint32_t low, high; /* the window: bytes of the home region from the first table that commits check to the end of the last; 0: none */
	uint32_t table_count;
	const struct home_table *table;
	const uint8_t *page; /* for each page from that of `low` on: the first table that ends behind the page's start */
};
extern const struct home_schema *const system_home[]; /* by domain id; NULL: none */

/* The rule that was broken last; rule NULL: none. */
struct home_finding {
	const struct home_table *table;
	const struct home_rule *rule;
	uint32_t table_number, index, element;
	uint64_t value;
};

/* Can the tables be trusted: everything they name lies inside the region and the record? */
bool home_schema_is_good(const struct home_schema *schema, uint64_t home_bytes);
/* Do the records that the running transaction touches keep their rules? false: domain->finding says what is broken.
 * The log's ranges lie inside the home region. */
bool home_schema_check(struct domain *domain, uint32_t range_count);
/* One record of the committed image. */
bool home_record_is_good(struct domain *domain, uint32_t table_number, uint32_t index, struct home_finding *finding);
/* All records that have a byte on PAGE, in that image; of the live one the page's frame holds the page. */
bool home_page_is_good(struct domain *domain, uint32_t page, bool is_live_image, struct home_finding *finding);
/* tsm/home_scrub.c. A few records more of the committed image of an idle domain; what is wrong is told, and settled. */
void home_schema_scrub(struct domain *domain);
/* The images differ on PAGE of an idle domain. true: the committed one broke a rule, the live one does not, and both are
 * now what was live: told. */
bool home_page_repair(struct domain *domain, uint32_t page);
/* tsm/home_report.c. */
/* "table[3].field" for the byte at OFFSET, or "home+0x.." where no table is. */
void home_place_name(const struct domain *domain, uint32_t offset, char *out, size_t size);
/* "table[3].field breaks rule" for domain->finding, and the word for incidents. */
void home_finding_name(const struct home_finding *finding, char *out, size_t size);
uint64_t home_finding_detail(const struct home_finding *finding);

#endif
