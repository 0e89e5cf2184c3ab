/* Signs the guests' book until it is full, then reads it all and tells what stands in it. Sixteen lines are one guest's.
 *
 * Ordering: one line in each invocation. The line's number is its sequence number: whoever dies, the same line is
 * asked for again, and a line that was written is answered from the kept reply. The pen is a handle that its server forgets
 * when it dies: the stub takes it again, from what stands in home->pen. */
#include "contracts/guest_client.h"
#include "domain.h"
#include "rt/rt.h"

#define PACE_NS 5000000ul
#define LINES_OF_GUEST 16u

struct home {
	uint64_t signed_lines, wrong, next_ns;
	struct rt_handle pen; /* zeros: number 0, not taken */
};

static uint16_t guest_of(uint64_t number) { return (uint16_t)((number - 1) / LINES_OF_GUEST % 7 + 1); }

static size_t words_make(uint64_t number, char *out, size_t size)
{
	return (size_t)rt_format(out, size, "visit %lu gr\xc3\xbc\xc3\x9f dich", number);
}

static bool line_is_right(const struct guest_line *line, uint64_t number)
{
	char words[64];
	size_t length = words_make(number, words, sizeof(words));

	return line->number == number && line->guest == guest_of(number) && line->words_length == length && memcmp(line->words, words, length) == 0;
}

/* Lines that are there, each once and in order; *wrong: those that are not what was signed. */
static uint64_t book_read(uint64_t *wrong)
{
	static struct guest_read_lines_list lines; /* scratch */
	uint64_t number = 1, opened_ns = 0;
	uint32_t total = 0;

	while (guest_read((uint32_t)number, &lines, &total, &opened_ns) == ZOG_OK && lines.list.length) {
		struct guest_line line;
		while (guest_line_next(&lines.list, &line))
			*wrong += !line_is_right(&line, number++);
	}
	*wrong += total != number - 1 || opened_ns == 0;
	return number - 1;
}

static zog_status_t line_sign(struct home *home)
{
	uint64_t number = home->signed_lines + 1;
	uint32_t given = 0;
	char words[64];
	size_t length = words_make(number, words, sizeof(words));
	zog_status_t status = home->pen.count ? ZOG_OK : guest_take(&home->pen, guest_of(number));

	if (status == ZOG_OK)
		status = guest_sign(number, &home->pen, words, length, &given);
	if (status == ZOG_OK && number % LINES_OF_GUEST == 0)
		status = guest_put_back(&home->pen);
	if (status != ZOG_OK)
		return status;
	home->wrong += given != number;
	home->signed_lines = number;
	home->next_ns = rt_now_ns() + PACE_NS;
	return ZOG_OK;
}

/* Issued again and again by the core. */
zog_status_t domain_activity(struct zog_call *call)
{
	struct home *home = rt_home();
	uint64_t wrong = home->wrong, never = rt_event_count(EVENT_NEVER);

	if (rt_now_ns() < home->next_ns)
		return rt_wait(call, EVENT_NEVER, never, home->next_ns);
	zog_status_t status = line_sign(home);

	if (status != ZOG_ERR_LIMIT)
		return status;
	uint64_t lines = book_read(&wrong);
	rt_log(RT_INFO, "done, %lu signed, %lu lines, %lu wrong", home->signed_lines, lines, wrong);
	return rt_wait(call, EVENT_NEVER, never, RT_NO_DEADLINE);
}
