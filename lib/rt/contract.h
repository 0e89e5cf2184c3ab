/* What the code generated from contracts needs: checks of strings, and handles. Lists are in list.h.
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

typedef uint64_t __attribute__((may_alias, aligned(1))) rt_eight_bytes;
#define RT_EACH_BYTE 0x0101010101010101ul
/* Not 0 when one of the eight bytes is 0. */
static inline uint64_t rt_zero_byte(uint64_t bytes)
{
	return (bytes - RT_EACH_BYTE) & ~bytes & RT_EACH_BYTE << 7;
}
static inline uint64_t rt_zero_or_slash(uint64_t bytes)
{
	return rt_zero_byte(bytes) | rt_zero_byte(bytes ^ '/' * RT_EACH_BYTE);
}
static inline uint64_t rt_eight(const char *text)
{
	return *(const rt_eight_bytes *)(const void *)text;
}
/* text: no NUL among the LENGTH bytes. */
static inline bool rt_text_is_valid(const char *text, size_t length)
{
	size_t at = 0;

	for (; at + 8 <= length; at += 8)
		if (rt_zero_byte(rt_eight(text + at)))
			return false;
	if (at) /* the rest together with what stands before it */
		return !rt_zero_byte(rt_eight(text + length - 8));
	for (; at < length; at++)
		if (text[at] == 0)
			return false;
	return true;
}
/* name: neither a NUL nor a slash. */
static inline bool rt_name_is_valid(const char *text, size_t length)
{
	size_t at = 0;

	for (; at + 8 <= length; at += 8)
		if (rt_zero_or_slash(rt_eight(text + at)))
			return false;
	if (at)
		return !rt_zero_or_slash(rt_eight(text + length - 8));
	for (; at < length; at++)
		if (text[at] == 0 || text[at] == '/')
			return false;
	return true;
}
/* The bytes of the character at TEXT; 0: no UTF-8 (RFC 3629: nothing overlong, no surrogates, nothing above 0x10ffff). */
static inline size_t rt_utf8_character(const uint8_t *text, size_t length)
{
	size_t bytes = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;

	if (bytes == 0 || bytes > length)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90)
		|| (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return bytes;
}
/* utf8: whole characters, no NUL. */
static inline bool rt_utf8_is_valid(const char *text, size_t length)
{
	size_t at = 0, bytes = 1;

	while (at < length && bytes && text[at]) {
		bytes = rt_utf8_character((const uint8_t *)text + at, length - at);
		at += bytes;
	}
	return at == length && bytes;
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
