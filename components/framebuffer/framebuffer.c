/* SPDX-License-Identifier: MIT */
/*
 * The display on the VideoCore's frame buffer.
 *
 * The picture to come is drawn in RAM of our own (`pieces`). A flush copies what has changed to
 * the buffer that is not seen - what this flush changed and what the last one did, since two
 * buffers take turns - and has the firmware show it. Where there is one buffer, it is drawn on that
 * itself: a copy would be seen while it is made as well. (But where red and blue change places.)
 *
 * Who draws has the turn `is_busy`, and the others spin, with a deadline: a blit copies at most a
 * picture. Buffers, mapping and picture belong to the component and stay where they are when it is
 * replaced: the glass shows on what it shows, and the next call draws on it.
 */
#include <errno.h>
#include <string.h>

#include <interface/display.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>
#include <neurath/page.h>
#include <neurath/time.h>

#include "setup.h"

#define BUSY_NS 1000000000ull
#define PIECES 32u /* of the picture, at most */

/* A part of the picture: rows and columns from (inclusive) and to (not). Empty: to_y is 0. */
struct damage {
    uint32_t from_x, from_y, to_x, to_y;
};

struct framebuffer {
    struct event changed;
    struct device device;
    struct glass glass; /* width 0: there is no display */
    volatile void *memory;
    uint32_t *pieces[PIECES]; /* pages: the picture to come, glass.width pixels a row; or none */
    uint32_t piece_rows;      /* in each of them */
    uint32_t is_busy;
    uint32_t shown;          /* layer; 0: none */
    uint32_t front;          /* which buffer is seen */
    struct damage damage[2]; /* since the last flush; by the last flush */
    struct display_layer layers[DISPLAY_LAYERS + 1];
};

STATE(struct framebuffer) state = {};

static int take_turn(void)
{
    if (state.glass.width == 0) {
        return -ENODEV;
    }
    uint64_t deadline_ns = time_now_ns() + BUSY_NS;
    while (__atomic_exchange_n(&state.is_busy, 1, __ATOMIC_ACQUIRE)) {
        if (time_now_ns() > deadline_ns) {
            return -EBUSY;
        }
        cpu_relax();
    }
    return 0;
}

static int leave_turn(int result)
{
    __atomic_store_n(&state.is_busy, 0, __ATOMIC_RELEASE);
    return result;
}

static bool has_two_buffers(void)
{
    return state.glass.virtual_height >= 2 * state.glass.height;
}

static void add_damage(struct damage *damage, const struct damage *more)
{
    if (more->to_y == 0) {
        return;
    }
    if (damage->to_y == 0) {
        *damage = *more;
        return;
    }
    damage->from_x = MIN(damage->from_x, more->from_x);
    damage->from_y = MIN(damage->from_y, more->from_y);
    damage->to_x = MAX(damage->to_x, more->to_x);
    damage->to_y = MAX(damage->to_y, more->to_y);
}

static uint32_t *glass_row(uint32_t buffer, uint32_t y)
{
    return (uint32_t *)((uintptr_t)state.memory +
                        (size_t)(buffer * state.glass.height + y) * state.glass.pitch);
}

static uint32_t *picture_row(uint32_t y)
{
    if (!state.pieces[0]) {
        return glass_row(0, y);
    }
    return state.pieces[y / state.piece_rows] + (size_t)(y % state.piece_rows) * state.glass.width;
}

int display_read_mode(struct display_mode *mode)
{
    if (state.glass.width == 0) {
        return -ENODEV;
    }
    *mode = (struct display_mode){state.glass.width, state.glass.height, has_two_buffers() ? 2 : 1,
                                  state.shown};
    return 0;
}

/* Turn held. The picture to come begins black. */
static void show(uint32_t layer)
{
    if (state.shown == layer) {
        return;
    }
    state.layers[state.shown].is_shown = 0;
    state.layers[layer].is_shown = layer != 0;
    __atomic_store_n(&state.shown, layer, __ATOMIC_RELEASE);
    for (uint32_t y = 0; y < state.glass.height; y++) {
        memset(picture_row(y), 0, (size_t)state.glass.width * 4);
    }
    state.damage[0] = (struct damage){0, 0, state.glass.width, state.glass.height};
    event_signal(&state.changed);
}

int display_open(uint32_t layer, const char *name)
{
    size_t size = strnlen(name, DISPLAY_NAME_BYTES);
    if (layer == 0 || layer > DISPLAY_LAYERS || size == 0 || size == DISPLAY_NAME_BYTES) {
        return -EINVAL;
    }
    int result = take_turn();
    if (result < 0) {
        return result;
    }
    struct display_layer *info = &state.layers[layer];
    if (info->name[0] == '\0') {
        memcpy(info->name, name, size + 1);
        info->flushes = 0;
        if (state.shown == 0) {
            show(layer);
        }
    } else if (strcmp(info->name, name) != 0) {
        result = -EBUSY;
    }
    return leave_turn(result);
}

int display_close(uint32_t layer)
{
    if (layer == 0 || layer > DISPLAY_LAYERS) {
        return -EINVAL;
    }
    int result = take_turn();
    if (result < 0) {
        return result;
    }
    bool was_shown = state.shown == layer;
    state.layers[layer] = (struct display_layer){};
    uint32_t next = 0;
    for (uint32_t i = DISPLAY_LAYERS; i > 0; i--) {
        next = state.layers[i].name[0] != '\0' ? i : next;
    }
    if (was_shown) {
        show(next);
    }
    return leave_turn(0);
}

int display_show(uint32_t layer)
{
    if (layer == 0 || layer > DISPLAY_LAYERS) {
        return -ENOENT;
    }
    int result = take_turn();
    if (result < 0) {
        return result;
    }
    if (state.layers[layer].name[0] == '\0') {
        return leave_turn(-ENOENT);
    }
    show(layer);
    return leave_turn(0);
}

int display_read_layer(uint32_t layer, struct display_layer *info)
{
    if (layer == 0 || layer > DISPLAY_LAYERS) {
        return -EINVAL;
    }
    *info = state.layers[layer];
    return 0;
}

/* The turn, if the layer is shown and the area within the picture. */
static int begin(uint32_t layer, const struct display_area *area)
{
    int result = take_turn();
    if (result < 0) {
        return result;
    }
    if (layer != state.shown || layer == 0) {
        return leave_turn(-EAGAIN);
    }
    if (area && (area->width == 0 || area->height == 0 || area->x >= state.glass.width ||
                 area->width > state.glass.width - area->x || area->y >= state.glass.height ||
                 area->height > state.glass.height - area->y)) {
        return leave_turn(-EINVAL);
    }
    return 0;
}

static int end_drawing(const struct display_area *area)
{
    struct damage damage = {area->x, area->y, area->x + area->width, area->y + area->height};
    add_damage(&state.damage[0], &damage);
    return leave_turn(0);
}

int display_blit(uint32_t layer, const struct display_area *area, const uint32_t *pixels,
                 size_t stride)
{
    int result = begin(layer, area);
    if (result < 0) {
        return result;
    }
    for (uint32_t y = 0; y < area->height; y++) {
        memcpy(picture_row(area->y + y) + area->x, pixels, (size_t)area->width * 4);
        pixels += stride;
    }
    return end_drawing(area);
}

int display_fill(uint32_t layer, const struct display_area *area, uint32_t colour)
{
    int result = begin(layer, area);
    if (result < 0) {
        return result;
    }
    for (uint32_t y = 0; y < area->height; y++) {
        uint32_t *to = picture_row(area->y + y) + area->x;
        for (uint32_t x = 0; x < area->width; x++) {
            to[x] = colour;
        }
    }
    return end_drawing(area);
}

/* Red and blue change places. */
static uint32_t swap_ends(uint32_t pixel)
{
    return (pixel & 0x00ff00u) | (pixel >> 16 & 0xffu) | (pixel & 0xffu) << 16;
}

/* Normal memory, though nobody caches it: memcpy() may go as it likes. */
static void copy_out(const struct damage *damage, uint32_t buffer)
{
    uint32_t width = damage->to_x - damage->from_x;
    for (uint32_t y = damage->from_y; y < damage->to_y && state.pieces[0]; y++) {
        const uint32_t *from = picture_row(y) + damage->from_x;
        uint32_t *to = glass_row(buffer, y) + damage->from_x;
        if (!state.glass.is_red_first) {
            memcpy(to, from, (size_t)width * 4);
            continue;
        }
        for (uint32_t x = 0; x < width; x++) {
            to[x] = swap_ends(from[x]);
        }
    }
#ifdef __aarch64__
    asm volatile("dsb sy" ::: "memory"); /* it has left the CPU before the firmware shows it */
#endif
}

int display_flush(uint32_t layer)
{
    int result = begin(layer, NULL);
    if (result < 0) {
        return result;
    }
    uint32_t back = has_two_buffers() ? 1 - state.front : 0;
    struct damage damage = state.damage[0];
    if (has_two_buffers()) {
        add_damage(&damage, &state.damage[1]);
    }
    copy_out(&damage, back);
    if (back != state.front) {
        if (setup_show_row(back * state.glass.height) == 0) {
            state.front = back;
        } else {
            copy_out(&damage, state.front); /* seen all the same; the two are alike then */
        }
    }
    state.damage[1] = state.damage[0];
    state.damage[0] = (struct damage){};
    state.layers[layer].flushes++;
    return leave_turn(0);
}

struct event *display_changed(void)
{
    return &state.changed;
}

/* In pieces: pages are given by powers of two, so as a whole it might take twice its size. */
static int take_picture(const struct glass *glass)
{
    size_t row_bytes = (size_t)glass->width * 4;
    size_t pages = 1;
    while (pages * PAGE_BYTES / row_bytes * PIECES < glass->height) {
        pages *= 2;
    }
    state.piece_rows = (uint32_t)(pages * PAGE_BYTES / row_bytes);
    for (uint32_t i = 0; i * state.piece_rows < glass->height; i++) {
        state.pieces[i] = page_mark_plain(page_allocate(pages));
        if (!state.pieces[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* Without a monitor all others go on: the calls say -ENODEV. */
static int start(void)
{
    event_init(&state.changed);
    int result = device_claim("raspberrypi,bcm2835-firmware", &state.device);
    if (result < 0) {
        return result;
    }
    struct glass glass;
    result = setup_glass(&glass);
    if (result == 0) {
        result = device_map_memory(&state.device, glass.base_pa, glass.bytes, &state.memory);
    }
    if (result < 0) {
        log_warning("framebuffer: the firmware gives none: error %d", result);
        return 0;
    }
    state.glass = glass;
    result = has_two_buffers() || glass.is_red_first ? take_picture(&glass) : 0;
    if (result < 0) {
        state.glass = (struct glass){};
        return result;
    }
    log_info("framebuffer: %u x %u at 0x%x, %u bytes a row, %u buffers", glass.width, glass.height,
             glass.base_pa, glass.pitch, has_two_buffers() ? 2 : 1);
    return 0;
}

static int health(void)
{
    return state.front < 2 && state.shown <= DISPLAY_LAYERS ? 0 : -EIO;
}

COMPONENT(framebuffer, .version = VERSION(1, 0, 0), .summary = "The picture on HDMI",
          .compatible = "raspberrypi,bcm2835-firmware", .start = start, .health = health);
