/* Page 0 of an update file against that of the running program. Each check names both sides. */
#include "update_check.h"

#include <stdbool.h>
#include "rt/rt.h"

static const char *role_name(uint16_t role)
{
	static const char *const name[] = { "knows", "serves", "uses", "writes", "reads" };

	return name[role < sizeof(name) / sizeof(name[0]) ? role : 0];
}

static bool names_are_closed(const struct zog_update_header *file)
{
	if (file->contract_count > ZOG_UPDATE_CONTRACT_MAX || file->name[sizeof(file->name) - 1] != '\0')
		return false;
	for (uint32_t i = 0; i < file->contract_count; i++)
		if (file->contract[i].name[ZOG_IMAGE_NAME_MAX - 1] != '\0')
			return false;
	return true;
}

static const struct zog_image_contract *contract_find(const struct zog_update_header *header, const struct zog_image_contract *wanted)
{
	for (uint32_t i = 0; i < header->contract_count; i++)
		if (header->contract[i].role == wanted->role && strcmp(header->contract[i].name, wanted->name) == 0)
			return &header->contract[i];
	return NULL;
}

static bool contracts_fit(const struct zog_update_header *file, const struct zog_update_header *running, char *reason)
{
	for (uint32_t i = 0; i < running->contract_count; i++) {
		const struct zog_image_contract *ours = &running->contract[i], *theirs = contract_find(file, ours);

		if (!theirs) {
			rt_format(reason, UPDATE_REASON_SIZE, "the running program %s %s, the file does not", role_name(ours->role), ours->name);
			return false;
		}
		if (theirs->version == ours->version && theirs->number == ours->number && theirs->fingerprint == ours->fingerprint)
			continue;
		rt_format(reason, UPDATE_REASON_SIZE,
			  "contract %s: running is version %u (number %u, fingerprint %016lx), the file has version %u (number %u, fingerprint %016lx)",
			  ours->name, ours->version, ours->number, ours->fingerprint, theirs->version, theirs->number, theirs->fingerprint);
		return false;
	}
	for (uint32_t i = 0; i < file->contract_count; i++)
		if (!contract_find(running, &file->contract[i])) {
			rt_format(reason, UPDATE_REASON_SIZE, "the file %s %s, the running program does not", role_name(file->contract[i].role),
				  file->contract[i].name);
			return false;
		}
	return true;
}

static bool is_equal(const char *what, uint64_t running, uint64_t file, char *reason)
{
	if (running != file)
		rt_format(reason, UPDATE_REASON_SIZE, "%s: running is %016lx, the file has %016lx", what, running, file);
	return running == file;
}

static bool home_fits(const struct zog_update_header *file, const struct zog_update_header *running, char *reason)
{
	if (file->home_version != running->home_version) {
		rt_format(reason, UPDATE_REASON_SIZE, "home region: running is version %u, the file has version %u", running->home_version,
			  file->home_version);
		return false;
	}
	return is_equal("layout of the home region", running->home, file->home, reason);
}

static zog_status_t file_check(const struct zog_update_header *file, const uint8_t *page, char *reason)
{
	const char *fault = NULL;

	if (file->magic != ZOG_UPDATE_MAGIC)
		fault = "it is no update file";
	else if (file->checksum != zog_update_checksum(page))
		fault = "it is damaged: page 0 does not have its checksum";
	if (fault) {
		rt_format(reason, UPDATE_REASON_SIZE, "%s", fault);
		return file->magic != ZOG_UPDATE_MAGIC ? ZOG_ERR_ARGUMENT : ZOG_ERR_CORRUPT;
	}
	if (file->layout != ZOG_UPDATE_LAYOUT) {
		rt_format(reason, UPDATE_REASON_SIZE, "update files of layout %u are read here, this one has layout %u", ZOG_UPDATE_LAYOUT, file->layout);
		return ZOG_ERR_UNSUPPORTED;
	}
	if (names_are_closed(file))
		return ZOG_OK;
	rt_format(reason, UPDATE_REASON_SIZE, "it is damaged: a name without end");
	return ZOG_ERR_CORRUPT;
}

zog_status_t update_check(const uint8_t page[4096], const struct zog_update_header *running, const char *name, char *reason)
{
	static struct zog_update_header file; /* scratch: too large for the stack */
	zog_status_t status;

	memcpy(&file, page, sizeof(file));
	status = file_check(&file, page, reason);
	if (status != ZOG_OK)
		return status;
	if (strcmp(file.name, name) != 0) {
		rt_format(reason, UPDATE_REASON_SIZE, "it is a program for %s, not for %s", file.name, name);
		return ZOG_ERR_ARGUMENT;
	}
	if (!is_equal("interface to the core", running->interface, file.interface, reason) || !contracts_fit(&file, running, reason) ||
	    !home_fits(&file, running, reason) ||
	    !is_equal("authority (the system's manifests)", running->authority, file.authority, reason))
		return ZOG_ERR_UNSUPPORTED;
	return ZOG_OK;
}

uint64_t update_file_bytes(const uint8_t page[4096])
{
	struct zog_update_header file;

	memcpy(&file, page, __builtin_offsetof(struct zog_update_header, contract));
	return (1 + (uint64_t)file.text_pages + file.constants_pages + ((uint64_t)file.data_bytes + 4095) / 4096) * 4096;
}
