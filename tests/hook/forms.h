/* The forms in which C stores through a pointer; each fills some of a target that lies in a home region. */
#ifndef HOOK_FORMS_H
#define HOOK_FORMS_H

#include <stdint.h>
#include <stddef.h>

struct small { uint8_t a; uint16_t b; uint8_t c[3]; };
struct large { uint64_t word[20]; uint8_t tail[5]; };
struct bits { uint32_t one : 1, three : 3, ten : 10, across : 17; uint64_t wide : 40, rest : 24; };
struct __attribute__((packed)) packed { uint8_t odd; uint64_t word; uint16_t half; };
union either { uint64_t word; uint8_t byte[8]; struct small small; };
struct target {
	uint8_t byte;
	uint16_t half;
	uint32_t word;
	uint64_t quad;
	unsigned __int128 wide __attribute__((aligned(16)));
	_Bool truth;
	struct bits bits;
	struct small small, small_array[4];
	struct large large, other;
	struct packed packed;
	union either either;
	uint8_t bytes[300];
	uint64_t words[16];
	struct target *link;
	uint32_t count;
	uint16_t flexible[];
};

struct form {
	const char *name;
	void (*store)(struct target *t, uint64_t value);
};
/* Reported by the hook, all of them. */
extern const struct form form_reported[];
extern const uint32_t form_reported_count;
/* Known not to be: what the lint and the rules keep out of domains. */
extern const struct form form_unreported[];
extern const uint32_t form_unreported_count;
extern uint64_t form_global;
#endif
