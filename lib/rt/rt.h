/* The domain runtime: what every domain links. Entry and reply, the home region and its store hook, core calls.
 *
 * Protocol of an invocation. The core enters the domain at rt_entry (lib/rt/entry.S), which calls the generated
 * dispatcher. The domain works in plain C. Every store goes through the compiler's hook (lib/rt/hook.c): into the
 * home region it is logged, on the own stack or scratch it passes, anywhere else it ends the domain before it
 * happens. The reply commits home stores and staged operations in one core entry. ZOG_RETRY and faults abort.
 *
 * Only one invocation is inside a domain at any time (the core holds the domain's lock from entry to reply, and
 * through nested crossings): domain code needs no locks of its own.
 *
 * State that must survive lives in the home region, reached through `struct home *home = rt_home()`. Everything
 * else (globals, heap, stack) is scratch and starts empty after a restart. The home region holds no pointers to
 * code or constants; pointers into the home region itself are fine (its address is fixed for life). */
#ifndef ZOG_RT_H
#define ZOG_RT_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "zog/core.h"
#include "zog/object.h"

/* One invocation, as its server sees it. Lives on the stack of the dispatcher. */
struct zog_call {
	uint16_t method;        /* contract << 8 | method */
	uint8_t reason;         /* enum zog_reason */
	uint8_t cpu;
	uint32_t client_domain; /* vouched for by the core */
	uint32_t client_thread;
	uint64_t word[7];       /* arguments as they came */
	uint64_t out[4];        /* results */
};

/* --- home region ------------------------------------------------------------------------------------------ */

/* The domain's home region; each domain defines `struct home` and asserts its size against the manifest's. */
static inline void *rt_home(void) { return (void *)ZOG_HOME_BASE; }
/* The last committed contents of an object in the home region. Read-only; never torn within an invocation. */
static inline const void *rt_committed(const void *live)
{
	return (const void *)((uintptr_t)live + ZOG_HOME_COMMITTED_OFFSET);
}
/* Logs [start, start + size) as written. For stores the compiler does not see (core calls writing there, asm). */
void rt_home_touch(void *start, size_t size);
/* Ends the domain if [start, start + size) of the live image is damaged: if it differs from the committed image where
 * this transaction stored nothing. About 3 instructions for 8 bytes. For records whose damage would be acted upon. */
void rt_home_verify(const void *start, size_t size);
/* Two neighbouring words of 32 bits, the first at a multiple of 8, by one store: one range in the log. */
static inline void rt_pair_set(uint32_t *first, uint32_t a, uint32_t b) { *(uint64_t *)(void *)first = a | (uint64_t)b << 32; }
/* Adds ADDEND, modulo 2^32, to each of COUNT words: one range in the log. */
void rt_words_add(uint32_t *words, size_t count, uint32_t addend);
/* Throws away all uncommitted home stores and staged operations of this invocation. The invocation goes on. */
void rt_abort(void);
/* Commits all home stores and staged operations of this invocation so far. The invocation goes on.
 * Before the commit of intent a fault makes the caller's call start over; after it, resume from the record. */
void rt_commit(void);

/* --- waiting ---------------------------------------------------------------------------------------------- */

#define RT_NO_DEADLINE 0xfffffffffffffffful /* UINT64_MAX, as Zig can read it */
/* Reply with the value this returns: commits, unwinds the whole chain to the root, parks the thread unless the
 * event's count is no longer `seen`. Outer frames' uncommitted work is aborted; the root call is issued again.
 * deadline_ns: absolute, in rt_now_ns() time; keep it in the home record so that a re-issue does not extend it. */
zog_status_t rt_wait(struct zog_call *call, uint32_t event, uint64_t seen, uint64_t deadline_ns);
uint64_t rt_event_count(uint32_t event);
/* Stages a notify of an own event: count + 1 at commit, wakes up to `wake` waiters (0: all). */
void rt_notify(uint32_t event, uint32_t wake);

/* --- core calls ------------------------------------------------------------------------------------------- */

/* Appends a staged operation. Pointers in its words must stay valid until commit (scratch or home, not a dead
 * stack frame). More than ZOG_TXN_OP_MAX in one transaction ends the domain: use rt_commit in between. */
void rt_stage(uint32_t code, uint32_t slot, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4);
uint32_t rt_staged_count(void);
zog_status_t rt_copy(struct zog_copy *copy);
zog_status_t rt_thread_regs(uint32_t slot, struct zog_regs *out);
zog_status_t rt_xstate(uint32_t slot, void *buffer, size_t length, bool is_write);
/* how: enum zog_pin. address_out: where the own device finds the frame. */
zog_status_t rt_frame_pin(uint64_t frame, uint32_t how, uint64_t *address_out);
zog_status_t rt_firmware_read(uint32_t cap, uint64_t physical, void *buffer, size_t length);
zog_status_t rt_port_read(uint32_t cap, uint16_t port, uint32_t width, uint32_t *value_out);
zog_status_t rt_port_write(uint32_t cap, uint16_t port, uint32_t width, uint32_t value);
zog_status_t rt_incident(uint32_t cap, uint32_t number, struct zog_incident *out);
zog_status_t rt_stats(uint32_t cap, uint32_t domain, struct zog_domain_stats *out);
/* One row of what DOMAIN holds (enum zog_authority_kind); the next place is out->next. */
zog_status_t rt_authority(uint32_t cap, uint32_t domain, uint32_t kind, uint64_t place, struct zog_authority *out);
/* Live update (core/object/update.h): page is a page of own memory. */
zog_status_t rt_image(uint32_t cap, uint32_t domain, enum zog_image_step step, uint32_t number, void *page);
zog_status_t rt_region_stats(uint32_t cap, uint32_t region, struct zog_region_stats *out);
zog_status_t rt_object_stats(uint32_t cap, uint32_t object, struct zog_object_stats *out);
/* What traces told from *position on, or the oldest that is kept; *position moves behind it. Returns bytes. */
size_t rt_trace_read(uint32_t cap, uint64_t *position, void *buffer, size_t size);
/* Of a service: it ends with this invocation, with a status 0..255 for people. Its state stays. Returns what to reply. */
zog_status_t rt_exit(uint32_t status);
/* A raw crossing; generated stubs have their own in rt/cross.h. in: 6 words; out: 4 words (may be NULL). */
zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4]);

/* --- time, information -------------------------------------------------------------------------------------- */

uint64_t rt_now_ns(void); /* since boot, monotonic */
uint32_t rt_cpu(void);    /* number of the CPU this invocation runs on */
void rt_result(uint64_t word); /* the first result word of this invocation: for entries that no contract describes */
static inline const struct zog_info *rt_info(void) { return (const struct zog_info *)ZOG_INFO_BASE; }
static inline const struct zog_domain_info *rt_self(void)
{
	return (const struct zog_domain_info *)ZOG_DOMAIN_INFO_BASE;
}
/* Value of `key` in the boot command line ("key=value"), copied to out; false when absent. */
bool rt_option(const char *key, char *out, size_t out_size);

/* --- failing and telling ------------------------------------------------------------------------------------ */

enum rt_log_level { RT_ERROR = 0, RT_WARN = 1, RT_INFO = 2, RT_DEBUG = 3 };
/* printf subset: %s %d %u %x %lx %lu %ld %c %p %% with width and zero padding. One line, no newline, <= 255 bytes. */
void rt_log(enum rt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
int rt_format(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int rt_vformat(char *out, size_t size, const char *format, __builtin_va_list args);
/* About the domain's own state only. Ends the domain; the core restarts it and the call is issued again. */
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2);
#define rt_assert(condition) \
	do { \
		if (!(condition)) \
			rt_fail(ZOG_CAUSE_ASSERT, __LINE__, 0); \
	} while (0)

/* --- generated for each domain (build/gen/DOMAIN/dispatch.c) -------------------------------------------------- */

/* Serves one call. Contract methods go through generated validators to NAME_METHOD_serve functions. Contract 0
 * goes to the functions below; the generated file has weak defaults (START: ZOG_OK; others: ZOG_ERR_METHOD). */
zog_status_t domain_dispatch(struct zog_call *call);
zog_status_t domain_start(struct zog_call *call);      /* every start. Must be idempotent. May rt_wait */
zog_status_t domain_activity(struct zog_call *call);   /* word[0] = activity number from the manifest */
zog_status_t domain_syscall(struct zog_call *call);
zog_status_t domain_page_fault(struct zog_call *call);
zog_status_t domain_exception(struct zog_call *call);
zog_status_t domain_attention(struct zog_call *call);
zog_status_t domain_quiesce(struct zog_call *call);
zog_status_t domain_rollback(struct zog_call *call);   /* rt/region.h; with on_rollback in the manifest it must be there */

/* --- once-calls, server side (lib/rt/once.c) ------------------------------------------------------------------ */

/* One kept reply per client thread; a table of these lives in the server's home region: the domain defines
 * `struct rt_once_table *rt_once_table(void)` returning its place there. Generated dispatchers use it. */
#define RT_ONCE_CLIENTS 512u
struct rt_once_record {
	uint64_t sequence; /* 0: none */
	uint64_t hash;     /* of method and arguments */
	int64_t status;
	uint64_t out[4];
};
struct rt_once_table {
	struct rt_once_record record[RT_ONCE_CLIENTS];
};
struct rt_once_table *rt_once_table(void);
/* ZOG_OK: new call, serve it. ZOG_ERR_EXISTS: answered from the record (call->out, *status_out set).
 * ZOG_ERR_SEQUENCE: stale, or the same sequence with other arguments. */
zog_status_t rt_once_begin(struct zog_call *call, uint64_t sequence, uint64_t hash, zog_status_t *status_out);
void rt_once_end(struct zog_call *call, uint64_t sequence, uint64_t hash, zog_status_t status);
uint64_t rt_hash(uint64_t seed, const void *data, size_t size);
/* One step of it, for arguments of one word. It keeps nobody from constructing equal hashes. */
static inline uint64_t rt_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull; /* 2^64 / golden ratio: odd, bits evenly spread */
	return hash ^ hash >> 29;
}

/* --- the C library's corner that freestanding code needs (lib/rt/memory.c, string.c) --------------------------- */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

#endif
