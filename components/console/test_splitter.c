/* SPDX-License-Identifier: MIT */
/* Text and frames apart, with and without noise on the line. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "splitter.c"

struct result {
    char text[8192];
    size_t text_length;
    unsigned frames;
    uint8_t last[SPLITTER_FRAME_BYTES];
    size_t last_length;
};

static void feed(struct splitter *splitter, struct result *result, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        enum splitter_event event = splitter_feed(splitter, ((const uint8_t *)bytes)[i]);
        if (event == SPLITTER_TEXT) {
            result->text[result->text_length++] = ((const char *)bytes)[i];
        } else if (event == SPLITTER_FRAME) {
            result->frames++;
            result->last_length = splitter->length;
            memcpy(result->last, splitter->frame, splitter->length);
        }
    }
}

#define FEED(bytes) feed(&splitter, &result, bytes, sizeof(bytes) - 1)

Test(splitter, parts_frames_from_text)
{
    struct splitter splitter = {};
    struct result result = {};
    FEED("wor\0frame one\0ld\r\0\1\2\r\n\3\0");
    cr_expect_eq(result.text_length, 6u);
    cr_expect_arr_eq(result.text, "world\r", 6);
    cr_expect_eq(result.frames, 2u);
    cr_expect_eq(result.last_length, 5u);
    cr_expect_arr_eq(result.last, "\1\2\r\n\3", 5);
}

Test(splitter, finds_its_way_after_a_nul_too_many_or_too_few)
{
    struct splitter splitter = {};
    struct result result = {};
    FEED("\0\0a\0\0bb\0");
    cr_expect_eq(result.frames, 2u);
    FEED("\0\0\0ccc\0"); /* one too many */
    cr_expect_eq(result.frames, 3u);
    cr_expect_arr_eq(result.last, "ccc", 3);
    FEED("lost\0\0dddd\0"); /* the opening one lost: it is text, then all is well */
    cr_expect_eq(result.frames, 4u);
    cr_expect_arr_eq(result.last, "dddd", 4);
    cr_expect_eq(splitter.is_in_frame, 0u);
}

Test(splitter, takes_the_longest_frame_and_drops_a_longer_one)
{
    struct splitter splitter = {};
    struct result result = {};
    uint8_t frame[SPLITTER_FRAME_BYTES + 1];
    memset(frame, 7, sizeof(frame));
    FEED("\0");
    feed(&splitter, &result, frame, sizeof(frame) - 1);
    FEED("\0");
    cr_expect_eq(result.frames, 1u);
    cr_expect_eq(result.last_length, (size_t)SPLITTER_FRAME_BYTES);
    FEED("\0");
    for (unsigned i = 0; i < 100; i++) {
        feed(&splitter, &result, frame, sizeof(frame));
    }
    FEED("\0");
    cr_expect_eq(result.frames, 1u);
    cr_expect_eq(splitter.dropped, 1u);
    FEED("text");
    cr_expect_eq(result.text_length, 4u);
}

Test(splitter, gives_back_what_was_typed_after_a_stray_nul)
{
    struct splitter splitter = {};
    struct result result = {};
    FEED("\0world\033[D\r");
    cr_expect_eq(result.text_length, 0u);
    cr_expect_eq(splitter_give_up(&splitter), 9u);
    cr_expect_arr_eq(splitter.frame, "world\033[D\r", 9);
    cr_expect_eq(splitter.dropped, 0u);
    FEED("x");
    cr_expect_eq(result.text_length, 1u);
}

Test(splitter, drops_half_a_frame_when_it_gives_up)
{
    struct splitter splitter = {};
    struct result result = {};
    FEED("\0load\1\2");
    cr_expect_eq(splitter_give_up(&splitter), 0u);
    cr_expect_eq(splitter.dropped, 1u);
    FEED("\0");
    cr_expect_eq(splitter_give_up(&splitter), 0u, "nothing had come");
    cr_expect_eq(splitter.dropped, 1u);
    uint8_t long_text[300];
    memset(long_text, 'x', sizeof(long_text));
    FEED("\0");
    feed(&splitter, &result, long_text, sizeof(long_text));
    cr_expect_eq(splitter_give_up(&splitter), 0u, "nobody types so much in that time");
    FEED("\0ok\0");
    cr_expect_eq(result.frames, 1u);
}

Test(splitter, reads_a_good_frame_after_any_noise_and_its_resend)
{
    struct result result = {};
    srandom(2);
    for (unsigned round = 0; round < 20000; round++) {
        struct splitter splitter = {};
        uint8_t noise[64];
        size_t size = (size_t)random() % sizeof(noise);
        for (size_t i = 0; i < size; i++) {
            noise[i] = (uint8_t)(random() % 4 ? random() : 0);
        }
        result.text_length = 0;
        feed(&splitter, &result, noise, size);
        result.frames = 0;
        FEED("\0good\0");
        FEED("\0good\0");
        cr_assert_geq(result.frames, 1u);
        cr_assert_eq(result.last_length, 4u);
        cr_assert_arr_eq(result.last, "good", 4);
    }
}
