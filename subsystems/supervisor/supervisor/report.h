/* Files of the text tree, as functions that compose them. All are made anew when they are read from the start,
 * from what the core says at that moment. */
#ifndef SUPERVISOR_REPORT_H
#define SUPERVISOR_REPORT_H

#include <stdbool.h>
#include "rt/rt.h"
#include "path.h"
#include "text.h"

/* system_report.c */
void system_report(enum system_file file, struct text *text);
/* Name of a domain for people; *stats is the scratch memory that it is read into. */
const char *domain_name(uint32_t domain, struct zog_domain_stats *stats);

/* authority_report.c */
void authority_report(struct text *text);

/* trace_report.c */
void traces_report(struct text *text);

/* method_name.c */
/* "contract.method", or NULL when it has no name here. */
const char *method_name(uint32_t method);

/* incident_report.c */
/* ZOG_ERR_NOT_FOUND when incident `number` is not, or no longer, on file. */
zog_status_t incident_report(uint32_t number, enum incident_file file, struct text *text);
bool incident_exists(uint32_t number);
/* The oldest and newest incident on file; false when there are none. */
bool incident_span(uint32_t *oldest, uint32_t *newest);

#endif
