/* A split virtqueue with fixed descriptor chains.
 *
 * Protocol: chain c always uses descriptors 3c, 3c+1, 3c+2, so there is no free list that could be damaged or
 * have to be restored: the owner's request table alone says which chains are in use, and a chain is published
 * again only after it was taken back. The device writes the used ring at any time and is not trusted: an index is
 * copied once, bounded, and the copy used.
 *
 * Ordering: x86 keeps stores in order, and loads in order, so a compiler barrier is enough between filling a chain
 * and publishing it (partner: the device's read of the available index), and between reading the used index
 * and the element (partner: the device's write of the used index). The doorbell is an uncached store and comes last. */
#include "vring.h"

#define ORDER() __asm__ volatile("" : : : "memory")

/* Descriptors and ring entries need no clearing: each is written before the index that shows it to the device. */
void vring_reset(struct vring *vring, uint16_t size)
{
	vring->size = size;
	vring->available_index = 0;
	vring->used_index = 0;
	vring->available->flags = 0;
	vring->available->index = 0;
	vring->used->flags = 0;
	vring->used->index = 0;
	ORDER();
}

uint16_t vring_chain_count(const struct vring *vring)
{
	return vring->size / VRING_CHAIN;
}

static void descriptor_set(struct vring *vring, uint16_t place, uint64_t address, uint32_t length, uint16_t flags)
{
	volatile struct vring_descriptor *descriptor = &vring->descriptor[place];

	descriptor->address = address;
	descriptor->length = length;
	descriptor->flags = flags;
	descriptor->next = (flags & VRING_NEXT) ? (uint16_t)(place + 1) : 0;
}

/* chain < vring_chain_count, and not published now. */
void vring_publish(struct vring *vring, uint16_t chain, const struct vring_request *request)
{
	uint16_t head = (uint16_t)(chain * VRING_CHAIN);
	uint16_t place = head;
	uint16_t direction = request->is_data_from_device ? VRING_DEVICE_WRITES : 0;

	descriptor_set(vring, place++, request->header, request->header_length, VRING_NEXT);
	if (request->data_length)
		descriptor_set(vring, place++, request->data, request->data_length, VRING_NEXT | direction);
	descriptor_set(vring, place, request->status, 1, VRING_DEVICE_WRITES);
	vring->available->ring[vring->available_index % vring->size] = head;
	ORDER();
	vring->available->index = ++vring->available_index;
	ORDER();
}

/* Takes back one chain that the device finished. VRING_BOGUS: the device wrote what it never may. */
enum vring_taken vring_take(struct vring *vring, uint16_t *chain_out, uint32_t *length_out)
{
	uint16_t device_index = vring->used->index;
	uint16_t distance = (uint16_t)(device_index - vring->used_index);
	uint16_t outstanding = (uint16_t)(vring->available_index - vring->used_index);

	if (distance == 0)
		return VRING_EMPTY;
	if (distance > outstanding)
		return VRING_BOGUS;
	ORDER();
	uint16_t place = vring->used_index % vring->size;
	uint32_t device_id = vring->used->ring[place].id;
	uint32_t device_length = vring->used->ring[place].length;
	if (device_id % VRING_CHAIN != 0 || device_id / VRING_CHAIN >= vring_chain_count(vring))
		return VRING_BOGUS;
	vring->used_index++;
	*chain_out = (uint16_t)(device_id / VRING_CHAIN);
	*length_out = device_length;
	return VRING_TAKEN;
}
