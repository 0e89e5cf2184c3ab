/* Commands to domains and what the system tells of itself are for root: as somebody else, each way in is tried. Before the
 * change of user a descriptor is opened, which keeps its right: it was root's to give. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

#define STRANGER 65534

static void denied(const char *path, int flags)
{
	CHECK_ERRNO(open(path, flags), EACCES);
}

int main(void)
{
	static const char *const files[] = { "/zog/authority", "/zog/domains", "/zog/incidents/1/summary", "/zog/incidents/1/stack",
					     "/zog/linux/unsupported" };
	struct stat stat_of;
	char text[64];
	int given = open("/zog/version", O_RDONLY);

	CHECK(given >= 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strncmp(files[i], "/zog/incidents/", 15)) /* there may be none */
			CHECK(stat(files[i], &stat_of) == 0);
	CHECK(setgid(STRANGER) == 0 && setuid(STRANGER) == 0);
	denied("/zog/ctl", O_WRONLY);
	denied("/zog/ctl", O_RDWR);
	denied("/zog/ctl", O_WRONLY | O_TRUNC | O_APPEND);
	CHECK_ERRNO(access("/zog/ctl", W_OK), EACCES);
	CHECK_ERRNO(truncate("/zog/ctl", 0), EACCES);
	CHECK(chmod("/zog/ctl", 0666) == -1);
	ok("a_stranger_commands_no_domain");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		denied(files[i], O_RDONLY);
	CHECK(opendir("/zog/incidents") == NULL && errno == EACCES);
	CHECK(opendir("/zog") == NULL && errno == EACCES);
	CHECK(chdir("/zog") == -1 && errno == EACCES);
	ok("a_stranger_reads_no_incident");
	CHECK(read(given, text, sizeof(text)) > 0);
	CHECK_ERRNO(openat(given, "ctl", O_WRONLY), ENOTDIR);
	ok("what_root_opened_stays_open");
	return 0;
}
