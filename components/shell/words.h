/* SPDX-License-Identifier: MIT */
/*
 * Words of a command line, and how near they are to each other. Pure code, no state.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Splits line in place into words parted by spaces and tabs. "…" and '…' keep spaces; a backslash
 * keeps the next character, but not inside '…'. words: room for max. Returns how many; -EINVAL: a
 * quote or backslash has no end; -E2BIG: more than max.
 */
int words_split(char *line, char *words[], int max);

/*
 * How many insertions, deletions, exchanges of a character or of two neighbours turn a into b;
 * words longer than 31 bytes are compared by their beginnings.
 */
unsigned words_distance(const char *a, const char *b);

/* Reads a decimal number up to UINT32_MAX, the whole word. 0; -EINVAL: not of that form. */
int words_read_number(const char *word, uint32_t *number);
