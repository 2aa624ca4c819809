/* SPDX-License-Identifier: MIT */
/*
 * The end: for bugs of our own. What comes from outside is met with errors, never with these.
 */
#pragma once

#include <neurath/compiler.h>

/* Stops all CPUs, tells registers and backtrace on the early UART, leaves an epitaph. */
NUCLEUS_API NORETURN void panic(const char *format, ...) PRINTF_LIKE(1, 2);

#define assert(condition)                                                                          \
    ((condition) ? (void)0 : panic("%s:%d: not so: %s", __FILE__, __LINE__, #condition))
