/* Contracts as tables, for code that handles calls of any contract: tracing (rt/trace.h) and fuzzing (fuzz/fuzz.h). The
 * tables are generated: build/gen/contracts/NAME_methods.h. */
#ifndef RT_METHOD_H
#define RT_METHOD_H

#include <stdint.h>

enum rt_argument_kind {
	RT_UNSIGNED = 0, RT_SIGNED = 1, RT_ENUM = 2, RT_HANDLE = 3, /* in a word; fields of structs, too */
	RT_BYTES = 4, RT_TEXT = 5, RT_ARRAY = 6,                     /* length or count in a word, contents in the area */
	RT_STRUCT = 7,                                               /* in the area */
	RT_LIST = 8,                                                 /* rt/list.h; its length in bytes in a word */
};
enum rt_string_rule { RT_ANY = 0, RT_NO_NUL = 1, RT_UTF8 = 2, RT_NAME = 3 };
struct rt_value {
	const char *name;
	uint64_t number;
};
struct rt_argument {
	const char *name;
	uint8_t kind;       /* enum rt_argument_kind */
	uint8_t word;       /* its place among the words */
	uint16_t offset;    /* in the message area, or in its struct */
	uint32_t bytes;     /* of the integer, the struct, or one element */
	uint32_t least, most; /* length or count */
	uint64_t first, last; /* range of an integer or an element, sign-extended; handles: last is the limit - 1; strings: first is
	                         enum rt_string_rule */
	const struct rt_value *value; /* RT_ENUM */
	uint32_t value_count, field_count;
	const struct rt_argument *field; /* RT_STRUCT, RT_ARRAY of structs; RT_LIST: of an entry, and last its string */
};
enum rt_method_kind { RT_PURE = 0, RT_IDEMPOTENT = 1, RT_ONCE = 2 };
struct rt_method {
	const char *name;
	uint32_t number;
	uint8_t kind, is_packed; /* is_packed: the words stand at the start of the area */
	uint8_t word_count, reserved;
	const struct rt_argument *in, *out;
	uint32_t in_count, out_count;
	const int8_t *status; /* what it may answer, the implied ones included */
	uint32_t status_count;
};
struct rt_contract {
	const char *name;
	uint32_t number, method_count;
	const struct rt_method *method;
};

#endif
