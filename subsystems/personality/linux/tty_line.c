/* The line discipline of the terminal (POSIX, general terminal interface).
 *
 * Input ring: [tail, line) is readable, [line, head) is the line being edited. In raw mode line == head. An end-of-file
 * key is stored as a byte marked in is_eof, so that it ends a read where it was typed. Positions are absolute; the
 * ring index is position % size. Output ring: bytes [output_tail, output_head) wait to be taken by the console. */
#include "tty_line.h"
#include "rt/rt.h"

enum { ECHO_ROOM = 1024, ERASE_DEL = 0x7f, BACKSPACE = 8 };

static bool has_local(const struct tty *tty, uint32_t flag) { return tty->termios.c_lflag & flag; }

static bool is_key(const struct tty *tty, uint32_t which, uint8_t byte)
{
	return tty->termios.c_cc[which] != 0 && tty->termios.c_cc[which] == byte;
}

void tty_line_reset(struct tty *tty, bool is_plain)
{
	static const uint8_t keys[TTY_CC_COUNT] = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = ERASE_DEL, [VKILL] = 21, [VEOF] = 4,
		[VMIN] = 1, [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VWERASE] = 23, [VLNEXT] = 22 };

	tty->termios.c_iflag = ICRNL | IUTF8;
	tty->termios.c_oflag = is_plain ? 0 : OPOST | ONLCR;
	tty->termios.c_cflag = 0x10b2 | 0x30; /* 115200 baud, 8 bits, receiver on */
	tty->termios.c_lflag = ISIG | ICANON | IEXTEN;
	if (!is_plain)
		tty->termios.c_lflag |= ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
	memcpy(tty->termios.c_cc, keys, sizeof keys);
	tty->winsize = (struct linux_winsize){ .ws_row = 24, .ws_col = 80 };
	tty->is_started = 1;
}

/* --- output --- */

static uint64_t output_room(const struct tty *tty)
{
	return TTY_OUTPUT_SIZE - (tty->output_head - tty->output_tail);
}

static void output_put(struct tty *tty, uint8_t byte)
{
	tty->output[tty->output_head++ % TTY_OUTPUT_SIZE] = byte;
}

static size_t output_plain(struct tty *tty, const uint8_t *bytes, size_t size)
{
	size_t at = tty->output_head % TTY_OUTPUT_SIZE;

	if (size > TTY_OUTPUT_SIZE - at)
		size = TTY_OUTPUT_SIZE - at;
	memcpy(tty->output + at, bytes, size);
	tty->output_head += size;
	return size;
}

size_t tty_line_output(struct tty *tty, const uint8_t *bytes, size_t size)
{
	bool is_processed = tty->termios.c_oflag & OPOST, has_newline = tty->termios.c_oflag & ONLCR;
	size_t taken = 0;

	while (taken < size && output_room(tty) > ECHO_ROOM + 1) {
		size_t run = taken, most = output_room(tty) - ECHO_ROOM - 1;

		while (run < size && run - taken < most && !(is_processed && has_newline && bytes[run] == '\n'))
			run++;
		while (taken < run)
			taken += output_plain(tty, bytes + taken, run - taken);
		if (taken < size && is_processed && has_newline && bytes[taken] == '\n' && output_room(tty) > ECHO_ROOM + 1) {
			output_plain(tty, (const uint8_t *)"\r", 1);
			output_plain(tty, (const uint8_t *)"\n", 1);
			taken++;
		}
	}
	return taken;
}

/* Echo may use the last of the ring; what does not fit is not echoed. */
static void echo_put(struct tty *tty, uint8_t byte)
{
	if (output_room(tty) < 2)
		return;
	if (byte == '\n' && tty->termios.c_oflag & OPOST && tty->termios.c_oflag & ONLCR)
		output_put(tty, '\r');
	output_put(tty, byte);
}

static bool is_control(uint8_t byte)
{
	return (byte < 32 && byte != '\n' && byte != '\t') || byte == ERASE_DEL;
}

static void echo_byte(struct tty *tty, uint8_t byte)
{
	if (!has_local(tty, ECHO)) {
		if (byte == '\n' && has_local(tty, ECHONL) && has_local(tty, ICANON))
			echo_put(tty, byte);
		return;
	}
	if (is_control(byte) && has_local(tty, ECHOCTL)) {
		echo_put(tty, '^');
		echo_put(tty, byte ^ 0x40);
	} else {
		echo_put(tty, byte);
	}
}

static void echo_rub(struct tty *tty, uint8_t byte)
{
	uint32_t columns = is_control(byte) ? (has_local(tty, ECHOCTL) ? 2 : 0) : 1;

	if (!has_local(tty, ECHO) || !has_local(tty, ECHOE))
		return;
	for (uint32_t i = 0; i < columns; i++) {
		echo_put(tty, '\b');
		echo_put(tty, ' ');
		echo_put(tty, '\b');
	}
}

/* --- input --- */

static bool eof_at(const struct tty *tty, uint64_t position)
{
	uint32_t at = position % TTY_INPUT_SIZE;

	return tty->is_eof[at / 8] >> at % 8 & 1;
}

static void eof_set(struct tty *tty, uint64_t position, bool is_eof)
{
	uint32_t at = position % TTY_INPUT_SIZE;
	uint8_t bit = (uint8_t)(1u << at % 8), old = tty->is_eof[at / 8];
	uint8_t fresh = is_eof ? old | bit : (uint8_t)(old & ~bit);

	if (fresh != old)
		tty->is_eof[at / 8] = fresh;
}

static bool input_is_full(const struct tty *tty, uint32_t spare)
{
	return tty->head - tty->tail >= TTY_INPUT_SIZE - spare;
}

static void input_put(struct tty *tty, uint8_t byte, bool is_eof)
{
	eof_set(tty, tty->head, is_eof);
	tty->input[tty->head++ % TTY_INPUT_SIZE] = byte;
}

/* A reader can make room when something is readable; else a byte more is dropped by tty_line_input. */
bool tty_line_has_room(const struct tty *tty)
{
	return !input_is_full(tty, 1) || tty->line == tty->tail;
}

void tty_line_flush_input(struct tty *tty)
{
	tty->tail = tty->line = tty->head;
}

static uint8_t line_last(const struct tty *tty)
{
	return tty->input[(tty->head - 1) % TTY_INPUT_SIZE];
}

static void line_erase(struct tty *tty)
{
	uint8_t byte;

	if (tty->head == tty->line)
		return;
	do {
		byte = line_last(tty);
		tty->head--;
	} while (tty->termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80 && tty->head != tty->line);
	echo_rub(tty, byte);
}

static void line_erase_word(struct tty *tty)
{
	while (tty->head != tty->line && (line_last(tty) == ' ' || line_last(tty) == '\t'))
		line_erase(tty);
	while (tty->head != tty->line && line_last(tty) != ' ' && line_last(tty) != '\t')
		line_erase(tty);
}

static void line_kill(struct tty *tty)
{
	while (tty->head != tty->line)
		line_erase(tty);
}

static void line_end(struct tty *tty, uint8_t byte, bool is_eof)
{
	if (input_is_full(tty, 0))
		return;
	input_put(tty, byte, is_eof);
	tty->line = tty->head;
	if (!is_eof)
		echo_byte(tty, byte);
}

static void line_add(struct tty *tty, uint8_t byte)
{
	if (input_is_full(tty, 1)) /* the last place is kept for the end of the line */
		return;
	input_put(tty, byte, false);
	echo_byte(tty, byte);
	if (!has_local(tty, ICANON))
		tty->line = tty->head;
}

static void input_canonical(struct tty *tty, uint8_t byte)
{
	if (is_key(tty, VERASE, byte) || byte == BACKSPACE)
		line_erase(tty);
	else if (is_key(tty, VKILL, byte))
		line_kill(tty);
	else if (is_key(tty, VWERASE, byte) && has_local(tty, IEXTEN))
		line_erase_word(tty);
	else if (is_key(tty, VLNEXT, byte) && has_local(tty, IEXTEN))
		tty->is_literal_next = 1;
	else if (is_key(tty, VEOF, byte))
		line_end(tty, byte, true);
	else if (byte == '\n' || is_key(tty, VEOL, byte) || is_key(tty, VEOL2, byte))
		line_end(tty, byte, false);
	else
		line_add(tty, byte);
}

static enum tty_key signal_key(const struct tty *tty, uint8_t byte)
{
	if (!has_local(tty, ISIG))
		return TTY_KEY_NONE;
	if (is_key(tty, VINTR, byte))
		return TTY_KEY_INTERRUPT;
	if (is_key(tty, VQUIT, byte))
		return TTY_KEY_QUIT;
	return is_key(tty, VSUSP, byte) ? TTY_KEY_SUSPEND : TTY_KEY_NONE;
}

/* Carriage return and newline are translated: true when the byte is to be dropped. */
static bool input_translate(const struct tty *tty, uint8_t *byte)
{
	uint32_t flags = tty->termios.c_iflag;

	if (*byte == '\r') {
		if (flags & IGNCR)
			return true;
		if (flags & ICRNL)
			*byte = '\n';
	} else if (*byte == '\n' && flags & INLCR) {
		*byte = '\r';
	}
	return false;
}

enum tty_key tty_line_input(struct tty *tty, uint8_t byte)
{
	enum tty_key key;

	if (tty->is_literal_next) {
		tty->is_literal_next = 0;
		line_add(tty, byte);
		return TTY_KEY_NONE;
	}
	if (input_translate(tty, &byte))
		return TTY_KEY_NONE;
	key = signal_key(tty, byte);
	if (key != TTY_KEY_NONE) {
		echo_byte(tty, byte);
		if (!has_local(tty, NOFLSH))
			tty_line_flush_input(tty);
		return key;
	}
	if (has_local(tty, ICANON))
		input_canonical(tty, byte);
	else
		line_add(tty, byte);
	return TTY_KEY_NONE;
}

/* --- reading --- */

int32_t tty_line_ready(const struct tty *tty)
{
	uint64_t taken;

	if (tty->line == tty->tail)
		return -1;
	if (!has_local(tty, ICANON))
		return (int32_t)(tty->line - tty->tail);
	taken = tty->tail;
	while (taken < tty->line && !eof_at(tty, taken) && tty->input[taken % TTY_INPUT_SIZE] != '\n')
		taken++;
	return (int32_t)(taken - tty->tail + (taken < tty->line && !eof_at(tty, taken)));
}

static bool ends_line(const struct tty *tty, uint8_t byte)
{
	return byte == '\n' || is_key(tty, VEOL, byte) || is_key(tty, VEOL2, byte);
}

size_t tty_line_peek(const struct tty *tty, uint8_t *out, size_t size, uint64_t *taken)
{
	uint64_t at = tty->tail;
	size_t count = 0;

	while (at < tty->line && count < size) {
		uint8_t byte = tty->input[at % TTY_INPUT_SIZE];

		if (eof_at(tty, at))
			break;
		out[count++] = byte;
		at++;
		if (has_local(tty, ICANON) && ends_line(tty, byte))
			break;
	}
	/* An end-of-file mark behind a full line stays for the next read; alone, or after text without newline, it goes. */
	if (at < tty->line && eof_at(tty, at) && (count == 0 || !ends_line(tty, out[count - 1])) && count < size)
		at++;
	*taken = at - tty->tail;
	return count;
}

void tty_line_set(struct tty *tty, const struct linux_termios *termios)
{
	if ((termios->c_lflag ^ tty->termios.c_lflag) & ICANON)
		tty->line = tty->head; /* what is there can be read now */
	tty->termios = *termios;
}
