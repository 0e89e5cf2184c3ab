/* What a device says of itself in its capability list (PCI Local Bus 3.0 section 6.7).
 *
 * The bytes are the device's and not trusted: the list may loop, point outside, or name windows that do not exist.
 * Every walk is bounded by the number of places a list can have, every place it names is checked against the size
 * that the BAR was found to have. Works on a copy, without any access to hardware. */
#include "capability.h"

#define CONFIG_SIZE 256u
#define CONFIG_STATUS_OFFSET 0x06u
#define CONFIG_LIST_OFFSET 0x34u
#define STATUS_HAS_LIST 0x10u
#define LIST_FIRST 0x40u
#define LIST_MAX ((CONFIG_SIZE - LIST_FIRST) / 4)

#define MSI_BYTES_32 10u
#define MSI_BYTES_64 14u
#define MSI_64 0x80u
#define MSIX_BYTES 12u
#define MSIX_ENTRY_BYTES 16u
#define MSIX_SIZE_MASK 0x7ffu
#define VIRTIO_BYTES 16u
#define VIRTIO_NOTIFY_BYTES 20u

enum virtio_structure { VIRTIO_COMMON = 1, VIRTIO_NOTIFY = 2, VIRTIO_DEVICE = 4 };
#define VIRTIO_COMMON_MIN 56u /* struct virtio_pci_common_cfg without its newer tail */
#define VIRTIO_NOTIFY_MIN 2u
#define VIRTIO_DEVICE_MIN 8u

static uint32_t config_u16(const uint8_t *config, uint32_t offset)
{
	return config[offset] | (uint32_t)config[offset + 1] << 8;
}

static uint32_t config_u32(const uint8_t *config, uint32_t offset)
{
	return config_u16(config, offset) | config_u16(config, offset + 2) << 16;
}

/* Offset of the next capability `id` behind the one at `after` (0: from the start), 0 when there is none. */
uint8_t capability_next(const uint8_t *config, uint8_t id, uint8_t after)
{
	uint8_t place;

	if (!(config[CONFIG_STATUS_OFFSET] & STATUS_HAS_LIST))
		return 0;
	place = (after ? config[after + 1] : config[CONFIG_LIST_OFFSET]) & 0xfcu;
	for (uint32_t step = 0; step < LIST_MAX && place >= LIST_FIRST; step++) {
		if (config[place] == id)
			return place;
		place = config[place + 1] & 0xfcu;
	}
	return 0;
}

/* BAR and offset as a capability gives them; the piece must lie inside the BAR. */
static bool place_decode(uint32_t window, uint32_t offset, uint32_t length, const uint64_t bar_bytes[BAR_COUNT],
	struct window_place *out)
{
	if (window >= BAR_COUNT || length == 0 || (uint64_t)offset + length > bar_bytes[window])
		return false;
	out->window = window;
	out->offset = offset;
	out->length = length;
	return true;
}

/* MSI-X (section 6.8.2): false when there is none that can be used. */
bool msix_layout_parse(const uint8_t *config, const uint64_t bar_bytes[BAR_COUNT], struct msix_layout *out)
{
	uint8_t place = capability_next(config, CAPABILITY_MSIX, 0);

	if (!place || place + MSIX_BYTES > CONFIG_SIZE)
		return false;
	uint32_t table = config_u32(config, place + 4u);

	out->capability = place;
	out->entry_count = (config_u16(config, place + 2u) & MSIX_SIZE_MASK) + 1;
	return place_decode(table & 7u, table & ~7u, out->entry_count * MSIX_ENTRY_BYTES, bar_bytes, &out->table);
}

/* MSI (section 6.8.1): false when there is none that can be used. */
bool msi_layout_parse(const uint8_t *config, struct msi_layout *out)
{
	uint8_t place = capability_next(config, CAPABILITY_MSI, 0);

	*out = (struct msi_layout){ 0 };
	if (!place || place + 4u > CONFIG_SIZE)
		return false;
	bool is_64 = (config_u16(config, place + 2u) & MSI_64) != 0;

	if (place + (is_64 ? MSI_BYTES_64 : MSI_BYTES_32) > CONFIG_SIZE)
		return false;
	*out = (struct msi_layout){ place, is_64 };
	return true;
}

/* The first piece of a kind counts (virtio 1.x section 4.1.4: drivers use the first they can). */
static bool structure_take(const uint8_t *config, uint8_t place, uint32_t length_min, struct window_place *out,
	const uint64_t bar_bytes[BAR_COUNT])
{
	struct window_place found;
	uint32_t length = config_u32(config, place + 12u);

	if (out->length || length < length_min
	    || !place_decode(config[place + 4u], config_u32(config, place + 8u), length, bar_bytes, &found))
		return false;
	*out = found;
	return true;
}

static void virtio_capability_parse(const uint8_t *config, uint8_t place, const uint64_t bar_bytes[BAR_COUNT],
	struct virtio_layout *out)
{
	switch (config[place + 3u]) {
	case VIRTIO_COMMON:
		structure_take(config, place, VIRTIO_COMMON_MIN, &out->common, bar_bytes);
		break;
	case VIRTIO_NOTIFY:
		if (place + VIRTIO_NOTIFY_BYTES <= CONFIG_SIZE
		    && structure_take(config, place, VIRTIO_NOTIFY_MIN, &out->notify, bar_bytes))
			out->notify_multiplier = config_u32(config, place + 16u);
		break;
	case VIRTIO_DEVICE:
		structure_take(config, place, VIRTIO_DEVICE_MIN, &out->device, bar_bytes);
		break;
	}
}

/* The structures of a modern virtio device: false unless all three are there. */
bool virtio_layout_parse(const uint8_t *config, const uint64_t bar_bytes[BAR_COUNT], struct virtio_layout *out)
{
	uint8_t place = 0;

	*out = (struct virtio_layout){ 0 };
	for (uint32_t step = 0; step < LIST_MAX; step++) {
		place = capability_next(config, CAPABILITY_VENDOR, place);
		if (!place)
			break;
		if (place + VIRTIO_BYTES <= CONFIG_SIZE)
			virtio_capability_parse(config, place, bar_bytes, out);
	}
	return out->common.length && out->notify.length && out->device.length;
}
