/* Calls that name files in other ways than the common ones: relative to directories, by descriptor, with flags; and
 * reading and waiting on several things at once. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include "check.h"

static int folder;

static void directory_relative(void)
{
	char text[32] = { 0 };
	struct stat info;
	struct statx more;
	int file;

	CHECK(syscall(SYS_mkdirat, folder, "d", 0755) == 0);
	file = syscall(SYS_openat, folder, "d/f", O_CREAT | O_RDWR, 0644);
	CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
	CHECK(syscall(SYS_linkat, folder, "d/f", folder, "g", 0) == 0);
	CHECK(syscall(SYS_fstat, file, &info) == 0 && info.st_nlink == 2 && info.st_size == 10);
	CHECK(syscall(SYS_symlinkat, "g", folder, "s") == 0);
	CHECK(syscall(SYS_readlinkat, folder, "s", text, sizeof(text)) == 1 && text[0] == 'g');
	CHECK(syscall(SYS_renameat, folder, "g", folder, "h") == 0);
	CHECK(syscall(SYS_faccessat, folder, "h", R_OK) == 0);
	CHECK_ERRNO(syscall(SYS_faccessat2, folder, "s", R_OK, 0), ENOENT);
	CHECK(syscall(SYS_renameat2, folder, "h", folder, "g", 1) == 0);
	CHECK_ERRNO(syscall(SYS_renameat2, folder, "d/f", folder, "g", 1), EEXIST);
	CHECK(syscall(SYS_statx, folder, "g", 0, STATX_BASIC_STATS, &more) == 0 && more.stx_size == 10 && more.stx_nlink == 2);
	CHECK(syscall(SYS_fchmodat, folder, "g", 0600) == 0 && fstat(file, &info) == 0 && (info.st_mode & 07777) == 0600);
	CHECK(syscall(SYS_fchownat, folder, "g", 5, 6, 0) == 0 && fstat(file, &info) == 0 && info.st_uid == 5 && info.st_gid == 6);
	CHECK(syscall(SYS_fchown, file, 7, -1) == 0 && fstat(file, &info) == 0 && info.st_uid == 7 && info.st_gid == 6);
	CHECK(syscall(SYS_fchmod, file, 0644) == 0);
	CHECK(syscall(SYS_unlinkat, folder, "g", 0) == 0);
	CHECK_ERRNO(syscall(SYS_unlinkat, folder, "d", 0), EISDIR);
	CHECK_ERRNO(syscall(SYS_unlinkat, folder, "d", AT_REMOVEDIR), ENOTEMPTY);
	CHECK(close(file) == 0);
	ok("names_are_relative_to_directories");
}

static void attributes(void)
{
	struct timeval times[2] = { { 1000, 5 }, { 2000, 6 } };
	struct utimbuf seconds = { 3000, 4000 };
	struct stat info;
	struct statfs system;
	mode_t old;

	CHECK(syscall(SYS_fchdir, folder) == 0);
	old = syscall(SYS_umask, 027);
	CHECK(close(syscall(SYS_creat, "c", 0666)) == 0);
	CHECK((mode_t)syscall(SYS_umask, old) == 027);
	CHECK(syscall(SYS_lstat, "c", &info) == 0 && (info.st_mode & 07777) == 0640);
	CHECK(syscall(SYS_utimes, "c", times) == 0 && stat("c", &info) == 0 && info.st_atime == 1000 && info.st_mtime == 2000);
	CHECK(syscall(SYS_utime, "c", &seconds) == 0 && stat("c", &info) == 0 && info.st_mtime == 4000);
	CHECK(syscall(SYS_futimesat, folder, "c", times) == 0 && stat("c", &info) == 0 && info.st_mtime == 2000);
	CHECK(syscall(SYS_chown, "c", 3, 4) == 0 && stat("c", &info) == 0 && info.st_uid == 3);
	CHECK(syscall(SYS_lchown, "s", 8, 9) == 0 && lstat("s", &info) == 0 && info.st_uid == 8);
	CHECK(syscall(SYS_mknod, "p", S_IFIFO | 0600, 0) == 0 && stat("p", &info) == 0 && S_ISFIFO(info.st_mode));
	CHECK(syscall(SYS_mknodat, folder, "q", S_IFIFO | 0600, 0) == 0);
	CHECK(syscall(SYS_fstatfs, folder, &system) == 0 && system.f_bsize > 0 && system.f_bfree <= system.f_blocks);
	ok("attributes_change_as_asked");
}

static void several_at_once(void)
{
	char a[4], b[4];
	struct iovec parts[2] = { { a, 3 }, { b, 4 } };
	struct pollfd polled[2];
	struct timeval brief = { 0, 10000 };
	struct timespec short_time = { 0, 10000000 };
	fd_set set;
	off_t from = 2;
	int file = open("d/f", O_RDWR), ends[2], other;

	CHECK(file >= 0 && syscall(SYS_readv, file, parts, 2) == 7 && memcmp(a, "012", 3) == 0 && memcmp(b, "3456", 4) == 0);
	CHECK(pipe(ends) == 0);
	CHECK(syscall(SYS_sendfile, ends[1], file, &from, 4) == 4 && from == 6);
	polled[0] = (struct pollfd){ ends[0], POLLIN, 0 };
	polled[1] = (struct pollfd){ ends[1], POLLOUT, 0 };
	CHECK(syscall(SYS_poll, polled, 2, 1000) == 2 && polled[0].revents == POLLIN && polled[1].revents == POLLOUT);
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	CHECK(syscall(SYS_select, ends[0] + 1, &set, NULL, NULL, &brief) == 1 && FD_ISSET(ends[0], &set));
	CHECK(read(ends[0], a, 4) == 4 && memcmp(a, "2345", 4) == 0);
	CHECK(syscall(SYS_ppoll, polled, 1, &short_time, NULL, 8) == 0);
	short_time = (struct timespec){ 0, 10000000 };
	CHECK(syscall(SYS_pselect6, ends[0] + 1, &set, NULL, NULL, &short_time, NULL) == 0 && !FD_ISSET(ends[0], &set));
	CHECK(syscall(SYS_dup2, ends[1], ends[1]) == ends[1]);
	CHECK_ERRNO(syscall(SYS_dup3, ends[1], ends[1], 0), EINVAL);
	other = syscall(SYS_dup3, ends[1], 77, O_CLOEXEC);
	CHECK(other == 77 && fcntl(77, F_GETFD) == FD_CLOEXEC);
	close(77), close(ends[1]);
	CHECK(read(ends[0], a, 4) == 0);
	ok("several_at_once");
}

static void advice_and_locks(void)
{
	int file = open("d/f", O_RDWR), again = open("d/f", O_RDWR);

	CHECK(syscall(SYS_fadvise64, file, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
	CHECK(syscall(SYS_flock, file, LOCK_EX) == 0);
	CHECK_ERRNO(syscall(SYS_flock, again, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(syscall(SYS_flock, file, LOCK_UN) == 0 && syscall(SYS_flock, again, LOCK_EX | LOCK_NB) == 0);
	CHECK(syscall(SYS_sync) == 0 && syscall(SYS_syncfs, file) == 0);
	close(file), close(again);
	ok("advice_and_locks");
}

/* A file system without extended attributes says so; one with them has none here, and setting is not tried for real. */
static void no_attributes_more(void)
{
	static const int by_path[] = { SYS_getxattr, SYS_lgetxattr, SYS_removexattr, SYS_lremovexattr, SYS_listxattr, SYS_llistxattr };
	static const int by_file[] = { SYS_fgetxattr, SYS_fremovexattr, SYS_flistxattr };
	static const int setting[] = { SYS_setxattr, SYS_lsetxattr };
	char value[8];
	int file = open("d/f", O_RDWR);

	for (int i = 0; i < 6; i++)
		CHECK(i >= 4 ? syscall(by_path[i], "d/f", value, 0) <= 0
			     : syscall(by_path[i], "d/f", "user.x", value, 8) == -1 && (errno == EOPNOTSUPP || errno == ENODATA));
	for (int i = 0; i < 3; i++)
		CHECK(i == 2 ? syscall(by_file[i], file, value, 0) <= 0
			     : syscall(by_file[i], file, "user.x", value, 8) == -1 && (errno == EOPNOTSUPP || errno == ENODATA));
	for (int i = 0; i < 2; i++)
		CHECK_ERRNO(syscall(setting[i], "d/f", "nonsense", value, 8, 0), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_fsetxattr, file, "nonsense", value, 8, 0), EOPNOTSUPP);
	CHECK(syscall(SYS_fallocate, file, 0, 0, 100) == 0 || errno == EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_fallocate, -1, 0, 0, 100), EBADF);
	close(file);
	ok("what_is_not_there_is_told");
}

int main(void)
{
	char name[] = "paths-XXXXXX";

	setvbuf(stdout, NULL, _IONBF, 0);
	CHECK(mkdtemp(name) != NULL);
	folder = open(name, O_RDONLY | O_DIRECTORY);
	CHECK(folder >= 0);
	directory_relative();
	attributes();
	several_at_once();
	advice_and_locks();
	no_attributes_more();
	return 0;
}
