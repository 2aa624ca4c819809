/* SPDX-License-Identifier: MIT */
/* Pictures of the display, by the monitor's screendump, which writes PPM (P6). */
#include "tests/hotswap/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/font.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define FILE_NAME "build/tests/screen.ppm"
#define WAIT_MS 30000
#define CURSOR_TOP 13u /* rows of a cell from there on may be the cursor's */

static uint32_t scale = 1;

void picture_set_scale(uint32_t pixels)
{
    scale = pixels;
}

static void shrink(struct picture *picture)
{
    uint32_t width = picture->width / scale, height = picture->height / scale;
    for (uint32_t i = 0; i < width * height; i++) {
        size_t from = (size_t)(i / width) * scale * picture->width + (size_t)(i % width) * scale;
        memmove(picture->rgb + (size_t)i * 3, picture->rgb + from * 3, 3);
    }
    picture->width = width;
    picture->height = height;
}

void picture_take(struct picture *picture)
{
    size_t size;
    int begin = 0;
    must(machine_monitor(&machine, "screendump " FILE_NAME, NULL, 0, &why));
    uint8_t *file = client_read_file(FILE_NAME, &size, &why);
    cr_assert_not_null(file, "%s", why.text);
    cr_assert_eq(sscanf((char *)file, "P6 %u %u 255%n", &picture->width, &picture->height, &begin),
                 2);
    size_t bytes = (size_t)picture->width * picture->height * 3;
    cr_assert_eq(size, (size_t)begin + 1 + bytes);
    picture->rgb = malloc(bytes);
    cr_assert_not_null(picture->rgb);
    memcpy(picture->rgb, file + begin + 1, bytes);
    free(file);
    shrink(picture);
}

void picture_free(struct picture *picture)
{
    free(picture->rgb);
    picture->rgb = NULL;
}

uint32_t picture_pixel(const struct picture *picture, uint32_t x, uint32_t y)
{
    cr_assert(x < picture->width && y < picture->height);
    const uint8_t *at = picture->rgb + ((size_t)y * picture->width + x) * 3;
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

uint32_t picture_count(const struct picture *picture, uint32_t colour, uint32_t from, uint32_t to)
{
    uint32_t count = 0;
    for (uint32_t y = from; y < to; y++) {
        for (uint32_t x = 0; x < picture->width; x++) {
            count += picture_pixel(picture, x, y) == colour;
        }
    }
    return count;
}

bool picture_is_same(const struct picture *a, const struct picture *b)
{
    return a->width == b->width && a->height == b->height &&
           memcmp(a->rgb, b->rgb, (size_t)a->width * a->height * 3) == 0;
}

/* The character drawn in a cell, black being the paper. */
static char read_cell(const struct picture *picture, uint32_t x, uint32_t y)
{
    uint8_t seen[FONT_HEIGHT] = {0}, drawn[FONT_HEIGHT];
    for (uint32_t row = 0; row < FONT_HEIGHT; row++) {
        for (uint32_t column = 0; column < FONT_WIDTH; column++) {
            bool is_ink = picture_pixel(picture, x + column, y + row) != 0;
            seen[row] |= (uint8_t)(is_ink ? 0x80u >> column : 0);
        }
    }
    bool has_cursor = seen[CURSOR_TOP] == 0xff && seen[FONT_HEIGHT - 1] == 0xff;
    for (uint32_t character = ' '; character < 0x7f; character++) {
        (void)font_draw(character, drawn);
        if (memcmp(seen, drawn, has_cursor ? CURSOR_TOP : FONT_HEIGHT) == 0) {
            return (char)character;
        }
    }
    return '?';
}

void picture_read_row(const struct picture *picture, uint32_t y, char text[PICTURE_COLUMNS + 1])
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < PICTURE_COLUMNS; i++) {
        text[i] = read_cell(picture, i * FONT_WIDTH, y);
        length = text[i] != ' ' ? i + 1 : length;
    }
    text[length] = '\0';
}

bool picture_has_text(const struct picture *picture, uint32_t y, const char *words)
{
    char text[PICTURE_COLUMNS + 1];
    for (; y + FONT_HEIGHT <= picture->height; y += FONT_HEIGHT) {
        picture_read_row(picture, y, text);
        if (strstr(text, words)) {
            return true;
        }
    }
    return false;
}

void picture_wait_for_text(uint32_t y, const char *words)
{
    struct picture picture;
    uint64_t end = now_ms() + WAIT_MS;
    bool is_there = false;
    while (!is_there) {
        char text[PICTURE_COLUMNS + 1];
        picture_take(&picture);
        is_there = picture_has_text(&picture, y, words);
        bool is_over = !is_there && now_ms() > end;
        for (uint32_t row = y; is_over && row + FONT_HEIGHT <= picture.height; row += FONT_HEIGHT) {
            picture_read_row(&picture, row, text);
            fprintf(stderr, "%3u: %s\n", row, text);
        }
        picture_free(&picture);
        cr_assert(!is_over, "\"%s\" does not come", words);
    }
}

void picture_wait_for_colour(uint32_t colour, uint32_t pixels)
{
    struct picture picture;
    uint64_t end = now_ms() + WAIT_MS;
    uint32_t count;
    do {
        picture_take(&picture);
        count = picture_count(&picture, colour, 0, picture.height);
        picture_free(&picture);
        cr_assert(count >= pixels || now_ms() < end, "%u pixels of %06x", count, colour);
    } while (count < pixels);
}
