/* Generated code for texts, arrays, rights and handles, on the host: client and server of contract `whole` in one program,
 * joined by rt_call. A test may change what a client sends, let the server die (its scratch becomes zeros), and call as
 * another client. Prints one line a test, `ok NAME` or `FAIL NAME reason`. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "domain.h"
#define SELF_DOMAIN CLIENT_WHOLE
#include "contracts/whole_client.h"
#undef SELF_DOMAIN
#define SELF_DOMAIN SERVER_WHOLE
#include "contracts/whole_server.c"

static void (*tamper_request)(struct zog_call *call, uint8_t *area);
static void (*tamper_reply)(uint64_t *out, uint8_t *area);
static jmp_buf fault;
static uint32_t client = CLIENT_WHOLE, served, dies_at; /* dies_at: the server dies before that crossing; 0: never */
static uint32_t crossings, is_sum_wrong, title_length;
static struct whole_seat_handles seats; /* its home region */
static uint64_t value[WHOLE_COPY_LIMIT], size[WHOLE_COPY_LIMIT]; /* its scratch */

struct whole_seat_handles *whole_seat_handles(void) { return &seats; }
struct rt_once_table *rt_once_table(void) { return NULL; }
void rt_home_touch(void *start, size_t bytes) { (void)start, (void)bytes; }
void rt_store(uint64_t address, uint64_t size);
void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size; }
bool rt_option(const char *key, char *out, size_t out_size) { (void)key, (void)out, (void)out_size; return false; }
void rt_log(enum rt_log_level level, const char *format, ...) { (void)level, (void)format; }
int rt_vformat(char *out, size_t bytes, const char *format, __builtin_va_list args) { return vsnprintf(out, bytes, format, args); }
uint32_t rt_cpu(void) { return 1; }
_Noreturn void rt_fail(uint32_t cause, uint64_t detail1, uint64_t detail2)
{
	(void)cause, (void)detail1, (void)detail2;
	longjmp(fault, 1);
}

static void server_dies(void)
{
	memset(whole_copy_records, 0, sizeof(whole_copy_records));
	memset(value, 0, sizeof(value));
	memset(size, 0, sizeof(size));
}

zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	struct zog_call call = { .method = (uint16_t)method, .cpu = 1, .client_domain = client, .client_thread = 7 };
	zog_status_t status;

	if (cap != CAP_WHOLE)
		return ZOG_ERR_CAP;
	if (++crossings == dies_at)
		server_dies();
	memcpy(call.word, in, 6 * sizeof(*in));
	if (client != CLIENT_WHOLE) /* its stubs would have written their own area */
		memcpy((void *)ZOG_MESSAGE(client, SERVER_WHOLE, 1), (void *)ZOG_MESSAGE(CLIENT_WHOLE, SERVER_WHOLE, 1), ZOG_MESSAGE_SIZE);
	if (tamper_request)
		tamper_request(&call, (uint8_t *)ZOG_MESSAGE(client, SERVER_WHOLE, 1));
	status = whole_dispatch(&call);
	memcpy(out, call.out, sizeof(call.out));
	if (tamper_reply)
		tamper_reply(out, (uint8_t *)ZOG_MESSAGE(SERVER_WHOLE, client, 1));
	return status;
}

/* --- the serving domain ------------------------------------------------------------------------------------- */

zog_status_t whole_put_serve(struct zog_call *call, const char *title, size_t length, const struct whole_item *items, size_t items_count,
			     const int16_t *numbers, size_t numbers_count, uint64_t *sum, char *out_title, size_t out_title_size,
			     size_t *out_title_length, int16_t *doubled, size_t doubled_size, size_t *doubled_count)
{
	(void)call, (void)out_title_size, (void)doubled_size;
	served++;
	for (size_t i = 0; i < items_count; i++)
		*sum += items[i].count;
	memcpy(out_title, title, length + 1);
	*out_title_length = length + title_length;
	for (size_t i = 0; i < numbers_count; i++)
		doubled[i] = (int16_t)(is_sum_wrong ? 9 : 2 * numbers[i]);
	*doubled_count = numbers_count;
	return ZOG_OK;
}

zog_status_t whole_begin_serve(struct zog_call *call, uint32_t h, uint64_t bytes, uint64_t *total)
{
	(void)call;
	served++;
	size[h] = bytes;
	*total = bytes;
	return bytes == 99 ? ZOG_ERR_BUSY : ZOG_OK;
}

zog_status_t whole_fill_serve(struct zog_call *call, uint32_t h, uint64_t v)
{
	(void)call;
	served++;
	value[h] = v;
	return ZOG_OK;
}

zog_status_t whole_empty_serve(struct zog_call *call, uint32_t h)
{
	(void)call;
	served++;
	value[h] = 0;
	return ZOG_OK;
}

zog_status_t whole_peek_serve(struct zog_call *call, uint32_t h, uint64_t *v)
{
	(void)call;
	served++;
	*v = value[h] + 1000 * size[h];
	return ZOG_OK;
}

zog_status_t whole_end_serve(struct zog_call *call, uint32_t h)
{
	(void)call, (void)h;
	served++;
	return ZOG_OK;
}

zog_status_t whole_take_serve(struct zog_call *call, uint32_t h, const char *name, size_t length)
{
	(void)call, (void)h, (void)name, (void)length;
	served++;
	return ZOG_OK;
}

zog_status_t whole_name_serve(struct zog_call *call, uint32_t h, uint64_t *length)
{
	(void)call, (void)h;
	served++;
	*length = 3;
	return ZOG_OK;
}

zog_status_t whole_leave_serve(struct zog_call *call, uint32_t h)
{
	(void)call, (void)h;
	served++;
	return ZOG_OK;
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			return "line " EXPECT_TEXT(__LINE__) ": " #condition; \
	} while (0)
#define EXPECT_TEXT(line) EXPECT_TEXT_OF(line)
#define EXPECT_TEXT_OF(line) #line

static const struct whole_item items[3] = { { 1, WHOLE_COLOUR_RED, 0 }, { 9, WHOLE_COLOUR_BLUE, 0 }, { 5, WHOLE_COLOUR_RED, 0 } };
static uint64_t sum;
static char title[9];
static int16_t doubled[5];
static size_t doubled_count;

static zog_status_t put(const char *text, size_t text_length, size_t items_count, int16_t first)
{
	const int16_t numbers[2] = { first, 4 };

	return whole_put(text, text_length, items, items_count, numbers, 2, &sum, title, sizeof(title), NULL, doubled, 5, &doubled_count);
}

static const char *texts_and_arrays_arrive(void)
{
	EXPECT(put("ab", 2, 3, -4) == ZOG_OK && sum == 15 && doubled_count == 2 && doubled[0] == -8 && doubled[1] == 8);
	EXPECT(memcmp(title, "ab", 2) == 0);
	return NULL;
}

static const char *lengths_elements_and_nuls_outside_the_contract_are_refused(void)
{
	EXPECT(put("a", 1, 1, 0) == ZOG_ERR_ARGUMENT && put("123456789", 9, 1, 0) == ZOG_ERR_ARGUMENT);
	EXPECT(put("ab", 2, 0, 0) == ZOG_ERR_ARGUMENT);
	EXPECT(put("a\0b", 3, 1, 0) == ZOG_ERR_ARGUMENT);
	EXPECT(put("abc", 3, 1, 5) == ZOG_ERR_ARGUMENT && put("abc", 3, 1, -5) == ZOG_ERR_ARGUMENT);
	EXPECT(served == 0);
	return NULL;
}

static void count_is_huge(struct zog_call *call, uint8_t *area) { (void)area, call->word[1] = 1ull << 61; }
static void colour_is_none(struct zog_call *call, uint8_t *area) { (void)call, ((struct whole_put_area_in *)area)->items[1].colour = 2; }
static void handle_is_huge(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = UINT64_MAX; }

static const char *a_hostile_client_does_not_reach_the_handler(void)
{
	tamper_request = count_is_huge;
	EXPECT(put("ab", 2, 2, 0) == ZOG_ERR_ARGUMENT);
	tamper_request = colour_is_none;
	EXPECT(put("ab", 2, 2, 0) == ZOG_ERR_ARGUMENT);
	tamper_request = handle_is_huge;
	EXPECT(whole_name(0, NULL) == ZOG_ERR_HANDLE && served == 0);
	return NULL;
}

static void doubled_is_out_of_range(uint64_t *out, uint8_t *area) { (void)out, ((struct whole_put_area_out *)area)->doubled[0] = 9; }
static void title_has_nul(uint64_t *out, uint8_t *area) { (void)out, ((struct whole_put_area_out *)area)->out_title[0] = 0; }

static const char *a_hostile_answer_is_corrupt(void)
{
	tamper_reply = doubled_is_out_of_range;
	EXPECT(put("ab", 2, 2, 0) == ZOG_ERR_CORRUPT);
	tamper_reply = title_has_nul;
	EXPECT(put("ab", 2, 2, 0) == ZOG_ERR_CORRUPT);
	return NULL;
}

static const char *a_server_that_answers_outside_its_contract_ends(void)
{
	is_sum_wrong = 1;
	if (setjmp(fault) == 0) {
		put("ab", 2, 2, 0);
		return "an element out of range passed";
	}
	is_sum_wrong = 0;
	title_length = 1; /* a NUL inside */
	if (setjmp(fault) == 0) {
		put("ab", 2, 2, 0);
		return "a NUL in a text passed";
	}
	return NULL;
}

static const char *wrong_order_and_handles_of_others_are_refused_by_name(void)
{
	struct rt_handle h = { .slot = 1 };

	client = 6;
	EXPECT(whole_name(1, NULL) == ZOG_ERR_HANDLE && whole_leave(1) == ZOG_ERR_HANDLE);
	EXPECT(whole_take(1, "me", 2) == ZOG_OK && whole_name(1, NULL) == ZOG_OK);
	EXPECT(whole_take(1, "me", 2) == ZOG_OK);          /* a repeat */
	EXPECT(whole_take(1, "you", 3) == ZOG_ERR_STATE);  /* no repeat */
	EXPECT(whole_take(WHOLE_SEAT_LIMIT, "me", 2) == ZOG_ERR_HANDLE);
	client = CLIENT_WHOLE;
	EXPECT(whole_name(1, NULL) == ZOG_ERR_HANDLE);     /* client 6 has it, not this one */
	EXPECT(whole_empty(&h) == ZOG_ERR_HANDLE && served == 3);
	EXPECT(whole_begin(&h, 7, NULL) == ZOG_OK && whole_empty(&h) == ZOG_ERR_STATE && served == 4);
	client = 6;
	EXPECT(whole_leave(1) == ZOG_OK && whole_leave(1) == ZOG_OK && whole_name(1, NULL) == ZOG_ERR_HANDLE);
	return NULL;
}

static const char *an_error_changes_no_state(void)
{
	struct rt_handle h = { .slot = 0 };

	EXPECT(whole_begin(&h, 99, NULL) == ZOG_ERR_BUSY && h.count == 0);
	EXPECT(whole_fill(&h, 1) == ZOG_ERR_HANDLE);
	return NULL;
}

static const char *volatile_handles_are_replayed_after_the_servers_death(void)
{
	struct rt_handle h = { .slot = 2 };
	uint64_t seen = 0;

	EXPECT(whole_begin(&h, 7, NULL) == ZOG_OK && whole_fill(&h, 5) == ZOG_OK && h.count == 2);
	server_dies();
	EXPECT(whole_peek(&h, &seen) == ZOG_OK && seen == 7005);
	EXPECT(whole_empty(&h) == ZOG_OK && h.count == 1); /* back where begin left it */
	server_dies();
	EXPECT(whole_fill(&h, 6) == ZOG_OK && whole_peek(&h, &seen) == ZOG_OK && seen == 7006);
	server_dies();
	EXPECT(whole_end(&h) == ZOG_OK && h.count == 0);
	EXPECT(whole_peek(&h, &seen) == ZOG_ERR_HANDLE);
	return NULL;
}

static const char *a_death_during_the_replay_is_survived(void)
{
	for (uint32_t at = 1; at <= 6; at++) {
		struct rt_handle h = { .slot = 3 };
		uint64_t seen = 0;
		EXPECT(whole_begin(&h, 8, NULL) == ZOG_OK && whole_fill(&h, 5) == ZOG_OK);
		server_dies();
		crossings = 0;
		dies_at = at; /* peek, begin, fill, peek: and once more from where it died */
		EXPECT(whole_peek(&h, &seen) == ZOG_OK && seen == 8005);
		dies_at = 0;
		server_dies();
	}
	return NULL;
}

static const char *durable_handles_survive_the_servers_death(void)
{
	client = 6;
	EXPECT(whole_take(0, "me", 2) == ZOG_OK);
	server_dies();
	EXPECT(whole_name(0, NULL) == ZOG_OK);
	return NULL;
}

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	const char *(*run)(void);
} tests[] = {
	TEST(texts_and_arrays_arrive),
	TEST(lengths_elements_and_nuls_outside_the_contract_are_refused),
	TEST(a_hostile_client_does_not_reach_the_handler),
	TEST(a_hostile_answer_is_corrupt),
	TEST(a_server_that_answers_outside_its_contract_ends),
	TEST(wrong_order_and_handles_of_others_are_refused_by_name),
	TEST(an_error_changes_no_state),
	TEST(volatile_handles_are_replayed_after_the_servers_death),
	TEST(a_death_during_the_replay_is_survived),
	TEST(durable_handles_survive_the_servers_death),
};

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
		tamper_request = NULL, tamper_reply = NULL;
		served = dies_at = crossings = is_sum_wrong = title_length = 0;
		client = CLIENT_WHOLE;
		memset(&seats, 0, sizeof(seats));
		server_dies();
		const char *why = tests[i].run();
		printf(why ? "FAIL %s %s\n" : "ok %s\n", tests[i].name, why);
		failed += why != NULL;
	}
	return failed != 0;
}
