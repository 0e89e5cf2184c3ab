/* A program of many pages: mapped, shared by fork, protected, moved, given back in parts and as a whole. What its memory says
 * is looked at after each step; how long the core is busy in one go meanwhile, tests/system/entries.py. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define PAGE 4096ul
#define PAGES 24576ul /* 96 MiB */
#define SPARSE (1ul << 34)
#define SPARSE_STEP (1ul << 27)

static volatile unsigned long *word(char *memory, unsigned long page) { return (volatile unsigned long *)(void *)(memory + page * PAGE); }

static void expect_pages(char *memory, unsigned long first, unsigned long count, unsigned long tag)
{
	for (unsigned long i = first; i < first + count; i++)
		CHECK(*word(memory, i) == i + tag);
}

static void a_child_has_its_own(char *memory)
{
	int status = 1;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		expect_pages(memory, 0, PAGES, 1);
		for (unsigned long i = 0; i < PAGES; i += 3)
			*word(memory, i) = 0;
		expect_pages(memory, 1, 1, 1);
		_exit(*word(memory, 3) == 0 ? 0 : 2);
	}
	for (unsigned long i = 0; i < PAGES; i += 1000)
		*word(memory, i) = i + 1;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	expect_pages(memory, 0, PAGES, 1);
	ok("fork of a large program");
}

static void rights_come_and_go(char *memory)
{
	CHECK(mprotect(memory, PAGES * PAGE, PROT_READ) == 0);
	expect_pages(memory, 0, PAGES, 1);
	CHECK(mprotect(memory, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
	*word(memory, 7) = 8;
	expect_pages(memory, 0, PAGES, 1);
	ok("protect all of it");
}

static char *moved(char *memory)
{
	char *to = mremap(memory, PAGES * PAGE, PAGES * PAGE + (64ul << 20), MREMAP_MAYMOVE);

	CHECK(to != MAP_FAILED);
	expect_pages(to, 0, PAGES, 1);
	ok("move all of it");
	return to;
}

static void given_back(char *memory)
{
	CHECK(munmap(memory + PAGE, PAGES / 2 * PAGE) == 0);
	CHECK(*word(memory, 0) == 1);
	expect_pages(memory, PAGES / 2 + 1, PAGES / 2 - 1, 1);
	CHECK(mmap(memory + PAGE, PAGES / 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
	for (unsigned long i = 1; i <= PAGES / 2; i++)
		CHECK(*word(memory, i) == 0);
	ok("give half of it back");
}

/* A page here and there: a page table for each. */
static void far_apart(void)
{
	char *memory = mmap(NULL, SPARSE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(memory != MAP_FAILED);
	for (unsigned long at = 0; at < SPARSE; at += SPARSE_STEP)
		*word(memory, at / PAGE) = at + 5;
	for (unsigned long at = 0; at < SPARSE; at += SPARSE_STEP)
		CHECK(*word(memory, at / PAGE) == at + 5);
	CHECK(munmap(memory, SPARSE - SPARSE_STEP) == 0);
	CHECK(*word(memory, (SPARSE - SPARSE_STEP) / PAGE) == SPARSE - SPARSE_STEP + 5);
	ok("pages far apart");
}

int main(void)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	for (unsigned long i = 0; i < PAGES; i++)
		*word(memory, i) = i + 1;
	a_child_has_its_own(memory);
	rights_come_and_go(memory);
	memory = moved(memory);
	given_back(memory);
	far_apart();
	return 0; /* and the rest is given back at the end */
}
