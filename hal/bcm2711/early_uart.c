/* SPDX-License-Identifier: MIT */
/*
 * The polled UART for what is said before the console component, and by a panic. Only the
 * transmitter is used, and only its status and data registers: the boot loader has set the rate.
 */
#include <hal/board.h>
#include <neurath/device.h>
#include <string.h>

/* PL011 Technical Reference Manual (DDI 0183), 3.3: data, flags; transmit FIFO full. */
#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_TXFF (1u << 5)

/* BCM2711 ARM Peripherals, 2.2.2: data, line status; transmitter can take a byte. */
#define MINI_IO 0x00
#define MINI_LSR 0x14
#define MINI_LSR_TX_EMPTY (1u << 5)

#define UART_TX_PIN 14
#define UART_RX_PIN 15

/* How long a byte may take: a dead UART must not hang a panic. */
#define POLLS_MAX 1000000u

static volatile void *uart;

static void pl011_write(char byte)
{
    for (unsigned i = 0; i < POLLS_MAX && mmio_read32(uart, PL011_FR) & PL011_FR_TXFF; i++) {
    }
    mmio_write32(uart, PL011_DR, (uint8_t)byte);
}

static void mini_write(char byte)
{
    for (unsigned i = 0; i < POLLS_MAX && !(mmio_read32(uart, MINI_LSR) & MINI_LSR_TX_EMPTY); i++) {
    }
    mmio_write32(uart, MINI_IO, (uint8_t)byte);
}

void (*board_start_early_uart(volatile void *registers, const char *compatible))(char)
{
    bool is_mini = !strcmp(compatible, BOARD_CONSOLE);
    if (!is_mini && strcmp(compatible, "arm,pl011") != 0) {
        return NULL;
    }
    uart = registers;
    unsigned function = is_mini ? PIN_ALT5 : PIN_ALT0;
    (void)pin_set_function(UART_TX_PIN, function);
    (void)pin_set_function(UART_RX_PIN, function);
    return is_mini ? mini_write : pl011_write;
}
