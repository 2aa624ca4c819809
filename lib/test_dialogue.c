/* SPDX-License-Identifier: MIT */
/* The dialogue: what stands on the line after text and keys came in some order. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "lib/dialogue.h"

#define SECOND_NS 1000000000u

static struct dialogue dialogue; /* too large for a stack; each test runs in a process of its own */
static struct output output;

static void type(const char *keys)
{
    for (; *keys; keys++) {
        (void)dialogue_type(&dialogue, &output, (uint8_t)*keys, 1);
    }
}

static void write_text(const char *text)
{
    cr_assert_eq(dialogue_write(&dialogue, &output, text, strlen(text), 1), strlen(text));
}

/* All that went out since the last call. */
static void expect(const char *wanted)
{
    static char sent[OUTPUT_TEXT_BYTES + 1];
    size_t length = 0;
    size_t count;
    while ((count = output_next(&output, (uint8_t *)sent + length, 256)) > 0) {
        output_sent(&output, count);
        length += count;
    }
    sent[length] = '\0';
    cr_expect_str_eq(sent, wanted);
}

Test(dialogue, text_comes_above_the_line_being_edited)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("\r> \033[K");
    type("ab");
    expect("ab");
    write_text("log\nmore\n");
    expect("\r\033[Klog\r\nmore\r\n\r> ab\033[K");
}

Test(dialogue, the_line_waits_until_text_ends_its_own)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    write_text("half");
    write_text(" a line\n");
    expect("\r> \033[K\r\033[Khalf a line\r\n\r> \033[K");
    write_text("half");
    type("x");
    expect("\r\033[Khalf\r\n\r> \033[Kx");
}

Test(dialogue, enter_hides_the_line_until_the_next_prompt)
{
    char line[LINE_EDITOR_BYTES];
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("go\r");
    expect("\r> \033[Kgo\r\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 2);
    cr_expect_str_eq(line, "go");
    write_text("done\n");
    expect("done\r\n");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("\r> \033[K");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), -EAGAIN);
}

Test(dialogue, lines_typed_ahead_are_shown_behind_their_prompts)
{
    char line[LINE_EDITOR_BYTES];
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("one\rtwo\rthree\rfo");
    expect("\r> \033[Kone\r\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 3);
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("> two\r\n");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect(""); /* once is enough */
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 3);
    write_text("output of two\n");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("output of two\r\n> three\r\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 5);
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("\r> fo\033[K");
}

Test(dialogue, the_line_shows_after_a_second_though_nobody_reads)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("one\r");
    expect("\r> \033[Kone\r\n");
    (void)dialogue_type(&dialogue, &output, 'x', 1 + 2 * (uint64_t)SECOND_NS);
    expect("\r> \033[Kx");
}

Test(dialogue, text_that_does_not_fit_is_cut_at_a_line)
{
    char text[1500];
    memset(text, 'x', sizeof(text));
    text[499] = '\n';
    text[999] = '\n';
    cr_expect_eq(dialogue_write(&dialogue, &output, text, sizeof(text), 1), 1000u);
    cr_expect_eq(dialogue_write(&dialogue, &output, text + 1000, 500, 1), 500u);
    size_t total = 0, count;
    while ((count = dialogue_write(&dialogue, &output, text, 499, 1)) > 0) {
        total += count;
    }
    cr_expect_geq(output_text_room(&output), 1024u, "room for echo is kept");
    cr_expect_gt(total, 25000u);
}

Test(dialogue, no_nul_goes_out)
{
    cr_expect_eq(dialogue_write(&dialogue, &output, "a\0b\n", 4, 1), 4u);
    expect("ab\r\n");
}

Test(dialogue, more_lines_than_there_is_room_for_ring_and_are_dropped)
{
    unsigned entered = 0;
    for (unsigned i = 0; i < 2000; i++) {
        for (const char *keys = "abcdef\r"; *keys; keys++) {
            entered += dialogue_type(&dialogue, &output, (uint8_t)*keys, 1);
        }
    }
    cr_expect_eq(entered, DIALOGUE_LINES_BYTES / 8u);
    cr_expect_eq(dialogue.lines_dropped, 2000 - DIALOGUE_LINES_BYTES / 8u);
    char line[4];
    unsigned read = 0;
    while (dialogue_read_line(&dialogue, line, sizeof(line)) == 3) {
        cr_assert_str_eq(line, "abc");
        read++;
    }
    cr_expect_eq(read, entered);
}

static void expect_keys(const char *wanted)
{
    for (; *wanted; wanted++) {
        cr_expect_eq(dialogue_read_key(&dialogue), *wanted, "%c", *wanted);
    }
    cr_expect_eq(dialogue_read_key(&dialogue), -EAGAIN);
}

Test(dialogue, gives_keys_while_they_are_wanted_and_shows_nothing)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("go\r");
    cr_expect_eq(dialogue_read_key(&dialogue), -EAGAIN, "none are wanted");
    expect("\r> \033[Kgo\r\n");
    char line[LINE_EDITOR_BYTES];
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 2);
    dialogue_take_keys(&dialogue, &output, true);
    cr_expect(dialogue_type(&dialogue, &output, 'h', 1));
    cr_expect(dialogue_type(&dialogue, &output, 3, (uint64_t)5 * SECOND_NS));
    type("\r\nx\n");
    write_text("picture\n");
    expect("picture\r\n");
    expect_keys("h\003\rx\r");
    dialogue_take_keys(&dialogue, &output, false);
    expect("");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("\r> \033[K");
}

Test(dialogue, keys_that_send_a_sequence_are_none)
{
    type("\033[");
    dialogue_take_keys(&dialogue, &output, true);
    cr_expect(!dialogue_type(&dialogue, &output, 'A', 1), "the rest of an arrow");
    type("\033[Bb\033OCc\033[3~d\033[1;5De\303\244f\xff");
    expect_keys("bcdef");
    type("\033O");
    dialogue_take_keys(&dialogue, &output, false);
    type("Dx");
    cr_expect_str_eq(dialogue.editor.line, "x");
}

Test(dialogue, what_was_typed_ahead_is_read_as_keys)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("ab\r\rc\303\244d\rhalf\033[D");
    dialogue_take_keys(&dialogue, &output, true);
    type("Z");
    expect_keys("ab\r\rcd\rhalfZ");
    dialogue_take_keys(&dialogue, &output, false);
    char line[LINE_EDITOR_BYTES];
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), -EAGAIN, "not twice");
    cr_expect_str_eq(dialogue.editor.line, "");
}

/* As when "top", "q", "echo" are typed faster than the first is carried out. */
Test(dialogue, keys_that_nobody_read_become_lines)
{
    char line[LINE_EDITOR_BYTES];
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("qecho\rli");
    dialogue_take_keys(&dialogue, &output, true);
    type("st\rha");
    expect("\r> \033[Kqecho\r\n");
    cr_expect_eq(dialogue_read_key(&dialogue), 'q');
    dialogue_take_keys(&dialogue, &output, false);
    type("lf");
    expect("");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("> echo\r\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 4);
    cr_expect_str_eq(line, "echo");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("> list\r\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 4);
    cr_expect_str_eq(line, "list");
    dialogue_set_prompt(&dialogue, &output, "> ");
    expect("\r> half\033[K");
}

Test(dialogue, keys_become_a_line_as_long_as_lines_may_be)
{
    char typed[LINE_EDITOR_BYTES], line[LINE_EDITOR_BYTES];
    memset(typed, 'x', sizeof(typed) - 1);
    typed[sizeof(typed) - 1] = '\0';
    dialogue_take_keys(&dialogue, &output, true);
    type(typed);
    type("\r");
    expect("");
    dialogue_take_keys(&dialogue, &output, false);
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), (int)strlen(typed));
    cr_expect_str_eq(line, typed);
}

Test(dialogue, characters_that_are_no_keys_are_there_when_lines_are_read)
{
    char line[LINE_EDITOR_BYTES];
    dialogue_take_keys(&dialogue, &output, true);
    cr_expect(!dialogue_type(&dialogue, &output, 0xc3, 1));
    cr_expect(!dialogue_type(&dialogue, &output, 0xb6, 1));
    type("q\303\244\342\202\254\r\303");
    cr_expect_eq(dialogue_read_key(&dialogue), 'q');
    dialogue_take_keys(&dialogue, &output, false);
    type("\274");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 5);
    cr_expect_str_eq(line, "\303\244\342\202\254");
    cr_expect_str_eq(dialogue.editor.line, "\303\274");
}

/* ESC, and CR, that came behind the keys: what comes next belongs to them, the keys do not. */
Test(dialogue, keys_become_lines_though_a_sequence_has_begun_behind_them)
{
    char line[LINE_EDITOR_BYTES];
    dialogue_take_keys(&dialogue, &output, true);
    type("[OA\033");
    dialogue_take_keys(&dialogue, &output, false);
    type("[Db");
    cr_expect_str_eq(dialogue.editor.line, "[ObA");
    type("\r");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 4);
    dialogue_take_keys(&dialogue, &output, true);
    type("c\n");
    dialogue_take_keys(&dialogue, &output, false);
    type("\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 1);
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 0,
                 "LF, without a CR before it");
    dialogue_take_keys(&dialogue, &output, true);
    type("d\r");
    dialogue_take_keys(&dialogue, &output, false);
    type("\n");
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), 1);
    cr_expect_eq(dialogue_read_line(&dialogue, line, sizeof(line)), -EAGAIN);
}

Test(dialogue, takes_the_line_off_when_keys_are_wanted)
{
    dialogue_set_prompt(&dialogue, &output, "> ");
    type("x");
    expect("\r> \033[Kx");
    dialogue_take_keys(&dialogue, &output, true);
    expect("\r\033[K");
    dialogue_set_prompt(&dialogue, &output, "? ");
    expect("");
    expect_keys("x");
}

Test(dialogue, rings_when_there_are_more_keys_than_room)
{
    dialogue_take_keys(&dialogue, &output, true);
    for (unsigned i = 0; i < DIALOGUE_KEYS; i++) {
        cr_assert(dialogue_type(&dialogue, &output, 'k', 1));
    }
    expect("");
    cr_expect(!dialogue_type(&dialogue, &output, 'k', 1));
    expect("\a");
}

Test(dialogue, puts_out_no_more_than_it_says)
{
    static char text[4 * DIALOGUE_OUTPUT_BYTES];
    memset(text, '\n', sizeof(text));
    dialogue_set_prompt(&dialogue, &output, "a prompt that is as long as any");
    for (unsigned i = 0; i < LINE_EDITOR_BYTES; i++) {
        type("x");
    }
    write_text("half a line");
    for (unsigned i = 0; i < 3; i++) {
        output = (struct output){};
        cr_assert_gt(dialogue_write(&dialogue, &output, text, sizeof(text), 1), 0);
        cr_expect_leq(ring_used(&output.text), DIALOGUE_OUTPUT_BYTES);
        memset(text, 'y', sizeof(text));
    }
    type("\r");
    dialogue_take_keys(&dialogue, &output, true);
    for (unsigned i = 0; i < DIALOGUE_KEYS + 1; i++) {
        type("\f"); /* draws the line again, if it is shown */
    }
    output = (struct output){};
    dialogue_take_keys(&dialogue, &output, false);
    cr_expect_leq(ring_used(&output.text), DIALOGUE_OUTPUT_BYTES);
    output = (struct output){};
    dialogue_set_prompt(&dialogue, &output, "> ");
    cr_expect_leq(ring_used(&output.text), DIALOGUE_OUTPUT_BYTES);
}
