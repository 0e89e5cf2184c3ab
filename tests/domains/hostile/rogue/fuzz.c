/* Random core calls, copy requests and transactions: half from what makes sense, half from what does not. The
 * generator's state is committed before each, so that a seed gives the same calls however often the domain ends. */
#include "rogue.h"
#include "contracts/clock.h"

#define CALLS_A_STEP 32u
#define OWN_PORT 0x80ul
#define SAFE_OFFSET ZOG_PAGE_SIZE /* of the home region: behind what rogue itself keeps there */

static uint64_t random; /* a working copy: lost with the domain, as it should be */
static struct zog_copy request;

/* The working generator of a call, from its number's place in the committed sequence (Steele and others, SplitMix). */
static void random_start(uint64_t place)
{
	place = (place ^ place >> 30) * 0xbf58476d1ce4e5b9ul;
	place = (place ^ place >> 27) * 0x94d049bb133111ebul;
	random = (place ^ place >> 31) | 1;
}

static uint64_t draw(uint64_t limit)
{
	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return (random >> 11) % limit;
}

static uint64_t draw_value(void)
{
	static const uint64_t place[] = {
		ZOG_HEAP_BASE, ZOG_HOME_BASE, ZOG_IMAGE_BASE, ZOG_TXN_BASE, ZOG_STACK_BASE, ZOG_MMIO_BASE, ZOG_INFO_BASE, ZOG_STREAM_BASE,
		ZOG_HOME_BASE + ZOG_HOME_COMMITTED_OFFSET, ZOG_MESSAGE_BASE, ZOG_USER_END, 0xffff800000000000ul, 0xffffffff80200000ul,
		0x0000800000000000ul, ZOG_HEAP_BASE + HEAP_BYTES, ZOG_HOME_BASE + HOME_BYTES,
	};

	switch (draw(6)) {
	case 0:
		return draw(16);
	case 1:
		return draw(70000);
	case 2:
		return place[draw(sizeof(place) / sizeof(place[0]))] + draw(8192) - draw(3) * 8;
	case 3:
		return 1ul << draw(64);
	case 4:
		return draw(2) ? ZOG_SELF : UINT64_MAX - draw(4096);
	default:
		return draw(UINT64_MAX);
	}
}

static uint64_t draw_capability(void)
{
	static const uint64_t held[] = { CAP_CLOCK, CAP_PORTS_DIAGNOSTIC, WAIT_CONSOLE_INPUT, EVENT_NEVER };

	return draw(3) ? held[draw(4)] : draw_value();
}

/* A REPLY that waits does so for a moment only. */
static void reply_make(void)
{
	static const uint64_t status[] = { ZOG_OK, ZOG_RETRY, ZOG_WAIT, ZOG_PENDING };
	uint64_t rdx = draw_value();

	core_raw(ZOG_CORE_REPLY, draw(4) ? status[draw(4)] : draw_value(), draw_capability(), &rdx, rt_now_ns() + draw(1000000), 0);
}

static void call_make(void)
{
	uint64_t number = draw(8) ? draw(ZOG_CORE_CALL_COUNT) : draw_value();
	uint64_t rdx = draw(2) ? 1ul << draw(3) : draw_value();
	uint64_t rsi = number == ZOG_CORE_CALL && draw(2) ? CLOCK_CONTRACT << 8 | draw(3) : draw(4) ? draw_value() : OWN_PORT;

	if (number == ZOG_CORE_REPLY)
		reply_make();
	else if (number != ZOG_CORE_FAIL || draw(8) == 0)
		core_raw(number, number == ZOG_CORE_COPY ? draw_value() : draw_capability(), rsi, &rdx, draw_value(), draw_value());
}

static void copy_make(void)
{
	request = (struct zog_copy){
		.kind = (uint32_t)draw(ZOG_COPY_KIND_COUNT + 2), .space = (uint32_t)draw_value(), .address = draw_value(),
		.own = draw(2) ? ZOG_HEAP_BASE + draw(HEAP_BYTES) : draw_value(), .frame = draw(2) ? draw(0x40000) : draw_value(),
		.offset = (uint32_t)draw(8192), .length = (uint32_t)(draw(2) ? draw(8192) : draw_value()),
	};
	rt_copy(&request);
}

static void port_operation_make(struct zog_op *op)
{
	op->code = draw(2) ? ZOG_OP_PORT_IN : ZOG_OP_PORT_OUT;
	op->slot = (uint32_t)draw_capability();
	op->word[0] = OWN_PORT | OWN_PORT << 16 | draw(256) << 32;
	op->word[1] = SAFE_OFFSET + draw(HOME_BYTES);
	op->word[2] = draw(5000);
	op->word[3] = SAFE_OFFSET + draw(HOME_BYTES / 8) * 8;
}

static void operation_make(struct zog_op *op)
{
	uint32_t kind = (uint32_t)draw(4);

	*op = (struct zog_op){ .code = ZOG_OP_NOTIFY, .slot = EVENT_NEVER };
	if (kind == 0) {
		port_operation_make(op);
	} else if (kind == 1) {
		op->code = draw(8) ? (uint32_t)draw(ZOG_OP_CODE_COUNT + 1) : (uint32_t)draw_value();
		op->slot = (uint32_t)draw_capability();
		for (uint32_t i = 0; i < 5; i++)
			op->word[i] = draw_value();
		/* A chance operation on ports must not land on rogue's own record. */
		if (op->code == ZOG_OP_PORT_IN || op->code == ZOG_OP_PORT_OUT)
			port_operation_make(op);
	}
}

static void transaction_make(void)
{
	struct zog_txn *txn = transaction();
	uint32_t ranges = (uint32_t)draw(4), ops = (uint32_t)draw(4);

	for (uint32_t i = 0; i < ranges; i++)
		txn->range[i] = (struct zog_range){ (uint32_t)(draw(4) ? draw(HOME_BYTES) : draw_value()),
						    (uint32_t)(draw(4) ? draw(64) : draw_value()) };
	for (uint32_t i = 0; i < ops; i++)
		operation_make(&txn->op[i]);
	txn->is_page_mode = draw(8) == 0;
	txn->range_count = draw(16) ? ranges : (uint32_t)draw_value();
	txn->op_count = draw(16) ? ops : (uint32_t)draw_value();
	if (draw(4))
		commit_raw();
	else
		rt_abort();
}

bool fuzz_step(struct home *home, uint64_t count)
{
	struct fuzz *fuzz = &home->fuzz;

	if (fuzz->is_open) {
		fuzz->is_open = 0;
		fuzz->lost++;
		return false;
	}
	for (uint32_t i = 0; i < CALLS_A_STEP && fuzz->made < count; i++) {
		fuzz->random += 0x9e3779b97f4a7c15ul;
		random_start(fuzz->random);
		uint32_t kind = (uint32_t)draw(3);
		fuzz->made++;
		fuzz->is_open = 1;
		rt_commit();
		if (kind == 0)
			call_make();
		else if (kind == 1)
			copy_make();
		else
			transaction_make();
		rt_abort(); /* whatever it left staged */
		fuzz->is_open = 0;
	}
	return fuzz->made >= count;
}
