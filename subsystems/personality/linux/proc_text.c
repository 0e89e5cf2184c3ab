/* Texts of /proc about the whole system, from what the personality knows. Figures that it has no source for (processor
 * time by kind, load) are zero, and CAVEATS.md says so. */
#include "proc_text.h"
#include "file.h"
#include "cache.h"

static uint32_t process_total(void)
{
	uint32_t count = 0;

	while (count < PROCESS_MAX && process_at(count))
		count++;
	return count;
}

size_t proc_meminfo(char *out, size_t size)
{
	uint64_t total = frame_total_count() * 4, unused = frame_free_count() * 4, cached = files()->page_count * 4ull;

	return (size_t)rt_format(out, size,
		"MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:        %8lu kB\n"
		"Cached:         %8lu kB\nSwapCached:     %8lu kB\nSwapTotal:      %8lu kB\nSwapFree:       %8lu kB\n"
		"Dirty:          %8lu kB\nWriteback:      %8lu kB\n",
		total, unused, unused + cached - files()->dirty_count * 4ul, 0ul, cached, 0ul, 0ul, 0ul,
		files()->dirty_count * 4ul, files()->writing_count * 4ul);
}

size_t proc_cpuinfo(char *out, size_t size)
{
	const struct zog_info *info = rt_info();
	size_t length = 0;

	for (uint32_t cpu = 0; cpu < info->cpu_count; cpu++)
		length += (size_t)rt_format(out + length, size - length,
			"processor\t: %u\nvendor_id\t: unknown\nmodel name\t: x86_64\ncpu MHz\t\t: %lu.%03lu\n"
			"cpu cores\t: %u\n\n", cpu, info->tsc_khz / 1000, info->tsc_khz % 1000, info->cpu_count);
	return length;
}

size_t proc_uptime(char *out, size_t size)
{
	uint64_t hundredths = rt_now_ns() / 10000000;

	return (size_t)rt_format(out, size, "%lu.%02lu 0.00\n", hundredths / 100, hundredths % 100);
}

size_t proc_version(char *out, size_t size)
{
	return (size_t)rt_format(out, size, "Linux version 6.1.0-zog (zog) #1\n");
}

size_t proc_stat(char *out, size_t size)
{
	const struct zog_info *info = rt_info();
	size_t length = (size_t)rt_format(out, size, "cpu  0 0 0 0 0 0 0 0 0 0\n");

	for (uint32_t cpu = 0; cpu < info->cpu_count; cpu++)
		length += (size_t)rt_format(out + length, size - length, "cpu%u 0 0 0 0 0 0 0 0 0 0\n", cpu);
	length += (size_t)rt_format(out + length, size - length, "ctxt 0\nbtime %lu\nprocesses %u\nprocs_running 1\nprocs_blocked 0\n",
				    (uint64_t)wall_time().s - rt_now_ns() / 1000000000, process_total());
	return length;
}

size_t proc_loadavg(char *out, size_t size)
{
	return (size_t)rt_format(out, size, "0.00 0.00 0.00 1/%u 0\n", process_total());
}

size_t proc_mounts(char *out, size_t size)
{
	return (size_t)rt_format(out, size, "/dev/root / ext4 rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n"
					    "zog /zog zog rw 0 0\n");
}

size_t proc_mountinfo(char *out, size_t size)
{
	return (size_t)rt_format(out, size,
		"1 0 254:0 / / rw - ext4 /dev/root rw\n2 1 0:%u / /dev rw - devtmpfs devtmpfs rw\n"
		"3 1 0:%u / /proc rw - proc proc rw\n4 1 0:%u / /zog rw - zog zog rw\n", NODE_DEV, NODE_PROC, NODE_ZOG);
}

size_t proc_filesystems(char *out, size_t size)
{
	return (size_t)rt_format(out, size, "\text4\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tzog\n");
}

size_t proc_cmdline(char *out, size_t size)
{
	return (size_t)rt_format(out, size, "%s\n", rt_info()->cmdline);
}
