/* SPDX-License-Identifier: MIT */
/* The font: each character has a drawing of its own, and boxes join. */
#include <criterion/criterion.h>
#include <string.h>

#include "lib/font.h"

static uint8_t drawn[0x2600][FONT_HEIGHT];

static bool is_blank(const uint8_t *rows)
{
    static const uint8_t blank[FONT_HEIGHT];
    return memcmp(rows, blank, FONT_HEIGHT) == 0;
}

static void draw(uint32_t character)
{
    cr_assert(font_draw(character, drawn[character]), "U+%04X is missing", character);
}

Test(font, has_ascii_and_latin_1_and_no_two_alike)
{
    for (uint32_t code = 0x20; code <= 0xff; code++) {
        if (code >= 0x7f && code < 0xa0) {
            continue;
        }
        draw(code);
        cr_expect_eq(is_blank(drawn[code]), code == ' ' || code == 0xa0, "U+%04X", code);
        for (uint32_t other = 0x21; other < code; other++) {
            bool is_twin =
                (other == '-' && code == 0xad) || code == 0xa0 || (other >= 0x7f && other <= 0xa0);
            cr_expect(is_twin || memcmp(drawn[code], drawn[other], FONT_HEIGHT) != 0,
                      "U+%04X looks like U+%04X", code, other);
        }
    }
}

Test(font, letters_leave_room_between_them)
{
    for (uint32_t code = 0x21; code <= 0xff; code++) {
        if (code >= 0x7f && code <= 0xa0) {
            continue;
        }
        draw(code);
        for (unsigned y = 0; y < FONT_HEIGHT; y++) {
            cr_expect_eq(drawn[code][y] & 0x81, 0, "U+%04X, row %u", code, y);
        }
        cr_expect_eq(drawn[code][14] | drawn[code][15], 0, "U+%04X touches the line below", code);
    }
}

Test(font, an_accent_is_put_on_its_letter)
{
    draw('e');
    draw(0xe9);
    draw(0xe8);
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        cr_expect_eq(drawn['e'][y] & ~drawn[0xe9][y], 0);
        cr_expect(y >= 6 ? drawn[0xe9][y] == drawn[0xe8][y] : 1);
    }
    draw(0xc9); /* on a capital it stands above */
    cr_expect_neq(drawn[0xc9][0], 0);
    draw(0xef); /* takes the place of a dot */
    cr_expect_eq(drawn[0xef][3], 0x24);
}

Test(font, boxes_reach_the_edges_that_they_join_at)
{
    for (uint32_t code = 0x2500; code < 0x2580; code++) {
        draw(code);
        cr_expect(!is_blank(drawn[code]));
    }
    cr_expect_eq(drawn[0x2500][8], 0xff);  /* horizontal */
    cr_expect_eq(drawn[0x250c][8], 0x1f);  /* from the middle to the right, */
    cr_expect_eq(drawn[0x250c][15], 0x10); /* and down */
    cr_expect_eq(drawn[0x250c][7], 0);     /* but not up */
    cr_expect_eq(drawn[0x2518][8], 0xf0);  /* from the left to the middle */
    cr_expect_eq(drawn[0x253c][0], 0x10);  /* all four */
    cr_expect_eq(drawn[0x2551][4], 0x28);  /* double */
    cr_expect_eq(drawn[0x2550][7] & drawn[0x2550][9], 0xff);
    cr_expect_eq(drawn[0x2571][15], 0x80); /* from lower left to upper right */
    cr_expect_eq(drawn[0x2571][0], 0x01);
}

Test(font, blocks_cover_their_part)
{
    static const struct {
        uint32_t code;
        unsigned pixels;
    } blocks[] = {{0x2580, 64}, {0x2581, 16}, {0x2584, 64}, {0x2588, 128}, {0x2589, 112},
                  {0x258f, 16}, {0x2590, 64}, {0x2591, 32}, {0x2592, 64},  {0x2593, 96},
                  {0x2594, 16}, {0x2595, 16}, {0x2596, 32}, {0x2599, 96},  {0x259a, 64}};
    for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        unsigned pixels = 0;
        draw(blocks[i].code);
        for (unsigned y = 0; y < FONT_HEIGHT; y++) {
            pixels += (unsigned)__builtin_popcount(drawn[blocks[i].code][y]);
        }
        cr_expect_eq(pixels, blocks[i].pixels, "U+%04X: %u", blocks[i].code, pixels);
    }
}

Test(font, shows_that_it_lacks_a_character)
{
    uint8_t lacking[FONT_HEIGHT], sign[FONT_HEIGHT];
    cr_expect(!font_draw(0x4e00, lacking));
    cr_expect(font_draw(0xfffd, sign));
    cr_expect_arr_eq(lacking, sign, FONT_HEIGHT);
    cr_expect(!is_blank(sign));
    cr_expect(!font_draw(0x10ffff, lacking));
    cr_expect(!font_draw(7, lacking));
}
