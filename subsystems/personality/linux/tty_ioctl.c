/* What ioctl does to the terminal. */
#include "tty.h"

void tty_adopt(struct tty *tty, const struct process *process)
{
	tty->session = process_session(process);
	tty->foreground = process_group(process);
}

void tty_session_end(uint32_t session)
{
	struct tty *tty = tty_get();

	if (session == 0 || tty->session != session)
		return;
	tty->session = tty->foreground = 0;
	rt_notify(EVENT_TTY, 0);
}

static int64_t termios_set(struct zog_call *call, struct tty *tty, uint32_t request, uint64_t argument)
{
	struct linux_termios termios;
	int64_t result = user_read(call, &termios, argument, sizeof termios);

	if (result == 0 && request != TCSETS)
		result = tty_drain(call);
	if (result)
		return result;
	tty_line_set(tty, &termios);
	if (request == TCSETSF)
		tty_line_flush_input(tty);
	rt_notify(EVENT_TTY, 0);
	files_poll_wake();
	return 0;
}

static int64_t winsize_set(struct zog_call *call, struct tty *tty, uint64_t argument)
{
	struct linux_winsize size;
	int64_t result = user_read(call, &size, argument, sizeof size);

	if (result)
		return result;
	if (memcmp(&size, &tty->winsize, sizeof size) != 0 && tty->foreground)
		signal_send_group(tty->foreground, 28); /* SIGWINCH */
	tty->winsize = size;
	return 0;
}

static int64_t foreground_set(struct zog_call *call, struct tty *tty, uint64_t argument)
{
	uint32_t group;
	int64_t result = user_read(call, &group, argument, sizeof group);

	if (result)
		return result;
	if (tty->session != process_session(process_current(call)))
		return -ENOTTY;
	if (group == 0 || group > INT32_MAX)
		return -EINVAL;
	tty->foreground = group;
	rt_notify(EVENT_TTY, 0);
	return 0;
}

static int64_t number_get(struct zog_call *call, uint64_t argument, uint32_t value)
{
	return user_write(call, argument, &value, sizeof value);
}

static int64_t session_number_get(struct zog_call *call, struct tty *tty, uint64_t argument, uint32_t value)
{
	if (tty->session != process_session(process_current(call)))
		return -ENOTTY;
	return number_get(call, argument, value);
}

static int64_t controlling_set(struct zog_call *call, struct tty *tty)
{
	struct process *process = process_current(call);

	if (tty->session == process_session(process))
		return 0;
	if (tty->session != 0 || process_session(process) != process_pid(process))
		return -EPERM;
	tty_adopt(tty, process);
	return 0;
}

static int64_t flush(struct tty *tty, uint64_t queue)
{
	if (queue > 2)
		return -EINVAL;
	if (queue != 1) /* TCOFLUSH leaves input alone; output given to the console cannot be taken back */
		tty_line_flush_input(tty);
	return 0;
}

int64_t tty_ioctl(struct zog_call *call, uint32_t request, uint64_t argument)
{
	struct tty *tty = tty_get();
	int32_t ready = tty_line_ready(tty);

	switch (request) {
	case TCGETS:
		return user_write(call, argument, &tty->termios, sizeof tty->termios);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return termios_set(call, tty, request, argument);
	case TIOCGWINSZ:
		return user_write(call, argument, &tty->winsize, sizeof tty->winsize);
	case TIOCSWINSZ:
		return winsize_set(call, tty, argument);
	case TIOCGPGRP:
		return session_number_get(call, tty, argument, tty->foreground);
	case TIOCSPGRP:
		return foreground_set(call, tty, argument);
	case TIOCGSID:
		return session_number_get(call, tty, argument, tty->session);
	case TIOCSCTTY:
		return controlling_set(call, tty);
	case TIOCNOTTY:
		tty_session_end(process_session(process_current(call)) == process_pid(process_current(call)) ? tty->session : 0);
		return 0;
	case FIONREAD:
		return number_get(call, argument, ready > 0 ? (uint32_t)ready : 0);
	case TIOCOUTQ:
		return number_get(call, argument, (uint32_t)(tty->output_head - tty->output_tail));
	case TCSBRK:
	case TCSBRKP:
		return tty_drain(call);
	case TCFLSH:
		return flush(tty, argument);
	default:
		return -ENOTTY;
	}
}
