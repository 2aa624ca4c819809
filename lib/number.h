/* SPDX-License-Identifier: MIT */
/*
 * Numbers as persons write them. Pure code, no state.
 */
#pragma once

#include <stdint.h>

/*
 * Reads a number up to limit: decimal, or hexadecimal behind 0x; the whole word. 0; -EINVAL: not of
 * that form, or above limit; *number stays as it was then.
 */
int number_read(const char *word, uint32_t limit, uint32_t *number);

/* The same, decimal only. */
int number_read_decimal(const char *word, uint32_t limit, uint32_t *number);
