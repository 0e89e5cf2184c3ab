/* The serial port: a 16550 with FIFOs, 115200 8n1.
 *
 * Protocol: bytes move only inside a commit, by the core (ZOG_OP_PORT_OUT, ZOG_OP_PORT_IN), which advances the
 * committed position with each byte: a byte is neither lost nor sent twice when this domain dies. So a piece is
 * staged and committed at once, and then the positions are looked at. One piece a commit: a second one might go on
 * where the first stopped because the UART was busy for a moment, and bytes would change places.
 *
 * Interrupts (ISA, edge-triggered): the line falls and rises again only if every cause was taken. So the receive
 * interrupt is on only while there is room for input, the transmit interrupt only while output waits for a busy UART:
 * a ready one is just given more, and spared an edge for every byte. */
#include "uart.h"
#include "rt/rt.h"

enum uart_port {
	UART_DATA = 0x3f8, UART_INTERRUPT_ENABLE = 0x3f9, UART_INTERRUPT_ID = 0x3fa, UART_FIFO_CONTROL = 0x3fa,
	UART_LINE_CONTROL = 0x3fb, UART_MODEM_CONTROL = 0x3fc, UART_LINE_STATUS = 0x3fd,
};
#define INTERRUPT_RECEIVE 1u
#define INTERRUPT_TRANSMIT 2u
#define INTERRUPT_NONE 1u /* in UART_INTERRUPT_ID */
#define FIFO_ENABLE 1u    /* and an interrupt at the first byte */
#define LINE_8N1 3u
#define LINE_DIVISOR_ACCESS 0x80u
#define DIVISOR_115200 1u
#define MODEM_READY 3u /* DTR, RTS */
#define MODEM_INTERRUPTS 8u /* OUT2: lets interrupts out of the chip */
#define STATUS_RECEIVED 1u
#define STATUS_TRANSMIT_EMPTY 0x20u
#define STATUS_NO_UART 0xffu

#define PIECE_MAX 256u /* keeps a commit short */

/* Scratch: what the interrupt-enable register holds; all ones: not known. */
static uint32_t interrupts_on = 0xffffffffu;
static bool is_present;
static bool is_transmit_busy; /* the UART stopped taking bytes; its interrupt will tell when it takes more */

static uint32_t uart_read(uint16_t port)
{
	uint32_t value = 0;

	rt_assert(rt_port_read(CAP_PORTS_UART, port, 1, &value) == ZOG_OK);
	return value;
}

static void uart_write(uint16_t port, uint32_t value)
{
	rt_assert(rt_port_write(CAP_PORTS_UART, port, 1, value) == ZOG_OK);
}

static void interrupts_set(uint32_t interrupts)
{
	if (interrupts_on == interrupts)
		return;
	uart_write(UART_INTERRUPT_ENABLE, interrupts);
	interrupts_on = interrupts;
}

static uint64_t port_word(uint64_t ready_mask)
{
	return UART_DATA | (uint64_t)UART_LINE_STATUS << 16 | ready_mask << 32;
}

static uint64_t home_offset(const void *place)
{
	return (uintptr_t)place - ZOG_HOME_BASE;
}

/* Commits one piece's move and says how far `position` came. */
static uint64_t piece_move(uint32_t code, uint64_t ready_mask, const uint8_t *bytes, uint32_t length,
	const uint64_t *position)
{
	uint64_t before = *position;

	rt_stage(code, CAP_PORTS_UART, port_word(ready_mask), home_offset(bytes), length, home_offset(position), 0);
	rt_commit();
	rt_assert(*position - before <= length);
	return *position - before;
}

/* Sends up to `budget` pending bytes while the UART takes them; true when any went. */
bool uart_send(struct terminal *terminal, uint32_t budget)
{
	uint64_t start = terminal->output_sent;

	if (!is_present) /* nowhere to send it: as if nobody looked */
		terminal->output_sent = terminal->output_accepted;
	while (budget && terminal->output_sent < terminal->output_accepted) {
		struct ring_piece piece = output_piece(terminal, budget < PIECE_MAX ? budget : PIECE_MAX);
		uint64_t moved = piece_move(ZOG_OP_PORT_OUT, STATUS_TRANSMIT_EMPTY, terminal->output + piece.offset,
			piece.length, &terminal->output_sent);

		budget -= (uint32_t)moved;
		is_transmit_busy = moved < piece.length;
		if (is_transmit_busy)
			break;
	}
	return terminal->output_sent != start;
}

/* Takes up to `budget` bytes from the line while there are any and room for them; true when any came. */
bool uart_receive(struct terminal *terminal, uint32_t budget)
{
	uint64_t start = terminal->input_received;

	while (is_present && budget && (uart_read(UART_LINE_STATUS) & STATUS_RECEIVED)) {
		struct ring_piece piece = input_piece(terminal, budget < PIECE_MAX ? budget : PIECE_MAX);

		if (!piece.length)
			break;
		uint64_t moved = piece_move(ZOG_OP_PORT_IN, STATUS_RECEIVED, terminal->input + piece.offset,
			piece.length, &terminal->input_received);

		budget -= (uint32_t)moved;
		if (!moved)
			break;
	}
	return terminal->input_received != start;
}

/* Interrupts for what can be served now. */
void uart_interrupts_update(const struct terminal *terminal)
{
	uint32_t interrupts = 0;

	if (!is_present)
		return;
	if (input_room(terminal))
		interrupts |= INTERRUPT_RECEIVE;
	if (is_transmit_busy && terminal->output_sent < terminal->output_accepted)
		interrupts |= INTERRUPT_TRANSMIT;
	interrupts_set(interrupts);
}

/* Acknowledges a transmit interrupt; false when the UART asks for nothing more. */
bool uart_interrupt_take(void)
{
	return is_present && !(uart_read(UART_INTERRUPT_ID) & INTERRUPT_NONE);
}

/* Switching the FIFOs on empties them: a byte that waits is taken just before. */
static void uart_program(struct home *home)
{
	uart_write(UART_LINE_CONTROL, LINE_8N1 | LINE_DIVISOR_ACCESS);
	uart_write(UART_DATA, DIVISOR_115200);
	uart_write(UART_INTERRUPT_ENABLE, 0); /* the divisor's high half */
	uart_write(UART_LINE_CONTROL, LINE_8N1);
	uart_write(UART_INTERRUPT_ENABLE, 0);
	uart_receive(&home->terminal, 1);
	uart_write(UART_FIFO_CONTROL, FIFO_ENABLE);
	home->is_programmed = 1;
	rt_commit();
}

/* Brings the UART up without disturbing bytes under way; interrupts are off afterwards. False: there is none. */
bool uart_start(struct home *home)
{
	is_present = uart_read(UART_LINE_STATUS) != STATUS_NO_UART;
	if (!is_present)
		return false;
	/* First of all end an access to the divisor that was cut. */
	uart_write(UART_LINE_CONTROL, LINE_8N1);
	if (!home->is_programmed)
		uart_program(home);
	interrupts_set(0);
	uart_write(UART_MODEM_CONTROL, MODEM_READY | MODEM_INTERRUPTS);
	return true;
}
