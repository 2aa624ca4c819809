/* SPDX-License-Identifier: MIT */
/*
 * What the hardware abstraction layer offers the nucleus: the few things that must work before, or
 * without, any component.
 */
#pragma once

#include <neurath/compiler.h>

/* The mini UART: the console where /chosen/stdout-path leads to none. */
#define BOARD_CONSOLE "brcm,bcm2835-aux-uart"

/*
 * Readies the polled UART that /chosen/stdout-path names (mini UART or PL011), on GPIO 14 and 15.
 * The boot loader's baud rate is kept. registers: mapped; compatible: of its node.
 * NULL: no such device is known, else what writes one byte. It may be called in any context.
 */
void (*board_start_early_uart(volatile void *registers, const char *compatible))(char);

/* Tells where the GPIO block (BCM2711 ARM Peripherals, chapter 5) is mapped; pins need it. */
void board_use_gpio(volatile void *registers);
