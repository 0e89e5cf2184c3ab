/* The serial port: a 16550. See uart.c. */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stdbool.h>
#include <stdint.h>
#include "home.h"

bool uart_start(struct home *home);
bool uart_send(struct terminal *terminal, uint32_t budget);
bool uart_receive(struct terminal *terminal, uint32_t budget);
void uart_interrupts_update(const struct terminal *terminal);
bool uart_interrupt_take(void);

#endif
