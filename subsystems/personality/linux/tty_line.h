/* The line discipline of the terminal: what input bytes and output bytes do to struct tty. No calls, no home region
 * beyond the struct it is given: tested on the host (tests/host/test_tty.c). See tty_line.c. */
#ifndef LINUX_TTY_LINE_H
#define LINUX_TTY_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "files_home.h"

enum tty_key { TTY_KEY_NONE = 0, TTY_KEY_INTERRUPT, TTY_KEY_QUIT, TTY_KEY_SUSPEND };

void tty_line_reset(struct tty *tty, bool is_plain); /* is_plain: no echo, no output processing */
enum tty_key tty_line_input(struct tty *tty, uint8_t byte);
bool tty_line_has_room(const struct tty *tty); /* for one more input byte; false: leave it where it is */
/* Puts output bytes through output processing into the ring, keeping ECHO_ROOM free: how many were taken. */
size_t tty_line_output(struct tty *tty, const uint8_t *bytes, size_t size);
/* Bytes a reader may have now; -1: none yet. 0 is an end of file in canonical mode. */
int32_t tty_line_ready(const struct tty *tty);
/* Copies what a read of SIZE gets; *taken is how far tail moves then (the caller moves it). */
size_t tty_line_peek(const struct tty *tty, uint8_t *out, size_t size, uint64_t *taken);
void tty_line_set(struct tty *tty, const struct linux_termios *termios);
void tty_line_flush_input(struct tty *tty);

#endif
