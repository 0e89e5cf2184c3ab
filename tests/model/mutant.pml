/* Which guarantee is taken away: the runner sets ZOG_MUTANT to the number of a MUTANT_ line of the model; 0 is the code
 * as it is. Chosen when the check starts, so that a model and its mutants are one program. */
c_decl {
	\#include <stdlib.h>
	static int mutant_asked(void)
	{
		const char *text = getenv("ZOG_MUTANT");
		return text ? atoi(text) : 0;
	}
}
byte mutant;
inline mutant_choose() { c_code { now.mutant = (unsigned char)mutant_asked(); } }
