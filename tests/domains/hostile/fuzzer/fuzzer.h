/* What the parts of the fuzzer share: its home region, its targets. */
#ifndef FUZZER_H
#define FUZZER_H

#include "fuzz/fuzz.h"
#include "rt/contract.h"
#include "rt/rt.h"
#include "stream/stream.h"
#include "domain.h"

#define TARGETS 13u
#define TURNS 24u
#define OUTCOME_MAX 512u

struct outcome { /* how often a method was answered so */
	uint16_t place, method;
	int32_t status;
	uint64_t count;
};
struct home {
	struct fuzz fuzz[TARGETS];
	uint64_t done;
	uint32_t is_told, is_open;
	uint64_t lost;    /* calls that did not return here */
	uint64_t waited, left; /* times that a call made this activity wait; calls that were not issued again then */
	struct rt_handle tally;
	uint64_t rounds;
	uint32_t phase, is_started;
	uint32_t outcome_count, outcome_told;
	struct outcome outcome[OUTCOME_MAX];
	uint64_t uncounted; /* answers for which the table had no row */
	uint64_t flips, flips_inside; /* inside: while a call was under way */
	uint32_t is_waiting;
	struct stream_home flood;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

struct target {
	const char *name;
	uint32_t (*step)(struct fuzz *state);
	const struct rt_contract *contract;
	uint32_t server;
	bool waits; /* some method may make its caller wait: then this activity is not inside a call, though it is open */
	void (*prepare)(struct fuzz *state);                /* before each call: its pool */
	void (*learn)(struct fuzz *state, uint32_t method); /* after it, when it was answered with OK */
	void (*forget)(struct fuzz *state);                 /* after one that was given up half done */
};
extern const struct target targets[TARGETS];
extern const uint8_t turns[TURNS]; /* places of targets */

uint64_t option_number(const char *key, uint64_t otherwise);
zog_status_t again_at(struct zog_call *call, uint64_t deadline_ns);
zog_status_t handles_serve(struct zog_call *call, struct home *home);
zog_status_t flood_serve(struct zog_call *call, struct home *home);
zog_status_t leaks_serve(struct zog_call *call, struct home *home, bool is_flip);

#endif
