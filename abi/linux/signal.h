/* Signals of Linux on x86_64: numbers, flags, and the structures that programs and the kernel exchange
 * (asm/signal.h, asm/sigcontext.h, asm/ucontext.h, asm-generic/siginfo.h of its user interface). */
#ifndef LINUX_SIGNAL_H
#define LINUX_SIGNAL_H

#include <stdint.h>

enum {
	SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8,
	SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15,
	SIGSTKFLT = 16, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22,
	SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25, SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29,
	SIGPWR = 30, SIGSYS = 31, SIGNAL_MAX = 64,
};

#define SIG_DFL 0ul
#define SIG_IGN 1ul

enum {
	SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000,
};
#define SA_RESETHAND 0x80000000ul

enum { SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2 };
enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 2048 };
#define SS_AUTODISARM 0x80000000u

/* si_code */
enum {
	SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6,
	SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2, FPE_INTDIV = 1, FPE_FLTINV = 7, ILL_ILLOPN = 2,
	TRAP_BRKPT = 1, TRAP_TRACE = 2,
	CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6,
};

struct linux_sigaction {
	uint64_t handler, flags, restorer, mask;
};

struct linux_siginfo {
	int32_t signo, error, code, pad;
	union {
		struct { int32_t pid; uint32_t uid; int32_t status; uint32_t pad2; int64_t utime, stime; } child;
		struct { int32_t pid; uint32_t uid; uint64_t value; } queue;
		struct { uint64_t address; } fault;
		uint8_t bytes[112];
	};
};

struct linux_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};

struct linux_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; /* user address of the XSAVE area */
	uint64_t reserved[8];
};

struct linux_ucontext {
	uint64_t flags, link;
	struct linux_stack stack;
	struct linux_sigcontext context;
	uint64_t mask;
};
enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };

/* What lies at the stack pointer when a handler starts. */
struct linux_sigframe {
	uint64_t return_address; /* sa_restorer */
	struct linux_ucontext ucontext;
	struct linux_siginfo info;
};

/* In the software-reserved bytes (464..511) of the legacy area, and after the extended area: tells user space that
 * extended state is there. */
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
struct linux_fpx_sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};

_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo");
_Static_assert(sizeof(struct linux_sigcontext) == 256, "sigcontext");
_Static_assert(sizeof(struct linux_ucontext) == 304, "ucontext up to the 64-bit mask");
_Static_assert(sizeof(struct linux_fpx_sw_bytes) == 48, "software bytes");

#endif
