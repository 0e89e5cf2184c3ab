/* Which controls the boot command line asks for. */
#include "tsm/region_control.h"

uint32_t region_controls;

static bool text_has(const char *text, const char *word)
{
	for (; *text; text++) {
		uint32_t i = 0;
		while (word[i] && text[i] == word[i])
			i++;
		if (word[i] == 0)
			return true;
	}
	return false;
}

void region_control_setup(const char *cmdline)
{
	static const char *const word[] = { "tsm_control=unchecked", "tsm_control=keeps", "tsm_control=damage", "tsm_control=compare" };

	for (uint32_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if (text_has(cmdline, word[i]))
			region_controls |= 1u << i;
}
