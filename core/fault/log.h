/* The system log: lines on the second serial port. */
#ifndef CORE_FAULT_LOG_H
#define CORE_FAULT_LOG_H

#include <stddef.h>
#include <stdint.h>
void log_setup(void);
/* printf subset: %s %d %u %lu %x %lx %c; one line without its newline. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_text(const char *prefix, const char *text, size_t length);
/* Boot cannot go on: says so and powers the machine off. Only for boot: afterwards the core never gives up. */
_Noreturn void log_fatal(const char *text);
_Noreturn void power_off(uint32_t status);
#endif
