/* Commit and rollback of large objects, as staged operations; the protocol stands in object.h. */
#include "tsm/object.h"
#include "tsm/region_control.h"
#include "arch/x86_64/apic.h"
#include "fault/fault.h"
#include "fault/log.h"

enum object_phase { OBJECT_OPEN = 0, OBJECT_PUBLISH = 1, OBJECT_NEXT = 2, OBJECT_DONE = 3 };

/* What becomes of one object. Set while nothing has changed, stored as it is, so that storing it again changes nothing. */
struct object_work {
	struct object *object;
	uint32_t buffer, old;   /* published from now on, and until now */
	uint32_t is_rollback, is_filled;
	uint64_t word, epoch, commits, rollbacks;
	uint64_t target; /* rollback: the version that comes back */
};
/* What one transaction publishes. One for each CPU: a commit is not interrupted. */
struct object_stage {
	uint32_t count, is_joined;
	volatile uint32_t phase;
	uint64_t time_ns;
	struct schema_finding finding;
	uint32_t finding_object;
	struct object_work work[OBJECT_STAGE_MAX];
};
static struct object_stage stage_of_cpu[ZOG_CPU_MAX];

static void phase_set_object(struct object_stage *stage, uint32_t phase)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* the recovery runs on this CPU: order for the compiler is enough */
	stage->phase = phase;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* --- decode -------------------------------------------------------------------------------------------------------- */

static struct object_work *work_add(struct object_stage *stage, struct object *object, uint32_t buffer, bool is_first)
{
	if (is_first) {
		stage->count = 0;
		stage->finding.rule = 0;
		stage->phase = OBJECT_OPEN;
	}
	for (uint32_t i = 0; i < stage->count; i++)
		if (stage->work[i].object == object)
			return NULL;
	if (stage->count == OBJECT_STAGE_MAX)
		return NULL;
	struct object_work *work = &stage->work[stage->count++];
	uint64_t word = object->head->word;
	*work = (struct object_work){
		.object = object, .buffer = buffer, .old = ZOG_OBJECT_BUFFER(word), .epoch = object->head->epoch, .commits = object->commits,
		.rollbacks = object->rollbacks, .word = (ZOG_OBJECT_VERSION(word) + 1) << 8 | buffer,
	};
	return work;
}

bool object_decode_commit(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct object *object = object_of_writer(domain, op->slot);

	if (object == NULL || object->head->writing == ZOG_OBJECT_NO_BUFFER || op->word[0] != object->head->writing ||
	    (op->word[1] & ~(uint64_t)ZOG_OBJECT_FILL))
		return false;
	struct object_work *work = work_add(&stage_of_cpu[cpu->id], object, object->head->writing, is_first);
	if (work == NULL)
		return false;
	work->commits++;
	work->is_filled = (op->word[1] & ZOG_OBJECT_FILL) != 0;
	return true;
}

bool object_decode_rollback(struct cpu *cpu, struct domain *domain, const struct zog_op *op, bool is_first)
{
	struct object *object = object_of_writer(domain, op->slot);

	if (object == NULL || !object->desc->schema.is_reconstructible || op->word[0] == 0) /* version 0: nothing was published */
		return false;
	uint32_t buffer = object_find(object, op->word[0]);
	if (buffer == ZOG_OBJECT_NO_BUFFER || buffer == ZOG_OBJECT_BUFFER(object->head->word))
		return false;
	struct object_work *work = work_add(&stage_of_cpu[cpu->id], object, buffer, is_first);
	if (work == NULL)
		return false;
	work->is_rollback = work->is_filled = 1;
	work->target = op->word[0];
	work->epoch++;
	work->rollbacks++;
	return true;
}

/* --- check --------------------------------------------------------------------------------------------------------- */

/* Pages that the writer has not touched read as what is published, whatever their frames hold. */
static void buffer_complete(const struct object_work *work)
{
	const struct area *window = work->object->window;
	uint8_t *to = object_bytes(work->object, work->buffer);
	const uint8_t *from = object_bytes(work->object, work->old);

	for (uint64_t i = 0; i < window->pages; i++)
		if (!(window->entry[i] & PTE_PRESENT))
			memcpy(to + i * ZOG_PAGE_SIZE, from + i * ZOG_PAGE_SIZE, ZOG_PAGE_SIZE);
}

static bool one_object_check(struct object_stage *stage, const struct object_work *work)
{
	const struct object *object = work->object;
	struct schema_run run = { 0, 0, 1, object_bytes(object, work->buffer) };
	struct schema_view view = { &object->desc->schema, object_bytes(object, work->old), &run, 1 };

	return schema_check(&view, &stage->finding);
}

bool object_check(struct cpu *cpu, struct domain *domain, bool is_joined)
{
	struct object_stage *stage = &stage_of_cpu[cpu->id];

	for (uint32_t i = 0; i < stage->count; i++) {
		struct object_work *work = &stage->work[i];
		if (!work->is_rollback)
			buffer_complete(work);
		object_window_close(work->object);
		if (work->is_rollback || one_object_check(stage, work) || !region_control_validates())
			continue;
		const struct schema_finding *finding = &stage->finding;
		work->object->refused++;
		stage->finding_object = (uint32_t)(work->object - object_table);
		log_line("zog: validation domain=%s object=%s field=%s rule=%u value=0x%lx", domain->desc->name, work->object->desc->schema.name,
			 finding->field_name, finding->rule, finding->value);
		return false;
	}
	stage->finding.rule = 0;
	stage->is_joined = is_joined || stage->count > 1;
	stage->time_ns = time_now_ns();
	return true;
}

bool object_finding_take(struct cpu *cpu, uint64_t *value, uint64_t *detail)
{
	struct object_stage *stage = &stage_of_cpu[cpu->id];
	struct schema_finding *finding = &stage->finding;

	if (finding->rule == 0)
		return false;
	*value = finding->value;
	*detail = finding->rule | (finding->field & 0xff) << 8 | ZOG_KIND_OBJECT << 16 | (uint64_t)stage->finding_object << 32;
	finding->rule = 0;
	return true;
}

/* --- act ----------------------------------------------------------------------------------------------------------- */

void object_act_open(struct cpu *cpu)
{
	struct object_stage *stage = &stage_of_cpu[cpu->id];

	if (stage->phase != OBJECT_OPEN)
		return;
	for (uint32_t i = 0; i < stage->count && stage->is_joined; i++) {
		struct zog_object_head *head = stage->work[i].object->head;
		__atomic_store_n(&head->word, head->word | ZOG_OBJECT_CHANGING, __ATOMIC_SEQ_CST);
	}
	phase_set_object(stage, OBJECT_PUBLISH);
}

static void work_prepare(const struct object_stage *stage, const struct domain *domain, const struct object_work *work)
{
	struct object *object = work->object;

	object->head->buffer[work->buffer] = (struct zog_object_version){
		ZOG_OBJECT_VERSION(work->word), stage->time_ns, domain->id,
		schema_crc32c(0, object_bytes(object, work->buffer), object->desc->header_bytes),
	};
	object_show(object, work->buffer);
	object->head->epoch = work->epoch;
	object->commits = work->commits;
	object->rollbacks = work->rollbacks;
}

/* The word is stored. What was published becomes an older version, or, after a rollback, none. */
static void work_settle(const struct object_work *work)
{
	struct object *object = work->object;

	object_retire(object, work->old);
	object->window->content = object_bytes(object, work->buffer);
	object->is_filled = work->is_filled;
	if (!work->is_rollback) {
		object->head->writing = ZOG_OBJECT_NO_BUFFER;
		object->window->pages = 0;
		return;
	}
	for (uint32_t i = 0; i < object->desc->buffer_count; i++)
		if (i != work->buffer && object->head->buffer[i].version > work->target)
			object->head->buffer[i].version = ZOG_OBJECT_NONE;
}

/* Visible loss: on file, as for regions. */
static void rollback_tell(struct domain *domain, const struct object_work *work)
{
	const struct region_desc *schema = &work->object->desc->schema;
	uint64_t undone = ZOG_OBJECT_VERSION(work->word) - 1 - work->target, bytes = undone * schema->bytes;

	log_line("zog: rollback domain=%s object=%s to=%lu undone=%lu bytes=%lu epoch=%lu", domain->desc->name, schema->name, work->target, undone,
		 bytes, work->epoch);
	incident_record_notice(domain, ZOG_CAUSE_ROLLBACK, work->target, undone | bytes << 32);
}

void object_act_publish(struct cpu *cpu, struct domain *domain)
{
	struct object_stage *stage = &stage_of_cpu[cpu->id];

	if (stage->phase == OBJECT_PUBLISH) {
		for (uint32_t i = 0; i < stage->count; i++)
			work_prepare(stage, domain, &stage->work[i]);
		for (uint32_t i = 0; i < stage->count; i++)
			__atomic_store_n(&stage->work[i].object->head->word, stage->work[i].word, __ATOMIC_SEQ_CST);
		for (uint32_t i = 0; i < stage->count; i++)
			work_settle(&stage->work[i]);
		phase_set_object(stage, OBJECT_NEXT);
	}
	if (stage->phase == OBJECT_NEXT) {
		for (uint32_t i = 0; i < stage->count; i++)
			if (stage->work[i].is_rollback)
				rollback_tell(domain, &stage->work[i]);
			else
				object_take(stage->work[i].object);
		phase_set_object(stage, OBJECT_DONE);
	}
}

void object_act_skipped(struct cpu *cpu)
{
	struct object_stage *stage = &stage_of_cpu[cpu->id];

	for (uint32_t i = 0; i < stage->count; i++) {
		struct zog_object_head *head = stage->work[i].object->head;
		__atomic_store_n(&head->word, head->word & ~(uint64_t)ZOG_OBJECT_CHANGING, __ATOMIC_SEQ_CST);
	}
	phase_set_object(stage, OBJECT_DONE);
}
