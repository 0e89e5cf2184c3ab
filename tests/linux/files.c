/* Files and directories: contents, offsets, holes, names, links, sizes, times, errors. Works in a folder of its own. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "check.h"

static int open_new(const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);

	CHECK(file >= 0);
	return file;
}

static void contents(void)
{
	char text[32] = "";
	int file = open_new("a");

	CHECK(write(file, "hello world", 11) == 11);
	CHECK(lseek(file, 6, SEEK_SET) == 6 && read(file, text, 31) == 5 && !strcmp(text, "world"));
	CHECK(read(file, text, 1) == 0);
	CHECK(pwrite(file, "W", 1, 6) == 1 && pread(file, text, 11, 0) == 11 && !memcmp(text, "hello World", 11));
	int again = dup(file);
	CHECK(lseek(again, 2, SEEK_SET) == 2 && lseek(file, 0, SEEK_CUR) == 2 && close(again) == 0);
	int end = open("a", O_WRONLY | O_APPEND);
	CHECK(write(end, "!", 1) == 1 && close(end) == 0);
	CHECK(pread(file, text, 20, 0) == 12 && text[11] == '!');
	CHECK(close(file) == 0);
	CHECK_ERRNO(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	file = open("a", O_RDONLY);
	CHECK_ERRNO(write(file, "x", 1), EBADF);
	CHECK(close(file) == 0);
	ok("contents");
}

static void holes_and_sizes(void)
{
	static char block[100000];
	struct stat info;
	int file = open_new("holes");

	CHECK(pwrite(file, "end", 3, 1000000) == 3);
	CHECK(fstat(file, &info) == 0 && info.st_size == 1000003 && info.st_blocks * 512 < 200000);
	memset(block, 1, sizeof(block));
	CHECK(pread(file, block, sizeof(block), 500000) == sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		CHECK(block[i] == 0);
	CHECK(ftruncate(file, 1000001) == 0 && pread(file, block, 10, 1000000) == 1 && block[0] == 'e');
	CHECK(ftruncate(file, 1000003) == 0 && pread(file, block, 10, 1000000) == 3 && !memcmp(block, "e\0\0", 3));
	CHECK(fsync(file) == 0 && fdatasync(file) == 0 && close(file) == 0);
	CHECK(truncate("holes", 0) == 0 && stat("holes", &info) == 0 && info.st_size == 0 && info.st_blocks == 0);
	ok("holes_and_sizes");
}

static void large(void)
{
	static unsigned int block[16384], back[16384];
	int file = open_new("large");

	for (int part = 0; part < 64; part++) {
		for (int i = 0; i < 16384; i++)
			block[i] = (part << 16 | i) * 2654435761u;
		CHECK(write(file, block, sizeof(block)) == sizeof(block));
	}
	CHECK(fsync(file) == 0);
	for (int part = 63; part >= 0; part--) {
		CHECK(pread(file, back, sizeof(back), (off_t)part * sizeof(back)) == sizeof(back));
		for (int i = 0; i < 16384; i++)
			CHECK(back[i] == (part << 16 | i) * 2654435761u);
	}
	CHECK(close(file) == 0 && unlink("large") == 0);
	ok("four_mib_read_back");
}

static void names(void)
{
	struct stat one, other;
	char target[64];
	int file = open_new("first");

	CHECK(write(file, "1", 1) == 1);
	CHECK(link("first", "second") == 0 && stat("second", &one) == 0 && one.st_nlink == 2);
	CHECK(fstat(file, &other) == 0 && one.st_ino == other.st_ino);
	CHECK(unlink("first") == 0 && fstat(file, &one) == 0 && one.st_nlink == 1);
	CHECK(rename("second", "third") == 0 && stat("third", &one) == 0);
	CHECK_ERRNO(stat("second", &one), ENOENT);
	CHECK(symlink("third", "pointer") == 0 && readlink("pointer", target, sizeof(target)) == 5);
	CHECK(lstat("pointer", &one) == 0 && S_ISLNK(one.st_mode) && stat("pointer", &one) == 0 && S_ISREG(one.st_mode));
	CHECK(symlink("loop", "loop") == 0);
	CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
	CHECK(unlink("third") == 0);
	CHECK_ERRNO(open("pointer", O_RDONLY), ENOENT);
	char byte = 0;
	CHECK(pread(file, &byte, 1, 0) == 1 && byte == '1'); /* unlinked, but open */
	CHECK(close(file) == 0 && unlink("pointer") == 0 && unlink("loop") == 0);
	ok("names_and_links");
}

static int entry_count(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	CHECK(closedir(directory) == 0);
	return count;
}

/* Names of every length, listed into buffers that hold one entry or many: each comes once and whole. */
static void listed_names(size_t buffer_size)
{
	char buffer[2048], seen[256] = { 0 };
	int directory = open("n", O_RDONLY | O_DIRECTORY);
	long got;

	CHECK(directory >= 0);
	while ((got = syscall(SYS_getdents64, directory, buffer, buffer_size)) > 0)
		for (long at = 0; at < got;) {
			unsigned short size;
			size_t length = strlen(buffer + at + 19);

			memcpy(&size, buffer + at + 16, sizeof(size));
			CHECK(size % 8 == 0 && size >= 20 + length && at + size <= got && length < 256);
			if (buffer[at + 19] == 'n') {
				CHECK(!seen[length] && strspn(buffer + at + 19, "n") == length);
				seen[length] = 1;
			}
			at += size;
		}
	CHECK(got == 0 && close(directory) == 0);
	for (int length = 1; length < 256; length++)
		CHECK(seen[length]);
}

static void names_of_all_lengths(void)
{
	char name[300] = "n/";

	CHECK(mkdir("n", 0755) == 0);
	for (int length = 1; length < 256; length++) {
		name[1 + length] = 'n';
		CHECK(close(open_new(name)) == 0);
	}
	listed_names(288);
	listed_names(1000);
	listed_names(2048);
	for (int length = 255; length > 0; length--) {
		name[2 + length] = 0;
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir("n") == 0);
	ok("names_of_all_lengths");
}

static void directories(void)
{
	char name[300];
	struct stat info;

	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0700) == 0);
	CHECK_ERRNO(mkdir("d", 0755), EEXIST);
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK(stat("d", &info) == 0 && S_ISDIR(info.st_mode) && info.st_nlink == 3);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "d/e/a_file_with_a_rather_long_name_%d", i);
		CHECK(close(open_new(name)) == 0);
	}
	CHECK(entry_count("d/e") == 502);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "d/e/a_file_with_a_rather_long_name_%d", i);
		CHECK(unlink(name) == 0);
	}
	CHECK(entry_count("d/e") == 2);
	CHECK(rename("d/e", "f") == 0 && stat("f/..", &info) == 0);
	CHECK_ERRNO(rename("d", "d/below"), EINVAL);
	CHECK_ERRNO(unlink("f"), EISDIR);
	CHECK_ERRNO(open("f", O_WRONLY), EISDIR);
	CHECK_ERRNO(open("a/b", O_RDONLY), ENOTDIR);
	memset(name, 'n', 299);
	name[299] = 0;
	CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK(rmdir("f") == 0 && rmdir("d") == 0);
	ok("directories");
}

static void attributes(void)
{
	struct stat info;
	struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1234567890, .tv_nsec = 5000 } };
	struct statfs system;

	CHECK(chmod("a", 0640) == 0 && stat("a", &info) == 0 && (info.st_mode & 07777) == 0640);
	CHECK(utimensat(AT_FDCWD, "a", times, 0) == 0 && stat("a", &info) == 0);
	CHECK(info.st_mtim.tv_sec == 1234567890 && info.st_mtim.tv_nsec == 5000 && info.st_atim.tv_sec == 1000000000);
	CHECK(access("a", R_OK) == 0);
	CHECK_ERRNO(access("nothing", R_OK), ENOENT);
	CHECK(statfs(".", &system) == 0 && system.f_blocks > 0 && system.f_bfree <= system.f_blocks);
	ok("attributes");
}

int main(void)
{
	char folder[] = "/root/files.XXXXXX";
	char *here = getenv("ZOG_NATIVE") ? strcpy(folder, "/tmp/files.XXXXXX") : folder;

	CHECK(mkdtemp(here) && chdir(here) == 0);
	contents();
	holes_and_sizes();
	large();
	names();
	names_of_all_lengths();
	directories();
	attributes();
	CHECK(unlink("a") == 0 && unlink("holes") == 0 && chdir("/") == 0 && rmdir(here) == 0);
	return 0;
}
