/* SPDX-License-Identifier: MIT */
/*
 * What stands on the machine's display, as QEMU shows it; text is read back by the font that drew
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_COLUMNS 80u

struct picture {
    uint32_t width, height;
    uint8_t *rgb; /* three bytes a pixel */
};

/*
 * Pictures are taken smaller from now on, where the screen draws larger: of each square of so many
 * pixels the first.
 */
void picture_set_scale(uint32_t scale);

/* Takes a picture; the test fails if that cannot be. The caller frees it. */
void picture_take(struct picture *picture);
void picture_free(struct picture *picture);

/* 0xRRGGBB. */
uint32_t picture_pixel(const struct picture *picture, uint32_t x, uint32_t y);

/* Pixels of a colour in rows from (inclusive) to (not). */
uint32_t picture_count(const struct picture *picture, uint32_t colour, uint32_t from, uint32_t to);

bool picture_is_same(const struct picture *a, const struct picture *b);

/* Reads the row of text at y (its upper edge); what is no character is '?'. No trailing spaces. */
void picture_read_row(const struct picture *picture, uint32_t y, char text[PICTURE_COLUMNS + 1]);

/* Whether a row of text, the first one at y, has these words. */
bool picture_has_text(const struct picture *picture, uint32_t y, const char *words);

/* Takes pictures until there is such a row; fails after some time, with what there was. */
void picture_wait_for_text(uint32_t y, const char *words);

/* Takes pictures until there are so many pixels of a colour. */
void picture_wait_for_colour(uint32_t colour, uint32_t pixels);
