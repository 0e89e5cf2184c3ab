/* The hostile end of two streams with `session` (drain.c there): honest records go into `flood`, and while they are consumed on
 * another CPU, bits of its slots and the heads of both streams change and change back. */
#include "fuzzer.h"
#include "stream/stream.h"

#define TURN 4096u
#define PAIRS 15u
#define FLOOD_SLOTS ((volatile uint8_t *)(ZOG_STREAM_BASE + STREAM_FLOOD * ZOG_STREAM_STRIDE) + ZOG_PAGE_SIZE)
#define FLOOD_HEAD ((volatile struct stream_head *)(ZOG_STREAM_BASE + STREAM_FLOOD * ZOG_STREAM_STRIDE))
#define EBB_HEAD ((volatile struct stream_head *)(ZOG_STREAM_BASE + STREAM_EBB * ZOG_STREAM_STRIDE))
#define FLOOD_BYTES ((STREAM_FLOOD_PAGES - 1ul) * ZOG_PAGE_SIZE)

static struct stream flood; /* attached by each life */
static bool is_attached;
static uint64_t random = 1;

static uint64_t draw(uint64_t limit)
{
	random = random * 6364136223846793005ul + 1442695040888963407ul;
	return (random >> 33) % limit;
}

/* Where the consumer says that it is, whatever it was led to believe: from there on. */
static void flood_begin(struct home *home)
{
	struct stream_place place = STREAM_PLACE(FLOOD, STREAM_END_PRODUCER, 256, EVENT_NEVER, &home->flood);

	if (is_attached)
		home->flood.position = flood.peer->position;
	rt_commit();
	rt_assert(stream_attach(&flood, &place) != ZOG_ERR_ARGUMENT);
	is_attached = true;
}

static void flood_fill(struct home *home)
{
	uint64_t pair[PAIRS][2];
	zog_status_t status;

	do {
		for (uint32_t i = 0; i < PAIRS; i++)
			pair[i][1] = ~(pair[i][0] = draw(1ul << 31));
		status = stream_put(&flood, pair, sizeof(pair));
	} while (status == ZOG_OK);
	if (status == ZOG_ERR_CORRUPT)
		flood_begin(home);
	else
		stream_publish(&flood);
}

/* A position that is impossible, or possible and wrong. */
static uint64_t position_wrong(uint64_t position)
{
	const uint64_t wrong[] = { 0, UINT64_MAX, position + draw(64), position - 1 - draw(64), position + 1000, 1ul << draw(64) };

	return wrong[draw(sizeof(wrong) / sizeof(wrong[0]))];
}

static void slot_flip(void)
{
	uint64_t at = draw(FLOOD_BYTES);
	uint8_t bit = (uint8_t)(1u << draw(8));

	FLOOD_SLOTS[at] ^= bit;
	for (uint64_t turns = draw(64); turns > 0; turns--)
		__asm__ volatile("pause");
	FLOOD_SLOTS[at] ^= bit;
}

static void head_flip(volatile struct stream_head *head)
{
	uint64_t position = head->position;

	head->position = position_wrong(position);
	head->is_asleep = (uint32_t)draw(2);
	for (uint64_t turns = draw(64); turns > 0; turns--)
		__asm__ volatile("pause");
	head->position = position;
}

zog_status_t flood_serve(struct zog_call *call, struct home *home)
{
	if (!is_attached)
		flood_begin(home);
	for (uint32_t i = 0; i < TURN; i++) {
		if (i % 64 == 0)
			flood_fill(home);
		slot_flip();
		if (i % 16 == 0)
			head_flip(draw(2) ? FLOOD_HEAD : EBB_HEAD);
	}
	/* What the consumer of `ebb` has taken, it says: all of it. */
	EBB_HEAD->position = *(const volatile uint64_t *)(ZOG_STREAM_BASE + STREAM_EBB * ZOG_STREAM_STRIDE + ZOG_STREAM_PEER_OFFSET);
	return again_at(call, rt_now_ns());
}
