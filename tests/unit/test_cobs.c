/* SPDX-License-Identifier: MIT */
/*
 * COBS: the examples of its paper's rules, the boundary at 254 bytes, and random data.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cobs.h"

static void check(const void *plain, size_t size, const void *encoded, size_t encoded_size)
{
    uint8_t buffer[1024];
    size_t got = cobs_encode(buffer, plain, size);
    cr_assert_eq(got, encoded_size, "%zu bytes encode to %zu, not %zu", size, got, encoded_size);
    cr_assert_arr_eq(buffer, encoded, encoded_size);
    int back = cobs_decode(buffer, sizeof(buffer), encoded, encoded_size);
    cr_assert_eq(back, (int)size);
    if (size > 0) {
        cr_assert_arr_eq(buffer, plain, size);
    }
}

Test(cobs, encodes_the_known_examples)
{
    check("", 0, "\1", 1);
    check("\0", 1, "\1\1", 2);
    check("\0\0", 2, "\1\1\1", 3);
    check("\x11\x22\0\x33", 4, "\3\x11\x22\2\x33", 5);
    check("\x11\x22\x33\x44", 4, "\5\x11\x22\x33\x44", 5);
    check("\x11\0\0\0", 4, "\2\x11\1\1\1", 5);
}

Test(cobs, splits_blocks_at_254_bytes)
{
    uint8_t plain[256];
    uint8_t encoded[260];
    for (unsigned i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i % 255 + 1);
    }
    encoded[0] = 255;
    memcpy(encoded + 1, plain, 254);
    check(plain, 254, encoded, 255); /* full, last: nothing after it */
    encoded[255] = 2;
    encoded[256] = plain[254];
    check(plain, 255, encoded, 257);
}

Test(cobs, gives_back_random_data_and_keeps_its_promise_of_size)
{
    uint8_t plain[700], encoded[COBS_ENCODED_MAX(700)], back[700];
    srandom(1);
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = (size_t)random() % sizeof(plain);
        unsigned nuls = (unsigned)random() % 300; /* from none to many */
        for (size_t i = 0; i < size; i++) {
            plain[i] = (uint8_t)((unsigned)random() % 300 < nuls ? 0 : random());
        }
        size_t length = cobs_encode(encoded, plain, size);
        cr_assert_leq(length, COBS_ENCODED_MAX(size));
        cr_assert_null(memchr(encoded, 0, length));
        cr_assert_eq(cobs_decode(back, size, encoded, length), (int)size);
        cr_assert_eq(memcmp(back, plain, size), 0);
        /* In place, too. */
        cr_assert_eq(cobs_decode(encoded, sizeof(encoded), encoded, length), (int)size);
        cr_assert_eq(memcmp(encoded, plain, size), 0);
    }
}

Test(cobs, refuses_what_is_no_encoding)
{
    uint8_t buffer[16];
    cr_assert_eq(cobs_decode(buffer, sizeof(buffer), "", 0), -EBADMSG);
    cr_assert_eq(cobs_decode(buffer, sizeof(buffer), "\0", 1), -EBADMSG);
    cr_assert_eq(cobs_decode(buffer, sizeof(buffer), "\3\1", 2), -EBADMSG);
    cr_assert_eq(cobs_decode(buffer, sizeof(buffer), "\3\1\0", 3), -EBADMSG);
    cr_assert_eq(cobs_decode(buffer, 1, "\3\1\1", 3), -EMSGSIZE);
    cr_assert_eq(cobs_decode(buffer, 1, "\2\1\1", 3), -EMSGSIZE);
}
