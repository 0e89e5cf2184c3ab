/* Once-calls to other domains: the table of steps. See intent.c. */
#ifndef LINUX_INTENT_H
#define LINUX_INTENT_H

#include "home.h"

enum intent_number { INTENT_NONE = 0, INTENT_OPEN, INTENT_MAKE, INTENT_SYMLINK, INTENT_LINK, INTENT_UNLINK, INTENT_RMDIR,
	INTENT_RENAME, INTENT_CONTROL, INTENT_UPDATE, INTENT_COUNT };

struct intent_step {
	const char *name;
	zog_status_t (*call)(struct zog_call *call, const struct intent *intent, uint64_t out[4]);
	/* Turns the answer into records and the syscall's result. Runs again from the start when cut. */
	int64_t (*finish)(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4]);
};
extern const struct intent_step intent_names[INTENT_COUNT]; /* intent_name.c */

/* Words of an intent that makes a name. */
enum { WORD_PARENT = 0, WORD_MODE = 1, WORD_OWNER = 2, WORD_DEVICE = 3, WORD_TIME_S = 4, WORD_TIME_NS = 5, WORD_FLAGS = 6,
	WORD_LENGTH = 7 };
/* Scratch for building one; all zero but what the caller sets. */
struct intent *intent_scratch(enum intent_number step);
bool intent_text(struct intent *intent, const void *text, size_t length); /* appends to data; false: too long */
/* The answer came too late to be of use (somebody else made the name): the syscall starts over. */
int64_t intent_start_over(struct intent *intent);

/* update.c: a control command that goes on with a file. */
bool update_is_asked(const struct intent *intent);
int64_t update_start(struct zog_call *call, struct intent *intent);
zog_status_t update_call(struct zog_call *call, const struct intent *intent, uint64_t out[4]);
int64_t update_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4]);

#endif
