/* Entry points of the personality: system calls, faults, attention.
 *
 * The order in domain_syscall is the law of restartability (linux.h): an intent under way is finished first; then the
 * handler runs from the top; a WAIT keeps the progress record, an answer clears it. A thread that must die or stop
 * does so at a point where no call of its own is half done. Signals are delivered by a separate ATTENTION entry: the
 * reply stages THREAD_WAKE on its own thread, so that the result is in rax when the frame is built. */
#include "task.h"
#include "syscall.h"

struct wait_request {
	uint32_t event;
	uint64_t seen, deadline_ns;
};
static struct wait_request wait_request; /* between wait_on() and the reply of the same invocation */

int64_t wait_on(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns)
{
	(void)call;
	wait_request.event = event;
	wait_request.seen = seen;
	wait_request.deadline_ns = deadline_ns;
	return SYS_WAIT;
}

zog_status_t wait_reply(struct zog_call *call)
{
	return rt_wait(call, wait_request.event, wait_request.seen, wait_request.deadline_ns);
}

static void unsupported_count(uint64_t number)
{
	if (number < SYSCALL_MAX)
		home_a()->unsupported[number]++;
}

static int64_t syscall_run(struct zog_call *call, struct thread *thread)
{
	uint64_t number = call->word[0];

	if (thread->intent.step)
		return intent_resume(call);
	if (number < SYSCALL_MAX && syscall_table[number].handler)
		return syscall_table[number].handler(call, &call->word[1]);
	unsupported_count(number);
	return -ENOSYS;
}

static void progress_clear(struct progress *progress)
{
	if (progress->done | progress->deadline_ns | progress->word[0] | progress->word[1])
		memset(progress, 0, sizeof(*progress));
}

/* The thread has something to attend to before it goes on with its program. */
static bool thread_is_called(const struct thread *thread)
{
	const struct process *process = process_of(thread);

	return (process->is_exiting | process->is_stopped | thread->is_exiting) || signal_ready(thread);
}

static void thread_call_back(const struct thread *thread)
{
	if (thread->state == STATE_LIVE && thread_is_called(thread))
		rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
}

/* An interrupted call may go on or start over: that is decided when the signal is delivered (deliver.c), which is before
 * the thread does anything else. Its progress is kept until then. */
static bool syscall_may_resume(const struct zog_call *call, int64_t result)
{
	uint64_t number = call->word[0];

	return result == -EINTR && number < SYSCALL_MAX && syscall_table[number].flags;
}

/* The mask of a sigsuspend, ppoll, pselect stays in force until its signal is delivered. */
static void syscall_end(const struct zog_call *call, struct thread *thread, int64_t result)
{
	bool is_called = thread_is_called(thread);

	if (is_called && syscall_may_resume(call, result))
		thread->restart_number = call->word[0] + 1;
	else
		progress_clear(&thread->progress);
	if (is_called) {
		rt_stage(ZOG_OP_THREAD_WAKE, thread->slot, 0, 0, 0, 0, 0);
	} else if (thread->has_saved_mask) {
		thread->has_saved_mask = 0;
		signal_mask_set(thread, thread->saved_mask);
	}
	rt_result((uint64_t)result);
}

/* True when the thread must not begin anything new. An intent under way goes first. */
static bool thread_must_end(const struct thread *thread)
{
	return thread->is_exiting && thread->intent.step == 0;
}

static zog_status_t thread_finish(struct zog_call *call, struct thread *thread)
{
	return thread_exit(call, thread, process_of(thread)->exit_status) == SYS_WAIT ? wait_reply(call) : ZOG_OK;
}

zog_status_t domain_syscall(struct zog_call *call)
{
	struct thread *thread = thread_current(call);
	int64_t result;

	if (home_a()->reap_count)
		space_reap();
	if (thread_must_end(thread))
		return thread_finish(call, thread);
	result = syscall_run(call, thread);
	if (result == SYS_WAIT)
		return wait_reply(call);
	if (result == SYS_RETRY)
		return ZOG_RETRY;
	if (result == SYS_NO_RESULT) {
		progress_clear(&thread->progress);
		thread_call_back(thread);
		return ZOG_OK;
	}
	syscall_end(call, thread, result);
	return ZOG_OK;
}

static zog_status_t thread_attend(struct zog_call *call, struct thread *thread)
{
	return thread_must_end(thread) ? thread_finish(call, thread) : signal_deliver(call, thread);
}

zog_status_t domain_attention(struct zog_call *call)
{
	if (home_a()->reap_count)
		space_reap();
	records_check(thread_current(call));
	return thread_attend(call, thread_current(call));
}

static zog_status_t fault_signal(struct zog_call *call, struct thread *thread, int signal, int code, uint64_t address)
{
	struct signal_info info = { .code = code, .value = address };

	records_check(thread);
	signal_force(thread, signal, &info);
	return thread_attend(call, thread);
}

static uint32_t fault_access(uint64_t error)
{
	return error & PF_WRITE ? ACCESS_WRITE : error & PF_EXECUTE ? ACCESS_EXECUTE : ACCESS_READ;
}

zog_status_t domain_page_fault(struct zog_call *call)
{
	struct thread *thread = thread_current(call);
	uint64_t address = call->word[0];
	struct space *space;
	int64_t error;

	if (home_a()->reap_count)
		space_reap();
	if (thread_must_end(thread))
		return thread_finish(call, thread);
	space = space_current(call);
	error = page_in(call, space, address, fault_access(call->word[1]));
	if (error == 0) {
		thread_call_back(thread);
		return ZOG_OK;
	}
	if (error == SYS_WAIT)
		return wait_reply(call);
	if (error == -EFAULT)
		return fault_signal(call, thread, SIGSEGV, vma_find(space, address) ? SEGV_ACCERR : SEGV_MAPERR, address);
	if (error != -ENOMEM)
		return fault_signal(call, thread, SIGBUS, BUS_ADRERR, address);
	rt_log(RT_WARN, "out of memory: process %u (%s) is killed", process_of(thread)->pid, process_of(thread)->name);
	return fault_signal(call, thread, SIGKILL, SI_KERNEL, 0);
}

/* What a CPU exception of a program becomes (signal(7), and the vectors of the CPU manual, volume 3, chapter 6). */
struct exception_row {
	uint8_t signal, code;
	bool has_address;
};
static const struct exception_row exception_table[32] = {
	[0] = { SIGFPE, FPE_INTDIV, true }, [1] = { SIGTRAP, TRAP_TRACE, true }, [3] = { SIGTRAP, SI_KERNEL, false },
	[4] = { SIGSEGV, SI_KERNEL, false }, [5] = { SIGSEGV, SI_KERNEL, false }, [6] = { SIGILL, ILL_ILLOPN, true },
	[11] = { SIGBUS, SI_KERNEL, false }, [12] = { SIGBUS, SI_KERNEL, false }, [13] = { SIGSEGV, SI_KERNEL, false },
	[16] = { SIGFPE, FPE_FLTINV, true }, [17] = { SIGBUS, BUS_ADRALN, true }, [18] = { SIGBUS, BUS_ADRERR, true },
	[19] = { SIGFPE, FPE_FLTINV, true },
};

zog_status_t domain_exception(struct zog_call *call)
{
	const struct exception_row *row = &exception_table[call->word[0] & 31];

	if (!row->signal)
		return fault_signal(call, thread_current(call), SIGKILL, SI_KERNEL, 0);
	return fault_signal(call, thread_current(call), row->signal, row->code, row->has_address ? call->word[2] : 0);
}

size_t unsupported_report(char *out, size_t size)
{
	const struct process_home *home = home_a();
	size_t length = 0;

	for (uint32_t number = 0; number < SYSCALL_MAX; number++)
		if (home->unsupported[number] && length + 64 < size)
			length += rt_format(out + length, size - length, "%s %u\n", syscall_name(number),
					    home->unsupported[number]);
	return length;
}
