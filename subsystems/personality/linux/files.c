/* What the rest of the personality calls at start and for process 1, and the one place where status codes of Zog become
 * errnos of Linux. */
#include "file.h"
#include "dev.h"
#include "path.h"
#include "tty.h"

int64_t status_errno(zog_status_t status)
{
	static const struct {
		int16_t status, error;
	} table[] = {
		{ ZOG_ERR_ARGUMENT, EINVAL }, { ZOG_ERR_CAP, EPERM }, { ZOG_ERR_METHOD, ENOSYS }, { ZOG_ERR_FAULT, EFAULT },
		{ ZOG_ERR_NEED_PAGE, EFAULT }, { ZOG_ERR_SEQUENCE, EIO }, { ZOG_ERR_VERSION, EIO },
		{ ZOG_ERR_HANDLE, EIO }, { ZOG_ERR_STATE, EIO }, { ZOG_ERR_NOT_FOUND, ENOENT },
		{ ZOG_ERR_EXISTS, EEXIST }, { ZOG_ERR_NOT_DIRECTORY, ENOTDIR }, { ZOG_ERR_IS_DIRECTORY, EISDIR },
		{ ZOG_ERR_NOT_EMPTY, ENOTEMPTY }, { ZOG_ERR_BUSY, EBUSY }, { ZOG_ERR_READ_ONLY, EROFS },
		{ ZOG_ERR_NAME_TOO_LONG, ENAMETOOLONG }, { ZOG_ERR_TOO_BIG, EFBIG }, { ZOG_ERR_TOO_MANY_LINKS, EMLINK },
		{ ZOG_ERR_UNSUPPORTED, EOPNOTSUPP }, { ZOG_ERR_DENIED, EPERM }, { ZOG_ERR_CORRUPT, EUCLEAN },
		{ ZOG_ERR_MEMORY, ENOMEM }, { ZOG_ERR_SPACE, ENOSPC }, { ZOG_ERR_LIMIT, ENFILE }, { ZOG_ERR_IO, EIO },
		{ ZOG_ERR_NO_DEVICE, ENODEV }, { ZOG_ERR_TIMEOUT, ETIMEDOUT }, { ZOG_ERR_POISON, EIO },
		{ ZOG_ERR_QUARANTINED, EIO }, { ZOG_ERR_STOPPED, EIO },
	};

	if (status == ZOG_OK)
		return 0;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].status == status)
			return -table[i].error;
	return -EIO;
}

/* Nothing to rebuild: the records are as they were committed, transfers are issued again by whoever waits for them, and
 * caches of link targets and of who touched which node start empty. */
zog_status_t files_start(struct zog_call *call)
{
	(void)call;
	_Static_assert((int)FILES_PROCESS_MAX == (int)PROCESS_MAX && (int)FILES_FD_MAX == (int)FD_MAX &&
		       (int)FILES_FILE_MAX == (int)FILE_MAX && (int)FILES_NODE_MAX == (int)NODE_MAX &&
		       (int)FILES_PIPE_MAX == (int)PIPE_MAX && (int)FILES_CACHE_MAX == (int)CACHE_PAGE_MAX,
		       "files_home.h and linux.h name the same sizes");
	files()->is_started = 1;
	tty_start();
	return ZOG_OK;
}

int64_t files_init_process(struct zog_call *call, struct process *process)
{
	struct node *console = dev_console();
	struct file *file;

	(void)call;
	if (!console)
		return -ENFILE;
	files_fork(process, process); /* an empty table of its own */
	file = file_allocate(FILE_TTY, O_RDWR, console);
	if (!file)
		return -ENFILE;
	descriptor_set(process, 0, file, 0);
	for (uint32_t fd = 1; fd < 3; fd++) {
		file_reference(file);
		descriptor_set(process, fd, file, 0);
	}
	tty_adopt(tty_get(), process);
	return 0;
}
