/* Hostile calls to the server of any contract, from a seed. Each contract has its own in build/gen/contracts/NAME_fuzz.h:
 *
 *	uint32_t NAME_fuzz_step(struct fuzz *state);   one call through the capability; returns the method
 *
 * A step draws a method, then its words and the message: half of the values keep the contract, half are at or behind
 * its edges (lengths beyond the bound, values that are no enum's, handles that nobody opened, used sequence numbers,
 * methods that do not exist). The stubs and their checks are bypassed. The answer is compared with the contract: a
 * status that is not declared, or a result out of its range, counts in `broken`, and `report` says which.
 *
 * Three quarters of the integers come from what the fuzzing domain knows, where it knows something (nodes, frames, positions),
 * so that calls get beyond "no such thing". Texts are short names of few letters, so that they meet again, or known, or wild.
 *
 * The calls of a seed are the same whatever is answered, as far as what is known is. Commit the state (in the home region) before each step: a call
 * that WAITs unwinds the caller, and a caller that is ended starts again; neither must repeat the same call for ever. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "rt/contract.h"
#include "rt/method.h"
#include "rt/rt.h"

#define FUZZ_SKIPPED 127 /* as a status: the method was drawn and left out */
enum fuzz_finding { FUZZ_FINE = 0, FUZZ_STATUS = 1, FUZZ_RESULT = 2, FUZZ_LENGTH = 3, FUZZ_CONTENT = 4 };
#define FUZZ_POOL_MAX 16u
struct fuzz {
	uint64_t seed, step;    /* set the seed; the rest starts as zeros */
	uint64_t pool[FUZZ_POOL_MAX]; /* the fuzzing domain's: what it has seen, for fuzz_value */
	uint64_t skip;          /* bit n: leave method n of the contract out */
	uint64_t sequence;      /* of once calls */
	uint64_t calls, accepted, refused, broken; /* accepted: status >= 0 */
	struct {
		uint32_t finding, method; /* enum fuzz_finding */
		int64_t status;
		uint64_t value;
	} report; /* the last broken answer */
	int64_t status; /* the last answer */
	uint64_t out[4];
};
/* For the fuzzing domain to define; without, nothing is left out, and no texts are known. Is this call of METHOD, with these
 * decoded words and this message, left out (harm to what the contract lets a client change, but is not the fuzzer's)? */
bool fuzz_leaves_out(struct fuzz *state, const struct rt_method *method, const uint64_t *word, const uint8_t *area);
/* A value for this argument or field, chosen by CHOICE; false: none is known. */
bool fuzz_value(struct fuzz *state, const struct rt_argument *argument, uint64_t choice, uint64_t *value);
/* A text for METHOD, chosen by CHOICE; NULL: none is known. */
const char *fuzz_text(const struct rt_method *method, uint64_t choice);
uint32_t fuzz_call(struct fuzz *state, const struct rt_contract *contract, uint32_t cap, uint32_t self, uint32_t server);

#endif
