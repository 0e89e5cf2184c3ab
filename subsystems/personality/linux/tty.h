/* The terminal: one, on the console domain. See tty.c. */
#ifndef LINUX_TTY_INTERNAL_H
#define LINUX_TTY_INTERNAL_H

#include "file.h"
#include "tty_line.h"

struct tty *tty_get(void); /* brings defaults up at first use */
int64_t tty_ioctl(struct zog_call *call, uint32_t request, uint64_t argument);
void tty_adopt(struct tty *tty, const struct process *process); /* becomes the terminal of the process's session */
/* Output ring to the console: 0 when empty, SYS_WAIT. */
int64_t tty_drain(struct zog_call *call);
int64_t tty_finish(struct zog_call *call); /* 0: all output has left on the line; SYS_WAIT: not yet */

#endif
