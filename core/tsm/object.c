/* Large objects: their memory, who has which buffer, when a buffer may be used again. Commit: object_commit.c. */
#include "tsm/object.h"
#include "cross/schedule.h"
#include "fault/log.h"
#include "object/frame.h"

struct object *object_table;
static volatile uint32_t awaited_count; /* objects whose writer waits for a buffer, or more */

/* --- boot ------------------------------------------------------------------------------------------------------------ */

static void object_build(struct object *object, const struct object_desc *desc)
{
	const struct region_desc *schema = &desc->schema;

	if (!schema_object_is_good(schema) || schema->bytes > ZOG_OBJECT_BYTES_MAX || desc->header_bytes > SCHEMA_RECORD_MAX ||
	    desc->buffer_count < 2 || desc->buffer_count > ZOG_OBJECT_BUFFER_MAX)
		log_fatal("the schema of a large object is not good");
	object->desc = desc;
	object->head_physical = boot_memory(ZOG_PAGE_SIZE, FRAME_DOMAIN, schema->writer);
	object->bytes_physical = boot_memory((uint64_t)desc->buffer_count * schema->bytes, FRAME_DOMAIN, schema->writer);
	object->head = physical_pointer(object->head_physical);
	object->bytes = physical_pointer(object->bytes_physical);
	object->reader = boot_pointer((schema->reader_count + 1) * sizeof(*object->reader));
	object->is_filled = 1;
	object->head->buffer_count = desc->buffer_count;
	object->head->writing = ZOG_OBJECT_NO_BUFFER;
	for (uint32_t i = 1; i < ZOG_OBJECT_BUFFER_MAX; i++)
		object->head->buffer[i].version = ZOG_OBJECT_NONE;
}

void object_setup(void)
{
	if (system_object_count == 0)
		return;
	object_table = boot_pointer(system_object_count * sizeof(struct object));
	for (uint32_t i = 0; i < system_object_count; i++)
		object_build(&object_table[i], &system_object[i]);
}

void object_attach_reader(struct object *object, struct domain *domain, pte_t *directory, uint64_t tables)
{
	struct object_reader *reader = &object->reader[object->reader_count++];

	reader->domain = domain;
	reader->directory = directory;
	reader->tables = tables;
	if (object->head->writing != ZOG_OBJECT_NO_BUFFER) /* its writer was there before */
		directory[object->head->writing] = 0;
}

void object_attach_writer(struct object *object, struct domain *domain, struct area *window)
{
	object->writer = domain;
	object->window = window;
	window->content = object_bytes(object, 0);
	window->content_bytes = object->desc->schema.bytes;
	window->is_ahead = 1;
	object_take(object);
}

/* --- who uses which buffer --------------------------------------------------------------------------------------------- */

static uint64_t invocations_of(const struct domain *domain) { return __atomic_load_n(&domain->invocations, __ATOMIC_SEQ_CST); }
static bool is_entered(const struct domain *domain) { return __atomic_load_n(&domain->lock.holder, __ATOMIC_SEQ_CST) != LOCK_FREE; }

/* Behind the store of the word, which is a full barrier. A reader whose lock is free now finds the new word when it is
 * entered: taking the lock is one, too. So does one that is on its way in and not counted yet: the count is seen by all
 * before the domain runs (cross/crossing.c, cross/fast.c, crossing.S). Only the counted invocation may use the old one. */
void object_retire(struct object *object, uint32_t buffer)
{
	for (uint32_t i = 0; i < object->reader_count; i++) {
		struct object_reader *reader = &object->reader[i];
		reader->inside[buffer] = is_entered(reader->domain) ? invocations_of(reader->domain) : 0;
	}
}

static bool buffer_is_left(const struct object *object, uint32_t buffer)
{
	for (uint32_t i = 0; i < object->reader_count; i++) {
		const struct object_reader *reader = &object->reader[i];
		uint64_t inside = reader->inside[buffer];
		if (inside != 0 && invocations_of(reader->domain) <= inside && is_entered(reader->domain))
			return false;
	}
	return true;
}

/* Not the published one, left by all, not among TRIED: the oldest; one without a version before all. */
static uint32_t buffer_choose(const struct object *object, uint32_t tried)
{
	uint32_t published = ZOG_OBJECT_BUFFER(object->head->word), best = ZOG_OBJECT_NO_BUFFER;

	for (uint32_t i = 0; i < object->desc->buffer_count; i++) {
		if (i == published || (tried & 1u << i) || !buffer_is_left(object, i))
			continue;
		if (best == ZOG_OBJECT_NO_BUFFER || object->head->buffer[i].version + 1 < object->head->buffer[best].version + 1)
			best = i; /* ZOG_OBJECT_NONE + 1 is 0 */
	}
	return best;
}

/* Its version goes first, and then a second look: a reader that holds a version looks the other way round. */
static uint32_t buffer_claim(struct object *object)
{
	for (uint32_t tried = 0;;) {
		uint32_t buffer = buffer_choose(object, tried);
		if (buffer == ZOG_OBJECT_NO_BUFFER)
			return buffer;
		uint64_t version = object->head->buffer[buffer].version;
		__atomic_store_n(&object->head->buffer[buffer].version, ZOG_OBJECT_NONE, __ATOMIC_SEQ_CST);
		if (buffer_is_left(object, buffer))
			return buffer;
		object->head->buffer[buffer].version = version;
		tried |= 1u << buffer;
	}
}

uint32_t object_find(const struct object *object, uint64_t version)
{
	for (uint32_t i = 0; i < object->desc->buffer_count && version != ZOG_OBJECT_NONE; i++)
		if (__atomic_load_n(&object->head->buffer[i].version, __ATOMIC_SEQ_CST) == version && i != object->head->writing)
			return i;
	return ZOG_OBJECT_NO_BUFFER;
}

/* --- mappings ------------------------------------------------------------------------------------------------------------ */

void object_show(struct object *object, uint32_t buffer)
{
	for (uint32_t i = 0; i < object->reader_count; i++)
		object->reader[i].directory[buffer] = (object->reader[i].tables + buffer * ZOG_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
}

static void buffer_hide(struct object *object, uint32_t buffer)
{
	for (uint32_t i = 0; i < object->reader_count; i++)
		object->reader[i].directory[buffer] = 0;
	for (uint32_t i = 0; i < object->reader_count; i++)
		domain_flush(object->reader[i].domain);
}

bool object_take(struct object *object)
{
	struct area *window = object->window;

	if (object->head->writing == ZOG_OBJECT_NO_BUFFER) {
		uint32_t buffer = buffer_claim(object);
		if (buffer == ZOG_OBJECT_NO_BUFFER) {
			object->busy++;
			return false;
		}
		object->head->writing = buffer;
	}
	buffer_hide(object, object->head->writing);
	window->physical = object->bytes_physical + (uint64_t)object->head->writing * object->desc->schema.bytes;
	window->pages = object->desc->schema.bytes / ZOG_PAGE_SIZE;
	if (!object->is_filled)
		object->writer->is_ahead = 1;
	for (uint64_t i = 0; i < window->pages && !object->is_filled; i++)
		window->entry[i] = (window->physical + i * ZOG_PAGE_SIZE) | PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE;
	return true;
}

/* Only one invocation is inside the writer, and this CPU is in the core for it, or nobody is: elsewhere nothing of the
 * writer runs that could use what another CPU has cached, and whoever enters it next flushes first. */
void object_window_close(struct object *object)
{
	memset(object->window->entry, 0, object->desc->schema.bytes / ZOG_PAGE_SIZE * sizeof(pte_t));
	domain_flush(object->writer);
}

static bool window_is_open(const struct object *object)
{
	for (uint64_t i = 0; i < object->window->pages; i++)
		if (object->window->entry[i] & PTE_PRESENT)
			return true;
	return false;
}

void object_discard(struct domain *domain)
{
	for (uint32_t i = 0; i < domain->desc->object_count; i++) {
		struct object *object = object_of_writer(domain, i);
		if (object != NULL && window_is_open(object))
			object_window_close(object);
	}
}

/* --- core calls ------------------------------------------------------------------------------------------------------------ */

struct object *object_of_writer(const struct domain *domain, uint64_t place)
{
	if (place >= domain->desc->object_count || !domain->desc->object[place].is_writer)
		return NULL;
	return &object_table[domain->desc->object[place].object];
}

zog_status_t object_begin(struct domain *domain, uint64_t place, uint64_t event)
{
	struct object *object = object_of_writer(domain, place);

	if (object == NULL)
		return ZOG_ERR_CAP;
	if (event >= domain->desc->event_count)
		return ZOG_ERR_ARGUMENT;
	if (object->head->writing != ZOG_OBJECT_NO_BUFFER || object_take(object))
		return ZOG_OK;
	__atomic_store_n(&object->awaited, (uint32_t)event + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&awaited_count, 1, __ATOMIC_SEQ_CST);
	return ZOG_ERR_BUSY;
}

/* A notify too many is harmless: the writer asks again. */
void object_tick(void)
{
	if (awaited_count == 0 || __atomic_exchange_n(&awaited_count, 0, __ATOMIC_SEQ_CST) == 0)
		return;
	for (uint32_t i = 0; i < system_object_count; i++) {
		struct object *object = &object_table[i];
		if (object->awaited == 0)
			continue;
		if (buffer_choose(object, 0) == ZOG_OBJECT_NO_BUFFER) {
			__atomic_store_n(&awaited_count, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		uint32_t event = __atomic_exchange_n(&object->awaited, 0, __ATOMIC_SEQ_CST);
		if (event != 0)
			event_notify(&object->writer->event[event - 1], 0);
	}
}

/* For the running invocation of the reader, like the published one. */
zog_status_t object_hold(struct domain *domain, uint64_t place, uint64_t version, uint64_t *buffer)
{
	if (place >= domain->desc->object_count)
		return ZOG_ERR_CAP;
	struct object *object = &object_table[domain->desc->object[place].object];
	uint32_t found = object_find(object, version);
	for (uint32_t i = 0; i < object->reader_count && found != ZOG_OBJECT_NO_BUFFER; i++)
		if (object->reader[i].domain == domain)
			__atomic_store_n(&object->reader[i].inside[found], invocations_of(domain), __ATOMIC_SEQ_CST);
	if (found == ZOG_OBJECT_NO_BUFFER || object_find(object, version) != found) /* pairs with buffer_claim */
		return ZOG_ERR_NOT_FOUND;
	*buffer = found;
	return ZOG_OK;
}

zog_status_t object_stats(uint64_t number, struct zog_object_stats *stats)
{
	if (number >= system_object_count)
		return ZOG_ERR_NOT_FOUND;
	const struct object *object = &object_table[number];
	const struct region_desc *schema = &object->desc->schema;
	*stats = (struct zog_object_stats){
		.head = *object->head, .writer = schema->writer, .reader_count = schema->reader_count, .history = schema->history,
		.bytes = schema->bytes, .memory_bytes = ZOG_PAGE_SIZE + (uint64_t)object->desc->buffer_count * schema->bytes,
		.commits = object->commits, .refused = object->refused, .rollbacks = object->rollbacks, .busy = object->busy,
	};
	for (uint32_t i = 0; i < object->desc->buffer_count; i++)
		stats->kept += stats->head.buffer[i].version != ZOG_OBJECT_NONE && i != ZOG_OBJECT_BUFFER(stats->head.word);
	for (uint32_t i = 0; i < sizeof(stats->name) - 1 && schema->name[i]; i++)
		stats->name[i] = schema->name[i];
	return ZOG_OK;
}
