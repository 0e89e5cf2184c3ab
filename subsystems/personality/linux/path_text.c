/* Path names as text: splicing of link targets, building from the end. No state, no calls. */
#include "path_text.h"
#include "rt/rt.h"

size_t path_splice(char *out, size_t size, const char *target, size_t target_length, const char *rest)
{
	size_t rest_length = strlen(rest);

	if (target_length == 0 || target_length >= size || rest_length >= size - target_length)
		return 0;
	memmove(out + target_length, rest, rest_length + 1);
	memcpy(out, target, target_length);
	return target_length + rest_length;
}

bool path_prepend(char *out, size_t *start, const char *name, size_t length)
{
	if (*start < length + 1)
		return false;
	*start -= length + 1;
	out[*start] = '/';
	memcpy(out + *start + 1, name, length);
	return true;
}
