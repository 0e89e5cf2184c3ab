/* Pins: frames that a device may be using. See pin.h. */
#include "mem/pin.h"
#include "iommu/iommu.h"
#include "object/domain.h"
#include "object/frame.h"
#include "object/lock.h"
#include "object/thread.h"

static struct { uint32_t frame; uint16_t domain, is_stale; } pin_table[PIN_MAX]; /* domain + 1; 0: free. Changed under the pinner's lock */
static CORE_LOCK struct lock pin_lock = LOCK_INIT;

/* The device is quiet. What the dead driver pinned stays pinned until its START has named what it still uses. */
void pins_mark_stale(uint32_t domain)
{
	lock_take(&pin_lock, cpu_current()->id);
	for (uint32_t i = 0; i < PIN_MAX; i++)
		if (pin_table[i].domain == domain + 1)
			pin_table[i].is_stale = 1;
	lock_release(&pin_lock);
}

void pins_drop_stale(uint32_t domain)
{
	lock_take(&pin_lock, cpu_current()->id);
	for (uint32_t i = 0; i < PIN_MAX; i++) {
		if (pin_table[i].domain != domain + 1 || !pin_table[i].is_stale)
			continue;
		frame_table[pin_table[i].frame].pin_count--;
		pin_table[i].domain = 0;
	}
	lock_release(&pin_lock);
}

static bool frame_is_of_chain(const struct thread *thread, uint64_t frame)
{
	if (frame >= frame_count || (frame_table[frame].type != FRAME_PAYLOAD && frame_table[frame].type != FRAME_DMA))
		return false;
	for (uint32_t i = 0; i < thread->depth; i++)
		if (thread->frame[i].domain->id == frame_table[frame].owner)
			return true;
	return false;
}

/* A pin stands at the first free place from its frame's own on, so it is found at once as a rule. Its place, else a free
 * one, else PIN_MAX. */
static uint32_t pin_find(uint32_t domain, uint64_t frame, bool *is_there)
{
	bool is_sought = frame < frame_count && frame_table[frame].pin_count != 0;
	uint32_t place = PIN_MAX;

	*is_there = false;
	for (uint32_t i = 0; i < PIN_MAX; i++) {
		uint32_t at = (uint32_t)(frame + i) % PIN_MAX;
		if (is_sought && pin_table[at].domain == domain + 1 && pin_table[at].frame == frame) {
			*is_there = true;
			return at;
		}
		if (place == PIN_MAX && pin_table[at].domain == 0) {
			place = at;
			if (!is_sought)
				break;
		}
	}
	return place;
}

static zog_status_t pin_locked(struct cpu *cpu, struct domain *self, uint64_t frame, uint64_t how, uint64_t *address_out)
{
	bool is_there;
	uint32_t place = pin_find(self->id, frame, &is_there);

	if (how == ZOG_PIN_NONE) {
		if (!is_there)
			return ZOG_ERR_NOT_FOUND;
		if (!iommu_unmap(self, place))
			return ZOG_ERR_IO;
		frame_table[frame].pin_count--;
		pin_table[place].domain = 0;
		return ZOG_OK;
	}
	if (!is_there && !frame_is_of_chain(cpu->thread, frame))
		return ZOG_ERR_ARGUMENT;
	if (place == PIN_MAX)
		return ZOG_ERR_LIMIT;
	if (!is_there)
		frame_table[frame].pin_count++;
	pin_table[place].frame = (uint32_t)frame;
	pin_table[place].domain = (uint16_t)(self->id + 1);
	pin_table[place].is_stale = 0;
	*address_out = iommu_map(self, place, frame, how == ZOG_PIN_READ ? IOMMU_READ : IOMMU_READ | IOMMU_WRITE);
	return ZOG_OK;
}

zog_status_t frame_pin(struct cpu *cpu, uint64_t frame, uint64_t how, uint64_t *address_out)
{
	struct domain *self = cpu->thread->frame[cpu->thread->depth - 1].domain;

	if (!self->desc->is_device_owner)
		return ZOG_ERR_CAP;
	if (how >= ZOG_PIN_COUNT)
		return ZOG_ERR_ARGUMENT;
	lock_take(&pin_lock, cpu->id);
	zog_status_t status = pin_locked(cpu, self, frame, how, address_out);
	lock_release(&pin_lock);
	return status;
}
