/* The table of system calls, by number. */
#ifndef LINUX_SYSCALL_H
#define LINUX_SYSCALL_H

#include "linux.h"

enum syscall_flags { SYSCALL_RESTART = 1, SYSCALL_RESUME = 2 };
enum syscall_level { SYSCALL_NONE = 0, SYSCALL_PART = 1, SYSCALL_FULL = 2 };
struct syscall_row {
	int64_t (*handler)(struct zog_call *call, const uint64_t arg[6]);
	uint8_t level, flags;
};
extern const struct syscall_row syscall_table[];
/* Name of any system call of Linux, known here or not; valid until the next call. */
const char *syscall_name(uint32_t number);

#endif
