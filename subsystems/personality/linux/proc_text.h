/* Texts of /proc about the whole system. Each writes at most SIZE bytes and answers how many. */
#ifndef LINUX_PROC_TEXT_H
#define LINUX_PROC_TEXT_H

#include <stddef.h>

size_t proc_meminfo(char *out, size_t size);
size_t proc_cpuinfo(char *out, size_t size);
size_t proc_uptime(char *out, size_t size);
size_t proc_version(char *out, size_t size);
size_t proc_stat(char *out, size_t size);
size_t proc_loadavg(char *out, size_t size);
size_t proc_mounts(char *out, size_t size);
size_t proc_mountinfo(char *out, size_t size);
size_t proc_filesystems(char *out, size_t size);
size_t proc_cmdline(char *out, size_t size);

#endif
