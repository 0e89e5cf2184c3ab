/* Does an update file fit the program that runs? From page 0 of both (abi/zog/update.h); pure. */
#ifndef SUPERVISOR_UPDATE_CHECK_H
#define SUPERVISOR_UPDATE_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include "zog/status.h"
#include "zog/update.h"

#define UPDATE_REASON_SIZE 240u

/* PAGE, from a file that may hold anything, against RUNNING, which the core vouches for, of the domain NAME. ZOG_OK, or a
 * status with the reason in words:
 *   ZOG_ERR_ARGUMENT     it is no update file, or one for another domain
 *   ZOG_ERR_CORRUPT      it is damaged
 *   ZOG_ERR_UNSUPPORTED  layout, core interface, a contract, the home region or the authority differ */
zog_status_t update_check(const uint8_t page[4096], const struct zog_update_header *running, const char *name, char *reason);
/* Bytes of the whole file, as a page 0 that was checked says. */
uint64_t update_file_bytes(const uint8_t page[4096]);

#endif
