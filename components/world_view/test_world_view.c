/* SPDX-License-Identifier: MIT */
/* The picture's parts: drawing stays inside, phases follow one another; when it takes memory. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define component_self world_view_test_self
#define display_blit world_view_test_blit
#define display_changed world_view_test_changed
#define display_close world_view_test_close
#define display_flush world_view_test_flush
#define display_open world_view_test_open
#define display_read_mode world_view_test_read_mode
#define evolve_read_binding world_view_test_read_binding
#define log_write world_view_test_log_write
#define page_allocate_owned world_view_test_page_allocate
#define page_free world_view_test_page_free
#define page_mark_plain world_view_test_page_mark_plain
#define swap_event world_view_test_swap_event
#define swap_last_ticket world_view_test_swap_last_ticket
#define swap_read_report world_view_test_swap_read_report
#define time_now_ns world_view_test_time_now_ns
#define worker_start_owned world_view_test_worker_start
#define world_component world_view_test_world_component
#define world_read_totals world_view_test_read_totals

#include "canvas.c"
#include "model.c"
#include "world_view.c"

#define MS_NS 1000000ull

#define SIDE 20u
#define AREA (SIDE * SIDE)

static uint32_t pixels[3 * AREA]; /* the middle third is drawn on */
static const struct canvas canvas = {pixels + AREA, SIDE, SIDE};
static struct world_component world[2];
static struct swap_report reports[8]; /* by ticket - 1 */
static unsigned report_count;
static bool is_under_way; /* the last of them */
static struct model model;

struct component {
    int unused;
};
struct component component_self;

static struct display_mode mode = {640, 480, 1, 1};
static struct event event;
static unsigned pictures, blocks, warnings;
static bool is_memory_out;
static uint32_t seen[640 * 480]; /* what was blitted last */

int display_read_mode(struct display_mode *read)
{
    *read = mode;
    return mode.width != 0 ? 0 : -ENODEV;
}

int display_open(uint32_t layer, const char *name)
{
    (void)name;
    return layer == LAYER ? 0 : -EINVAL;
}

int display_close(uint32_t layer)
{
    (void)layer;
    return 0;
}

int display_blit(uint32_t layer, const struct display_area *area, const uint32_t *blitted,
                 size_t stride)
{
    cr_assert_eq(layer, LAYER);
    cr_assert(area->x == 0 && area->y == 0 && area->width == stride);
    cr_expect_eq(blitted[(size_t)area->height * stride - 1], PALETTE_SEA);
    memcpy(seen, blitted, sizeof(seen));
    return 0;
}

int display_flush(uint32_t layer)
{
    (void)layer;
    pictures++;
    return 0;
}

struct event *display_changed(void)
{
    return &event;
}

struct event *swap_event(void)
{
    return &event;
}

int evolve_read_binding(uint32_t component, unsigned index, struct evolve_binding *binding)
{
    if (component != 1 || index > 0) {
        return -ENOENT;
    }
    *binding = (struct evolve_binding){.is_needed = true};
    strcpy(binding->provider, "led");
    return 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)format;
    cr_assert_eq(level, LOG_WARNING);
    warnings++;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    cr_assert_eq(owner, &component_self);
    cr_assert_eq(count, 640u * 480 * 4 / PAGE_BYTES);
    blocks += is_memory_out ? 0 : 1;
    return is_memory_out ? NULL : calloc(count, PAGE_BYTES);
}

void page_free(void *freed)
{
    blocks -= freed ? 1 : 0;
    free(freed);
}

void *page_mark_plain(void *marked)
{
    return marked;
}

uint64_t time_now_ns(void)
{
    return MS_NS;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)config;
    (void)owner;
    return 1;
}

void world_read_totals(struct world_totals *totals)
{
    *totals = (struct world_totals){};
}

int world_component(uint32_t after, struct world_component *component)
{
    for (unsigned i = 0; i < 2; i++) {
        if (world[i].id > after) {
            *component = world[i];
            return 0;
        }
    }
    return -ENOENT;
}

uint32_t swap_last_ticket(void)
{
    return report_count;
}

int swap_read_report(uint32_t ticket, struct swap_report *report)
{
    if (ticket == 0 || ticket > report_count) {
        return -ENOENT;
    }
    *report = reports[ticket - 1];
    return is_under_way && ticket == report_count ? -EAGAIN : 0;
}

static uint32_t pixel(unsigned x, unsigned y)
{
    return pixels[AREA + y * SIDE + x];
}

static void expect_inside(void)
{
    for (unsigned i = 0; i < AREA; i++) {
        cr_assert(pixels[i] == 0 && pixels[2 * AREA + i] == 0, "pixel %u outside", i);
    }
}

Test(world_view, draws_only_inside)
{
    canvas_fill(&canvas, -5, -5, 100, 100, 1);
    canvas_frame(&canvas, -3, 15, 100, 100, 2);
    canvas_line(&canvas, -30, -10, 60, 70, 3);
    canvas_text(&canvas, 15, -3, 100, "text that is longer", 4);
    canvas_fill(&canvas, 25, 25, 3, 3, 5);
    expect_inside();
    cr_expect_eq(pixel(0, 0), 1u);
    cr_expect_eq(pixel(10, 15), 2u);
}

Test(world_view, a_line_ends_where_it_should)
{
    canvas_line(&canvas, 2, 17, 15, 3, 9);
    cr_expect(pixel(2, 17) == 9 && pixel(15, 3) == 9);
    canvas_line(&canvas, 4, 4, 4, 4, 8);
    cr_expect_eq(pixel(4, 4), 8u);
}

static void begin(void)
{
    world[0] = (struct world_component){.id = 1, .name = "counter", .version = 1, .build = 1};
    world[1] = (struct world_component){.id = 2, .name = "led", .version = 1, .build = 1};
    model_update(&model, MS_NS);
}

/* A new version of the counter is in. */
static void replace(enum swap_phase phase)
{
    world[0].version = 2;
    world[0].build = 2;
    world[0].swaps++;
    reports[report_count++] = (struct swap_report){
        .kind = SWAP_LOAD, .old = "counter", .new = "counter", .new_version = 2, .phase = phase};
}

Test(world_view, is_calm_at_first)
{
    begin();
    cr_expect_eq(model.count, 2u);
    cr_expect_eq(model_phase(&model.components[0], 2 * MS_NS), MODEL_CALM);
    cr_expect(!model_is_moving(&model, 2 * MS_NS));
}

Test(world_view, shows_the_phases_one_after_the_other)
{
    static const enum model_phase wanted[] = {MODEL_STAGE, MODEL_DRAIN, MODEL_COMMIT,
                                              MODEL_PROBATION};
    begin();
    replace(SWAP_ON_PROBATION);
    model_update(&model, 10 * MS_NS);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t now_ns = 20 * MS_NS + i * MODEL_PHASE_NS;
        model_update(&model, now_ns);
        cr_expect_eq(model_phase(&model.components[0], now_ns), wanted[i], "%u", i);
        cr_expect_eq(model_phase(&model.components[1], now_ns), MODEL_CALM);
        cr_expect(model_is_moving(&model, now_ns));
    }
    reports[0].phase = SWAP_SETTLED;
    model_update(&model, 5000 * MS_NS);
    cr_expect_eq(model_phase(&model.components[0], 5000 * MS_NS), MODEL_CALM);
    cr_expect_str_eq(model.sentence, "counter 0.0.2 is in");
}

/* One picture in a second. */
Test(world_view, leaves_no_phase_out_when_pictures_are_slow)
{
    static const enum model_phase wanted[] = {MODEL_STAGE, MODEL_DRAIN, MODEL_COMMIT,
                                              MODEL_PROBATION, MODEL_CALM};
    begin();
    replace(SWAP_SETTLED); /* soon */
    for (unsigned i = 0; i < 5; i++) {
        uint64_t now_ns = (10 + i * 1000ull) * MS_NS;
        model_update(&model, now_ns);
        cr_expect_eq(model_phase(&model.components[0], now_ns), wanted[i], "%u", i);
    }
}

Test(world_view, shows_what_was_taken_back)
{
    begin();
    replace(SWAP_ON_PROBATION);
    model_update(&model, 10 * MS_NS);
    world[0].version = world[0].build = 1;
    world[0].swaps++;
    reports[0].phase = SWAP_TAKEN_BACK;
    reports[0].result = -EIO;
    strcpy(reports[0].message, "it was unwell");
    model_update(&model, 500 * MS_NS);
    cr_expect_eq(model_phase(&model.components[0], 600 * MS_NS), MODEL_TAKEN_BACK);
    cr_expect_str_eq(model.sentence, "counter 0.0.2 taken back: it was unwell");
    cr_expect_eq(model_phase(&model.components[0], 9000 * MS_NS), MODEL_CALM);
}

Test(world_view, shows_a_drain_as_long_as_it_lasts)
{
    begin();
    reports[report_count++] = (struct swap_report){.kind = SWAP_LOAD};
    is_under_way = true;
    model_update(&model, 10 * MS_NS); /* it is staged */
    cr_expect_eq(model_phase(&model.components[0], 10 * MS_NS), MODEL_CALM);
    reports[0] = (struct swap_report){
        .ticket = 1, .kind = SWAP_LOAD, .old = "counter", .new = "counter", .phase = SWAP_DRAINING};
    for (unsigned i = 1; i < 10; i++) {
        model_update(&model, i * 1000 * MS_NS);
        cr_expect_eq(model_phase(&model.components[0], i * 1000 * MS_NS), MODEL_DRAIN);
        cr_expect_eq(model_phase(&model.components[1], i * 1000 * MS_NS), MODEL_CALM);
        cr_expect(model_is_moving(&model, i * 1000 * MS_NS));
        cr_expect_str_eq(model.sentence, "counter: waiting until nobody is inside");
    }
    is_under_way = false;
    reports[0] = (struct swap_report){.ticket = 1, .kind = SWAP_LOAD, .result = -ETIMEDOUT};
    model_update(&model, 10000 * MS_NS);
    cr_expect_eq(model_phase(&model.components[0], 10000 * MS_NS), MODEL_CALM);
    cr_expect(!model_is_moving(&model, 10000 * MS_NS));
}

Test(world_view, finds_the_last_ticket_when_it_is_new)
{
    report_count = 5;
    begin();
    cr_expect_eq(model.next_ticket, 6u);
}

Test(world_view, follows_components_that_come_and_go)
{
    begin();
    world[0].id = 3; /* left, and came back */
    world[1].id = 0;
    model_update(&model, 10 * MS_NS);
    cr_expect_eq(model.count, 1u);
    cr_expect_eq(model.components[0].id, 3u);
    world[1] = (struct world_component){.id = 4, .name = "new one", .version = 1};
    model_update(&model, 20 * MS_NS);
    cr_expect_eq(model_phase(&model.components[1], 30 * MS_NS), MODEL_STAGE);
}

static int show_layer(uint32_t layer)
{
    mode.shown = layer;
    return step(&state);
}

Test(world_view, has_memory_while_it_is_shown)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(step(&state), -EAGAIN);
    cr_expect_eq(blocks, 0);
    for (unsigned i = 1; i <= 3; i++) {
        cr_expect_eq(show_layer(LAYER), CALM_US);
        cr_expect_eq(step(NULL), -EAGAIN);
        cr_expect_eq(blocks, 1);
        cr_expect_eq(pictures, 2 * i);
        cr_expect_eq(show_layer(1), -EAGAIN);
        cr_expect_eq(step(NULL), -EAGAIN);
        cr_expect_eq(blocks, 0);
        cr_expect_eq(pictures, 2 * i);
    }
    cr_expect_eq(warnings, 0);
}

/* Whether words are to be seen somewhere, in ink. */
static bool is_written(const char *words)
{
    static uint32_t cells[FONT_HEIGHT * 640];
    unsigned columns = (unsigned)strlen(words) * FONT_WIDTH;
    const struct canvas line = {cells, (int)columns, FONT_HEIGHT};
    memset(cells, 0, sizeof(cells));
    canvas_text(&line, 0, 0, 80, words, PALETTE_INK);
    for (unsigned at = 0; at < (480 - FONT_HEIGHT) * 640 - columns; at++) {
        unsigned i = 0;
        while (i < FONT_HEIGHT * columns &&
               (cells[i] == PALETTE_INK) ==
                   (seen[at + i / columns * 640 + i % columns] == PALETTE_INK)) {
            i++;
        }
        if (i == FONT_HEIGHT * columns) {
            return true;
        }
    }
    return false;
}

static unsigned count_seen(uint32_t colour)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 640 * 480; i++) {
        count += seen[i] == colour;
    }
    return count;
}

Test(world_view, says_version_swaps_and_state_and_draws_bindings)
{
    begin();
    world[0].version = VERSION(1, 20, 3);
    world[0].swaps = 7;
    world[0].state_bytes = 48;
    cr_assert_eq(start(), 0);
    (void)show_layer(LAYER);
    cr_expect(is_written("counter") && is_written("1.20.3 x7") && is_written("48 B"));
    cr_expect(!is_written("48 KiB") && !is_written("1.20.3 x8"));
    cr_expect_geq(count_seen(PALETTE_LINE), 4); /* between two boxes side by side */
    replace(SWAP_ON_PROBATION);
    (void)step(&state);
    cr_expect(is_written("stage"));
    cr_expect_gt(count_seen(PALETTE_STAGE), 2000);
}

/* As many as there is room for are all to be seen, with what belongs to each in fewer lines. */
Test(world_view, makes_boxes_lower_where_there_are_many)
{
    static const struct {
        unsigned count;
        int lines;
    } cases[] = {{2, 3}, {24, 3}, {28, 2}, {40, 2}, {44, 1}, {MODEL_COMPONENTS, 1}};
    state.canvas = (struct canvas){.width = 640, .height = 480};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int x, y;
        state.model.count = cases[i].count;
        cr_expect_eq(count_lines(), cases[i].lines, "%u: %d", cases[i].count, count_lines());
        place(cases[i].count - 1, &x, &y);
        cr_expect_leq(x + BOX_WIDTH, 640);
        cr_expect_leq(y + box_height(), 480, "%u", cases[i].count);
    }
}

Test(world_view, gives_its_memory_back_when_the_display_is_gone)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(show_layer(LAYER), CALM_US);
    mode.width = 0;
    cr_expect_eq(step(&state), -EAGAIN);
    cr_expect_eq(blocks, 0);
}

Test(world_view, says_that_there_is_no_memory_and_tries_again_when_it_is_shown_again)
{
    cr_assert_eq(start(), 0);
    is_memory_out = true;
    cr_expect_eq(show_layer(LAYER), -EAGAIN);
    cr_expect_eq(step(NULL), -EAGAIN);
    cr_expect_eq(warnings, 1, "once");
    is_memory_out = false;
    cr_expect_eq(step(NULL), -EAGAIN);
    cr_expect_eq(blocks, 0);
    cr_expect_eq(health(), 0);
    cr_expect_eq(show_layer(1), -EAGAIN);
    cr_expect_eq(show_layer(LAYER), CALM_US);
    cr_expect_eq(blocks, 1);
    cr_expect_eq(pictures, 1);
    cr_expect_eq(warnings, 1);
    (void)show_layer(1);
}
