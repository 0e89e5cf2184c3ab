/* Path names as text. */
#ifndef LINUX_PATH_TEXT_H
#define LINUX_PATH_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/* Next component of *rest: its length, 0 at the end; *name_out points at it, *rest at the slash or NUL behind it. Here, so
 * that in a walk both are its own variables. */
static inline uint32_t path_component(const char **rest, const char **name_out)
{
	const char *at = *rest, *name;

	while (*at == '/')
		at++;
	name = at;
	while (*at != '\0' && *at != '/')
		at++;
	*name_out = name;
	*rest = at;
	return (uint32_t)(at - name);
}
/* TARGET, then REST (which begins with "/" or is empty), into out; REST may lie in out. Length; 0: does not fit. */
size_t path_splice(char *out, size_t size, const char *target, size_t target_length, const char *rest);
/* Puts "/NAME" before the text that begins at out + *start, and moves *start. false: no room. */
bool path_prepend(char *out, size_t *start, const char *name, size_t length);

#endif
