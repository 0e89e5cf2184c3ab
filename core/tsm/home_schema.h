/* Schemas of home regions: tables of records in plain C structs and the rules of their fields, from home.zidl in the
 * domain's folder (tools/home.py). The tables are constants of the core; the domain has no way to them.
 *
 * A commit is checked before its point of no return, on the live image: the invocation has stopped, the domain's lock
 * keeps other CPUs out, and no device is given home memory. Only what the logged ranges touch is looked at. Three sieves,
 * the first two made at boot from the checked tables, in the core's own memory:
 *   domain->rule_map   a bit for each HOME_MAP_BYTES of the home region: may a store there break any rule? home_look has the
 *                      same bits, and all bits of pages that are not valid: the straight way of a commit
 *                      (arch/x86_64/commit_ranges.h) asks no more of most ranges.
 *   domain->home_step  a rule as one comparison in the field's word. Where it holds, so does the rule.
 *   the interpreter    for what is left; it alone refuses.
 * References are looked up in the image as it would be committed; that a record goes away which others still name is found
 * by the scrubber, which walks all records. */
#ifndef CORE_TSM_HOME_SCHEMA_H
#define CORE_TSM_HOME_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"

#define HOME_RULE_MAX 32u     /* of one table */
#define HOME_MAP_BYTES 8u     /* of the home region for each bit of the rule map */
#define HOME_LOOK_WORDS (ZOG_PAGE_SIZE / HOME_MAP_BYTES / 64) /* of the map, for a page */
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
	uint32_t offset, bytes, count, rule_count; /* in the home region; of one record; how many; <= HOME_RULE_MAX */
	uint32_t end, reserved;                    /* in the home region, behind the last record */
	const struct home_rule *rule;
	const uint32_t *touch; /* by granule of a record: mask of rules */
	uint16_t live_offset, live_bytes; /* live_bytes 0: every record is live */
	uint16_t is_array, is_scrubbed; /* is_scrubbed: commits do not look at it */
	uint32_t rule_mask, live_mask;  /* all rules; those of the live field */
};
/* ((word - low) & mask) < end, of the word AT bytes from the record's start. end 0: the rule has no such form. A reference to
 * a record that has to be live: its number and one stand SHIFT bits up in what is left; 0 is none. */
struct home_step {
	uint64_t low, mask, end;
	uint32_t at;
	uint16_t shift, target; /* table, or HOME_STEP_PLAIN */
};
#define HOME_STEP_PLAIN 0xffffu
/* Tables by rising offset, none over another. */
struct home_schema {
	uint32_t low, high; /* bytes of the home region from the first table to the end of the last */
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

/* tsm/home_tables.c. Can the tables be trusted: everything they name lies inside the region and the record? */
bool home_schema_is_good(const struct home_schema *schema, uint64_t home_bytes);
/* boot: the rule map, and the steps of a schema that is good. */
void home_schema_build(struct domain *domain);
/* Do the records that the running transaction touches keep their rules? false: domain->finding says what is broken. The log's
 * ranges lie inside the home region; RULED of them may break a rule, noted from NOTE on if they fit into COMMIT_ROOM_WORDS. */
bool home_schema_check(struct domain *domain, uint32_t range_count, const uint64_t *note, uint64_t ruled);
/* Is any of these bits set? */
bool home_map_has(const uint64_t *map, uint64_t bit, uint64_t last);
/* The same for the straight way: of the noted ranges those that may break a rule, domain->commit_checks of them from NOTE on. */
bool home_notes_check(struct domain *domain, const uint64_t *note);
/* The live frame gets the page's committed bytes, and is valid. */
void home_page_fill(struct domain *domain, uint64_t page);
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
