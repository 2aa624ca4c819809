/* SPDX-License-Identifier: MIT */
/* Sets of numbers from 0 on, a bit each; by words. Pure code, no locking. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORD_BITS 64

/* Puts in or takes out `count` from `first` on. False: one of them was in, or out, already. */
bool bitmap_change(uint64_t *words, size_t first, size_t count, bool is_in);

/*
 * The first of the least `count` numbers in a row below `end` that are not in, a multiple of
 * `align`; -1: there are none.
 */
int64_t bitmap_find_run(const uint64_t *words, size_t end, size_t count, size_t align);
