/* Do the images of two domains mean the same by the contracts that they share? (abi/zog/image.h) */
#ifndef CORE_OBJECT_CONTRACT_H
#define CORE_OBJECT_CONTRACT_H

#include <stdbool.h>
#include "system.h"
#include "zog/image.h"

/* The entries of an image's table, bounded by its constants. NULL: it has no sound table. */
const struct zog_image_contract *image_contracts(const struct image_desc *image, uint32_t *count_out);
/* Has USER something of SERVER, a contract or a region, in another state than SERVER offers it? An image without a
 * sound table fits nobody. mine_out, theirs_out: the two entries (NULL where a table is missing). */
bool image_misfits(const struct image_desc *user, const struct image_desc *server, const struct zog_image_contract **mine_out,
		   const struct zog_image_contract **theirs_out);
/* At boot: true when the domains USER and SERVER may be connected; else a line in the log names both. */
bool contract_connects(uint32_t user, uint32_t server);

#endif
