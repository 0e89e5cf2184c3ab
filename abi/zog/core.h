/* The core's interface to domains: core calls, staged operations, and the structures they use.
 *
 * A domain enters the core by `syscall` with the call number in rax. Arguments are in
 * rdi, rsi, rdx, r10, r8, r9, r12, r13; results in rax (zog_status_t), rdx, r10, r8, r9. rcx and r11 are lost.
 * A program's `syscall` is never a core call: the core crosses to its personality.
 *
 * Calls come in two kinds. Immediate calls read, or write only what a replay would write again the same.
 * Everything that changes core objects is a *staged operation*: the domain appends it to its transaction
 * page (struct zog_txn) and the core carries it out together with the commit, in the same entry, or not at all.
 */
#ifndef ZOG_CORE_H
#define ZOG_CORE_H

#include <stdint.h>
#include "layout.h"
#include "status.h"

/* Immediate core calls. */
enum zog_core_call {
	ZOG_CORE_CALL = 0,   /* rdi=capability (ENTRY) rsi=method rdx,r10,r8,r9,r12,r13=words -> rax, rdx,r10,r8,r9 */
	ZOG_CORE_REPLY = 1,  /* rdi=status rsi,rdx,r10,r8=words; for ZOG_WAIT: rsi=event rdx=seen r10=deadline_ns */
	ZOG_CORE_COMMIT = 2, /* commit the running transaction, staged operations too, and go on in a new one */
	ZOG_CORE_LOG = 3,    /* rdi=level rsi=text rdx=length (<= 256): one line to the system log; level 4: to the traces */
	ZOG_CORE_COPY = 4,   /* rdi=struct zog_copy *: bytes between a program, a payload frame, and own memory */
	ZOG_CORE_EVENT_READ = 5,  /* rdi=event -> rdx=count */
	ZOG_CORE_PORT_READ = 6,   /* rdi=capability (PORTS) rsi=port rdx=width 1,2,4 -> rdx=value */
	ZOG_CORE_PORT_WRITE = 7,  /* rdi=capability (PORTS) rsi=port rdx=width r10=value */
	ZOG_CORE_THREAD_REGS = 8, /* rdi=thread slot or ZOG_SELF, rsi=struct zog_regs * out */
	ZOG_CORE_FRAME_PIN = 9,   /* rdi=frame rsi=enum zog_pin: keep a frame from reuse while a device uses it, and let the
	                             own device reach it for so long; the frame must belong to a domain of the running
	                             chain -> rdx=address on the bus */
	ZOG_CORE_INCIDENT = 10,   /* rdi=capability (INSPECT) rsi=number rdx=struct zog_incident * out */
	ZOG_CORE_STATS = 11,      /* rdi=capability (STATS) rsi=domain id rdx=struct zog_domain_stats * out */
	ZOG_CORE_XSTATE = 12,     /* rdi=thread slot or ZOG_SELF rsi=buffer rdx=length r10=0 read, 1 write: vector state
	                             in XSAVE layout, at most ZOG_XSTATE_SIZE bytes */
	ZOG_CORE_ABORT = 13,      /* copy the logged ranges back from the committed image, drop staged operations */
	ZOG_CORE_FAIL = 14,       /* rdi=enum zog_cause rsi,rdx=detail: the runtime found this domain wrong; ends it */
	ZOG_CORE_REGION_STATS = 15, /* rdi=capability (STATS) rsi=region of the system rdx=struct zog_region_stats * out;
	                               no such region: ZOG_ERR_NOT_FOUND */
	ZOG_CORE_REGION_READ = 16, /* rdi=place of the region in the own table rsi=version rdx=record kind << 32 | index
	                              r10=buffer: the record as it was in that version. ZOG_ERR_NOT_FOUND: not kept */
	ZOG_CORE_AUTHORITY = 17, /* rdi=capability (INSPECT) rsi=domain | enum zog_authority_kind << 32 rdx=place
	                            r10=struct zog_authority * out; no more: ZOG_ERR_NOT_FOUND */
	ZOG_CORE_IMAGE = 18, /* rdi=capability (UPDATE) rsi=domain rdx=enum zog_image_step | page << 32
	                             r10=a page of own memory: live update, core/object/update.h */
	ZOG_CORE_REGION_VERSION = 19, /* rdi=place of the region in the own table rsi=version rdx=struct zog_region_version *
	                                 out. ZOG_ERR_NOT_FOUND: not kept */
	ZOG_CORE_OBJECT_BEGIN = 20, /* rdi=place of the object in the own table (writer) rsi=own event: makes sure that the writer
	                               has a buffer. ZOG_ERR_BUSY: readers may still use all; the event is notified when not */
	ZOG_CORE_OBJECT_HOLD = 21,  /* rdi=place rsi=version -> rdx=buffer: it holds the bytes of that version, and will until
	                               this invocation ends. ZOG_ERR_NOT_FOUND: not kept, or no longer */
	ZOG_CORE_OBJECT_STATS = 22, /* rdi=capability (STATS) rsi=object of the system rdx=struct zog_object_stats * out */
	ZOG_CORE_FIRMWARE_READ = 23, /* rdi=capability (BUS) rsi=physical rdx=buffer r10=length (<= 4096): from memory that
	                                the firmware kept for its tables. ZOG_ERR_ARGUMENT: not there, or somebody's memory */
	ZOG_CORE_TRACE_READ = 24, /* rdi=capability (INSPECT) rsi=position rdx=buffer r10=length (<= 4096): what traces told, from there
	                             or the oldest that is kept on -> rdx=bytes r10=the position behind them */
	ZOG_CORE_CALL_COUNT
};

#define ZOG_LOG_TRACE 4u /* level of ZOG_CORE_LOG */

enum zog_pin {
	ZOG_PIN_NONE = 0,
	ZOG_PIN_WRITE = 1, /* the device may write it, and read it */
	ZOG_PIN_READ = 2,  /* the device may read it */
	ZOG_PIN_COUNT
};

#define ZOG_SELF 0xfffffffful /* the thread at whose root this invocation hangs, or its address space */
#define ZOG_XSTATE_SIZE 1088ul

/* What an invocation finds in its registers at entry:
 * rdi = method (16 bits) | reason << 16 (8 bits) | cpu << 24 (8 bits)
 * rsi = client domain (or ZOG_CLIENT_CORE) << 32 | thread id; the core vouches for it
 * rdx, r10, r8, r9, r12, r13, r14 = words */
#define ZOG_CLIENT_CORE 0xfffful

enum zog_reason {
	ZOG_REASON_CALL = 0,     /* first issue */
	ZOG_REASON_EVENT = 1,    /* issued again: the awaited event moved */
	ZOG_REASON_DEADLINE = 2, /* issued again: the deadline of the WAIT passed */
	ZOG_REASON_RESTART = 3,  /* issued again: a server died and was restarted */
	ZOG_REASON_WAKE = 4,     /* issued again: OP_THREAD_WAKE (a signal) */
};

/* Methods: contract number << 8 | method. Contract 0 is what the core itself asks of a domain. */
enum zog_core_method {
	ZOG_METHOD_START = 0,     /* after every start, before any other call: attach, reconcile, bring the device up */
	ZOG_METHOD_ACTIVITY = 1,  /* root call of an activity thread: words[0]=activity number. Must end in ZOG_WAIT */
	ZOG_METHOD_SYSCALL = 2,   /* personality: words[0]=number, words[1..6]=arguments; result word goes to the program */
	ZOG_METHOD_PAGE_FAULT = 3,/* personality: words[0]=address words[1]=error code (PF_*) */
	ZOG_METHOD_EXCEPTION = 4, /* personality: words[0]=vector words[1]=error code words[2]=address of instruction;
	                              vector 18: the page at words[2] cannot be had, its PAGE_FAULT was refused as poison */
	ZOG_METHOD_ATTENTION = 5, /* personality: a signal is to be looked at before the program goes on */
	ZOG_METHOD_QUIESCE = 6,   /* pci: words[0]=domain whose device must stop mastering the bus and be reset */
	ZOG_METHOD_ROLLBACK = 7,  /* manifest: on_rollback. words[0]=place of the region in the own table [1]=epoch [2]=version.
	                             May come twice for one rollback, and once for several. It cannot WAIT */
};

/* Own memory, program, frame: one copy call. Exactly the bytes asked for, or an error that names where it
 * stopped. Never demand-pages: an absent page gives ZOG_ERR_NEED_PAGE with fault_address set, and `done` bytes
 * moved; the personality brings the page in, commits, and asks again. Copies are repeatable. */
enum zog_copy_kind {
	ZOG_COPY_FROM_PROGRAM = 0, /* program -> own memory */
	ZOG_COPY_TO_PROGRAM = 1,   /* own memory -> program */
	ZOG_COPY_FRAME_FROM_PROGRAM = 2, /* program -> payload frame */
	ZOG_COPY_FRAME_TO_PROGRAM = 3,   /* payload frame -> program */
	ZOG_COPY_FROM_FRAME = 4,   /* payload frame -> own memory */
	ZOG_COPY_TO_FRAME = 5,     /* own memory -> payload frame */
	ZOG_COPY_FRAME_ZERO = 6,   /* zero part of a payload frame */
	ZOG_COPY_FRAME_TO_FRAME = 7, /* payload frame `frame` -> payload frame `address` (a frame number) */
	ZOG_COPY_STRING_FROM_PROGRAM = 8, /* as 0, stops after a NUL; done = bytes moved with the NUL.
	                                     No NUL within length: ZOG_ERR_NAME_TOO_LONG */
	ZOG_COPY_KIND_COUNT
};
struct zog_copy {
	uint32_t kind;
	uint32_t space;         /* address-space slot, or ZOG_SELF */
	uint64_t address;       /* in the program; user addresses that wrap or reach the upper half: ZOG_ERR_FAULT */
	uint64_t own;           /* address in the calling domain (scratch or stack or home: home bytes written so are
	                           NOT logged; use rt_home_touch first) */
	uint64_t frame;         /* payload frame number, must be owned by the calling domain */
	uint32_t offset;        /* in the frame */
	uint32_t length;        /* bytes; within one frame where a frame is involved, else <= 64 KiB */
	uint64_t done;          /* out */
	uint64_t fault_address; /* out */
};

/* Registers of a program's thread. */
struct zog_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t rip, rflags, rsp, fs_base, gs_base;
};

/* The transaction page(s) of a domain at ZOG_TXN_BASE: write-ahead log of the home region, staged operations. */
#define ZOG_TXN_RANGE_MAX 4096u
#define ZOG_TXN_OP_MAX 256u
#define ZOG_HOME_SIZE_MAX 0x8000000u /* 128 MiB */
/* What the operations of a transaction ask for has a price in steps of some tens of instructions; more than ZOG_TXN_WORK_MAX in
 * one transaction is a violation. UNMAP, PROTECT, FRAME_GRANT: 8, and 1 a page; CLONE_RANGE: 8, and 2 a page; PORT_*: 8, and 16 a
 * byte; SPACE_DESTROY 4096; DEVICE_ATTACH, DOMAIN_CONTROL 1024; FRAME_ZERO 64; SPACE_CREATE 32; others 16. An UNMAP of more than
 * ZOG_TXN_UNMAP_PAGES costs as much as one of ZOG_TXN_UNMAP_EDGES: page tables that lie wholly inside its range are taken ahead of the
 * transaction, whatever becomes of that. */
#define ZOG_TXN_WORK_MAX 16384u
#define ZOG_TXN_UNMAP_PAGES 4096u
#define ZOG_TXN_UNMAP_EDGES 1024u
struct zog_range {
	uint32_t offset, length; /* bytes, in the home region */
};
struct zog_op {
	uint32_t code; /* enum zog_op_code */
	uint32_t slot;
	uint64_t word[5];
};
struct zog_txn {
	uint32_t range_count;
	uint32_t op_count;
	uint32_t is_page_mode; /* the ranges overflowed: dirty_page says which whole pages to commit */
	uint32_t reserved;
	uint32_t is_traced;    /* no part of a transaction: calls are to be told, see lib/rt/trace.h. It stands where a look is cheap */
	uint32_t reserved_too;
	struct zog_range range[ZOG_TXN_RANGE_MAX];
	struct zog_op op[ZOG_TXN_OP_MAX];
	uint8_t dirty_page[ZOG_HOME_SIZE_MAX / ZOG_PAGE_SIZE / 8];
};
_Static_assert(sizeof(struct zog_op) == 48, "staged operations are 48 bytes");

/* Staged operations. All of a transaction's are decoded and checked before any is carried out; one that does
 * not pass is a violation by the domain: nothing is applied and the domain ends. They are carried out in order.
 * Slots are named by the caller, so that a replay names the same object again. */
enum zog_op_code {
	ZOG_OP_NOTIFY = 1,        /* slot=own event, word0=how many waiters to wake (0: all). Adds one to the count */
	ZOG_OP_SPACE_CREATE = 2,  /* slot=address-space slot (must be empty) */
	ZOG_OP_SPACE_DESTROY = 3, /* slot: must have no threads. Unmaps everything */
	ZOG_OP_MAP = 4,           /* slot=space word0=vaddr word1=frame (own, payload) word2=ZOG_MAP_* flags.
	                             Replaces what was there. The core drops mappings when page tables run short: the
	                             program faults on the page again, a copy finds it absent */
	ZOG_OP_UNMAP = 5,         /* slot=space word0=vaddr word1=pages (absent ones are skipped) */
	ZOG_OP_PROTECT = 6,       /* slot=space word0=vaddr word1=pages word2=ZOG_MAP_* (absent ones are skipped) */
	ZOG_OP_CLONE_RANGE = 7,   /* slot=source space word0=destination space word1=vaddr word2=pages (<= 512):
	                             maps the source's present pages in both, writable ones read-only in both */
	ZOG_OP_THREAD_CREATE = 8, /* slot=thread slot word0=space slot word1=struct zog_regs * in own memory
	                             word2=thread slot whose vector state is copied, or ZOG_SELF */
	ZOG_OP_THREAD_DESTROY = 9,/* slot; ZOG_SELF: the running thread ends with this reply */
	ZOG_OP_THREAD_REGS = 10,  /* slot or ZOG_SELF, word0=struct zog_regs * in own memory. The program goes on there;
	                             the result word of this reply is then not written to rax */
	ZOG_OP_THREAD_WAKE = 11,  /* slot: parked: issue again with ZOG_REASON_WAKE; else run ATTENTION before it goes on */
	ZOG_OP_THREAD_SPACE = 12, /* slot or ZOG_SELF, word0=space slot: the thread goes on in that space (execve) */
	ZOG_OP_FRAME_GRANT = 13,  /* word0=first frame word1=count word2=domain: give own frames away */
	ZOG_OP_FRAME_ZERO = 14,   /* word0=frame: zero it (own, payload) */
	ZOG_OP_PORT_OUT = 15,     /* slot=capability (PORTS); word0=data port | status port << 16 | ready mask << 32;
	                             word1=offset in the home region, word2=length; word3=home offset of a u64
	                             that is advanced by the bytes sent. Sends while (in(status) & mask), 16 bytes a turn */
	ZOG_OP_PORT_IN = 16,      /* the same, inwards: reads into word1 while ready, one byte a turn; both images */
	ZOG_OP_DEVICE_ATTACH = 17,/* slot=capability (BUS) word0=domain word1=window (0..5) word2=physical word3=bytes:
	                             maps a device window at ZOG_MMIO_BASE + window * stride in that domain */
	ZOG_OP_DOMAIN_CONTROL = 18, /* slot=capability word0=domain word1=enum zog_control word2=argument.
	                               CONTROL for a KILL at once, INJECT for everything else */
	ZOG_OP_POWER_OFF = 19,    /* slot=capability (POWER) word0=exit status to report in the log */
	ZOG_OP_SCHEDULE = 20,     /* slot=capability (SCHEDULE) word0=time slice in ns */
	ZOG_OP_THREAD_XSTATE_RESET = 21, /* slot or ZOG_SELF: vector state as at process start (execve) */
	ZOG_OP_DEVICE_RESUMED = 22, /* slot=capability (BUS) word0=domain: its device may be used again after quiesce */
	ZOG_OP_REGION_COMMIT = 23, /* slot=place of the region in the own table (writer) word0=record kind word1=first index
	                              word2=count: these records of the write-ahead buffer. Checked against the schema: one
	                              that breaks it is no violation, the commit is refused (ZOG_CORE_COMMIT:
	                              ZOG_ERR_CORRUPT; with a reply the domain ends) */
	ZOG_OP_REGION_ROLLBACK = 24, /* slot=as above word0=version: all records as they were then; raises the epoch. Only
	                                where the manifest says reconstructible, alone in its transaction */
	ZOG_OP_UPDATE = 25, /* slot=capability (UPDATE) word0=domain: the image that was checked takes the place of the running one
	                       as soon as nothing runs inside the domain; on probation for a second */
	ZOG_OP_REGION_PROPOSE = 26, /* slot, words as REGION_COMMIT, in a region with a validator: these records become the
	                               region's proposal, which only the validator commits. One at a time */
	ZOG_OP_REGION_VERDICT = 27, /* by the validator: slot=place word0=number of the proposal word1=0: commit it; else reject
	                               it: rule | field << 8 | record kind << 16 | index << 32, word2=value, for the incident */
	ZOG_OP_OBJECT_COMMIT = 28, /* slot=place of the object in the own table (writer) word0=the buffer that the writer has
	                              word1=flags (object.h): publishes it. Once for each object, at most 4 in a transaction. Refused
	                              by its schema as ZOG_OP_REGION_COMMIT */
	ZOG_OP_OBJECT_ROLLBACK = 29, /* slot=as above word0=version: published again, later ones are gone, the epoch rises. Only
	                                where the manifest says reconstructible, without other commits of regions or objects */
	ZOG_OP_IOMMU_SET = 30,    /* slot=capability (BUS) word0=register base of the remapping unit, 0: there is none
	                             word1=requester id of the I/O interrupt controller, 0x10000: unknown. Once */
	ZOG_OP_DEVICE_ASSIGN = 31, /* slot=capability (BUS) word0=domain word1=requester id (bus << 8 | device << 3 | function):
	                              behind an IOMMU this device reaches the domain's DMA memory and pins, and raises its
	                              interrupts, until the domain ends */
	ZOG_OP_EXIT = 32,         /* by a service: word0=exit status 0..255. It ends with this invocation */
	ZOG_OP_CODE_COUNT
};

enum zog_map_flags {
	ZOG_MAP_READ = 1,
	ZOG_MAP_WRITE = 2,
	ZOG_MAP_EXECUTE = 4, /* a program may have pages that are writable and executable (wine); domains never */
	ZOG_MAP_NONE = 0,    /* present in the personality's records, no access by the program */
};

enum zog_page_fault { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_EXECUTE = 16 };

enum zog_control {
	ZOG_CONTROL_KILL = 0,    /* argument: 0 now; n: after n further instructions of the domain, by single step */
	ZOG_CONTROL_HANG = 1,    /* it loops at its next entry (or at once when running) until its deadline */
	ZOG_CONTROL_CORRUPT = 2, /* argument = seed: a fraction of its writable pages is overwritten, then it runs on */
	ZOG_CONTROL_START = 3,   /* of a service; CONTROL. argument=ZOG_START_* word3=text in own memory word4=its bytes: arguments for it */
	ZOG_CONTROL_STOP = 4,    /* of a service; CONTROL. When nothing runs inside. argument 1: into quarantine */
	ZOG_CONTROL_TRACE = 5,   /* INSPECT. argument 1: its servers tell every call (lib/rt/trace.h); 0: no longer */
	ZOG_CONTROL_COUNT
};
#define ZOG_START_RESTARTED 1u /* after its first fault the core starts it again, at once */
#define ZOG_START_FRESH 2u     /* faults before this start are forgotten */
#define ZOG_START_EMPTY 4u     /* its home region starts as zeros; only of one with at most ZOG_START_EMPTY_BYTES */
#define ZOG_START_EMPTY_BYTES 262144
enum zog_end { /* why a service does not run */
	ZOG_END_NONE = 0, /* it was not started yet, or runs */
	ZOG_END_STOPPED = 1,
	ZOG_END_EXITED = 2,
	ZOG_END_FAULTED = 3,
};

/* Live update of a domain's program (core/object/update.h). */
enum zog_image_step {
	ZOG_IMAGE_READ = 0,  /* page 0 of the image in use (struct zog_update_header) */
	ZOG_IMAGE_WRITE = 1, /* a page into the free slot; ZOG_ERR_BUSY: on probation or under way, ZOG_ERR_TOO_BIG: no room */
	ZOG_IMAGE_CHECK = 2, /* ZOG_ERR_ARGUMENT: parts do not lie where they may, ZOG_ERR_TOO_BIG, ZOG_ERR_CORRUPT: not its measure */
};
enum zog_update_state {
	ZOG_UPDATE_NONE = 0,
	ZOG_UPDATE_LOADING = 1,
	ZOG_UPDATE_CHECKED = 2,
	ZOG_UPDATE_ARMED = 3,     /* the next reset of the domain switches */
	ZOG_UPDATE_SWITCHING = 4,
	ZOG_UPDATE_PROBATION = 5,
};

/* Why a domain was ended. */
enum zog_cause {
	ZOG_CAUSE_NONE = 0,
	ZOG_CAUSE_KILLED = 1,        /* asked for through the control capability */
	ZOG_CAUSE_PAGE_FAULT = 2,
	ZOG_CAUSE_EXCEPTION = 3,     /* any other CPU exception */
	ZOG_CAUSE_DEADLINE = 4,      /* the invocation outlived its ticks */
	ZOG_CAUSE_STORE = 5,         /* the store hook refused a store outside the domain's memory */
	ZOG_CAUSE_CAPABILITY = 6,    /* a core call with a capability it does not hold */
	ZOG_CAUSE_VIOLATION = 7,     /* a staged operation or transaction that does not pass its checks */
	ZOG_CAUSE_CONTRACT = 8,      /* a stub or validator found a message outside its contract */
	ZOG_CAUSE_ASSERT = 9,        /* its own assertion */
	ZOG_CAUSE_SCRUB = 10,        /* live and committed image of an idle region differ */
	ZOG_CAUSE_MEASURE = 11,      /* the image does not have its SHA-256 */
	ZOG_CAUSE_CORE = 12,         /* an exception in ring 0 while the core worked for this domain */
	ZOG_CAUSE_START = 13,        /* START replied with an error */
	ZOG_CAUSE_VALIDATION = 14,   /* records broke their schema; address=value, error=enum zog_region_rule | field << 8 |
	                                record kind << 16 | index << 32. Of the home region: kind = table | 0x8000; of a large
	                                object: kind = ZOG_KIND_OBJECT, index = its number in the system */
	ZOG_CAUSE_ROLLBACK = 15,     /* no fault: it took a shared region back. address=version gone back to, error=versions
	                                undone | bytes undone << 32 */
	ZOG_CAUSE_IOMMU = 16,        /* its device was refused; address=where (page, or number of the interrupt), error=requester
	                                id | reason (VT-d specification, appendix A) << 16 | is a write << 24 */
	ZOG_CAUSE_ESCAPE = 17,       /* checking mode of the lab image: right after a commit its home region differs from what is
	                                committed: it stored past the hook. address=where, error=bytes that differ. It goes on */
	ZOG_CAUSE_DAMAGE = 18,       /* no fault of its own: the scrubber found a committed record of its home region that breaks the
	                                schema; address and error as for VALIDATION; the subject begins with what became of it */
	ZOG_CAUSE_COUNT
};

#define ZOG_KIND_OBJECT 0xffffu

/* Event handles: own events are 0..n-1; events of others are named by an EVENT capability. */
#define ZOG_EVENT_CAP 0x80000000u /* | capability index */

#define ZOG_TRACE_MAX 24u
#define ZOG_STACK_SNAPSHOT 2048u
struct zog_incident {
	uint32_t number;   /* from 1 */
	uint32_t domain;
	uint32_t cause;    /* enum zog_cause */
	uint32_t vector;   /* CPU exception, where it was one */
	uint64_t time_ns;  /* since boot */
	uint64_t address;  /* faulting address, or detail */
	uint64_t error;    /* error code, or second detail */
	struct zog_regs regs;
	uint32_t is_running;     /* an invocation was cut: regs and trace mean something */
	uint32_t method;         /* of the cut invocation */
	uint64_t client;
	uint32_t ranges_undone, ops_undone; /* what the rollback threw away */
	uint32_t trace_count;
	uint32_t is_asked_for;   /* through the control capability */
	uint64_t trace[ZOG_TRACE_MAX];
	uint64_t tsc_fault, tsc_reply; /* fault entry and first reply after it; 0 until then */
	char subject[64];        /* "table[3].field" of a home region and what is wrong with it (VALIDATION, ESCAPE, SCRUB, DAMAGE); else empty */
	uint64_t stack_address;
	uint8_t stack[ZOG_STACK_SNAPSHOT]; /* memory from stack_address on */
	uint64_t image;            /* the program: first 8 bytes of its measure */
	uint32_t is_update_undone; /* it was on probation: the program before it was put back */
	uint32_t reserved;
};

enum zog_domain_state { ZOG_DOMAIN_DOWN = 0, ZOG_DOMAIN_READY = 1, ZOG_DOMAIN_QUARANTINED = 2, ZOG_DOMAIN_STOPPED = 3 };
enum zog_dma { ZOG_DMA_NONE = 0, ZOG_DMA_CONFINED = 1, ZOG_DMA_ALL_MEMORY = 2 }; /* what its device can reach */
struct zog_domain_stats {
	uint32_t id, state; /* state: enum zog_domain_state */
	uint32_t starts, faults;
	uint64_t invocations, commits, aborts;
	uint64_t home_bytes, heap_bytes;
	uint64_t corruptions, corruptions_detected; /* by ZOG_CONTROL_CORRUPT; ended by an incident before the next */
	uint32_t incident_count; /* of the whole system */
	uint32_t thread_count; /* threads ready to run, of the whole system */
	char name[32];
	uint64_t address_space_switches, table_flushes; /* of the whole system */
	uint64_t image, image_boot; /* the program, and the one it was booted with: first 8 bytes of their measures */
	uint32_t update_state, updates, updates_undone;
	uint32_t dma; /* enum zog_dma */
	uint64_t schema_refused;  /* commits of home ranges that broke the schema */
	uint64_t records_checked; /* by the scrubber, in the committed home region */
	uint64_t schema_findings; /* and what it found there; the last one in words */
	char finding[64];
	uint32_t end, exit_status; /* of services: enum zog_end */
	uint32_t faults_in_a_row;  /* core/cross/service.h */
	uint32_t is_traced;
};

/* Bits of zog_info.iommu. */
enum zog_iommu {
	ZOG_IOMMU_ASKED = 1,      /* ZOG_OP_IOMMU_SET was carried out: what is not set below will not be */
	ZOG_IOMMU_DMA = 2,        /* a device reaches only what its domain may */
	ZOG_IOMMU_INTERRUPTS = 4, /* and raises only its domain's vectors: messages name the vector as their handle */
};

/* The info page: the same for all, read-only. */
#define ZOG_CMDLINE_MAX 2000u
struct zog_info {
	uint64_t tsc_khz;
	uint64_t tsc_boot;      /* tsc at time 0; ns since boot = (tsc - tsc_boot) * 1e6 / tsc_khz */
	uint64_t memory_bytes;  /* usable RAM of the machine */
	uint64_t frame_count;   /* frames in the machine's frame table */
	uint32_t cpu_count;
	uint32_t domain_count;
	uint32_t iommu;         /* enum zog_iommu */
	uint32_t reserved;
	uint64_t acpi_root;     /* physical address of ACPI's RSDP as the boot loader gave it; 0: it gave none */
	char cmdline[ZOG_CMDLINE_MAX];
};

/* A shared region. Readers see its head and its records, read-only; its one writer has a write-ahead buffer besides.
 * Protocol of a reader: version (even), copy, version again: unchanged, then use the copy. */
enum zog_region_rule {
	ZOG_RULE_RANGE = 1,     /* first..last */
	ZOG_RULE_ENUM = 2,      /* one of a list */
	ZOG_RULE_OFFSET = 3,    /* a byte of the region's records */
	ZOG_RULE_LENGTH = 4,    /* bytes from an offset field of the same record on, all inside the region */
	ZOG_RULE_REF = 5,       /* index of a live record of a kind; all ones where it is optional: none */
	ZOG_RULE_MONOTONIC = 6, /* never below its committed value */
	ZOG_RULE_CHECKSUM = 7,  /* CRC32C of the record with this field as zero */
	ZOG_RULE_LIVE = 8,      /* 0 or 1; with 0 the other rules but MONOTONIC do not count */
	ZOG_RULE_VALIDATOR = 9, /* not of a schema: the region's validator refused, value=its own code */
	ZOG_RULE_COUNT,
	/* Of home regions only (home.zidl). */
	ZOG_RULE_BITS = 16,  /* no other bits than these */
	ZOG_RULE_AHEAD = 17, /* not below another field of the record, and by so much at most */
};
struct zog_region_head {
	uint64_t version;  /* odd while it changes; version / 2 counts commits and rollbacks */
	uint64_t epoch;    /* raised by every rollback: what was read before may be undone */
	uint64_t time_ns;  /* of the last change */
	uint32_t author;   /* domain */
	uint32_t checksum; /* CRC32C of the bytes of the last commit */
	uint64_t proposed; /* number of the last proposal; with a validator only */
	uint64_t decided;  /* equal: none is pending */
	int64_t verdict;   /* of that one: ZOG_OK committed, ZOG_ERR_DENIED rejected, ZOG_ERR_POISON the validator failed over it
	                      twice, ZOG_ERR_SEQUENCE a rollback came first */
};
/* A proposal as its validator sees it, read-only: this page, and the records behind it. */
#define ZOG_REGION_RUN_MAX 16u
#define ZOG_REGION_STAGE_BYTES 16384u
struct zog_region_proposal {
	uint64_t number, time_ns;
	uint32_t author, run_count;
	struct { uint32_t kind, first, count, at; } run[ZOG_REGION_RUN_MAX]; /* at: bytes from the next page's start */
};
/* A version that is kept: who made it, when, and the CRC32C of what it committed. */
struct zog_region_version {
	uint64_t version, time_ns;
	uint32_t author, checksum;
};
struct zog_region_stats {
	struct zog_region_head head;
	uint32_t writer, history, kept; /* domain; versions to keep; versions kept */
	uint32_t reader_count;
	uint64_t bytes, memory_bytes; /* records; all memory, buffer and history included */
	uint64_t commits, bytes_committed, refused, rollbacks;
	uint64_t rejected;                     /* proposals that were not committed */
	uint64_t versions_undone, bytes_undone; /* by rollbacks: visible loss */
	uint64_t hooks_run, hooks_failed;
	uint64_t scrubbed, damaged, repaired;  /* records and kept versions looked at, found wrong, made good */
	uint32_t validator, has_validator;     /* domain */
	char damage[40];                       /* the last one found: RECORD[INDEX].FIELD */
	char name[32];
};

/* What a domain may do and reach, as the core holds it at that moment: one row for each place, from 0 on, then `next`. */
enum zog_authority_kind {
	ZOG_AUTHORITY_CAP = 0,    /* capability table: type, a, b as the general way of a crossing reads them; c, d: domain and
	                             contract that the straight way has for the same index (all ones: no entry); methods,
	                             methods_used: of a crossing, bit n for the contract's method n < 64 */
	ZOG_AUTHORITY_FLAGS = 1,  /* one row: a=enum zog_authority_flag, b=pages of the core's half open to it: 0 */
	ZOG_AUTHORITY_IRQ = 2,    /* a=vector b=own event that it raises c=line of the I/O APIC, or all ones */
	ZOG_AUTHORITY_REGION = 3, /* shared region: a=number in the system b=0: reads, 1: writes, 2: decides what is committed */
	ZOG_AUTHORITY_AREA = 4,   /* memory that the core has mapped or maps at first touch: a=address b=pages c=ZOG_MAP_*
	                             d=physical address */
	ZOG_AUTHORITY_OBJECT = 5, /* large object: a=number in the system b=1: may commit */
	ZOG_AUTHORITY_PAGES = 6,  /* page tables: a run of present pages from address `place` on. a=address b=pages c=ZOG_MAP_*
	                             d=physical address type=what the frames are owner=whose. b=0: none found yet */
	ZOG_AUTHORITY_KIND_COUNT
};
enum zog_authority_type { /* of a capability */
	ZOG_AUTHORITY_ENTRY = 1, ZOG_AUTHORITY_EVENT = 2, ZOG_AUTHORITY_PORTS = 3, ZOG_AUTHORITY_CONTROL = 4,
	ZOG_AUTHORITY_INSPECT = 5, ZOG_AUTHORITY_POWER = 6, ZOG_AUTHORITY_BUS = 7, ZOG_AUTHORITY_SCHEDULE = 8,
	ZOG_AUTHORITY_STATS = 9, ZOG_AUTHORITY_INJECT = 10, ZOG_AUTHORITY_UPDATE = 11, ZOG_AUTHORITY_TYPE_COUNT
};
enum zog_authority_flag {
	ZOG_AUTHORITY_PERSONALITY = 1, ZOG_AUTHORITY_FRAMES = 2, ZOG_AUTHORITY_BUS_SERVER = 4, ZOG_AUTHORITY_DEVICE = 8,
};
enum zog_authority_frame { ZOG_AUTHORITY_NO_RAM = 0, ZOG_AUTHORITY_PAYLOAD = 1, ZOG_AUTHORITY_DOMAIN = 2, ZOG_AUTHORITY_CORE = 3, ZOG_AUTHORITY_DMA = 4 };
struct zog_authority {
	uint32_t type, owner;
	uint64_t a, b, c, d;
	uint64_t next;    /* place of the next row */
	uint64_t is_used; /* CAP, IRQ: since boot */
	uint64_t methods, methods_used; /* CAP: that the rights allow, that were called since boot */
};

/* What a domain is told of itself, read-only. */
#define ZOG_ARGUMENTS_MAX 128u
enum zog_trace { ZOG_TRACE_OFF = 0, ZOG_TRACE_BOOT = 1, ZOG_TRACE_ON = 2 }; /* bits: some contracts, by the command line; all, by control */
struct zog_domain_info {
	uint32_t id;
	uint32_t start_count;   /* 1 at the first start */
	uint64_t home_bytes, heap_bytes;
	uint64_t dma_physical, dma_bytes; /* as the own device sees it, once claimed; without a device, physical */
	uint64_t module_bytes;  /* at ZOG_MODULE_BASE */
	struct { uint64_t address, physical, bytes; } window[6];
	uint64_t free_first_frame, free_frame_count; /* `memory` only: the frames it may hand out */
	uint64_t irq_vector[4];
	char name[32];
	char arguments[ZOG_ARGUMENTS_MAX]; /* of a service, from its start; ends with NUL */
	uint32_t trace;                    /* enum zog_trace */
	uint32_t reserved;
};

#endif
