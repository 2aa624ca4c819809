/* SPDX-License-Identifier: MIT */
/* Sets of numbers, beside a set of bytes that does the same the simple way. */
#include "bitmap.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define END 300u
#define WORDS ((END + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

static uint64_t words[WORDS];
static bool is_in[END];

static bool has_any(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (is_in[i]) {
            return true;
        }
    }
    return false;
}

static int64_t find_run(size_t count, size_t align)
{
    for (size_t first = 0; first + count <= END; first += align) {
        if (!has_any(first, count)) {
            return (int64_t)first;
        }
    }
    return -1;
}

Test(bitmap, is_the_set_it_stands_for)
{
    srandom(1);
    for (unsigned round = 0; round < 20000; round++) {
        size_t first = (size_t)random() % END;
        size_t count = (size_t)random() % (round % 2 ? END - first + 1 : 4) % (END - first + 1);
        bool puts_in = random() % 2, is_new = true;
        for (size_t i = first; i < first + count; i++) {
            is_new = is_new && is_in[i] != puts_in;
            is_in[i] = puts_in;
        }
        cr_assert_eq(bitmap_change(words, first, count, puts_in), is_new);
        size_t wanted = 1 + (size_t)random() % 80, align = 1ul << random() % 7;
        cr_assert_eq(bitmap_find_run(words, END, wanted, align), find_run(wanted, align),
                     "%zu, %zu", wanted, align);
    }
}

Test(bitmap, that_is_full_has_no_run)
{
    cr_assert(bitmap_change(words, 0, END, true));
    cr_assert_not(bitmap_change(words, END - 1, 1, true));
    cr_assert_eq(bitmap_find_run(words, END, 1, 1), -1);
    cr_assert(bitmap_change(words, END - 1, 1, false));
    cr_assert_eq(bitmap_find_run(words, END, 1, 1), END - 1);
    cr_assert_eq(bitmap_find_run(words, END, 2, 1), -1);
}
