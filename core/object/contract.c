/* A domain that was built with another state of a contract than its peer is not connected with it: its crossings answer
 * ZOG_ERR_VERSION, the peer's region is not mapped. The image builder refuses such a pair already; this is for images
 * that came another way. The tables stand in measured, read-only pages, and are bounded here all the same. */
#include <stddef.h>
#include "object/contract.h"
#include "fault/log.h"

static bool name_is_same(const char *a, const char *b)
{
	for (uint32_t i = 0; i < ZOG_IMAGE_NAME_MAX; i++) {
		if (a[i] != b[i])
			return false;
		if (a[i] == 0)
			return true;
	}
	return false; /* not ended */
}

const struct zog_image_contract *image_contracts(const struct image_desc *image, uint32_t *count_out)
{
	uint64_t bytes = image->constants.pages * ZOG_PAGE_SIZE;
	const struct zog_image_table *table = (const void *)image->constants.content;
	const struct zog_image_contract *entry = (const void *)(table + 1);

	*count_out = 0;
	if (bytes == 0 || table->magic != ZOG_IMAGE_MAGIC || table->layout != ZOG_IMAGE_LAYOUT)
		return NULL;
	if (table->count > (bytes - sizeof(*table)) / sizeof(*entry))
		return NULL;
	for (uint32_t i = 0; i < table->count; i++)
		if (entry[i].name[ZOG_IMAGE_NAME_MAX - 1] != 0)
			return NULL;
	*count_out = table->count;
	return entry;
}

static bool entry_answers(const struct zog_image_contract *mine, const struct zog_image_contract *theirs)
{
	bool is_pair = (mine->role == ZOG_IMAGE_USES && theirs->role == ZOG_IMAGE_SERVES) ||
		       (mine->role == ZOG_IMAGE_READS && theirs->role == ZOG_IMAGE_WRITES);

	return is_pair && name_is_same(mine->name, theirs->name);
}

static bool entry_is_same(const struct zog_image_contract *a, const struct zog_image_contract *b)
{
	return a->number == b->number && a->version == b->version && a->fingerprint == b->fingerprint;
}

bool image_misfits(const struct image_desc *user, const struct image_desc *server, const struct zog_image_contract **mine_out,
		   const struct zog_image_contract **theirs_out)
{
	uint32_t mine_count, theirs_count;
	const struct zog_image_contract *mine = image_contracts(user, &mine_count), *theirs = image_contracts(server, &theirs_count);

	*mine_out = *theirs_out = NULL;
	if (mine == NULL || theirs == NULL)
		return true;
	for (uint32_t i = 0; i < mine_count; i++)
		for (uint32_t k = 0; k < theirs_count; k++) {
			if (!entry_answers(&mine[i], &theirs[k]) || entry_is_same(&mine[i], &theirs[k]))
				continue;
			*mine_out = &mine[i];
			*theirs_out = &theirs[k];
			return true;
		}
	return false;
}

bool contract_connects(uint32_t user, uint32_t server)
{
	const struct zog_image_contract *mine, *theirs;

	if (!image_misfits(&system_image[user], &system_image[server], &mine, &theirs))
		return true;
	if (mine == NULL)
		log_line("zog: mismatch domain=%s peer=%s: an image without a table of contracts", system_domain[user].name, system_domain[server].name);
	else
		log_line("zog: mismatch domain=%s contract=%s version=%u fingerprint=%lx peer=%s version=%u fingerprint=%lx", system_domain[user].name,
			 mine->name, mine->version, mine->fingerprint, system_domain[server].name, theirs->version, theirs->fingerprint);
	return false;
}
