/* SPDX-License-Identifier: MIT */
/*
 * Formatted printing into a buffer, for code that has no C library.
 *
 * Understands %d %i %u %x %X %c %s %p %% with the flags '-' and '0', a width and a precision (both
 * also as '*'; the precision only matters to %s), and the sizes hh, h, l, ll, z, t and j. An
 * unknown conversion is copied as it stands. No floating point, no locale, no allocation, no lock.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Prints into buffer[0..size), always ending in NUL when size > 0. Context: any.
 * A NULL string prints as "(null)"; %p prints 0x and 16 digits.
 * Returns the length that the whole text has, without its NUL: >= size means it was cut.
 */
__attribute__((format(printf, 3, 4))) int format_print(char *buffer, size_t size,
                                                       const char *format, ...);
__attribute__((format(printf, 3, 0))) int format_vprint(char *buffer, size_t size,
                                                        const char *format, va_list arguments);
