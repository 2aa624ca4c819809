/* SPDX-License-Identifier: MIT */
/*
 * The world as a picture on layer 5: a box for each component, with version and state, a line from
 * who needs to whom it needs, the phases of what is being replaced (model.h) as colours.
 *
 * Drawn while it is shown, some times a second, into pages of ours, by whoever has the turn; they
 * are given back once it is hidden. What it remembers is in the state, so it goes on when it is
 * replaced itself - and shows that too.
 */
#include <errno.h>
#include <string.h>

#include <interface/display.h>
#include <interface/evolve.h>
#include <lib/turn.h>
#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/page.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "canvas.h"
#include "model.h"
#include "palette.h"

#define LAYER 5u
#define LAYER_NAME "world"
#define BOX_WIDTH 148
#define BOX_LINES 3 /* of text, or fewer where there are many boxes */
#define MARGIN 8
#define HEADER 56
#define LETTER 8
#define LINE_HEIGHT 16
#define MOVING_US 50000
#define CALM_US 250000

struct world_view {
    struct turn turn;     /* its holder may touch the rest */
    struct canvas canvas; /* pixels: pages; NULL while it is hidden */
    uint32_t is_short;    /* 1: there was no memory for them, since it is shown */
    struct model model;
    uint64_t pictures;
};

STATE(struct world_view) state = {};

static const uint32_t phase_colours[MODEL_PHASES] = {
    [MODEL_CALM] = PALETTE_CALM,           [MODEL_STAGE] = PALETTE_STAGE,
    [MODEL_DRAIN] = PALETTE_DRAIN,         [MODEL_COMMIT] = PALETTE_COMMIT,
    [MODEL_PROBATION] = PALETTE_PROBATION, [MODEL_TAKEN_BACK] = PALETTE_TAKEN_BACK,
};

static const char *phase_name(enum model_phase phase)
{
    return phase == MODEL_STAGE        ? "stage"
           : phase == MODEL_DRAIN      ? "drain"
           : phase == MODEL_COMMIT     ? "commit"
           : phase == MODEL_PROBATION  ? "probation"
           : phase == MODEL_TAKEN_BACK ? "taken back"
                                       : "";
}

static int count_columns(void)
{
    return MAX((state.canvas.width - MARGIN) / (BOX_WIDTH + MARGIN), 1);
}

/* From a row of boxes to the next, if all of them are to be seen. */
static int row_pitch(void)
{
    int rows = ((int)state.model.count + count_columns() - 1) / count_columns();
    return (state.canvas.height - HEADER - LINE_HEIGHT) / MAX(rows, 1);
}

static int height_of(int lines)
{
    return 4 + lines * LINE_HEIGHT;
}

/* Of a box: as many as leave room between the rows; most, so that one sees the bindings. */
static int count_lines(void)
{
    int lines = BOX_LINES;
    while (lines > 1 && row_pitch() < height_of(lines) + (lines == BOX_LINES ? MARGIN : 2)) {
        lines--;
    }
    return lines;
}

static int box_height(void)
{
    return height_of(count_lines());
}

/* Upper left corner of box `index`: rows of as many as fit. */
static void place(uint32_t index, int *x, int *y)
{
    int columns = count_columns();
    int pitch = MAX(row_pitch(), box_height() + 1);
    int room = (state.canvas.width - MARGIN) / columns;
    *x = MARGIN + (int)index % columns * room;
    *y = HEADER + (int)index / columns * MIN(pitch, 2 * height_of(BOX_LINES));
}

static int index_of(const char *name)
{
    for (uint32_t i = 0; i < state.model.count; i++) {
        if (strcmp(state.model.components[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void draw_bindings(uint32_t index)
{
    struct evolve_binding binding;
    int x, y, to_x, to_y;

    place(index, &x, &y);
    for (unsigned i = 0; evolve_read_binding(state.model.components[index].id, i, &binding) == 0;
         i++) {
        int provider = binding.is_needed ? index_of(binding.provider) : -1;
        if (provider >= 0) {
            place((uint32_t)provider, &to_x, &to_y);
            canvas_line(&state.canvas, x + BOX_WIDTH / 2, y + box_height() / 2,
                        to_x + BOX_WIDTH / 2, to_y + box_height() / 2, PALETTE_LINE);
        }
    }
}

/* Name; version and number of swaps; size of the state, or the phase. The last two in one line,
 * if need be: then the colour says more than its end, which may not fit. */
static void draw_component(uint32_t index, uint64_t now_ns)
{
    const struct model_component *component = &state.model.components[index];
    enum model_phase phase = model_phase(component, now_ns);
    char version[16], status[24], text[BOX_LINES][48];
    int x, y, lines = count_lines();

    (void)version_print(version, sizeof(version), component->version);
    (void)format_print(status, sizeof(status), "%llu B",
                       (unsigned long long)component->state_bytes);
    const char *third = phase == MODEL_CALM ? status : phase_name(phase);
    (void)format_print(text[0], sizeof(text[0]), "%s", component->name);
    (void)format_print(text[1], sizeof(text[1]), "%s x%u %s", version, component->swaps,
                       lines < BOX_LINES ? third : "");
    (void)format_print(text[2], sizeof(text[2]), "%s", third);
    place(index, &x, &y);
    canvas_fill(&state.canvas, x, y, BOX_WIDTH, box_height(), phase_colours[phase]);
    canvas_frame(&state.canvas, x, y, BOX_WIDTH, box_height(), PALETTE_EDGE);
    for (int i = 0; i < lines; i++) {
        canvas_text(&state.canvas, x + 5, y + 2 + i * LINE_HEIGHT, (BOX_WIDTH - 8) / LETTER,
                    text[i], PALETTE_INK);
    }
}

static void draw_header(uint64_t now_ns)
{
    struct world_totals totals;
    char text[160];
    const struct model *model = &state.model;
    int columns = (state.canvas.width - 2 * MARGIN) / LETTER;

    world_read_totals(&totals);
    (void)format_print(text, sizeof(text),
                       "The world after %llu s: %u components%s, %u threads, %u transactions",
                       (unsigned long long)(now_ns / 1000000000u), totals.components,
                       totals.components > model->count ? " (not all are shown)" : "",
                       totals.threads, totals.transactions);
    canvas_text(&state.canvas, MARGIN, 2, columns, text, PALETTE_INK);
    (void)format_print(
        text, sizeof(text), "stage %llu us, drain %llu us, blackout %llu us, worst %llu us",
        (unsigned long long)(model->stage_ns / 1000), (unsigned long long)(model->drain_ns / 1000),
        (unsigned long long)(model->blackout_ns / 1000),
        (unsigned long long)(totals.worst_blackout_ns / 1000));
    canvas_text(&state.canvas, MARGIN, 2 + LINE_HEIGHT, columns, text, PALETTE_DIM);
    canvas_text(&state.canvas, MARGIN, 2 + 2 * LINE_HEIGHT, columns,
                model->is_under_way ? "a transaction is under way" : model->sentence, PALETTE_DIM);
}

/* Turn held. Without memory it is tried again when it is shown the next time. */
static bool take_canvas(const struct display_mode *mode)
{
    if (state.canvas.pixels || state.is_short) {
        return !state.is_short;
    }
    size_t bytes = sizeof(uint32_t) * mode->width * mode->height;
    state.canvas = (struct canvas){
        .pixels = page_mark_plain(page_allocate((bytes + PAGE_BYTES - 1) / PAGE_BYTES)),
        .width = (int)mode->width,
        .height = (int)mode->height};
    state.is_short = !state.canvas.pixels;
    if (state.is_short) {
        log_warning("world_view: no memory for a picture of %u x %u", mode->width, mode->height);
    }
    return !state.is_short;
}

/* Turn held. */
static void give_canvas_back(void)
{
    page_free(state.canvas.pixels);
    state.canvas.pixels = NULL;
    state.is_short = 0;
}

/* Turn held. Returns the worker's result. */
static int draw(void)
{
    struct display_mode mode;
    uint64_t now_ns = time_now_ns();

    if (display_read_mode(&mode) < 0 || mode.shown != LAYER) {
        give_canvas_back();
        return -EAGAIN;
    }
    if (!take_canvas(&mode)) {
        return -EAGAIN;
    }
    model_update(&state.model, now_ns);
    canvas_fill(&state.canvas, 0, 0, state.canvas.width, state.canvas.height, PALETTE_SEA);
    for (uint32_t i = 0; i < state.model.count; i++) {
        draw_bindings(i);
    }
    for (uint32_t i = 0; i < state.model.count; i++) {
        draw_component(i, now_ns);
    }
    draw_header(now_ns);
    const struct display_area all = {0, 0, mode.width, mode.height};
    if (display_blit(LAYER, &all, state.canvas.pixels, mode.width) == 0 &&
        display_flush(LAYER) == 0) {
        state.pictures++;
    }
    return model_is_moving(&state.model, now_ns) ? MOVING_US : CALM_US;
}

/* argument: not NULL for the worker that also comes by itself, from time to time. */
static int step(void *argument)
{
    int result = -EAGAIN;
    if (!turn_take(&state.turn)) {
        return -EAGAIN;
    }
    do {
        result = draw();
    } while (turn_pass(&state.turn));
    return argument ? result : -EAGAIN;
}

static int start(void)
{
    struct display_mode mode;
    int result = display_read_mode(&mode);
    if (result < 0) {
        return 0; /* without a display there is nothing to do */
    }
    result = display_open(LAYER, LAYER_NAME);
    if (result < 0) {
        log_error("world_view: layer %u is taken", LAYER);
        return result;
    }
    const struct worker_config workers[] = {
        {.name = "world view shown", .step = step, .argument = &state, .event = display_changed()},
        {.name = "world view swaps", .step = step, .event = swap_event()},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(workers); i++) {
        result = worker_start(&workers[i]);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int health(void)
{
    return state.model.count <= MODEL_COMPONENTS ? 0 : -EIO;
}

static void stop(void)
{
    (void)display_close(LAYER); /* without a display there is none */
}

COMPONENT(world_view, .version = VERSION(1, 0, 0), .summary = "Live picture of the world",
          .start = start, .health = health, .stop = stop);
