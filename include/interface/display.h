/* SPDX-License-Identifier: MIT */
/*
 * The display: a picture of 32-bit pixels, 0x00RRGGBB. One provider.
 *
 * Several draw, one is seen: each has a layer, a number, and what is drawn on a layer that is not
 * shown is refused, so that nobody draws over another. Whoever's layer comes to be shown, which
 * display_changed() tells, draws all of it; what was there before stays on the glass until its
 * first display_flush(), if there are two buffers. All memory is the display's own: pixels are
 * copied from the caller.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(display, 1, 0);

#define DISPLAY_LAYERS 12u /* numbered from 1; by custom: 1-4 text, 5 the world, 6 up others */
#define DISPLAY_NAME_BYTES 24u

struct display_mode {
    uint32_t width, height; /* pixels */
    uint32_t buffers;       /* 2: a flush shows all of it at once; 1: it is seen as it grows */
    uint32_t shown;         /* the layer; 0: none yet */
};

struct display_area {
    uint32_t x, y, width, height;
};

struct display_layer {
    char name[DISPLAY_NAME_BYTES]; /* "": free */
    uint32_t is_shown;
    uint64_t flushes; /* pictures shown since it was opened */
};

/* Fills *mode. -ENODEV: there is no display. */
GATED(thread) int display_read_mode(struct display_mode *mode);

/*
 * Takes a layer, under a name (copied). The first one that is opened is shown. -EBUSY: another has
 * it under another name; under the same name it is the caller's again. -EINVAL: no such layer, or
 * no name. -ENODEV: there is no display.
 */
GATED(thread) int display_open(uint32_t layer, const char *name);

/* Gives a layer back; if it was shown, the lowest one left is. 0, also when nobody had it. */
GATED(thread) int display_close(uint32_t layer);

/* Shows a layer. -ENOENT: nobody has opened it. */
GATED(thread) int display_show(uint32_t layer);

/* Fills *info. -EINVAL: no such layer. */
GATED(thread) int display_read_layer(uint32_t layer, struct display_layer *info);

/*
 * Copies pixels into an area of the picture to come; stride: pixels from one row of the caller's to
 * the next, 0: the same row again. -EAGAIN: the layer is not shown. -EINVAL: the area is not within
 * the picture. -EBUSY: others draw all the time. These also from the two below.
 */
GATED(thread)
int display_blit(uint32_t layer, const struct display_area *area, const uint32_t *pixels,
                 size_t stride);

/* Fills an area of the picture to come with one colour. */
GATED(thread) int display_fill(uint32_t layer, const struct display_area *area, uint32_t colour);

/* Shows the picture with all that was drawn since the last flush. */
GATED(thread) int display_flush(uint32_t layer);

/* Signalled when another layer is shown. Lives as long as the display's state. */
GATED(any) struct event *display_changed(void);
