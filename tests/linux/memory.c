/* Memory of a process: mappings appear zeroed or with a file's contents, are shared or private, are protected, end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define PAGE 4096
static sigjmp_buf escape;
static volatile sig_atomic_t fault_code;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(escape, 1);
}

/* Whether a byte store there faults. */
static int store_faults(volatile char *address)
{
	if (sigsetjmp(escape, 1))
		return 1;
	*address = 1;
	return 0;
}

static int load_faults(volatile char *address)
{
	if (sigsetjmp(escape, 1))
		return 1;
	(void)*address;
	return 0;
}

static void anonymous(void)
{
	char *area = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(area != MAP_FAILED);
	for (int i = 0; i < 64 * PAGE; i++)
		CHECK(area[i] == 0);
	memset(area, 7, 64 * PAGE);
	CHECK(munmap(area + 8 * PAGE, 8 * PAGE) == 0);
	CHECK(area[8 * PAGE - 1] == 7 && area[16 * PAGE] == 7);
	CHECK(load_faults(area + 8 * PAGE) && fault_address == area + 8 * PAGE && fault_code == SEGV_MAPERR);
	char *again = mmap(area + 8 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(again == area + 8 * PAGE && again[0] == 0);
	CHECK(munmap(area, 64 * PAGE) == 0);
	ok("anonymous_memory_is_zero_and_ends");
}

static void protection(void)
{
	char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(area != MAP_FAILED);
	memset(area, 1, 4 * PAGE);
	CHECK(mprotect(area + PAGE, PAGE, PROT_READ) == 0);
	CHECK(store_faults(area + PAGE + 5) && fault_code == SEGV_ACCERR && fault_address == area + PAGE + 5);
	CHECK(area[PAGE + 5] == 1);
	CHECK(!store_faults(area) && !store_faults(area + 2 * PAGE));
	CHECK(mprotect(area + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(load_faults(area + PAGE));
	CHECK(mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(area[PAGE] == 1 && !store_faults(area + PAGE));
	ok("protection_holds");
}

static void file_mappings(void)
{
	char path[] = "/tmp/memory.XXXXXX", back[PAGE];
	int file = mkstemp(path);

	CHECK(file >= 0);
	for (int i = 0; i < 3; i++) {
		memset(back, 'a' + i, PAGE);
		CHECK(write(file, back, PAGE) == PAGE);
	}
	CHECK(ftruncate(file, 2 * PAGE + 100) == 0);
	char *own = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(own != MAP_FAILED && shared != MAP_FAILED);
	CHECK(own[0] == 'a' && own[PAGE] == 'b' && own[2 * PAGE + 99] == 'c' && own[2 * PAGE + 100] == 0);
	own[1] = 'X';
	shared[PAGE + 1] = 'Y';
	CHECK(own[1] == 'X' && shared[1] == 'a');
	CHECK(pread(file, back, 2, 0) == 2 && memcmp(back, "aa", 2) == 0);
	CHECK(pread(file, back, 2, PAGE) == 2 && memcmp(back, "bY", 2) == 0);
	CHECK(pwrite(file, "Z", 1, 2) == 1 && shared[2] == 'Z');
	CHECK(msync(shared, 3 * PAGE, MS_SYNC) == 0);
	CHECK(munmap(own, 3 * PAGE) == 0 && munmap(shared, 3 * PAGE) == 0);
	CHECK(pread(file, back, 1, PAGE + 1) == 1 && back[0] == 'Y');
	CHECK(close(file) == 0 && unlink(path) == 0);
	ok("files_are_mapped_private_and_shared");
}

static void across_fork(void)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;

	CHECK(shared != MAP_FAILED && own != MAP_FAILED);
	*shared = *own = 1;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		*shared = 2;
		*own = 3;
		_exit(*own == 3 ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(*shared == 2 && *own == 1);
	ok("fork_shares_what_is_shared_and_copies_the_rest");
}

static void heap(void)
{
	char *start = sbrk(0);

	CHECK(sbrk(100 * PAGE) == start);
	for (int i = 0; i < 100; i++)
		CHECK(start[i * PAGE + 1] == 0);
	memset(start, 9, 100 * PAGE);
	CHECK(sbrk(-100 * PAGE) == start + 100 * PAGE && sbrk(0) == start);
	CHECK(sbrk(PAGE) == start && start[PAGE - 1] == 0);
	ok("the_heap_grows_and_shrinks");
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	anonymous();
	protection();
	CHECK(store_faults((char *)16) && fault_code == SEGV_MAPERR && fault_address == (void *)16);
	ok("null_is_not_mapped");
	file_mappings();
	across_fork();
	heap();
	return 0;
}
