/* /dev: memory devices, random numbers, the terminal, links to the standard descriptors. */
#include "dev.h"
#include "pseudo.h"
#include "file.h"
#include "contracts/entropy_client.h"

#define DEVICE(major, minor) ((uint32_t)(major) << 8 | (minor))

enum { DEV_NULL = DEVICE(1, 3), DEV_ZERO = DEVICE(1, 5), DEV_FULL = DEVICE(1, 7), DEV_RANDOM = DEVICE(1, 8),
	DEV_URANDOM = DEVICE(1, 9), DEV_TTY = DEVICE(5, 0), DEV_CONSOLE = DEVICE(5, 1), DEV_TTY_S0 = DEVICE(4, 64) };

static const struct {
	const char *name;
	uint32_t mode, device;
	const char *target;
} dev_table[] = {
	{ "null", S_IFCHR | 0666, DEV_NULL, NULL },
	{ "zero", S_IFCHR | 0666, DEV_ZERO, NULL },
	{ "full", S_IFCHR | 0666, DEV_FULL, NULL },
	{ "random", S_IFCHR | 0666, DEV_RANDOM, NULL },
	{ "urandom", S_IFCHR | 0666, DEV_URANDOM, NULL },
	{ "tty", S_IFCHR | 0666, DEV_TTY, NULL },
	{ "console", S_IFCHR | 0600, DEV_CONSOLE, NULL },
	{ "ttyS0", S_IFCHR | 0600, DEV_TTY_S0, NULL },
	{ "fd", S_IFLNK | 0777, 0, "/proc/self/fd" },
	{ "stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0" },
	{ "stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1" },
	{ "stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2" },
};
enum { DEV_COUNT = sizeof dev_table / sizeof dev_table[0], DEV_FIRST = PSEUDO_ROOT + 1 };

static struct node *dev_node(uint32_t index)
{
	return pseudo_node(NODE_DEV, DEV_FIRST + index, dev_table[index].mode, dev_table[index].device);
}

static int64_t dev_lookup(struct zog_call *call, struct node *directory, const char *name, uint32_t length, struct node **out)
{
	(void)call, (void)directory;
	for (uint32_t i = 0; i < DEV_COUNT; i++)
		if (strlen(dev_table[i].name) == length && memcmp(dev_table[i].name, name, length) == 0) {
			*out = dev_node(i);
			return *out ? 0 : -ENFILE;
		}
	return -ENOENT;
}

static int64_t dev_entry(struct zog_call *call, struct node *directory, uint64_t index, struct pseudo_entry *out)
{
	(void)call, (void)directory;
	if (index >= DEV_COUNT)
		return 0;
	out->number = DEV_FIRST + index;
	out->type = dev_table[index].target ? DT_LNK : DT_CHR;
	rt_format(out->name, sizeof out->name, "%s", dev_table[index].name);
	return 1;
}

static int64_t dev_link(struct zog_call *call, struct node *link, char *out, size_t size)
{
	const char *target = dev_table[link->number - DEV_FIRST].target;
	size_t length = strlen(target);

	(void)call;
	if (length > size)
		length = size;
	memcpy(out, target, length);
	return (int64_t)length;
}

static size_t dev_path(const struct node *node, char *out, size_t size)
{
	if (node->number == PSEUDO_ROOT)
		return (size_t)rt_format(out, size, "/dev");
	return (size_t)rt_format(out, size, "/dev/%s", dev_table[node->number - DEV_FIRST].name);
}

static int64_t dev_text(struct zog_call *call, struct node *node, uint64_t offset, char *out, size_t size)
{
	(void)call, (void)node, (void)offset, (void)out, (void)size;
	return -EINVAL;
}

const struct pseudo dev_pseudo = { dev_lookup, dev_entry, dev_link, dev_text, dev_path };

/* One turn; the caller goes on until all is read. */
static int64_t zero_read(struct transfer *t)
{
	static const uint8_t zeros[65536];
	uint64_t size = transfer_left(t) < sizeof zeros ? transfer_left(t) : sizeof zeros;
	int64_t result = transfer_out(t, 0, zeros, (uint32_t)size);

	return result ? result : (int64_t)size;
}

static int64_t random_read(struct transfer *t)
{
	static uint8_t bytes[4096]; /* scratch */
	uint64_t size = transfer_left(t) < sizeof bytes ? transfer_left(t) : sizeof bytes;
	size_t length = 0;
	zog_status_t status = entropy_random(size, bytes, sizeof bytes, &length);
	int64_t result = status == ZOG_OK ? transfer_out(t, 0, bytes, (uint32_t)length) : status_errno(status);

	memset(bytes, 0, sizeof bytes);
	return result ? result : (int64_t)length;
}

int64_t device_read(struct transfer *t, struct file *file, uint64_t *position)
{
	(void)position;
	switch (file_node(file)->device) {
	case DEV_NULL:
		return 0;
	case DEV_ZERO:
	case DEV_FULL:
		return zero_read(t);
	case DEV_RANDOM:
	case DEV_URANDOM:
		return random_read(t);
	default:
		return -ENXIO;
	}
}

int64_t device_write(struct transfer *t, struct file *file, uint64_t *position)
{
	(void)position;
	switch (file_node(file)->device) {
	case DEV_FULL:
		return -ENOSPC;
	case DEV_NULL:
	case DEV_ZERO:
	case DEV_RANDOM:
	case DEV_URANDOM:
		return (int64_t)transfer_left(t);
	default:
		return -ENXIO;
	}
}

/* What opening a character device gives; the disk may hold device nodes, too. */
enum file_kind device_file_kind(uint32_t device)
{
	return device == DEV_TTY || device == DEV_CONSOLE || device == DEV_TTY_S0 ? FILE_TTY : FILE_DEVICE;
}

bool device_is_known(uint32_t device)
{
	for (uint32_t i = 0; i < DEV_COUNT; i++)
		if (dev_table[i].device == device && device != 0)
			return true;
	return false;
}

struct node *dev_console(void)
{
	for (uint32_t i = 0; i < DEV_COUNT; i++)
		if (dev_table[i].device == DEV_CONSOLE)
			return dev_node(i);
	return NULL;
}
