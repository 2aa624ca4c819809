/* SPDX-License-Identifier: MIT */
/*
 * Plasma: waves that add up, as colours. A demonstration: the code that draws is replaced between
 * two frames, and none is left out, shown twice, or late. The state says where the waves are, when
 * the next frame is due, and counts; the display counts the pictures it was given; `plasma`
 * compares.
 *
 * 1.0.0 draws rings in blue and gold, 2.0.0 (PLASMA_MAJOR=2) stripes in green and red.
 */
#include <errno.h>

#include <interface/command.h>
#include <interface/display.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "plasma.h"

#ifndef PLASMA_MAJOR
#define PLASMA_MAJOR 1
#endif

#define LAYER_NAME "plasma"
#define FRAME_NS 40000000u

struct plasma {
    uint32_t frame;         /* number of the next one */
    uint32_t width, height; /* 0: there is no display */
    uint32_t *row;          /* a page or two: one row of pixels */
    uint64_t refused; /* frames that somebody else's layer came before: drawn again, not left out */
    uint64_t due_ns;  /* when the next one is; 0: at once, since none was shown just before */
    uint64_t
        dropped; /* frames for which there was no time: whole periods that passed without one */
};

STATE(struct plasma) state = {};

/* A wave of 256 steps, from 0 to 255 and back: two parabolas, near enough to a sine. */
static uint32_t wave(uint32_t phase)
{
    uint32_t half = phase & 127;
    uint32_t height = half * (127 - half) / 32; /* 0 to 126 */
    return phase & 128 ? 127 - height : 128 + height;
}

static uint32_t colour_at(uint32_t x, uint32_t y, uint32_t time)
{
    if (PLASMA_MAJOR == 1) {
        uint32_t dx = x > 80 ? x - 80 : 80 - x, dy = y > 60 ? y - 60 : 60 - y;
        uint32_t value = (wave((dx * dx + dy * dy) / 16 + time * 3) + wave(x * 2 + time)) / 2;
        return value << 16 | (value * 3 / 4) << 8 | (255 - value);
    }
    uint32_t value = (wave(x * 4 + time * 2) + wave(y * 4 + wave(x + time) / 2)) / 2;
    return (255 - value) << 16 | value << 8 | 0x20;
}

/* One row of blocks. */
static void render(uint32_t block_y, uint32_t frame)
{
    for (uint32_t x = 0; x < state.width; x += PLASMA_BLOCK) {
        uint32_t block = x / PLASMA_BLOCK;
        uint32_t colour = colour_at(block, block_y, frame);
        if (block_y == 0 && block < PLASMA_NUMBER_BITS) {
            colour = frame >> block & 1 ? PLASMA_ONE : PLASMA_ZERO;
        }
        for (uint32_t i = x; i < x + PLASMA_BLOCK && i < state.width; i++) {
            state.row[i] = colour;
        }
    }
}

/* Draws a frame and shows it: the number goes on only when it has been seen. */
static int draw(void)
{
    for (uint32_t y = 0; y < state.height; y += PLASMA_BLOCK) {
        const struct display_area area = {0, y, state.width, MIN(PLASMA_BLOCK, state.height - y)};
        render(y / PLASMA_BLOCK, state.frame);
        int result = display_blit(PLASMA_LAYER, &area, state.row, 0);
        if (result < 0) {
            return result;
        }
    }
    int result = display_flush(PLASMA_LAYER);
    if (result == 0) {
        state.frame++;
    }
    return result;
}

/* Microseconds until the next frame; 0: now. */
static int wait(void)
{
    uint64_t now_ns = time_now_ns();
    return state.due_ns > now_ns ? (int)((state.due_ns - now_ns) / 1000 + 1) : 0;
}

static int step(void *argument)
{
    struct display_mode mode;
    (void)argument;
    if (display_read_mode(&mode) < 0 || mode.shown != PLASMA_LAYER) {
        state.due_ns = 0;
        return -EAGAIN; /* the display tells when it is */
    }
    int left_us = wait();
    if (left_us > 0) {
        return left_us;
    }
    uint64_t now_ns = time_now_ns();
    uint64_t late = state.due_ns != 0 ? (now_ns - state.due_ns) / FRAME_NS : 0;
    state.dropped += late;
    state.due_ns = (state.due_ns != 0 ? state.due_ns : now_ns) + (late + 1) * FRAME_NS;
    state.refused += draw() < 0;
    return wait();
}

static int run_command(int count, char *const words[], struct command_output *output)
{
    struct display_layer layer;

    (void)words;
    if (count != 1) {
        command_print(output, "usage: plasma\n");
        return -EINVAL;
    }
    int result = display_read_layer(PLASMA_LAYER, &layer);
    if (result < 0) {
        return result;
    }
    uint32_t frames = state.frame; /* both grow meanwhile, this one last */
    command_print(output,
                  "version %d: %u frames drawn, %llu shown, %llu tried again, %llu dropped\n",
                  PLASMA_MAJOR, frames, (unsigned long long)layer.flushes,
                  (unsigned long long)state.refused, (unsigned long long)state.dropped);
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {run_command,
                                               "plasma - tells how many frames it has drawn"};
    struct display_mode mode;
    int result = display_read_mode(&mode);
    if (result < 0) {
        return result;
    }
    result = display_open(PLASMA_LAYER, LAYER_NAME);
    if (result < 0) {
        return result;
    }
    state.row = page_allocate((mode.width * sizeof(uint32_t) + PAGE_BYTES - 1) / PAGE_BYTES);
    if (!state.row) {
        (void)display_close(PLASMA_LAYER); /* what failed first is told */
        return -ENOMEM;
    }
    state.width = mode.width;
    state.height = mode.height;
    result = offer_add(COMMAND_KIND, "plasma", &command, sizeof(command));
    if (result < 0) {
        return result;
    }
    const struct worker_config worker = {
        .name = "plasma", .step = step, .event = display_changed()};
    result = worker_start(&worker);
    return result < 0 ? result : display_show(PLASMA_LAYER);
}

static void stop(void)
{
    (void)display_close(PLASMA_LAYER); /* the display may have gone before */
}

COMPONENT(plasma, .version = VERSION(PLASMA_MAJOR, 0, 0), .summary = "Moving colours",
          .start = start, .stop = stop);
