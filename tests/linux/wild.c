/* A program that means harm. Each row is done in a child: it must end by the signal that Linux gives for it, or live on
 * and end with status 0. With a row's name as argument
 * only that one. The system's log must show no incident (tests/system/isolation.py). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORE 0xffffffff80200000ul
#define NOT_CANONICAL 0x0000800000000000ul
#define PHYSICAL_MAP 0xffff800000100000ul

static volatile sig_atomic_t got_signal;

static void jump_core(void) { ((void (*)(void))CORE)(); }
static void jump_not_canonical(void) { ((void (*)(void))NOT_CANONICAL)(); }
static void jump_null(void) { ((void (*)(void))0)(); }
static void read_core(void) { (void)*(volatile uint64_t *)CORE; }
static void write_core(void) { *(volatile uint64_t *)CORE = 1; }
static void read_physical_map(void) { (void)*(volatile uint64_t *)PHYSICAL_MAP; }
static void write_physical_map(void) { *(volatile uint64_t *)PHYSICAL_MAP = 1; }
static void read_not_canonical(void) { (void)*(volatile uint64_t *)NOT_CANONICAL; }
static void disable_interrupts(void) { __asm__ volatile("cli"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void port_in(void) { __asm__ volatile("in %%dx, %%al" : : "d"(0x3f8) : "rax"); }
static void port_out(void) { __asm__ volatile("out %%ax, %%dx" : : "d"(0x604), "a"(0x2000)); }
static void write_cr3(void) { __asm__ volatile("mov %0, %%cr3" : : "r"(0ul)); }
static void write_msr(void) { __asm__ volatile("wrmsr" : : "c"(0xc0000082), "a"(0), "d"(0)); }
static void swap_gs(void) { __asm__ volatile("swapgs"); }
static void interrupt_page_fault(void) { __asm__ volatile("int $14"); }
static void interrupt_timer(void) { __asm__ volatile("int $0xe0"); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void divide_by_zero(void) { __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" : : : "rax", "rcx", "rdx"); }
static void trap_flag(void) { __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc"); }

static void core_stack(void) { __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(CORE)); }
static void stack_gone_and_signal(void)
{
	signal(SIGUSR1, SIG_DFL);
	struct sigaction action = { .sa_handler = (void (*)(int))jump_null };
	sigaction(SIGUSR1, &action, NULL);
	/* kill(getpid(), SIGUSR1) on a stack that is not there: the frame cannot be written */
	__asm__ volatile("mov %0, %%rsp; syscall" : : "r"(NOT_CANONICAL), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
}

static void return_from_no_signal(void)
{
	static uint64_t frame[512];

	memset(frame, 0xff, sizeof(frame));
	__asm__ volatile("mov %0, %%rsp; syscall" : : "r"(frame), "a"(SYS_rt_sigreturn) : "rcx", "r11", "memory");
}

static void note_signal(int number) { got_signal = number; }

/* Bases in the core's half while a signal is delivered and returned from: the personality writes them back. */
static void core_bases_and_signal(void)
{
	struct sigaction action = { .sa_handler = note_signal };
	uint64_t before;

	sigaction(SIGUSR1, &action, NULL);
	long status = SYS_kill, self = getpid();
	__asm__ volatile("rdfsbase %0" : "=r"(before));
	__asm__ volatile("wrfsbase %1; wrgsbase %1; syscall; wrfsbase %2"
			 : "+a"(status) : "r"(CORE), "r"(before), "D"(self), "S"((long)SIGUSR1) : "rcx", "r11", "memory");
	_exit(status == 0 && got_signal == SIGUSR1 ? 0 : 1);
}

static void flags_into_core(void)
{
	long status = SYS_getppid;

	/* direction, alignment check, nested task */
	__asm__ volatile("pushfq; pushfq; orq $0x44400, (%%rsp); popfq; syscall; popfq" : "+a"(status) : : "rcx", "r11", "memory", "cc");
	_exit(status > 0 ? 0 : 1);
}

/* A page in each of more 2 MiB stretches than the system has page tables for. */
static void more_tables_than_there_are(void)
{
	uint8_t *base = mmap(NULL, 12000ul << 21, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		_exit(0);
	for (uint64_t i = 0; i < 12000; i++)
		base[i << 21] = (uint8_t)i;
	for (uint64_t i = 0; i < 12000; i++)
		if (base[i << 21] != (uint8_t)i)
			_exit(1);
	_exit(0);
}

static void lengths_beyond_reason(void)
{
	munmap((void *)0x10000000000ul, 1ul << 46);
	mprotect((void *)0x10000000000ul, 1ul << 46, PROT_READ);
	munmap((void *)0x1000, UINT64_MAX - 0xfff);
	mmap(NULL, 1ul << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	write(1, (void *)CORE, 100);
	write(1, (void *)(UINT64_MAX - 7), 100);
	syscall(SYS_read, open("/bin/busybox", O_RDONLY), CORE, SIZE_MAX);
	_exit(write(1, (void *)CORE, 1) == -1 && errno == EFAULT ? 0 : 1);
}

static void unknown_calls(void)
{
	for (long number = 400; number < 2000; number++)
		if (syscall(number, -1, CORE, -1, CORE, -1, CORE) != -1)
			_exit(1);
	_exit(syscall(-1) == -1 && syscall(1l << 40) == -1 ? 0 : 1);
}

/* Vector registers keep their contents over calls, which the core's own measuring and other programs use in between. */
static void vectors_stay(void)
{
	uint64_t in[2] = { 0x1122334455667788ul, 0x99aabbccddeeff00ul }, out[2];

	for (int i = 0; i < 20000; i++) {
		long status = SYS_getppid;
		__asm__ volatile("movdqu %2, %%xmm7; syscall; movdqu %%xmm7, %1" : "+a"(status), "=m"(out) : "m"(in) : "rcx", "r11", "xmm7", "memory");
		if (memcmp(in, out, sizeof(in)) != 0)
			_exit(1);
	}
	_exit(0);
}

static const struct {
	const char *name;
	void (*run)(void);
	int signal;
} rows[] = {
	{ "jump_core", jump_core, SIGSEGV }, { "jump_not_canonical", jump_not_canonical, SIGSEGV }, { "jump_null", jump_null, SIGSEGV },
	{ "read_core", read_core, SIGSEGV }, { "write_core", write_core, SIGSEGV }, { "read_physical_map", read_physical_map, SIGSEGV },
	{ "write_physical_map", write_physical_map, SIGSEGV }, { "read_not_canonical", read_not_canonical, SIGSEGV },
	{ "disable_interrupts", disable_interrupts, SIGSEGV }, { "halt", halt, SIGSEGV }, { "port_in", port_in, SIGSEGV },
	{ "port_out", port_out, SIGSEGV }, { "write_cr3", write_cr3, SIGSEGV }, { "write_msr", write_msr, SIGSEGV },
	{ "swap_gs", swap_gs, SIGSEGV }, { "interrupt_page_fault", interrupt_page_fault, SIGSEGV },
	{ "interrupt_timer", interrupt_timer, SIGSEGV }, { "undefined", undefined, SIGILL }, { "divide_by_zero", divide_by_zero, SIGFPE },
	{ "trap_flag", trap_flag, SIGTRAP }, { "core_stack", core_stack, SIGSEGV },
	{ "stack_gone_and_signal", stack_gone_and_signal, SIGSEGV }, { "return_from_no_signal", return_from_no_signal, SIGSEGV },
	{ "core_bases_and_signal", core_bases_and_signal, 0 }, { "flags_into_core", flags_into_core, 0 },
	{ "lengths_beyond_reason", lengths_beyond_reason, 0 }, { "unknown_calls", unknown_calls, 0 }, { "vectors_stay", vectors_stay, 0 },
	{ "more_tables_than_there_are", more_tables_than_there_are, 0 },
};

int main(int count, char **words)
{
	int bad = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = 0;
		if (count > 1 && strcmp(words[1], rows[i].name) != 0)
			continue;
		pid_t child = fork();
		if (child == 0) {
			rows[i].run();
			_exit(99);
		}
		waitpid(child, &status, 0);
		bool is_right = rows[i].signal ? WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal : status == 0;
		bad += !is_right;
		if (is_right)
			printf("ok %s\n", rows[i].name);
		else
			printf("FAIL %s: status 0x%x, not signal %d\n", rows[i].name, status, rows[i].signal);
		fflush(stdout);
	}
	return bad != 0;
}
