/* What /proc shows of a process (proc(5)). Times and counters that are not kept read as 0. */
#include "task.h"

enum { CMDLINE_MAX = 4096 };

/* A writer that stops at the end of its buffer. */
struct report {
	char *out;
	size_t size, length;
};

#define REPORT_ADD(report, ...) \
	do { \
		if ((report)->length < (report)->size) { \
			int added = rt_format((report)->out + (report)->length, (report)->size - (report)->length, __VA_ARGS__); \
			(report)->length += (size_t)added; \
			if ((report)->length > (report)->size) \
				(report)->length = (report)->size; \
		} \
	} while (0)

static char process_letter(const struct process *process)
{
	return process->state == STATE_ZOMBIE ? 'Z' : process->is_stopped ? 'T' : 'S';
}

static uint64_t process_size(const struct process *process)
{
	uint64_t size = 0;

	if (process->state != STATE_LIVE)
		return 0;
	for (const struct vma *vma = vma_after(space_at(process->space), 0); vma; vma = vma_next(vma))
		size += vma->end - vma->start;
	return size;
}

static uint64_t process_pages(const struct process *process)
{
	return process->state == STATE_LIVE ? page_count(process->space) : 0;
}

static void report_stat(struct report *report, const struct process *process)
{
	enum { TTY_NUMBER = 1089, NS_PER_TICK = 10000000 }; /* 4:65 in the old encoding */

	REPORT_ADD(report, "%u (%s) %c %u %u %u %d -1 0 0 0 0 0 ", process->pid, process->name, process_letter(process),
		   process->parent, process->group, process->session, TTY_NUMBER);
	REPORT_ADD(report, "0 0 0 0 20 0 %u 0 %lu %lu %lu 18446744073709551615 ", process->thread_count,
		   process->start_ns / NS_PER_TICK, process_size(process), process_pages(process));
	REPORT_ADD(report, "0 0 0 0 0 0 0 0 0 0 0 0 %u 0 0 0 0 0 0 0 0 0 0 0 0 0 %u\n", process->exit_signal,
		   process->exit_status);
}

static void report_status(struct report *report, const struct process *process)
{
	char letter = process_letter(process);

	REPORT_ADD(report, "Name:\t%s\nUmask:\t%04x\nState:\t%c (%s)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\n", process->name,
		   (process->umask >> 6 << 8) | (process->umask >> 3 & 7) << 4 | (process->umask & 7), letter,
		   letter == 'Z' ? "zombie" : letter == 'T' ? "stopped" : "sleeping", process->pid, process->pid, process->parent);
	REPORT_ADD(report, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", process->uid, process->euid, process->suid,
		   process->euid, process->gid, process->egid, process->sgid, process->egid);
	REPORT_ADD(report, "Groups:\t");
	for (uint32_t i = 0; i < process->group_count && i < GROUPS_MAX; i++)
		REPORT_ADD(report, "%u ", process->group_list[i]);
	REPORT_ADD(report, "\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t%u\n", process_size(process) / 1024,
		   process_pages(process) * (ZOG_PAGE_SIZE / 1024), process->thread_count);
	REPORT_ADD(report, "SigPnd:\t%016lx\n", process->signals.pending);
}

/* A page that is absent now is not brought in: what precedes it is the answer. */
static void report_cmdline(struct report *report, const struct process *process)
{
	uint64_t length = process->argument_end - process->argument_start;
	struct zog_copy copy = { .kind = ZOG_COPY_FROM_PROGRAM, .space = process->space, .address = process->argument_start,
				 .own = (uintptr_t)report->out };

	if (process->state != STATE_LIVE || length == 0)
		return;
	copy.length = length < CMDLINE_MAX ? length : CMDLINE_MAX;
	if (copy.length > report->size)
		copy.length = report->size;
	rt_copy(&copy);
	report->length = copy.done;
}

static void report_mapping(struct report *report, const struct vma *vma, const struct process *process)
{
	char path[256];
	size_t length = 0;

	REPORT_ADD(report, "%lx-%lx %c%c%c%c %08lx 00:00 %lu", vma->start, vma->end, vma->flags & VMA_READ ? 'r' : '-',
		   vma->flags & VMA_WRITE ? 'w' : '-', vma->flags & VMA_EXECUTE ? 'x' : '-',
		   vma->flags & VMA_SHARED ? 's' : 'p', vma->node ? vma->node_page << ZOG_PAGE_SHIFT : 0,
		   vma->node ? node_number(vma->node) : 0ul);
	if (vma->flags & VMA_HEAP)
		REPORT_ADD(report, " [heap]");
	else if (vma->flags & VMA_STACK)
		REPORT_ADD(report, " [stack]");
	else if (vma->node && process->executable && file_node(process->executable) == vma->node)
		length = file_path(process->executable, path, sizeof(path));
	if (length && length < sizeof(path))
		REPORT_ADD(report, " %s", path);
	REPORT_ADD(report, "\n");
}

static void report_maps(struct report *report, const struct process *process)
{
	if (process->state != STATE_LIVE)
		return;
	for (const struct vma *vma = vma_after(space_at(process->space), 0); vma; vma = vma_next(vma))
		report_mapping(report, vma, process);
}

static void report_comm(struct report *report, const struct process *process)
{
	REPORT_ADD(report, "%s\n", process->name);
}

static void report_exe(struct report *report, const struct process *process)
{
	if (process->executable)
		report->length = file_path(process->executable, report->out, report->size);
}

static const struct {
	const char *name;
	void (*write)(struct report *report, const struct process *process);
} report_table[] = {
	{ "stat", report_stat }, { "status", report_status }, { "cmdline", report_cmdline },
	{ "maps", report_maps }, { "comm", report_comm }, { "exe", report_exe },
};

size_t process_report(const struct process *process, const char *file, char *out, size_t size)
{
	struct report report = { out, size, 0 };

	for (size_t i = 0; i < sizeof(report_table) / sizeof(report_table[0]); i++)
		if (strcmp(report_table[i].name, file) == 0)
			report_table[i].write(&report, process);
	return report.length;
}
