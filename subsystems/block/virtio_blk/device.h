/* The virtio block device: bringing it up, publishing requests, taking results. See device.c. */
#ifndef VIRTIO_BLK_DEVICE_H
#define VIRTIO_BLK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include "request.h"
#include "zog/status.h"

struct device {
	bool is_present, is_read_only, has_flush;
	uint32_t request_limit; /* places of the request table that have a chain in the queue */
	uint64_t blocks;        /* capacity in units of 4096 bytes */
};

const struct device *device_get(void);
zog_status_t device_start(void);
void device_submit(uint32_t place, const struct request *request, uint64_t data_physical);
enum device_answer { DEVICE_NONE, DEVICE_ANSWER };
enum device_answer device_collect(struct request_table *table, uint32_t *place_out, bool *is_failed_out);
bool device_needs_reset(void);

#endif
