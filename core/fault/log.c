/* The system log. Text goes out by polling: it must work when nothing else does. */
#include <stdarg.h>
#include "fault/log.h"
#include "object/cpu.h"
#include "object/lock.h"

#define LOG_PORT 0x2f8
static CORE_LOCK struct lock log_lock = LOCK_INIT;

void log_setup(void)
{
	static const uint8_t step[][2] = { { 1, 0 }, { 3, 0x83 }, { 0, 1 }, { 1, 0 }, { 3, 3 }, { 2, 7 }, { 4, 3 } };

	for (uint32_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
		port_write8(LOG_PORT + step[i][0], step[i][1]);
}

static void put(char c)
{
	for (uint32_t i = 0; i < 100000 && !(port_read8(LOG_PORT + 5) & 0x20); i++)
		cpu_pause();
	port_write8(LOG_PORT, (uint8_t)c);
}

static void put_text(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(text[i] >= ' ' && text[i] < 127 ? text[i] : '.');
}

static void put_string(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_number(uint64_t value, uint32_t base)
{
	char digits[24];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0)
		put(digits[--n]);
}

static void put_argument(char kind, int is_long, va_list *args)
{
	if (kind == 's') {
		put_string(va_arg(*args, const char *));
	} else if (kind == 'c') {
		put((char)va_arg(*args, int));
	} else if (kind == 'd') {
		int value = va_arg(*args, int);
		if (value < 0)
			put('-');
		put_number(value < 0 ? -(int64_t)value : value, 10);
	} else {
		uint64_t value = is_long ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t);
		put_number(value, kind == 'x' ? 16 : 10);
	}
}

static uint32_t log_take(void)
{
	uint32_t id = cpu_current()->id;
	if (log_lock.holder == id) { /* an exception inside the log itself must still be told, on a line of its own */
		put('\n');
		return 0;
	}
	lock_take(&log_lock, id);
	return 1;
}

static void log_release(uint32_t is_taken)
{
	if (is_taken)
		lock_release(&log_lock);
}

void log_line(const char *format, ...)
{
	va_list args;
	uint32_t is_taken = log_take();

	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		int is_long = *++format == 'l';
		if (is_long)
			format++;
		put_argument(*format, is_long, &args);
	}
	va_end(args);
	put('\n');
	log_release(is_taken);
}

void log_text(const char *prefix, const char *text, size_t length)
{
	uint32_t is_taken = log_take();

	put_string(prefix);
	put_string(": ");
	put_text(text, length);
	put('\n');
	log_release(is_taken);
}

static char trace_kept[TRACE_BYTES];
static uint64_t trace_end; /* bytes ever told */

static void trace_put(char c) { trace_kept[trace_end++ % TRACE_BYTES] = c >= ' ' && c < 127 ? c : '.'; }

void trace_text(const char *prefix, const char *text, size_t length)
{
	uint32_t is_taken = log_take();

	while (*prefix)
		trace_put(*prefix++);
	trace_put(' ');
	for (size_t i = 0; i < length; i++)
		trace_put(text[i]);
	trace_kept[trace_end++ % TRACE_BYTES] = '\n';
	log_release(is_taken);
}

uint64_t trace_read(uint64_t *at, char *to, uint64_t length)
{
	uint32_t is_taken = log_take();
	uint64_t bytes = 0;

	if (trace_end > TRACE_BYTES && *at < trace_end - TRACE_BYTES)
		*at = trace_end - TRACE_BYTES;
	while (bytes < length && *at < trace_end)
		to[bytes++] = trace_kept[(*at)++ % TRACE_BYTES];
	log_release(is_taken);
	return bytes;
}

/* ACPI soft-off of the q35 and i440fx machines (PM1a control block); other machines stay halted. */
static _Noreturn void machine_stop(void)
{
	port_write16(0x604, 0x2000);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void power_off(uint32_t status)
{
	log_line("zog: power off status=%u", status);
	machine_stop();
}

_Noreturn void log_fatal(const char *text)
{
	log_line("zog: fatal %s", text);
	machine_stop();
}
