/* Control commands: one table row for each verb, one pass over the words; see command.h for the grammar. */
#include "command.h"

#include <stdbool.h>
#include <string.h>

enum argument_rule { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED, ARGUMENT_PATH, ARGUMENT_VERSION, ARGUMENT_TEXT, ARGUMENT_OFF };

struct verb {
	char name[12];
	uint32_t control;
	enum argument_rule rule;
};
static const struct verb verbs[] = {
	{ "kill", ZOG_CONTROL_KILL, ARGUMENT_OPTIONAL },
	{ "hang", ZOG_CONTROL_HANG, ARGUMENT_NONE },
	{ "corrupt", ZOG_CONTROL_CORRUPT, ARGUMENT_REQUIRED },
	{ "update", COMMAND_UPDATE, ARGUMENT_PATH },
	{ "launch", COMMAND_LAUNCH, ARGUMENT_PATH },
	{ "start", ZOG_CONTROL_START, ARGUMENT_TEXT },
	{ "fresh", COMMAND_FRESH, ARGUMENT_TEXT },
	{ "stop", ZOG_CONTROL_STOP, ARGUMENT_NONE },
	{ "trace", ZOG_CONTROL_TRACE, ARGUMENT_OFF },
	{ "rollback", COMMAND_ROLLBACK, ARGUMENT_VERSION },
};

/* What is left of the text, and the word taken last. */
struct words {
	const char *next, *end;
	const char *word;
	size_t length;
	bool is_after_space; /* a separator was consumed: a word has to follow */
};

/* Takes the next word; false at the end, and for an empty word (two spaces, or one at either end). */
static bool word_take(struct words *words)
{
	const char *at = words->next;

	while (at < words->end && *at != ' ')
		at++;
	words->word = words->next;
	words->length = (size_t)(at - words->next);
	words->is_after_space = at < words->end;
	words->next = at + words->is_after_space;
	return words->length > 0;
}

static const struct verb *verb_find(const struct words *words)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t n = 0;

		while (n < words->length && n < sizeof(verbs[i].name) && verbs[i].name[n] == words->word[n])
			n++;
		if (n == words->length && n < sizeof(verbs[i].name) && verbs[i].name[n] == '\0')
			return &verbs[i];
	}
	return NULL;
}

static bool name_decode(const struct words *words, char *out)
{
	if (words->length >= COMMAND_NAME_SIZE)
		return false;
	for (size_t i = 0; i < words->length; i++) {
		char c = words->word[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
		out[i] = c;
	}
	out[words->length] = '\0';
	return true;
}

static bool number_decode(const struct words *words, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < words->length; i++) {
		uint64_t digit = (uint64_t)(words->word[i] - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

/* What is left, if anything: printable, not empty after its separator. */
static bool text_is_plain(const struct words *words)
{
	for (const char *at = words->next; at < words->end; at++)
		if (*at < ' ' || *at > '~')
			return false;
	return words->is_after_space == (words->next < words->end);
}

static bool argument_decode(struct words *words, enum argument_rule rule, uint64_t *out)
{
	*out = 0;
	if (rule == ARGUMENT_PATH)
		return words->is_after_space && words->next < words->end;
	if (rule == ARGUMENT_TEXT)
		return text_is_plain(words);
	if (rule == ARGUMENT_OFF) {
		*out = !words->is_after_space;
		return *out || (word_take(words) && !words->is_after_space && words->length == 3 && memcmp(words->word, "off", 3) == 0);
	}
	if (!words->is_after_space)
		return rule != ARGUMENT_REQUIRED && rule != ARGUMENT_VERSION;
	return rule != ARGUMENT_NONE && word_take(words) && !words->is_after_space && number_decode(words, out);
}

zog_status_t command_parse(const char *text, size_t length, struct command *out)
{
	struct words words = { .next = text };
	struct command command;
	const struct verb *verb;

	if (length > 0 && text[length - 1] == '\n')
		length--;
	words.end = text + length;
	if (!word_take(&words))
		return ZOG_ERR_ARGUMENT;
	verb = verb_find(&words);
	if (!verb || !words.is_after_space || !word_take(&words) || !name_decode(&words, command.name))
		return ZOG_ERR_ARGUMENT;
	if (!argument_decode(&words, verb->rule, &command.argument))
		return ZOG_ERR_ARGUMENT;
	command.control = verb->control;
	command.text = words.next;
	command.text_length = (size_t)(words.end - words.next);
	*out = command;
	return ZOG_OK;
}
