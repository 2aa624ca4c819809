/* SPDX-License-Identifier: MIT */
/* Frames against a display that the test plays. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define component_self plasma_test_self
#define display_blit plasma_test_blit
#define display_changed plasma_test_changed
#define display_close plasma_test_close
#define display_flush plasma_test_flush
#define display_open plasma_test_open
#define display_read_layer plasma_test_read_layer
#define display_read_mode plasma_test_read_mode
#define display_show plasma_test_show
#define offer_add_owned plasma_test_offer_add
#define page_allocate_owned plasma_test_page_allocate
#define time_now_ns plasma_test_time_now_ns
#define worker_start_owned plasma_test_worker_start

#include "plasma.c"

#define WIDTH 200u
#define HEIGHT 62u

struct component {
    int unused;
};
struct component component_self;

static uint32_t picture[HEIGHT][WIDTH];
static uint32_t shown, blits_left = UINT32_MAX, flushes;
static uint64_t now_ns = 1000;

int display_read_mode(struct display_mode *mode)
{
    *mode = (struct display_mode){WIDTH, HEIGHT, 2, shown};
    return 0;
}

int display_open(uint32_t layer, const char *name)
{
    cr_assert_str_eq(name, "plasma");
    return layer == PLASMA_LAYER ? 0 : -EINVAL;
}

int display_close(uint32_t layer)
{
    (void)layer;
    return 0;
}

int display_show(uint32_t layer)
{
    shown = layer;
    return 0;
}

int display_read_layer(uint32_t layer, struct display_layer *info)
{
    (void)layer;
    info->flushes = flushes;
    return 0;
}

int display_blit(uint32_t layer, const struct display_area *area, const uint32_t *pixels,
                 size_t stride)
{
    cr_assert(layer == PLASMA_LAYER && stride == 0);
    cr_assert(area->x + area->width <= WIDTH && area->y + area->height <= HEIGHT);
    if (blits_left-- == 0) {
        return -EAGAIN;
    }
    for (uint32_t y = area->y; y < area->y + area->height; y++) {
        memcpy(&picture[y][area->x], pixels, area->width * sizeof(uint32_t));
    }
    return 0;
}

int display_flush(uint32_t layer)
{
    (void)layer;
    flushes++;
    return 0;
}

struct event *display_changed(void)
{
    return NULL;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)kind;
    (void)name;
    (void)table;
    (void)size;
    (void)owner;
    return 1;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    return calloc(count, PAGE_BYTES);
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)config;
    (void)owner;
    return 1;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

static uint32_t number(void)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < PLASMA_NUMBER_BITS; i++) {
        value |= (picture[1][i * PLASMA_BLOCK + 1] == PLASMA_ONE ? 1u : 0) << i;
    }
    return value;
}

/* The next frame, when it is due. */
static void pass(void)
{
    int us = step(NULL);
    cr_assert(us >= 0 && us <= 40001);
    now_ns += (uint64_t)us * 1000;
}

Test(plasma, shows_each_frame_with_its_number)
{
    cr_assert_eq(start(), 0);
    for (uint32_t i = 0; i < 300; i++) {
        pass();
        cr_expect_eq(number(), i);
        cr_expect_eq(flushes, i + 1);
    }
    cr_expect_eq(state.dropped, 0u);
}

Test(plasma, a_frame_that_was_cut_off_comes_again)
{
    cr_assert_eq(start(), 0);
    pass();
    blits_left = 3;
    pass();
    cr_expect_eq(state.frame, 1u);
    cr_expect_eq(state.refused, 1u);
    pass();
    cr_expect_eq(number(), 1u);
}

/* Woken before: by the display, or since it is a successor. */
Test(plasma, waits_for_a_frames_time_and_keeps_the_pace)
{
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < 100; i++) {
        cr_expect_leq(step(NULL), 40001);
        now_ns += 10000000;
    }
    cr_expect_eq(flushes, 25u);
    cr_expect_eq(state.dropped, 0u);
}

Test(plasma, counts_the_frames_for_which_there_was_no_time)
{
    cr_assert_eq(start(), 0);
    pass();
    now_ns += 39000000; /* within the period: late, and still shown */
    pass();
    cr_expect_eq(state.dropped, 0u);
    now_ns += 300000000;
    pass();
    cr_expect_eq(state.dropped, 7u);
    pass();
    cr_expect_eq(state.dropped, 7u);
}

Test(plasma, rests_while_it_is_not_shown)
{
    cr_assert_eq(start(), 0);
    pass();
    shown = 1;
    cr_expect_eq(step(NULL), -EAGAIN);
    now_ns += 1000000000;
    shown = PLASMA_LAYER;
    pass();
    cr_expect_eq(flushes, 2u);
    cr_expect_eq(state.dropped, 0u);
}
