/* SPDX-License-Identifier: MIT */
/* The display against a firmware that gives frame buffers of several kinds. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define component_self framebuffer_test_self
#define device_claim_owned framebuffer_test_device_claim
#define device_map_memory_owned framebuffer_test_device_map_memory
#define display_blit framebuffer_test_blit
#define display_changed framebuffer_test_changed
#define display_close framebuffer_test_close
#define display_fill framebuffer_test_fill
#define display_flush framebuffer_test_flush
#define display_open framebuffer_test_open
#define display_read_layer framebuffer_test_read_layer
#define display_read_mode framebuffer_test_read_mode
#define display_show framebuffer_test_show
#define event_init_owned framebuffer_test_event_init
#define event_signal framebuffer_test_event_signal
#define mailbox_call framebuffer_test_mailbox_call
#define page_allocate_owned framebuffer_test_page_allocate
#define page_mark_plain framebuffer_test_page_mark_plain
#define time_now_ns framebuffer_test_time_now_ns

#include "framebuffer.c"
#include "setup.c"

struct component {
    int unused;
};
struct component component_self;

#define MEMORY_BYTES (4u << 20)
#define NO_LIMIT UINT32_MAX

static uint8_t memory[MEMORY_BYTES];
static unsigned changes;
static uint32_t taken, page_limit = NO_LIMIT;
static struct {
    uint32_t width, height, order, extra_pitch;
    bool is_single, is_dumb, is_short, is_offset_refused;
    uint32_t pitch, row, revision;
} model = {.width = 320, .height = 200, .extra_pitch = 64};

uint64_t time_now_ns(void)
{
    static uint64_t now_ns;
    return now_ns += 1000;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, display_changed());
    changes++;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)device;
    (void)owner;
    cr_assert_str_eq(compatible, "raspberrypi,bcm2835-firmware");
    return 0;
}

int device_map_memory_owned(const struct device *device, uint64_t pa, uint64_t bytes,
                            volatile void **base, struct component *owner)
{
    (void)device;
    (void)owner;
    cr_assert_eq(pa, 0x3c100000u);
    cr_assert_leq(bytes, sizeof(memory));
    *base = memory;
    return 0;
}

void *page_mark_plain(void *pages)
{
    return pages;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    cr_assert_eq(__builtin_popcountl(count), 1, "%zu pages take more", count);
    if (count > page_limit - taken) {
        return NULL;
    }
    taken += (uint32_t)count;
    return calloc(count, PAGE_BYTES);
}

static void answer_tag(uint32_t *tag)
{
    static uint32_t height;
    tag[2] = tag[1];
    if (tag[0] == MAILBOX_FIRMWARE_REVISION) {
        tag[3] = model.revision;
    } else if (tag[0] == MAILBOX_PHYSICAL_SIZE) {
        tag[3] = model.width;
        tag[4] = model.height;
    } else if (tag[0] == MAILBOX_SET_VIRTUAL_SIZE) {
        if (model.is_single && tag[4] > model.height) {
            tag[4] = model.height;
        }
        model.pitch = tag[3] * 4 + model.extra_pitch;
        height = tag[4];
    } else if (tag[0] == MAILBOX_SET_PIXEL_ORDER) {
        tag[3] = model.order;
    } else if (tag[0] == MAILBOX_SET_VIRTUAL_OFFSET) {
        if (model.is_offset_refused) {
            tag[4] = 0;
        }
        model.row = tag[4];
    } else if (tag[0] == MAILBOX_ALLOCATE_BUFFER) {
        tag[3] = 0xfc100000u;
        tag[4] = model.pitch * height - (model.is_short ? 1 : 0);
    } else if (tag[0] == MAILBOX_PITCH) {
        tag[3] = model.pitch;
    }
}

int mailbox_call(uint32_t *tags, size_t words)
{
    if (model.is_dumb) {
        return -ETIMEDOUT;
    }
    for (size_t at = 0; at < words; at += 3 + tags[at + 1] / 4) {
        answer_tag(tags + at);
    }
    return 0;
}

/* What one sees. */
static uint32_t seen(uint32_t x, uint32_t y)
{
    uint32_t pixel;
    memcpy(&pixel, memory + (size_t)(model.row + y) * model.pitch + (size_t)x * 4, 4);
    return pixel;
}

static const struct display_area spot = {10, 20, 3, 2};

static void begin_with_layers(void)
{
    cr_assert_eq(start(), 0);
    cr_assert_eq(display_open(1, "one"), 0);
    cr_assert_eq(display_open(5, "five"), 0);
    cr_assert_eq(display_flush(1), 0);
}

Test(framebuffer, shows_what_was_drawn_once_it_is_flushed)
{
    const uint32_t pixels[] = {1, 2, 3, 4, 5, 6};
    begin_with_layers();
    cr_assert_eq(display_blit(1, &spot, pixels, 3), 0);
    cr_expect_eq(seen(10, 20), 0u);
    cr_assert_eq(display_flush(1), 0);
    for (unsigned i = 0; i < 6; i++) {
        cr_expect_eq(seen(10 + i % 3, 20 + i / 3), pixels[i]);
    }
    cr_expect_eq(seen(9, 20), 0u);
    cr_expect_eq(seen(13, 21), 0u);
}

Test(framebuffer, both_buffers_come_to_hold_each_change)
{
    struct display_mode mode;
    begin_with_layers();
    cr_assert_eq(display_read_mode(&mode), 0);
    cr_expect_eq(mode.buffers, 2u);
    uint32_t row = model.row;
    for (uint32_t i = 1; i <= 6; i++) {
        struct display_area area = {i * 20, i * 10, 5, 5};
        cr_assert_eq(display_fill(1, &area, i), 0);
        cr_assert_eq(display_flush(1), 0);
        cr_expect_neq(model.row, row, "the same buffer twice");
        row = model.row;
        for (uint32_t k = 1; k <= i; k++) {
            cr_expect_eq(seen(k * 20, k * 10), k, "after flush %u", i);
        }
    }
}

Test(framebuffer, one_buffer_will_do)
{
    struct display_mode mode;
    model.is_single = true;
    begin_with_layers();
    cr_assert_eq(display_read_mode(&mode), 0);
    cr_expect_eq(mode.buffers, 1u);
    cr_assert_eq(display_fill(1, &spot, 7), 0);
    cr_expect_eq(seen(12, 21), 7u);
    cr_assert_eq(display_flush(1), 0);
    cr_expect_eq(seen(12, 21), 7u);
    cr_expect_eq(model.row, 0u);
    cr_expect_eq(taken, 0u, "it is drawn on itself");
    cr_assert_eq(display_show(5), 0);
    cr_expect_eq(seen(12, 21), 0u);
}

Test(framebuffer, one_buffer_of_the_other_order_of_colours_will_do)
{
    model.is_single = true;
    model.order = 1;
    begin_with_layers();
    cr_expect_gt(taken, 0u);
    cr_assert_eq(display_fill(1, &spot, 0x123456), 0);
    cr_assert_eq(display_flush(1), 0);
    cr_expect_eq(seen(12, 21), 0x563412u);
}

Test(framebuffer, takes_one_buffer_where_two_would_be_lost)
{
    struct display_mode mode;
    model.revision = 346337;
    begin_with_layers();
    cr_assert_eq(display_read_mode(&mode), 0);
    cr_expect_eq(mode.buffers, 1u);
}

Test(framebuffer, is_seen_though_the_firmware_does_not_turn_over)
{
    begin_with_layers();
    cr_assert_neq(model.row, 0u);
    cr_assert_eq(display_flush(1), 0);
    cr_assert_eq(model.row, 0u);
    model.is_offset_refused = true;
    for (uint32_t colour = 7; colour < 9; colour++) {
        cr_assert_eq(display_fill(1, &spot, colour), 0);
        cr_assert_eq(display_flush(1), 0);
        cr_expect_eq(seen(10, 20), colour);
    }
}

Test(framebuffer, obeys_the_order_of_colours)
{
    model.order = 1;
    begin_with_layers();
    cr_assert_eq(display_fill(1, &spot, 0x123456), 0);
    cr_assert_eq(display_flush(1), 0);
    cr_expect_eq(seen(10, 20), 0x563412u);
}

Test(framebuffer, a_layer_that_is_not_shown_cannot_draw)
{
    struct display_layer info;
    begin_with_layers();
    cr_expect_eq(display_fill(5, &spot, 7), -EAGAIN);
    cr_expect_eq(display_blit(5, &spot, &spot.x, 0), -EAGAIN);
    cr_expect_eq(display_flush(5), -EAGAIN);
    unsigned before = changes;
    cr_assert_eq(display_show(5), 0);
    cr_expect_eq(changes, before + 1);
    cr_expect_eq(display_fill(5, &spot, 7), 0);
    cr_expect_eq(display_flush(5), 0);
    cr_expect_eq(display_fill(1, &spot, 7), -EAGAIN);
    cr_assert_eq(display_read_layer(5, &info), 0);
    cr_expect(info.flushes == 1 && info.is_shown && strcmp(info.name, "five") == 0);
    cr_assert_eq(display_read_layer(1, &info), 0);
    cr_expect(info.flushes == 1 && !info.is_shown);
}

Test(framebuffer, the_picture_stays_until_the_next_layer_has_drawn)
{
    begin_with_layers();
    cr_assert_eq(display_fill(1, &spot, 7), 0);
    cr_assert_eq(display_flush(1), 0);
    cr_assert_eq(display_show(5), 0);
    cr_expect_eq(seen(10, 20), 7u);
    cr_assert_eq(display_flush(5), 0);
    cr_expect_eq(seen(10, 20), 0u);
}

Test(framebuffer, layers_have_one_owner_each)
{
    begin_with_layers();
    cr_expect_eq(display_open(5, "six"), -EBUSY);
    cr_expect_eq(display_open(5, "five"), 0);
    cr_expect_eq(display_open(0, "none"), -EINVAL);
    cr_expect_eq(display_open(DISPLAY_LAYERS + 1, "none"), -EINVAL);
    cr_expect_eq(display_open(2, ""), -EINVAL);
    cr_expect_eq(display_show(2), -ENOENT);
    cr_assert_eq(display_show(5), 0);
    cr_assert_eq(display_close(5), 0);
    cr_expect_eq(state.shown, 1u);
    cr_expect_eq(display_open(5, "six"), 0);
}

Test(framebuffer, refuses_areas_outside)
{
    const struct display_area areas[] = {
        {320, 0, 1, 1}, {0, 200, 1, 1}, {319, 0, 2, 1},        {0, 199, 1, 2},
        {0, 0, 0, 1},   {0, 0, 1, 0},   {1, 0, UINT32_MAX, 1}, {0, 1, 1, UINT32_MAX},
    };
    begin_with_layers();
    for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
        cr_expect_eq(display_fill(1, &areas[i], 1), -EINVAL, "area %u", i);
    }
}

Test(framebuffer, takes_a_common_size_when_the_monitor_has_none)
{
    struct display_mode mode;
    model.width = model.height = 0;
    cr_assert_eq(start(), 0);
    cr_assert_eq(display_read_mode(&mode), 0);
    cr_expect(mode.width == 640 && mode.height == 480);
}

/* Of every size that monitors have, the whole picture, and not much more than it takes. */
Test(framebuffer, has_a_picture_in_pieces)
{
    static const uint32_t sizes[][2] = {{64, 64},     {640, 480},  {800, 600},   {1024, 768},
                                        {1280, 1024}, {1366, 768}, {1920, 1080}, {3840, 2160},
                                        {8192, 64},   {64, 8192},  {5462, 3000}, {4097, 8191}};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        const struct glass glass = {.width = sizes[i][0], .height = sizes[i][1]};
        size_t bytes = (size_t)glass.width * glass.height * 4;
        state = (struct framebuffer){.glass = glass};
        taken = 0;
        cr_assert_eq(take_picture(&glass), 0);
        cr_expect_leq((size_t)taken * PAGE_BYTES, bytes + bytes / 4, "%u x %u: %u pages",
                      glass.width, glass.height, taken);
        for (uint32_t y = 0; y < glass.height; y++) {
            uint32_t *row = picture_row(y);
            cr_assert(row[0] == 0 && row[glass.width - 1] == 0, "row %u is another's", y);
            row[0] = row[glass.width - 1] = y + 1;
        }
        for (uint32_t k = 0; k < PIECES; k++) {
            free(state.pieces[k]);
        }
    }
}

Test(framebuffer, says_that_there_is_no_memory_for_the_picture)
{
    page_limit = 10;
    cr_expect_eq(start(), -ENOMEM);
}

Test(framebuffer, does_without_a_display)
{
    struct display_mode mode;
    model.is_dumb = true;
    cr_assert_eq(start(), 0);
    cr_expect_eq(display_read_mode(&mode), -ENODEV);
    cr_expect_eq(display_open(1, "one"), -ENODEV);
    cr_expect_eq(display_fill(1, &spot, 1), -ENODEV);
}

Test(framebuffer, takes_no_buffer_that_is_too_short)
{
    struct display_mode mode;
    model.is_short = true;
    cr_assert_eq(start(), 0);
    cr_expect_eq(display_read_mode(&mode), -ENODEV);
}
