/* Lists of entries of varying length, and the rules of strings, between generated stubs and validators, on the host.
 *
 * As messages.c: client and server of contract `lists` in one program, and between them a peer that sends or answers
 * what it likes. An entry `item` is number (8 bytes), sort (2), length (2), label. Prints `ok NAME` or `FAIL NAME reason`. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "domain.h"
#define SELF_DOMAIN CLIENT_LISTS
#include "contracts/lists_client.h"
#undef SELF_DOMAIN
#define SELF_DOMAIN SERVER_LISTS
#include "contracts/lists_server.c"

static void (*tamper_request)(struct zog_call *call, uint8_t *area);
static void (*tamper_reply)(uint64_t *out, uint8_t *area);
static jmp_buf fault;
static uint32_t fault_cause, served;
static struct rt_once_table once;

struct rt_once_table *rt_once_table(void) { return &once; }
void rt_store(uint64_t address, uint64_t size);
void rt_store(uint64_t address, uint64_t size) { (void)address, (void)size; }
void rt_home_touch(void *start, size_t size) { (void)start, (void)size; }
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
	struct zog_call call = { .method = (uint16_t)method, .cpu = 2, .client_domain = CLIENT_LISTS, .client_thread = 7 };
	zog_status_t status;

	if (cap != CAP_LISTS)
		return ZOG_ERR_CAP;
	memcpy(call.word, in, 6 * sizeof(*in));
	if (tamper_request)
		tamper_request(&call, (uint8_t *)ZOG_MESSAGE(CLIENT_LISTS, SERVER_LISTS, 2));
	status = lists_dispatch(&call);
	memcpy(out, call.out, sizeof(call.out));
	if (tamper_reply)
		tamper_reply(out, (uint8_t *)ZOG_MESSAGE(SERVER_LISTS, CLIENT_LISTS, 2));
	return status;
}

/* --- the serving domain ------------------------------------------------------------------------------------------ */

static char labels[64]; /* what put was given, one behind the other */
static int is_area_changed; /* the client writes its area while the handler runs */
static int overlong; /* the handler claims more than its room */

zog_status_t lists_put_serve(struct zog_call *call, struct rt_list *items, uint64_t *sum, uint64_t *count)
{
	struct lists_item item;
	size_t used = 0;

	(void)call;
	served++;
	if (is_area_changed)
		memset((void *)ZOG_MESSAGE(CLIENT_LISTS, SERVER_LISTS, 2), 0xff, ZOG_MESSAGE_SIZE);
	for (*sum = *count = 0; lists_item_next(items, &item); ++*count) {
		*sum += item.number * item.sort;
		memcpy(labels + used, item.label, item.label_length);
		used += item.label_length;
	}
	labels[used] = 0;
	return ZOG_OK;
}

zog_status_t lists_charge_serve(struct zog_call *call, struct rt_list *items, uint64_t *sum)
{
	uint64_t count;

	return lists_put_serve(call, items, sum, &count);
}

/* FIRST blobs that hold their own number of bytes, and remarks until there is no room. */
zog_status_t lists_get_serve(struct zog_call *call, uint64_t first, struct rt_list *remarks, struct rt_list *blobs)
{
	static const char bytes[31] = { 0 };

	(void)call;
	served++;
	for (uint64_t i = 0; i < first; i++)
		lists_blob_append(blobs, &(struct lists_blob){ .x = (uint8_t)i, .data = bytes, .data_length = i });
	while (lists_remark_append(remarks, &(struct lists_remark){ .flags = 7, .words = "gr\xc3\xbc\xc3\x9f", .words_length = 6 }) == ZOG_OK)
		;
	if (overlong)
		blobs->length = 65;
	return first > 8 ? ZOG_ERR_NOT_FOUND : ZOG_OK;
}

zog_status_t lists_say_serve(struct zog_call *call, const char *words, size_t words_length, const char *file, size_t file_length, char *said,
			     size_t said_size, size_t *said_length)
{
	(void)call, (void)file, (void)file_length, (void)said_size;
	served++;
	memcpy(said, words, words_length);
	*said_length = words_length;
	return ZOG_OK;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			return "line " EXPECT_TEXT(__LINE__) ": " #condition; \
	} while (0)
#define EXPECT_TEXT(line) EXPECT_TEXT_OF(line)
#define EXPECT_TEXT_OF(line) #line

static struct lists_put_items_list items;
static struct lists_get_remarks_list remarks;
static struct lists_get_blobs_list blobs;
static uint64_t sum, count;

static zog_status_t add(uint64_t number, uint16_t sort, const char *label, size_t length)
{
	return lists_item_append(&items.list, &(struct lists_item){ .number = number, .sort = sort, .label = label, .label_length = length });
}

/* Entries of 16, 24 and 32 bytes. */
static zog_status_t put_three(void)
{
	lists_put_items_list_clear(&items);
	if (add(1, LISTS_SORT_FILE, "abcd", 4) || add(1000, LISTS_SORT_FOLDER, "efghi", 5) || add(10, LISTS_SORT_FILE, "jklmnopqrstuvwxyz012", 20))
		return ZOG_ERR_LIMIT;
	return lists_put(&items.list, &sum, &count);
}

static const char *lists_arrive_in_both_directions(void)
{
	struct lists_remark remark;
	struct lists_blob blob;
	uint32_t seen = 0;

	EXPECT(put_three() == ZOG_OK && count == 3 && sum == 4011 && strcmp(labels, "abcdefghijklmnopqrstuvwxyz012") == 0);
	EXPECT(lists_get(4, &remarks, &blobs) == ZOG_OK && blobs.list.length == 32 && remarks.list.length == 128);
	for (; lists_remark_next(&remarks.list, &remark); seen++)
		EXPECT(remark.flags == 7 && remark.words_length == 6 && memcmp(remark.words, "gr\xc3\xbc\xc3\x9f", 6) == 0);
	EXPECT(seen == 8);
	for (seen = 0; lists_blob_next(&blobs.list, &blob); seen++)
		EXPECT(blob.x == seen && blob.data_length == seen);
	EXPECT(seen == 4 && !lists_blob_next(&blobs.list, &blob));
	lists_put_items_list_clear(&items);
	EXPECT(lists_put(&items.list, &sum, &count) == ZOG_OK && count == 0);
	return NULL;
}

static const char *a_full_list_takes_no_more_and_keeps_what_it_has(void)
{
	lists_put_items_list_clear(&items);
	for (int i = 0; i < 3; i++)
		EXPECT(add(2, LISTS_SORT_FILE, "12345678901234567890", 20) == ZOG_OK);
	EXPECT(items.list.length == 96 && add(2, LISTS_SORT_FILE, "a", 1) == ZOG_ERR_LIMIT && items.list.length == 96);
	EXPECT(lists_put(&items.list, &sum, &count) == ZOG_OK && count == 3);
	return NULL;
}

static const char *entries_outside_the_contract_are_not_appended(void)
{
	static const char zeros[41] = { 0 };

	lists_put_items_list_clear(&items);
	EXPECT(add(0, LISTS_SORT_FILE, "a", 1) == ZOG_ERR_ARGUMENT && add(1001, LISTS_SORT_FILE, "a", 1) == ZOG_ERR_ARGUMENT);
	EXPECT(add(1, 2, "a", 1) == ZOG_ERR_ARGUMENT && add(1, LISTS_SORT_FILE, "", 0) == ZOG_ERR_ARGUMENT);
	EXPECT(add(1, LISTS_SORT_FILE, "123456789012345678901", 21) == ZOG_ERR_ARGUMENT && add(1, LISTS_SORT_FILE, "a/b", 3) == ZOG_ERR_ARGUMENT);
	EXPECT(add(1, LISTS_SORT_FILE, "/", 1) == ZOG_ERR_ARGUMENT && add(1, LISTS_SORT_FILE, zeros, 1) == ZOG_ERR_ARGUMENT);
	EXPECT(add(1, LISTS_SORT_FILE, "1234567/", 8) == ZOG_ERR_ARGUMENT && add(1, LISTS_SORT_FILE, "0123456/9", 9) == ZOG_ERR_ARGUMENT);
	EXPECT(add(1, LISTS_SORT_FILE, "0123456\0009", 9) == ZOG_ERR_ARGUMENT && items.list.length == 0);
	EXPECT(add(1, LISTS_SORT_FILE, "\x80\xff\x01.\x30", 5) == ZOG_OK); /* a name is any bytes but these two */
	return NULL;
}

static uint16_t *length_of(uint8_t *entry) { return (uint16_t *)(void *)(entry + 10); }
static void word_is_huge(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = UINT64_MAX; }
static void word_is_over_the_bound(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = 104; }
static void list_ends_in_a_head(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = 16 + 24 + 8; }
static void list_ends_in_a_string(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = 16 + 24 + 24; }
static void list_ends_in_padding(struct zog_call *call, uint8_t *area) { (void)area, call->word[0] = 16 + 23; }
static void string_goes_beyond_the_list(struct zog_call *call, uint8_t *area) { (void)call, *length_of(area + 40) = 21; }
static void string_goes_beyond_everything(struct zog_call *call, uint8_t *area) { (void)call, *length_of(area + 40) = UINT16_MAX; }
static void string_swallows_the_next(struct zog_call *call, uint8_t *area) { (void)call, *length_of(area) = 28; }
static void string_is_empty(struct zog_call *call, uint8_t *area) { (void)call, *length_of(area) = 0; }
static void string_has_a_slash(struct zog_call *call, uint8_t *area) { (void)call, area[12] = '/'; }
static void string_has_a_nul(struct zog_call *call, uint8_t *area) { (void)call, area[16 + 12 + 4] = 0; }
static void number_is_out_of_range(struct zog_call *call, uint8_t *area) { (void)call, area[16 + 2] = 1; }
static void sort_is_no_value(struct zog_call *call, uint8_t *area) { (void)call, area[40 + 8] = 3; }

static const char *malformed_lists_do_not_reach_the_handler(void)
{
	static void (*const tampers[])(struct zog_call *call, uint8_t *area) = {
		word_is_huge, word_is_over_the_bound, list_ends_in_a_head, list_ends_in_a_string, list_ends_in_padding, string_goes_beyond_the_list,
		string_goes_beyond_everything, string_swallows_the_next, string_is_empty, string_has_a_slash, string_has_a_nul, number_is_out_of_range,
		sort_is_no_value,
	};

	for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		tamper_request = tampers[i];
		if (put_three() != ZOG_ERR_ARGUMENT) {
			static char why[40];
			snprintf(why, sizeof(why), "tamper %zu passes", i);
			return why;
		}
	}
	EXPECT(served == 0);
	tamper_request = NULL;
	EXPECT(put_three() == ZOG_OK && served == 1);
	return NULL;
}

static const char *the_handler_walks_a_copy_of_its_own(void)
{
	is_area_changed = 1;
	EXPECT(put_three() == ZOG_OK && count == 3 && strcmp(labels, "abcdefghijklmnopqrstuvwxyz012") == 0);
	return NULL;
}

/* --- a server that answers what it likes: a remark is flags (4), length (2), words --- */

static void answer_is_huge(uint64_t *out, uint8_t *area) { (void)area, out[0] = UINT64_MAX; }
static void answer_is_over_the_bound(uint64_t *out, uint8_t *area) { (void)area, out[1] = 72; }
static void answer_ends_in_an_entry(uint64_t *out, uint8_t *area) { (void)area, out[0] = 24; }
static void answer_has_a_long_string(uint64_t *out, uint8_t *area) { (void)out, area[4] = 41; }
static void answer_has_a_string_beyond_the_end(uint64_t *out, uint8_t *area) { (void)out, area[112 + 4] = 11; }
static void answer_has_a_short_string(uint64_t *out, uint8_t *area) { (void)out, area[4] = 1; }
static void answer_cuts_a_character(uint64_t *out, uint8_t *area) { (void)out, area[4] = 5; }
static void answer_has_a_nul(uint64_t *out, uint8_t *area) { (void)out, area[7] = 0; }
static void answer_has_a_lone_byte(uint64_t *out, uint8_t *area) { (void)out, area[6] = 0xbc; }
static void blob_goes_beyond_the_end(uint64_t *out, uint8_t *area) { (void)out, area[128 + 24 + 2] = 5; }
static void blob_is_too_long(uint64_t *out, uint8_t *area) { (void)out, area[128 + 3] = 1; }

static const char *malformed_answers_are_corrupt_and_bring_no_entry(void)
{
	static void (*const tampers[])(uint64_t *out, uint8_t *area) = {
		answer_is_huge, answer_is_over_the_bound, answer_ends_in_an_entry, answer_has_a_long_string, answer_has_a_string_beyond_the_end,
		answer_has_a_short_string, answer_cuts_a_character, answer_has_a_nul, answer_has_a_lone_byte, blob_goes_beyond_the_end, blob_is_too_long,
	};
	struct lists_blob blob;

	for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		tamper_reply = tampers[i];
		if (lists_get(4, &remarks, &blobs) != ZOG_ERR_CORRUPT || lists_blob_next(&blobs.list, &blob)) {
			static char why[40];
			snprintf(why, sizeof(why), "tamper %zu passes", i);
			return why;
		}
	}
	tamper_reply = NULL;
	EXPECT(lists_get(4, &remarks, &blobs) == ZOG_OK);
	return NULL;
}

/* Bytes that change in every way: whatever passes the check, next walks it inside the list. */
static const char *random_answers_are_walked_inside_their_bounds(void)
{
	static struct lists_get_remarks_list copy;
	struct lists_remark remark;
	uint32_t good = 0;

	srand(5);
	EXPECT(lists_get(4, &remarks, &blobs) == ZOG_OK);
	for (int i = 0; i < 200000; i++) {
		copy = remarks;
		copy.list = rt_list_of(copy.room, sizeof(copy.room), (size_t)(rand() % 129));
		for (int n = rand() % 3; n >= 0; n--)
			copy.list.bytes[rand() % 128] = (uint8_t)(rand() % 3 ? rand() % 16 : rand());
		good += lists_remark_list_is_valid(copy.list.bytes, copy.list.length);
		while (lists_remark_next(&copy.list, &remark))
			EXPECT((const uint8_t *)remark.words + remark.words_length <= copy.list.bytes + copy.list.length);
	}
	EXPECT(good > 100 && good < 100000);
	return NULL;
}

static const char *an_error_brings_no_list(void)
{
	EXPECT(lists_get(2, &remarks, &blobs) == ZOG_OK && remarks.list.length == 128);
	EXPECT(lists_get(9, &remarks, &blobs) == ZOG_ERR_NOT_FOUND && remarks.list.length == 0 && blobs.list.length == 0);
	return NULL;
}

static const char *a_server_that_claims_more_than_its_room_ends(void)
{
	overlong = 1;
	fault_cause = ZOG_CAUSE_NONE;
	if (setjmp(fault) == 0)
		(void)lists_get(2, &remarks, &blobs);
	EXPECT(fault_cause == ZOG_CAUSE_CONTRACT);
	return NULL;
}

static const char *a_once_call_knows_its_list_again(void)
{
	lists_put_items_list_clear(&items);
	EXPECT(add(5, LISTS_SORT_FILE, "a", 1) == ZOG_OK && lists_charge(3, &items.list, &sum) == ZOG_OK && sum == 5);
	EXPECT(lists_charge(3, &items.list, &sum) == ZOG_OK && sum == 5 && served == 1);
	lists_put_items_list_clear(&items);
	EXPECT(add(5, LISTS_SORT_FILE, "b", 1) == ZOG_OK && lists_charge(3, &items.list, &sum) == ZOG_ERR_SEQUENCE && served == 1);
	return NULL;
}

static zog_status_t say(const char *words, size_t length)
{
	char said[64];
	size_t said_length = 0;
	zog_status_t status = lists_say(words, length, "file", 4, said, sizeof(said), &said_length);

	return status == ZOG_OK && (said_length != length || memcmp(said, words, length)) ? ZOG_ERR_IO : status;
}

static const char *utf8_is_checked_to_the_letter(void)
{
	static const struct { const char *text; size_t length; int is_good; } cases[] = {
		{ "", 0, 1 }, { "plain", 5, 1 }, { "\x7f", 1, 1 }, { "\xc2\x80", 2, 1 }, { "\xdf\xbf", 2, 1 }, { "\xe0\xa0\x80", 3, 1 },
		{ "\xed\x9f\xbf", 3, 1 }, { "\xee\x80\x80", 3, 1 }, { "\xf0\x90\x80\x80", 4, 1 }, { "\xf4\x8f\xbf\xbf", 4, 1 },
		{ "a\0b", 3, 0 }, { "\x80", 1, 0 }, { "\xc1\xbf", 2, 0 }, { "\xc2", 1, 0 }, { "\xc2" "a", 2, 0 }, { "\xe0\x9f\xbf", 3, 0 },
		{ "\xed\xa0\x80", 3, 0 }, { "\xe1\x80", 2, 0 }, { "\xf0\x8f\xbf\xbf", 4, 0 }, { "\xf4\x90\x80\x80", 4, 0 }, { "\xf5\x80\x80\x80", 4, 0 },
		{ "\xff", 1, 0 }, { "ok\xe1\x80\x80\xf1\x80\x80", 8, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (say(cases[i].text, cases[i].length) != (cases[i].is_good ? ZOG_OK : ZOG_ERR_ARGUMENT)) {
			static char why[40];
			snprintf(why, sizeof(why), "case %zu", i);
			return why;
		}
	EXPECT(lists_say("a", 1, "", 0, (char[64]){ 0 }, 64, NULL) == ZOG_ERR_ARGUMENT);
	EXPECT(lists_say("a", 1, "a/b", 3, (char[64]){ 0 }, 64, NULL) == ZOG_ERR_ARGUMENT);
	EXPECT(lists_say("a", 1, "a.b", 3, (char[64]){ 0 }, 64, NULL) == ZOG_OK);
	return NULL;
}

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	const char *(*run)(void);
} tests[] = {
	TEST(lists_arrive_in_both_directions),
	TEST(a_full_list_takes_no_more_and_keeps_what_it_has),
	TEST(entries_outside_the_contract_are_not_appended),
	TEST(malformed_lists_do_not_reach_the_handler),
	TEST(the_handler_walks_a_copy_of_its_own),
	TEST(malformed_answers_are_corrupt_and_bring_no_entry),
	TEST(random_answers_are_walked_inside_their_bounds),
	TEST(an_error_brings_no_list),
	TEST(a_server_that_claims_more_than_its_room_ends),
	TEST(a_once_call_knows_its_list_again),
	TEST(utf8_is_checked_to_the_letter),
};

static void test_prepare(void)
{
	tamper_request = NULL;
	tamper_reply = NULL;
	served = 0;
	is_area_changed = overlong = 0;
	memset(&once, 0, sizeof(once));
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
