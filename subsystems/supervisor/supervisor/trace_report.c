/* /zog/trace: what the servers of traced contracts told (lib/rt/trace.h), the newest that the core keeps, oldest first.
 *
 * The lines are made by the traced domains and may hold anything printable. They name a client by its number, which is put
 * into words here. The first line may have lost its beginning to newer ones: it is left out. */
#define DOMAIN_WANT_NAMES
#include "report.h"

#include "domain.h"

#define CLIENT " client="

static char part[4096]; /* scratch */

/* The whole of AT..END's line so far, with the client's name in place of its number. */
static void line_write(struct text *text, const char *line)
{
	const char *at = line;
	uint64_t client = 0;

	while (*at && strncmp(at, CLIENT, sizeof(CLIENT) - 1) != 0)
		at++;
	const char *number = *at ? at + sizeof(CLIENT) - 1 : at, *end = number;
	while (*end >= '0' && *end <= '9' && client < ZOG_CLIENT_CORE)
		client = client * 10 + (uint64_t)(*end++ - '0');
	if (end == number || *end != '/' || (client >= DOMAIN_COUNT && client != ZOG_CLIENT_CORE)) {
		text_format(text, "%s", line);
	} else {
		text_append(text, line, (size_t)(number - line));
		text_format(text, "%s%s", client == ZOG_CLIENT_CORE ? "core" : domain_names[client], end);
	}
	text_line_end(text);
}

void traces_report(struct text *text)
{
	uint64_t position = 0, first;
	char line[TEXT_PIECE_SIZE + 64];
	size_t used = 0, bytes;
	bool is_whole = false;

	for (bool is_first = true; (bytes = rt_trace_read(CAP_INSPECT, &position, part, sizeof(part))) != 0; is_first = false) {
		first = position - bytes;
		if (is_first)
			is_whole = first == 0;
		for (size_t i = 0; i < bytes; i++) {
			if (part[i] != '\n') {
				if (used < sizeof(line) - 1)
					line[used++] = part[i];
				continue;
			}
			line[used] = '\0';
			if (is_whole)
				line_write(text, line);
			is_whole = true;
			used = 0;
		}
		if (text->used + sizeof(line) > text->size)
			return;
	}
}
