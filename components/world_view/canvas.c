/* SPDX-License-Identifier: MIT */
/* Rectangles, lines, text: see canvas.h. */
#include "canvas.h"

#include <lib/font.h>

static void put(const struct canvas *canvas, int x, int y, uint32_t colour)
{
    if (x >= 0 && x < canvas->width && y >= 0 && y < canvas->height) {
        canvas->pixels[(size_t)y * (size_t)canvas->width + (size_t)x] = colour;
    }
}

void canvas_fill(const struct canvas *canvas, int x, int y, int width, int height, uint32_t colour)
{
    int end_x = MIN(x + width, canvas->width), end_y = MIN(y + height, canvas->height);
    for (int row = MAX(y, 0); row < end_y; row++) {
        uint32_t *pixels = canvas->pixels + (size_t)row * (size_t)canvas->width;
        for (int column = MAX(x, 0); column < end_x; column++) {
            pixels[column] = colour;
        }
    }
}

void canvas_frame(const struct canvas *canvas, int x, int y, int width, int height, uint32_t colour)
{
    canvas_fill(canvas, x, y, width, 2, colour);
    canvas_fill(canvas, x, y + height - 2, width, 2, colour);
    canvas_fill(canvas, x, y, 2, height, colour);
    canvas_fill(canvas, x + width - 2, y, 2, height, colour);
}

/* Bresenham's, in all directions. */
void canvas_line(const struct canvas *canvas, int x, int y, int to_x, int to_y, uint32_t colour)
{
    int width = to_x > x ? to_x - x : x - to_x, height = to_y > y ? to_y - y : y - to_y;
    int step_x = to_x > x ? 1 : -1, step_y = to_y > y ? 1 : -1;
    int error = width - height;
    for (int i = 0; i <= MAX(width, height); i++) {
        put(canvas, x, y, colour);
        int twice = 2 * error;
        if (twice > -height) {
            error -= height;
            x += step_x;
        }
        if (twice < width) {
            error += width;
            y += step_y;
        }
    }
}

void canvas_text(const struct canvas *canvas, int x, int y, int columns, const char *text,
                 uint32_t colour)
{
    uint8_t rows[FONT_HEIGHT];
    for (; columns > 0 && *text != '\0'; columns--, text++, x += (int)FONT_WIDTH) {
        (void)font_draw((uint8_t)*text, rows);
        for (int row = 0; row < (int)FONT_HEIGHT; row++) {
            for (int column = 0; column < (int)FONT_WIDTH; column++) {
                if (rows[row] & 0x80u >> column) {
                    put(canvas, x + column, y + row, colour);
                }
            }
        }
    }
}
