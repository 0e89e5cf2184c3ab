/* Bad pointers in system calls: EFAULT, nothing written, and the process goes on. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define PAGE 4096
static char *page; /* a readable page, then one that is not mapped */

/* Addresses that no program may use: nothing, the gap, the kernel's half, not canonical, the last byte. */
static void *const bad[] = {
	NULL, (void *)1, (void *)0x7ffffffff000, (void *)0x800000000000, (void *)0xffff800000000000,
	(void *)0xffffffff80000000, (void *)UINTPTR_MAX,
};
#define BAD_COUNT (sizeof(bad) / sizeof(*bad))

static void calls_refuse(void)
{
	int ends[2], file = open("/tmp/pointers", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(file >= 0 && pipe(ends) == 0 && write(file, "abcd", 4) == 4 && write(ends[1], "abcd", 4) == 4);
	for (size_t i = 0; i < BAD_COUNT; i++) {
		void *address = bad[i];

		CHECK_ERRNO(syscall(SYS_write, file, address, 10), EFAULT);
		CHECK_ERRNO(syscall(SYS_write, ends[1], address, 10), EFAULT);
		CHECK_ERRNO(syscall(SYS_pread64, file, address, 4, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_read, ends[0], address, 4), EFAULT);
		CHECK_ERRNO(syscall(SYS_open, address, O_RDONLY), EFAULT);
		CHECK_ERRNO(syscall(SYS_stat, "/", address), EFAULT);
		CHECK_ERRNO(syscall(SYS_pipe, address), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, address), EFAULT);
		CHECK_ERRNO(syscall(SYS_getcwd, address, 100), EFAULT);
		CHECK_ERRNO(syscall(SYS_writev, file, address, 1), EFAULT);
		CHECK_ERRNO(syscall(SYS_execve, address, NULL, NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_getdents64, file, address, 0), ENOTDIR);
		if (address != NULL) {
			CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, address, NULL, 8), EFAULT);
			CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, address, NULL, 8), EFAULT);
		}
		CHECK_ERRNO(syscall(SYS_nanosleep, address, NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, address), EFAULT);
	}
	CHECK(lseek(file, 0, SEEK_END) == 4);
	char left[10];
	CHECK(read(ends[0], left, sizeof(left)) == 4 && memcmp(left, "abcd", 4) == 0);
	CHECK(close(file) == 0 && unlink("/tmp/pointers") == 0);
	ok("calls_answer_efault");
}

static void half_mapped(void)
{
	struct utsname *names = (struct utsname *)(page + PAGE - 10);
	char before[10];
	int ends[2];

	memset(page + PAGE - 10, 'k', 10);
	memcpy(before, page + PAGE - 10, 10);
	CHECK_ERRNO(syscall(SYS_stat, "/", page + PAGE - 10), EFAULT);
	(void)names;
	CHECK(pipe(ends) == 0);
	/* A path that ends before the page does is fine; one that does not is not. */
	strcpy(page + PAGE - 2, "/");
	CHECK(access(page + PAGE - 2, R_OK) == 0);
	page[PAGE - 1] = '/';
	CHECK_ERRNO(access(page + PAGE - 2, R_OK), EFAULT);
	struct iovec pieces[2] = { { page, 4 }, { (void *)16, 4 } };
	ssize_t written = writev(ends[1], pieces, 2);
	CHECK(written == 4 || (written == -1 && errno == EFAULT));
	ok("half_mapped_structures");
}

static void read_only_targets(void)
{
	int zero_like = open("/tmp/pointers", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(zero_like >= 0 && write(zero_like, "xyz", 3) == 3);
	memset(page, 'r', PAGE);
	CHECK(mprotect(page, PAGE, PROT_READ) == 0);
	CHECK_ERRNO(pread(zero_like, page, 3, 0), EFAULT);
	CHECK(page[0] == 'r');
	CHECK(write(zero_like, page, 3) == 3);
	CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(pread(zero_like, page, 3, 0) == 3 && page[0] == 'x');
	CHECK(close(zero_like) == 0 && unlink("/tmp/pointers") == 0);
	ok("read_only_memory_is_not_written");
}

static void bad_stack_kills_only_the_process(void)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		__asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(0xffff800000000000ul) : "memory");
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
	ok("a_bad_stack_pointer_kills_only_its_process");
}

int main(void)
{
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED && munmap(page + PAGE, PAGE) == 0);
	calls_refuse();
	half_mapped();
	read_only_targets();
	bad_stack_kills_only_the_process();
	return 0;
}
