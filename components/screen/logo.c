/* SPDX-License-Identifier: MIT */
/* The ship: hull of planks with a gap, mast, sail with a patch; the name beside it. See logo.h. */
#include "logo.h"

#include <lib/font.h>

#define FOAM 0x8fc7e8u
#define SEAM 0x5e3a18u
#define GAP 0x20140au
#define MAST 0x6b4520u
#define SAIL 0xe8e4d0u
#define PATCH 0xc4553fu
#define INK 0xf4f1e4u

#define HULL_TOP 52
#define HULL_BOTTOM 80
#define HULL_LEFT 40
#define HULL_RIGHT 168
#define PLANK 7
#define NAME_X 208
#define NAME_Y 32

/* A wave 32 pixels long, 4 high: two parabolas. */
static int wave(int x)
{
    int phase = x & 31;
    int half = phase & 15;
    int height = half * (15 - half) / 14;
    return phase < 16 ? height : -height;
}

static bool is_plank_gap(int x, int y)
{
    return y >= HULL_TOP + PLANK && y < HULL_TOP + 2 * PLANK && x >= 96 && x < 132;
}

/* The ship's colour at a point, or `behind`. */
static uint32_t ship(int x, int y, uint32_t behind)
{
    int slope = (y - HULL_TOP) * 2 / 3;
    if (x >= 96 && x < 132 && y >= HULL_TOP - 14 && y < HULL_TOP - 14 + PLANK - 1) {
        return LOGO_NEW_PLANK;
    }
    if (y >= HULL_TOP && y < HULL_BOTTOM && x >= HULL_LEFT + slope && x < HULL_RIGHT - slope) {
        bool is_seam =
            (y - HULL_TOP) % PLANK == PLANK - 1 || (x + (y - HULL_TOP) / PLANK * 20) % 44 == 0;
        return is_plank_gap(x, y) ? GAP : is_seam ? SEAM : LOGO_HULL;
    }
    if (x >= 82 && x < 86 && y >= 6 && y < HULL_TOP) {
        return MAST;
    }
    if (x >= 88 && y >= 8 && y < 36 && x < 88 + (y - 8) * 2) {
        return x >= 96 && x < 108 && y >= 22 && y < 32 ? PATCH : SAIL;
    }
    if (x < 80 && y >= 14 && y < 46 && x >= 80 - (y - 14)) {
        return SAIL;
    }
    return behind;
}

/* Whether a point belongs to the name, in letters of twice the font's size. */
static bool is_name(int x, int y)
{
    static const char name[] = "Neurath";
    uint8_t rows[FONT_HEIGHT];
    int column = (x - NAME_X) / 2;
    int row = (y - NAME_Y) / 2;

    if (x < NAME_X || y < NAME_Y || row >= (int)FONT_HEIGHT ||
        column >= (int)(FONT_WIDTH * (sizeof(name) - 1))) {
        return false;
    }
    (void)font_draw((uint32_t)name[column / (int)FONT_WIDTH], rows);
    return rows[row] & 0x80u >> column % (int)FONT_WIDTH;
}

void logo_draw_row(uint32_t y, uint32_t *pixels, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        int x = (int)i;
        int depth = (int)y - 70 - wave(x + 8);
        uint32_t colour = ship(x, (int)y, LOGO_SKY);
        if (depth >= 0 && (depth < 2 || !(x >= HULL_LEFT && x < HULL_RIGHT && depth < 4))) {
            colour = depth < 2 ? FOAM : LOGO_SEA;
        } else if (depth >= 4) {
            colour = LOGO_SEA;
        }
        pixels[i] = is_name(x, (int)y) ? INK : colour;
    }
}
