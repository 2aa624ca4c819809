/* SPDX-License-Identifier: MIT */
/* From cells to pixels: the rows that have changed, strip by strip. See tty.h. */
#include <string.h>

#include <lib/font.h>

#include "logo.h"
#include "tty.h"

#define CURSOR_ROWS 3u /* of the font's, at the bottom of the cell */

/* As xterm has them, a little softer. */
static const uint32_t palette[16] = {
    0x000000, 0xc23621, 0x25bc24, 0xadad27, 0x492ee1, 0xd338d3, 0x33bbc8, 0xcbcccd,
    0x818383, 0xfc391f, 0x31e722, 0xeaec23, 0x5833ff, 0xf935f8, 0x14f0f0, 0xffffff,
};

uint32_t draw_logo_height(const struct screen *screen)
{
    return LOGO_HEIGHT * screen->scale;
}

/* Puts a cell's pixels into the strip, of `width` pixels a row. */
static void draw_cell(struct screen *screen, uint32_t width, uint32_t column,
                      const struct cell *cell, bool has_cursor)
{
    uint8_t rows[FONT_HEIGHT];
    uint32_t scale = MAX(screen->scale, 1u);
    uint32_t ink = palette[cell->colours & 15];
    uint32_t paper = palette[cell->colours >> 4];

    (void)font_draw(cell->character != 0 ? cell->character : ' ', rows);
    for (uint32_t y = 0; y < FONT_HEIGHT; y++) {
        uint8_t bits = rows[y];
        if (has_cursor && y >= FONT_HEIGHT - CURSOR_ROWS) {
            bits = 0xff;
        }
        uint32_t *pixels =
            screen->strip + (size_t)(y * scale) * width + (size_t)column * FONT_WIDTH * scale;
        for (uint32_t x = 0; x < FONT_WIDTH * scale; x++) {
            pixels[x] = bits & 0x80u >> x / scale ? ink : paper;
        }
        for (uint32_t copy = 1; copy < scale; copy++) {
            memcpy(pixels + (size_t)copy * width, pixels,
                   (size_t)FONT_WIDTH * scale * sizeof(*pixels));
        }
    }
}

/* The cells of a row. 0 or < 0, as display_blit(). */
static int draw_cells(struct screen *screen, uint32_t unit, uint32_t row, const struct cell *cells,
                      uint32_t cursor)
{
    uint32_t columns = screen->ttys[unit].vt.columns;
    uint32_t width = FONT_WIDTH * screen->scale, height = FONT_HEIGHT * screen->scale;
    uint32_t y = (unit == 0 ? draw_logo_height(screen) : 0) + row * height;
    int result = 0;

    for (uint32_t from = 0; from < columns && result >= 0; from += screen->strip_cells) {
        uint32_t count = MIN(screen->strip_cells, columns - from);
        for (uint32_t i = 0; i < count; i++) {
            draw_cell(screen, count * width, i, &cells[from + i], from + i == cursor);
        }
        const struct display_area area = {from * width, y, count * width, height};
        result = display_blit(unit + 1, &area, screen->strip, area.width);
    }
    return result;
}

/* Draws a row if it has changed. 1: it was drawn; 0: it is as it was; < 0: not shown any more. */
static int draw_row(struct screen *screen, uint32_t unit, uint32_t row)
{
    struct cell cells[VT_COLUMNS_MAX];
    struct vt *vt = &screen->ttys[unit].vt;
    uint32_t cursor = VT_COLUMNS_MAX;

    uint64_t daif = spin_lock(&screen->lock);
    bool is_dirty = vt_take_dirty(vt, row);
    if (is_dirty) {
        memcpy(cells, vt_row(vt, row), vt->columns * sizeof(cells[0]));
        cursor = vt_cursor_row(vt) == row ? vt->column : VT_COLUMNS_MAX;
    }
    spin_unlock(&screen->lock, daif);
    if (!is_dirty) {
        return 0;
    }
    int result = draw_cells(screen, unit, row, cells, cursor);
    if (result < 0) {
        daif = spin_lock(&screen->lock);
        vt_mark(vt, row);
        spin_unlock(&screen->lock, daif);
        return result;
    }
    return 1;
}

/* The first terminal's. 1 or < 0, as draw_row(). */
static int draw_logo(struct screen *screen)
{
    for (uint32_t y = 0; y < LOGO_HEIGHT; y++) {
        logo_draw_row(y, screen->strip, screen->width);
        for (uint32_t x = screen->width; x-- > 0 && screen->scale > 1;) {
            screen->strip[x] = screen->strip[x / screen->scale];
        }
        const struct display_area area = {0, y * screen->scale, screen->width, screen->scale};
        int result = display_blit(1, &area, screen->strip, 0);
        if (result < 0) {
            return result;
        }
    }
    screen->is_logo_due = 0;
    return 1;
}

/* Turn held. */
static void draw_shown(struct screen *screen)
{
    struct display_mode mode;
    int drawn = 0;
    int result = 0;

    if (display_read_mode(&mode) < 0 || mode.shown == 0 || mode.shown > TTYS) {
        screen->drawn = 0; /* all of it, when one of ours comes back */
        return;
    }
    uint32_t unit = mode.shown - 1;
    struct vt *vt = &screen->ttys[unit].vt;
    if (screen->drawn != mode.shown) {
        screen->drawn = mode.shown;
        screen->is_logo_due = unit == 0;
        uint64_t daif = spin_lock(&screen->lock);
        vt_mark_all(vt);
        spin_unlock(&screen->lock, daif);
    }
    if (screen->is_logo_due) {
        result = draw_logo(screen);
        drawn = result > 0;
    }
    for (uint32_t row = 0; row < vt->rows && result >= 0; row++) {
        result = draw_row(screen, unit, row);
        drawn += result > 0;
    }
    bool is_seen = result >= 0 && (drawn == 0 || display_flush(mode.shown) == 0);
    if (!is_seen) {
        screen->drawn = 0; /* somebody else's layer came: all of it again when ours is back */
    }
}

void draw(struct screen *screen)
{
    if (!screen->has_display || !turn_take(&screen->drawing)) {
        return;
    }
    do {
        draw_shown(screen);
    } while (turn_pass(&screen->drawing));
}
