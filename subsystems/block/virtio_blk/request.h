/* The table of requests that survives the driver. See request.c. */
#ifndef VIRTIO_BLK_REQUEST_H
#define VIRTIO_BLK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_COUNT 64u
#define REQUEST_NONE 0xffffffffu
/* A result nobody fetched for so long is dropped: its client died or forgot it, and an old result must not
 * answer a new use of the same frame. Who comes later just has the block moved once more. */
#define REQUEST_RESULT_KEPT_NS 5000000000ull

enum request_state { REQUEST_FREE = 0, REQUEST_IN_FLIGHT = 1, REQUEST_DONE = 2 };
enum request_kind { REQUEST_READ = 0, REQUEST_WRITE = 1, REQUEST_FLUSH = 2 };

struct request {
	uint32_t state; /* enum request_state */
	uint32_t kind;  /* enum request_kind */
	uint32_t client;
	uint16_t is_failed; /* REQUEST_DONE: the device reported an error */
	uint16_t is_pinned; /* the frame is still to be unpinned */
	uint64_t key;   /* frame, or ticket of a flush; with client and class of kind it names the request */
	uint64_t block; /* 0 for a flush */
	uint64_t done_ns;
	uint64_t seal;  /* over the rest: damage by stray stores is found before the record is used */
};
struct request_table {
	struct request request[REQUEST_COUNT];
};

bool request_is_sound(const struct request *request);
uint32_t request_find(const struct request_table *table, uint32_t client, enum request_kind kind, uint64_t key);
uint32_t request_place(const struct request_table *table, uint32_t limit);
bool request_frame_is_busy(const struct request_table *table, uint64_t frame); /* in flight, for whomever */
void request_begin(struct request *request, uint32_t client, enum request_kind kind, uint64_t key, uint64_t block);
void request_finish(struct request *request, bool is_failed, uint64_t now_ns);
void request_set_pinned(struct request *request, bool is_pinned);
void request_release(struct request *request);
bool request_is_same(const struct request *request, enum request_kind kind, uint64_t block);
bool request_is_fresh(const struct request *request, uint64_t now_ns);

#endif
