/* SPDX-License-Identifier: MIT */
/*
 * Drawing into pixels of one's own. What lies outside is left out. No locking. Context: any.
 */
#pragma once

#include <neurath/compiler.h>

struct canvas {
    uint32_t *pixels;
    int width, height;
};

void canvas_fill(const struct canvas *canvas, int x, int y, int width, int height, uint32_t colour);

/* An edge of 2 pixels, inside the rectangle. */
void canvas_frame(const struct canvas *canvas, int x, int y, int width, int height,
                  uint32_t colour);

void canvas_line(const struct canvas *canvas, int x, int y, int to_x, int to_y, uint32_t colour);

/* ASCII, at most `columns` characters. */
void canvas_text(const struct canvas *canvas, int x, int y, int columns, const char *text,
                 uint32_t colour);
