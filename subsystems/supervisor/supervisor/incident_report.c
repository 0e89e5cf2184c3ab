/* Reports about one incident: what the core kept of the remains, put into words, with code addresses resolved
 * through the symbols module.
 *
 * The record is copied from the core once for each read. Its trace and registers were the dead domain's own and may
 * hold anything; nothing here follows them, they are only printed. */
#include "report.h"

#include "domain.h"
#include "symbols.h"

#define CORE_HALF 0x8000000000000000ull /* addresses from here on are the core's */
#define DUMP_WIDTH 16u
#define REASON_INTERRUPT 0x20u /* of the IOMMU, from here on: a request to interrupt */

/* Scratch: too large for comfort on the stack, and used by one invocation only. */
static struct zog_incident incident;

/* --- finding ------------------------------------------------------------------------------------------------- */

bool incident_exists(uint32_t number)
{
	/* A slot that is reused while it is copied carries another number. */
	return rt_incident(CAP_INSPECT, number, &incident) == ZOG_OK && incident.number == number;
}

/* The core keeps the newest ones; numbers on file have no gaps, so the oldest is found by halving. */
bool incident_span(uint32_t *oldest, uint32_t *newest)
{
	struct zog_domain_stats stats;
	uint32_t low = 1;

	if (rt_stats(CAP_STATS, rt_self()->id, &stats) != ZOG_OK || stats.incident_count == 0)
		return false;
	*newest = *oldest = stats.incident_count;
	while (low < *oldest) {
		uint32_t middle = low + (*oldest - low) / 2;

		if (incident_exists(middle))
			*oldest = middle;
		else
			low = middle + 1;
	}
	return incident_exists(*oldest);
}

/* --- words --------------------------------------------------------------------------------------------------- */

static const char *cause_name(uint32_t cause)
{
	static const char *const name[ZOG_CAUSE_COUNT] = {
		[ZOG_CAUSE_NONE] = "none",
		[ZOG_CAUSE_KILLED] = "killed",
		[ZOG_CAUSE_PAGE_FAULT] = "page_fault",
		[ZOG_CAUSE_EXCEPTION] = "exception",
		[ZOG_CAUSE_DEADLINE] = "deadline",
		[ZOG_CAUSE_STORE] = "store",
		[ZOG_CAUSE_CAPABILITY] = "capability",
		[ZOG_CAUSE_VIOLATION] = "violation",
		[ZOG_CAUSE_CONTRACT] = "contract",
		[ZOG_CAUSE_ASSERT] = "assert",
		[ZOG_CAUSE_SCRUB] = "scrub",
		[ZOG_CAUSE_MEASURE] = "measure",
		[ZOG_CAUSE_CORE] = "core",
		[ZOG_CAUSE_START] = "start",
		[ZOG_CAUSE_VALIDATION] = "validation",
		[ZOG_CAUSE_ROLLBACK] = "rollback",
		[ZOG_CAUSE_IOMMU] = "iommu",
		[ZOG_CAUSE_ESCAPE] = "escape",
		[ZOG_CAUSE_DAMAGE] = "damage",
	};

	return cause < ZOG_CAUSE_COUNT ? name[cause] : "unknown";
}

static const char *cause_sentence(uint32_t cause)
{
	static const char *const sentence[ZOG_CAUSE_COUNT] = {
		[ZOG_CAUSE_NONE] = "no cause is recorded",
		[ZOG_CAUSE_KILLED] = "it was killed through the control capability",
		[ZOG_CAUSE_PAGE_FAULT] = "it touched memory that it may not touch so",
		[ZOG_CAUSE_EXCEPTION] = "it raised a CPU exception",
		[ZOG_CAUSE_DEADLINE] = "its invocation outlived its deadline",
		[ZOG_CAUSE_STORE] = "the store hook refused a store outside its memory",
		[ZOG_CAUSE_CAPABILITY] = "it used a capability that it does not hold",
		[ZOG_CAUSE_VIOLATION] = "a staged operation or its transaction did not pass the core's checks",
		[ZOG_CAUSE_CONTRACT] = "a message was outside its contract",
		[ZOG_CAUSE_ASSERT] = "it found its own state wrong (an assertion)",
		[ZOG_CAUSE_SCRUB] = "the live and the committed image of its idle home region differed, or bytes of a shared region and their sum",
		[ZOG_CAUSE_MEASURE] = "its image does not have its SHA-256 any more",
		[ZOG_CAUSE_CORE] = "the core itself faulted while it worked for this domain",
		[ZOG_CAUSE_START] = "it could not start",
		[ZOG_CAUSE_IOMMU] = "its device reached for memory or an interrupt that is not its own; nothing came of it",
		[ZOG_CAUSE_VALIDATION] = "records of its commit break a schema; the commit was refused",
		[ZOG_CAUSE_DAMAGE] = "no fault of its own: the scrubber found a committed record of its home region that breaks the schema",
		[ZOG_CAUSE_ESCAPE] = "it stored into its home region past the store hook; the store was undone",
		[ZOG_CAUSE_ROLLBACK] = "no fault: it took a shared region back to an older version",
	};

	return cause < ZOG_CAUSE_COUNT ? sentence[cause] : "the cause is unknown";
}

/* --- code addresses ------------------------------------------------------------------------------------------ */

/* The symbols are those of the programs that the system was booted with; an update's code has other places. */
static bool program_is_known(uint64_t address)
{
	struct zog_domain_stats stats;

	return address >= CORE_HALF || (rt_stats(CAP_STATS, incident.domain, &stats) == ZOG_OK && stats.image_boot == incident.image);
}

/* Writes "function file:line", with the bare address in place of what is not known. A return address points behind its call, perhaps at the next
 * function, so callers are looked up one byte earlier. */
static void code_write(struct text *text, uint64_t address, bool is_return)
{
	struct symbols symbols;
	struct symbol symbol = { 0 };
	uint32_t image = address >= CORE_HALF ? SYMBOLS_IMAGE_CORE : symbols_image_of(incident.domain);

	symbols_open(&symbols, (const void *)ZOG_MODULE_BASE, rt_self()->module_bytes);
	if (program_is_known(address) && symbols_find(&symbols, image, address - is_return, &symbol))
		text_format(text, "%s", symbol.function);
	else
		text_format(text, "0x%016lx", address);
	if (symbol.file)
		text_format(text, " %s:%u", symbol.file, symbol.line);
	else if (symbol.function)
		text_format(text, "+0x%lx", symbol.offset + is_return);
}

static void trace_report(struct text *text)
{
	uint32_t count = incident.trace_count < ZOG_TRACE_MAX ? incident.trace_count : ZOG_TRACE_MAX;

	for (uint32_t i = 0; i < count; i++) {
		text_format(text, "#%u ", i);
		code_write(text, incident.trace[i], i > 0);
		text_line_end(text);
	}
	if (count == 0) {
		text_format(text, "no code of the domain was running");
		text_line_end(text);
	}
}

/* --- registers, stack, cause --------------------------------------------------------------------------------- */

static void register_pair(struct text *text, const char *name1, uint64_t value1, const char *name2, uint64_t value2)
{
	text_format(text, "%s", name1);
	text_column(text, 8);
	text_format(text, "0x%016lx", value1);
	text_column(text, 30);
	text_format(text, "%s", name2);
	text_column(text, 38);
	text_format(text, "0x%016lx", value2);
	text_line_end(text);
}

static void registers_report(struct text *text)
{
	const struct zog_regs *regs = &incident.regs;

	register_pair(text, "rip", regs->rip, "rflags", regs->rflags);
	register_pair(text, "rsp", regs->rsp, "rbp", regs->rbp);
	register_pair(text, "rax", regs->rax, "rbx", regs->rbx);
	register_pair(text, "rcx", regs->rcx, "rdx", regs->rdx);
	register_pair(text, "rsi", regs->rsi, "rdi", regs->rdi);
	register_pair(text, "r8", regs->r8, "r9", regs->r9);
	register_pair(text, "r10", regs->r10, "r11", regs->r11);
	register_pair(text, "r12", regs->r12, "r13", regs->r13);
	register_pair(text, "r14", regs->r14, "r15", regs->r15);
	register_pair(text, "fs_base", regs->fs_base, "gs_base", regs->gs_base);
	register_pair(text, "address", incident.address, "error", incident.error);
}

static void cause_report(struct text *text)
{
	text_format(text, "%s", cause_name(incident.cause));
	text_line_end(text);
}

static void stack_report(struct text *text)
{
	if (!incident.is_running) {
		text_format(text, "the domain was idle: its stack was empty");
		text_line_end(text);
		return;
	}
	for (uint32_t row = 0; row < ZOG_STACK_SNAPSHOT; row += DUMP_WIDTH) {
		text_format(text, "%016lx ", incident.stack_address + row);
		for (uint32_t i = 0; i < DUMP_WIDTH; i++)
			text_format(text, i == DUMP_WIDTH / 2 ? "  %02x" : " %02x", (uint32_t)incident.stack[row + i]);
		text_line_end(text);
	}
}

/* --- summary ------------------------------------------------------------------------------------------------- */

/* What the IOMMU refused to whom (ZOG_CAUSE_IOMMU). */
static void refusal_line(struct text *text)
{
	uint32_t source = incident.error & 0xffff, reason = incident.error >> 16 & 0xff;
	const char *what = reason >= REASON_INTERRUPT ? "interrupt" : incident.error >> 24 & 1 ? "write at" : "read at";

	text_format(text, "device: %02x:%02x.%u was refused %s %s 0x%lx", source >> 8, source >> 3 & 31, source & 7,
		    reason >= REASON_INTERRUPT ? "an" : "a", what, incident.address);
	text_line_end(text);
}

/* Something was found, undone or refused, and nothing ended: the core says so by an answer at the same moment. */
static bool is_notice(void) { return incident.tsc_reply != 0 && incident.tsc_reply == incident.tsc_fault; }

static void summary_title(struct text *text)
{
	const char *what = incident.cause == ZOG_CAUSE_ESCAPE ? "was looked at" : is_notice() ? "went on, this is a notice," : "ended";

	struct zog_domain_stats stats;

	text_format(text, "incident %u: domain %s %s at %lu.%06lu s", incident.number,
		    domain_name(incident.domain, &stats), what, incident.time_ns / 1000000000, incident.time_ns / 1000 % 1000000);
	text_line_end(text);
	text_format(text, "cause: %s: %s%s", cause_name(incident.cause), cause_sentence(incident.cause),
		    incident.is_asked_for ? " (asked for through /zog/ctl)" : "");
	text_line_end(text);
}

static void summary_place(struct text *text)
{
	if (incident.cause == ZOG_CAUSE_EXCEPTION || incident.cause == ZOG_CAUSE_PAGE_FAULT ||
	    incident.cause == ZOG_CAUSE_CORE) {
		text_format(text, "exception: vector %u, error code 0x%lx", incident.vector, incident.error);
		text_line_end(text);
	}
	if (incident.cause == ZOG_CAUSE_IOMMU)
		refusal_line(text);
	text_format(text, "address: 0x%016lx, detail 0x%lx", incident.address, incident.error);
	text_line_end(text);
	incident.subject[sizeof(incident.subject) - 1] = '\0';
	if (incident.subject[0] != '\0') {
		text_format(text, "record: %s", incident.subject);
		if (incident.cause == ZOG_CAUSE_VALIDATION || incident.cause == ZOG_CAUSE_DAMAGE)
			text_format(text, ", with the value 0x%lx", incident.address);
		text_line_end(text);
	}
	if (!incident.is_running) {
		text_format(text, "instruction: none, the domain was idle");
		text_line_end(text);
		return;
	}
	text_format(text, "instruction: 0x%016lx ", incident.regs.rip);
	code_write(text, incident.regs.rip, false);
	text_line_end(text);
}

/* Threads of the core's own that run activities have this bit in their number. */
#define THREAD_ACTIVITY 0x8000u

static void client_write(struct text *text, uint64_t client)
{
	struct zog_domain_stats stats;
	uint32_t thread = (uint32_t)client;

	text_format(text, "%s, %s %u", domain_name((uint32_t)(client >> 32), &stats),
		    thread & THREAD_ACTIVITY ? "activity" : "thread", thread & ~THREAD_ACTIVITY);
}

static void summary_invocation(struct text *text)
{
	const char *name = method_name(incident.method);

	if (!incident.is_running)
		return;
	if (name)
		text_format(text, "method: %s", name);
	else
		text_format(text, "method: %u of contract %u", incident.method & 0xff, incident.method >> 8);
	text_format(text, ", client: ");
	client_write(text, incident.client);
	text_line_end(text);
}

/* Readers saw what is no more. */
static void summary_loss(struct text *text)
{
	text_format(text, "visible loss: back to version %lu, %lu versions and %lu bytes undone", incident.address,
		    incident.error & UINT32_MAX, incident.error >> 32);
	text_line_end(text);
}

static void summary_outcome(struct text *text)
{
	if (incident.cause == ZOG_CAUSE_ROLLBACK) {
		summary_loss(text);
		return;
	}
	if (is_notice()) {
		text_format(text, "recovery: none was needed");
		text_line_end(text);
		return;
	}
	text_format(text, "rolled back: %u ranges of the home region, %u staged operations", incident.ranges_undone,
		    incident.ops_undone);
	text_line_end(text);
	if (incident.tsc_reply == 0)
		text_format(text, "recovery: pending, no reply since the fault");
	else
		text_format(text, "recovery: first reply %lu ticks of the time stamp counter after the fault%s",
			    incident.tsc_reply - incident.tsc_fault,
			    incident.is_running ? "" : ", waiting for a call included");
	text_line_end(text);
}

static void summary_update(struct text *text)
{
	text_format(text, "program: %016lx%s", __builtin_bswap64(incident.image),
		    incident.is_update_undone ? ", an update on probation: undone, the program before it runs again" : "");
	text_line_end(text);
}

static void summary_report(struct text *text)
{
	summary_title(text);
	summary_place(text);
	summary_invocation(text);
	summary_outcome(text);
	summary_update(text);
}

zog_status_t incident_report(uint32_t number, enum incident_file file, struct text *text)
{
	static void (*const report[INCIDENT_FILE_COUNT])(struct text *) = {
		[INCIDENT_SUMMARY] = summary_report,
		[INCIDENT_TRACE] = trace_report,
		[INCIDENT_REGISTERS] = registers_report,
		[INCIDENT_CAUSE] = cause_report,
		[INCIDENT_STACK] = stack_report,
	};

	if (!incident_exists(number))
		return ZOG_ERR_NOT_FOUND;
	report[file](text);
	return ZOG_OK;
}
