/* `update NAME PATH`, or `launch NAME PATH`, written to /zog/ctl: once the supervisor has taken the command, the file at PATH is read through the
 * page cache and handed over page by page.
 *
 * The intent that carried the command goes on as this step, so that it survives whatever dies. Its record holds how far it
 * got; each entry finds PATH again, since a node is not held. A file that changes meanwhile does not have its measure, and
 * the supervisor refuses it. Nothing here looks into the file. */
#include "intent.h"
#include "cache.h"
#include "path.h"
#include "contracts/supervisor_client.h"

enum { WORD_OFFSET = 0, PAGES_OF_AN_ENTRY = 16 };

static uint8_t page_bytes[PAGE_BYTES]; /* scratch */

/* The words behind "update NAME " and "launch NAME ". False: there is no path. */
static bool path_take(const struct intent *intent, char *out, size_t size)
{
	const char *text = (const char *)intent->data, *end = text + intent->length;
	uint32_t spaces = 0;

	if (end > text && end[-1] == '\n')
		end--;
	while (text < end && spaces < 2)
		spaces += *text++ == ' ';
	if (text == end || (size_t)(end - text) >= size)
		return false;
	memcpy(out, text, (size_t)(end - text));
	out[end - text] = '\0';
	return strlen(out) == (size_t)(end - text);
}

static int64_t file_find(struct zog_call *call, const struct intent *intent, struct node **out)
{
	static struct path path; /* scratch */
	char text[256];
	int64_t result;

	if (!path_take(intent, text, sizeof text))
		return -EINVAL;
	result = path_resolve(call, AT_FDCWD, text, PATH_FOLLOW, &path);
	if (result)
		return result;
	*out = path.node;
	return path.node && path.node->kind == NODE_DISK && node_is(path.node, S_IFREG) ? 0 : -EINVAL;
}

/* Hands the page at OFFSET over; its length is less than a page where the file ends. */
static int64_t page_pass(struct zog_call *call, struct node *node, uint64_t offset)
{
	uint64_t left = node->size - offset, frame;
	size_t length = left < PAGE_BYTES ? left : PAGE_BYTES;
	struct zog_copy copy = { .kind = ZOG_COPY_FROM_FRAME, .own = (uintptr_t)page_bytes, .length = (uint32_t)length };
	int64_t result = cache_page(call, node, offset / PAGE_BYTES, &frame);

	if (result)
		return result;
	copy.frame = frame;
	result = status_errno(rt_copy(&copy));
	return result ? result : status_errno(supervisor_update_page(offset, page_bytes, length));
}

/* What is left of the file, at most so many pages of it. 0: all is handed over. */
static int64_t pages_pass(struct zog_call *call, struct intent *intent, struct node *node)
{
	for (uint32_t i = 0; intent->word[WORD_OFFSET] < node->size; i++) {
		int64_t result;

		if (i == PAGES_OF_AN_ENTRY)
			return wait_again(call);
		result = page_pass(call, node, intent->word[WORD_OFFSET]);
		if (result)
			return result;
		intent->word[WORD_OFFSET] += PAGE_BYTES;
		rt_commit();
	}
	return 0;
}

zog_status_t update_call(struct zog_call *call, const struct intent *intent, uint64_t out[4])
{
	(void)call, (void)intent, (void)out;
	return ZOG_OK; /* all of the step is in its finish: it takes many calls, each of them repeatable */
}

int64_t update_finish(struct zog_call *call, struct intent *intent, zog_status_t status, const uint64_t out[4])
{
	struct node *node;
	int64_t result = file_find(call, intent, &node);

	(void)status, (void)out;
	if (result == 0)
		result = pages_pass(call, intent, node);
	if (result == SYS_WAIT || result == SYS_RETRY)
		return result;
	if (result) {
		supervisor_update_end(0); /* of an update that the supervisor has refused already, it stays as it is */
		return result;
	}
	result = status_errno(supervisor_update_end(1));
	return result ? result : (int64_t)intent->length;
}

bool update_is_asked(const struct intent *intent)
{
	return intent->length > 7 && (memcmp(intent->data, "update ", 7) == 0 || memcmp(intent->data, "launch ", 7) == 0);
}

int64_t update_start(struct zog_call *call, struct intent *intent)
{
	intent->step = INTENT_UPDATE;
	intent->word[WORD_OFFSET] = 0;
	rt_commit();
	return intent_resume(call);
}
