/* What the code generated from contracts needs: checks of texts, and handles.
 *
 * Handles. A client names its handles itself, 0..limit-1, so that issuing an open again changes nothing. The server keeps a
 * record for each client and handle: its state, and the call that brought it there. A call is admitted in the states
 * that the contract names, or as a repeat of the very call that brought the handle where that leads. Handles of others
 * cannot be named: a record is found by the client that the core vouches for.
 * A durable handle's records live in the server's home region. A volatile one's are scratch: after a restart all are
 * closed. Its client keeps, for each handle, the calls that led from closed to its state (struct rt_handle, best in its
 * home region; zero but for the slot: closed), and the stub replays them when the server says ZOG_ERR_HANDLE. A call
 * that leads back to a state passed before drops what came since. */
#ifndef RT_CONTRACT_H
#define RT_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "zog/status.h"

/* No NUL among the LENGTH bytes. */
static inline bool rt_text_is_valid(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == 0)
			return false;
	return true;
}

/* --- handles, server side --- */

struct rt_handle_record {
	uint64_t hash; /* of the arguments of the last call that changed the state */
	uint32_t method;
	uint32_t state; /* 0: closed */
};
static inline bool rt_handle_admits(const struct rt_handle_record *record, uint32_t states)
{
	return record->state < 32 && states >> record->state & 1;
}
static inline bool rt_handle_repeats(const struct rt_handle_record *record, uint32_t method, uint64_t hash, uint32_t target)
{
	return record->state == target && record->method == method && record->hash == hash;
}
void rt_handle_move(struct rt_handle_record *record, uint32_t method, uint64_t hash, uint32_t target);

/* --- handles, client side --- */

#define RT_HANDLE_STEPS 8
#define RT_HANDLE_TRIES 4u /* how often one call replays: its server may die again and again under it */
struct rt_handle {
	uint32_t slot;  /* the handle's number, chosen by the client */
	uint32_t count; /* steps from closed to where it stands */
	struct {
		uint32_t method, state;
		uint64_t word[6];
	} step[RT_HANDLE_STEPS];
};
/* METHOD brought the handle to STATE. */
void rt_handle_note(struct rt_handle *handle, uint32_t method, const uint64_t word[6], uint32_t state);
/* Replays the steps. false: there are none, or the server refuses one. */
bool rt_handle_restore(struct rt_handle *handle, uint32_t cap);

#endif
