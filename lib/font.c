/* SPDX-License-Identifier: MIT */
/* Letters from their drawings, accents onto letters, boxes by rule: see font.h. */
#include "font.h"

#include <stddef.h>
#include <string.h>

#define ART_TOP 3u /* of a drawing in its cell; accents on capitals stand above */
#define ASCII_FIRST 0x20u
#define ASCII_LAST 0x7eu
#define ASCII_COUNT (ASCII_LAST - ASCII_FIRST + 1)
#define NO_BREAK_SPACE 0xa0u
#define SOFT_HYPHEN 0xadu
#define DOTLESS_I 0x131u
#define REPLACEMENT 0xfffdu

/* What font_art shows behind ASCII, in its order. */
static const uint16_t font_extras[] = {
    0x00a1, 0x00a2, 0x00a3, 0x00a4, 0x00a5, 0x00a6, 0x00a7, 0x00a9, 0x00aa, 0x00ab, 0x00ac, 0x00ae,
    0x00af, 0x00b0, 0x00b1, 0x00b2, 0x00b3, 0x00b5, 0x00b6, 0x00b7, 0x00b9, 0x00ba, 0x00bb, 0x00bc,
    0x00bd, 0x00be, 0x00bf, 0x00d7, 0x00f7, 0x00c6, 0x00e6, 0x00d0, 0x00f0, 0x00d8, 0x00f8, 0x00de,
    0x00fe, 0x00df, 0x0131, 0x2026, 0x2022, 0x2190, 0x2192, 0x2191, 0x2193, 0x20ac, 0xfffd,
};
_Static_assert(ASCII_COUNT + sizeof(font_extras) / sizeof(font_extras[0]) <= FONT_BANDS * FONT_BAND,
               "each has a drawing");

enum accent {
    ACCENT_GRAVE,
    ACCENT_ACUTE,
    ACCENT_CIRCUMFLEX,
    ACCENT_TILDE,
    ACCENT_DIAERESIS,
    ACCENT_RING,
    ACCENT_CEDILLA, /* hangs below */
};

/* Three rows of six pixels. */
static const uint8_t accents[][3] = {
    [ACCENT_GRAVE] = {0x10, 0x08, 0},      [ACCENT_ACUTE] = {0x04, 0x08, 0},
    [ACCENT_CIRCUMFLEX] = {0x0c, 0x12, 0}, [ACCENT_TILDE] = {0x19, 0x26, 0},
    [ACCENT_DIAERESIS] = {0x12, 0x12, 0},  [ACCENT_RING] = {0x0c, 0x12, 0x0c},
    [ACCENT_CEDILLA] = {0x08, 0x18, 0},
};
#define CEDILLA_TOP (ART_TOP + 9)

/* The spacing accents of Latin-1, and its letters that have one. base 0: the accent alone. */
static const struct composed {
    uint8_t code;
    char base;
    uint8_t accent;
} composed[] = {
    {0xa8, 0, ACCENT_DIAERESIS},    {0xb4, 0, ACCENT_ACUTE},        {0xb8, 0, ACCENT_CEDILLA},
    {0xc0, 'A', ACCENT_GRAVE},      {0xc1, 'A', ACCENT_ACUTE},      {0xc2, 'A', ACCENT_CIRCUMFLEX},
    {0xc3, 'A', ACCENT_TILDE},      {0xc4, 'A', ACCENT_DIAERESIS},  {0xc5, 'A', ACCENT_RING},
    {0xc7, 'C', ACCENT_CEDILLA},    {0xc8, 'E', ACCENT_GRAVE},      {0xc9, 'E', ACCENT_ACUTE},
    {0xca, 'E', ACCENT_CIRCUMFLEX}, {0xcb, 'E', ACCENT_DIAERESIS},  {0xcc, 'I', ACCENT_GRAVE},
    {0xcd, 'I', ACCENT_ACUTE},      {0xce, 'I', ACCENT_CIRCUMFLEX}, {0xcf, 'I', ACCENT_DIAERESIS},
    {0xd1, 'N', ACCENT_TILDE},      {0xd2, 'O', ACCENT_GRAVE},      {0xd3, 'O', ACCENT_ACUTE},
    {0xd4, 'O', ACCENT_CIRCUMFLEX}, {0xd5, 'O', ACCENT_TILDE},      {0xd6, 'O', ACCENT_DIAERESIS},
    {0xd9, 'U', ACCENT_GRAVE},      {0xda, 'U', ACCENT_ACUTE},      {0xdb, 'U', ACCENT_CIRCUMFLEX},
    {0xdc, 'U', ACCENT_DIAERESIS},  {0xdd, 'Y', ACCENT_ACUTE},      {0xe0, 'a', ACCENT_GRAVE},
    {0xe1, 'a', ACCENT_ACUTE},      {0xe2, 'a', ACCENT_CIRCUMFLEX}, {0xe3, 'a', ACCENT_TILDE},
    {0xe4, 'a', ACCENT_DIAERESIS},  {0xe5, 'a', ACCENT_RING},       {0xe7, 'c', ACCENT_CEDILLA},
    {0xe8, 'e', ACCENT_GRAVE},      {0xe9, 'e', ACCENT_ACUTE},      {0xea, 'e', ACCENT_CIRCUMFLEX},
    {0xeb, 'e', ACCENT_DIAERESIS},  {0xec, 'i', ACCENT_GRAVE},      {0xed, 'i', ACCENT_ACUTE},
    {0xee, 'i', ACCENT_CIRCUMFLEX}, {0xef, 'i', ACCENT_DIAERESIS},  {0xf1, 'n', ACCENT_TILDE},
    {0xf2, 'o', ACCENT_GRAVE},      {0xf3, 'o', ACCENT_ACUTE},      {0xf4, 'o', ACCENT_CIRCUMFLEX},
    {0xf5, 'o', ACCENT_TILDE},      {0xf6, 'o', ACCENT_DIAERESIS},  {0xf9, 'u', ACCENT_GRAVE},
    {0xfa, 'u', ACCENT_ACUTE},      {0xfb, 'u', ACCENT_CIRCUMFLEX}, {0xfc, 'u', ACCENT_DIAERESIS},
    {0xfd, 'y', ACCENT_ACUTE},      {0xff, 'y', ACCENT_DIAERESIS},
};

/* Which arms a box has from its middle: up, right, down, left; 1 light, 2 heavy, 3 double. */
#define BOX_FIRST 0x2500u
static const uint16_t box_arms[128] = {
    00101, 00202, 01010, 02020, 00101, 00202, 01010, 02020, 00101, 00202, 01010, 02020, 00110,
    00210, 00120, 00220, 00011, 00012, 00021, 00022, 01100, 01200, 02100, 02200, 01001, 01002,
    02001, 02002, 01110, 01210, 02110, 01120, 02120, 02210, 01220, 02220, 01011, 01012, 02011,
    01021, 02021, 02012, 01022, 02022, 00111, 00112, 00211, 00212, 00121, 00122, 00221, 00222,
    01101, 01102, 01201, 01202, 02101, 02102, 02201, 02202, 01111, 01112, 01211, 01212, 02111,
    01121, 02121, 02112, 02211, 01122, 01221, 02212, 01222, 02122, 02221, 02222, 00101, 00202,
    01010, 02020, 00303, 03030, 00310, 00130, 00330, 00013, 00031, 00033, 01300, 03100, 03300,
    01003, 03001, 03003, 01310, 03130, 03330, 01013, 03031, 03033, 00313, 00131, 00333, 01303,
    03101, 03303, 01313, 03131, 03333, 00110, 00011, 01001, 01100, 00000, 00000, 00000, 00001,
    01000, 00100, 00010, 00002, 02000, 00200, 00020, 00201, 01020, 00102, 02010,
};

/* Draws number `index` of font_art. */
static void draw_art(unsigned index, uint8_t rows[FONT_HEIGHT])
{
    for (unsigned y = 0; y < FONT_ART_ROWS; y++) {
        const char *pixels =
            font_art[index / FONT_BAND][y] + (size_t)(index % FONT_BAND) * (FONT_ART_COLUMNS + 1);
        for (unsigned x = 0; x < FONT_ART_COLUMNS; x++) {
            if (pixels[x] == '#') {
                rows[ART_TOP + y] |= (uint8_t)(0x40u >> x);
            }
        }
    }
}

static bool draw_letter(uint32_t character, uint8_t rows[FONT_HEIGHT])
{
    if (character >= ASCII_FIRST && character <= ASCII_LAST) {
        draw_art(character - ASCII_FIRST, rows);
        return true;
    }
    for (unsigned i = 0; i < sizeof(font_extras) / sizeof(font_extras[0]); i++) {
        if (font_extras[i] == character) {
            draw_art(ASCII_COUNT + i, rows);
            return true;
        }
    }
    return false;
}

static bool draw_composed(uint32_t character, uint8_t rows[FONT_HEIGHT])
{
    for (size_t i = 0; i < sizeof(composed) / sizeof(composed[0]); i++) {
        const struct composed *each = &composed[i];
        if (each->code != character) {
            continue;
        }
        bool is_capital = each->base >= 'A' && each->base <= 'Z';
        unsigned top = each->accent == ACCENT_CEDILLA ? CEDILLA_TOP : is_capital ? 0 : ART_TOP;
        if (each->base != 0) {
            (void)draw_letter(each->base == 'i' ? DOTLESS_I : (uint32_t)each->base, rows);
        }
        for (unsigned y = 0; y < 3; y++) {
            rows[top + y] |= (uint8_t)(accents[each->accent][y] << 1);
        }
        return true;
    }
    return false;
}

/* Columns and rows that an arm of a weight covers across: a light one 4, a heavy one 3 to 5. */
static uint8_t across_bits(unsigned weight)
{
    static const uint8_t bits[] = {0, 0x10, 0x38, 0x28};
    return bits[weight];
}

static bool is_across_row(unsigned weight, unsigned y)
{
    return weight == 1   ? y == 8
           : weight == 2 ? y >= 7 && y <= 9
                         : weight == 3 && (y == 7 || y == 9);
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static bool draw_box(uint32_t character, uint8_t rows[FONT_HEIGHT])
{
    if (character - BOX_FIRST >= 128) {
        return false;
    }
    if (character >= 0x2571 && character <= 0x2573) { /* diagonals */
        for (unsigned y = 0; y < FONT_HEIGHT; y++) {
            rows[y] |= character != 0x2572 ? (uint8_t)(1u << y / 2) : 0;
            rows[y] |= character != 0x2571 ? (uint8_t)(0x80u >> y / 2) : 0;
        }
        return true;
    }
    unsigned arms = box_arms[character - BOX_FIRST];
    unsigned up = arms >> 9 & 7, right = arms >> 6 & 7, down = arms >> 3 & 7, left = arms & 7;
    unsigned widest = larger(larger(up, down), larger(left, right)) > 1 ? 1 : 0;
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        if (y <= 8 + widest) {
            rows[y] |= across_bits(up);
        }
        if (y + widest >= 8) {
            rows[y] |= across_bits(down);
        }
        if (is_across_row(right, y)) {
            rows[y] |= widest ? 0x3f : 0x1f;
        }
        if (is_across_row(left, y)) {
            rows[y] |= widest ? 0xf8 : 0xf0;
        }
    }
    return true;
}

/* U+2580 to U+259F: halves, eighths, shades, quarters. */
static bool draw_block(uint32_t character, uint8_t rows[FONT_HEIGHT])
{
    /* Upper left 8, upper right 4, lower left 2, lower right 1; from U+2596 on. */
    static const uint8_t quarters[] = {2, 1, 8, 11, 9, 14, 13, 4, 6, 7};
    static const uint8_t shades[][2] = {{0x88, 0x22}, {0xaa, 0x55}, {0x77, 0xdd}};

    if (character < 0x2580 || character > 0x259f) {
        return false;
    }
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        if (character == 0x2580) {
            rows[y] = y < 8 ? 0xff : 0;
        } else if (character <= 0x2588) { /* so many eighths from below */
            rows[y] = FONT_HEIGHT - y <= (character - 0x2580) * 2 ? 0xff : 0;
        } else if (character <= 0x258f) { /* seven to one eighth from the left */
            rows[y] = (uint8_t)(0xff00u >> (0x2590 - character));
        } else if (character == 0x2590) {
            rows[y] = 0x0f;
        } else if (character <= 0x2593) {
            rows[y] = shades[character - 0x2591][y % 2];
        } else if (character == 0x2594) {
            rows[y] = y < 2 ? 0xff : 0;
        } else if (character == 0x2595) {
            rows[y] = 0x01;
        } else {
            unsigned parts = quarters[character - 0x2596] >> (y < 8 ? 2 : 0);
            rows[y] = (uint8_t)((parts & 2 ? 0xf0 : 0) | (parts & 1 ? 0x0f : 0));
        }
    }
    return true;
}

bool font_draw(uint32_t character, uint8_t rows[FONT_HEIGHT])
{
    memset(rows, 0, FONT_HEIGHT);
    if (character == NO_BREAK_SPACE) {
        return true;
    }
    character = character == SOFT_HYPHEN ? '-' : character;
    if (draw_letter(character, rows) || draw_composed(character, rows) ||
        draw_box(character, rows) || draw_block(character, rows)) {
        return true;
    }
    (void)draw_letter(REPLACEMENT, rows);
    return false;
}
