/* The terminal on the console domain.
 *
 * Output: bytes go through the line discipline into a ring of the home region, and that is committed before the console
 * sees them: console_write names absolute positions, so after a death the same bytes are offered at the same place and
 * each appears once. The position moves when the console took them.
 * Input: the "terminal" activity alone takes the console's stream, feeds the line discipline, echoes, sends the signals of
 * keys, and commits all that together with its place in the stream. Readers wait on EVENT_TTY. */
#include "tty.h"
#include "linux/signal.h"
#include "contracts/console_client.h"

enum { CHUNK = 2048, INPUT_SLOT = 256, INPUT_RETRY_NS = 1000000000 };

static struct stream input;

struct tty *tty_get(void)
{
	struct tty *tty = &files()->tty;
	char value[8];

	if (!tty->is_started)
		tty_line_reset(tty, rt_option("zog.exec", value, sizeof value) && value[0] == '1');
	return tty;
}

/* The console lacks bytes before the ring's tail: they may still stand in the ring. */
static void output_resync(struct tty *tty, uint64_t output)
{
	rt_log(RT_WARN, "console output is at %lu, not at %lu", output, tty->output_tail);
	if (tty->output_head - output <= TTY_OUTPUT_SIZE)
		tty->output_tail = output;
	else
		tty->output_head = tty->output_tail = output;
}

/* One piece of the ring: false when the console takes no more for now (seen is set). */
static bool output_offer(struct tty *tty, uint64_t *seen)
{
	uint64_t at = tty->output_tail % TTY_OUTPUT_SIZE, size = tty->output_head - tty->output_tail, accepted = 0;
	zog_status_t status;

	if (size > TTY_OUTPUT_SIZE - at)
		size = TTY_OUTPUT_SIZE - at;
	if (size > 4096)
		size = 4096;
	status = console_write(tty->output_tail, tty->output + at, size, &accepted, seen);
	if (status != ZOG_OK) { /* no console: what is not shown must not stop the programs */
		tty->output_tail = tty->output_head;
		return true;
	}
	if (accepted < tty->output_tail) {
		output_resync(tty, accepted);
		return true;
	}
	if (accepted == tty->output_tail || accepted > tty->output_head)
		return false;
	tty->output_tail = accepted;
	return true;
}

/* True when the ring is empty; else *seen is for waiting. What the ring holds is committed first. */
static bool tty_flush(struct tty *tty, uint64_t *seen)
{
	if (tty->output_tail == tty->output_head)
		return true;
	rt_commit();
	while (tty->output_tail != tty->output_head)
		if (!output_offer(tty, seen))
			return false;
	return true;
}

int64_t tty_drain(struct zog_call *call)
{
	uint64_t seen = 0;

	if (tty_flush(tty_get(), &seen))
		return 0;
	return wait_on(call, WAIT_CONSOLE_OUTPUT, seen, RT_NO_DEADLINE);
}

int64_t tty_finish(struct zog_call *call)
{
	struct tty *tty = tty_get();
	uint64_t sent, seen = 0;

	if (!tty_flush(tty, &seen))
		return wait_on(call, WAIT_CONSOLE_OUTPUT, seen, RT_NO_DEADLINE);
	if (console_drain(&sent, &seen) == ZOG_OK && sent < tty->output_tail)
		return wait_on(call, WAIT_CONSOLE_OUTPUT, seen, RT_NO_DEADLINE);
	return 0;
}

int64_t tty_write(struct transfer *t, struct file *file, uint64_t *position)
{
	static uint8_t bytes[CHUNK]; /* scratch */
	struct tty *tty = tty_get();
	uint64_t seen = 0, size = transfer_left(t) < CHUNK ? transfer_left(t) : CHUNK;
	int64_t result;
	size_t taken;

	(void)file, (void)position;
	result = transfer_in(t, 0, bytes, (uint32_t)size);
	if (result)
		return result;
	taken = tty_line_output(tty, bytes, size);
	if (taken)
		return (int64_t)taken;
	if (tty_flush(tty, &seen))
		return (int64_t)tty_line_output(tty, bytes, size);
	if (signal_is_pending(thread_current(t->call)))
		return -EINTR;
	return wait_on(t->call, WAIT_CONSOLE_OUTPUT, seen, RT_NO_DEADLINE);
}

/* A background process that reads is stopped until it is in the foreground. 0: may read. */
static int64_t foreground_check(struct zog_call *call, struct tty *tty)
{
	struct process *process = process_current(call);
	uint32_t group = process_group(process);

	if (tty->session != process_session(process) || tty->foreground == group || tty->foreground == 0)
		return 0;
	if (signal_is_ignored(process, thread_current(call), SIGTTIN) || group_is_orphaned(group))
		return -EIO;
	signal_send_group_code(group, SIGTTIN, SI_KERNEL);
	return -EINTR;
}

static uint32_t raw_minimum(const struct tty *tty)
{
	return tty->termios.c_lflag & ICANON ? 0 : tty->termios.c_cc[VMIN];
}

/* Enough to answer a read? In raw mode VMIN counts, at most what was asked for. */
static bool read_is_ready(const struct tty *tty, uint64_t size)
{
	int32_t ready = tty_line_ready(tty);
	uint32_t minimum = raw_minimum(tty);

	if (ready < 0)
		return false;
	return (uint32_t)ready >= minimum || (uint64_t)ready >= size;
}

static int64_t read_await(struct transfer *t, struct file *file, struct tty *tty)
{
	struct progress *progress = thread_progress(thread_current(t->call));
	bool is_timed = !(tty->termios.c_lflag & ICANON) && raw_minimum(tty) == 0;

	if (is_timed && tty->termios.c_cc[VTIME] == 0)
		return 0;
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	if (signal_is_pending(thread_current(t->call)))
		return -EINTR;
	if (is_timed && progress->deadline_ns == 0)
		progress->deadline_ns = rt_now_ns() + tty->termios.c_cc[VTIME] * 100000000ull;
	if (is_timed && rt_now_ns() >= progress->deadline_ns)
		return 0;
	return wait_on(t->call, EVENT_TTY, rt_event_count(EVENT_TTY), is_timed ? progress->deadline_ns : RT_NO_DEADLINE);
}

int64_t tty_read(struct transfer *t, struct file *file, uint64_t *position)
{
	static uint8_t bytes[TTY_INPUT_SIZE]; /* scratch */
	struct tty *tty = tty_get();
	uint64_t size = transfer_left(t) < sizeof bytes ? transfer_left(t) : sizeof bytes, taken = 0;
	int64_t result = foreground_check(t->call, tty);
	bool was_full;
	size_t count;

	(void)position;
	if (result)
		return result;
	if (!read_is_ready(tty, size))
		return read_await(t, file, tty);
	count = tty_line_peek(tty, bytes, size, &taken);
	result = count ? transfer_out(t, 0, bytes, (uint32_t)count) : 0;
	if (result)
		return result;
	was_full = !tty_line_has_room(tty);
	tty->tail += taken;
	if (was_full)
		rt_notify(EVENT_TTY, 0); /* the activity left input at the console */
	return (int64_t)count;
}

uint32_t tty_poll(const struct file *file)
{
	(void)file;
	return POLLOUT | POLLWRNORM | (read_is_ready(tty_get(), 1) ? POLLIN | POLLRDNORM : 0u);
}

/* --- the activity --- */

static void input_byte(struct tty *tty, uint8_t byte)
{
	static const int signals[] = { [TTY_KEY_INTERRUPT] = SIGINT, [TTY_KEY_QUIT] = SIGQUIT, [TTY_KEY_SUSPEND] = SIGTSTP };
	enum tty_key key = tty_line_input(tty, byte);

	if (key != TTY_KEY_NONE && tty->foreground)
		signal_send_group(tty->foreground, signals[key]);
}

void tty_start(void)
{
	struct stream_place place = STREAM_PLACE(INPUT, STREAM_END_CONSUMER, INPUT_SLOT, EVENT_TAKEN, &files()->tty.stream);

	rt_assert(stream_attach(&input, &place) != ZOG_ERR_ARGUMENT);
}

enum feed { FEED_NONE, FEED_SOME, FEED_BROKEN };

/* A record that no honest console writes is given up: what was typed there is lost. */
static enum feed input_skip(struct tty *tty)
{
	if (stream_skip(&input) != ZOG_OK)
		return FEED_BROKEN;
	rt_log(RT_WARN, "the console's input is damaged at record %lu", input.position);
	tty->input_used = 0;
	stream_seal(&input);
	return FEED_SOME;
}

/* Feeds the next record as far as there is room: what is left of it is used later, from input_used on. */
static enum feed input_feed(struct tty *tty)
{
	uint8_t bytes[INPUT_SLOT];
	size_t length = 0, used = tty->input_used;

	stream_rewind(&input);
	zog_status_t status = stream_take(&input, bytes, sizeof(bytes), &length);
	if (status == ZOG_ERR_NOT_FOUND)
		return FEED_NONE;
	if (status != ZOG_OK)
		return input_skip(tty);
	while (used < length && tty_line_has_room(tty))
		input_byte(tty, bytes[used++]);
	tty->input_used = used < length ? (uint32_t)used : 0;
	if (used < length)
		stream_rewind(&input);
	return FEED_SOME;
}

zog_status_t tty_activity(struct zog_call *call)
{
	struct tty *tty = tty_get();
	uint64_t seen = 0;

	for (;;) {
		if (!tty_flush(tty, &seen))
			return rt_wait(call, WAIT_CONSOLE_OUTPUT, seen, RT_NO_DEADLINE);
		if (!tty_line_has_room(tty))
			return rt_wait(call, EVENT_TTY, rt_event_count(EVENT_TTY), RT_NO_DEADLINE);
		enum feed feed = input_feed(tty);
		zog_status_t status = feed == FEED_NONE ? stream_wait(&input, call, WAIT_CONSOLE_INPUT) : ZOG_OK;
		if (feed == FEED_BROKEN || status == ZOG_ERR_CORRUPT)
			return rt_wait(call, EVENT_TTY, rt_event_count(EVENT_TTY), rt_now_ns() + INPUT_RETRY_NS);
		if (status != ZOG_OK)
			return status;
		if (feed == FEED_SOME) {
			rt_notify(EVENT_TTY, 0);
			files_poll_wake();
			stream_publish(&input);
		}
	}
}
