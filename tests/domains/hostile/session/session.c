/* Tallies in scratch, seats in the home region: see session.zidl. Order and ownership of handles are the generated code's
 * business; a handler finds its client's own place and a state in which the contract lets it be called. */
#include "contracts/session_server.h"
#include "session.h"

struct seat {
	uint32_t length;
	char name[SESSION_TAKE_NAME_MAX];
};
struct home {
	struct session_seat_handles handles;
	struct seat seat[ZOG_DOMAIN_MAX][SESSION_SEAT_LIMIT];
	struct drain drain;
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home_kib in manifest.toml");

static struct tally {
	uint64_t first, last, is_sealed;
} tallies[ZOG_DOMAIN_MAX][SESSION_TALLY_LIMIT];

struct drain *session_drain(void) { return &((struct home *)rt_home())->drain; }
struct session_seat_handles *session_seat_handles(void) { return &((struct home *)rt_home())->handles; }

zog_status_t session_begin_serve(struct zog_call *call, uint32_t h, uint64_t first)
{
	tallies[call->client_domain][h] = (struct tally){ .first = first };
	return ZOG_OK;
}

zog_status_t session_seal_serve(struct zog_call *call, uint32_t h, uint64_t last)
{
	tallies[call->client_domain][h].last = last;
	tallies[call->client_domain][h].is_sealed = 1;
	return ZOG_OK;
}

zog_status_t session_total_serve(struct zog_call *call, uint32_t h, const struct session_weight *weights, size_t weights_count, uint64_t *sum,
				 uint64_t *is_sealed)
{
	const struct tally *tally = &tallies[call->client_domain][h];

	*sum = tally->first + tally->last;
	for (size_t i = 0; i < weights_count; i++)
		*sum += weights[i].of;
	*is_sealed = tally->is_sealed;
	return ZOG_OK;
}

zog_status_t session_end_serve(struct zog_call *call, uint32_t h)
{
	tallies[call->client_domain][h] = (struct tally){ 0 };
	return ZOG_OK;
}

zog_status_t session_take_serve(struct zog_call *call, uint32_t h, const char *name, size_t name_length)
{
	struct home *home = rt_home();
	struct seat *seat = &home->seat[call->client_domain][h];

	seat->length = (uint32_t)name_length;
	memcpy(seat->name, name, name_length);
	return ZOG_OK;
}

zog_status_t session_holder_serve(struct zog_call *call, uint32_t h, enum session_mood *mood, char *name, size_t name_size, size_t *name_length)
{
	const struct home *home = rt_home();
	const struct seat *seat = &home->seat[call->client_domain][h];

	(void)name_size;
	*mood = seat->length > 10 ? SESSION_MOOD_CROSS : SESSION_MOOD_CALM;
	memcpy(name, seat->name, seat->length);
	*name_length = seat->length;
	return ZOG_OK;
}

zog_status_t session_leave_serve(struct zog_call *call, uint32_t h)
{
	struct home *home = rt_home();

	home->seat[call->client_domain][h].length = 0;
	return ZOG_OK;
}
