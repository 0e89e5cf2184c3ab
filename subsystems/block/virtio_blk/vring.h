/* A split virtqueue (virtio 1.x section 2.7) with fixed descriptor chains. See vring.c. */
#ifndef VIRTIO_BLK_VRING_H
#define VIRTIO_BLK_VRING_H

#include <stdbool.h>
#include <stdint.h>

#define VRING_SIZE_MAX 256u
#define VRING_CHAIN 3u /* descriptors of one request: header, data, status */

enum vring_descriptor_flags { VRING_NEXT = 1, VRING_DEVICE_WRITES = 2 };
struct vring_descriptor {
	uint64_t address; /* physical */
	uint32_t length;
	uint16_t flags, next;
};
struct vring_available {
	uint16_t flags, index;
	uint16_t ring[VRING_SIZE_MAX];
	uint16_t used_event;
};
struct vring_used_element {
	uint32_t id, length;
};
struct vring_used {
	uint16_t flags, index;
	struct vring_used_element ring[VRING_SIZE_MAX];
	uint16_t available_event;
};
_Static_assert(sizeof(struct vring_descriptor) == 16, "virtio 1.x section 2.7.5");
_Static_assert(sizeof(struct vring_used_element) == 8, "virtio 1.x section 2.7.8");

/* The driver's view. The three parts lie in memory that the device shares. */
struct vring {
	volatile struct vring_descriptor *descriptor;
	volatile struct vring_available *available;
	volatile struct vring_used *used;
	uint16_t size;            /* a power of two <= VRING_SIZE_MAX */
	uint16_t available_index; /* the driver's own count of published chains */
	uint16_t used_index;      /* of collected ones */
};

/* One request as the device is to see it; data_length 0: it has no data part. */
struct vring_request {
	uint64_t header, data, status; /* physical */
	uint32_t header_length, data_length;
	bool is_data_from_device;
};

enum vring_taken { VRING_EMPTY, VRING_TAKEN, VRING_BOGUS };

void vring_reset(struct vring *vring, uint16_t size);
uint16_t vring_chain_count(const struct vring *vring);
void vring_publish(struct vring *vring, uint16_t chain, const struct vring_request *request);
enum vring_taken vring_take(struct vring *vring, uint16_t *chain_out, uint32_t *length_out);

#endif
