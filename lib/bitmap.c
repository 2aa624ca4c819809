/* SPDX-License-Identifier: MIT */
/* Sets of numbers; see bitmap.h. */
#include "bitmap.h"

#define BITS BITMAP_WORD_BITS

/* The least number from `at` on that is in; `end` at most. */
static size_t find_next(const uint64_t *words, size_t at, size_t end)
{
    while (at < end) {
        uint64_t rest = words[at / BITS] >> at % BITS;
        if (rest) {
            at += (size_t)__builtin_ctzll(rest);
            break;
        }
        at += BITS - at % BITS;
    }
    return at < end ? at : end;
}

bool bitmap_change(uint64_t *words, size_t first, size_t count, bool is_in)
{
    bool is_new = true;
    for (size_t at = first, end = first + count, bits; at < end; at += bits) {
        uint64_t *word = &words[at / BITS];
        size_t rest = BITS - at % BITS;
        bits = rest < end - at ? rest : end - at;
        uint64_t mask = UINT64_MAX >> (BITS - bits) << at % BITS;
        is_new = is_new && (*word & mask) == (is_in ? 0 : mask);
        *word = is_in ? *word | mask : *word & ~mask;
    }
    return is_new;
}

int64_t bitmap_find_run(const uint64_t *words, size_t end, size_t count, size_t align)
{
    size_t first = 0;
    while (first + count <= end) {
        size_t next = find_next(words, first, first + count);
        if (next == first + count) {
            return (int64_t)first;
        }
        first = (next + align) / align * align;
    }
    return -1;
}
