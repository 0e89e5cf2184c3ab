/* Names already looked up: a set-associative table of (directory, name) -> node number, 0 for "does not exist".
 *
 * It is authoritative about the names that it holds, because all changes to names go through this personality: create,
 * unlink and rename put or forget exactly the names they touch. A lost entry only costs a lookup.
 * A removed directory's number may be given out again; its names are made void all at once by raising its epoch. */
#include "node.h"

static uint32_t next_victim; /* scratch: which way goes next */

static uint32_t name_hash(uint32_t parent, const char *name, uint32_t length)
{
	uint32_t hash = parent * 0x9e3779b1u ^ length;

	for (uint32_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x01000193u;
	return hash ^ hash >> 15;
}

static uint32_t name_tag(uint32_t parent, uint32_t length)
{
	return length | files()->dentry_epoch[parent % DENTRY_EPOCHS] << 8;
}

static bool dentry_is(const struct dentry *dentry, uint32_t parent, uint32_t hash, const char *name, uint32_t length)
{
	return dentry->hash == hash && dentry->parent == parent && dentry->tag == name_tag(parent, length) &&
	       memcmp(dentry->name, name, length) == 0;
}

bool dentry_is_valid(const struct dentry *dentry)
{
	return dentry->parent && dentry->tag == name_tag(dentry->parent, dentry_length(dentry));
}

uint32_t dentry_find(uint32_t parent, const char *name, uint32_t length)
{
	uint32_t hash = name_hash(parent, name, length), first = hash % DENTRY_SETS * DENTRY_WAYS;

	if (length > DENTRY_NAME_MAX)
		return DENTRY_NONE;
	for (uint32_t i = first; i < first + DENTRY_WAYS; i++)
		if (dentry_is(&files()->dentry[i], parent, hash, name, length))
			return i;
	return DENTRY_NONE;
}

uint32_t dentry_put(uint32_t parent, const char *name, uint32_t length, uint32_t child)
{
	uint32_t hash = name_hash(parent, name, length), first = hash % DENTRY_SETS * DENTRY_WAYS;
	uint32_t index = dentry_find(parent, name, length);
	struct dentry *dentry;

	if (length > DENTRY_NAME_MAX)
		return DENTRY_NONE;
	for (uint32_t i = first; index == DENTRY_NONE && i < first + DENTRY_WAYS; i++)
		if (files()->dentry[i].parent == 0)
			index = i;
	if (index == DENTRY_NONE)
		index = first + next_victim++ % DENTRY_WAYS;
	dentry = &files()->dentry[index];
	dentry->parent = parent;
	dentry->child = child;
	dentry->hash = hash;
	dentry->tag = name_tag(parent, length);
	memcpy(dentry->name, name, length);
	return index;
}

void dentry_forget(uint32_t parent, const char *name, uint32_t length)
{
	uint32_t index = dentry_find(parent, name, length);

	if (index != DENTRY_NONE)
		files()->dentry[index].parent = 0;
}

void dentry_forget_directory(uint32_t parent)
{
	files()->dentry_epoch[parent % DENTRY_EPOCHS]++;
}
