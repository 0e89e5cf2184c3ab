/* Schemas of home regions: tables of records in plain C structs and the rules of their fields, from home.zidl in the
 * domain's folder (tools/home.py). The tables are constants of the core; the domain has no way to them.
 *
 * A commit is checked before its point of no return, on the live image: the invocation has stopped, the domain's lock
 * keeps other CPUs out, and no device is given home memory. Only what the logged ranges touch is looked at. Three sieves,
 * the first two made at boot from the checked tables, in the core's own memory:
 *   domain->rule_map   a bit for each HOME_MAP_BYTES of the home region: may a store there break any rule? home_look has the
 *                      same bits, and all bits of pages that are not valid: the straight way of a commit
 *                      (arch/x86_64/commit_ranges.h) asks no more of most ranges.
 *   domain->home_plan  for each few bytes of a table's record the steps that say whether what stands there keeps its rules.
 *                      Where they hold, so do the rules, whether the record lives or not.
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
	uint16_t live_offset, live_bytes; /* live_bytes 0: every record is live */
	uint32_t is_array;
};
/* A rule of one field, by the word AT bytes from the record's start, which the field ends or begins: left = (word - low) & mask.
 * Below end the rule holds. Otherwise it may hold by what the kind says: */
enum home_step_kind {
	HOME_STEP_WITHIN,    /* no */
	HOME_STEP_REF,       /* left, SHIFT bits down, and one less if has_none, is the number of a record of TARGET that lives */
	HOME_STEP_LIVE,      /* it was not 0 in the committed image; or a record of TARGET comes to life, and all of it holds */
	HOME_STEP_MONOTONIC, /* left is not below that of the committed image */
	HOME_STEP_AHEAD,     /* word - that at OTHER is LOW at most; both stand on one page */
	HOME_STEP_POINTER,   /* word - low is OTHER times the number of a record of TARGET; has_none: or the word is 0 */
};
struct home_step {
	uint64_t low, mask, end;
	uint16_t at, other;
	uint8_t kind, shift, target, has_none;
};
/* What the checks go by of a table. Behind the last one stands a plan without bytes and without end. */
struct home_plan {
	const struct home_step **unit; /* by HOME_UNIT bytes of a record: the steps to take there, up to the next unit's */
	const struct home_step *stop;
	uint32_t offset, end, size, bytes; /* in the home region; of the table; of a record */
	uint32_t count, live_at, live_back; /* the first record's live field; the word that ends with it, or begins the record */
	uint64_t live_mask, reserved; /* 64 bytes in all: found by a shift */
};
#define HOME_UNIT 8u
#define HOME_PLACE_BYTES 512u /* of the home region for each entry of domain->home_place */
/* Tables by rising offset, none over another. */
struct home_schema {
	uint32_t low, high; /* bytes of the home region from the first table to the end of the last */
	uint32_t table_count;
	const struct home_table *table;
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
/* boot: the rule map, and the plans of a schema that is good. */
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
