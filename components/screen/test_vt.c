/* SPDX-License-Identifier: MIT */
/* The terminal: what stands in which cell after which text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define component_self vt_test_component
#define page_allocate_owned vt_test_page_allocate
#define page_mark_plain vt_test_page_mark_plain

#include "vt.c"

#define COLUMNS 10u
#define ROWS 4u
#define LINES 12u
#define WIDE 200u /* columns: six lines fill a page */
#define WIDE_PAGE_LINES 6u
#define WIDE_LINES 40u
#define WIDE_PAGES 7u
#define MEMORY_PAGES 16u

struct component {
    int unused;
} component_self;

static uint8_t memory[MEMORY_PAGES][PAGE_BYTES];
static unsigned pages, page_limit;
static struct vt vt;

void *page_allocate_owned(size_t count, struct component *owner)
{
    cr_assert_eq(count, 1);
    cr_assert_eq(owner, &component_self);
    return pages < page_limit ? memset(memory[pages++], 0, PAGE_BYTES) : NULL;
}

void *page_mark_plain(void *page)
{
    return page;
}

static void begin_with(uint32_t columns, uint32_t lines)
{
    pages = 0;
    page_limit = MEMORY_PAGES;
    cr_assert_eq(vt_start(&vt, columns, ROWS, lines), 0);
}

static void begin(void)
{
    begin_with(COLUMNS, LINES);
}

static void say(const char *text)
{
    vt_write(&vt, text, strlen(text));
}

/* Trailing spaces are left out; what is not ASCII is '?'. */
static void expect_row(uint32_t row, const char *wanted)
{
    char text[COLUMNS + 1];
    size_t length = 0;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        uint16_t character = vt_row(&vt, row)[i].character;
        text[i] = (char)(character == 0 ? ' ' : character < 0x7f ? character : '?');
        length = text[i] != ' ' ? i + 1 : length;
    }
    text[length] = '\0';
    cr_expect_str_eq(text, wanted, "row %u: %s", row, text);
}

/* Of the first row. */
static const struct cell *cell(uint32_t column)
{
    return &vt_row(&vt, 0)[column];
}

TestSuite(vt, .init = begin);

Test(vt, writes_lines_and_scrolls)
{
    say("one\r\ntwo\r\nthree\r\nfour\r\nfive");
    expect_row(0, "two");
    expect_row(3, "five");
    cr_expect(vt.row == 3 && vt.column == 4 && vt.history == 1);
}

Test(vt, wraps_when_the_next_character_comes)
{
    say("0123456789");
    cr_expect(vt.row == 0 && vt.column == 9);
    say("\r\nx");
    expect_row(1, "x");
    say("\033[1;1H0123456789ab");
    expect_row(0, "0123456789");
    expect_row(1, "ab");
}

Test(vt, shows_what_has_scrolled_away)
{
    for (unsigned i = 0; i < 9; i++) {
        char text[] = {'\r', '\n', (char)('a' + i)};
        vt_write(&vt, text, i == 0 ? 0 : 2);
        vt_write(&vt, text + 2, 1);
    }
    expect_row(0, "f");
    vt_scroll_view(&vt, 2);
    expect_row(0, "d");
    cr_expect_eq(vt_cursor_row(&vt), VT_ROWS_MAX, "the cursor is below");
    say("\r\nj");
    expect_row(0, "d");
    vt_scroll_view(&vt, 100);
    expect_row(0, "a");
    vt_scroll_view(&vt, -100);
    expect_row(3, "j");
    cr_expect_eq(vt_cursor_row(&vt), 3);
}

Test(vt, keeps_so_many_lines_and_no_more)
{
    for (unsigned i = 0; i < 100; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "\r\n%u", i);
        say(text);
    }
    cr_expect_eq(vt.history, LINES - ROWS);
    vt_scroll_view(&vt, 1000);
    expect_row(0, "88");
}

static void say_number(unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%s%u", number == 0 ? "" : "\r\n", number);
    say(text);
}

/* What was said last is `last`: it is all there, up to as many lines as there are to be. */
static void expect_numbers(unsigned last, unsigned lines)
{
    unsigned history = MIN(last + 1, lines) - MIN(last + 1, ROWS);
    cr_assert_eq(vt.history, history, "after %u: %u", last, vt.history);
    for (unsigned view = 0; view <= history; view++) {
        vt_scroll_view(&vt, (int)view);
        for (unsigned row = 0; row < MIN(last + 1, ROWS); row++) {
            char text[16];
            (void)snprintf(text, sizeof(text), "%u", last + 1 - MIN(last + 1, ROWS) - view + row);
            expect_row(row, text);
        }
        vt_scroll_view(&vt, -(int)view);
    }
}

Test(vt, takes_memory_as_lines_scroll_away)
{
    begin_with(WIDE, WIDE_LINES);
    for (unsigned i = 0; i < 3 * WIDE_LINES; i++) {
        say_number(i);
        expect_numbers(i, WIDE_LINES);
        cr_expect_eq(pages, MIN(i / WIDE_PAGE_LINES + 1, WIDE_PAGES), "after %u: %u", i, pages);
    }
    cr_expect_eq(vt.is_short, 0);
}

Test(vt, keeps_fewer_lines_when_there_is_no_memory)
{
    begin_with(WIDE, WIDE_LINES);
    page_limit = 2;
    for (unsigned i = 0; i < 50; i++) {
        say_number(i);
        expect_numbers(i, 2 * WIDE_PAGE_LINES);
        cr_expect_eq(vt.is_short, i >= 2 * WIDE_PAGE_LINES, "after %u", i);
    }
}

Test(vt, grows_on_when_there_is_memory_again)
{
    begin_with(WIDE, WIDE_LINES);
    page_limit = 2;
    for (unsigned i = 0; i < 200; i++) {
        if (i == 50) { /* from its next round on: after 60 lines */
            page_limit = MEMORY_PAGES;
        }
        say_number(i);
        if (i >= 60) {
            expect_numbers(i, MIN(i - 60 + 2 * WIDE_PAGE_LINES + 1, WIDE_LINES));
        }
        cr_expect_eq(vt.is_short, i >= 12 && i < 60, "after %u", i);
    }
    cr_expect_eq(pages, WIDE_PAGES);
}

Test(vt, what_is_looked_at_stays_while_it_grows)
{
    begin_with(WIDE, WIDE_LINES);
    for (unsigned i = 0; i < 30; i++) {
        say_number(i);
        if (i == 8) {
            vt_scroll_view(&vt, 3);
        }
        if (i >= 8) {
            expect_row(0, "2");
        }
    }
}

Test(vt, takes_no_memory_later_if_it_is_filled)
{
    begin_with(WIDE, WIDE_LINES);
    vt_fill(&vt);
    cr_expect_eq(pages, WIDE_PAGES);
    page_limit = pages;
    for (unsigned i = 0; i < 200; i++) {
        say_number(i);
        expect_numbers(i, WIDE_LINES);
        cr_expect_eq(vt.is_short, 0);
    }
}

Test(vt, does_without_history)
{
    begin_with(WIDE, ROWS);
    page_limit = pages;
    for (unsigned i = 0; i < 20; i++) {
        say_number(i);
        expect_numbers(i, ROWS);
    }
}

Test(vt, does_not_start_without_memory_for_its_screen)
{
    pages = 0;
    page_limit = 1;
    cr_expect_eq(vt_start(&vt, VT_COLUMNS_MAX, VT_ROWS_MAX, VT_LINES_MAX), -ENOMEM);
}

Test(vt, has_the_colours_of_text_before_any_came)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        cr_expect_eq(vt_row(&vt, row)[COLUMNS - 1].colours, VT_COLOURS);
    }
}

Test(vt, decodes_utf8)
{
    say("\xc3\xa9\xe2\x94\x80\xf0\x9f\x98\x80x");
    cr_expect_eq(cell(0)->character, 0xe9);
    cr_expect_eq(cell(1)->character, 0x2500);
    cr_expect_eq(cell(2)->character, 0xfffd, "beyond the first plane");
    cr_expect_eq(cell(3)->character, 'x');
}

Test(vt, a_character_may_come_in_pieces)
{
    say("\xe2");
    say("\x94");
    cr_expect_eq(vt.column, 0);
    say("\x80");
    cr_expect_eq(cell(0)->character, 0x2500);
}

Test(vt, shows_a_sign_for_what_is_no_utf8)
{
    static const char *const wrong[] = {"\x80",         "\xc3x", "\xc0\xaf",        "\xe0\x80\xaf",
                                        "\xed\xa0\x80", "\xff",  "\xf4\x90\x80\x80"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        begin();
        say(wrong[i]);
        cr_expect_eq(cell(0)->character, 0xfffd, "%u", i);
    }
    begin();
    say("\xc3x");
    cr_expect_eq(cell(1)->character, 'x');
}

Test(vt, sets_colours)
{
    say("a\033[31mb\033[1;42mc\033[7md\033[0me\033[97;104mf\033[39;49mg\033[38;5;12mh\033[mi");
    static const uint8_t wanted[] = {0x07, 0x01, 0x29, 0x92, 0x07, 0xcf, 0x07, 0x0c, 0x07};
    for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
        cr_expect_eq(cell(i)->colours, wanted[i], "cell %u: %02x", i, cell(i)->colours);
    }
    say("\033[38;2;1;31;44;3mj");
    cr_expect_eq(cell(9)->colours, 0x07, "three numbers that are no attributes");
}

Test(vt, moves_the_cursor_within_the_screen)
{
    say("\033[3;5Hx");
    expect_row(2, "    x");
    say("\033[99;99H");
    cr_expect(vt.row == ROWS - 1 && vt.column == COLUMNS - 1);
    say("\033[99A\033[99D");
    cr_expect(vt.row == 0 && vt.column == 0);
    say("\033[2B\033[3Cy\b\bz");
    expect_row(2, "  zyx");
    say("\033[s\033[H\033[uw");
    expect_row(2, "  zwx");
    say("\r\tt");
    expect_row(2, "  zwx   t");
}

Test(vt, erases)
{
    say("abcdef\033[3D\033[K");
    expect_row(0, "abc");
    say("\r\nsecond\r\nthird\033[2;3H\033[1K");
    expect_row(1, "   ond");
    say("\033[J");
    expect_row(0, "abc");
    expect_row(2, "");
    say("\033[2J");
    expect_row(0, "");
}

/* Each picture in the place of the one before, though that had longer lines, and more. */
Test(vt, draws_a_picture_over_another)
{
    say("old\r\nlines\r\nbelow\r\n");
    say("\033[Hfirst one\033[K\r\nis long\033[K\r\nand high\033[J\r\n");
    expect_row(0, "first one");
    expect_row(2, "and high");
    say("log\r\n");
    say("\033[Hnext\033[K\r\nlow\033[J\r\n");
    expect_row(0, "next");
    expect_row(1, "low");
    expect_row(2, "");
    expect_row(3, "");
    cr_expect(vt.row == 2 && vt.column == 0);
}

Test(vt, passes_over_what_it_does_not_know)
{
    say("a\033[5;6zb\033[>4;1mc\033]0;title\ad\033]2;x\033\\e\033(Bf\033[ qg\033[?25l\033[?7h");
    expect_row(0, "abcdefg");
    cr_expect_eq(vt.is_cursor_hidden, 1);
    cr_expect_eq(vt_cursor_row(&vt), VT_ROWS_MAX);
}

Test(vt, tells_which_rows_changed)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        (void)vt_take_dirty(&vt, row);
    }
    say("\033[2;1Hx");
    cr_expect(vt_take_dirty(&vt, 0), "the cursor left it");
    cr_expect(vt_take_dirty(&vt, 1));
    cr_expect(!vt_take_dirty(&vt, 1));
    cr_expect(!vt_take_dirty(&vt, 2));
}

Test(vt, takes_no_harm_from_noise)
{
    srandom(7);
    for (unsigned i = 0; i < 200000; i++) {
        char text[1] = {
            (char)(random() % 3 == 0 ? "\033[;?0123456789HJKmABCD"[random() % 22] : random())};
        vt_write(&vt, text, 1);
        cr_assert(vt.row < ROWS && vt.column < COLUMNS && vt.top < LINES);
        if (i % 1000 == 0) {
            vt_scroll_view(&vt, (int)(random() % 30) - 15);
            (void)vt_row(&vt, ROWS - 1)[COLUMNS - 1];
        }
    }
}
