/* What the parts of the hostile domain share: rows of attempts, raw core calls, its home region. */
#ifndef ROGUE_H
#define ROGUE_H

#include "rt/rt.h"
#include "domain.h"

/* What an attempt found that is no status of the core. */
enum {
	OUTCOME_DONE = 1000,     /* the forbidden thing happened */
	OUTCOME_HARMLESS = 1001, /* allowed, and without any effect on anybody else */
};

struct attempt {
	const char *name;
	/* Makes the attempt. Returns only when it did not end the domain: OUTCOME_*, or the status that refused it. */
	zog_status_t (*make)(const struct attempt *attempt);
	uint64_t word[7];
};

extern const struct attempt attempts_memory[], attempts_instruction[], attempts_call[], attempts_transaction[];
extern const uint32_t attempts_memory_count, attempts_instruction_count, attempts_call_count, attempts_transaction_count;

struct fuzz {
	uint64_t random; /* state of the generator; committed before each call that is made with it */
	uint64_t made, lost; /* lost: did not return, because they ended the domain or this invocation of it */
	uint64_t is_open;
};
struct home {
	uint32_t next;       /* attempt */
	uint32_t is_running; /* it was begun and has not come out yet */
	uint32_t is_told;    /* the last line was written */
	uint32_t reserved;
	struct fuzz fuzz;
	uint8_t code[64];    /* for the attempt to execute it */
};
_Static_assert(sizeof(struct home) <= HOME_BYTES, "home region");

/* rdx: in and out. */
static inline zog_status_t core_raw(uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t *rdx, uint64_t word3, uint64_t word4)
{
	register uint64_t r10 __asm__("r10") = word3;
	register uint64_t r8 __asm__("r8") = word4;
	zog_status_t status;

	/* A crossing keeps only rip, rsp and rbp of its caller. */
	__asm__ volatile("syscall" : "=a"(status), "+d"(*rdx), "+r"(r10), "+r"(r8), "+D"(rdi), "+S"(rsi) : "0"(number)
			 : "rcx", "r9", "r11", "rbx", "r12", "r13", "r14", "r15", "memory");
	return status;
}

static inline struct zog_txn *transaction(void) { return (struct zog_txn *)ZOG_TXN_BASE; }
static inline zog_status_t commit_raw(void)
{
	uint64_t rdx = 0;
	return core_raw(ZOG_CORE_COMMIT, 0, 0, &rdx, 0, 0);
}

/* fuzz.c: makes some calls; true: all have been made. */
bool fuzz_step(struct home *home, uint64_t count);

#endif
