/* With tsm_lines=1 on the boot command line: the sheet that mad_writer commits line by line (its lines.c). */
#ifndef SANE_READER_LINES_H
#define SANE_READER_LINES_H

#include <stdbool.h>

bool lines_are_asked_for(void);
/* Looks at the sheet many times, and says what is bad. */
void lines_look(void);

#endif
