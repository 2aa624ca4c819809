/* SPDX-License-Identifier: MIT */
/* The picture's parts: drawing stays inside, phases follow one another. */
#include <criterion/criterion.h>

#define swap_last_ticket world_view_test_swap_last_ticket
#define swap_read_report world_view_test_swap_read_report
#define world_component world_view_test_world_component

#include "canvas.c"
#include "model.c"

#define MS_NS 1000000ull

#define SIDE 20u
#define AREA (SIDE * SIDE)

static uint32_t pixels[3 * AREA]; /* the middle third is drawn on */
static const struct canvas canvas = {pixels + AREA, SIDE, SIDE};
static struct world_component world[2];
static struct swap_report reports[8]; /* by ticket - 1 */
static unsigned report_count;
static struct model model;

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
    return 0;
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
        cr_expect_eq(model_phase(&model.components[0], now_ns), wanted[i], "%u", i);
        cr_expect_eq(model_phase(&model.components[1], now_ns), MODEL_CALM);
        cr_expect(model_is_moving(&model, now_ns));
    }
    reports[0].phase = SWAP_SETTLED;
    model_update(&model, 5000 * MS_NS);
    cr_expect_eq(model_phase(&model.components[0], 5000 * MS_NS), MODEL_CALM);
    cr_expect_str_eq(model.sentence, "counter 0.0.2 is in");
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
