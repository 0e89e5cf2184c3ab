/* The console: a byte terminal on the serial port; serves the `console` contract.
 *
 * Protocol: output is taken into a ring and sent from there; its positions are absolute, so every call may be issued
 * again. Input is collected in a ring, and goes from there into the stream `input`, in one commit. Bytes move between
 * rings and UART by commits only (uart.c). What does not fit the budget of one call is left to the "interrupts" activity.
 *
 * Waiting: `output` is notified when a writer that was refused finds a good piece of room, or when all is sent and
 * somebody waits for that; `input` by the stream. A count is read before the ring it belongs to is looked at. Killed between
 * a move and its notify, the start notifies `output`, and attaching the stream does for `input`. The activity is called by
 * the UART's interrupt, and by `irq` notified from here when the budget of a call left output behind. When the stream is
 * full, the activity "input" is told by `full`, and goes on when the reader has made room. */
#include "contracts/console_server.h"
#include "home.h"
#include "rt/rt.h"
#include "uart.h"

#define WRITE_BUDGET 512u    /* bytes sent inside a write */
#define TURN_BUDGET 1024u /* bytes each way in a turn of the activity */
#define READ_BUDGET 256u
#define TURN_MAX 4u
#define WAKE_ROOM (OUTPUT_BYTES / 4)
#define RETRY_NS 10000000ull /* look again while something is pending: a lost interrupt must not stop it */
#define SLOT_BYTES 256u
#define RECORD_BYTES (SLOT_BYTES - sizeof(struct stream_record))

static struct stream input;

/* At entry, before any store, both images of the positions are equal: else somebody else wrote here. */
static struct home *home_checked(void)
{
	struct home *home = rt_home();
	const struct home *committed = rt_committed(home);

	if (memcmp(home, committed, offsetof(struct terminal, output)) != 0
	    || home->is_programmed != committed->is_programmed || home->input.position != committed->input.position)
		rt_fail(ZOG_CAUSE_SCRUB, __LINE__, 0);
	rt_assert(terminal_is_sound(&home->terminal));
	return home;
}

static bool output_send(struct terminal *terminal, uint32_t budget)
{
	bool is_any = uart_send(terminal, budget);

	bool is_room = terminal->is_writer_waiting && output_room(terminal) >= WAKE_ROOM;
	bool is_drained = terminal->is_drain_waiting && terminal->output_sent == terminal->output_accepted;

	if (is_room)
		terminal->is_writer_waiting = 0;
	if (is_drained)
		terminal->is_drain_waiting = 0;
	if (is_room || is_drained)
		rt_notify(EVENT_OUTPUT, 0);
	return is_any;
}

/* What has come goes into the stream, as far as there is room: each record with the ring's position in one commit, so that
 * a little is kept whenever this is cut. false: no room; the reader is asked to tell of it. */
static bool input_publish(struct terminal *terminal)
{
	uint8_t bytes[RECORD_BYTES];
	bool has_room = true;

	stream_rewind(&input);
	while (has_room && terminal->input_published < terminal->input_received) {
		has_room = stream_has_room(&input) || stream_ask(&input) == ZOG_OK;
		if (!has_room)
			break;
		rt_assert(stream_put(&input, bytes, input_take(terminal, bytes, sizeof(bytes))) == ZOG_OK);
		stream_publish(&input);
	}
	return has_room;
}

static bool input_collect(struct terminal *terminal, uint32_t budget)
{
	bool is_any = uart_receive(terminal, budget);

	if (is_any && !input_publish(terminal))
		rt_notify(EVENT_FULL, 0);
	return is_any;
}

zog_status_t console_write_serve(struct zog_call *call, uint64_t position, const void *data, size_t data_length,
	uint64_t *accepted, uint64_t *seen)
{
	struct terminal *terminal = &home_checked()->terminal;

	(void)call;
	*seen = rt_event_count(EVENT_OUTPUT);
	output_take(terminal, position, data, data_length, accepted);
	output_send(terminal, WRITE_BUDGET);
	/* Issued again with the same position it takes just the rest, into the room that sending made. */
	output_take(terminal, position, data, data_length, accepted);
	if (*accepted < position + data_length && !terminal->is_writer_waiting)
		terminal->is_writer_waiting = 1;
	if (terminal->output_sent < terminal->output_accepted)
		rt_notify(EVENT_IRQ, 0);
	uart_interrupts_update(terminal);
	return ZOG_OK;
}

zog_status_t console_drain_serve(struct zog_call *call, uint64_t *sent, uint64_t *seen)
{
	struct terminal *terminal = &home_checked()->terminal;

	(void)call;
	*seen = rt_event_count(EVENT_OUTPUT);
	output_send(terminal, WRITE_BUDGET);
	*sent = terminal->output_sent;
	if (terminal->output_sent < terminal->output_accepted) {
		terminal->is_drain_waiting = 1;
		rt_notify(EVENT_IRQ, 0);
	}
	uart_interrupts_update(terminal);
	return ZOG_OK;
}

zog_status_t domain_start(struct zog_call *call)
{
	struct home *home = home_checked();
	struct stream_place place = STREAM_PLACE(INPUT, STREAM_END_PRODUCER, SLOT_BYTES, EVENT_INPUT, &home->input);

	(void)call;
	rt_assert(stream_attach(&input, &place) != ZOG_ERR_ARGUMENT);
	if (!uart_start(home))
		rt_log(RT_WARN, "no serial port at 0x3f8; output goes nowhere");
	uart_send(&home->terminal, WRITE_BUDGET);
	uart_receive(&home->terminal, READ_BUDGET);
	input_publish(&home->terminal);
	uart_interrupts_update(&home->terminal);
	rt_notify(EVENT_FULL, 0);
	rt_notify(EVENT_OUTPUT, 0);
	rt_notify(EVENT_IRQ, 0);
	return ZOG_OK;
}

/* Serves the UART until it asks for nothing, so that its line has fallen and the next cause makes an edge; false when
 * the turns were used up before. */
static bool interrupts_serve(struct terminal *terminal)
{
	for (uint32_t turn = 0; turn < TURN_MAX; turn++) {
		bool is_asking = uart_interrupt_take();
		bool is_any = input_collect(terminal, TURN_BUDGET);

		is_any |= output_send(terminal, TURN_BUDGET);
		uart_interrupts_update(terminal);
		if (!is_asking && !is_any)
			return true;
	}
	return false;
}

/* Runs whenever the UART raised its interrupt. */
static zog_status_t interrupts_activity(struct zog_call *call, struct terminal *terminal)
{
	uint64_t seen = rt_event_count(EVENT_IRQ);
	uint64_t deadline_ns = RT_NO_DEADLINE;

	if (!interrupts_serve(terminal))
		deadline_ns = rt_now_ns();
	else if (terminal->output_sent < terminal->output_accepted)
		deadline_ns = rt_now_ns() + RETRY_NS;
	return rt_wait(call, EVENT_IRQ, seen, deadline_ns);
}

/* Runs when input found no room in the stream, or may have. */
static zog_status_t input_activity(struct zog_call *call, struct terminal *terminal)
{
	uint64_t seen = rt_event_count(EVENT_FULL);
	zog_status_t status = ZOG_OK;

	while (status == ZOG_OK && !input_publish(terminal))
		status = stream_wait(&input, call, WAIT_TERMINAL_TAKEN);
	uart_interrupts_update(terminal);
	if (status == ZOG_OK)
		return rt_wait(call, EVENT_FULL, seen, RT_NO_DEADLINE);
	return status == ZOG_ERR_CORRUPT ? rt_wait(call, EVENT_FULL, seen, rt_now_ns() + RETRY_NS) : status;
}

zog_status_t domain_activity(struct zog_call *call)
{
	struct terminal *terminal = &home_checked()->terminal;

	switch (call->word[0]) {
	case ACTIVITY_INTERRUPTS:
		return interrupts_activity(call, terminal);
	case ACTIVITY_INPUT:
		return input_activity(call, terminal);
	default:
		return ZOG_ERR_METHOD;
	}
}
