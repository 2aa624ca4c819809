/* SPDX-License-Identifier: MIT */
/*
 * A font of characters 8 pixels wide and 16 high: ASCII, Latin-1, box drawing and block elements
 * (U+2500 to U+259F), some arrows and signs. Letters are drawn in font_art.c; accented ones are put
 * together, boxes and blocks are made by rule. Pure code, no state. Context: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FONT_WIDTH 8u
#define FONT_HEIGHT 16u

/*
 * Draws a character into rows, from the top; the leftmost pixel is the highest bit. False: the font
 * does not have it, and the sign for that was drawn.
 */
bool font_draw(uint32_t character, uint8_t rows[FONT_HEIGHT]);

/* Within the font: the drawings, in bands of FONT_BAND, each FONT_ART_ROWS rows high. */
#define FONT_BAND 11u
#define FONT_BANDS 13u
#define FONT_ART_ROWS 11u
#define FONT_ART_COLUMNS 6u
extern const char font_art[FONT_BANDS][FONT_ART_ROWS][FONT_BAND * (FONT_ART_COLUMNS + 1)];
