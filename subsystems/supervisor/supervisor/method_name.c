/* Names of methods for reports. A method that is missing here is reported by its number. */
#include "report.h"

#include "contracts/block.h"
#include "contracts/bus.h"
#include "contracts/clock.h"
#include "contracts/console.h"
#include "contracts/entropy.h"
#include "contracts/filesystem.h"
#include "contracts/memory.h"
#include "contracts/supervisor.h"

struct method_name {
	uint16_t method;
	char name[30];
};

static const struct method_name method_names[] = {
	{ ZOG_METHOD_START, "start" },
	{ ZOG_METHOD_ACTIVITY, "activity" },
	{ ZOG_METHOD_SYSCALL, "syscall" },
	{ ZOG_METHOD_PAGE_FAULT, "page_fault" },
	{ ZOG_METHOD_EXCEPTION, "exception" },
	{ ZOG_METHOD_ATTENTION, "attention" },
	{ ZOG_METHOD_QUIESCE, "quiesce" },
	{ BLOCK_METHOD_TRANSFER, "block.transfer" },
	{ BLOCK_METHOD_FLUSH, "block.flush" },
	{ BLOCK_METHOD_CAPACITY, "block.capacity" },
	{ BUS_METHOD_CLAIM, "bus.claim" },
	{ BUS_METHOD_VIRTIO, "bus.virtio" },
	{ CLOCK_METHOD_EPOCH, "clock.epoch" },
	{ CONSOLE_METHOD_WRITE, "console.write" },
	{ CONSOLE_METHOD_STATE, "console.state" },
	{ CONSOLE_METHOD_READ, "console.read" },
	{ ENTROPY_METHOD_RANDOM, "entropy.random" },
	{ FILESYSTEM_METHOD_ROOT, "filesystem.root" },
	{ FILESYSTEM_METHOD_LOOKUP, "filesystem.lookup" },
	{ FILESYSTEM_METHOD_INFO, "filesystem.info" },
	{ FILESYSTEM_METHOD_STATISTICS, "filesystem.statistics" },
	{ FILESYSTEM_METHOD_ENTRIES, "filesystem.entries" },
	{ FILESYSTEM_METHOD_READ_LINK, "filesystem.read_link" },
	{ FILESYSTEM_METHOD_READ_PAGE, "filesystem.read_page" },
	{ FILESYSTEM_METHOD_WRITE_PAGE, "filesystem.write_page" },
	{ FILESYSTEM_METHOD_PREPARE, "filesystem.prepare" },
	{ FILESYSTEM_METHOD_SET, "filesystem.set" },
	{ FILESYSTEM_METHOD_CREATE, "filesystem.create" },
	{ FILESYSTEM_METHOD_SYMLINK, "filesystem.symlink" },
	{ FILESYSTEM_METHOD_LINK, "filesystem.link" },
	{ FILESYSTEM_METHOD_UNLINK, "filesystem.unlink" },
	{ FILESYSTEM_METHOD_REMOVE_DIRECTORY, "filesystem.remove_directory" },
	{ FILESYSTEM_METHOD_RENAME, "filesystem.rename" },
	{ FILESYSTEM_METHOD_FORGET, "filesystem.forget" },
	{ FILESYSTEM_METHOD_SYNC, "filesystem.sync" },
	{ MEMORY_METHOD_SHARE, "memory.share" },
	{ MEMORY_METHOD_USAGE, "memory.usage" },
	{ SUPERVISOR_METHOD_CONTROL, "supervisor.control" },
	{ SUPERVISOR_METHOD_POWER_OFF, "supervisor.power_off" },
	{ SUPERVISOR_METHOD_READ, "supervisor.read" },
	{ SUPERVISOR_METHOD_LIST, "supervisor.list" },
	{ SUPERVISOR_METHOD_UPDATE_PAGE, "supervisor.update_page" },
	{ SUPERVISOR_METHOD_UPDATE_END, "supervisor.update_end" },
};

const char *method_name(uint32_t method)
{
	for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++)
		if (method_names[i].method == method)
			return method_names[i].name;
	return NULL;
}
