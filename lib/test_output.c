/* SPDX-License-Identifier: MIT */
/* Text and frames onto one line: order, atomicity, shares. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/output.h"

static struct output output; /* too large for a stack; each test runs in a process of its own */

/* Sends up to `most` bytes, in pieces and parts of pieces, into line. Returns how many. */
static size_t drain(uint8_t *line, size_t most, bool is_slow)
{
    uint8_t piece[256];
    size_t total = 0;
    size_t count;
    while (total < most && (count = output_next(&output, piece, sizeof(piece))) > 0) {
        count = is_slow ? 1 + (size_t)random() % count : count;
        count = count < most - total ? count : most - total;
        memcpy(line + total, piece, count);
        output_sent(&output, count);
        total += count;
    }
    return total;
}

Test(output, sends_text_and_frames_whole)
{
    uint8_t line[64];
    cr_assert(output_put_text(&output, "text\r\n", 6));
    cr_assert_eq(drain(line, sizeof(line), false), 6u);
    cr_expect_arr_eq(line, "text\r\n", 6);
    cr_assert(output_put_frame(&output, "frame", 5));
    cr_assert_eq(drain(line, sizeof(line), false), 7u);
    cr_expect_arr_eq(line, "\0frame\0", 7);
}

Test(output, a_frame_goes_before_text_that_waits)
{
    uint8_t line[64];
    cr_assert(output_put_text(&output, "text", 4));
    cr_assert(output_put_frame(&output, "f", 1));
    cr_assert_eq(drain(line, sizeof(line), false), 7u);
    cr_expect_arr_eq(line, "\0f\0text", 7);
}

Test(output, no_frame_comes_into_a_sequence_or_a_character)
{
    const char *texts[] = {"\033[31m", "\303\244", "\342\202\254", "\360\237\230\200",
                           "\033[12;40H"};
    for (unsigned i = 0; i < 5; i++) {
        size_t length = strlen(texts[i]);
        for (size_t cut = 1; cut < length; cut++) {
            uint8_t line[64];
            cr_assert(output_put_text(&output, texts[i], length));
            cr_assert(output_put_text(&output, "xy", 2));
            cr_assert_eq(drain(line, cut, false), cut);
            cr_assert(output_put_frame(&output, "f", 1));
            size_t total = cut + drain(line + cut, sizeof(line) - cut, false);
            cr_assert_eq(total, length + 5);
            cr_expect_arr_eq(line, texts[i], length, "text %u cut at %zu", i, cut);
        }
    }
}

Test(output, a_frame_does_not_wait_for_the_rest_of_a_sequence_that_never_comes)
{
    uint8_t line[64];
    cr_assert(output_put_text(&output, "\033[", 2));
    cr_assert_eq(drain(line, sizeof(line), false), 2u);
    cr_assert(output_put_frame(&output, "f", 1));
    cr_expect_eq(drain(line, sizeof(line), false), 3u);
}

Test(output, text_has_its_share_between_frames)
{
    static uint8_t line[65536];
    char text[1000];
    memset(text, 't', sizeof(text));
    cr_assert(output_put_text(&output, text, sizeof(text)));
    for (unsigned i = 0; i < 4; i++) {
        cr_assert(output_put_frame(&output, "ffff", 4));
    }
    size_t total = drain(line, sizeof(line), false);
    cr_assert_eq(total, 1000u + 4 * 6);
    for (unsigned i = 0; i < 4; i++) {
        size_t at = i * (6 + OUTPUT_TEXT_SHARE);
        cr_expect_arr_eq(line + at, "\0ffff\0", 6, "frame %u", i);
        cr_expect_eq(line[at + 6], 't');
    }
}

Test(output, takes_all_or_nothing)
{
    static uint8_t bytes[OUTPUT_TEXT_BYTES];
    memset(bytes, 'x', sizeof(bytes));
    cr_expect(output_put_text(&output, bytes, OUTPUT_TEXT_BYTES - 3));
    cr_expect_not(output_put_text(&output, bytes, 4));
    cr_expect_eq(output_text_room(&output), 3u);
    cr_expect(output_put_text(&output, bytes, 3));
    cr_expect(output_put_frame(&output, bytes, OUTPUT_FRAME_BYTES - 8));
    cr_expect_not(output_put_frame(&output, bytes, 5));
    cr_expect(output_put_frame(&output, bytes, 4));
    cr_expect_eq(output_frame_room(&output), 0u);
}

Test(output, half_a_frame_is_dropped_with_its_line)
{
    uint8_t line[64];
    cr_assert(output_put_frame(&output, "first", 5));
    cr_assert(output_put_frame(&output, "second", 6));
    cr_assert_eq(drain(line, 3, false), 3u);
    output_cut(&output);
    cr_assert_eq(drain(line, sizeof(line), false), 8u);
    cr_expect_arr_eq(line, "\0second\0", 8);
    output_cut(&output); /* nothing under way */
    cr_assert(output_put_frame(&output, "third", 5));
    cr_assert_eq(drain(line, sizeof(line), false), 7u);
}

/* Random text and frames, random progress: both arrive complete, in order, apart. */
Test(output, loses_and_mixes_nothing)
{
    static uint8_t line[1 << 20];
    static const char *const parts[] = {"a", "\r\n", "\033[K", "\303\244", "hello", "\033[1;2H"};
    static char sent_text[1 << 20];
    size_t sent = 0, total = 0, frames = 0;
    srandom(3);
    for (unsigned i = 0; i < 50000; i++) {
        const char *part = parts[random() % 6];
        if (output_put_text(&output, part, strlen(part))) {
            memcpy(sent_text + sent, part, strlen(part)); /* NOLINT: a piece of text, no string */
            sent += strlen(part);
        }
        if (random() % 8 == 0) {
            char frame[16];
            int size = snprintf(frame, sizeof(frame), "#%zu", frames);
            frames += output_put_frame(&output, frame, (size_t)size);
        }
        total += drain(line + total, (size_t)random() % 12, true);
    }
    total += drain(line + total, sizeof(line) - total, true);
    size_t text_at = 0, frame_number = 0;
    for (size_t i = 0; i < total;) {
        if (line[i] == 0) {
            char frame[16];
            int size = snprintf(frame, sizeof(frame), "#%zu", frame_number++);
            cr_assert_arr_eq(line + i + 1, frame, (size_t)size);
            cr_assert_eq(line[i + 1 + (size_t)size], 0);
            i += (size_t)size + 2;
        } else {
            cr_assert_eq(line[i], (uint8_t)sent_text[text_at]);
            text_at++;
            i++;
        }
    }
    cr_expect_eq(text_at, sent);
    cr_expect_eq(frame_number, frames);
    cr_expect_gt(frames, 1000u);
}
