#include <stdint.h>
enum mode { MODE_FIRST = 1, MODE_LAST = 4 };
struct item {
	uint32_t is_used;
	int16_t level;
	uint8_t mode, flags;
	uint32_t next;
	uint32_t bits : 3;
	uint64_t head, tail;
	struct item *other;
	uint32_t slot[4];
};
struct wide {
	uint32_t is_used, rest[5000];
};
struct home {
	uint64_t version;
	struct item item[8];
	struct item large[100];
	struct wide wide[1];
};
