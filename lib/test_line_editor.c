/* SPDX-License-Identifier: MIT */
/*
 * The line editor against a small terminal: what stands in the editor must stand on its screen.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/line_editor.h"

static bool is_continuation(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static size_t columns_of(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size; i++) {
        columns += !is_continuation(text[i]);
    }
    return columns;
}

/* One row of a terminal of 80 columns; a cell holds a character's bytes. */
struct terminal {
    char cells[LINE_EDITOR_COLUMNS][5];
    unsigned column;
    unsigned rows; /* line feeds */
    unsigned bells;
    unsigned clears; /* of the whole screen */
};

struct setup {
    struct line_editor editor;
    struct terminal terminal;
    unsigned done;
};

static void blank(struct terminal *terminal, unsigned from)
{
    for (unsigned i = from; i < LINE_EDITOR_COLUMNS; i++) {
        memcpy(terminal->cells[i], " \0\0\0", 5);
    }
}

static size_t show_sequence(struct terminal *terminal, const char *bytes, size_t size)
{
    unsigned number = 0;
    size_t i = 2;
    cr_assert_geq(size, 3u);
    cr_assert_eq(bytes[1], '[');
    for (; i < size && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
        number = number * 10 + (unsigned)(bytes[i] - '0');
    }
    cr_assert_lt(i, size, "a sequence is cut");
    if (bytes[i] == 'K') {
        blank(terminal, terminal->column);
    } else if (bytes[i] == 'C') {
        terminal->column += number;
    } else if (bytes[i] == 'H') {
        terminal->column = 0;
    } else if (bytes[i] == 'J') {
        blank(terminal, 0);
        terminal->clears++;
    } else {
        cr_assert_fail("unknown sequence ending in %c", bytes[i]);
    }
    return i + 1;
}

static void show(struct terminal *terminal, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        if (bytes[i] == '\033') {
            i += show_sequence(terminal, bytes + i, size - i);
            continue;
        }
        if (bytes[i] == '\r') {
            terminal->column = 0;
        } else if (bytes[i] == '\n') {
            blank(terminal, 0);
            terminal->rows++;
        } else if (bytes[i] == '\a') {
            terminal->bells++;
        } else {
            size_t length = 1;
            while (i + length < size && is_continuation(bytes[i + length])) {
                length++;
            }
            cr_assert_lt(terminal->column, LINE_EDITOR_COLUMNS - 1u, "the line would wrap");
            cr_assert_leq(length, 4u);
            memset(terminal->cells[terminal->column], 0, 5);
            memcpy(terminal->cells[terminal->column++], bytes + i, length);
            i += length;
            continue;
        }
        i++;
    }
    cr_assert_lt(terminal->column, (unsigned)LINE_EDITOR_COLUMNS);
}

static void begin(struct setup *setup)
{
    char bytes[LINE_EDITOR_OUTPUT_BYTES];
    struct line_output output = {bytes, sizeof(bytes), 0};
    memset(setup, 0, sizeof(*setup));
    blank(&setup->terminal, 0);
    line_editor_set_prompt(&setup->editor, "> ");
    line_editor_show(&setup->editor, &output);
    show(&setup->terminal, bytes, output.length);
}

/* Types bytes; at Enter goes on with the next line behind a new prompt. */
static void type_bytes(struct setup *setup, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char out[LINE_EDITOR_OUTPUT_BYTES];
        struct line_output output = {out, sizeof(out), 0};
        if (line_editor_feed(&setup->editor, (uint8_t)bytes[i], &output) == LINE_DONE) {
            setup->done++;
            line_editor_next(&setup->editor);
            line_editor_show(&setup->editor, &output);
        }
        show(&setup->terminal, out, output.length);
    }
}

static void type(struct setup *setup, const char *text)
{
    type_bytes(setup, text, strlen(text));
}

static void expect(struct setup *setup, const char *line, size_t cursor)
{
    char row[LINE_EDITOR_COLUMNS * 4 + 1] = "";
    cr_expect_str_eq(setup->editor.line, line);
    cr_expect_eq(setup->editor.cursor, cursor, "cursor at %u, not %zu", setup->editor.cursor,
                 cursor);
    for (unsigned i = 0; i < LINE_EDITOR_COLUMNS; i++) {
        strcat(row, setup->terminal.cells[i]);
    }
    size_t length = strlen(row);
    while (length > 0 && row[length - 1] == ' ') {
        row[--length] = '\0';
    }
    char wanted[LINE_EDITOR_BYTES + 2];
    snprintf(wanted, sizeof(wanted), "> %s", line);
    for (length = strlen(wanted); length > 0 && wanted[length - 1] == ' ';) {
        wanted[--length] = '\0';
    }
    cr_expect_str_eq(row, wanted);
    cr_expect_eq(setup->terminal.column, 2 + columns_of(line, cursor));
}

Test(line_editor, shows_what_is_typed)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "world led");
    expect(&setup, "world led", 9);
}

Test(line_editor, inserts_in_the_middle)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "wrld\033[D\033[D\033[Do");
    expect(&setup, "world", 2);
    type(&setup, "\033[C\033[Cx");
    expect(&setup, "worlxd", 5);
}

Test(line_editor, moves_to_both_ends_and_not_beyond)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "abc\033[C\033[C");
    expect(&setup, "abc", 3);
    const char *homes[] = {"\001", "\033[H", "\033[1~", "\033[7~", "\033OH", "\002\002\002\002"};
    const char *ends[] = {"\005", "\033[F", "\033[4~", "\033[8~", "\033OF", "\006\006\006\006"};
    for (unsigned i = 0; i < 6; i++) {
        type(&setup, homes[i]);
        expect(&setup, "abc", 0);
        type(&setup, ends[i]);
        expect(&setup, "abc", 3);
    }
}

Test(line_editor, deletes_to_the_left_and_to_the_right)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "abcde\177\b");
    expect(&setup, "abc", 3);
    type(&setup, "\002\177");
    expect(&setup, "ac", 1);
    type(&setup, "\033[3~\033[3~");
    expect(&setup, "a", 1);
    type(&setup, "\001\177\004");
    expect(&setup, "", 0);
    type(&setup, "\177\004\033[3~");
    expect(&setup, "", 0);
}

Test(line_editor, kills_rest_line_and_word)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "swap led_blink x  \027");
    expect(&setup, "swap led_blink ", 15);
    type(&setup, "\001\006\006\006\006\013");
    expect(&setup, "swap", 4);
    type(&setup, "\002\025");
    expect(&setup, "p", 0);
    type(&setup, "\027\025\013");
    expect(&setup, "", 0);
}

Test(line_editor, takes_cr_lf_and_crlf_as_one_enter)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "a\rb\nc\r\nd\r\r\n\n");
    cr_expect_eq(setup.done, 6u);
    expect(&setup, "", 0);
}

Test(line_editor, abandons_a_line)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "unload gic400\003");
    expect(&setup, "", 0);
    cr_expect_eq(setup.done, 0u);
    cr_expect_eq(setup.terminal.rows, 1u);
}

Test(line_editor, clears_the_screen_and_keeps_the_line)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "abc\002\014");
    expect(&setup, "abc", 2);
    cr_expect_eq(setup.terminal.clears, 1u);
}

Test(line_editor, goes_through_history_and_back_to_the_line_left)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "one\rtwo\rtwo\r\rthree\rfo");
    type(&setup, "\033[A");
    expect(&setup, "three", 5);
    type(&setup, "\020\020\033OA\033[A"); /* the oldest stays */
    expect(&setup, "one", 3);
    type(&setup, "\033[B\033[B\016");
    expect(&setup, "fo", 2);
    type(&setup, "\033[B");
    expect(&setup, "fo", 2);
}

Test(line_editor, history_keeps_the_last_sixteen)
{
    struct setup setup;
    begin(&setup);
    for (unsigned i = 0; i < 40; i++) {
        char line[16];
        snprintf(line, sizeof(line), "line %u\r", i);
        type(&setup, line);
    }
    for (unsigned i = 0; i < 30; i++) {
        type(&setup, "\033[A");
    }
    expect(&setup, "line 24", 7);
}

Test(line_editor, an_edited_line_of_history_leaves_history_as_it_was)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "one\r\033[Ax\r\033[A");
    expect(&setup, "onex", 4);
    type(&setup, "\033[A");
    expect(&setup, "one", 3);
}

Test(line_editor, moves_over_characters_not_bytes)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "gr\303\274n\342\202\254\360\237\230\200");
    expect(&setup, "gr\303\274n\342\202\254\360\237\230\200", 12);
    type(&setup, "\033[D\033[D\033[D");
    expect(&setup, "gr\303\274n\342\202\254\360\237\230\200", 4);
    type(&setup, "\177");
    expect(&setup, "grn\342\202\254\360\237\230\200", 2);
    type(&setup, "\006\033[3~");
    expect(&setup, "grn\360\237\230\200", 3);
}

Test(line_editor, drops_what_is_not_utf8_and_keys_it_does_not_know)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "a\200\377\300b\303c\342\202d\t\030e\033[15~f\033[1;5Cg\033xh\033[?2004hi");
    expect(&setup, "abcdefghi", 9);
}

Test(line_editor, rings_when_the_line_is_full)
{
    struct setup setup;
    begin(&setup);
    for (unsigned i = 0; i < 300; i++) {
        type(&setup, "x");
    }
    cr_expect_eq(setup.editor.length, LINE_EDITOR_BYTES - 1);
    cr_expect_eq(setup.terminal.bells, 300u - (LINE_EDITOR_BYTES - 1));
}

Test(line_editor, shows_a_part_of_a_line_longer_than_the_terminal)
{
    struct setup setup;
    begin(&setup);
    for (unsigned i = 0; i < 100; i++) {
        char digit[] = {(char)('0' + i % 10), '\0'};
        type(&setup, digit);
    }
    cr_expect_eq(setup.terminal.column, LINE_EDITOR_COLUMNS - 1u);
    cr_expect_str_eq(setup.terminal.cells[LINE_EDITOR_COLUMNS - 2], "9");
    type(&setup, "\001");
    cr_expect_str_eq(setup.terminal.cells[2], "0");
    cr_expect_str_eq(setup.terminal.cells[3], "1");
    cr_expect_eq(setup.terminal.column, 2u);
}

Test(line_editor, edits_silently_while_hidden)
{
    struct line_editor editor = {};
    char out[LINE_EDITOR_OUTPUT_BYTES];
    struct line_output output = {out, sizeof(out), 0};
    const char *typed = "abc\033[D\177\014\003xy\025hi\r";
    for (const char *c = typed; *c; c++) {
        enum line_event event = line_editor_feed(&editor, (uint8_t)*c, &output);
        cr_expect_eq(event == LINE_DONE, c[1] == '\0');
    }
    cr_expect_eq(output.length, 0u);
    cr_expect_str_eq(editor.line, "hi");
}

Test(line_editor, hides_and_shows_without_a_trace)
{
    struct setup setup;
    char out[LINE_EDITOR_OUTPUT_BYTES];
    struct line_output output = {out, sizeof(out), 0};
    begin(&setup);
    type(&setup, "hello\002");
    line_editor_hide(&setup.editor, &output);
    show(&setup.terminal, out, output.length);
    cr_expect_eq(setup.terminal.column, 0u);
    cr_expect_str_eq(setup.terminal.cells[0], " ");
    output.length = 0;
    line_editor_show(&setup.editor, &output);
    show(&setup.terminal, out, output.length);
    expect(&setup, "hello", 4);
}

Test(line_editor, a_prompt_too_long_is_cut_at_a_character)
{
    struct line_editor editor = {};
    line_editor_set_prompt(&editor, "012345678901234567890123456789\303\274>");
    cr_expect_str_eq(editor.prompt, "012345678901234567890123456789");
}

/* Whatever comes, the screen shows what drawing everything anew would show. */
Test(line_editor, the_screen_is_right_after_any_bytes)
{
    static const char *const keys[] = {
        "\033[A", "\033[B", "\033[C", "\033[D", "\033[H",   "\033[F",       "\033[3~", "\177",
        "\025",   "\013",   "\027",   "\r",     "\303\244", "\342\202\254", "a",       "b "};
    struct setup setup;
    begin(&setup);
    srandom(1);
    for (unsigned i = 0; i < 100000; i++) {
        long choice = random() % 24;
        if (choice < 16) {
            type(&setup, keys[choice]);
        } else if (choice < 22) {
            char letter = (char)('a' + random() % 26);
            type_bytes(&setup, &letter, 1);
        } else {
            char noise = (char)(random() % 255 + 1);
            type_bytes(&setup, &noise, 1);
        }
        struct terminal anew = {};
        char out[LINE_EDITOR_OUTPUT_BYTES];
        struct line_output output = {out, sizeof(out), 0};
        blank(&anew, 0);
        line_editor_show(&setup.editor, &output);
        show(&anew, out, output.length);
        cr_assert_arr_eq(anew.cells, setup.terminal.cells, sizeof(anew.cells));
        cr_assert_eq(anew.column, setup.terminal.column);
        cr_assert_lt(setup.editor.length, LINE_EDITOR_BYTES);
        cr_assert_eq(strlen(setup.editor.line), setup.editor.length);
    }
}

Test(line_editor, reads_keys_and_leaves_the_line_alone)
{
    static const char typed[] = "a\033[1;5Cb\033OD\r\n\n\003\177\303\244";
    static const int keys[] = {'a', 0, 0,    0, 0,    0, 0,   'b',  0,
                               0,   0, '\r', 0, '\r', 3, 127, 0xc3, 0xa4};
    struct setup setup;
    begin(&setup);
    type(&setup, "line");
    for (size_t i = 0; i < sizeof(typed) - 1; i++) {
        cr_expect_eq(line_editor_read_key(&setup.editor, (uint8_t)typed[i]), keys[i], "%zu", i);
    }
    expect(&setup, "line", 4);
}

Test(line_editor, gives_its_line_byte_by_byte)
{
    struct setup setup;
    begin(&setup);
    type(&setup, "ab\303\244\033[H");
    cr_expect_eq(line_editor_take_byte(&setup.editor), 'a');
    cr_expect_eq(line_editor_take_byte(&setup.editor), 'b');
    cr_expect_eq(line_editor_take_byte(&setup.editor), 0xc3);
    cr_expect_eq(line_editor_take_byte(&setup.editor), 0xa4);
    cr_expect_eq(line_editor_take_byte(&setup.editor), 0);
    cr_expect(setup.editor.cursor == 0 && setup.editor.length == 0);
}
