/* A small printf: what domains' texts need. */
#include "rt/rt.h"

struct sink {
	char *out;
	size_t size;
	size_t length; /* of the whole text, even where it did not fit */
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->out[sink->length] = c;
	sink->length++;
}

struct spec {
	uint32_t width;
	int precision; /* -1: none */
	bool is_left, is_zero, is_long;
};

static const char *spec_read(const char *format, struct spec *spec, __builtin_va_list *args)
{
	*spec = (struct spec){ .precision = -1 };
	for (; *format == '-' || *format == '0' || *format == ' ' || *format == '+' || *format == '#'; format++) {
		spec->is_left |= *format == '-';
		spec->is_zero |= *format == '0';
	}
	if (*format == '*') {
		spec->width = (uint32_t)__builtin_va_arg(*args, int);
		format++;
	}
	while (*format >= '0' && *format <= '9')
		spec->width = spec->width * 10 + (uint32_t)(*format++ - '0');
	if (*format == '.') {
		format++;
		spec->precision = 0;
		if (*format == '*') {
			spec->precision = __builtin_va_arg(*args, int);
			format++;
		}
		while (*format >= '0' && *format <= '9')
			spec->precision = spec->precision * 10 + (*format++ - '0');
	}
	while (*format == 'l' || *format == 'z' || *format == 'j' || *format == 'h') {
		spec->is_long |= *format != 'h';
		format++;
	}
	return format;
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, size_t length, char sign)
{
	size_t total = length + (sign != 0);
	size_t pad = spec->width > total ? spec->width - total : 0;

	if (sign && spec->is_zero)
		put(sink, sign);
	while (!spec->is_left && pad > 0) {
		put(sink, spec->is_zero ? '0' : ' ');
		pad--;
	}
	if (sign && !spec->is_zero)
		put(sink, sign);
	for (size_t i = 0; i < length; i++)
		put(sink, text[i]);
	while (pad-- > 0 && spec->is_left)
		put(sink, ' ');
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, uint32_t base, const char *digits, char sign)
{
	char text[24];
	size_t n = sizeof(text);

	do {
		text[--n] = digits[value % base];
		value /= base;
	} while (value != 0);
	put_padded(sink, spec, text + n, sizeof(text) - n, sign);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *text)
{
	size_t length = 0;

	if (text == NULL)
		text = "(null)";
	while (text[length] && (spec->precision < 0 || length < (size_t)spec->precision))
		length++;
	struct spec blank = *spec;
	blank.is_zero = false;
	put_padded(sink, &blank, text, length, 0);
}

int rt_vformat(char *out, size_t size, const char *format, __builtin_va_list arguments)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	struct sink sink = { out, size, 0 };
	struct spec spec;
	__builtin_va_list args;

	__builtin_va_copy(args, arguments);
	for (; *format; format++) {
		if (*format != '%') {
			put(&sink, *format);
			continue;
		}
		format = spec_read(format + 1, &spec, &args);
		char kind = *format;
		if (kind == 0)
			break;
		if (kind == 's') {
			put_string(&sink, &spec, __builtin_va_arg(args, const char *));
		} else if (kind == 'c') {
			put(&sink, (char)__builtin_va_arg(args, int));
		} else if (kind == 'd' || kind == 'i') {
			int64_t value = spec.is_long ? __builtin_va_arg(args, int64_t) : __builtin_va_arg(args, int);
			put_number(&sink, &spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, lower, value < 0 ? '-' : 0);
		} else if (kind == 'u' || kind == 'x' || kind == 'X' || kind == 'o') {
			uint64_t value = spec.is_long ? __builtin_va_arg(args, uint64_t) : __builtin_va_arg(args, uint32_t);
			put_number(&sink, &spec, value, kind == 'u' ? 10 : kind == 'o' ? 8 : 16, kind == 'X' ? upper : lower, 0);
		} else if (kind == 'p') {
			put(&sink, '0');
			put(&sink, 'x');
			put_number(&sink, &spec, (uint64_t)__builtin_va_arg(args, void *), 16, lower, 0);
		} else {
			put(&sink, kind);
		}
	}
	__builtin_va_end(args);
	if (size > 0)
		out[sink.length < size ? sink.length : size - 1] = 0;
	return (int)sink.length;
}

int rt_format(char *out, size_t size, const char *format, ...)
{
	__builtin_va_list args;

	__builtin_va_start(args, format);
	int length = rt_vformat(out, size, format, args);
	__builtin_va_end(args);
	return length;
}
