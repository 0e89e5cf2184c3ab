/* Generated stubs and validators against peers that break the contract, on the host.
 *
 * Client and server of contract `odd` (odd.zidl) stand in one program, joined by rt_call below. Between them a test
 * may change what a hostile client sends (tamper_request) or a hostile server answers (tamper_reply): register words
 * and message areas, as the core would let them through. The message areas are mapped at their real addresses.
 * Prints one line a test, `ok NAME` or `FAIL NAME reason`. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "domain.h"
#define SELF_DOMAIN CLIENT_ODD
#include "contracts/odd_client.h"
#undef SELF_DOMAIN
#define SELF_DOMAIN SERVER_ODD
#include "contracts/odd_server.c"

static void (*tamper_request)(struct zog_call *call, uint8_t *area);
static void (*tamper_reply)(uint64_t *out, uint8_t *area);
static jmp_buf fault; /* rt_fail comes here: the domain that called it has ended */
static uint32_t fault_cause;
static uint32_t served; /* how often a handler ran */
static zog_status_t answer; /* what handlers return */
static struct rt_once_table once;

struct rt_once_table *rt_once_table(void) { return &once; }
void rt_store(uint64_t address, uint64_t size);
void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size; }
void rt_home_touch(void *start, size_t size) { (void)start, (void)size; }
static uint64_t waited_for; /* the event in a handler's answer of ZOG_WAIT */
bool rt_option(const char *key, char *out, size_t out_size) { (void)key, (void)out, (void)out_size; return false; }
void rt_log(enum rt_log_level level, const char *format, ...) { (void)level, (void)format; }
int rt_vformat(char *out, size_t bytes, const char *format, __builtin_va_list args) { return vsnprintf(out, bytes, format, args); }
uint32_t rt_cpu(void) { return 2; }
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	(void)detail1, (void)detail2;
	fault_cause = cause;
	longjmp(fault, 1);
}

zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	struct zog_call call = { .method = (uint16_t)method, .cpu = 2, .client_domain = CLIENT_ODD, .client_thread = 7 };
	zog_status_t status;

	if (cap != CAP_ODD)
		return ZOG_ERR_CAP;
	memcpy(call.word, in, 6 * sizeof(*in));
	if (tamper_request)
		tamper_request(&call, (uint8_t *)ZOG_MESSAGE(CLIENT_ODD, SERVER_ODD, 2));
	status = odd_dispatch(&call);
	memcpy(out, call.out, sizeof(call.out));
	if (tamper_reply)
		tamper_reply(out, (uint8_t *)ZOG_MESSAGE(SERVER_ODD, CLIENT_ODD, 2));
	return status;
}

/* --- the serving domain ------------------------------------------------------------------------------------- */

static struct wide_seen {
	uint64_t a, g;
	uint32_t b;
	int16_t c;
	uint8_t d;
	enum odd_mode e;
	int64_t f;
	struct odd_point p;
	struct odd_small s;
	char data[14];
	size_t data_length;
	uint16_t n_answer;      /* what to answer: */
	int mode_answer;
	size_t length_answer;
	int is_area_changed;    /* the client writes its area while the handler runs */
} wide;

zog_status_t odd_wide_serve(struct zog_call *call, uint64_t a, uint32_t b, int16_t c, uint8_t d, enum odd_mode e, int64_t f,
			    uint64_t g, const struct odd_point *p, const struct odd_small *s, const void *data,
			    size_t data_length, enum odd_mode *mode, int8_t *low, uint16_t *n, void *data_out,
			    size_t data_out_size, size_t *data_out_length)
{
	(void)call;
	served++;
	if (wide.is_area_changed)
		memset((void *)ZOG_MESSAGE(CLIENT_ODD, SERVER_ODD, 2), 0xff, ZOG_MESSAGE_SIZE);
	wide.a = a, wide.b = b, wide.c = c, wide.d = d, wide.e = e, wide.f = f, wide.g = g, wide.p = *p, wide.s = *s;
	wide.data_length = data_length;
	memcpy(wide.data, data, data_length + 1); /* with the NUL that stands behind */
	*mode = (enum odd_mode)wide.mode_answer;
	*low = -3;
	*n = wide.n_answer;
	memcpy(data_out, "results", data_out_size);
	*data_out_length = wide.length_answer;
	return answer;
}

zog_status_t odd_many_serve(struct zog_call *call, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t g,
			    const void *names, size_t names_length, int64_t *r)
{
	(void)names;
	served++;
	call->out[0] = waited_for; /* as rt_wait leaves it */
	*r = (int64_t)(a + b + c + d + e + g + names_length) + 100 * served;
	return answer;
}

zog_status_t odd_none_serve(struct zog_call *call)
{
	(void)call;
	served++;
	return answer;
}

zog_status_t odd_shape_serve(struct zog_call *call, const struct odd_small *s, struct odd_point *p, struct odd_small *q,
			     void *text, size_t text_size, size_t *text_length)
{
	(void)call, (void)text, (void)text_size;
	served++;
	if (s->a == 0)
		p->weight = 1;
	else
		memset(p, s->a, sizeof(*p));
	q->c = s->c;
	*text_length = 0;
	return answer;
}

/* --- the calls that tests make ------------------------------------------------------------------------------- */

static struct wide_result {
	enum odd_mode mode;
	int8_t low;
	uint16_t n;
	char data[8];
	size_t length;
} result;

static char text[ODD_SHAPE_TEXT_MAX];

static zog_status_t wide_call_into(size_t size)
{
	static const struct odd_point p = { -5, 5, 100 };
	static const struct odd_small s = { 1, 2, 3 };

	memset(&result, 0, sizeof(result));
	return odd_wide(UINT64_MAX, UINT32_MAX, -32768, 255, ODD_MODE_FAST, 7, 9, &p, &s, "thirteen char", 13, &result.mode,
			&result.low, &result.n, result.data, size, &result.length);
}

static zog_status_t wide_call(void) { return wide_call_into(7); }
static zog_status_t many_call(uint64_t sequence, const char *names)
{
	int64_t r = 0;
	zog_status_t status = odd_many(sequence, 1, 2, 3, 4, 5, 6, names, strlen(names), &r);

	result.length = (size_t)r;
	return status;
}

#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			return "line " EXPECT_TEXT(__LINE__) ": " #condition; \
	} while (0)
#define EXPECT_TEXT(line) EXPECT_TEXT_OF(line)
#define EXPECT_TEXT_OF(line) #line

/* Runs CALL and expects that the server ended itself for breaking the contract. */
#define EXPECT_FAULT(call) \
	do { \
		fault_cause = ZOG_CAUSE_NONE; \
		if (setjmp(fault) == 0) \
			(void)(call); \
		EXPECT(fault_cause == ZOG_CAUSE_CONTRACT); \
	} while (0)

/* --- requests ------------------------------------------------------------------------------------------------ */

static const char *all_kinds_of_arguments_arrive(void)
{
	EXPECT(wide_call() == ZOG_OK && served == 1);
	EXPECT(wide.a == UINT64_MAX && wide.b == UINT32_MAX && wide.c == -32768 && wide.d == 255);
	EXPECT(wide.e == ODD_MODE_FAST && wide.f == 7 && wide.g == 9);
	EXPECT(wide.p.x == -5 && wide.p.y == 5 && wide.p.weight == 100 && wide.s.a == 1 && wide.s.c == 3);
	EXPECT(wide.data_length == 13 && strcmp(wide.data, "thirteen char") == 0);
	EXPECT(result.mode == ODD_MODE_SLOW && result.low == -3 && result.n == 9);
	EXPECT(result.length == 7 && memcmp(result.data, "results", 8) == 0);
	return NULL;
}

static uint64_t *packed(uint8_t *area) { return ((struct odd_wide_area_in *)area)->word; }
static void b_is_too_wide(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[1] = 1ull << 32; }
static void c_is_not_signed(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[2] = 0x8000; }
static void d_is_too_wide(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[3] = 256; }
static void e_is_no_value(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[4] = 2; }
static void f_is_out_of_range(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[5] = 8; }
static void length_is_too_large(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[7] = 14; }
static void length_is_huge(struct zog_call *call, uint8_t *area) { (void)call, packed(area)[7] = UINT64_MAX; }
static void x_is_out_of_range(struct zog_call *call, uint8_t *area)
{
	(void)call;
	((struct odd_wide_area_in *)area)->p.x = -6;
}
static void weight_is_out_of_range(struct zog_call *call, uint8_t *area)
{
	(void)call;
	((struct odd_wide_area_in *)area)->p.weight = 0;
}

static const char *requests_outside_the_contract_do_not_reach_the_handler(void)
{
	static void (*const tampers[])(struct zog_call *call, uint8_t *area) = {
		b_is_too_wide, c_is_not_signed, d_is_too_wide, e_is_no_value, f_is_out_of_range, length_is_too_large,
		length_is_huge, x_is_out_of_range, weight_is_out_of_range,
	};

	for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		tamper_request = tampers[i];
		EXPECT(wide_call() == ZOG_ERR_ARGUMENT);
	}
	EXPECT(served == 0);
	return NULL;
}

static const char *the_handler_works_on_a_copy_of_its_own(void)
{
	wide.is_area_changed = 1;
	EXPECT(wide_call() == ZOG_OK);
	EXPECT(wide.g == 9 && wide.p.weight == 100 && strcmp(wide.data, "thirteen char") == 0);
	return NULL;
}

static const char *a_stub_sends_no_more_than_the_bound(void)
{
	EXPECT(many_call(1, "123456789012345678901") == ZOG_ERR_ARGUMENT);
	EXPECT(served == 0);
	EXPECT(many_call(1, "12345678901234567890") == ZOG_OK);
	return NULL;
}

static void method_is_unknown(struct zog_call *call, uint8_t *area) { (void)area, call->method += 4; }
static void client_is_the_core(struct zog_call *call, uint8_t *area) { (void)area, call->client_domain = ZOG_CLIENT_CORE; }

static const char *calls_to_no_method_or_from_no_domain_are_refused(void)
{
	tamper_request = method_is_unknown;
	EXPECT(odd_none() == ZOG_ERR_METHOD);
	tamper_request = client_is_the_core;
	EXPECT(odd_none() == ZOG_ERR_ARGUMENT);
	EXPECT(served == 0);
	return NULL;
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static const char *a_server_that_breaks_its_contract_ends(void)
{
	answer = ZOG_ERR_IO; /* not declared */
	EXPECT_FAULT(wide_call());
	answer = ZOG_WAIT; /* wait no */
	EXPECT_FAULT(odd_none());
	answer = ZOG_PENDING; /* declared for another method */
	EXPECT_FAULT(odd_none());
	answer = ZOG_OK;
	wide.length_answer = 8;
	EXPECT_FAULT(wide_call());
	wide.length_answer = 7;
	wide.n_answer = 10;
	EXPECT_FAULT(wide_call());
	wide.n_answer = 9;
	wide.mode_answer = 0;
	EXPECT_FAULT(wide_call());
	EXPECT_FAULT(odd_shape(&(struct odd_small){ 0x7f, 0, 0 }, NULL, NULL, text, sizeof(text), NULL));
	return NULL;
}

static const char *declared_and_implied_statuses_pass(void)
{
	static const zog_status_t statuses[] = { ZOG_ERR_BUSY, ZOG_ERR_ARGUMENT, ZOG_ERR_POISON, ZOG_ERR_QUARANTINED };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		answer = statuses[i];
		EXPECT(wide_call() == statuses[i]);
	}
	return NULL;
}

static void reply_mode_is_no_value(uint64_t *out, uint8_t *area) { (void)area, out[0] = 3; }
static void reply_low_is_too_wide(uint64_t *out, uint8_t *area) { (void)area, out[1] = 128; }
static void reply_n_is_out_of_range(uint64_t *out, uint8_t *area) { (void)area, out[2] = 1; }
static void reply_length_is_too_large(uint64_t *out, uint8_t *area) { (void)area, out[3] = 8; }
static void reply_length_is_huge(uint64_t *out, uint8_t *area) { (void)area, out[3] = UINT64_MAX; }
static void reply_x_is_out_of_range(uint64_t *out, uint8_t *area)
{
	(void)out;
	((struct odd_shape_area_out *)area)->p.x = 6;
}

static const char *replies_outside_the_contract_are_corrupt(void)
{
	static void (*const tampers[])(uint64_t *out, uint8_t *area) = {
		reply_mode_is_no_value, reply_low_is_too_wide, reply_n_is_out_of_range, reply_length_is_too_large,
		reply_length_is_huge,
	};
	struct odd_point p;

	for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		tamper_reply = tampers[i];
		EXPECT(wide_call() == ZOG_ERR_CORRUPT);
	}
	tamper_reply = reply_x_is_out_of_range;
	EXPECT(odd_shape(&(struct odd_small){ 0, 0, 0 }, &p, NULL, text, sizeof(text), NULL) == ZOG_ERR_CORRUPT);
	return NULL;
}

static const char *a_buffer_that_is_too_small_stays_untouched(void)
{
	EXPECT(wide_call_into(6) == ZOG_ERR_ARGUMENT);
	EXPECT(result.length == 0 && result.data[0] == 0);
	return NULL;
}

static const char *an_error_brings_scalars_and_no_bytes(void)
{
	answer = ZOG_ERR_BUSY;
	EXPECT(wide_call() == ZOG_ERR_BUSY);
	EXPECT(result.n == 9 && result.low == -3);
	EXPECT(result.length == 0 && result.data[0] == 0);
	return NULL;
}

static const char *fields_that_a_handler_leaves_out_are_zero(void)
{
	struct odd_point p;
	struct odd_small q;

	memset((void *)ZOG_MESSAGE(SERVER_ODD, CLIENT_ODD, 2), 0xee, ZOG_MESSAGE_SIZE);
	EXPECT(odd_shape(&(struct odd_small){ 0, 0, 77 }, &p, &q, text, sizeof(text), NULL) == ZOG_OK);
	EXPECT(p.x == 0 && p.y == 0 && p.weight == 1 && q.a == 0 && q.b == 0 && q.c == 77);
	return NULL;
}

/* --- once ---------------------------------------------------------------------------------------------------- */

static const char *a_repeated_once_call_is_answered_from_the_record(void)
{
	EXPECT(many_call(5, "abc") == ZOG_OK && result.length == 124);
	EXPECT(many_call(5, "abc") == ZOG_OK && result.length == 124);
	EXPECT(served == 1);
	answer = ZOG_PENDING;
	EXPECT(many_call(6, "abc") == ZOG_PENDING && result.length == 224);
	EXPECT(many_call(6, "abc") == ZOG_PENDING && result.length == 224);
	EXPECT(served == 2);
	return NULL;
}

static void third_word_differs(struct zog_call *call, uint8_t *area) { (void)call, ((uint64_t *)area)[3] ^= 1; }

static const char *a_sequence_used_for_something_else_is_refused(void)
{
	EXPECT(many_call(5, "abc") == ZOG_OK);
	EXPECT(many_call(5, "abd") == ZOG_ERR_SEQUENCE);
	EXPECT(many_call(5, "ab") == ZOG_ERR_SEQUENCE);
	EXPECT(many_call(4, "abc") == ZOG_ERR_SEQUENCE);
	tamper_request = third_word_differs;
	EXPECT(many_call(5, "abc") == ZOG_ERR_SEQUENCE);
	EXPECT(served == 1);
	return NULL;
}

static const char *waiting_and_retrying_leave_no_record(void)
{
	answer = ZOG_WAIT;
	EXPECT(many_call(5, "abc") == ZOG_WAIT);
	waited_for = EVENT_MOVED + 1; /* an event that the contract does not name */
	EXPECT_FAULT(many_call(5, "abc"));
	waited_for = EVENT_MOVED;
	answer = ZOG_RETRY;
	EXPECT(many_call(5, "abc") == ZOG_RETRY);
	answer = ZOG_OK;
	EXPECT(many_call(5, "abc") == ZOG_OK);
	EXPECT(served == 4);
	return NULL;
}

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	const char *(*run)(void);
} tests[] = {
	TEST(all_kinds_of_arguments_arrive),
	TEST(requests_outside_the_contract_do_not_reach_the_handler),
	TEST(the_handler_works_on_a_copy_of_its_own),
	TEST(a_stub_sends_no_more_than_the_bound),
	TEST(calls_to_no_method_or_from_no_domain_are_refused),
	TEST(a_server_that_breaks_its_contract_ends),
	TEST(declared_and_implied_statuses_pass),
	TEST(replies_outside_the_contract_are_corrupt),
	TEST(a_buffer_that_is_too_small_stays_untouched),
	TEST(an_error_brings_scalars_and_no_bytes),
	TEST(fields_that_a_handler_leaves_out_are_zero),
	TEST(a_repeated_once_call_is_answered_from_the_record),
	TEST(a_sequence_used_for_something_else_is_refused),
	TEST(waiting_and_retrying_leave_no_record),
};

static void test_prepare(void)
{
	tamper_request = NULL;
	tamper_reply = NULL;
	answer = ZOG_OK;
	served = 0;
	memset(&once, 0, sizeof(once));
	memset(&wide, 0, sizeof(wide));
	wide.n_answer = 9;
	wide.mode_answer = ODD_MODE_SLOW;
	wide.length_answer = 7;
}

int main(void)
{
	void *areas = mmap((void *)ZOG_MESSAGE_BASE, ZOG_DOMAIN_MAX * ZOG_MESSAGES_OF_DOMAIN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int failed = 0;
	/* Where servers look whether their calls are traced. */
	void *log = mmap((void *)ZOG_TXN_BASE, ZOG_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (areas != (void *)ZOG_MESSAGE_BASE || log != (void *)ZOG_TXN_BASE) {
		puts("FAIL message_areas the address of the message areas is taken on this host");
		return 1;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		const char *why;

		test_prepare();
		why = tests[i].run();
		printf(why ? "FAIL %s %s\n" : "ok %s\n", tests[i].name, why);
		failed += why != NULL;
	}
	return failed != 0;
}
