/* Live update: takes a file page by page, checks that it fits, has the core check that it is whole, and stages the switch.
 *
 * Protocol. `control` with "update NAME PATH" opens the session for its thread; the personality then reads the file and
 * hands over its pages in order (update_page), and says that this was all (update_end) or that it could not go on. Each
 * call may come again: a page that was taken is not taken twice, and a closed session answers what it answered. Page 0 is
 * checked before any other is taken. What the core's slot holds is not part of our state: only what passes ZOG_IMAGE_CHECK
 * in the invocation that stages ZOG_OP_UPDATE is used. A client that went away leaves its session open; the next one may
 * take over when nothing came for SESSION_IDLE_NS. "launch NAME PATH" is the same for a service that does not run: its start is
 * staged behind the switch, in the same commit. */
#include "update.h"
#include "service.h"

#include "domain.h"
#include "contracts/supervisor_server.h"

#define SESSION_IDLE_NS 10000000000ull
#define PAGE ZOG_PAGE_SIZE

/* Scratch: only one invocation is inside. */
static uint8_t file_page[PAGE] __attribute__((aligned(4096)));
static uint8_t running_page[PAGE] __attribute__((aligned(4096)));

static uint64_t client_of(const struct zog_call *call) { return (uint64_t)call->client_domain << 32 | call->client_thread; }

static void note_write(uint32_t domain, const char *outcome, const char *reason)
{
	struct update_note *note = &update_home()->note[domain];
	struct zog_domain_stats stats;
	char text[UPDATE_REASON_SIZE];

	rt_format(text, sizeof(text), "%s%s%s", outcome, *reason ? ": " : "", reason); /* the runtime stores without the hook */
	memcpy(note->text, text, sizeof(text));
	note->time_ns = rt_now_ns();
	if (rt_stats(CAP_STATS, domain, &stats) == ZOG_OK)
		rt_log(RT_INFO, "update of %s %s", stats.name, text);
}

static zog_status_t session_close(struct update_session *session, zog_status_t status, const char *reason)
{
	session->state = SESSION_CLOSED;
	session->status = status;
	note_write(session->domain, status == ZOG_OK ? "in place" : "refused", reason);
	return status;
}

static zog_status_t refused(uint32_t domain, zog_status_t status, const char *reason)
{
	note_write(domain, "refused", reason);
	return status;
}

/* What keeps a launch from starting its service; ZOG_OK: nothing. */
static zog_status_t launch_check(uint32_t domain, const char **reason)
{
	zog_status_t status = service_may_start(domain);

	*reason = status == ZOG_ERR_BUSY ? "the service runs: stop it first" : "it is no service: `update` replaces its program";
	return status;
}

zog_status_t update_begin(const struct zog_call *call, uint32_t domain, bool is_launch)
{
	struct update_session *session = &update_home()->session;
	struct zog_domain_stats stats;
	uint64_t now_ns = rt_now_ns();
	const char *reason;
	zog_status_t status = is_launch ? launch_check(domain, &reason) : ZOG_OK;

	if (status != ZOG_OK)
		return refused(domain, status, reason);
	if (session->state == SESSION_OPEN && session->client != client_of(call) && now_ns - session->touched_ns < SESSION_IDLE_NS)
		return refused(domain, ZOG_ERR_BUSY, "another update is being loaded");
	if (rt_stats(CAP_STATS, domain, &stats) != ZOG_OK || stats.update_state >= ZOG_UPDATE_ARMED)
		return refused(domain, ZOG_ERR_BUSY, "the update before it is on probation");
	*session = (struct update_session){ .state = SESSION_OPEN, .domain = domain, .is_launch = is_launch, .client = client_of(call), .touched_ns = now_ns };
	return ZOG_OK;
}

/* Page 0 against the program that runs. */
static zog_status_t header_check(struct update_session *session)
{
	struct zog_domain_stats stats;
	char reason[UPDATE_REASON_SIZE];
	zog_status_t status;

	if (rt_image(CAP_UPDATE, session->domain, ZOG_IMAGE_READ, 0, running_page) != ZOG_OK ||
	    rt_stats(CAP_STATS, session->domain, &stats) != ZOG_OK)
		return session_close(session, ZOG_ERR_NOT_FOUND, "no such domain");
	status = update_check(file_page, (const void *)running_page, stats.name, reason);
	if (status != ZOG_OK)
		return session_close(session, status, reason);
	session->expected = update_file_bytes(file_page);
	return ZOG_OK;
}

static zog_status_t page_take(struct update_session *session)
{
	char reason[UPDATE_REASON_SIZE] = "";
	zog_status_t status = session->received == 0 ? header_check(session) : ZOG_OK;

	if (status != ZOG_OK)
		return status;
	if (session->received >= session->expected)
		return session_close(session, ZOG_ERR_TOO_BIG, "the file is longer than its page 0 says");
	status = rt_image(CAP_UPDATE, session->domain, ZOG_IMAGE_WRITE, (uint32_t)(session->received / PAGE), file_page);
	if (status == ZOG_ERR_TOO_BIG)
		rt_format(reason, sizeof(reason), "%lu KiB are more than there is room for", session->expected / 1024);
	if (status == ZOG_ERR_BUSY)
		rt_format(reason, sizeof(reason), "the update before it is on probation");
	if (status != ZOG_OK)
		return session_close(session, status, reason);
	session->received += PAGE;
	session->touched_ns = rt_now_ns();
	return ZOG_OK;
}

/* The session of this client, still open; else NULL and what to answer. */
static struct update_session *session_of(const struct zog_call *call, zog_status_t *status)
{
	struct update_session *session = &update_home()->session;
	bool is_own = session->state != SESSION_NONE && session->client == client_of(call);

	*status = is_own ? session->status : ZOG_ERR_NOT_FOUND;
	return is_own && session->state == SESSION_OPEN ? session : NULL;
}

zog_status_t supervisor_update_page_serve(struct zog_call *call, uint64_t offset, const void *data, size_t length)
{
	zog_status_t status;
	struct update_session *session = session_of(call, &status);

	if (!session)
		return status;
	if (offset < session->received)
		return ZOG_OK; /* it came again */
	if (offset > session->received)
		return session_close(session, ZOG_ERR_ARGUMENT, "pages came out of order");
	if (length != PAGE)
		return session_close(session, ZOG_ERR_ARGUMENT, "it is cut short: an update file is whole pages");
	memcpy(file_page, data, PAGE);
	return page_take(session);
}

static zog_status_t image_check(struct update_session *session)
{
	const char *reason;
	zog_status_t status = session->is_launch ? launch_check(session->domain, &reason) : ZOG_OK;

	if (status != ZOG_OK) /* meanwhile somebody started it */
		return session_close(session, status, reason);
	status = rt_image(CAP_UPDATE, session->domain, ZOG_IMAGE_CHECK, 0, NULL);
	switch (status) {
	case ZOG_OK:
		rt_stage(ZOG_OP_UPDATE, CAP_UPDATE, session->domain, 0, 0, 0, 0);
		if (session->is_launch)
			service_command_start(session->domain, "", 0, false);
		return session_close(session, ZOG_OK, "");
	case ZOG_ERR_CORRUPT:
		return session_close(session, status, "it is damaged: its pages do not have their measure");
	case ZOG_ERR_TOO_BIG:
		return session_close(session, status, "its data is larger than there is room for");
	case ZOG_ERR_BUSY:
		return session_close(session, status, "the slot was taken meanwhile");
	default:
		return session_close(session, status, "its parts do not lie where a domain's do");
	}
}

zog_status_t supervisor_update_end_serve(struct zog_call *call, uint64_t is_whole)
{
	char reason[UPDATE_REASON_SIZE];
	zog_status_t status;
	struct update_session *session = session_of(call, &status);

	if (!session)
		return status;
	if (!is_whole)
		return session_close(session, ZOG_ERR_IO, "the file cannot be read");
	if (session->received == session->expected && session->received != 0)
		return image_check(session);
	rt_format(reason, sizeof(reason), "it is cut short: %lu of %lu bytes", session->received, session->expected);
	return session_close(session, ZOG_ERR_CORRUPT, reason);
}
