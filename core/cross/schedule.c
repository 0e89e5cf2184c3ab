/* Dispatching, parking, waking. */
#include "cross/schedule.h"
#include "arch/x86_64/apic.h"
#include "irq/irq.h"
#include "tsm/object.h"
#include "object/lock.h"

static CORE_LOCK struct lock schedule_lock = LOCK_INIT;
struct queue {
	struct thread *head, *tail;
};
/* Woken threads and activities first; a turn in eight goes to the others even so. */
static struct queue queue_woken, queue_ready;
static uint32_t turn;
static uint64_t next_deadline_ns = UINT64_MAX;
uint64_t schedule_slice_ns = 10000000;
uint32_t schedule_ready_count;

struct thread *thread_table;
uint32_t thread_total, thread_slots;

static void queue_push(struct queue *queue, struct thread *thread)
{
	thread->run_next = NULL;
	if (queue->tail)
		queue->tail->run_next = thread;
	else
		queue->head = thread;
	queue->tail = thread;
	schedule_ready_count++;
}

static struct thread *queue_pop(struct queue *queue)
{
	struct thread *thread = queue->head;

	if (thread == NULL)
		return NULL;
	queue->head = thread->run_next;
	if (queue->head == NULL)
		queue->tail = NULL;
	schedule_ready_count--;
	return thread;
}

static void queue_remove(struct queue *queue, struct thread *thread)
{
	struct thread *before = NULL;

	for (struct thread *at = queue->head; at != NULL; before = at, at = at->run_next) {
		if (at != thread)
			continue;
		if (before)
			before->run_next = at->run_next;
		else
			queue->head = at->run_next;
		if (queue->tail == at)
			queue->tail = before;
		schedule_ready_count--;
		return;
	}
}

static uint32_t take(void)
{
	uint32_t id = cpu_current()->id;

	lock_take(&schedule_lock, id);
	return id;
}

/* --- vector state ---------------------------------------------------------------------------------------- */

void vector_close(struct cpu *cpu)
{
	(void)cpu;
	vectors_forbid();
}

void vector_save(struct cpu *cpu)
{
	struct thread *owner = cpu->vector_owner;

	if (owner == NULL)
		return;
	vectors_allow();
	xsave(owner->vector_state);
}

void vector_open_for(struct cpu *cpu, struct thread *thread)
{
	vectors_allow();
	if (cpu->vector_owner == thread && thread->vector_cpu == cpu->id)
		return;
	xrstor(thread->vector_state);
	cpu->vector_owner = thread;
	thread->vector_cpu = cpu->id;
}

/* --- the CPU's thread -------------------------------------------------------------------------------------- */

static void thread_unload(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;

	if (cpu->vector_owner == thread) {
		vector_save(cpu);
		cpu->vector_owner = NULL;
		thread->vector_cpu = NO_CPU;
	}
	cpu->thread = NULL;
	/* The address space of a program must not stay loaded: it may be destroyed. */
	if (thread->space != NULL && cpu->cr3 == thread->space->cr3)
		cpu_switch_space(cpu, core_pml4_physical);
	__atomic_store_n(&thread->cpu, NO_CPU, __ATOMIC_RELEASE);
}

void thread_put_back(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;

	take();
	thread->state = THREAD_READY;
	thread_unload(cpu);
	queue_push(&queue_ready, thread);
	lock_release(&schedule_lock);
}

void thread_drop_dying(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;

	take();
	if (cpu->vector_owner == thread)
		cpu->vector_owner = NULL;
	thread_unload(cpu);
	/* Last: from here on its slot and its address space may be used again. Pairs with the look in thread_end. */
	__atomic_store_n(&thread->state, THREAD_FREE, __ATOMIC_RELEASE);
	lock_release(&schedule_lock);
}

static struct thread *pick(void)
{
	struct thread *thread = NULL;

	if (++turn % 8 == 0)
		thread = queue_pop(&queue_ready);
	if (thread == NULL)
		thread = queue_pop(&queue_woken);
	if (thread == NULL)
		thread = queue_pop(&queue_ready);
	return thread;
}

#define IDLE_SCRUBS 4096u
#define IDLE_SCRUB_NS 1000000u

static void idle(struct cpu *cpu)
{
	uint64_t now = time_now_ns();

	deadline_check();
	object_tick();
	if (schedule_ready_count != 0)
		return;
	/* Damage that stalls its domain may be what everybody waits for: look at all of memory before sleeping long. */
	bool is_scrubbing = cpu->idle_scrubs < IDLE_SCRUBS;
	if (is_scrubbing && now >= cpu->next_scrub_ns) {
		cpu->idle_scrubs++;
		cpu->next_scrub_ns = now + IDLE_SCRUB_NS;
		scrub_step(cpu);
	}
	uint64_t sleep_ns = next_deadline_ns == UINT64_MAX ? 0 : next_deadline_ns > now ? next_deadline_ns - now : 1000;
	if (is_scrubbing && (sleep_ns == 0 || sleep_ns > IDLE_SCRUB_NS))
		sleep_ns = IDLE_SCRUB_NS;
	apic_timer(sleep_ns);
	cpu->save = &cpu->domain_regs; /* no program's any more: it may come back from another CPU (root_recover) */
	cpu->is_idle = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (schedule_ready_count == 0)
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	cpu->is_idle = 0;
	cpu_poll();
	apic_timer(1000000);
}

void thread_take_next(struct cpu *cpu)
{
	for (;;) {
		take();
		struct thread *thread = pick();
		if (thread != NULL) {
			thread->state = THREAD_RUNNING;
			thread->cpu = cpu->id;
			thread->slice_ticks = (int32_t)(schedule_slice_ns / 1000000);
			cpu->thread = thread;
			cpu->must_reschedule = 0;
			cpu->idle_scrubs = 0;
			lock_release(&schedule_lock);
			return;
		}
		lock_release(&schedule_lock);
		idle(cpu);
	}
}

/* --- waking ------------------------------------------------------------------------------------------------- */

static void ready_locked(struct thread *thread, struct queue *queue)
{
	thread->state = THREAD_READY;
	queue_push(queue, thread);
	cpu_kick_idle();
}

void thread_make_ready(struct thread *thread)
{
	take();
	ready_locked(thread, &queue_ready);
	lock_release(&schedule_lock);
}

static void unpark_locked(struct thread *thread)
{
	struct thread **at = &thread->wait_event->waiter;

	while (*at != NULL && *at != thread)
		at = &(*at)->wait_next;
	if (*at != NULL)
		*at = thread->wait_next;
	thread->wait_event = NULL;
	thread->wait_deadline_ns = UINT64_MAX;
}

static void wake_locked(struct thread *thread, uint8_t reason)
{
	unpark_locked(thread);
	thread->root_pending = ROOT_CALL;
	thread->root_reason = reason;
	ready_locked(thread, &queue_woken);
}

bool thread_wake(struct thread *thread, uint8_t reason)
{
	take();
	bool was_parked = thread->state == THREAD_PARKED;
	if (was_parked)
		wake_locked(thread, reason);
	lock_release(&schedule_lock);
	return was_parked;
}

void thread_wake_waiters_of(uint32_t domain)
{
	struct domain *owner = &domain_table[domain];

	take();
	/* Counts move, too: a thread on its way to park has read one before the restart, and must not sleep through it. */
	for (uint32_t i = 0; i < owner->desc->event_count; i++)
		owner->event[i].count++;
	owner->started.count++;
	for (uint32_t i = 0; i < thread_total; i++) {
		struct thread *thread = &thread_table[i];
		if (thread->state == THREAD_PARKED && (thread->wait_domain == domain || (thread->is_activity && thread->root_domain->id == domain)))
			wake_locked(thread, ZOG_REASON_RESTART);
	}
	lock_release(&schedule_lock);
}

void event_notify(struct event *event, uint32_t wake)
{
	take();
	event->count++;
	for (uint32_t n = 0; event->waiter != NULL && (wake == 0 || n < wake); n++)
		wake_locked(event->waiter, ZOG_REASON_EVENT);
	lock_release(&schedule_lock);
}

bool thread_park(struct cpu *cpu, struct event *event, uint32_t event_domain, uint64_t seen, uint64_t deadline_ns)
{
	struct thread *thread = cpu->thread;

	take();
	/* The count is read under the lock that notify holds: no wake-up is lost between look and sleep. */
	if (event->count != seen || thread->is_dying || (thread->has_attention && !thread->is_activity)) {
		lock_release(&schedule_lock);
		return false;
	}
	thread->wait_event = event;
	thread->wait_domain = event_domain;
	thread->wait_deadline_ns = deadline_ns;
	thread->wait_next = NULL;
	struct thread **at = &event->waiter;
	while (*at != NULL)
		at = &(*at)->wait_next;
	*at = thread;
	if (deadline_ns < next_deadline_ns)
		next_deadline_ns = deadline_ns;
	thread->state = THREAD_PARKED;
	thread_unload(cpu);
	lock_release(&schedule_lock);
	return true;
}

void thread_rest(struct cpu *cpu)
{
	static struct event never;
	struct thread *thread = cpu->thread;

	if (thread_park(cpu, &never, ZOG_DOMAIN_MAX, never.count, UINT64_MAX))
		return;
	thread->root_reason = ZOG_REASON_WAKE;
	thread->has_attention = 0;
	cpu->must_reschedule = 1;
}

void deadline_check(void)
{
	uint64_t now = time_now_ns(), next = UINT64_MAX;

	if (now < next_deadline_ns)
		return;
	take();
	for (uint32_t i = 0; i < thread_total; i++) {
		struct thread *thread = &thread_table[i];
		if (thread->state != THREAD_PARKED)
			continue;
		if (thread->wait_deadline_ns <= now)
			wake_locked(thread, ZOG_REASON_DEADLINE);
		else if (thread->wait_deadline_ns < next)
			next = thread->wait_deadline_ns;
	}
	next_deadline_ns = next;
	lock_release(&schedule_lock);
}

/* --- ending --------------------------------------------------------------------------------------------------- */

void thread_end(struct cpu *cpu, struct thread *thread)
{
	thread->is_dying = 1;
	if (thread == cpu->thread)
		return; /* core_leave drops it */
	take();
	if (thread->state == THREAD_PARKED || thread->state == THREAD_READY || thread->state == THREAD_STOPPED) {
		if (thread->state == THREAD_PARKED)
			unpark_locked(thread);
		queue_remove(&queue_ready, thread);
		queue_remove(&queue_woken, thread);
		thread->state = THREAD_FREE;
		lock_release(&schedule_lock);
		return;
	}
	lock_release(&schedule_lock);
	/* It runs on another CPU: in its program, or waiting there for the lock that this CPU holds. */
	while (thread->state == THREAD_RUNNING) {
		uint32_t on = thread->cpu;
		if (on != NO_CPU)
			cpu_interrupt_other(on);
		cpu_pause();
		cpu_poll();
	}
	/* Between running and free lies at most a queue. */
	if (thread->state != THREAD_FREE)
		thread_end(cpu, thread);
}

/* --- after an exception in the core ----------------------------------------------------------------------------- */

static bool is_waiter(const struct thread *thread)
{
	const struct thread *at = thread->wait_event != NULL ? thread->wait_event->waiter : NULL;

	while (at != NULL && at != thread)
		at = at->wait_next;
	return at != NULL;
}

static bool is_carried(const struct thread *thread)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpu_table[i].thread == thread)
			return true;
	return false;
}

/* Threads, queues and waiters change under schedule_lock only, so what is cut is this CPU's work. A thread that was on its
 * way is ready: it finds out by itself that it has to wait, or to end. */
static void thread_settle(struct thread *thread)
{
	bool is_lost = thread->state == THREAD_RUNNING && !is_carried(thread);

	if (thread->state == THREAD_PARKED && is_waiter(thread))
		return;
	if (thread->wait_event != NULL)
		unpark_locked(thread);
	if (thread->state == THREAD_PARKED) {
		thread->root_pending = ROOT_CALL;
		thread->root_reason = ZOG_REASON_RESTART;
	}
	if (is_lost)
		thread->cpu = NO_CPU;
	if (is_lost || thread->state == THREAD_PARKED || thread->state == THREAD_READY)
		ready_locked(thread, &queue_ready);
}

void schedule_recover(struct cpu *cpu)
{
	struct thread *thread = cpu->thread;

	cr3_write(cpu->cr3);  /* noted before it is loaded */
	apic_timer(1000000);  /* idle() may have stopped it */
	if (schedule_lock.holder != cpu->id)
		return;
	if (thread != NULL && thread->state != THREAD_RUNNING)
		thread_unload(cpu);
	queue_woken = queue_ready = (struct queue){ NULL, NULL };
	schedule_ready_count = 0;
	for (uint32_t i = 0; i < thread_total; i++)
		thread_settle(&thread_table[i]);
}
