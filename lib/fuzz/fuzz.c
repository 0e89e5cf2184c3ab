/* Hostile calls, and whether the answers keep the contract. See fuzz.h. */
#include "fuzz/fuzz.h"

static uint64_t random; /* of the running step: drawn from seed and step, so nothing of it needs to survive */
static struct fuzz *drawn_for; /* the running step's */

__attribute__((weak)) bool fuzz_leaves_out(struct fuzz *state, const struct rt_method *method, const uint64_t *word, const uint8_t *area)
{
	(void)state, (void)method, (void)word, (void)area;
	return false;
}

__attribute__((weak)) bool fuzz_value(struct fuzz *state, const struct rt_argument *argument, uint64_t choice, uint64_t *value)
{
	(void)state, (void)argument, (void)choice, (void)value;
	return false;
}

__attribute__((weak)) const char *fuzz_text(const struct rt_method *method, uint64_t choice)
{
	(void)method, (void)choice;
	return NULL;
}

/* SplitMix (Steele and others) from the step's number, then xorshift. */
static void draw_start(uint64_t place)
{
	place = (place ^ place >> 30) * 0xbf58476d1ce4e5b9ul;
	place = (place ^ place >> 27) * 0x94d049bb133111ebul;
	random = (place ^ place >> 31) | 1;
}

static uint64_t draw(uint64_t limit)
{
	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return (random >> 11) % limit;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static uint64_t draw_wild(void)
{
	switch (draw(5)) {
	case 0:
		return draw(300);
	case 1:
		return 1ul << draw(64);
	case 2:
		return UINT64_MAX - draw(300);
	case 3:
		return ZOG_HOME_BASE + draw(1u << 20);
	default:
		return random;
	}
}

static uint64_t draw_range(uint64_t first, uint64_t last)
{
	uint64_t span = last - first;

	switch (draw(4)) {
	case 0:
		return first;
	case 1:
		return last;
	case 2:
		return first + draw(span < 8 ? span + 1 : 8);
	default:
		return span == UINT64_MAX ? random : first + draw(span + 1);
	}
}

/* An integer: good, or next to what is good, or anything. */
static uint64_t draw_scalar(const struct rt_argument *argument)
{
	uint64_t known;

	if (draw(4) && fuzz_value(drawn_for, argument, draw(1u << 16), &known))
		return known;
	switch (draw(6)) {
	case 0:
		return draw_wild();
	case 1:
		return argument->kind == RT_ENUM ? draw(16) : (draw(2) ? argument->first - 1 : argument->last + 1);
	default:
		if (argument->kind == RT_ENUM)
			return argument->value[draw(argument->value_count)].number;
		return draw_range(argument->first, argument->last);
	}
}

static uint64_t draw_length(const struct rt_argument *argument)
{
	switch (draw(6)) {
	case 0:
		return draw_wild();
	case 1:
		return argument->most + 1 + draw(3);
	case 2:
		return argument->most;
	case 3:
		return argument->least - draw(2);
	default:
		return argument->least + draw(argument->most - argument->least + 1ul);
	}
}

static void integer_put(uint8_t *to, uint32_t bytes, uint64_t value)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static void struct_put(uint8_t *to, const struct rt_argument *argument)
{
	for (uint32_t i = 0; i < argument->field_count; i++)
		integer_put(to + argument->field[i].offset, argument->field[i].bytes, draw_scalar(&argument->field[i]));
}

static void string_put(uint8_t *to, const struct rt_argument *argument, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		to[i] = (uint8_t)(draw(200) ? ' ' + draw(95) : draw(256));
		if (argument->first == RT_NAME && to[i] == '/' && draw(4))
			to[i] = '_';
	}
}

/* Entries one behind the other up to the bound. Returns where the last one ends: the length that fits them. */
static uint64_t list_put(uint8_t *to, const struct rt_argument *argument)
{
	const struct rt_argument *string = &argument->field[argument->field_count - 1];
	uint64_t at = 0, room = string->offset + string->most + 7u, entries = draw(9);

	for (; entries > 0 && at + room <= argument->most; entries--) {
		uint64_t length = draw(8) ? string->least + draw(string->most - string->least + 1ul) : draw_length(string);
		for (uint32_t i = 0; i + 1 < argument->field_count; i++)
			integer_put(to + at + argument->field[i].offset, argument->field[i].bytes, draw_scalar(&argument->field[i]));
		integer_put(to + at + string->offset - 2, 2, length);
		length = length <= string->most ? length : string->most;
		string_put(to + at + string->offset, string, length);
		at = (at + string->offset + length + 7) & ~7ul;
	}
	return at;
}

/* Contents in the area, as far as the bound goes: a length beyond it promises what is not there. */
static void contents_put(uint8_t *area, const struct rt_argument *argument)
{
	uint8_t *to = area + argument->offset;
	struct rt_argument element = *argument;

	if (argument->kind == RT_STRUCT) {
		struct_put(to, argument);
		return;
	}
	element.kind = (int64_t)argument->first < 0 ? RT_SIGNED : RT_UNSIGNED;
	for (uint32_t i = 0; i < argument->most; i++, to += argument->bytes) {
		if (argument->field_count)
			struct_put(to, argument);
		else if (argument->kind == RT_ARRAY)
			integer_put(to, argument->bytes, draw_scalar(&element));
		else if (argument->kind == RT_TEXT)
			string_put(to, argument, 1);
		else
			*to = (uint8_t)random, random = random * 6364136223846793005ul + 1442695040888963407ul;
	}
}

/* A text that is likely to mean something; returns its length. 0: none was put. */
static uint64_t text_put(uint8_t *to, const struct rt_method *method, const struct rt_argument *argument)
{
	const char *known = draw(2) ? fuzz_text(method, draw(1u << 16)) : NULL;
	uint64_t length = known ? strlen(known) : argument->least + draw(3);

	if (draw(4) == 0 || length > argument->most)
		return 0;
	for (uint64_t i = 0; i < length; i++)
		to[i] = (uint8_t)(known ? known[i] : 'a' + (char)draw(4));
	return length;
}

/* false: it is to be left out. */
static bool request_put(struct fuzz *state, const struct rt_method *method, uint8_t *area, uint64_t word[6])
{
	uint64_t all[32] = { 0 };

	if (method->kind == RT_ONCE)
		all[0] = draw(4) ? ++state->sequence : draw(4) ? state->sequence - draw(3) : 0;
	for (uint32_t i = 0; i < method->in_count; i++) {
		const struct rt_argument *argument = &method->in[i];
		if (argument->kind == RT_LIST) {
			uint64_t length = list_put(area + argument->offset, argument);
			all[argument->word % 32] = draw(4) ? length : draw_length(argument);
			continue;
		}
		if (argument->kind >= RT_BYTES)
			contents_put(area, argument);
		uint64_t length = argument->kind == RT_TEXT ? text_put(area + argument->offset, method, argument) : 0;
		if (argument->kind == RT_BYTES || argument->kind == RT_TEXT || argument->kind == RT_ARRAY)
			all[argument->word % 32] = length ? length : draw_length(argument);
		else if (argument->kind != RT_STRUCT)
			all[argument->word % 32] = draw_scalar(argument);
	}
	for (uint32_t i = 0; method->is_packed && i < method->word_count && i < 32; i++)
		integer_put(area + 8 * i, 8, all[i]);
	for (uint32_t i = 0; i < 6; i++)
		word[i] = method->is_packed && i > 0 ? draw_wild() : all[i];
	return !fuzz_leaves_out(state, method, all, area);
}

/* --- what comes back ------------------------------------------------------------------------------------------------ */

static bool scalar_keeps(const struct rt_argument *argument, uint64_t value)
{
	if (argument->kind == RT_ENUM) {
		for (uint32_t i = 0; i < argument->value_count; i++)
			if (argument->value[i].number == value)
				return true;
		return false;
	}
	if (argument->kind == RT_SIGNED)
		return (int64_t)value >= (int64_t)argument->first && (int64_t)value <= (int64_t)argument->last;
	return value >= argument->first && value <= argument->last;
}

static uint64_t integer_get(const uint8_t *from, const struct rt_argument *argument)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < argument->bytes; i++)
		value |= (uint64_t)from[i] << 8 * i;
	if (argument->kind == RT_SIGNED && argument->bytes < 8 && value >> (8 * argument->bytes - 1) & 1)
		value |= UINT64_MAX << 8 * argument->bytes;
	return value;
}

static bool string_keeps(const uint8_t *from, const struct rt_argument *argument, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		if ((argument->first != RT_ANY && from[i] == 0) || (argument->first == RT_NAME && from[i] == '/'))
			return false;
	return argument->first != RT_UTF8 || rt_utf8_is_valid((const char *)from, length);
}

static bool struct_keeps(const uint8_t *from, const struct rt_argument *argument)
{
	for (uint32_t i = 0; i < argument->field_count; i++)
		if (!scalar_keeps(&argument->field[i], integer_get(from + argument->field[i].offset, &argument->field[i])))
			return false;
	return true;
}

/* As lib/rt/list.h says, but read by the table: the two do not share a mistake. */
static bool list_keeps(const uint8_t *from, const struct rt_argument *argument, uint64_t length)
{
	const struct rt_argument *string = &argument->field[argument->field_count - 1];
	uint64_t at = 0;

	while (at < length) {
		if (length - at < string->offset)
			return false;
		for (uint32_t i = 0; i + 1 < argument->field_count; i++)
			if (!scalar_keeps(&argument->field[i], integer_get(from + at + argument->field[i].offset, &argument->field[i])))
				return false;
		uint64_t bytes = from[at + string->offset - 2] | (uint64_t)from[at + string->offset - 1] << 8;
		if (bytes < string->least || bytes > string->most || length - at - string->offset < bytes)
			return false;
		if (!string_keeps(from + at + string->offset, string, bytes))
			return false;
		at = (at + string->offset + bytes + 7) & ~7ul;
	}
	return at == length;
}

static bool contents_keep(const uint8_t *from, const struct rt_argument *argument, uint64_t length)
{
	struct rt_argument element = *argument;

	if (argument->kind == RT_STRUCT)
		return struct_keeps(from, argument);
	if (argument->kind == RT_LIST)
		return list_keeps(from, argument, length);
	if (argument->kind == RT_TEXT || argument->kind == RT_BYTES)
		return string_keeps(from, argument, length);
	element.kind = (int64_t)argument->first < 0 ? RT_SIGNED : RT_UNSIGNED;
	for (uint64_t i = 0; i < length; i++, from += argument->bytes) {
		if (argument->field_count ? !struct_keeps(from, argument)
					  : argument->kind == RT_ARRAY && !scalar_keeps(&element, integer_get(from, &element)))
			return false;
	}
	return true;
}

static enum fuzz_finding result_check(const struct rt_argument *argument, const uint8_t *area, const uint64_t out[4], uint64_t *value)
{
	*value = argument->kind == RT_STRUCT ? 0 : out[argument->word % 4];
	if (argument->kind < RT_BYTES)
		return scalar_keeps(argument, *value) ? FUZZ_FINE : FUZZ_RESULT;
	if (argument->kind != RT_STRUCT && (*value > argument->most || *value < argument->least))
		return FUZZ_LENGTH;
	return contents_keep(area + argument->offset, argument, *value) ? FUZZ_FINE : FUZZ_CONTENT;
}

static void answer_check(struct fuzz *state, const struct rt_method *method, zog_status_t status, const uint8_t *area, const uint64_t out[4])
{
	bool is_declared = false;
	enum fuzz_finding finding = FUZZ_FINE;
	uint64_t value = 0;

	for (uint32_t i = 0; i < method->status_count; i++)
		is_declared |= method->status[i] == status;
	if (!is_declared)
		finding = FUZZ_STATUS;
	for (uint32_t i = 0; finding == FUZZ_FINE && status >= 0 && i < method->out_count; i++)
		finding = result_check(&method->out[i], area, out, &value);
	if (finding == FUZZ_FINE)
		return;
	state->broken++;
	state->report.finding = finding;
	state->report.method = method->number;
	state->report.status = status;
	state->report.value = value;
}

static uint32_t unknown_call(struct fuzz *state, const struct rt_contract *contract, uint32_t cap)
{
	uint32_t number = contract->number << 8 | (contract->method_count + (uint32_t)draw(256 - contract->method_count));
	uint64_t word[6] = { draw_wild(), draw_wild(), draw_wild(), draw_wild(), draw_wild(), draw_wild() }, out[4] = { 0 };
	zog_status_t status = rt_call(cap, number, word, out);

	state->status = status;
	if (status != ZOG_ERR_METHOD) {
		state->broken++;
		state->report.finding = FUZZ_STATUS;
		state->report.method = number;
		state->report.status = status;
	}
	state->refused++;
	return number;
}

uint32_t fuzz_call(struct fuzz *state, const struct rt_contract *contract, uint32_t cap, uint32_t self, uint32_t server)
{
	uint8_t *request = (uint8_t *)ZOG_MESSAGE(self, server, rt_cpu());
	const uint8_t *reply = (const uint8_t *)ZOG_MESSAGE(server, self, rt_cpu());
	uint64_t word[6], out[4] = { 0 };

	drawn_for = state;
	draw_start((state->seed + 1) * 0x9e3779b97f4a7c15ul + ++state->step * 0xd1342543de82ef95ul);
	state->calls++;
	if (contract->method_count < 256 && draw(16) == 0)
		return unknown_call(state, contract, cap);
	uint64_t place = draw(contract->method_count);
	const struct rt_method *method = &contract->method[place];
	if ((place < 64 && state->skip >> place & 1) || !request_put(state, method, request, word)) {
		state->refused++;
		state->status = FUZZ_SKIPPED;
		return method->number;
	}
	zog_status_t status = rt_call(cap, method->number, word, out);
	state->status = status;
	for (uint32_t i = 0; i < 4; i++)
		state->out[i] = out[i];
	if (status >= 0)
		state->accepted++;
	else
		state->refused++;
	answer_check(state, method, status, reply, out);
	return method->number;
}
