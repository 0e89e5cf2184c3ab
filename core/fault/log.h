/* The system log: lines on the second serial port. */
#ifndef CORE_FAULT_LOG_H
#define CORE_FAULT_LOG_H

#include <stddef.h>
#include <stdint.h>
void log_setup(void);
/* printf subset: %s %d %u %lu %x %lx %c; one line without its newline. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_text(const char *prefix, const char *text, size_t length);
/* Traces of contracts: kept in memory, the newest TRACE_BYTES of them. trace_read: copies at most LENGTH bytes from position
 * *AT of all that was ever told, or the oldest that is kept; *AT moves behind them. */
#define TRACE_BYTES 65536u
void trace_text(const char *prefix, const char *text, size_t length);
uint64_t trace_read(uint64_t *at, char *to, uint64_t length);
/* Boot cannot go on: says so and powers the machine off. Only for boot: afterwards the core never gives up. */
_Noreturn void log_fatal(const char *text);
_Noreturn void power_off(uint32_t status);
#endif
