/* clone, fork, vfork: new threads and processes (clone(2)).
 *
 * Order: check flags; make sure the words that will be written to the program are present and writable; build the
 * child's space, which commits in between and is thrown away if the call starts over; then, in one transaction, the
 * records and the thread itself. A vfork parent keeps the child's number in its progress record and waits on its own
 * event until the child has called execve or ended. */
#include "task.h"

enum clone_flags {
	CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_VFORK = 0x4000,
	CLONE_THREAD = 0x10000, CLONE_SYSVSEM = 0x40000, CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000,
	CLONE_CHILD_CLEARTID = 0x200000, CLONE_DETACHED = 0x400000, CLONE_CHILD_SETTID = 0x1000000,
};
#define CLONE_KNOWN 0x17d4fffu

struct clone_request {
	uint64_t flags, stack, parent_tid, child_tid, tls;
};

static struct zog_regs clone_regs; /* staged: must live until the commit */

static int64_t clone_check(const struct clone_request *request)
{
	uint64_t flags = request->flags;

	if ((flags & ~0xfful & ~(uint64_t)CLONE_KNOWN) || (flags & 0xff) > SIGNAL_MAX)
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SETTLS) && request->tls >= USER_END)
		return -EPERM;
	return 0;
}

/* After this a write of the word cannot meet an absent page within this call. */
static int64_t word_prepare(struct zog_call *call, uint64_t address)
{
	uint32_t word;
	int64_t error = user_read(call, &word, address, sizeof(word));

	return error ? error : user_write(call, address, &word, sizeof(word));
}

static int64_t clone_prepare(struct zog_call *call, const struct clone_request *request)
{
	int64_t error = 0;

	if (request->flags & CLONE_PARENT_SETTID)
		error = word_prepare(call, request->parent_tid);
	if (!error && (request->flags & CLONE_CHILD_SETTID))
		error = word_prepare(call, request->child_tid);
	return error;
}

/* Writes to a page that the child shares copy-on-write with its parent: the child gets its own copy now. */
static bool child_page_write(struct space *child, uint64_t address, uint32_t word)
{
	uint32_t index = space_index(child), entry = page_get(index, page_down(address));
	struct zog_copy copy = { .kind = ZOG_COPY_FRAME_TO_FRAME, .length = ZOG_PAGE_SIZE };
	uint64_t frame;

	if (!entry || (address & (ZOG_PAGE_SIZE - 1)) > ZOG_PAGE_SIZE - sizeof(word))
		return false;
	frame = frame_allocate();
	if (!frame)
		return false;
	copy.frame = entry & PAGE_FRAME;
	copy.address = frame;
	rt_assert(rt_copy(&copy) == ZOG_OK);
	copy = (struct zog_copy){ .kind = ZOG_COPY_TO_FRAME, .own = (uintptr_t)&word, .frame = frame,
				  .offset = address & (ZOG_PAGE_SIZE - 1), .length = sizeof(word) };
	rt_assert(rt_copy(&copy) == ZOG_OK);
	frame_release(entry & PAGE_FRAME);
	page_set(index, page_down(address), frame | PAGE_WRITABLE);
	rt_stage(ZOG_OP_MAP, index, page_down(address), frame, ZOG_MAP_READ | ZOG_MAP_WRITE, 0, 0);
	return true;
}

static void thread_inherit(struct thread *child, const struct thread *parent, const struct clone_request *request)
{
	child->mask = parent->mask;
	memcpy(child->name, parent->name, sizeof(child->name));
	if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK))
		child->altstack = parent->altstack;
	if (request->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = request->child_tid;
}

static void clone_regs_make(const struct clone_request *request)
{
	rt_assert(rt_thread_regs(ZOG_SELF, &clone_regs) == ZOG_OK);
	clone_regs.rax = 0;
	if (request->stack)
		clone_regs.rsp = request->stack;
	if (request->flags & CLONE_SETTLS)
		clone_regs.fs_base = request->tls;
}

/* The words are present (clone_prepare), so nothing here waits or commits. */
static void clone_tell(struct zog_call *call, const struct clone_request *request, const struct thread *child,
		       struct space *space)
{
	if (request->flags & CLONE_PARENT_SETTID)
		user_write(call, request->parent_tid, &child->tid, sizeof(child->tid));
	if (!(request->flags & CLONE_CHILD_SETTID))
		return;
	if (request->flags & CLONE_VM)
		user_write(call, request->child_tid, &child->tid, sizeof(child->tid));
	else
		child_page_write(space, request->child_tid, child->tid);
}

static int64_t thread_clone(struct zog_call *call, const struct clone_request *request)
{
	struct thread *parent = thread_current(call), *child;
	struct process *process = process_of(parent);

	if (process->is_exiting)
		return -EINTR;
	child = thread_allocate(process);
	if (!child)
		return -EAGAIN;
	thread_inherit(child, parent, request);
	clone_regs_make(request);
	rt_stage(ZOG_OP_THREAD_CREATE, child->slot, process->space, (uintptr_t)&clone_regs, ZOG_SELF, 0, 0);
	clone_tell(call, request, child, NULL);
	return child->tid;
}

static bool process_slot_is_free(void)
{
	struct process_home *home = home_a();
	bool has_process = false;

	for (uint32_t i = 0; i < PROCESS_MAX && !has_process; i++)
		has_process = home->process[i].state == STATE_FREE;
	return has_process && home->thread_count < THREAD_MAX;
}

/* The child's space: a copy, or the parent's own. NULL: no memory, everything given back. */
static struct space *clone_space(struct zog_call *call, const struct clone_request *request)
{
	struct thread *thread = thread_current(call);
	struct space *parent = space_current(call), *space;

	if (request->flags & CLONE_VM)
		return parent;
	space = space_begin(thread);
	if (!space)
		return NULL;
	if (space_fork(space, parent))
		return space;
	space_discard(thread);
	return NULL;
}

static void process_inherit(struct process *child, const struct process *parent, const struct clone_request *request)
{
	uint32_t slot = child->slot, pid = child->pid;
	uint64_t start_ns = child->start_ns;

	*child = *parent;
	child->slot = slot;
	child->pid = pid;
	child->start_ns = start_ns;
	child->parent = parent->pid;
	child->thread_count = 0;
	child->is_exiting = child->is_stopped = child->stop_reported = child->continue_reported = 0;
	child->has_execed = 0;
	child->vfork_thread = 0;
	child->exit_signal = request->flags & 0xff;
	child->alarm = (struct timer_record){ 0, 0 };
	child->signals.pending = 0;
	if (child->executable)
		file_reference(child->executable);
	if (request->flags & CLONE_FILES)
		files_share(child, parent);
	else
		files_fork(child, parent);
}

/* NULL: no thread slot after all; everything uncommitted is undone. */
static struct process *process_clone_records(const struct thread *thread, const struct clone_request *request,
					     struct space *space, struct thread **child_out)
{
	struct process *parent = process_of(thread), *child = process_allocate();

	process_inherit(child, parent, request);
	child->space = space_index(space);
	space->state = STATE_LIVE;
	space->users++;
	*child_out = thread_allocate(child);
	if (!*child_out) {
		rt_abort();
		return NULL;
	}
	child->leader = (*child_out)->slot;
	thread_inherit(*child_out, thread, request);
	return child;
}

static int64_t vfork_wait(struct zog_call *call, const struct thread *thread)
{
	uint32_t pid = thread->progress.word[0], event = EVENT_THREAD + thread->slot;
	const struct process *child = process_find(pid);

	if (!child || child->vfork_thread != thread->slot + 1)
		return pid;
	return wait_on(call, event, rt_event_count(event), RT_NO_DEADLINE);
}

static int64_t process_clone(struct zog_call *call, const struct clone_request *request)
{
	struct thread *thread = thread_current(call), *child_thread;
	struct process *child;
	struct space *space;

	if (!process_slot_is_free())
		return -EAGAIN;
	space = clone_space(call, request);
	if (!space)
		return -ENOMEM;
	child = process_clone_records(thread, request, space, &child_thread);
	if (!child) {
		space_discard(thread);
		return -EAGAIN;
	}
	thread->building = 0;
	clone_regs_make(request);
	rt_stage(ZOG_OP_THREAD_CREATE, child_thread->slot, child->space, (uintptr_t)&clone_regs, ZOG_SELF, 0, 0);
	clone_tell(call, request, child_thread, space);
	if (!(request->flags & CLONE_VFORK))
		return child->pid;
	child->vfork_thread = thread->slot + 1;
	thread->progress.word[0] = child->pid;
	return vfork_wait(call, thread);
}

static int64_t clone_do(struct zog_call *call, const struct clone_request *request)
{
	const struct thread *thread = thread_current(call);
	int64_t error;

	records_check(thread);
	if (thread->progress.word[0])
		return vfork_wait(call, thread);
	error = clone_check(request);
	if (!error)
		error = clone_prepare(call, request);
	if (error)
		return error;
	return request->flags & CLONE_THREAD ? thread_clone(call, request) : process_clone(call, request);
}

int64_t sys_clone(struct zog_call *call, const uint64_t arg[6])
{
	struct clone_request request = { .flags = arg[0], .stack = arg[1], .parent_tid = arg[2], .child_tid = arg[3],
					 .tls = arg[4] };

	return clone_do(call, &request);
}

int64_t sys_fork(struct zog_call *call, const uint64_t arg[6])
{
	struct clone_request request = { .flags = SIGCHLD };

	(void)arg;
	return clone_do(call, &request);
}

int64_t sys_vfork(struct zog_call *call, const uint64_t arg[6])
{
	struct clone_request request = { .flags = SIGCHLD | CLONE_VM | CLONE_VFORK };

	(void)arg;
	return clone_do(call, &request);
}
